"""Transductive corrections of zero-shot scores: they look at all windows of the test.

Some labels are near to everything, so that they win too often (hubs). Both corrections
here weaken them by what the unlabelled test windows tell. A model that is given one
window at a time cannot do that: their figures are rows of their own.

    inverted softmax   p(window | label) instead of p(label | window):
                       s / t - log sum over windows of exp(s / t)
                       (Smith et al., ICLR 2017, with t the inverse of their beta)
    centring           the mean of the windows' vectors is taken from the windows', that
                       of the labels' vectors from the labels', and norms are one again:
                       the gap between the two clouds is gone
"""

import numpy as np
from jaxtyping import Float
from scipy.special import logsumexp

# tau_ml of the contrastive training (Eq. 5), at which cosines became probabilities.
TEMPERATURE = 0.05


def inverted_softmax(
    score: Float[np.ndarray, "N C"], temperature: float = TEMPERATURE
) -> Float[np.ndarray, "N C"]:
    """Log probabilities of windows given labels, over all windows of the test.

    Args:
      score: cosines.
      temperature: t above; where it is great, every label wins equally often.

    Raises:
      ValueError: for a temperature that is not positive.
    """
    if not temperature > 0:
        raise ValueError(f"temperature = {temperature}: give a positive one, as 0.05")
    scaled = score.astype(np.float64) / temperature
    return scaled - logsumexp(scaled, axis=0, keepdims=True)


def centred(vectors: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    """Unit vectors about their mean; what lies at the mean becomes zero."""
    about = vectors.astype(np.float64)
    about = about - about.mean(axis=0, keepdims=True)
    norm = np.linalg.norm(about, axis=1, keepdims=True)
    # What rounding leaves of equal vectors has no direction.
    return np.where(norm > 1e-9, about / np.maximum(norm, 1e-9), 0.0)
