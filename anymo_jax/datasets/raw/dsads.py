"""DSADS: five IMUs in 19 daily and sports activities, 25 Hz (Barshan, Altun 2010)."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from anymo_jax.datasets.raw.columns import read_columns
from anymo_jax.datasets.raw.doubts import is_continuous
from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.sensors import device, nodes_of, to_stream
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Spans,
    Vocabulary,
    WearableRecording,
)

# Each unit has 9 columns: accelerometer, gyroscope, magnetometer. What the authors call
# arms are the wrists, and their legs are the outer sides of the knees.
_SENSORS = (
    *device("torso", "T8", force=0, rate=3),
    *device("right arm", "R_Hand", force=9, rate=12),
    *device("left arm", "L_Hand", force=18, rate=21),
    *device("right leg", "R_LowerLeg", force=27, rate=30),
    *device("left leg", "L_LowerLeg", force=36, rate=39),
)
_RATE_HZ, _ROWS, _WIDTH = 25.0, 125, 45
_SECONDS = _ROWS / _RATE_HZ
# Set between parts that do not follow each other, so that nothing is drawn across.
_APART_S = 1.0
_PATTERN = r"a(?P<label>\d\d)/p(?P<subject>[1-8])/s(?P<part>\d\d)\.txt"


def _read(root: Path) -> Iterator[WearableRecording]:
    """The 60 files of one person in one activity are cut from one recording."""
    files = find_files(root, _PATTERN, "data/a01/p1/s01.txt to data/a19/p8/s60.txt")
    files.sort(key=lambda f: (f.groups["label"], f.groups["subject"], f.groups["part"]))
    together = itertools.groupby(
        files, key=lambda f: (f.groups["label"], f.groups["subject"])
    )
    for (label, subject), parts in together:
        yield _recording(list(parts), int(label) - 1, subject)


def _recording(files: Sequence[RawFile], label: int, subject: str) -> WearableRecording:
    values = _values(files)
    part = np.array([int(file.groups["part"]) - 1 for file in files])
    follows = np.diff(part) == 1
    joined = True
    if follows.any():
        # A part that is missing leaves a gap of its own length.
        joined = is_continuous(values, follows)
    start = part * (_SECONDS if joined else _SECONDS + _APART_S)
    time = (start[:, None] + np.arange(_ROWS) / _RATE_HZ).reshape(-1)
    flat = values.reshape(-1, _WIDTH)
    return WearableRecording(
        streams=tuple(to_stream(s, time, flat[:, list(s.columns)]) for s in _SENSORS),
        spans=Spans(start, start + _SECONDS, np.full(len(files), label, np.int64)),
        subject=subject,
        split="",
        source=f"{files[0].name} to {files[-1].name.rsplit('/', 1)[-1]}",
        notes=(
            "files (said to be cuts of one recording): "
            + ("steps across cuts as within, joined" if joined else "kept apart"),
        ),
    )


def _values(files: Sequence[RawFile]) -> np.ndarray:
    """(P, 125, 45) numbers of some files, parsed in one go."""
    data = [file.read().strip() for file in files]
    for file, text in zip(files, data, strict=True):
        rows = text.count(b"\n") + bool(text)
        if rows != _ROWS:
            raise ValueError(
                f"{file.name}: {rows} lines, expected {_ROWS}; download it again"
            )
    kinds = dict.fromkeys(range(_WIDTH), np.float32)
    try:
        frame = read_columns(b"\n".join(data), files[0].name, kinds, width=_WIDTH)
    except ValueError:
        # Again, file by file, for an error that names the right one.
        for file, text in zip(files, data, strict=True):
            read_columns(text, file.name, kinds, width=_WIDTH)
        raise
    return frame.to_numpy(np.float32).reshape(len(files), _ROWS, _WIDTH)


_CLASSES = (
    *("sitting", "standing", "lying on back", "lying on right side"),
    *("ascending stairs", "descending stairs", "standing in an elevator still"),
    *("moving around in an elevator", "walking slowly"),
    "walking on a treadmill in flat positions",
    "walking on a treadmill in inclined positions",
    *("running on a treadmill fast", "exercising on a stepper"),
    "exercising on a cross trainer",
    "cycling on an exercise bike in horizontal positions",
    "cycling on an exercise bike in vertical positions",
    *("rowing", "jumping", "playing basketball"),
)
_OWN = {
    8: "walking in a parking lot",
    9: "walking on a treadmill with a speed of 4 km/h in flat position",
    10: "walking on a treadmill with a speed of 4 km/h in 15 deg inclined position",
    11: "running on a treadmill with a speed of 8 km/h",
    14: "cycling on an exercise bike in horizontal position",
    15: "cycling on an exercise bike in vertical position",
}

FACTS = DatasetFacts(
    name="dsads",
    title="Daily and Sports Activities",
    licence="CC BY 4.0 (UCI)",
    citation="Altun, Barshan and Tuncel, Comparative study on classifying human "
    "activities with miniature inertial and magnetic sensors, Pattern Recognition "
    "2010; doi 10.24432/C5C59F",
    homepage="https://archive.ics.uci.edu/dataset/256/daily+and+sports+activities",
    needs="the zip of the homepage (about 160 MB), as it is or unpacked; no sign-in",
    vocabulary=Vocabulary(
        classes=_CLASSES,
        own=tuple(_OWN.get(i, name) for i, name in enumerate(_CLASSES)),
    ),
    protocol=Protocol(seconds=None, shortest=_SECONDS),
    nodes=nodes_of(_SENSORS),
    rate_hz=_RATE_HZ,
    flags=(
        "No official split. The authors' segments of 5 s are the windows.",
        "The authors' arms are wrists (hands in the paper's Table 9), legs are knees.",
    ),
    read=_read,
)
