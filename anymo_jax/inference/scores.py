"""From unit vectors to scores: of windows, of recordings, and how sure they are."""

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import softmax

POOLS = ("mean", "max")


def label_scores(
    vectors: Float32[np.ndarray, "n D"],
    labels: Float32[np.ndarray, "C D"],
    temperature: float,
) -> Float[np.ndarray, "n C"]:
    """Softmax over labels of cosine / temperature, a row per window.

    Args:
      vectors, labels: of unit norm.
      temperature: above zero.
    """
    cosine = vectors.astype(np.float64) @ labels.astype(np.float64).T
    return softmax(cosine / temperature, axis=1)


def pooled(scores: Float[np.ndarray, "n C"], pool: str) -> Float[np.ndarray, "C"]:
    """Scores of a recording from those of its windows.

    "mean" asks what it holds most of; "max" takes each label's best window and sums to
    one again, so that a short action is not diluted.

    Raises:
      ValueError: for a rule that is neither.
    """
    if pool not in POOLS:
        raise ValueError(f"pool is {pool!r}; choose one of {', '.join(POOLS)}")
    if pool == "mean":
        return scores.mean(axis=0)
    best = scores.max(axis=0)
    return best / best.sum()


def abstain_score(scores: Float[np.ndarray, "C"]) -> float:
    """How much is to be said for no answer: 0 where one label is certain, to 1.

    1 - (p1 - p2) / (p1 + p2), of the two highest scores: 1 where the best two are
    equal, whatever the number of labels. It tells of a choice among the labels that
    were given; that the true activity is none of them it cannot tell.
    """
    second, first = np.sort(scores)[-2:]
    return float(1 - (first - second) / (first + second))
