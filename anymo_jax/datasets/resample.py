"""Sensor streams from their own time stamps to the common 60 Hz grid.

A stretch without gaps is interpolated by a cubic spline through the samples at their
real stamps, so that jitter bends nothing. A stream faster than 60 Hz is first read off
at a multiple of 60 Hz of twice its rate, where nothing can fold, then low-passed by a
zero-phase FIR filter (Kaiser, passband to 24 Hz, 60 dB down from 30 Hz) and
decimated. Gravity passes: the filter's gain is one at zero frequency. Nothing is
invented: no value before a stretch's first sample, after its last, or inside a gap.
"""

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64
from scipy.interpolate import make_interp_spline
from scipy.signal import firwin, kaiserord, resample_poly

from anymo_jax.datasets.labelled import RATE_HZ

_PASS_HZ, _STOP_HZ, _STOP_DB = 24.0, 30.0, 60.0
# A spline needs four samples; a shorter stretch between gaps is left out.
_FEWEST = 4
# Stamps closer than this share of the period are one sample delivered twice, and a
# spline through both would swing far beyond either.
_BUNCHED = 0.2
# A rate measured from stamps is never exact.
_RATE_TOLERANCE = 1.02


@dataclasses.dataclass(frozen=True)
class Job:
    """One stream to be resampled.

    Attributes:
      time: (T,) seconds, strictly increasing.
      values: (T, 3); rows with a NaN are gaps.
      start: time of the grid's first sample.
      count: number of samples of the grid.
    """

    time: Float64[np.ndarray, "T"]
    values: Float32[np.ndarray, "T 3"]
    start: float
    count: int


def resample_streams(
    jobs: Sequence[Job], gap_s: float
) -> list[Float32[np.ndarray, "_ 3"]]:
    """Each stream at `start + k / 60`, NaN where it was not measured.

    Streams that share their stamps (windows cut by the dataset itself) are done in one
    go.

    Args:
      jobs: the streams.
      gap_s: stamps further apart than this are a gap.
    """
    made: list = [None] * len(jobs)
    for members in _alike(jobs).values():
        first = jobs[members[0]]
        stacked = np.concatenate([jobs[i].values for i in members], axis=1)
        whole = _resample(first.time - first.start, stacked, first.count, gap_s)
        for place, index in enumerate(members):
            made[index] = whole[:, 3 * place : 3 * place + 3]
    return made


def measured_rate(time: Float64[np.ndarray, "T"]) -> float:
    """Samples per second by the median step, NaN for fewer than two samples."""
    return 1.0 / float(np.median(np.diff(time))) if len(time) > 1 else math.nan


def _alike(jobs: Sequence[Job]) -> dict:
    """Indices of jobs with equal stamps and grid; one with gaps stands alone."""
    groups: dict = {}
    for index, job in enumerate(jobs):
        if np.isnan(job.values).any():
            key = index
        else:
            key = (job.count, (job.time - job.start).tobytes())
        groups.setdefault(key, []).append(index)
    return groups


def _resample(time, values, count, gap_s) -> Float32[np.ndarray, "S C"]:
    """Columns with common stamps on the grid k / 60."""
    grid = np.full((count, values.shape[1]), np.nan, np.float32)
    there = ~np.isnan(values).any(axis=1)
    time, values = time[there], values[there]
    if len(time) < _FEWEST:
        return grid
    steps = np.diff(time)
    keep = np.append(True, steps >= _BUNCHED * np.median(steps))
    time, values = time[keep], values[keep]
    # Within a stretch every sample but the first follows the one before it closely.
    near = np.append(True, np.diff(time) <= gap_s)
    for run in _stretches(near):
        _fill_run(grid, time[run], values[run])
    return grid


def _stretches(near) -> list[slice]:
    """Runs of samples without a gap: a sample after a gap begins the next run."""
    starts = np.flatnonzero(~near)
    edges = [0, *starts.tolist(), len(near)]
    runs = [slice(a, b) for a, b in itertools.pairwise(edges)]
    return [run for run in runs if run.stop - run.start >= _FEWEST]


def _fill_run(grid, time, values) -> None:
    """Write one stretch without gaps into the grid."""
    # Stamps in float64 seconds since 1970 carry a quarter of a microsecond.
    slack = 1e-4
    first = max(math.ceil(time[0] * RATE_HZ - slack), 0)
    last = min(math.floor(time[-1] * RATE_HZ + slack), len(grid) - 1)
    if last < first:
        return
    rate = measured_rate(time)
    faster = rate > RATE_HZ * _RATE_TOLERANCE
    # Twice the stream's own rate: images that the spline leaves do not fold either.
    fold = math.ceil(2 * rate / RATE_HZ - 1e-3) if faster else 1
    spline = make_interp_spline(time, values.astype(np.float64), k=3)
    fine = np.arange((last - first) * fold + 1) / (RATE_HZ * fold) + first / RATE_HZ
    wanted = spline(np.clip(fine, time[0], time[-1]))
    # Scipy's extension of a single sample ends the process; one needs no filter.
    if len(wanted) > 1 and fold > 1:
        wanted = resample_poly(
            wanted, 1, fold, axis=0, window=_low_pass(fold), padtype="antireflect"
        )
    grid[first : last + 1] = wanted


@functools.lru_cache
def _low_pass(fold: int) -> Float64[np.ndarray, "taps"]:
    """Symmetric FIR taps at `fold` times 60 Hz, of unit gain at zero frequency."""
    nyquist = RATE_HZ * fold / 2
    taps, beta = kaiserord(_STOP_DB, (_STOP_HZ - _PASS_HZ) / nyquist)
    # An odd number of taps delays by whole samples.
    middle = (_PASS_HZ + _STOP_HZ) / 2
    return firwin(taps | 1, middle, window=("kaiser", beta), fs=2 * nyquist)
