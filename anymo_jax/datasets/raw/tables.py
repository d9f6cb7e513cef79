"""The engine of datasets that are tables: every file holds all sensors, side by side.

A dataset is then a `TableLayout`, which says which files, which columns, which units;
`read_tables` does the rest.
"""

import dataclasses
import os
from collections.abc import Callable, Hashable, Iterator, Mapping

import numpy as np
import pandas
from jaxtyping import Float64, Int64

from anymo_jax.datasets.raw.columns import Column, has_header, read_columns
from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.labels import classes_of, runs, whole
from anymo_jax.datasets.raw.sensors import (
    Sensor,
    counted_time,
    in_order,
    stacked,
    to_stream,
)
from anymo_jax.datasets.recording import Spans, WearableRecording

NAMED, NONE, PERHAPS = "named", "none", "perhaps"


@dataclasses.dataclass(frozen=True)
class TableLayout:
    """Where things stand in the files of a dataset; one file is one recording.

    Attributes:
      pattern: of the files' paths, see `find_files`; the group `subject` names the
        person, the group `label`, where there is one, what was done.
      sensors: their columns.
      codes: class of each label as the files have it, -1 of those left out.
      rate_hz: of the samples, where they have no stamps of their own.
      label: column of the labels; None takes the group `label` of the path.
      time: column of the stamps; None counts samples.
      time_unit: seconds of a one in that column.
      separator: between columns; " " is any white space.
      header: `NAMED`, `NONE`, or `PERHAPS` where files differ.
      width: columns of each line; None for those of the first line.
      split: of a file, by the groups of its path.
      needs: said where there are no such files.
    """

    pattern: str
    sensors: tuple[Sensor, ...]
    codes: Mapping[Hashable, int]
    rate_hz: float
    label: Column | None = None
    time: Column | None = None
    time_unit: float = 1.0
    separator: str = ","
    header: str = NONE
    width: int | None = None
    split: Callable[[Mapping[str, str]], str] = lambda groups: ""
    needs: str = ""


def read_tables(
    root: str | os.PathLike, layout: TableLayout
) -> Iterator[WearableRecording]:
    """All recordings of a dataset, one for each file, in natural order of the names.

    Raises:
      ValueError: where there are no such files, and for anything in one that is not
        as the layout says; names the file, the place and the remedy.
    """
    for file in find_files(root, layout.pattern, layout.needs):
        yield read_table(file, layout)


def read_table(file: RawFile, layout: TableLayout) -> WearableRecording:
    """One file as a recording."""
    frame = read_frame(file, layout)
    time, frame, notes = _in_time(frame, file, layout)
    return WearableRecording(
        streams=tuple(
            to_stream(s, time, stacked([frame[c].to_numpy() for c in s.columns]))
            for s in layout.sensors
        ),
        spans=_spans(time, frame, file, layout),
        subject=file.groups.get("subject", ""),
        split=layout.split(file.groups),
        source=file.name,
        notes=notes,
    )


def read_frame(file: RawFile, layout: TableLayout) -> pandas.DataFrame:
    """The columns of a file that the layout names, as they stand there."""
    data = file.read()
    kinds: dict[Column, type] = {
        column: np.float32 for sensor in layout.sensors for column in sensor.columns
    }
    for column in (layout.label, layout.time):
        if column is not None:
            kinds[column] = np.float64
    header = layout.header == NAMED
    if layout.header == PERHAPS:
        header = has_header(data, layout.separator)
    return read_columns(
        data,
        file.name,
        kinds,
        separator=layout.separator,
        header=header,
        width=layout.width,
    )


def _in_time(
    frame: pandas.DataFrame, file: RawFile, layout: TableLayout
) -> tuple[Float64[np.ndarray, "T"], pandas.DataFrame, tuple[str, ...]]:
    """Stamps in seconds, strictly increasing, and the samples that they belong to."""
    if layout.time is None:
        return counted_time(len(frame), layout.rate_hz), frame, ()
    time = frame[layout.time].to_numpy() * layout.time_unit
    order, notes = in_order(time, "stamps")
    if order is not None:
        frame, time = frame.iloc[order], time[order]
    if not len(time):
        raise ValueError(f"{file.name}: no sample has a time stamp")
    return time, frame, notes


def _spans(
    time: Float64[np.ndarray, "T"],
    frame: pandas.DataFrame,
    file: RawFile,
    layout: TableLayout,
) -> Spans:
    if layout.label is not None:
        labels = classes_of(frame[layout.label], layout.codes, file.name)
        return runs(time, labels)
    label = label_of(file, layout.codes)
    return whole(float(time[0]), float(time[-1]) + 1 / layout.rate_hz, label)


def label_of(file: RawFile, codes: Mapping[Hashable, int]) -> int:
    """Class of a file by the group `label` of its path."""
    word = file.groups["label"]
    found: Int64[np.ndarray, 1] = classes_of(
        np.array([int(word) if word.isdigit() else word.lower()], object),
        codes,
        file.name,
    )
    return int(found[0])
