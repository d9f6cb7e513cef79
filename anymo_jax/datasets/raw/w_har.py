"""w-HAR: one IMU at the right ankle, 250 Hz (Bhat et al. 2020).

One CSV holds all experiments, each a user, scenario and trial with its own clock; every
line names the authors' window that it belongs to. The header has no name for the last
column, the label.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas

from anymo_jax.datasets.raw.columns import read_columns
from anymo_jax.datasets.raw.doubts import rate_unit
from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.labels import classes_of, runs
from anymo_jax.datasets.raw.sensors import device, in_order, nodes_of, to_stream
from anymo_jax.datasets.recording import (
    RATE,
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

_TIME, _USER, _SCENARIO, _TRIAL, _WINDOW = range(5)
_LABEL, _WIDTH = 11, 12
_SENSORS = device("right ankle", "R_Foot", force=5, rate=8, force_unit="g")
_NUMBERS = dict.fromkeys((_TIME, _USER, _SCENARIO, _TRIAL, _WINDOW), np.float64)
_COLUMNS = _NUMBERS | dict.fromkeys(range(5, 11), np.float32) | {_LABEL: "category"}
_OWN = ("walk", "sit", "stand", "jump", "liedown", "stairsup", "stairsdown")
_LEFT_OUT = ("transition", "undefined")
_CODES = {word: i for i, word in enumerate(_OWN)} | dict.fromkeys(_LEFT_OUT, -1)
_NEEDS = (
    "datasets/data_with_windows/motion_data_22_users_with_window.csv of the "
    "repository (257 MB, Git LFS)"
)


def _read(root: Path) -> Iterator[WearableRecording]:
    """One recording of each experiment."""
    file = find_files(root, r"motion_data_\d+_users_with_window\.csv", _NEEDS)[0]
    frame = _frame(file)
    rates = frame[[8, 9, 10]].to_numpy()
    # The README says rad/s, the UniMTS bundle takes them for deg/s.
    factor, note = rate_unit([rates], ("rad/s", "deg/s"), file.name)
    groups = frame.groupby([_USER, _SCENARIO, _TRIAL], sort=True)
    for (user, scenario, trial), rows in groups:
        name = f"user {user:g}, scenario {scenario:g}, trial {trial:g}"
        yield _recording(rows, f"{user:g}", f"{file.name}, {name}", factor, note)


def _frame(file: RawFile) -> pandas.DataFrame:
    """All lines, with the class of each as its label."""
    data = file.read()
    frame = read_columns(data, file.name, _COLUMNS, header=True, width=_WIDTH)
    labels = frame[_LABEL].cat
    if (labels.codes < 0).any():
        line = int(np.argmax(labels.codes < 0)) + 2
        raise ValueError(f"{file.name}, line {line}: no label; download it again")
    # "stairsUp", "stairs up" and "Stairs_Up" are one word in the copies there are.
    words = [re.sub("[^a-z]", "", str(word).lower()) for word in labels.categories]
    table = classes_of(np.array(words, object), _CODES, file.name)
    frame[_LABEL] = table[labels.codes]
    return frame


def _recording(
    rows: pandas.DataFrame, user: str, source: str, factor: float, note: str
) -> WearableRecording:
    time = rows[_TIME].to_numpy()
    order, told = in_order(time, "stamps")
    if order is not None:
        rows, time = rows.iloc[order], time[order]
    values = rows.to_numpy(np.float64)
    window = values[:, _WINDOW].astype(np.int64)
    return WearableRecording(
        streams=tuple(
            to_stream(
                sensor,
                time,
                values[:, list(sensor.columns)],
                unit=factor if sensor.kind == RATE else None,
            )
            for sensor in _SENSORS
        ),
        spans=runs(time, rows[_LABEL].to_numpy(np.int64), window),
        subject=user,
        split="",
        source=source,
        notes=(note, *told),
    )


FACTS = DatasetFacts(
    name="w_har",
    title="w-HAR",
    licence="GPL-3.0 (of the repository)",
    citation="Bhat et al., w-HAR: an activity recognition dataset and framework using "
    "low-power wearable devices, Sensors 2020; Online human activity recognition using "
    "low-power wearable devices, ICCAD 2018",
    homepage="https://github.com/gmbhat/human-activity-recognition",
    needs=_NEEDS + "; no sign-in",
    vocabulary=Vocabulary(
        classes=(
            *("walk", "sit", "stand", "jump", "lie down", "stairs up", "stairs down"),
        ),
        own=_OWN,
        dropped=_LEFT_OUT,
    ),
    protocol=Protocol(seconds=None, shortest=1.0),
    nodes=nodes_of(_SENSORS),
    rate_hz=250.0,
    flags=(
        "The gyroscope's unit is in doubt (README: rad/s, UniMTS: deg/s); the notes "
        "say what the data show.",
        "No official split. The authors' own windows, of varying length.",
    ),
    read=_read,
)
