"""Rows of a table as recordings: by person and session, in order of time.

All rows are put in order at once, device by device; a recording is then a slice.
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Bool, Float64

from anymo_jax.datasets.recording import (
    FORCE,
    SPLITS,
    Spans,
    Stream,
    WearableRecording,
)
from anymo_jax.datasets.tables.columns import Columns
from anymo_jax.datasets.tables.parse import Table, Words
from anymo_jax.datasets.tables.rows import Rows, number_rows, order_rows

# Rows further apart than this are not one stretch of an activity.
_LONGEST_STEP_S = 1.0
# So many steps tell the period.
_TOLD_BY = 10_000
_KEYS = ("subject", "recording", "split")
_SPLIT_OF = {"val": "validation", "valid": "validation", "dev": "validation"}


@dataclasses.dataclass(frozen=True)
class Reading:
    """How rows become recordings.

    Attributes:
      columns: what the columns are.
      nodes: index in `XSENS` of each site.
      classes: the vocabulary; a label "" or one that is missing is none of them.
      force, rate: factors to SI units of columns whose header names no unit.
      override: kinds of which these factors stand above the header's.
      rate_hz: of rows without time stamps, NaN where there are stamps.
    """

    columns: Columns
    nodes: Mapping[str, int]
    classes: tuple[str, ...]
    force: float = 1.0
    rate: float = 1.0
    override: frozenset[str] = frozenset()
    rate_hz: float = math.nan


def table_recordings(
    table: Table,
    seconds: Float64[np.ndarray, "T"] | None,
    reading: Reading,
    fallback: Mapping[str, str],
    source: str,
) -> Iterator[WearableRecording]:
    """Recordings of one table, in order of appearance.

    Args:
      table: its columns.
      seconds: of each row; None where the rows of a recording follow each other at
        `reading.rate_hz`.
      reading: how rows become recordings.
      fallback: the word of each role that the table has no column for.
      source: name of the file.

    Raises:
      ValueError: naming the recording, where time goes back by over a second.
    """
    length = len(next(iter(table.numbers.values())))
    words = {role: _role(table, reading, role, fallback) for role in (*_KEYS, "site")}
    owner, first = number_rows([words[key] for key in _KEYS], length)
    rows = order_rows(owner, words["site"], seconds, reading.rate_hz, source)
    if not len(rows.order):
        raise ValueError(f"{source}: no row names the site of its device")
    values = [
        _values(table, triple, rows, reading) for triple in reading.columns.triples
    ]
    spans = _spans(table, rows, reading, fallback)
    devices: dict = {}
    for device, row in enumerate(rows.order[rows.starts[:-1]]):
        devices.setdefault(int(owner[row]), []).append(device)
    notes = (*table.notes, *rows.notes)
    for group, mine in devices.items():
        subject, session, split = (words[k].at(first[group]) for k in _KEYS)
        told = zip(_KEYS, (subject, session, split), strict=True)
        name = source + "".join(f", {key} {word}" for key, word in told if word)
        streams = []
        for device in mine:
            site = words["site"].at(rows.order[rows.starts[device]])
            streams += _streams(rows, device, values, site, reading)
        # All devices carry the labels: those of the one with most rows are taken.
        longest = max(mine, key=lambda d: rows.starts[d + 1] - rows.starts[d])
        yield WearableRecording(
            tuple(streams), spans[longest], subject, _split(split, name), name, notes
        )
        # What was done to the table is told once.
        notes = ()


def _role(table: Table, reading, role, fallback) -> Words:
    """The column of a role, or the one word that stands for it in every row."""
    words = table.words.get(reading.columns.roles.get(role, ""))
    return words or Words(np.zeros(0, np.int64), (fallback.get(role, ""),))


def _split(word: str, source: str) -> str:
    split = _SPLIT_OF.get(word.lower(), word.lower())
    if split not in SPLITS:
        raise ValueError(
            f"{source}: split {word!r} is none of train, validation, test; if this "
            "column is something else, name another"
        )
    return split


def _values(table: Table, triple, rows: Rows, reading: Reading):
    """(R, 3) values of one sensor in SI units, and which devices have any."""
    values = np.empty((len(rows.order), 3), np.float32)
    for axis, name in enumerate(triple.names):
        values[:, axis] = table.numbers[name][rows.order]
    default = reading.force if triple.kind == FORCE else reading.rate
    said = None if triple.kind in reading.override else triple.factor
    factor = default if said is None else said
    if factor != 1.0:
        values *= np.float32(factor)
    missing = np.isnan(values)
    if not missing.any():
        return values, np.ones(len(rows.starts) - 1, bool)
    there = ~missing.any(axis=1)
    return values, np.logical_or.reduceat(there, rows.starts[:-1])


def _streams(rows: Rows, device: int, values, site: str, reading) -> list[Stream]:
    """Streams of one device; a sensor that never measured has none."""
    here = slice(rows.starts[device], rows.starts[device + 1])
    made = []
    for triple, (signal, measured) in zip(reading.columns.triples, values, strict=True):
        if measured[device]:
            name = site or triple.site
            node = reading.nodes[name]
            stream = Stream(name, node, triple.kind, rows.seconds[here], signal[here])
            made.append(stream)
    return made


def _spans(table: Table, rows: Rows, reading: Reading, fallback) -> list[Spans]:
    """Stretches of equal labels of each device's rows.

    A stretch ends where the next one begins, or a period after its last row where none
    follows within a second.
    """
    label = _labels(table, rows, reading, fallback)
    seconds, count = rows.seconds, len(rows.seconds)
    steps = np.diff(seconds)
    begins = np.zeros(count, bool)
    begins[rows.starts[:-1]] = True
    within = ~begins[1:]
    apart = steps > _LONGEST_STEP_S
    new = begins.copy()
    new[1:] |= (label[1:] != label[:-1]) | apart
    some = steps[:_TOLD_BY][within[:_TOLD_BY]]
    period = float(np.median(some)) if len(some) else 0.0
    first = np.flatnonzero(new)
    last = np.append(first[1:], count) - 1
    end = seconds[last] + period
    joined = _joined(last, within & ~apart)
    end[joined] = seconds[last[joined] + 1]
    edges = np.searchsorted(first, rows.starts)
    return [
        Spans(seconds[first[a:b]], end[a:b], label[first[a:b]])
        for a, b in itertools.pairwise(edges)
    ]


def _joined(last, follows) -> Bool[np.ndarray, "N"]:
    """Stretches whose last row is followed closely by another of the same device."""
    return np.append(follows, False)[last]


def _labels(table: Table, rows: Rows, reading: Reading, fallback):
    """Class of each row; all is one class where the table has no labels."""
    place = {name: index for index, name in enumerate(reading.classes)}
    words = table.words.get(reading.columns.roles.get("label", ""))
    if words is None:
        return np.full(len(rows.order), place.get(fallback.get("label"), -1), np.int64)
    coded = [place.get(name.strip(), -1) for name in words.names]
    return np.array([*coded, -1], np.int64)[words.codes[rows.order]]
