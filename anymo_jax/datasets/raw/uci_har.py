"""UCI-HAR: a phone at the waist in six activities, 50 Hz (Anguita et al. 2013).

The files hold windows of 128 samples that overlap by half. They are joined again to
the recordings they were cut from wherever the second half of one is the first half of
the next, so that filters see no edges; the windows stay those of the dataset.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, Int64

from anymo_jax.datasets.raw.columns import read_columns
from anymo_jax.datasets.raw.files import RawFile, find_files
from anymo_jax.datasets.raw.labels import classes_of
from anymo_jax.datasets.raw.sensors import (
    counted_time,
    device,
    nodes_of,
    to_stream,
)
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Spans,
    Vocabulary,
    WearableRecording,
)

_SIGNALS = tuple(f"{s}_{a}" for s in ("total_acc", "body_gyro") for a in "xyz")
# total_acc keeps gravity; body_acc does not.
_SENSORS = device("waist", "L5", force=0, rate=3, force_unit="g")
_RATE_HZ, _ROWS, _HALF = 50.0, 128, 64
_HOP_S, _SECONDS = _HALF / _RATE_HZ, _ROWS / _RATE_HZ
_PATTERN = (
    r"(?P<folder>train|test)/(?:Inertial Signals/)?"
    r"(?P<what>y|subject|total_acc_[xyz]|body_gyro_[xyz])_(?P<split>train|test)\.txt"
)
_NEEDS = "the folders train and test of 'UCI HAR Dataset', with 'Inertial Signals'"


def _read(root: Path) -> Iterator[WearableRecording]:
    files = {
        (file.groups["split"], file.groups["what"]): file
        for file in find_files(root, _PATTERN, _NEEDS)
    }
    for split in ("train", "test"):
        missing = [
            f"{what}_{split}.txt"
            for what in ("y", "subject", *_SIGNALS)
            if (split, what) not in files
        ]
        if missing:
            raise ValueError(f"{root}: no {', '.join(missing)}. Needed: {_NEEDS}")
        yield from _recordings(
            {what: files[split, what] for what in ("y", "subject", *_SIGNALS)}, split
        )


def _recordings(
    files: Mapping[str, RawFile], split: str
) -> Iterator[WearableRecording]:
    values = _windows(files)
    subject = _column(files["subject"], len(values))
    codes = {i + 1: i for i in range(6)}
    label = classes_of(_column(files["y"], len(values)), codes, files["y"].name)
    joined = _is_continued(values, subject)
    edges = np.flatnonzero(np.concatenate([[True], ~joined, [True]]))
    for first, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        yield _recording(
            values[first:end],
            label[first:end],
            subject=str(subject[first]),
            split=split,
            source=f"{files['total_acc_x'].name}, lines {first + 1} to {end}",
        )


def _windows(files: Mapping[str, RawFile]) -> Float32[np.ndarray, "N 128 6"]:
    kinds = dict.fromkeys(range(_ROWS), np.float32)
    signals = []
    for what in _SIGNALS:
        file = files[what]
        frame = read_columns(file.read(), file.name, kinds, separator=" ", width=_ROWS)
        if signals and len(frame) != len(signals[0]):
            raise ValueError(
                f"{file.name}: {len(frame)} lines, but {files[_SIGNALS[0]].name} has "
                f"{len(signals[0])}; download the dataset again"
            )
        signals.append(frame.to_numpy(np.float32))
    return np.stack(signals, axis=-1)


def _column(file: RawFile, count: int) -> Int64[np.ndarray, "N"]:
    frame = read_columns(file.read(), file.name, {0: np.int64}, separator=" ", width=1)
    if len(frame) != count:
        raise ValueError(
            f"{file.name}: {len(frame)} lines for {count} windows; download the "
            "dataset again"
        )
    return frame[0].to_numpy(np.int64)


def _is_continued(
    values: Float32[np.ndarray, "N 128 6"], subject: Int64[np.ndarray, "N"]
) -> Bool[np.ndarray, "_"]:
    """Whether each window but the last goes on in the next one."""
    same = (values[:-1, _HALF:] == values[1:, :_HALF]).all(axis=(1, 2))
    return same & (subject[:-1] == subject[1:])


def _recording(values, label, subject, split, source) -> WearableRecording:
    flat = np.concatenate([values[0, :_HALF], values[:, _HALF:].reshape(-1, 6)])
    time = counted_time(len(flat), _RATE_HZ)
    start = np.arange(len(values)) * _HOP_S
    return WearableRecording(
        streams=tuple(to_stream(s, time, flat[:, list(s.columns)]) for s in _SENSORS),
        spans=Spans(start, start + _SECONDS, label),
        subject=subject,
        split=split,
        source=source,
    )


FACTS = DatasetFacts(
    name="uci_har",
    title="Human Activity Recognition Using Smartphones",
    licence="CC BY 4.0 (UCI)",
    citation="Anguita et al., A public domain dataset for human activity recognition "
    "using smartphones, ESANN 2013; doi 10.24432/C54S4K",
    homepage="https://archive.ics.uci.edu/dataset/240/"
    "human+activity+recognition+using+smartphones",
    needs="'UCI HAR Dataset.zip' (about 60 MB), as it is or unpacked; no sign-in",
    vocabulary=Vocabulary(
        classes=(*("walk", "walk upstairs", "walk downstairs", "sit", "stand", "lay"),),
        own=(
            *("WALKING", "WALKING_UPSTAIRS", "WALKING_DOWNSTAIRS"),
            *("SITTING", "STANDING", "LAYING"),
        ),
    ),
    protocol=Protocol(seconds=None, shortest=_SECONDS),
    nodes=nodes_of(_SENSORS),
    rate_hz=_RATE_HZ,
    flags=(
        "OVERLAP: windows of 2.56 s overlap by half within each split, so that they "
        "are not independent. The split is by subject.",
        "The authors low-passed the signals at 20 Hz.",
    ),
    read=_read,
)
