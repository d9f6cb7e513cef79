"""Time stamps of tables as seconds."""

import numpy as np
import pandas
from jaxtyping import Float64

from anymo_jax.datasets.units import TIME_UNITS, unit_factor

# Steps of any wearable device: 1 kHz to 8 Hz. Units differ by a thousand, so that at
# most one of them fits.
_LEAST_STEP_S, _MOST_STEP_S = 0.0009, 0.125
# So many stamps tell it.
_TOLD_BY = 10_000


def is_numeric(stamps: np.ndarray) -> bool:
    """Whether stamps are numbers rather than dates."""
    return stamps.dtype.kind in "iuf"


def seconds(stamps: np.ndarray, unit: str, source: str) -> Float64[np.ndarray, "T"]:
    """Seconds since the first stamp.

    Args:
      stamps: (T,) numbers in one unit, or dates as strings (ISO 8601) or datetime64.
      unit: of numbers; "" takes the one in which the median step is that of a device
        of 8 Hz to 1 kHz.
      source: file, for errors.

    Raises:
      ValueError: naming the row of a missing stamp or of one that is no date; for
        steps that fit no unit.
    """
    if not is_numeric(stamps):
        return _dates(stamps, source)
    if stamps.dtype.kind == "f" and not np.isfinite(stamps).all():
        missing = np.flatnonzero(~np.isfinite(stamps))
        raise ValueError(
            f"{source}: {len(missing)} time stamps are missing, the first in row "
            f"{missing[0] + 1} below the header; take these rows out"
        )
    # Nanoseconds since 1970 do not fit a float: subtract first.
    since = (stamps - stamps[0]).astype(np.float64)
    return since * time_factor(since, unit, source)


def time_factor(since: Float64[np.ndarray, "T"], unit: str, source: str) -> float:
    """Seconds of one unit of numeric stamps; arguments and errors as `seconds`."""
    if unit:
        return unit_factor(unit, TIME_UNITS)
    steps = np.diff(since[:_TOLD_BY])
    if not (steps > 0).any():
        raise ValueError(f"{source}: {_standing(steps)}")
    step = float(np.median(steps[steps > 0]))
    for factor in TIME_UNITS.values():
        if _LEAST_STEP_S <= step * factor <= _MOST_STEP_S:
            return factor
    raise ValueError(
        f"{source}: time stamps step by {step:g}, which is no sampling period of 8 Hz "
        "to 1 kHz in s, ms, us or ns; name another column, or give the unit, as in "
        "units=time:s. Fewer than 8 samples a second are too few"
    )


def _standing(steps) -> str:
    """What to say of stamps that never rise."""
    if not len(steps):
        return "a single row is no recording"
    if (steps < 0).any():
        return "time runs backwards throughout; sort the rows by time"
    return (
        "all rows have the same time stamp; name another column, or take this one out "
        "and give rate_hz"
    )


def _dates(stamps, source: str) -> Float64[np.ndarray, "T"]:
    told = pandas.Series(stamps)
    read = {"utc": True, "format": "ISO8601"}
    try:
        dates = pandas.to_datetime(told, **read)
    except (ValueError, TypeError):
        wrong = told[pandas.to_datetime(told, errors="coerce", **read).isna()]
        raise ValueError(f"{source}: {_no_date(told, wrong.dropna())}") from None
    if dates.isna().any():
        row = int(np.flatnonzero(dates.isna())[0]) + 1
        raise ValueError(
            f"{source}: the time stamp of row {row} below the header is missing; take "
            "the row out"
        )
    nanoseconds = dates.dt.as_unit("ns").astype("int64").to_numpy()
    return (nanoseconds - nanoseconds[0]) * 1e-9


def _no_date(told: pandas.Series, wrong: pandas.Series) -> str:
    """What to say of stamps of which some are no dates."""
    number = pandas.to_numeric(told, errors="coerce").notna()
    if 2 * number.sum() > len(told):
        wrong, what = told[~number].dropna(), "number"
    else:
        what = "ISO 8601 date"
    row, stamp = next(iter((wrong if len(wrong) else told).items()))
    return (
        f"the time stamp {stamp!r} of row {row + 1} below the header is no {what}; "
        "write seconds, or dates as 2024-02-29T23:59:59.950, or take the column out "
        "and give rate_hz"
    )
