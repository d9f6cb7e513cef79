"""Sizes of a Qwen2 model, and those that Qwen2.5 was published in."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax

_DTYPES = ("float32", "bfloat16")
_ATTENTION = ("auto", "xla", "cudnn")


@dataclasses.dataclass(frozen=True)
class Qwen2Config:
    """What a Qwen2 model looks like and how it computes.

    Attributes:
      vocab_size: V, rows of the token embedding and of the head.
      hidden_size: D.
      intermediate_size: width of the gated MLP.
      layers: decoder layers.
      heads: H, query heads.
      kv_heads: key and value heads; each serves heads / kv_heads query heads.
      head_dim: width of a head, even.
      rope_theta: base of the rotary frequencies.
      norm_epsilon: of every RMSNorm.
      initializer_range: standard deviation of fresh kernels and embeddings. Qwen2's own
        suits its widths; a narrow model that is trained from nothing learns faster from
        about one over the root of its width.
      tie_embeddings: the token embedding is the head too.
      max_length: longest context in tokens.
      dtype: of the arithmetic, "float32" or "bfloat16"; norms, softmax and logits are
        float32 in both. Parameters have a dtype of their own.
      remat: layers are computed again in the backward pass instead of kept.
      attention: "cudnn" (flash attention, bfloat16 only), "xla", or "auto", the first
        where the GPU and the sizes allow it.

    Raises:
      ValueError: names the field that is out of range.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    rope_theta: float = 1e6
    norm_epsilon: float = 1e-6
    initializer_range: float = 0.02
    tie_embeddings: bool = True
    max_length: int = 32768
    dtype: str = "float32"
    remat: bool = False
    attention: str = "auto"

    def __post_init__(self):
        for name in (
            *("vocab_size", "hidden_size", "intermediate_size", "layers"),
            *("heads", "kv_heads", "head_dim", "max_length"),
        ):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        for name in ("rope_theta", "norm_epsilon", "initializer_range"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; give more than 0")
        if self.heads % self.kv_heads:
            raise ValueError(
                f"heads is {self.heads}; give a multiple of kv_heads={self.kv_heads}"
            )
        if self.head_dim % 2:
            raise ValueError(
                f"head_dim is {self.head_dim}; give an even number, since rotary "
                "positions turn pairs"
            )
        if self.dtype not in _DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}; give one of {_DTYPES}")
        if self.attention not in _ATTENTION:
            raise ValueError(
                f"attention is {self.attention!r}; give one of {_ATTENTION}"
            )
        if self.attention == "cudnn" and self.dtype != "bfloat16":
            raise ValueError(
                f"attention 'cudnn' computes in bfloat16, dtype is {self.dtype!r}; "
                "change either"
            )

    @property
    def initializer(self) -> Callable[..., Any]:
        """Of fresh kernels and embeddings."""
        return jax.nn.initializers.normal(self.initializer_range)


PRESETS: dict[str, Qwen2Config] = {
    "tiny": Qwen2Config(
        vocab_size=8192,
        hidden_size=128,
        intermediate_size=384,
        layers=4,
        heads=4,
        kv_heads=2,
        head_dim=32,
        max_length=2048,
    ),
    "0.5b": Qwen2Config(
        vocab_size=151936,
        hidden_size=896,
        intermediate_size=4864,
        layers=24,
        heads=14,
        kv_heads=2,
        head_dim=64,
        dtype="bfloat16",
    ),
    "1.5b": Qwen2Config(
        vocab_size=151936,
        hidden_size=1536,
        intermediate_size=8960,
        layers=28,
        heads=12,
        kv_heads=2,
        head_dim=128,
        max_length=131072,
        dtype="bfloat16",
    ),
    "7b": Qwen2Config(
        vocab_size=152064,
        hidden_size=3584,
        intermediate_size=18944,
        layers=28,
        heads=28,
        kv_heads=4,
        head_dim=128,
        tie_embeddings=False,
        max_length=131072,
        dtype="bfloat16",
    ),
}


def preset(name: str, **changes: Any) -> Qwen2Config:
    """A named size, Qwen2.5's or "tiny", with fields changed.

    Raises:
      ValueError: for a name that is not in `PRESETS`.
    """
    if name not in PRESETS:
        raise ValueError(f"no preset {name!r}; give one of {sorted(PRESETS)}")
    return dataclasses.replace(PRESETS[name], **changes)
