"""Figures of recognition, all of them functions of one table of counts.

    counts[t, p, h]   windows of true class t that were taken for p; h = 1 where t is
                      among the two best labels

With it a bootstrap resamples counts instead of windows. Leading axes are batch axes.

"Macro-F1 over predicted labels" (A.5) can be read in more than one way, and figures
differ by the reading, so that each is named by the classes that it averages over:

    f1_present      those that occur among the true labels
    f1_occurring    those that occur among the true or the predicted labels, which is
                    what scikit-learn does unless told otherwise
    f1_vocabulary   all that the model could choose from

The F1 of a class that occurs nowhere is 0.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

FIGURES = ("accuracy", "f1_present", "f1_occurring", "f1_vocabulary", "recall_at_2")


def ranked_labels(score: Float[np.ndarray, "N C"]) -> Int[np.ndarray, "N C"]:
    """Classes of each window, best first; equal scores in the vocabulary's order.

    Raises:
      ValueError: for a score that is not finite, or fewer than two classes.
    """
    if score.shape[1] < 2:
        raise ValueError(
            f"the vocabulary has {score.shape[1]} class: recognition needs two or more"
        )
    if not np.isfinite(score).all():
        window = int(np.flatnonzero(~np.isfinite(score).all(axis=1))[0])
        raise ValueError(
            f"scores of window {window} are not finite: look for NaN in its embedding"
        )
    return np.argsort(-score, axis=1, kind="stable")


def count(
    score: Float[np.ndarray, "N C"],
    truth: Int[np.ndarray, "N"],
    group: Int[np.ndarray, "N"],
) -> Float[np.ndarray, "G C C 2"]:
    """Windows by true class, predicted class, and whether two guesses hold the truth.

    Args:
      score: the greater the better.
      truth: class of each window.
      group: of each window, from 0; each has a table of its own.

    Raises:
      ValueError: as `ranked_labels`.
    """
    best = ranked_labels(score)[:, :2]
    hit = (best == truth[:, None]).any(axis=1)
    classes = score.shape[1]
    counts = np.zeros((int(group.max(initial=-1)) + 1, classes, classes, 2))
    np.add.at(counts, (group, truth, best[:, 0], hit.astype(int)), 1.0)
    return counts


def tied_share(score: Float[np.ndarray, "N C"]) -> float:
    """Share of windows whose best score more than one class has.

    A model that says the same of everything has 1; its other figures say nothing.
    """
    best = score.max(axis=1, keepdims=True)
    return float(np.mean((score == best).sum(axis=1) > 1))


def confusion(
    counts: Float[np.ndarray, "*B C C 2"],
) -> Float[np.ndarray, "*B C C"]:
    """Windows by true class (rows) and predicted class (columns)."""
    return counts.sum(axis=-1)


def figures(
    counts: Float[np.ndarray, "*B C C 2"],
) -> Mapping[str, Float[np.ndarray, "*B"]]:
    """`FIGURES` by name, each (*B); shares, not per cent.

    Raises:
      ValueError: where a table holds no window.
    """
    total = counts.sum(axis=(-3, -2, -1))
    if not (total > 0).all():
        raise ValueError(
            "no window was counted, so there is nothing to take a share of"
        )
    matrix = confusion(counts)
    hits = np.trace(matrix, axis1=-2, axis2=-1)
    said, present = matrix.sum(axis=-2), matrix.sum(axis=-1)
    f1 = _class_f1(matrix)
    found = (
        hits / total,
        _mean(f1, present > 0),
        _mean(f1, present + said > 0),
        f1.mean(axis=-1),
        counts[..., 1].sum(axis=(-2, -1)) / total,
    )
    return dict(zip(FIGURES, map(np.asarray, found), strict=True))


def class_figures(
    counts: Float[np.ndarray, "C C 2"],
) -> Mapping[str, Float[np.ndarray, "C"]]:
    """Windows, precision, recall, F1 and recall@2 of each class, 0 where undefined."""
    matrix = confusion(counts)
    right, said, windows = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    return {
        "windows": windows,
        "precision": _share(right, said),
        "recall": _share(right, windows),
        "f1": _class_f1(matrix),
        "recall_at_2": _share(counts[..., 1].sum(axis=1), windows),
    }


def chance_counts(windows: Float[np.ndarray, "*B C"]) -> Float[np.ndarray, "*B C C 2"]:
    """Expected counts of one who orders the classes at random.

    Accuracy is then 1 / C and recall@2 is 2 / C; an F1 is that of the expected table.

    Args:
      windows: of each true class.
    """
    classes = windows.shape[-1]
    same = np.eye(classes)
    second = np.where(same > 0, 1.0, 1.0 / (classes - 1))
    split = np.stack([1 - second, second], axis=-1)
    return windows[..., :, None, None] * split / classes


def majority_counts(
    windows: Float[np.ndarray, "*B C"], order: Int[np.ndarray, "C"]
) -> Float[np.ndarray, "*B C C 2"]:
    """Counts of one who says the most frequent class, and the next one second.

    It knows the frequencies of the very windows, as no zero-shot model does.

    Args:
      windows: of each true class.
      order: classes, the most frequent first.
    """
    counts = np.zeros((*windows.shape, windows.shape[-1], 2))
    hit = np.isin(np.arange(windows.shape[-1]), order[:2])
    counts[..., order[0], 1] = np.where(hit, windows, 0)
    counts[..., order[0], 0] = np.where(hit, 0, windows)
    return counts


def _class_f1(matrix):
    right = np.diagonal(matrix, axis1=-2, axis2=-1)
    return _share(2 * right, matrix.sum(axis=-2) + matrix.sum(axis=-1))


def _share(part, whole):
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean(values, chosen):
    return np.where(chosen, values, 0.0).sum(axis=-1) / chosen.sum(axis=-1)
