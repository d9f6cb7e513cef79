"""Figures of held-out motion and language, computed on the host in float64.

Ranks are pessimistic: what ties with the best right candidate stands before it, so that
a constant embedding does not look perfect.
"""

import collections
import re
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int


def first_ranks(
    score: Float[np.ndarray, "Q C"], right: Bool[np.ndarray, "Q C"]
) -> Int[np.ndarray, "Q"]:
    """Rank, from 1, of each query's best right candidate.

    Args:
      score: the greater the better.
      right: which candidates answer a query; every query has at least one.

    Raises:
      ValueError: for a query without a right candidate.
    """
    if not right.any(axis=1).all():
        query = int(np.flatnonzero(~right.any(axis=1))[0])
        raise ValueError(f"query {query} has no right candidate among {right.shape[1]}")
    best = np.where(right, score, -np.inf).max(axis=1, keepdims=True)
    return 1 + np.sum(~right & (score >= best), axis=1)


def retrieval_figures(rank: Int[np.ndarray, "Q"]) -> dict[str, float]:
    """Recall at 1, 5 and 10, and the mean reciprocal rank (A.6)."""
    figures = {f"r{k}": float(np.mean(rank <= k)) for k in (1, 5, 10)}
    return figures | {"mrr": float(np.mean(1 / rank))}


def both_ways(
    imu: Float[np.ndarray, "W D"],
    text: Float[np.ndarray, "W D"],
    text_id: Int[np.ndarray, "W"],
) -> dict[str, float]:
    """Retrieval from IMU to text and back; any candidate of an equal text is right."""
    score = imu.astype(np.float64) @ text.astype(np.float64).T
    right = text_id[:, None] == text_id[None]
    ways = {"imu_to_text": score, "text_to_imu": score.T}
    return {
        f"{way}/{name}": value
        for way, matrix in ways.items()
        for name, value in retrieval_figures(first_ranks(matrix, right)).items()
    }


def unigram_perplexity(streams: Sequence[Int[np.ndarray, "N"]], codebooks: int = 1):
    """Perplexity of streams under the best model that knows no context.

    That model is their own distribution of codes, so no unigram model does better on
    them. It may know of which codebook a token is, as its place tells.

    Args:
      streams: tokens of each window.
      codebooks: distributions to tell apart by place; 1 for a single one.

    Raises:
      ValueError: where there is no token.
    """
    total, count = 0.0, 0
    for g in range(codebooks):
        tokens = np.concatenate([stream[g::codebooks] for stream in streams])
        _, times = np.unique(tokens, return_counts=True)
        total -= float(np.sum(times * np.log(times / max(times.sum(), 1))))
        count += int(times.sum())
    if not count:
        raise ValueError("there is no token to take a perplexity of")
    return float(np.exp(total / count))


def named_class(caption: str, texts: Mapping[str, Sequence[str]]) -> str | None:
    """The class that a caption names: that of the text with the most words in common.

    Overlap is the F1 of the two bags of words, less those said of more than half of the
    classes ("a person is"). Where texts of several classes overlap equally, or none
    does, the caption names none.

    Args:
      caption: what a model said.
      texts: texts of each class.
    """
    bags = {name: [_words(text) for text in own] for name, own in texts.items()}
    spread = collections.Counter(
        word for own in bags.values() for word in set().union(*own)
    )
    common = {word for word, classes in spread.items() if classes > len(bags) / 2}
    said = _without(_words(caption), common)
    best = {
        name: max((_overlap(said, _without(bag, common)) for bag in own), default=0.0)
        for name, own in bags.items()
    }
    most = max(best.values(), default=0.0)
    winners = [name for name, value in best.items() if value == most]
    return winners[0] if most > 0 and len(winners) == 1 else None


def _words(text: str) -> collections.Counter:
    return collections.Counter(re.findall(r"[^\W_]+", text.lower()))


def _without(bag: collections.Counter, dropped: set[str]) -> collections.Counter:
    kept = {word: times for word, times in bag.items() if word not in dropped}
    return collections.Counter(kept)


def _overlap(one: collections.Counter, other: collections.Counter) -> float:
    shared = (one & other).total()
    return 2 * shared / max(one.total() + other.total(), 1)
