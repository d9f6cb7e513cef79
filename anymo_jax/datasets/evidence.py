"""What signals tell of their units, axes, clipping and noise; summed over a dataset.

Everything here adds up: the evidence of two parts is the sum of theirs, so that a
dataset need not be in memory, and a prepared part carries its own. All of it holds for
values in any unit; `checks` judges it.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.ndimage import uniform_filter1d

from anymo_jax.datasets import histogram
from anymo_jax.datasets.labelled import RATE_HZ
from anymo_jax.datasets.recording import FORCE, RATE, Stream
from anymo_jax.datasets.resample import measured_rate

# Still: over half a second no axis deviates by more than this share of the force.
_STILL_S, _STILL_SHARE = 0.5, 0.03
# Gravity is told from other forces where these are small: the force's magnitude is near
# its median and steady over half a second.
_NEAR_GRAVITY, _STEADY = 0.1, 0.15
# rad/s of gravity in the sensor's frame, beyond what tremor does to it.
_TURNING = 0.3
# A stream is clipped where this many samples stand at its greatest value, beyond this
# share of the sensor's greatest.
_FLAT, _NEAR_TOP = 3, 0.85
# Median of |x - y| over sqrt(2) of two normal deviates of unit variance.
_MEDIAN_DEVIATE = 0.6745


@dataclasses.dataclass
class SensorEvidence:
    """Evidence of one sensor, of its force or of its angular rate.

    Attributes:
      samples: native samples.
      low, high: (3,) least and greatest value of each axis.
      clipped: (3,) samples of each axis in flat tops, see `_flat_tops`.
      step: (2,) sums of each stream's median time step (seconds) times its samples, and
        of these samples.
      noise: histogram of |difference of neighbours| in still moments.
      still: force only: histogram of the magnitude in still moments, 60 Hz samples.
      magnitude: histogram of the magnitude (force) or of any axis (rate), 60 Hz.
      turn: (4,) rate only: sums of a b, b b and a a, with a the turning of gravity that
        the force tells and b the one that the rate tells; and samples in which gravity
        turns, by the force.
    """

    samples: int = 0
    low: np.ndarray = dataclasses.field(default_factory=lambda: np.full(3, np.inf))
    high: np.ndarray = dataclasses.field(default_factory=lambda: np.full(3, -np.inf))
    clipped: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(3))
    step: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(2))
    noise: np.ndarray = dataclasses.field(default_factory=histogram.empty)
    still: np.ndarray = dataclasses.field(default_factory=histogram.empty)
    magnitude: np.ndarray = dataclasses.field(default_factory=histogram.empty)
    turn: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros(4))

    def add(self, other: "SensorEvidence") -> None:
        """Take in the evidence of another part."""
        self.low = np.minimum(self.low, other.low)
        self.high = np.maximum(self.high, other.high)
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def rate_hz(self) -> float:
        """Samples per second."""
        seconds, samples = self.step
        return float(samples / seconds) if seconds > 0 else float("nan")

    @property
    def clipped_share(self) -> float:
        """Share of samples in which the worst axis is clipped."""
        return float(self.clipped.max() / max(self.samples, 1))

    @property
    def noise_std(self) -> float:
        """Standard deviation of white noise in still moments, NaN without any."""
        return histogram.percentile(self.noise, 50) / _MEDIAN_DEVIATE / np.sqrt(2)

    @property
    def turn_slope(self) -> float:
        """Slope of a against b; see `turn`."""
        ab, bb = self.turn[:2]
        return float(ab / bb) if bb > 0 else float("nan")

    @property
    def turn_correlation(self) -> float:
        """Correlation of a and b, 0 where nothing turned."""
        ab, bb, aa = self.turn[:3]
        return float(ab / np.sqrt(aa * bb)) if aa * bb > 0 else 0.0

    @property
    def turning_seconds(self) -> float:
        """For how long gravity turned in the sensor's frame."""
        return float(self.turn[3] / RATE_HZ)

    def to_json(self) -> dict:
        """As plain numbers; histograms by their occupied bins."""
        return {
            name: _plain(getattr(self, name), name in _HISTOGRAMS) for name in _FIELDS
        }

    @classmethod
    def from_json(cls, told: dict) -> "SensorEvidence":
        """The inverse of `to_json`."""
        return cls(
            **{name: _array(told[name], name in _HISTOGRAMS) for name in _FIELDS}
        )


_FIELDS = tuple(field.name for field in dataclasses.fields(SensorEvidence))
_HISTOGRAMS = ("noise", "still", "magnitude")
_SUMS = ("samples", "clipped", "step", "noise", "still", "magnitude", "turn")


def _plain(value, is_histogram: bool):
    if is_histogram:
        occupied = np.flatnonzero(value)
        return [occupied.tolist(), value[occupied].tolist()]
    return value.tolist() if isinstance(value, np.ndarray) else int(value)


def _array(told, is_histogram: bool):
    if is_histogram:
        value = histogram.empty()
        value[told[0]] = told[1]
        return value
    return np.asarray(told, np.float64) if isinstance(told, list) else told


def native_evidence(streams: Sequence[Stream]) -> SensorEvidence:
    """Evidence of one site and kind in streams at their own rates."""
    values = np.concatenate([stream.values for stream in streams])
    first = np.concatenate([_first(len(stream.time)) for stream in streams])
    made = SensorEvidence(samples=len(values))
    starts = np.flatnonzero(first)
    steps = [1 / measured_rate(stream.time) for stream in streams]
    known = np.isfinite(steps)
    lengths = np.array([len(stream.time) for stream in streams])
    made.step = np.array([(lengths * steps)[known].sum(), lengths[known].sum()])
    if np.isfinite(values).any():
        made.low = _there(np.fmin, values, np.inf)
        made.high = _there(np.fmax, values, -np.inf)
        made.clipped = _flat_tops(values, starts) + _flat_tops(-values, starts)
    if known.any():
        still = _is_still(values, first, made.rate_hz, streams[0].kind)
        both = still[1:] & still[:-1] & ~first[1:]
        made.noise = histogram.count(np.abs(np.diff(values, axis=0)[both]))
    return made


def grid_evidence(
    signal: Float32[np.ndarray, "R 6"], offsets: Int64[np.ndarray, "_"]
) -> tuple[SensorEvidence, SensorEvidence]:
    """Evidence of one sensor's force and angular rate in windows at 60 Hz."""
    force, rate = SensorEvidence(), SensorEvidence()
    first = np.zeros(len(signal), bool)
    first[offsets[:-1]] = True
    magnitude = np.linalg.norm(signal[:, :3], axis=1)
    force.magnitude = histogram.count(magnitude)
    rate.magnitude = histogram.count(np.abs(signal[:, 3:]))
    still = _is_still(signal[:, :3], first, RATE_HZ, FORCE)
    force.still = histogram.count(magnitude[still])
    rate.turn = _turning(signal.astype(np.float64), first)
    return force, rate


def _first(length: int) -> Bool[np.ndarray, "T"]:
    """True at the first of a stream's samples."""
    return np.arange(length) == 0


def _there(reduce, values, otherwise):
    """Extremes of each axis over what was measured."""
    extreme = reduce.reduce(values, axis=0)
    return np.where(np.isnan(extreme), otherwise, extreme).astype(np.float64)


def _flat_tops(values, starts) -> Float64[np.ndarray, "3"]:
    """Samples of each axis at the greatest value of their stream, where it is clipped.

    It is where three samples or more stand there and no other axis or stream of the
    sensor goes much further: a still or coarsely quantised stream repeats its greatest
    value as well, but far below.
    """
    filled = np.where(np.isnan(values), -np.inf, values)
    tops = np.maximum.reduceat(filled, starts, axis=0)
    owner = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(values))))
    at_top = filled == tops[owner]
    counts = np.add.reduceat(at_top, starts, axis=0, dtype=np.int64)
    limit = _NEAR_TOP * np.nanmax(np.abs(values))
    flat = (counts >= _FLAT) & (tops > limit)
    return np.where(flat, counts, 0).sum(axis=0).astype(np.float64)


def _is_still(values, first, rate_hz, kind) -> Bool[np.ndarray, "T"]:
    """Samples whose surrounding half second varies little and is of one stream."""
    size = max(round(rate_hz * _STILL_S), 3)
    if len(values) < size:
        return np.zeros(len(values), bool)
    whole = _whole(values, first, size)
    mean, deviation = _moments(np.where(np.isnan(values), 0.0, values), size)
    if kind == RATE:
        # No gravity to compare with: still are the quietest third.
        spread = deviation.max(axis=1)
        limit = np.percentile(spread[whole], 33) if whole.any() else 0.0
        return whole & (spread <= limit)
    reference = np.linalg.norm(mean, axis=1)
    return whole & (deviation.max(axis=1) <= _STILL_SHARE * reference)


def _whole(values, first, size) -> Bool[np.ndarray, "T"]:
    """Samples whose neighbourhood of `size` has no gap and no stream's beginning."""
    broken = np.isnan(values).any(axis=1) | first
    near = uniform_filter1d(broken.astype(np.float32), size + 2, mode="constant")
    # The filter's ends count as breaks as well.
    near[: size // 2 + 1] = near[-(size // 2 + 1) :] = 1.0
    return near < 0.5 / (size + 2)


def _moments(values, size):
    """Moving mean and standard deviation."""
    values = values.astype(np.float64)
    mean = uniform_filter1d(values, size, axis=0)
    square = uniform_filter1d(values**2, size, axis=0)
    return mean, np.sqrt(np.maximum(square - mean**2, 0.0))


def _turning(signal, first):
    """Sums of a b, b b, a a, and the samples in which gravity turns.

    The direction g of gravity in a sensor that turns with rate w obeys
    dg/dt = -w x g; a is the left side, b the right one, both averaged over half a
    second. Only moments count in which the force is little else than gravity.
    """
    size = round(RATE_HZ * _STILL_S)
    if len(signal) < size:
        return np.zeros(4)
    whole = _whole(signal, first, size)
    mean, deviation = _moments(np.nan_to_num(signal), size)
    magnitude = np.linalg.norm(mean[:, :3], axis=1)
    typical = np.median(magnitude[whole]) if whole.any() else 0.0
    calm = whole & (np.abs(magnitude - typical) <= _NEAR_GRAVITY * typical)
    calm &= deviation[:, :3].max(axis=1) <= _STEADY * typical
    direction = mean[:, :3] / np.maximum(magnitude, 1e-12)[:, None]
    a = np.gradient(direction, 1 / RATE_HZ, axis=0)[calm]
    b = -np.cross(mean[:, 3:], direction)[calm]
    turning = np.linalg.norm(a, axis=1) > _TURNING
    sums = [(a * b).sum(), (b * b).sum(), (a * a).sum(), turning.sum()]
    return np.array(sums, np.float64)
