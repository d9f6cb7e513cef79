"""Scalar curves over time that the activities are built of (host, NumPy).

Periodic curves from table values, minimum-jerk transitions (Flash & Hogan 1985),
band-limited noise for drift and variability, cycles whose period varies from one to
the next, and the damped oscillation that follows an impact.
"""

import numpy as np
from jaxtyping import Float
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.ndimage import gaussian_filter1d

Track = Float[np.ndarray, "T"]


def minimum_jerk(fraction: np.ndarray) -> np.ndarray:
    """Smooth step 0 to 1 of Flash & Hogan (1985); held at 0 before and 1 after.

    Args:
      fraction: any shape, 0 at the start and 1 at the end of the movement.
    """
    s = np.clip(fraction, 0.0, 1.0)
    return s**3 * (10 + s * (-15 + 6 * s))


def between(time: np.ndarray, start: float, end: float) -> np.ndarray:
    """Minimum-jerk step from 0 at `start` to 1 at `end`, both in s."""
    return minimum_jerk((time - start) / (end - start))


def keyframes(
    time: np.ndarray, when: np.ndarray | list, values: np.ndarray | list
) -> np.ndarray:
    """Minimum-jerk movement from each value to the next, coming to rest at each.

    Args:
      time: (T,) s.
      when: (K,) s, increasing; values are held outside of it.
      values: (K,) or (K, D), one per key time.

    Returns:
      (T,) or (T, D).
    """
    when, values = np.asarray(when, float), np.asarray(values, float)
    k = np.clip(np.searchsorted(when, time, side="right") - 1, 0, len(when) - 2)
    step = minimum_jerk((time - when[k]) / (when[k + 1] - when[k]))
    step = step.reshape(step.shape + (1,) * (values.ndim - 1))
    return values[k] + step * (values[k + 1] - values[k])


def waypoints(time: np.ndarray, when: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Smooth movement (C2 cubic spline) THROUGH values without stopping at them.

    Arguments and result as `keyframes`; the movement rests at both ends.
    """
    spline = CubicSpline(when, values, axis=0, bc_type="clamped")
    return spline(np.clip(time, when[0], when[-1]))


def periodic(
    phase: np.ndarray, knots: np.ndarray, values: np.ndarray, period: float = 1.0
) -> np.ndarray:
    """Periodic cubic spline through table values, such as joint angles of a cycle.

    Args:
      phase: any shape, in cycles (only its remainder matters).
      knots: (K,) phases in [0, period), increasing.
      values: (K,) or (K, D) at the knots.
    """
    knots = np.append(knots, knots[0] + period)
    values = np.concatenate([values, values[:1]])
    spline = CubicSpline(knots, values, bc_type="periodic", axis=0)
    return spline(np.mod(phase - knots[0], period) + knots[0])


def smooth_noise(
    rng: np.random.Generator, time: np.ndarray, cutoff_hz: float, size: int = 1
) -> np.ndarray:
    """Band-limited Gaussian noise, about zero mean and unit standard deviation.

    A cubic spline through white noise at knots 1/(2 cutoff) apart.

    Returns:
      (T,) where `size` is 1, else (T, size).
    """
    step = 0.5 / cutoff_hz
    offset = rng.uniform(0, step)
    count = int(np.ceil((time[-1] - time[0] + offset) / step)) + 4
    knots = time[0] - offset - step + step * np.arange(count)
    # The spline between unit-variance knots has variance of about 0.84.
    noise = CubicSpline(knots, rng.standard_normal((count, size)) / 0.92)(time)
    return noise[:, 0] if size == 1 else noise


def tremor(
    rng: np.random.Generator,
    time: np.ndarray,
    frequency_hz: float,
    bandwidth_hz: float = 1.0,
    size: int = 1,
) -> np.ndarray:
    """Narrow-band noise of unit standard deviation about a centre frequency.

    Returns:
      (T,) where `size` is 1, else (T, size).
    """
    envelope = smooth_noise(rng, time, bandwidth_hz, 2 * size).reshape(len(time), -1)
    angle = 2 * np.pi * frequency_hz * time[:, None]
    noise = envelope[:, :size] * np.cos(angle) + envelope[:, size:] * np.sin(angle)
    return noise[:, 0] if size == 1 else noise


def cycle_times(
    rng: np.random.Generator,
    time: np.ndarray,
    period_s: float,
    variation: float = 0.025,
    margin: int = 2,
) -> np.ndarray:
    """Start times (K,) s of cycles of varying length that cover `time` with margin.

    Args:
      period_s: mean cycle length in s.
      variation: coefficient of variation of the lengths; gait's stride time has a
        few per cent (Hausdorff 2005).
      margin: whole cycles before the first and after the last sample.
    """
    duration = time[-1] - time[0]
    count = int(np.ceil(duration / (period_s * (1 - 2 * variation)))) + 2 * margin + 2
    lengths = period_s * (1 + variation * np.clip(rng.standard_normal(count), -2, 2))
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    return starts - starts[margin] - rng.uniform(0, lengths[margin]) + time[0]


def phase_of(time: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Phase (T,) in cycles, smooth and increasing, whole at the start of each cycle."""
    return PchipInterpolator(starts, np.arange(len(starts), dtype=float))(time)


def varying_phase(
    rng: np.random.Generator, time: np.ndarray, rate_hz: float, variation: float = 0.025
) -> np.ndarray:
    """Phase (T,) in cycles of a repeated movement, with a random start.

    Args:
      rate_hz: mean cycles per second.
      variation: coefficient of variation of the cycle length.
    """
    return phase_of(time, cycle_times(rng, time, 1 / rate_hz, variation))


def softened(time: np.ndarray, track: np.ndarray, width_s: float) -> np.ndarray:
    """A track (T,) or (T, D) smoothed by a Gaussian of `width_s`, straight at its ends.

    The ends are continued by point reflection, so a steady movement stays steady.
    """
    width = width_s / (time[1] - time[0])
    margin = min(int(4 * width) + 2, len(track) - 1)
    pad = [(margin, margin)] + [(0, 0)] * (track.ndim - 1)
    longer = np.pad(track, pad, mode="reflect", reflect_type="odd")
    return gaussian_filter1d(longer, width, axis=0)[margin:-margin]


def ringing(
    time: np.ndarray,
    events: np.ndarray,
    peak: np.ndarray | float,
    frequency_hz: float,
    decay_s: float,
    onset_s: float = 0.008,
) -> np.ndarray:
    """Displacement (T,) in m after impacts: a short push, then damped oscillation.

    The push gives a velocity, which the tissue's oscillation takes back.

    Args:
      events: (K,) s, times of impact.
      peak: peak acceleration in m/s^2 of each push, one or (K,); positive is upwards,
        as where the ground stops a fall. With rad for m it is an angle's.
      frequency_hz: of the oscillation.
      decay_s: time constant of its decay.
      onset_s: time scale of the push, which lasts about twice that.
    """
    omega = 2 * np.pi * frequency_hz
    since = time[:, None] - np.asarray(events)[None, :]
    live = (since >= 0) & (since < 8 * decay_s)
    safe = np.where(live, since, 0.0)
    onset = 1 - np.exp(-((safe / onset_s) ** 2))
    wave = onset * np.exp(-safe / decay_s) * np.sin(omega * safe)
    # The second derivative of t (1 - exp(-t^2 / s^2)) peaks at 1.94 / s.
    speed = np.asarray(peak) * onset_s / 1.94
    return np.sum(np.where(live, speed / omega * wave, 0.0), axis=1)
