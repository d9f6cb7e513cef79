"""Zero-phase low-pass of sampled tracks by a discrete smoothing spline.

The smoothed track y minimises |x - y|^2 + lam |D^m y|^2 with D^m the m-th difference
(Whittaker 1923; Eilers, "A perfect smoother", Analytical Chemistry 2003). It is the
sampled counterpart of the smoothing splines that biomechanics uses for derivatives
(Woltring 1985) and of a zero-phase Butterworth filter: its amplitude response is

    H(f) = 1 / (1 + (sin(pi f / rate) / sin(pi cutoff / rate))^(2 m)),

one half at the cut-off. Unlike a filter run forwards and backwards it needs no
invented samples beyond the ends: a straight line passes through unchanged.
"""

import functools

import numpy as np
from jaxtyping import Float
from scipy.linalg import cho_solve_banded, cholesky_banded

_LONGEST_MATRIX = 4096


def smooth(
    track: Float[np.ndarray, "T *F"],
    rate_hz: float,
    cutoff_hz: float,
    order: int = 3,
) -> Float[np.ndarray, "T *F"]:
    """Smooth a track on the host, in float64 and in time linear in T.

    Args:
      track: (T, ...) samples; each trailing component is smoothed by itself.
      rate_hz: sampling rate.
      cutoff_hz: frequency of half amplitude, below rate_hz / 2.
      order: order m of the penalised difference; a higher one falls off more steeply.

    Raises:
      ValueError: for a cut-off outside (0, rate_hz / 2) or fewer than m + 1 samples.
    """
    check_cutoff(rate_hz, cutoff_hz)
    flat = np.asarray(track, np.float64).reshape(len(track), -1)
    factor = _cholesky(len(track), float(rate_hz), float(cutoff_hz), order)
    return cho_solve_banded((factor, True), flat).reshape(track.shape)


@functools.lru_cache(maxsize=32)
def smoothing_matrix(
    length: int, rate_hz: float, cutoff_hz: float, order: int = 3
) -> Float[np.ndarray, "T T"]:
    """The smoother as a dense matrix, to be multiplied on an accelerator.

    Meant for windows; a ValueError sends recordings of over 4,096 samples to `smooth`.
    """
    check_cutoff(rate_hz, cutoff_hz)
    if length > _LONGEST_MATRIX:
        raise ValueError(
            f"a track of {length} samples needs a smoothing matrix of "
            f"{length**2 * 8 / 2**30:.1f} GiB; smooth it on the host with "
            "geometry.smoothing.smooth, or cut it into windows"
        )
    factor = _cholesky(length, rate_hz, cutoff_hz, order)
    matrix = cho_solve_banded((factor, True), np.eye(length))
    matrix.setflags(write=False)
    return matrix


def check_cutoff(rate_hz: float, cutoff_hz: float) -> None:
    """Raise a ValueError unless 0 < cutoff_hz < rate_hz / 2."""
    if not 0 < cutoff_hz < rate_hz / 2:
        raise ValueError(
            f"cutoff_hz={cutoff_hz:g} must lie between 0 and half the sampling rate, "
            f"{rate_hz / 2:g} Hz"
        )


@functools.lru_cache(maxsize=32)
def _cholesky(
    length: int, rate_hz: float, cutoff_hz: float, order: int
) -> Float[np.ndarray, "B T"]:
    """Lower banded Cholesky factor of I + lam D'D."""
    if length <= order:
        raise ValueError(
            f"a track of {length} samples is too short to smooth with differences of "
            f"order {order}; give at least {order + 1}"
        )
    weight = (2 * np.sin(np.pi * cutoff_hz / rate_hz)) ** (-2 * order)
    difference = np.array([1.0])
    for _ in range(order):
        difference = np.convolve(difference, [-1.0, 1.0])
    bands = np.zeros((order + 1, length))
    rows = length - order
    for low in range(order + 1):
        for lag in range(order + 1 - low):
            product = weight * difference[low] * difference[low + lag]
            bands[lag, low : low + rows] += product
    bands[0] += 1.0
    return cholesky_banded(bands, lower=True)
