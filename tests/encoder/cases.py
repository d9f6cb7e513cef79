"""Small encoders and random views."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from anymo_jax import encoder

# Three blocks: no residual, the identity, and a strided projection.
SMALL = encoder.EncoderConfig(channels=(4, 4, 6), strides=(1, 1, 2), kernel=5)


def variables(config=SMALL, seed=0):
    """Random parameters and statistics, so that nothing is hidden by a 0 or a 1."""
    fresh = encoder.init(jax.random.key(seed), config)
    leaves, tree = jax.tree.flatten(fresh)
    keys = jax.random.split(jax.random.key(seed + 1), len(leaves))
    moved = [
        leaf + 0.3 * jnp.abs(jax.random.normal(key, leaf.shape))
        for leaf, key in zip(leaves, keys, strict=True)
    ]
    return jax.tree.unflatten(tree, moved)


def views(batch=3, frames=24, seed=0):
    """Signals, visible nodes and valid channels."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(batch, frames, 23, 6)) * 4 + 2
    visible = rng.random((batch, 23)) < 0.4
    valid = np.ones((batch, 23, 6), bool)
    return signal.astype(np.float32), visible, valid


@functools.partial(jax.jit, static_argnames=("config", "train"))
def latent(given, *view, config=SMALL, train=False):
    """Latents without moving the averages."""
    return encoder.STGCNEncoder(config).apply(given, *view, train)


@functools.partial(jax.jit, static_argnames=("config", "sparse"))
def train_pass(given, *view, config=SMALL, sparse=True):
    """`encoder.train_pass`, compiled."""
    return encoder.train_pass(config, given, *view, sparse=sparse)
