"""Normalisation of signals of which only some samples count.

Batch normalisation as PyTorch computes it: the biased variance normalises, the running
average takes the unbiased one and keeps 0.9 of itself. Statistics are sums over counts,
so under jit they are those of the global batch however it is sharded, and samples
beyond a window's length count for nothing. They are float32 whatever the computation.
"""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

EPSILON = 1e-5
KEPT = 0.9
STATISTICS = "batch_stats"
_GRAVITY = 9.80665


class BatchNorm(nn.Module):
    """Batch normalisation over the samples that count.

    Attributes:
      shape: of the statistics, with ones on the axes that are averaged away, less the
        leading batch axis: (1, 1, C), or (N, 1, C) per node.
      names: logical axis of each of those dimensions.
    """

    shape: tuple[int, ...]
    names: tuple[str | None, ...]

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B N T C"],
        counted: Bool[Array, "B _n _t _c"] | None,
        train: bool,
    ) -> Float[Array, "B N T C"]:
        """Normalised x, in its own dtype.

        In training the batch's statistics normalise, and the running ones move if
        their collection is mutable. Statistics of which no sample counts stay.

        Args:
          x: signal.
          counted: samples that enter the statistics; None for all.
          train: whether to normalise by the batch rather than the running averages.
        """
        scale, bias = affine(self, nn.initializers.ones, self.shape, self.names)
        mean = self.variable(STATISTICS, "mean", jnp.zeros, self.shape)
        var = self.variable(STATISTICS, "var", jnp.ones, self.shape)
        used_mean, used_var = mean.value, var.value
        if train:
            used_mean, used_var, count = moments(x, counted, mean.value)
            if not self.is_initializing() and self.is_mutable_collection(STATISTICS):
                unbiased = used_var * count / jnp.maximum(count - 1, 1)
                mean.value = _moved(mean.value, used_mean, count)
                var.value = _moved(var.value, unbiased, count)
        gain = scale * jax.lax.rsqrt(used_var + EPSILON)
        shift = bias - used_mean * gain
        return (x * gain[None] + shift[None]).astype(x.dtype)


class PhysicalScale(nn.Module):
    """A learned scale and offset per node and channel, without statistics.

    It starts from physical units: specific force in g, angular rate in rad/s. The
    input norm of an encoder that keeps no statistics; a layer norm over the input
    would let hidden nodes speak.
    """

    nodes: int
    channels: int

    @nn.compact
    def __call__(self, x: Float[Array, "B N T C"]) -> Float[Array, "B N T C"]:
        """Scaled x."""
        shape = (self.nodes, 1, self.channels)
        scale, bias = affine(self, _physical, shape, (None, None, None))
        return x * scale[None] + bias[None]


def affine(module: nn.Module, scale_init, shape, names) -> tuple[Array, Array]:
    """Parameters "scale" and "bias" of a normalisation."""
    box = nn.with_logical_partitioning
    scale = module.param("scale", box(scale_init, names), shape)
    bias = module.param("bias", box(nn.initializers.zeros, names), shape)
    return scale, bias


def moments(
    x: Float[Array, "B N T C"],
    counted: Bool[Array, "B _n _t _c"] | None,
    about: Float[Array, "_N _T C"],
) -> tuple[Array, Array, Array]:
    """Mean, biased variance and count over the axes on which `about` has size one.

    One pass over x. Squares are taken about a value near the mean (the running mean),
    so that little cancels in float32.

    Returns:
      three arrays shaped like `about`; 0, 0 and 0 where nothing counts.
    """
    axes = (0, *(i + 1 for i, size in enumerate(about.shape) if size == 1))
    about = jax.lax.stop_gradient(about)
    apart = x.astype(jnp.float32) - about[None]
    if counted is None:
        count = jnp.full(about.shape, x.size / about.size)
    else:
        apart = jnp.where(counted, apart, 0)
        # `counted` stands for all the places that it is broadcast to.
        copies = math.prod(x.shape[i] // counted.shape[i] for i in axes)
        count = copies * counted.sum(axes, keepdims=True)[0].astype(jnp.float32)
        count = jnp.broadcast_to(count, about.shape)
    divisor = jnp.maximum(count, 1)
    mean = apart.sum(axes, keepdims=True)[0] / divisor
    square = jnp.square(apart).sum(axes, keepdims=True)[0] / divisor
    var = jnp.maximum(square - jnp.square(mean), 0)
    return jnp.where(count > 0, about + mean, 0), var, count


def _moved(average: Array, seen: Array, count: Array) -> Array:
    return jnp.where(count > 0, KEPT * average + (1 - KEPT) * seen, average)


def _physical(key, shape, dtype=jnp.float32) -> Array:
    """Initial scale: channels 0-2 and 6 are m/s^2, the others rad/s."""
    del key
    channel = jnp.arange(shape[-1])
    force = (channel < 3) | (channel == 6)
    return jnp.broadcast_to(jnp.where(force, 1 / _GRAVITY, 1), shape).astype(dtype)
