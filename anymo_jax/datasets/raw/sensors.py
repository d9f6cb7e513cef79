"""Where a file's numbers come from, and the streams that they become."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
from jaxtyping import Float, Float32, Float64, Int64

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.raw.columns import Column
from anymo_jax.datasets.recording import FORCE, RATE, Stream
from anymo_jax.datasets.units import FORCE_UNITS, RATE_UNITS


@dataclasses.dataclass(frozen=True)
class Sensor:
    """Three columns of a file.

    Attributes:
      site: where it is worn, in the dataset's own words.
      node: index in `XSENS`.
      kind: `FORCE` or `RATE`.
      columns: of x, y and z.
      unit: m/s^2 or rad/s that a one in the file stands for.
    """

    site: str
    node: int
    kind: str
    columns: tuple[Column, Column, Column]
    unit: float


def device(
    site: str,
    segment: str,
    force: int | Sequence[str] | None = None,
    rate: int | Sequence[str] | None = None,
    force_unit: str | float = "m/s^2",
    rate_unit: str | float = "rad/s",
) -> tuple[Sensor, ...]:
    """The sensors of one device.

    Args:
      site: where it is worn, in the dataset's own words.
      segment: name in `XSENS` of the segment that stands for the site.
      force: columns of specific force: names, or the index of the first of three.
      rate: likewise of angular rate.
      force_unit, rate_unit: keys of `units.FORCE_UNITS` and `units.RATE_UNITS`, or
        what a one in the file stands for.
    """
    node = XSENS.index(segment)
    given = (
        (FORCE, force, FORCE_UNITS.get(force_unit, force_unit)),
        (RATE, rate, RATE_UNITS.get(rate_unit, rate_unit)),
    )
    return tuple(
        Sensor(site, node, kind, _three(columns), float(unit))
        for kind, columns, unit in given
        if columns is not None
    )


def _three(columns: int | Sequence[str]) -> tuple[Column, Column, Column]:
    if isinstance(columns, int):
        return (columns, columns + 1, columns + 2)
    x, y, z = columns
    return (x, y, z)


def nodes_of(sensors: Iterable[Sensor]) -> dict[str, int]:
    """Node of each site, in the order of the sensors."""
    return {sensor.site: sensor.node for sensor in sensors}


def to_stream(
    sensor: Sensor,
    time: Float64[np.ndarray, "T"],
    values: Float[np.ndarray, "T 3"],
    unit: float | None = None,
) -> Stream:
    """Values as they stand in a file, as a stream in SI units.

    Args:
      sensor: what they were read from.
      time: (T,) seconds, strictly increasing.
      values: (T, 3) in the file's unit.
      unit: instead of the sensor's, where a check of the data found another.
    """
    factor = sensor.unit if unit is None else unit
    scaled = np.ascontiguousarray(values, np.float32)
    if factor != 1.0:
        scaled = scaled * np.float32(factor)
    return Stream(sensor.site, sensor.node, sensor.kind, time, scaled)


def in_order(
    time: Float64[np.ndarray, "T"], what: str
) -> tuple[Int64[np.ndarray, "_"] | None, tuple[str, ...]]:
    """Samples in order of time, each time once.

    Args:
      time: (T,) stamps as they stand in the file.
      what: whose stamps, for the notes, which a card counts by their wording.

    Returns:
      The samples to keep, in order, or None where all of them are in order as they
      are; and notes of what was sorted and dropped, if anything was.
    """
    steps = np.diff(time)
    # NaN compares false.
    if len(time) and (steps > 0).all() and np.isfinite(time[0]):
        return None, ()
    order = np.argsort(time, kind="stable")
    order = order[np.isfinite(time[order])]
    kept = order[np.append(True, np.diff(time[order]) > 0)] if len(order) else order
    back = int((steps < 0).sum())
    unstamped = len(time) - len(order)
    told = {
        "stamps go back: sorted": back,
        "repeated stamps: dropped": len(order) - len(kept),
        "samples without a stamp: dropped": unstamped,
    }
    return kept, tuple(
        f"{what}, {words}, {share(count, len(time))}"
        for words, count in told.items()
        if count
    )


def share(count: int, total: int) -> str:
    """A share of samples in rough words, so that equal findings have equal wording."""
    part = count / max(total, 1)
    for percent in (0.1, 1, 10):
        if part < percent / 100:
            return f"under {percent} % of the samples"
    return f"about {10 * round(10 * part)} % of the samples"


def counted_time(
    count: int, rate_hz: float, start: float = 0.0
) -> Float64[np.ndarray, "T"]:
    """Stamps of samples that have none: one period apart."""
    return start + np.arange(count) / rate_hz


def stacked(columns: Sequence[np.ndarray]) -> Float32[np.ndarray, "T C"]:
    """Columns side by side."""
    return np.stack([np.asarray(c, np.float32) for c in columns], axis=1)
