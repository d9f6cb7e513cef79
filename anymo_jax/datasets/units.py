"""Units of wearable data: their names, and which one a wrong magnitude betrays."""

import dataclasses
import math

GRAVITY = 9.80665
# What a still accelerometer of any consumer device may read, m/s^2.
STILL_RANGE = (8.0, 11.5)
# Without a still moment: half of all samples of any activity lie in this range.
MOVING_RANGE = (7.0, 16.0)
# rad/s; the fastest wrists of the fastest throws stay below.
MOST_RATE = 40.0
# Slope of what turns gravity against the gyroscope: 0.25 to 1.2 on real devices of any
# site (linear acceleration lowers it), a 57th of that where rates are in degrees.
TURN_RANGE = (0.08, 5.0)
# Real devices that turn reach 0.3 or more; less tells nothing of units.
LEAST_TURN_CORRELATION = 0.25
# The swing of a walker's arm can turn the force against the gyroscope: of 740 right
# recordings of one activity each, one reaches -0.71 in 5 s of turning.
_AGAINST, _TURNING_S = -0.75, 5.0

FORCE_UNITS = {
    "m/s^2": 1.0,
    "g": GRAVITY,
    "mg": GRAVITY / 1000,
    "cm/s^2": 0.01,
}
RATE_UNITS = {
    "rad/s": 1.0,
    "deg/s": math.pi / 180,
    "mrad/s": 0.001,
    "mdeg/s": math.pi / 180_000,
}
TIME_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_SPELLINGS = {
    "m/s2": "m/s^2",
    "m/s²": "m/s^2",
    "m/s/s": "m/s^2",
    "ms-2": "m/s^2",
    "mps2": "m/s^2",
    "milli-g": "mg",
    "dps": "deg/s",
    "°/s": "deg/s",
    "degrees/s": "deg/s",
    "rps": "rad/s",
    "radian/s": "rad/s",
    "seconds": "s",
    "µs": "us",
}


@dataclasses.dataclass(frozen=True)
class Suspicion:
    """What a wrong magnitude looks like.

    Attributes:
      what: said in words.
      factor: to SI units, or None where no factor mends it.
    """

    what: str
    factor: float | None


def unit_factor(name: str, units: dict[str, float]) -> float:
    """Factor from a unit to the SI unit of one of the tables above.

    Raises:
      ValueError: for an unknown unit, with those there are.
    """
    plain = name.strip().lower()
    plain = _SPELLINGS.get(plain, plain)
    if plain not in units:
        raise ValueError(f"unknown unit {name!r}; there are {', '.join(units)}")
    return units[plain]


def suspect_still(magnitude: float) -> Suspicion | None:
    """What is wrong with a still accelerometer that reads `magnitude`, if anything."""
    return _suspect_force(magnitude, STILL_RANGE)


def suspect_moving(magnitude: float) -> Suspicion | None:
    """Likewise for the median of all samples where nothing is still."""
    return _suspect_force(magnitude, MOVING_RANGE)


def _suspect_force(magnitude, allowed) -> Suspicion | None:
    low, high = allowed
    if low <= magnitude <= high:
        return None
    shape = low / GRAVITY, high / GRAVITY
    for ratio, what in (
        (1.0, "g"),
        (1000.0, "milli-g or cm/s^2"),
        (GRAVITY**2, "m/s^2 multiplied by 9.81 once more"),
        (16384.0, "counts of 1/16384 g"),
    ):
        if shape[0] * ratio <= magnitude <= shape[1] * ratio:
            return Suspicion(f"this looks like {what}", GRAVITY / ratio)
    if magnitude < low:
        return Suspicion(
            "this looks as if gravity was removed (linear acceleration), or as if "
            "columns were shifted",
            None,
        )
    return Suspicion("this fits no unit: columns may be shifted", None)


def suspect_rate(
    percentile: float, slope: float, correlation: float, turning_s: float
) -> Suspicion | None:
    """What is wrong with a gyroscope, if anything.

    Args:
      percentile: rad/s, the 99.9th of |rate| on any axis.
      slope: of gravity's turning, as the accelerometer sees it, against the turning
        that the gyroscope tells; NaN where it is not known.
      correlation: of the two.
      turning_s: seconds in which gravity turned.
    """
    long = turning_s >= _TURNING_S
    tells = correlation >= LEAST_TURN_CORRELATION
    if long and correlation <= _AGAINST:
        return Suspicion(
            "gravity turns against the gyroscope: its axes are swapped or have "
            "another sign than the accelerometer's",
            None,
        )
    degrees = Suspicion("this looks like deg/s", math.pi / 180)
    # NaN compares false throughout.
    if tells and slope < TURN_RANGE[0]:
        return degrees
    if long and tells and slope > TURN_RANGE[1]:
        return Suspicion(
            "this looks like rad/s divided by 57.3 once more", 180 / math.pi
        )
    if percentile > MOST_RATE:
        fits = percentile * math.pi / 180 <= MOST_RATE
        return degrees if fits else Suspicion("this fits no unit", None)
    return None
