"""From unit vectors to scores: of windows, of recordings, and how sure they are.

    window      softmax over labels of cosine / temperature
    recording   the same of its windows' cosines, pooled by a rule of evaluation.pooling

Cosines are pooled, not shares: so a recording's labels rank as evaluation ranks them,
whatever the temperature, which only says how sure the scores look.
"""

import numpy as np
from jaxtyping import Float, Float32
from scipy.special import softmax

from anymo_jax.evaluation.pooling import pool_parts


def label_scores(
    vectors: Float32[np.ndarray, "n D"],
    labels: Float32[np.ndarray, "C D"],
    temperature: float,
) -> Float[np.ndarray, "n C"]:
    """Scores of each window alone, summing to one.

    Args:
      vectors, labels: of unit norm.
      temperature: above zero.
    """
    return softmax(_cosines(vectors, labels) / temperature, axis=1)


def recording_scores(
    vectors: Float32[np.ndarray, "n D"],
    labels: Float32[np.ndarray, "C D"],
    temperature: float,
    pool: str,
) -> Float[np.ndarray, "C"]:
    """Scores of all windows together, at least one, summing to one.

    Args:
      vectors, labels, temperature: as of `label_scores`.
      pool: one of `evaluation.pooling.RULES`.

    Raises:
      ValueError: for a rule that is none.
    """
    one = np.zeros(len(vectors), np.int64)
    cosine = pool_parts(_cosines(vectors, labels), one, pool)[0]
    return softmax(cosine / temperature)


def abstain_score(scores: Float[np.ndarray, "C"]) -> float:
    """How much is to be said for no answer: 0 where one label is certain, to 1.

    1 - (p1 - p2) / (p1 + p2), of the two highest scores: 1 where the best two are
    equal, whatever the number of labels. It tells of a choice among the labels that
    were given; that the true activity is none of them it cannot tell.
    """
    second, first = np.sort(scores)[-2:]
    return float(1 - (first - second) / (first + second))


def _cosines(vectors, labels) -> np.ndarray:
    return vectors.astype(np.float64) @ labels.astype(np.float64).T
