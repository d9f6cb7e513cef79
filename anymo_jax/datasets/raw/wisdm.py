"""WISDM 2019: a watch in 18 activities, 20 Hz (Weiss et al. 2019).

Accelerometer and gyroscope have files of their own with stamps of one clock; each
becomes a stream by itself. Stamps may stand unsorted, and there are gaps of up to a
minute within an activity.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas

from anymo_jax.datasets.raw.columns import read_columns
from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.labels import classes_of, runs
from anymo_jax.datasets.raw.sensors import (
    Sensor,
    device,
    in_order,
    nodes_of,
    to_stream,
)
from anymo_jax.datasets.recording import (
    FORCE,
    RATE,
    DatasetFacts,
    Protocol,
    Stream,
    Vocabulary,
    WearableRecording,
)

_SENSORS = device("dominant wrist", "R_Hand", force=3, rate=3)
_KINDS = {FORCE: "accel", RATE: "gyro"}
# There is no N.
_CODES = {letter: i for i, letter in enumerate("ABCDEFGHIJKLMOPQRS")}
_COLUMNS = {1: "category", 2: np.float64} | dict.fromkeys((3, 4, 5), np.float32)
_PATTERN = (
    r"watch/(?P<kind>accel|gyro)/data_(?P<subject>\d{4})_(?:accel|gyro)_watch\.txt"
)


def _read(root: Path) -> Iterator[WearableRecording]:
    """One recording of each subject and activity."""
    needs = "raw/watch/accel and raw/watch/gyro of wisdm-dataset, data_1600_... each"
    files: dict[str, dict[str, RawFile]] = {}
    for file in find_files(root, _PATTERN, needs):
        kinds = files.setdefault(file.groups["subject"], {})
        kinds[file.groups["kind"].lower()] = file
    for subject, kinds in sorted(files.items()):
        if "accel" not in kinds:
            raise ValueError(
                f"{kinds['gyro'].name}: no accelerometer beside it; needed: {needs}"
            )
        yield from _recordings(subject, kinds)


def _recordings(
    subject: str, files: Mapping[str, RawFile]
) -> Iterator[WearableRecording]:
    frames = {kind: _frame(file) for kind, file in files.items()}
    for letter, label in _CODES.items():
        streams, notes = [], []
        for sensor in _SENSORS:
            kind = _KINDS[sensor.kind]
            some = frames[kind].get(label) if kind in frames else None
            if some is None:
                notes.append(f"an activity without {kind} samples")
                continue
            stream, told = _stream(sensor, some, kind)
            streams.append(stream)
            notes.extend(told)
        if not streams:
            continue
        time = streams[0].time
        yield WearableRecording(
            streams=tuple(streams),
            spans=runs(time, np.full(len(time), label, np.int64)),
            subject=subject,
            split="",
            source=f"{files['accel'].name}, activity {letter}",
            notes=tuple(notes),
        )


def _frame(file: RawFile) -> dict[int, pandas.DataFrame]:
    """Samples of a file by their class."""
    data = file.read()
    try:
        # Records end in ";", mostly.
        plain = data.translate(None, b";\r")
        frame = read_columns(plain, file.name, _COLUMNS, width=6)
    except ValueError:
        # Two of them may share a line.
        plain = data.translate(None, b"\r").replace(b";\n", b"\n")
        plain = plain.replace(b";", b"\n")
        frame = read_columns(plain, file.name, _COLUMNS, width=6)
    label = classes_of(frame[1], _CODES, file.name)
    return dict(iter(frame.groupby(label)))


def _stream(
    sensor: Sensor, frame: pandas.DataFrame, what: str
) -> tuple[Stream, tuple[str, ...]]:
    time = frame[2].to_numpy() * 1e-9
    values = frame[list(sensor.columns)].to_numpy(np.float32)
    order, notes = in_order(time, what)
    if order is not None:
        time, values = time[order], values[order]
    return to_stream(sensor, time, values), notes


_CLASSES = (
    *("walking", "jogging", "stairs", "sitting", "standing", "typing"),
    *("brushing teeth", "eating soup", "eating chips", "eating pasta"),
    *("drinking cup", "eating sandwich", "kicking ball", "playing ball"),
    *("dribbling ball", "writing", "clapping", "folding clothes"),
)
_OWN = {
    10: "drinking from cup",
    12: "kicking (soccer ball)",
    13: "playing catch with tennis ball",
    14: "dribbling (basketball)",
}

FACTS = DatasetFacts(
    name="wisdm",
    title="WISDM Smartphone and Smartwatch Activity and Biometrics",
    licence="CC BY 4.0",
    citation="Weiss, Yoneda and Hayajneh, Smartphone and smartwatch-based biometrics "
    "using activities of daily living, IEEE Access 2019; doi 10.24432/C5HK59",
    homepage="https://archive.ics.uci.edu/dataset/507/"
    "wisdm+smartphone+and+smartwatch+activity+and+biometrics+dataset",
    needs="wisdm-dataset.zip (about 300 MB), as it is or unpacked; no sign-in",
    vocabulary=Vocabulary(
        classes=_CLASSES,
        own=tuple(_OWN.get(i, name) for i, name in enumerate(_CLASSES)),
    ),
    protocol=Protocol(seconds=10.0, shortest=10.0),
    nodes=nodes_of(_SENSORS),
    rate_hz=20.0,
    flags=(
        "The watch only, on the dominant hand, whose side is not told; the node is the "
        "right hand as in the paper's Table 9.",
        "The accelerometer clips at 2 g. No official split.",
    ),
    read=_read,
)
