"""One spatio-temporal block of the ST-GCN (Yan et al. 2018; paper, section A.2).

    y = relu( norm(conv9(relu(norm(graph(x))))) + residual(x) )

Signals lie as (B, N, T, C): the temporal convolution then runs over contiguous rows of
a node, which on a CPU was twice as fast as (B, T, N, C). Frames beyond a window's
length are zero at the input and the output of a block and before its convolution, as
the zero padding of a shorter window would be.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from anymo_jax.encoder import graph
from anymo_jax.encoder.config import EncoderConfig
from anymo_jax.encoder.norm import EPSILON, BatchNorm

Frames = Bool[Array, "B 1 T 1"] | None


class Block(nn.Module):
    """Graph convolution, then temporal convolution, beside a residual.

    Attributes:
      config: of the encoder.
      index: of the block; the first has no residual.
    """

    config: EncoderConfig
    index: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "B N T C"], frames: Frames, train: bool
    ) -> Float[Array, "B N t D"]:
        """A block's output, t = ceil(T / stride).

        Args:
          x: zero where `frames` is false.
          frames: valid frames; None where all are.
          train: normalise by the batch.
        """
        width, stride = _shape(self.config, self.index)
        after = strided(frames, stride)
        h = GraphConv(self.config, width, name="graph")(x)
        h = Norm(self.config, width, name="norm1")(h, frames, train)
        h = masked(nn.relu(h), frames)
        h = TemporalConv(width, self.config.kernel, stride, name="conv")(h)
        h = Norm(self.config, width, name="norm2")(h, after, train)
        return masked(nn.relu(h + self._residual(x, after, train)), after)

    def _residual(self, x: Array, after: Frames, train: bool) -> Array | float:
        width, stride = _shape(self.config, self.index)
        if self.index == 0:
            return 0.0
        if not has_projection(self.config, self.index):
            return x
        x = TemporalConv(width, 1, stride, name="residual")(x)
        return Norm(self.config, width, name="residual_norm")(x, after, train)


class GraphConv(nn.Module):
    """sum_k aggregate_k(x) W_k + b_k over the partitions k of the body graph."""

    config: EncoderConfig
    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "B N T C"]) -> Float[Array, "B N T D"]:
        """Each node's mixture of its neighbourhood."""
        shape = (graph.PARTITIONS, x.shape[-1], self.width)
        kernel_init = nn.initializers.variance_scaling(
            1 / 3, "fan_in", "uniform", batch_axis=0
        )
        box = nn.with_logical_partitioning
        kernel = self.param("kernel", box(kernel_init, (None, "embed", "mlp")), shape)
        bias = self.param(
            "bias",
            box(nn.initializers.zeros, (None, "mlp")),
            (graph.PARTITIONS, self.width),
        )
        weight = jnp.asarray(graph.adjacency())
        if self.config.edge_importance:
            ones = box(nn.initializers.ones, (None, None, None))
            weight = weight * self.param("importance", ones, weight.shape)
        aggregate = graph.resolve(self.config.message_passing)
        gathered = aggregate(x, weight.astype(x.dtype))
        # Apart per partition: joined along the channels they would be copied.
        mixed = sum(
            g @ w for g, w in zip(gathered, kernel.astype(x.dtype), strict=True)
        )
        offset = graph.aggregated_bias(weight, bias).astype(x.dtype)
        return mixed + offset[None, :, None]


class TemporalConv(nn.Module):
    """Convolution over time, the same at every node."""

    width: int
    kernel: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "B N T C"]) -> Float[Array, "B N t D"]:
        """Convolved x, zero-padded to ceil(T / stride) frames."""
        shape = (self.kernel, x.shape[-1], self.width)
        box = nn.with_logical_partitioning
        kernel_init = nn.initializers.variance_scaling(1 / 3, "fan_in", "uniform")
        names = ("kernel", "embed", "mlp")
        kernel = self.param("kernel", box(kernel_init, names), shape).astype(x.dtype)
        zeros = box(nn.initializers.zeros, ("mlp",))
        bias = self.param("bias", zeros, (self.width,)).astype(x.dtype)
        if self.kernel == 1:
            return x[:, :, :: self.stride] @ kernel[0] + bias[None, None, None]
        half = self.kernel // 2
        convolved = jax.lax.conv_general_dilated(
            x,
            kernel[None],
            window_strides=(1, self.stride),
            padding=((0, 0), (half, half)),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )
        return convolved + bias[None, None, None]


class Norm(nn.Module):
    """The normalisation that the config names, over the channels of a block."""

    config: EncoderConfig
    width: int

    @nn.compact
    def __call__(
        self, x: Float[Array, "B N T C"], frames: Frames, train: bool
    ) -> Float[Array, "B N T C"]:
        """Normalised x."""
        if self.config.norm == "batch":
            norm = BatchNorm((1, 1, self.width), (None, None, "mlp"), name="batch")
            return norm(x, frames, train)
        box = nn.with_logical_partitioning
        norm = nn.LayerNorm(
            epsilon=EPSILON,
            dtype=x.dtype,
            scale_init=box(nn.initializers.ones, ("mlp",)),
            bias_init=box(nn.initializers.zeros, ("mlp",)),
            name="layer",
        )
        return norm(x)


def has_projection(config: EncoderConfig, index: int) -> bool:
    """Whether a block's residual needs a convolution to fit its output."""
    if index == 0:
        return False
    width, stride = _shape(config, index)
    return stride != 1 or width != config.channels[index - 1]


def strided(frames: Frames, stride: int) -> Bool[Array, "B 1 t 1"] | None:
    """Valid frames after a stride: ceil(length / stride) of them."""
    return None if frames is None else frames[:, :, ::stride]


def masked(x: Float[Array, "B N T C"], frames: Frames) -> Float[Array, "B N T C"]:
    """x, zero where a frame is not valid."""
    return x if frames is None else jnp.where(frames, x, 0)


def _shape(config: EncoderConfig, index: int) -> tuple[int, int]:
    return config.channels[index], config.strides[index]
