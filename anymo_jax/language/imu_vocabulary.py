"""The IMU vocabulary: which ids are motion (paper, section 3.3; names as official).

    0 ... text - 1      the language model's own tokens
    text, text + 1      <imu_bos>, <imu_eos>
    text + 2 + j K + k  <imu_....>, code k of codebook j

A window of L latent steps is <imu_bos>, its interleaved stream of L G codes, <imu_eos>.
The vectors of these ids are in `imu_embedding`.
"""

import dataclasses

import numpy as np
from jaxtyping import Int

from anymo_jax.tokenizer.stream import interleave, separate

BOUNDARIES = ("<imu_bos>", "<imu_eos>")


@dataclasses.dataclass(frozen=True)
class ImuVocabulary:
    """Which ids are what; static.

    Attributes:
      text: number of text tokens, and the first new id. It is the text tokenizer's
        length, as `add_tokens` there goes on from it; a language model's table may be
        padded beyond.
      codebooks: G.
      entries: K, codes of each codebook.

    Raises:
      ValueError: names the field that is out of range.
    """

    text: int
    codebooks: int = 2
    entries: int = 2048

    def __post_init__(self):
        for name in ("text", "codebooks", "entries"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")

    @property
    def begin(self) -> int:
        """Id of <imu_bos>."""
        return self.text

    @property
    def end(self) -> int:
        """Id of <imu_eos>."""
        return self.text + 1

    @property
    def first_code(self) -> int:
        """Id of <imu_0000>; all above it are codes."""
        return self.text + len(BOUNDARIES)

    @property
    def new(self) -> int:
        """N, number of new ids."""
        return len(BOUNDARIES) + self.codebooks * self.entries

    @property
    def total(self) -> int:
        """Text and new ids together."""
        return self.text + self.new

    def names(self) -> tuple[str, ...]:
        """Texts of the new tokens in the order of their ids, for a text tokenizer."""
        codes = range(self.codebooks * self.entries)
        return (*BOUNDARIES, *(f"<imu_{code:04d}>" for code in codes))

    def wrap(self, codes: Int[np.ndarray, "..."]) -> Int[np.ndarray, "N"]:
        """Codes (L, G) of one window to ids between boundaries, int32; on the host.

        Raises:
          ValueError: for codes out of range, or of another number of codebooks.
        """
        codes = np.asarray(codes)
        if codes.ndim != 2 or codes.shape[1] != self.codebooks:
            raise ValueError(
                f"codes have shape {codes.shape}, expected (L, {self.codebooks}): one "
                "column a codebook"
            )
        tokens = self.first_code + interleave(codes, self.entries)
        return np.array([self.begin, *tokens, self.end], np.int32)

    def unwrap(self, tokens: Int[np.ndarray, "N"]) -> Int[np.ndarray, "L G"]:
        """Codes of one window, int32, with or without its boundary tokens; on the host.

        Raises:
          ValueError: for a stream that ends within a step, or ids that are no codes of
            the codebook that their place asks for.
        """
        tokens = np.asarray(tokens)
        if len(tokens) and tokens[0] == self.begin:
            tokens = tokens[1:]
        if len(tokens) and tokens[-1] == self.end:
            tokens = tokens[:-1]
        foreign = (tokens < self.first_code) | (tokens >= self.total)
        if foreign.any():
            where = int(np.argmax(foreign))
            raise ValueError(
                f"tokens[{where}] within the boundaries is {tokens[where]}, no code: "
                f"those are {self.first_code} to {self.total - 1}"
            )
        stream = tokens[None] - self.first_code
        return separate(stream, self.entries, self.codebooks)[0][0]

    def check_text_rows(self, rows: int) -> None:
        """Raises a ValueError where a language model lacks rows of text tokens."""
        if rows < self.text:
            raise ValueError(
                f"the language model's vocab_size {rows} is smaller than the "
                f"{self.text} tokens of the text tokenizer; give the tokenizer that "
                "belongs to it"
            )

    def check_all_rows(self, rows: int) -> None:
        """Raises a ValueError where a model is said to have IMU rows and cannot."""
        if rows < self.total:
            raise ValueError(
                f"vocab_size {rows} is smaller than the IMU tokens need: {self.text} "
                f"text tokens + {self.new} of the IMU = {self.total}; give a model "
                "exported with them, or the tokenizer that it was trained with"
            )
