"""Confidence intervals by the percentile bootstrap (Efron 1979), without a loop.

Windows of one person resemble each other, so that where people are known whole people
are drawn with replacement; else windows are. Either way it is counts that are drawn:

    people    multinomial weights (R, G) times the counts of each (G, C, C, 2)
    windows   multinomial draws of the N windows over the cells of the whole table,
              which has the distribution of counting N windows drawn with replacement

With fewer than about ten people such intervals are too narrow; tables say how many
there were.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

SUBJECTS, WINDOWS = "subjects", "windows"


class Resampled(NamedTuple):
    """Tables drawn with replacement.

    Attributes:
      counts: (R, C, C, 2).
      over: what was drawn, `SUBJECTS` or `WINDOWS`.
      units: how many of them there are.
    """

    counts: Float[np.ndarray, "R C C 2"]
    over: str
    units: int


def resample(
    counts: Float[np.ndarray, "G C C 2"],
    *,
    people: bool,
    resamples: int = 1000,
    seed: int = 0,
) -> Resampled:
    """Tables of counts as other samples of people, or of windows, might have them.

    Args:
      counts: of whole windows, by group, as of `recognition.count`.
      people: whether each group is a person; where it is not, or there is one alone,
        windows are drawn.
      resamples: R.
      seed: of the draws; of one seed, the same people are drawn for every model.

    Raises:
      ValueError: for fewer than one draw, or tables without a window.
    """
    if resamples < 1:
        raise ValueError(f"resamples = {resamples}: draw at least one, better 1000")
    total = round(counts.sum())
    if not total:
        raise ValueError("counts hold no window, so there is nothing to draw from")
    rng = np.random.default_rng(seed)
    groups = len(counts)
    if people and groups > 1:
        weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=resamples)
        drawn = np.tensordot(weights.astype(float), counts, axes=1)
        return Resampled(drawn, SUBJECTS, groups)
    pooled = counts.sum(axis=0)
    drawn = rng.multinomial(total, pooled.ravel() / total, size=resamples)
    tables = drawn.reshape(resamples, *pooled.shape).astype(float)
    return Resampled(tables, WINDOWS, total)


def interval(
    draws: Float[np.ndarray, "R"], confidence: float = 0.95
) -> tuple[float, float]:
    """Where the middle `confidence` of the draws lies."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws, (tail, 1 - tail))
    return float(low), float(high)


def intervals(
    draws: Mapping[str, Float[np.ndarray, "R"]], confidence: float = 0.95
) -> dict[str, tuple[float, float]]:
    """`interval` of each figure."""
    return {name: interval(values, confidence) for name, values in draws.items()}
