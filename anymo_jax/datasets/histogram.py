"""Histograms on a logarithmic axis: percentiles of data that is never held at once."""

import numpy as np
from jaxtyping import Float, Int64

# A fifth of a per cent a bin; what lies outside the range falls into the end bins.
_LEAST, _MOST, _STEP = 1e-6, 1e7, 0.002
BINS = int(np.ceil(np.log(_MOST / _LEAST) / _STEP)) + 2


def empty() -> Int64[np.ndarray, "B"]:
    """No values."""
    return np.zeros(BINS, np.int64)


def count(values: Float[np.ndarray, "..."]) -> Int64[np.ndarray, "B"]:
    """Histogram of the finite values, which must not be negative."""
    there = values[np.isfinite(values)]
    place = np.log(np.maximum(there, _LEAST / 2) / _LEAST) / _STEP
    bins = np.clip(place.astype(np.int64) + 1, 0, BINS - 1)
    bins[there < _LEAST] = 0
    return np.bincount(bins, minlength=BINS).astype(np.int64)


def percentile(histogram: Int64[np.ndarray, "B"], percent: float) -> float:
    """A percentile to within a thousandth of its value; NaN of no values."""
    total = histogram.sum()
    if total == 0:
        return float("nan")
    place = np.searchsorted(np.cumsum(histogram), total * percent / 100)
    return 0.0 if place == 0 else float(_LEAST * np.exp((place - 0.5) * _STEP))
