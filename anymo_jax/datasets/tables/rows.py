"""Rows of a table in order: device by device of each recording, by rising time."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas
from jaxtyping import Float64, Int64

from anymo_jax.datasets.tables.parse import Words

# Where more rows than this share the stamp of another, time is told too coarsely.
_MOST_REPEATED = 0.3
# Stamps that go back by less are jitter and are sorted; by more, another recording
# begins.
_JITTER_S = 1.0


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows in order.

    Attributes:
      order: (R,) numbers of the rows in the table.
      seconds: (R,) time of each, strictly rising within a device.
      starts: (D + 1,) where each device's rows begin, and the end of the last.
      notes: what was done to get there.
    """

    order: Int64[np.ndarray, "R"]
    seconds: Float64[np.ndarray, "R"]
    starts: Int64[np.ndarray, "_"]
    notes: tuple[str, ...]


def number_rows(
    keys: Sequence[Words], length: int
) -> tuple[Int64[np.ndarray, "T"], Int64[np.ndarray, "G"]]:
    """Number of each row's combination of words by appearance, and its first row."""
    combined = np.zeros(length, np.int64)
    columns = [words for words in keys if len(words.codes)]
    if not columns:
        return combined, np.zeros(1, np.int64)
    for words in columns:
        combined *= len(words.names) + 1
        combined += words.codes
    new = np.flatnonzero(np.append(True, combined[1:] != combined[:-1]))
    # Rows of a recording mostly follow each other: only where they change is hashed.
    which, _ = pandas.factorize(combined[new])
    owner = np.repeat(which, np.diff(np.append(new, length)))
    _, place = np.unique(which, return_index=True)
    return owner.astype(np.int64, copy=False), new[place]


def order_rows(
    owner: Int64[np.ndarray, "T"],
    site: Words,
    seconds: Float64[np.ndarray, "T"] | None,
    rate_hz: float,
    source: str,
) -> Rows:
    """Rows device by device, each by rising time and without repeats.

    Args:
      owner: recording of each row.
      site: where its device is worn; rows that name no device belong to none.
      seconds: time of each row; None where the rows of a device follow each other at
        `rate_hz`.
      rate_hz: of rows without time.
      source: file, for errors.

    Raises:
      ValueError: where the time of a device goes back by over a second, or stands still
        in many of its rows.
    """
    device, order = owner, np.arange(len(owner))
    if len(site.codes):
        order = np.flatnonzero(site.codes >= 0)
        both = owner * len(site.names) + site.codes
        device = pandas.factorize(both[order])[0]
    if (device[1:] < device[:-1]).any():
        by_device = np.argsort(device, kind="stable")
        order, device = order[by_device], device[by_device]
    if seconds is None:
        starts = _starts(device)
        within = np.arange(len(order)) - np.repeat(starts[:-1], np.diff(starts))
        return Rows(order, within / rate_hz, starts, ())
    seconds = seconds[order]
    steps, inside = np.diff(seconds), device[1:] == device[:-1]
    notes: tuple[str, ...] = ()
    if (inside & (steps <= 0)).any():
        _check_backwards(steps, inside, source)
        sort = np.lexsort((seconds, device))
        order, device, seconds = order[sort], device[sort], seconds[sort]
        new = np.append(True, (np.diff(seconds) > 0) | (device[1:] != device[:-1]))
        _check_coarse(int((~new).sum()), len(new), source)
        notes = _told(int((inside & (steps < 0)).sum()), int((~new).sum()))
        order, device, seconds = order[new], device[new], seconds[new]
    return Rows(order, seconds, _starts(device), notes)


def _starts(device) -> Int64[np.ndarray, "_"]:
    changes = np.flatnonzero(device[1:] != device[:-1]) + 1
    return np.concatenate([[0], changes, [len(device)]]).astype(np.int64)


def _told(moved: int, repeated: int) -> tuple[str, ...]:
    told = []
    if moved:
        told.append(f"{moved} rows were out of order and were sorted by time")
    if repeated:
        told.append(f"{repeated} rows repeat a time stamp and were dropped")
    return tuple(told)


def _check_coarse(repeated: int, count: int, source: str) -> None:
    if repeated > _MOST_REPEATED * count:
        raise ValueError(
            f"{source}: {repeated} of {count} rows repeat the time stamp of another: "
            "time is told too coarsely. Name a finer column, or take this one out and "
            "give rate_hz; if the file holds several devices, name the column that "
            "tells them apart, as in columns='site=device'"
        )


def _check_backwards(steps, inside, source: str) -> None:
    back = np.flatnonzero(inside & (steps < -_JITTER_S))
    if len(back):
        raise ValueError(
            f"{source}: time goes back by {-steps[back[0]]:.3g} s, {len(back)} times "
            "in all; if the file holds several recordings or devices, name the column "
            "that tells them apart, as in columns='recording=trial' or 'site=device'; "
            "if its rows are out of order, sort them"
        )
