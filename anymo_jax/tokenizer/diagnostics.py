"""How codebooks are used on validation windows, on the host (paper, Table 6).

With p_k the share of a codebook's choices that fell on code k:

    usage       share of the codes that were chosen at all; dead ratio = 1 - usage
    perplexity  exp( - sum_k p_k log p_k )
    top-n mass  sum of the n largest p_k

and over whole windows, once their codes are interleaved into one sequence:

    collision   1 - (distinct sequences) / (windows), as the official code counts it: a
                sequence that n windows share counts n - 1 times
    shared      share of windows whose sequence also occurs for another window: all n

Windows of different length have different sequences.
"""

import collections
import dataclasses
import hashlib

import numpy as np
from jaxtyping import Bool, Float, Int

from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.stream import check_codes


@dataclasses.dataclass(frozen=True)
class CodebookUse:
    """Table 6's figures of one codebook."""

    used: int
    usage: float
    dead: float
    perplexity: float
    top1: float
    top10: float


@dataclasses.dataclass(frozen=True)
class TokenizerReport:
    """What a validation set tells of a tokenizer.

    Attributes:
      codebooks: one each.
      windows: how many were seen.
      collision: 1 - distinct sequences / windows.
      shared: share of windows whose sequence another window has too.
      error: mean squared error of the reconstruction over the latent's variance about
        its mean; 1 is what that mean alone achieves. NaN where none was given.
    """

    codebooks: tuple[CodebookUse, ...]
    windows: int
    collision: float
    shared: float
    error: float

    def flat(self) -> dict[str, float]:
        """The same by name, "codebook0/usage" and so on, for a log of metrics."""
        figures = {"collision": self.collision, "shared": self.shared}
        figures["error"] = self.error
        for i, use in enumerate(self.codebooks):
            named = dataclasses.asdict(use).items()
            figures |= {f"codebook{i}/{name}": float(value) for name, value in named}
        return figures


class Diagnostics:
    """Counts over batches; `report` may be read at any time."""

    def __init__(self, config: TokenizerConfig):
        self._entries = config.entries
        self._counts = np.zeros((config.codebooks, config.entries), np.int64)
        self._sequences = collections.Counter()
        # Steps; sums and sums of squares of the latent's channels; squared error.
        self._steps = 0
        self._sum = np.zeros(config.latent)
        self._square = np.zeros(config.latent)
        self._error = 0.0

    def add_codes(
        self, codes: Int[np.ndarray, "B L G"], length: Int[np.ndarray, "B"]
    ) -> None:
        """Counts the codes of a batch of windows within their lengths.

        Raises:
          ValueError: for codes that the codebooks do not have.
        """
        valid = _valid(length, codes.shape[1])
        inside = codes[valid]
        check_codes(inside, self._entries)
        for count, chosen in zip(self._counts, inside.T, strict=True):
            count += np.bincount(chosen, minlength=self._entries)
        for window, steps in zip(codes, length, strict=True):
            # A digest instead of the sequence: 16 bytes a window instead of 600.
            sequence = np.ascontiguousarray(window[:steps], np.int32).tobytes()
            self._sequences[hashlib.blake2b(sequence, digest_size=16).digest()] += 1

    def add_reconstruction(
        self,
        latent: Float[np.ndarray, "B L D"],
        reconstruction: Float[np.ndarray, "B L D"],
        length: Int[np.ndarray, "B"],
    ) -> None:
        """Adds a batch's reconstruction error and the variance it is measured by."""
        valid = _valid(length, latent.shape[1])
        latent = latent[valid].astype(np.float64)
        self._steps += len(latent)
        self._sum += latent.sum(axis=0)
        self._square += (latent**2).sum(axis=0)
        self._error += float(((reconstruction[valid] - latent) ** 2).sum())

    def report(self) -> TokenizerReport:
        """The figures over everything added so far.

        Raises:
          ValueError: where no codes were added.
        """
        windows = self._sequences.total()
        if not windows or not self._counts.any():
            raise ValueError("no codes were added; give at least one window")
        repeated = sum(n for n in self._sequences.values() if n > 1)
        return TokenizerReport(
            codebooks=tuple(codebook_use(count) for count in self._counts),
            windows=windows,
            collision=1 - len(self._sequences) / windows,
            shared=repeated / windows,
            error=self._relative_error(),
        )

    def _relative_error(self) -> float:
        if not self._steps:
            return float("nan")
        variance = float((self._square - self._sum**2 / self._steps).sum())
        return self._error / variance if variance > 0 else float("inf")


def codebook_use(count: Int[np.ndarray, "K"]) -> CodebookUse:
    """Table 6's figures from how often each code was chosen."""
    share = np.sort(count[count > 0] / count.sum())[::-1]
    usage = share.size / count.size
    return CodebookUse(
        used=int(share.size),
        usage=usage,
        dead=1 - usage,
        perplexity=float(np.exp(-np.sum(share * np.log(share)))),
        top1=float(share[0]),
        top10=float(share[:10].sum()),
    )


def _valid(length: Int[np.ndarray, "B"], steps: int) -> Bool[np.ndarray, "B L"]:
    return np.arange(steps) < length[:, None]
