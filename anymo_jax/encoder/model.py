"""The encoder of setup-agnostic motion latents (paper, sections 3.2 and A.2).

    signal (B, T, 23, 6) -> input norm -> mask token where nothing is observed
      -> ten spatio-temporal blocks -> mean over nodes -> latent (B, T', 256)

T' = ceil(T / 4). Nothing beyond a window's `length` reaches its latent: every block
zeroes those frames, and statistics of batches leave them out.

In training the input norm's statistics take in the true signals of hidden nodes too,
as in the official code, which masks after that norm. With running averages the norm
acts on each node and channel by itself, so what a real sparse recording holds at its
hidden nodes, even NaN, changes nothing.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from anymo_jax.encoder.block import Block, masked, strided
from anymo_jax.encoder.config import EncoderConfig
from anymo_jax.encoder.norm import STATISTICS, BatchNorm, PhysicalScale
from anymo_jax.views.masks import with_magnitudes

Either = Array | np.ndarray


class STGCNEncoder(nn.Module):
    """ST-GCN over the body graph."""

    config: EncoderConfig

    @nn.compact
    def __call__(
        self,
        signal: Float[Either, "B T N C"],
        visible: Bool[Either, "B N"],
        channel_valid: Bool[Either, "B N C"] | None = None,
        length: Int[Either, "B"] | None = None,
        train: bool = False,
    ) -> Float[Array, "B L D"]:
        """Latents of windows, float32, zero beyond their valid steps.

        Args:
          signal: as `body.view.View.signal`, any number of frames.
          visible: nodes that carry a sensor.
          channel_valid: channels that a node's sensor has; None for all of them.
          length: valid frames, at least 1; None for all.
          train: normalise by the batch, and move the running averages where their
            collection is mutable.
        """
        config = self.config
        signal, visible = jnp.asarray(signal), jnp.asarray(visible)
        if channel_valid is None:
            batch, _, nodes, channels = signal.shape
            channel_valid = jnp.ones((batch, nodes, channels), bool)
        channel_valid = jnp.asarray(channel_valid)
        if config.magnitudes:
            signal, channel_valid = with_magnitudes(signal, channel_valid)
        frames = valid_frames(length, signal.shape[1])
        x = signal.transpose(0, 2, 1, 3)
        x = self._normalised(x, channel_valid[:, :, None], frames, train)
        x = self._observed(x, (visible[:, :, None] & channel_valid)[:, :, None])
        x = masked(x, frames).astype(config.compute_dtype)
        make = nn.remat(Block, static_argnums=(3,)) if config.remat else Block
        for i, stride in enumerate(config.strides):
            x = make(config, i, name=f"block_{i}")(x, frames, train)
            frames = strided(frames, stride)
        return x.astype(jnp.float32).mean(axis=1)

    def _normalised(self, x: Array, valid: Array, frames, train: bool) -> Array:
        nodes, features = self.config.nodes, self.config.features
        counted = valid if frames is None else valid & frames
        # What does not count means nothing, and may be NaN.
        x = jnp.where(counted, x, 0)
        if self.config.norm == "layer":
            return PhysicalScale(nodes, features, name="data_norm")(x)
        shape = (nodes, 1, features)
        norm = BatchNorm(shape, (None, None, None), name="data_norm")
        return norm(x, counted, train)

    def _observed(self, x: Array, shown: Array) -> Array:
        zeros = nn.with_logical_partitioning(nn.initializers.zeros, (None,))
        token = self.param("mask_token", zeros, (self.config.features,))
        return jnp.where(shown, x, token[None, None, None])


def valid_frames(
    length: Int[Either, "B"] | None, frames: int
) -> Bool[Array, "B 1 T 1"] | None:
    """Which of `frames` frames lie within each length; None where all do."""
    if length is None:
        return None
    return (jnp.arange(frames)[None] < length[:, None])[:, None, :, None]


def init(key: Key[Array, ""], config: EncoderConfig) -> dict:
    """Fresh variables: {"params": ..., "batch_stats": ...}, plain dicts of arrays.

    There are no "batch_stats" where `config.norm` keeps none.
    """
    return nn.meta.unbox(_boxed(key, config))


def axes(config: EncoderConfig) -> dict:
    """Logical axes like the params: one name ("embed", "mlp", ...) or None each."""
    boxed = jax.eval_shape(lambda: _boxed(jax.random.key(0), config))["params"]
    return jax.tree.map(
        lambda box: box.names,
        boxed,
        is_leaf=lambda x: isinstance(x, nn.meta.AxisMetadata),
    )


def train_pass(
    config: EncoderConfig,
    variables: dict,
    signal: Float[Either, "B T N C"],
    visible: Bool[Either, "B N"],
    channel_valid: Bool[Either, "B N C"] | None,
    length: Int[Either, "B"] | None,
    *,
    sparse: bool,
) -> tuple[Float[Array, "B L D"], dict]:
    """One of a training step's passes: its latents, and the variables after it.

    The running averages move as `config.norm_updates` says; the statistics of this
    pass normalise it in any case.

    Args:
      sparse: whether this pass sees a masked view, as at inference, or a full one.
    """
    view = (signal, visible, channel_valid, length)
    moves = config.norm == "batch" and (sparse or config.norm_updates == "all")
    if not moves:
        return STGCNEncoder(config).apply(variables, *view, train=True), variables
    latent, moved = STGCNEncoder(config).apply(
        variables, *view, train=True, mutable=[STATISTICS]
    )
    return latent, {**variables, **moved}


# Compiled, so that of the forward pass only the shapes are worked out.
@functools.partial(jax.jit, static_argnames="config")
def _boxed(key: Array, config: EncoderConfig) -> dict:
    signal = jnp.zeros((1, 1, config.nodes, config.in_channels))
    visible = jnp.ones((1, config.nodes), bool)
    return STGCNEncoder(config).init(key, signal, visible)
