"""Recognition as a multiple choice that the language model answers (a second protocol).

All labels are offered as "a: walking", "b: sitting", ...; a label's score is the log
probability of its key, or of its whole answer, taken for granted that one of the
options is said:

    s_c = log p(answer_c) - log sum over options of p(answer)

Whole answers favour short and frequent labels; keys do not.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from scipy.special import log_softmax

from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.evaluation.embedded import AT_ONCE, window_parts

BY_KEY, BY_ANSWER = "choice by key", "choice by answer"


@runtime_checkable
class _Scores(Protocol):
    key: np.ndarray
    answer: np.ndarray


@runtime_checkable
class Chooser(Protocol):
    """A trained model, as a multiple choice asks it."""

    def choose_views(
        self, views: Sequence, labels: Sequence[str], *, seed: int
    ) -> _Scores:
        """Log-likelihoods (n, C) of each label's key and of its whole answer."""


def choice_scores(
    model: Chooser, windows: LabelledWindows, *, seed: int = 0
) -> dict[str, Float[np.ndarray, "P C"]]:
    """Scores of all parts of windows, in order, by the name of their row.

    Args:
      model: trained to answer.
      windows: whose labels are offered.
      seed: of the orders in which labels are offered.
    """
    found: dict[str, list] = {BY_KEY: [], BY_ANSWER: []}
    parts = (part for _, part in window_parts(windows))
    for number, asked in enumerate(iter(lambda: list(islice(parts, AT_ONCE)), [])):
        scores = model.choose_views(asked, windows.classes, seed=seed + number)
        found[BY_KEY].append(log_softmax(scores.key, axis=1))
        found[BY_ANSWER].append(log_softmax(scores.answer, axis=1))
    return {name: np.concatenate(rows) for name, rows in found.items()}
