"""White noise and bias of a worn sensor, read from the moments when it lies still.

The paper's method (section 3.1, as its official code has it): in the quietest frames of
a recording the white noise is std(first difference) / sqrt(2), since differencing takes
away gravity and slow motion. Quiet are the frames whose angular rate is at most its
35th percentile and whose force magnitude lies within the 45th percentile of its
distance from the median; the result is clipped to a plausible range. Here, besides:

- The percentiles act on the signal smoothed over a quarter of a second. On raw samples
  they select by the noise itself: of a sensor on a table the gyroscope noise then reads
  nearly half of what it is. The rate is taken relative to its median, the bias.
- A percentile always finds frames, also in a recording that never rests. Frames must
  also lie in a still second: the smoothed channels vary by less than fixed bounds.
- Second differences (`QuietRule.order`; the paper's first are order 1) let less of
  tremor, sway and heartbeat through, which inflate every figure from a worn sensor.
  `QuietNoise.whiteness` shows what is left: on white noise all orders agree.
- White noise grows with bandwidth, so a standard deviation holds at its own sampling
  rate. What carries over to other rates is the density, std / sqrt(rate / 2), as long
  as the device filters before it samples; where it does not (noise folds back), the
  density is that of the sampled stream and overstates the noise at higher rates.

Short streams support white noise and bias only; for slower noise: `simulation.allan`.
"""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d

from anymo_jax.simulation.imu import STANDARD_GRAVITY

_GRAVITY = -STANDARD_GRAVITY[2]
# Plausible white noise as in the official code: m/s^2, then rad/s.
_LEAST_STD = np.array([0.002] * 3 + [0.001] * 3)
_MOST_STD = 0.15
# The least mean square of the gravity direction along any axis for which three
# components of a force bias are told apart (1/3 is an even spread).
_LEAST_COVERAGE = 0.05


@dataclasses.dataclass(frozen=True)
class QuietRule:
    """Which frames count as quiet, and how they are differenced.

    Attributes:
      rate_percentile: of the angular rate's distance from its median (paper: 35).
      force_percentile: of the force magnitude's distance from its median (paper: 45).
      smoothing_s: length of the moving average before any threshold.
      window_s: length of the still stretch that must surround a frame.
      rate_range: rad/s, the most any smoothed gyroscope axis may vary within it.
      force_range: m/s^2, likewise for the accelerometer.
      order: order of the differences (paper: 1).
    """

    rate_percentile: float = 35.0
    force_percentile: float = 45.0
    smoothing_s: float = 0.25
    window_s: float = 1.0
    rate_range: float = 0.02
    force_range: float = 0.1
    order: int = 2


@dataclasses.dataclass(frozen=True)
class QuietNoise:
    """What the quiet frames of one sensor say; channels are force xyz, rate xyz.

    Attributes:
      rate_hz: sampling rate of the stream, at which `white_std` holds.
      seconds: quiet time used.
      white_std: (6,) m/s^2 and rad/s; NaN for a channel never measured.
      whiteness: (6,) std from differences one order higher over `white_std`: 1 for
        white noise, below it where motion remains.
      rate_bias: (3,) rad/s, mean angular rate while still.
      force_bias: (3,) m/s^2 from gravity's magnitude in several postures; NaN where the
        postures do not tell the three axes apart.
      force_excess: m/s^2, RMS of |force| - g without the white noise: the bias along
        gravity, known in any posture (with the scale error along it).
      resolution: (6,) step of the recorded values, 0 if they lie on no lattice; an
        upper bound on the device's own quantisation if the file was rounded.
    """

    rate_hz: float
    seconds: float
    white_std: Float[np.ndarray, "6"]
    whiteness: Float[np.ndarray, "6"]
    rate_bias: Float[np.ndarray, "3"]
    force_bias: Float[np.ndarray, "3"]
    force_excess: float
    resolution: Float[np.ndarray, "6"]

    @property
    def density(self) -> Float[np.ndarray, "6"]:
        """(6,) one-sided noise density in m/s^2/sqrt(Hz) and rad/s/sqrt(Hz)."""
        return self.white_std / np.sqrt(self.rate_hz / 2)


def quiet_frames(
    runs: Sequence[Float[np.ndarray, "..."]],
    rate_hz: float,
    rule: QuietRule = QuietRule(),
) -> list[Bool[np.ndarray, "_"]]:
    """Masks of the quiet frames of one sensor's runs (stretches without gaps).

    The percentiles are of all runs together. Frames with a missing accelerometer are
    never quiet; where the gyroscope is missing the accelerometer decides alone.

    Args:
      runs: each (T_i, 6) m/s^2 and rad/s; NaN where not measured.
      rate_hz: sampling rate.
      rule: what counts as quiet.

    Raises:
      ValueError: for no runs, a run that is not (T, 6), or a rate that is not positive.
    """
    _check_runs(runs, rate_hz)
    smooth = [_moving_average(run, rate_hz * rule.smoothing_s) for run in runs]
    stacked = np.concatenate(smooth)
    force = np.linalg.norm(stacked[:, :3], axis=1)
    distance = np.abs(force - _percentile(force, 50))
    rate = np.linalg.norm(stacked[:, 3:] - _percentile(stacked[:, 3:], 50), axis=1)
    quiet = distance <= _percentile(distance, rule.force_percentile)
    quiet &= np.isnan(rate) | (rate <= _percentile(rate, rule.rate_percentile))
    quiet &= np.concatenate([_is_still(run, rate_hz, rule) for run in smooth])
    return np.split(quiet, np.cumsum([len(run) for run in runs])[:-1])


def estimate_noise(
    runs: Sequence[Float[np.ndarray, "..."]],
    rate_hz: float,
    rule: QuietRule = QuietRule(),
    quiet: Sequence[Bool[np.ndarray, "_"]] | None = None,
) -> QuietNoise:
    """White noise and bias of one sensor from its quiet frames.

    Args:
      runs: each (T_i, 6) m/s^2 and rad/s; NaN where not measured.
      rate_hz: sampling rate.
      rule: what counts as quiet, and the order of differences.
      quiet: mask of each run where it is known already; else by `quiet_frames`.

    Raises:
      ValueError: as `quiet_frames`, and where no stretch of quiet frames is found.
    """
    quiet = quiet_frames(runs, rate_hz, rule) if quiet is None else quiet
    resolution = _resolution(np.concatenate(runs))
    variance = _white_variance(runs, quiet, rule.order, resolution)
    higher = _white_variance(runs, quiet, rule.order + 1, resolution)
    still = np.concatenate([r[q] for r, q in zip(runs, quiet, strict=True)])
    force = np.linalg.norm(still[:, :3], axis=1)
    excess = np.mean((force - _GRAVITY) ** 2) - variance[:3].mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        whiteness = np.sqrt(higher / variance)
    return QuietNoise(
        rate_hz=float(rate_hz),
        seconds=len(still) / rate_hz,
        white_std=np.clip(np.sqrt(variance), _LEAST_STD, _MOST_STD),
        whiteness=whiteness,
        rate_bias=still[:, 3:].mean(axis=0),
        force_bias=_force_bias(still[:, :3]),
        force_excess=float(np.sqrt(max(excess, 0.0))),
        resolution=resolution,
    )


def _is_still(smooth, rate_hz, rule):
    """Frames around which each smoothed channel stays within its bound."""
    size = max(round(rate_hz * rule.window_s), 1)
    # NaN would poison the filters: a missing gyroscope is no obstacle, a missing
    # accelerometer is.
    filled = np.where(np.isnan(smooth), 0.0, smooth)
    spread = maximum_filter1d(filled, size, axis=0, mode="nearest")
    spread -= minimum_filter1d(filled, size, axis=0, mode="nearest")
    still = (spread[:, :3] <= rule.force_range).all(axis=1)
    still &= (spread[:, 3:] <= rule.rate_range).all(axis=1)
    return still & np.isfinite(smooth[:, :3]).all(axis=1)


def _white_variance(runs, quiet, order, resolution):
    """Variance (6,) of a sample from differences whose samples are all quiet."""
    kept = []
    for run, mask in zip(runs, quiet, strict=True):
        lags = range(order + 1)
        count = max(len(mask) - order, 0)
        whole = np.all([mask[lag : lag + count] for lag in lags], axis=0)
        kept.append(np.diff(run, order, axis=0)[whole])
    differences = np.concatenate(kept)
    if not len(differences):
        raise ValueError(
            f"no {order + 1} quiet frames in a row: the sensor never rests in this "
            "recording, so its noise cannot be read from it"
        )
    # A difference of order k has binom(2k, k) times the variance of white samples;
    # values rounded to steps of q carry q^2 / 12 of the file's own (Sheppard).
    variance = np.mean(differences**2, axis=0) / math.comb(2 * order, order)
    return np.maximum(variance - resolution**2 / 12, 0.0)


def _force_bias(force: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "3"]:
    """Bias b for which |force - b| is gravity, NaN where directions are too few.

    To first order |f| - g = (f / |f|) b, which is linear in b.
    """
    magnitude = np.linalg.norm(force, axis=1, keepdims=True)
    direction = force / magnitude
    spread = np.linalg.eigvalsh(direction.T @ direction / len(direction))
    if not spread[0] >= _LEAST_COVERAGE:
        return np.full(3, np.nan)
    excess = magnitude[:, 0] - _GRAVITY
    return np.linalg.lstsq(direction, excess, rcond=None)[0]


def _resolution(values: Float[np.ndarray, "N 6"]) -> Float[np.ndarray, "6"]:
    """Step of the lattice each channel's values lie on, 0 if on none."""
    steps = np.zeros(6)
    for channel, column in enumerate(values.T):
        gaps = np.diff(np.unique(column[np.isfinite(column)]))
        if gaps.size == 0:
            continue
        multiples = gaps / gaps.min()
        if np.abs(multiples - np.rint(multiples)).max() < 0.01:
            steps[channel] = gaps.min()
    return steps


def _moving_average(run, length):
    # The filter would carry one missing sample on to the end of the run.
    run = np.asarray(run, float)
    missing = np.isnan(run)
    size = max(round(length), 1)
    smooth = uniform_filter1d(np.where(missing, 0.0, run), size, axis=0)
    return np.where(maximum_filter1d(missing, size, axis=0), np.nan, smooth)


def _percentile(values, percent):
    """Percentile over time of the samples there are; NaN where there are none."""
    columns = values.reshape(len(values), -1).T
    there = [column[np.isfinite(column)] for column in columns]
    found = [np.percentile(c, percent) if c.size else np.nan for c in there]
    return np.array(found).reshape(values.shape[1:])


def _check_runs(runs, rate_hz) -> None:
    if not runs:
        raise ValueError("no runs given; give at least one (T, 6) array")
    for index, run in enumerate(runs):
        if np.ndim(run) != 2 or np.shape(run)[1] != 6:
            raise ValueError(f"run {index} has shape {np.shape(run)}; expected (T, 6)")
    if not rate_hz > 0:
        raise ValueError(f"rate_hz must be positive, got {rate_hz}")
