"""What an encoder and a predictor are, as hashable facts (paper, sections 3.2 and A.2).

Both configs are static arguments of jitted functions, so they hold no arrays.
"""

import dataclasses

import jax.numpy as jnp

from anymo_jax.body.skeleton import XSENS

IMU_CHANNELS = 6


@dataclasses.dataclass(frozen=True)
class EncoderConfig:
    """An ST-GCN over the body graph; the defaults are the paper's.

    Attributes:
      channels: width of each block's output.
      strides: temporal stride of each block.
      kernel: taps of the temporal convolutions, odd.
      in_channels: channels of the signal, 6 for an IMU.
      magnitudes: also feed |acceleration| and |angular rate|, which no mounting
        rotation changes; needs the six channels of an IMU.
      edge_importance: learn a factor per edge of each block (ST-GCN).
      norm: 'batch' as the official code; 'layer' normalises each node and frame over
        its channels and keeps no statistics, so that training and inference agree.
      norm_updates: which passes of a training step move the running averages of
        'batch': 'all' as the official code, or the 'sparse' ones, which alone look
        like inference.
      dtype: of the computation. Parameters, statistics and latents stay float32.
      remat: recompute each block in the backward pass; less memory, more time.
      message_passing: 'dense' or 'jraph', which agree, or 'auto', the one measured
        faster on the backend in use (`graph.resolve`).
    """

    channels: tuple[int, ...] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256)
    strides: tuple[int, ...] = (1, 1, 1, 1, 2, 1, 1, 2, 1, 1)
    kernel: int = 9
    in_channels: int = IMU_CHANNELS
    magnitudes: bool = False
    edge_importance: bool = True
    norm: str = "batch"
    norm_updates: str = "all"
    dtype: str = "float32"
    remat: bool = False
    message_passing: str = "auto"

    def __post_init__(self):
        if not self.channels or len(self.channels) != len(self.strides):
            raise ValueError(
                f"channels has {len(self.channels)} blocks and strides "
                f"{len(self.strides)}; give one of each per block, at least one"
            )
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel={self.kernel} has no middle; use an odd number")
        if self.magnitudes and self.in_channels != IMU_CHANNELS:
            raise ValueError(
                f"magnitudes need the {IMU_CHANNELS} channels of an IMU, not "
                f"in_channels={self.in_channels}"
            )
        _check_choice(self, "norm", ("batch", "layer"))
        _check_choice(self, "norm_updates", ("all", "sparse"))
        _check_choice(self, "dtype", ("float32", "bfloat16"))
        _check_choice(self, "message_passing", ("auto", "dense", "jraph"))

    @property
    def nodes(self) -> int:
        """Nodes of the body graph, one per segment."""
        return len(XSENS)

    @property
    def features(self) -> int:
        """Channels per node that the first block reads, magnitudes included."""
        return self.in_channels + 2 * self.magnitudes

    @property
    def width(self) -> int:
        """Width of the latent."""
        return self.channels[-1]

    def latent_length(self, length):
        """Latent steps of `length` frames (int or array), by default ceil(length/4)."""
        for stride in self.strides:
            length = -(-length // stride)
        return length

    @property
    def compute_dtype(self):
        """`dtype` as JAX knows it."""
        return jnp.dtype(self.dtype)


@dataclasses.dataclass(frozen=True)
class PredictorConfig:
    """The temporal Transformer from sparse to full latents; the paper's by default.

    Attributes:
      layers: Transformer blocks.
      width: of the latents, in and out.
      heads: of attention; they divide `width`.
      mlp: hidden width of the feed-forward layers, in multiples of `width`.
      max_length: learned positions, the longest sequence.
      dtype: of the computation; parameters and predictions stay float32.
      remat: recompute each block in the backward pass.
    """

    layers: int = 6
    width: int = 256
    heads: int = 8
    mlp: int = 4
    max_length: int = 75
    dtype: str = "float32"
    remat: bool = False

    def __post_init__(self):
        if self.width % self.heads:
            raise ValueError(f"heads={self.heads} do not divide width={self.width}")
        _check_choice(self, "dtype", ("float32", "bfloat16"))

    @property
    def compute_dtype(self):
        """`dtype` as JAX knows it."""
        return jnp.dtype(self.dtype)


def _check_choice(config, field: str, choices: tuple[str, ...]) -> None:
    value = getattr(config, field)
    if value not in choices:
        raise ValueError(f"{field}={value!r} is none of {', '.join(choices)}")
