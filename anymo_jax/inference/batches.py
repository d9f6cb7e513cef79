"""Many rows through programs of few shapes: batches of a power of two of rows."""

from collections.abc import Iterator, Sequence

import numpy as np

MOST = 64


def batches(count: int) -> Iterator[np.ndarray]:
    """Indices of all rows, batch by batch; the last batch repeats its last row.

    Every batch has a power of two of indices, at most `MOST`. Cut the results of all
    batches, joined, to `count`.
    """
    for first in range(0, count, MOST):
        rows = min(MOST, count - first)
        yield np.minimum(np.arange(first, first + bucket(rows)), count - 1)


def bucket(size: int, least: int = 1) -> int:
    """The power of two that holds `size`, at least `least`."""
    return max(least, 1 << (size - 1).bit_length())


def joined(parts: Sequence[np.ndarray], count: int, width: int) -> np.ndarray:
    """Results of `batches` as one array (count, width); no part gives no row."""
    if not parts:
        return np.zeros((0, width), np.float32)
    return np.concatenate(parts)[:count]
