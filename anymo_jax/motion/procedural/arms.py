"""Arm movements as functions of time: itineraries, strokes, shapes, contacts.

Reaching is minimum-jerk (Flash & Hogan 1985: bell-shaped speed, peak 1.875 times the
mean). Curved drawing slows where the path bends: speed goes with curvature to the power
of -1/3 (Lacquaniti, Terzuolo & Viviani 1983), bounded on straight parts (Viviani &
Schneider 1991). Repetitive work varies more than gait from cycle to cycle: by 5 to 15
per cent in period and 10 to 25 per cent in amplitude, set by eye. Pure NumPy, no
bodies: `scene` puts these on a person.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter1d

from anymo_jax.motion.procedural.curves import (
    cycle_times,
    minimum_jerk,
    phase_of,
    ringing,
    smooth_noise,
    tremor,
)
from anymo_jax.motion.procedural.limbs import HandTrack

# Numbers in a row: an array, or a list or tuple of them.
Row = np.ndarray | Sequence[float]


def bell(fraction: np.ndarray) -> np.ndarray:
    """Smooth bump over 0 to 1, of height 1 at its middle, 0 with its first and second
    derivative outside (the speed profile of a minimum-jerk reach to a power of 3/2)."""
    s = np.clip(fraction, 0.0, 1.0)
    return 64 * s**3 * (1 - s) ** 3


def itinerary(
    time: np.ndarray,
    when: Row,
    targets: Sequence[Row],
    lift: Row | float = 0.0,
) -> np.ndarray:
    """Minimum-jerk movement from target to target, where targets may move themselves.

    Args:
      time: (T,) s.
      when: (K,) s, increasing; two equal targets in a row make a dwell.
      targets: K of (D,) or (T, D); the first and last are held outside of `when`.
      lift: m added to the last coordinate half way of each movement, one or (K-1,).

    Returns:
      (T, D).
    """
    when = np.asarray(when, float)
    if len(when) != len(targets) or np.any(np.diff(when) <= 0):
        raise ValueError("an itinerary needs one increasing time for each target")
    count, size = len(time), np.shape(targets[0])[-1]
    if len(when) == 1:
        return np.broadcast_to(targets[0], (count, size)).copy()
    stack = np.stack([np.broadcast_to(t, (count, size)) for t in targets])
    k = np.clip(np.searchsorted(when, time, side="right") - 1, 0, len(when) - 2)
    fraction = (time - when[k]) / (when[k + 1] - when[k])
    start, end = stack[k, np.arange(count)], stack[k + 1, np.arange(count)]
    track = start + minimum_jerk(fraction)[:, None] * (end - start)
    lift = np.broadcast_to(np.asarray(lift, float), (len(when) - 1,))
    track[:, -1] += lift[k] * bell(fraction)
    return track


def passing(
    time: np.ndarray,
    when: Row,
    targets: Sequence[Row],
    rounding_s: float = 0.05,
) -> np.ndarray:
    """Smooth path (T, D) through targets (D,), resting only where two are equal.

    A monotone cubic, its kinks rounded by a Gaussian of `rounding_s`.
    """
    when, points = np.asarray(when, float), np.stack(targets)
    if len(when) == 1:
        return np.broadcast_to(points[0], (len(time), points.shape[1])).copy()
    path = PchipInterpolator(when, points)(np.clip(time, when[0], when[-1]))
    return rounded(time, path, rounding_s)


def rounded(time: np.ndarray, path: np.ndarray, width_s: float) -> np.ndarray:
    """A path (T, D) smoothed by a Gaussian of standard deviation `width_s`."""
    width = width_s * (len(time) - 1) / (time[-1] - time[0])
    return gaussian_filter1d(path, width, axis=0, mode="nearest")


def posed(position: Row, *angles: np.ndarray | float) -> np.ndarray:
    """A target of an itinerary that has angles too: (D,) or (T, D), position last."""
    position = np.asarray(position, float)
    columns = [np.broadcast_to(a, position.shape[:-1]) for a in angles]
    return np.concatenate([np.stack(columns, axis=-1), position], axis=-1)


class Itinerary:
    """Builds the arguments of `itinerary` one leg at a time.

    Start at a target, then `go` and `stay` until `now` is past the end of the clip.
    """

    def __init__(self, start: float, target: np.ndarray) -> None:
        self.when, self.targets, self.lifts = [float(start)], [target], []

    @property
    def now(self) -> float:
        """Time in s at which the last leg ends."""
        return self.when[-1]

    def go(self, target: np.ndarray, seconds: float, lift: float = 0.0) -> "Itinerary":
        """Moves to a target (D,) or (T, D) in so many seconds."""
        self.when.append(self.now + max(float(seconds), 0.02))
        self.targets.append(target)
        self.lifts.append(lift)
        return self

    def stay(self, seconds: float) -> "Itinerary":
        """Dwells at the last target."""
        return self.go(self.targets[-1], seconds)

    def track(self, time: np.ndarray) -> np.ndarray:
        """The movement, (T, D)."""
        return itinerary(time, self.when, self.targets, self.lifts)


def moments(
    rng: np.random.Generator,
    time: np.ndarray,
    rate_hz: float,
    variation: float = 0.3,
) -> np.ndarray:
    """Irregular times (K,) s within the clip, gamma-distributed intervals.

    Args:
      rate_hz: mean number per second.
      variation: coefficient of variation of the intervals; 1 is a Poisson process.
    """
    shape = 1 / variation**2
    count = int((time[-1] - time[0]) * rate_hz * 1.5) + 10
    gaps = rng.gamma(shape, 1 / (rate_hz * shape), count)
    when = time[0] - rng.uniform(0, 1 / rate_hz) + np.cumsum(gaps)
    return when[(when > time[0]) & (when < time[-1])]


def pulses(
    time: np.ndarray,
    when: np.ndarray,
    width_s: float,
    height: np.ndarray | float = 1.0,
) -> np.ndarray:
    """Sum (T,) of smooth bumps of full width `width_s` centred at the times `when`."""
    if len(when) == 0:
        return np.zeros(len(time))
    fraction = (time[:, None] - np.asarray(when)[None]) / width_s + 0.5
    return np.sum(height * bell(fraction), axis=1)


def hops(
    rng: np.random.Generator,
    time: np.ndarray,
    rate_hz: float,
    move_s: tuple[float, float],
    size: int = 1,
    variation: float = 0.5,
) -> np.ndarray:
    """Random levels, unit Gaussian, held and left by minimum-jerk moves now and then.

    Args:
      rate_hz: mean moves per second.
      move_s: shortest and longest duration of a move.
      variation: coefficient of variation of the time between moves.

    Returns:
      (T,) where `size` is 1, else (T, size).
    """
    starts = moments(rng, time, rate_hz, variation)
    # Moves that would have to be rushed are left out.
    starts = starts[np.diff(starts, prepend=-np.inf) > 1.2 * move_s[0]]
    starts = np.concatenate([[time[0] - 2.0], starts])
    levels = np.clip(rng.standard_normal((len(starts) + 1, size)), -2, 2)
    room = np.append(np.diff(starts), np.inf)
    ends = starts + np.minimum(rng.uniform(*move_s, len(starts)), 0.95 * room)
    when = np.stack([starts, ends], axis=1).ravel()
    targets = np.repeat(levels, 2, axis=0)[1:-1]
    track = itinerary(time, when, list(targets))
    return track[:, 0] if size == 1 else track


def bouts(
    rng: np.random.Generator,
    time: np.ndarray,
    active_s: tuple[float, float],
    pause_s: tuple[float, float],
) -> np.ndarray:
    """Starts and ends (K, 2) s of spells of activity with pauses between them.

    A clip starts within a spell, and spells reach beyond both ends of it.
    """
    spells = []
    now = time[0] - rng.uniform(0.1, 0.9) * active_s[0]
    while now < time[-1]:
        end = now + rng.uniform(*active_s)
        spells.append((now, end))
        now = end + rng.uniform(*pause_s)
    return np.array(spells)


def gate(time: np.ndarray, spells: np.ndarray, ramp_s: float) -> np.ndarray:
    """Weight (T,) of 1 within the spells and 0 between, ramps inside of the spells."""
    value = np.zeros(len(time))
    for start, end in spells:
        ramp = min(ramp_s, 0.5 * (end - start))
        rise = minimum_jerk((time - start) / ramp)
        value = np.maximum(value, np.minimum(rise, minimum_jerk((end - time) / ramp)))
    return value


def working_phase(
    rng: np.random.Generator,
    time: np.ndarray,
    rate_hz: float,
    variation: float = 0.08,
) -> tuple[np.ndarray, np.ndarray]:
    """Phase (T,) in cycles of repetitive work, and the amplitude (T,) of each cycle.

    Args:
      rate_hz: mean cycles per second.
      variation: coefficient of variation of the period; amplitude has twice that.
    """
    starts = cycle_times(rng, time, 1 / rate_hz, variation)
    size = np.clip(1 + 2 * variation * rng.standard_normal(len(starts)), 0.5, 1.5)
    phase = phase_of(time, starts)
    middle = np.arange(len(starts)) + 0.5
    return phase, PchipInterpolator(middle, size, extrapolate=True)(phase)


def strokes(
    rng: np.random.Generator,
    time: np.ndarray,
    rate_hz: float,
    variation: float = 0.08,
    skew: float = 0.0,
) -> np.ndarray:
    """Back-and-forth strokes (T,) of about unit amplitude.

    Args:
      skew: -0.8 to 0.8; positive returns faster than it goes forth.
    """
    phase, size = working_phase(rng, time, rate_hz, variation)
    angle = 2 * np.pi * phase
    return size * np.sin(angle + skew * np.sin(angle))


def bounce(phase: np.ndarray, softness: float) -> np.ndarray:
    """Distance (T,), 0 to 1, of a hand that strikes a surface at each whole phase.

    A rectified sine with a rounded cusp: for amplitude A and rate f the peak
    deceleration at contact is A (pi f)^2 / softness / (1 - softness).
    """
    sine = np.sin(np.pi * phase)
    # sqrt(s^2 + e^2) - e reaches sqrt(1 + e^2) - e at the top.
    top = np.sqrt(1 + softness**2) - softness
    return (np.sqrt(sine**2 + softness**2) - softness) / top


def traced(
    fraction: np.ndarray,
    vertices: np.ndarray,
    *,
    closed: bool = False,
    rounding: float = 0.02,
) -> np.ndarray:
    """Points (T, D) along a drawn line at the speed that its curvature allows.

    Args:
      fraction: (T,) share of the drawing's time gone, 0 to 1.
      vertices: (K, D) corners of the line, or over a thousand points of a curve.
      closed: whether the line returns to its first vertex.
      rounding: standard deviation of the corners' smoothing, as share of the length.
    """
    corners = np.concatenate([vertices, vertices[:1]]) if closed else vertices
    line = _smoothed(np.asarray(corners, float), rounding, closed)
    step = np.linalg.norm(np.diff(line, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(step)])
    velocity = np.gradient(line, length, axis=0)
    bend = np.linalg.norm(np.gradient(velocity, length, axis=0), axis=1)
    # Time per length: (curvature + floor)^(1/3), the floor bounding straight parts.
    slowness = (bend + 1.0 / length[-1]) ** (1 / 3)
    clock = np.concatenate([[0.0], np.cumsum(step * (slowness[1:] + slowness[:-1]))])
    at = PchipInterpolator(clock / clock[-1], length)(np.clip(fraction, 0, 1))
    return np.stack([np.interp(at, length, column) for column in line.T], axis=-1)


def _smoothed(corners: np.ndarray, rounding: float, closed: bool) -> np.ndarray:
    """A polyline resampled to 2001 points a constant length apart, corners rounded."""
    step = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(step)])
    even = np.linspace(0, length[-1], 2001)
    line = np.stack([np.interp(even, length, column) for column in corners.T], axis=-1)
    sigma = rounding * 2000
    if closed:
        turn = gaussian_filter1d(line[:-1], sigma, axis=0, mode="wrap")
        return np.concatenate([turn, turn[:1]])
    # Odd reflection about both ends leaves the ends where they are.
    head, tail = 2 * line[0] - line[:0:-1], 2 * line[-1] - line[-2::-1]
    whole = np.concatenate([head, line, tail])
    return gaussian_filter1d(whole, sigma, axis=0)[2000:4001]


def jolts(
    rng: np.random.Generator,
    time: np.ndarray,
    when: np.ndarray,
    direction: Row,
    peak: tuple[float, float],
    frequency_hz: tuple[float, float] = (14.0, 24.0),
) -> np.ndarray:
    """Displacement (T, 3) m of the ringing of soft tissue and joints after impacts.

    Args:
      when: (K,) s, times of impact.
      direction: (3,) of the first acceleration.
      peak: m/s^2, range of the peak acceleration of each impact.
      frequency_hz: range; the forearm with a wrist sensor rings at 15 to 30 Hz.
    """
    if len(when) == 0:
        return np.zeros((len(time), 3))
    frequency = rng.uniform(*frequency_hz)
    size = rng.uniform(*peak, len(when))
    wave = ringing(time, when, size, frequency, rng.uniform(0.6, 1.2) / frequency)
    side = rng.normal(0, 0.35, 3)
    return wave[:, None] * (np.asarray(direction) + side)


def vibration(
    rng: np.random.Generator, time: np.ndarray, level: float, frequency_hz: float
) -> np.ndarray:
    """Displacement (T, 3) m of a tool's vibration, of RMS acceleration `level` m/s^2.

    A motor's own line lies far above 60 Hz sampling; what is left of it is noise about
    the resonance of hand and handle, 15 to 25 Hz.
    """
    omega = 2 * np.pi * frequency_hz
    return level / omega**2 * tremor(rng, time, frequency_hz, 3.0, 3) / np.sqrt(3)


def drift(
    rng: np.random.Generator, time: np.ndarray, size: float, cutoff_hz: float = 0.4
) -> np.ndarray:
    """Slow wandering (T, 3) m of a hand that is held in place, RMS `size` an axis."""
    return size * smooth_noise(rng, time, cutoff_hz, 3)


def moved(
    track: HandTrack,
    *,
    position: np.ndarray | float = 0.0,
    swivel: np.ndarray | float = 0.0,
    pronation: np.ndarray | float = 0.0,
    flexion: np.ndarray | float = 0.0,
    deviation: np.ndarray | float = 0.0,
) -> HandTrack:
    """A hand track with movements added to its position in m and angles in rad."""
    return dataclasses.replace(
        track,
        position=track.position + position,
        swivel=track.swivel + swivel,
        pronation=track.pronation + pronation,
        wrist_flexion=track.wrist_flexion + flexion,
        wrist_deviation=track.wrist_deviation + deviation,
    )
