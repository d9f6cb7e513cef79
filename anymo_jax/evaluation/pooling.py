"""Scores of the parts of a long window, pooled into one score per class.

The model reads at most five seconds; a longer window is read in parts. Their scores are
pooled by a rule that is said with every figure:

    mean   over the parts: with unit vectors, the score of their mean vector
    max    each class by its best part: a short action is not diluted by stillness
"""

import numpy as np
from jaxtyping import Float, Int

MEAN, MAX = "mean", "max"
RULES = (MEAN, MAX)


def pool_parts(
    score: Float[np.ndarray, "P C"],
    window: Int[np.ndarray, "P"],
    rule: str,
) -> Float[np.ndarray, "N C"]:
    """Scores of windows from scores of their parts.

    Args:
      score: of each part.
      window: which window each part is of, 0 to N - 1, each at least once.
      rule: one of `RULES`.

    Raises:
      ValueError: for an unknown rule, or a window without a part.
    """
    if rule not in RULES:
        raise ValueError(f"pooling = {rule!r}: choose one of {', '.join(RULES)}")
    parts = np.bincount(window)
    if not parts.all():
        empty = int(np.flatnonzero(parts == 0)[0])
        raise ValueError(f"window {empty} has no part: leave such windows out, counted")
    if rule == MAX:
        pooled = np.full((len(parts), score.shape[1]), -np.inf)
        np.maximum.at(pooled, window, score)
        return pooled
    pooled = np.zeros((len(parts), score.shape[1]))
    np.add.at(pooled, window, score)
    return pooled / parts[:, None]
