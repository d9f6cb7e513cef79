"""Small encoders and random views."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from anymo_jax import encoder

# Three blocks: no residual, the identity, and a strided projection.
SMALL = encoder.EncoderConfig(channels=(4, 4, 6), strides=(1, 1, 2), kernel=5)


def variables(config=SMALL, seed=0):
    """Random parameters and statistics, so that nothing is hidden by a 0 or a 1.

    Drawn by NumPy, which spares each test the compilation of `init`.
    """
    rng = np.random.default_rng(seed)
    shapes = jax.eval_shape(lambda: encoder.init(jax.random.key(0), config))

    def draw(path, leaf):
        name, noise = path[-1].key, rng.normal(size=leaf.shape)
        if name == "kernel":
            fan_in = leaf.shape[-2] * (leaf.shape[0] if "conv" in str(path) else 1)
            value = noise / np.sqrt(fan_in)
        elif name in ("var", "scale", "importance"):
            value = 1 + 0.3 * np.abs(noise)
        else:
            value = 0.3 * noise
        return jnp.asarray(value, jnp.float32)

    return jax.tree.map_with_path(draw, shapes)


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
