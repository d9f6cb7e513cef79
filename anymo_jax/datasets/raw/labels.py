"""Labels of single samples, as spans of time."""

from collections.abc import Hashable, Mapping

import numpy as np
import pandas
from jaxtyping import Float64, Int64

from anymo_jax.datasets.recording import Spans

# Samples further apart than this are not one stretch of an activity.
LONGEST_GAP_S = 1.0


def classes_of(
    labels: pandas.Series | np.ndarray,
    codes: Mapping[Hashable, int],
    source: str,
) -> Int64[np.ndarray, "T"]:
    """Class of each sample by what the file calls it.

    Args:
      labels: (T,) numbers or words as they stand in the file.
      codes: class of each, -1 of those that are left out.
      source: of the file, for errors.

    Raises:
      ValueError: for a label that is not known, naming it and the file.
    """
    which, words = pandas.factorize(pandas.Series(labels), use_na_sentinel=False)
    words = [_plain(word) for word in words]
    unknown = [word for word in words if word not in codes]
    if unknown:
        raise ValueError(
            f"{source}: unknown label {unknown[0]!r}; known are "
            f"{', '.join(map(str, codes))}. Is the label's column where it should be?"
        )
    table = np.array([codes[word] for word in words], np.int64)
    return table[which]


def _plain(word: Hashable) -> Hashable:
    """2.0 is 2, and a word is without the spaces around it."""
    if isinstance(word, float) and word.is_integer():
        return int(word)
    return word.strip() if isinstance(word, str) else word


def runs(
    time: Float64[np.ndarray, "T"],
    label: Int64[np.ndarray, "T"],
    part: Int64[np.ndarray, "T"] | None = None,
) -> Spans:
    """Stretches of equal labels.

    A stretch ends where the next one begins, or one sample period after its last
    sample where there is no next one, or a gap of more than a second before it.

    Args:
      time: (T,) seconds, strictly increasing.
      label: (T,) class of each sample.
      part: (T,) a number that changes where a new stretch begins in any case.
    """
    if not len(time):
        return Spans(np.empty(0), np.empty(0), np.empty(0, np.int64))
    steps = np.diff(time)
    gap = steps > LONGEST_GAP_S
    new = (label[1:] != label[:-1]) | gap
    if part is not None:
        new |= part[1:] != part[:-1]
    first = np.append(0, np.flatnonzero(new) + 1)
    last = np.append(first[1:] - 1, len(time) - 1)
    period = float(np.median(steps)) if len(steps) else 0.0
    end = time[last] + period
    closed = ~gap[last[:-1]]
    end[:-1][closed] = time[first[1:]][closed]
    return Spans(time[first].astype(np.float64), end, label[first])


def whole(start: float, end: float, label: int) -> Spans:
    """One label for all of a recording."""
    return Spans(np.array([start]), np.array([end]), np.array([label], np.int64))
