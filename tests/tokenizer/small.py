"""A tokenizer of small sizes and random inputs for it."""

import jax
import jax.numpy as jnp
import numpy as np

from anymo_jax import tokenizer
from anymo_jax.tokenizer.config import TokenizerConfig

CONFIG = TokenizerConfig(
    latent=12, bottleneck=8, entries=24, decoder_width=16, dilations=(1, 2)
)


def variables(config=CONFIG, seed=0):
    """Fresh variables whose norms scale and shift, and whose biases are not zero."""
    found = tokenizer.init(jax.random.key(seed), config)
    rng = np.random.default_rng(seed)
    params = jax.tree.map(
        lambda leaf: leaf + 0.2 * rng.normal(size=leaf.shape).astype(np.float32),
        found["params"],
    )
    return {**found, "params": params}


def latents(batch=3, steps=11, config=CONFIG, seed=0):
    """(B, L, D) float32."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, steps, config.latent)).astype(np.float32)


def chunk_batch(count, config=CONFIG, seed=0, modes=40):
    """Chunks (M, G, C) in clusters of uneven size, as float32 on the device."""
    rng = np.random.default_rng(seed)
    shape = (config.codebooks, config.code_width)
    centre = np.random.default_rng(1000).normal(size=(modes, *shape))
    share = np.random.default_rng(1001).dirichlet(np.full(modes, 0.5))
    mode = rng.choice(modes, count, p=share)
    chunks = centre[mode] + 0.1 * rng.normal(size=(count, *shape))
    return jnp.asarray(chunks, jnp.float32)
