"""What a tokenizer looks like and how its codebooks move."""

import dataclasses

_STARTS = ("means", "official")
_DTYPES = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class TokenizerConfig:
    """Sizes and rates of a product-quantised VAE; the defaults are the paper's.

    Attributes:
      latent: D, width of the encoder's latent.
      bottleneck: width of the projected latent, split evenly over the codebooks.
      codebooks: G.
      entries: K, code vectors of each codebook.
      decoder_width: channels of the decoder's blocks.
      kernel: width of the decoder's temporal kernels, odd.
      dilations: one residual block each; both convolutions of a block have it.
      decay: of the moving averages of code sizes and sums.
      laplace: smoothing of the sizes before sums are divided by them.
      dead_below: a code whose size is below this share of the mean size is replaced.
      commitment: weight of the commitment loss.
      start: whether the normal draws that codes are before the first update count in
        the moving sums ("official"), or not, so that the first update makes each used
        code the mean of its chunks ("means").
      dtype: of the decoder's arithmetic. Projection, distances and codebooks stay
        float32, so that codes do not depend on it.

    Raises:
      ValueError: names the field that is out of range.
    """

    latent: int = 256
    bottleneck: int = 128
    codebooks: int = 2
    entries: int = 2048
    decoder_width: int = 256
    kernel: int = 3
    dilations: tuple[int, ...] = (1, 2, 4)
    decay: float = 0.99
    laplace: float = 1e-5
    dead_below: float = 0.2
    commitment: float = 0.25
    start: str = "means"
    dtype: str = "float32"

    def __post_init__(self):
        for name in ("latent", "bottleneck", "codebooks", "entries", "decoder_width"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.bottleneck % self.codebooks:
            raise ValueError(
                f"bottleneck {self.bottleneck} does not split evenly over "
                f"{self.codebooks} codebooks; give a multiple"
            )
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}; give an odd width")
        # A list would leave the config unhashable, and jit needs its hash.
        if not isinstance(self.dilations, tuple) or min(self.dilations, default=1) < 1:
            raise ValueError(f"dilations is {self.dilations}; give a tuple, each 1 up")
        for name, low, high in (
            ("decay", 0, 1),
            ("dead_below", 0, 1),
            ("laplace", 0, float("inf")),
            ("commitment", 0, float("inf")),
        ):
            if not low <= getattr(self, name) <= high:
                raise ValueError(
                    f"{name} is {getattr(self, name)}; give {low} to {high}"
                )
        if self.start not in _STARTS:
            raise ValueError(f"start is {self.start!r}; give one of {_STARTS}")
        if self.dtype not in _DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}; give one of {_DTYPES}")

    @property
    def code_width(self) -> int:
        """C, width of a code vector."""
        return self.bottleneck // self.codebooks
