"""Allan deviation of a still sensor, and the noise terms read from it.

The overlapping Allan variance of a signal at averaging time tau = m / rate is

    avar(tau) = < (theta[k + 2m] - 2 theta[k + m] + theta[k])^2 > / (2 tau^2),

theta being the signal's running integral. Noise of independent causes adds up in it
(IEEE Std 952-1997, annex C; El-Sheimy, Hou & Niu, "Analysis and modeling of inertial
sensors using Allan variance", 2008):

    avar(tau) = N^2 / tau + (2 ln 2 / pi) B^2 + K^2 tau / 3

with N the white noise (angle or velocity random walk), B the bias instability and K
the rate (or acceleration) random walk. The fit is linear in the three squares.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

_FLAT = 2 * np.log(2) / np.pi
# A term counts as seen where its share of the variance exceeds the scatter this often.
_SIGNIFICANT = 3.0
_REWEIGHTINGS = 8


@dataclasses.dataclass(frozen=True)
class AllanCurve:
    """Overlapping Allan deviation of one channel.

    Attributes:
      tau: (K,) s, averaging times, ascending.
      deviation: (K,) in the signal's unit.
      duration: s, length of the signal.
    """

    tau: Float[np.ndarray, "K"]
    deviation: Float[np.ndarray, "K"]
    duration: float


@dataclasses.dataclass(frozen=True)
class AllanFit:
    """Noise terms of one channel whose unit is u (m/s^2 or rad/s).

    Attributes:
      white: N in u / sqrt(Hz), two-sided; samples at a rate f have std N sqrt(f).
      instability: B in u.
      random_walk: K in u / sqrt(s).
      supported: names of the terms that stand out of the curve's own scatter somewhere;
        the others are not supported by the data (short streams show white noise only).
      misfit: RMS distance of the curve from the fit in units of the scatter that the
        length of the signal allows; well above 1 where other noise is at work.
    """

    white: float
    instability: float
    random_walk: float
    supported: tuple[str, ...]
    misfit: float

    @property
    def density(self) -> float:
        """White noise as a one-sided density, std / sqrt(rate / 2), as data sheets."""
        return float(np.sqrt(2) * self.white)


def allan_deviation(
    signal: Float[np.ndarray, "..."], rate_hz: float, points: int = 60
) -> AllanCurve:
    """Overlapping Allan deviation at about `points` log-spaced averaging times.

    Args:
      signal: (T,) one channel of a still sensor, T at least 9, without gaps.
      rate_hz: sampling rate.
      points: averaging times between one sample and a third of the signal.

    Raises:
      ValueError: for a signal that is too short, not one channel, or not finite.
    """
    signal = np.asarray(signal, np.float64)
    if signal.ndim != 1 or signal.size < 9:
        raise ValueError(
            f"signal has shape {signal.shape}; give one channel (T,) with T at least 9"
        )
    if not np.isfinite(signal).all():
        raise ValueError("signal has values that are not finite; cut it at its gaps")
    # Without its mean the running integral keeps its digits; the variance is the same.
    theta = np.concatenate([[0.0], np.cumsum(signal - signal.mean())]) / rate_hz
    steps = np.unique(np.geomspace(1, signal.size // 3, points).astype(int))
    variance = np.empty(steps.size)
    for i, m in enumerate(steps):
        second = theta[2 * m :] - 2 * theta[m:-m] + theta[: -2 * m]
        variance[i] = np.mean(second**2) / (2 * (m / rate_hz) ** 2)
    return AllanCurve(steps / rate_hz, np.sqrt(variance), signal.size / rate_hz)


def fit_allan(curve: AllanCurve) -> AllanFit:
    """Non-negative least squares of the three noise terms to an Allan curve.

    Rows are weighted by the estimate's own scatter: an averaging time tau has about
    duration / tau independent clusters, and the variance there a relative error of
    sqrt(2 tau / duration). The weights follow the fitted curve, not the measured one,
    which would favour points that fell low by chance.

    Raises:
      ValueError: for a curve that touches zero, as of a constant signal.
    """
    if not np.all(curve.deviation > 0):
        raise ValueError("the Allan deviation touches zero: the signal has no noise")
    tau, variance = curve.tau, curve.deviation**2
    design = np.stack([1 / tau, np.full_like(tau, _FLAT), tau / 3], axis=1)
    clusters = np.sqrt(curve.duration / (2 * tau))
    fitted = variance
    for _ in range(_REWEIGHTINGS):
        weight = clusters / np.maximum(fitted, np.finfo(float).tiny)
        # Unit columns: the squares differ by orders of magnitude.
        scale = np.linalg.norm(design * weight[:, None], axis=0)
        solution, _ = nnls(design * weight[:, None] / scale, variance * weight)
        squares = solution / scale
        fitted = design @ squares
    share = design * squares / np.maximum(fitted, np.finfo(float).tiny)[:, None]
    significance = np.max(share * clusters[:, None], axis=0)
    names = ("white", "instability", "random_walk")
    seen = [n for n, s in zip(names, significance, strict=True) if s > _SIGNIFICANT]
    white, instability, walk = np.sqrt(squares)
    return AllanFit(
        white=float(white),
        instability=float(instability),
        random_walk=float(walk),
        supported=tuple(seen),
        misfit=float(np.sqrt(np.mean(((variance / fitted - 1) * clusters) ** 2))),
    )
