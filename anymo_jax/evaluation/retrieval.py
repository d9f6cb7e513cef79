"""Texts from IMU windows and windows from texts (A.6).

Texts repeat: any window whose text equals the query's counts as right, and so does any
text that equals the window's. With few distinct texts that is easy, so their number
stands beside the figures. Ties count as misses (`language.validation.first_ranks`).

The paper's "100 samples" are one draw, whose luck shows; here it is drawn repeatedly.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import nhypergeom

from anymo_jax.evaluation.bootstrap import interval
from anymo_jax.language.validation import both_ways, first_ranks

SIZE, DRAWS = 100, 50
WAYS = ("imu_to_text", "text_to_imu")


@dataclasses.dataclass(frozen=True)
class Retrieval:
    """Recall at 1, 5 and 10 and the mean reciprocal rank, both ways.

    Figures are named "imu_to_text/r1", ..., "text_to_imu/mrr".

    Attributes:
      windows, distinct: in all, and how many different texts they have.
      full: figures with all windows as candidates.
      size, draws: of the pools drawn without replacement.
      pools: means of the figures over the pools.
      spread: where the middle 95 per cent of the pools lie.
      distinct_in_pool: different texts of a pool, on average.
      chance_full, chance: "r1" to "mrr" of a random order, among all and in a pool.
      ranks: by way, the rank of each window's best right candidate among all.
    """

    windows: int
    distinct: int
    full: Mapping[str, float]
    size: int
    draws: int
    pools: Mapping[str, float]
    spread: Mapping[str, tuple[float, float]]
    distinct_in_pool: float
    chance_full: Mapping[str, float]
    chance: Mapping[str, float]
    ranks: Mapping[str, Int[np.ndarray, "W"]] = dataclasses.field(compare=False)


def retrieval(
    imu: Float[np.ndarray, "W D"],
    text: Float[np.ndarray, "W D"],
    texts: Sequence[str],
    *,
    size: int = SIZE,
    draws: int = DRAWS,
    seed: int = 0,
) -> Retrieval:
    """Retrieval among all windows, and in pools.

    Args:
      imu: unit vectors of windows.
      text: unit vectors of their texts.
      texts: the same in words; equal ones answer each other.
      size, draws: of the pools.
      seed: of the draws.

    Raises:
      ValueError: where windows and texts do not match, or are fewer than a pool.
    """
    if len(texts) != len(imu):
        raise ValueError(f"{len(imu)} windows but {len(texts)} texts: give one each")
    if len(imu) < size or draws < 1:
        raise ValueError(
            f"{draws} pools of {size} from {len(imu)} windows: give more windows, or "
            "fewer a pool, and at least one pool"
        )
    text_id = np.unique(np.array(texts), return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    pools = [rng.choice(len(imu), size, replace=False) for _ in range(draws)]
    found = [both_ways(imu[p], text[p], text_id[p]) for p in pools]
    drawn = {name: np.array([one[name] for one in found]) for name in found[0]}
    return Retrieval(
        windows=len(imu),
        distinct=len(set(texts)),
        full=both_ways(imu, text, text_id),
        size=size,
        draws=draws,
        pools={name: float(values.mean()) for name, values in drawn.items()},
        spread={name: interval(values) for name, values in drawn.items()},
        distinct_in_pool=float(np.mean([len(set(text_id[p])) for p in pools])),
        chance_full=chance_figures(text_id),
        chance=_mean([chance_figures(text_id[p]) for p in pools]),
        ranks=all_ranks(imu, text, text_id),
    )


def all_ranks(
    imu: Float[np.ndarray, "W D"],
    text: Float[np.ndarray, "W D"],
    text_id: Int[np.ndarray, "W"],
) -> dict[str, Int[np.ndarray, "W"]]:
    """Rank, from 1, of each query's best right candidate among all, by way."""
    score = imu.astype(np.float64) @ text.astype(np.float64).T
    right = text_id[:, None] == text_id[None]
    ranks = first_ranks(score, right), first_ranks(score.T, right)
    return dict(zip(WAYS, ranks, strict=True))


def chance_figures(text_id: Int[np.ndarray, "W"]) -> dict[str, float]:
    """Figures that a random order of the candidates is expected to have.

    With m right ones among W, the wrong ones before the first of them follow the
    negative hypergeometric distribution.
    """
    total = len(text_id)
    rank = 1 + np.arange(total)
    found: dict[str, float] = dict.fromkeys(("r1", "r5", "r10", "mrr"), 0.0)
    times, counts = np.unique(
        np.unique(text_id, return_counts=True)[1], return_counts=True
    )
    for right, texts in zip(times.tolist(), counts.tolist(), strict=True):
        share = right * texts / total
        chance = nhypergeom(total, total - right, 1).pmf(rank - 1)
        for k in (1, 5, 10):
            found[f"r{k}"] += share * float(chance[:k].sum())
        found["mrr"] += share * float(np.sum(chance / rank))
    return found


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
