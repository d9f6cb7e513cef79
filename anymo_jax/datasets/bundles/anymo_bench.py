"""AnyMo Bench (huggingface.co/datasets/CRUISEResearchGroup/AnyMo-Bench).

`data/<config>/{train,test}-*.parquet`, a window a row: `imu` is (T, 18) at 60 Hz, for
head, left and right wrist the accelerometer (m/s^2, gravity included) then the
gyroscope (rad/s); `label`, `label_id`, `subject_id`, `session_id`, `start_time_sec`.
Its NaN were written as zeros: a device that reads exactly zero on all six channels is
taken for missing.
"""

import os
import pathlib
from collections.abc import Iterator

import numpy as np
import pyarrow
import pyarrow.parquet

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.bundles.arrays import window_recordings
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

CONFIGS = (
    "AnyMo-Bench-150-US",
    "AnyMo-Bench-150-USCD",
    "AnyMo-Bench-50-US",
    "AnyMo-Bench-50-USCD",
)
_RATE_HZ = 60.0
# A wrist is the forearm in the paper's own use of these recordings.
_NODES = {"head": "Head", "left wrist": "L_Forearm", "right wrist": "R_Forearm"}
_TOLD = ("label", "label_id", "subject_id", "session_id")
_ROWS = 512


def open_anymo_bench(path: str | os.PathLike, name: str) -> DatasetFacts:
    """Facts of one configuration of AnyMo Bench.

    Args:
      path: folder of the download.
      name: one of `CONFIGS`.

    Raises:
      ValueError: for another name, or a file of another form, naming it.
    """
    if name not in CONFIGS:
        raise ValueError(f"no AnyMo Bench {name!r}; there are {', '.join(CONFIGS)}")
    path = pathlib.Path(path)
    classes = _classes(path, name)
    flags = ("recorded with Nymeria: never with a model trained on its test subjects",)
    if name.endswith("USCD"):
        flags += ("train and test are of different devices, by design",)
    return DatasetFacts(
        name=name.lower().replace("-", "_"),
        title=name,
        licence="CC BY-NC 4.0",
        citation="Chen et al., arXiv 2605.22715; Ma et al., ECCV (2024)",
        homepage="https://huggingface.co/datasets/CRUISEResearchGroup/AnyMo-Bench",
        needs=f"data/{name}/*.parquet",
        vocabulary=Vocabulary(classes, classes),
        protocol=Protocol(seconds=None, shortest=0.0),
        nodes={site: XSENS.index(node) for site, node in _NODES.items()},
        rate_hz=_RATE_HZ,
        flags=flags,
        read=lambda raw: _recordings(pathlib.Path(raw), name),
    )


def _files(path: pathlib.Path, name: str) -> list[tuple[str, pathlib.Path]]:
    found = [
        (split, file)
        for split in ("train", "test")
        for file in sorted(path.rglob(f"{name}/{split}-*.parquet"))
    ]
    if not found:
        raise ValueError(f"{path}: no {name}/train-*.parquet or {name}/test-*.parquet")
    return found


def _classes(path: pathlib.Path, name: str) -> tuple[str, ...]:
    """Labels in the order of their numbers, which must agree throughout."""
    named: dict[int, str] = {}
    for _, file in _files(path, name):
        table = _table(file, columns=["label", "label_id"])
        for row in table.group_by(["label", "label_id"]).aggregate([]).to_pylist():
            if named.setdefault(row["label_id"], row["label"]) != row["label"]:
                raise ValueError(
                    f"{file}: label_id {row['label_id']} is {row['label']!r} here and "
                    f"{named[row['label_id']]!r} before"
                )
    if sorted(named) != list(range(len(named))):
        raise ValueError(
            f"{path}: label_id leaves out numbers below {max(named)}; download all "
            "shards"
        )
    return tuple(named[index] for index in range(len(named)))


def _recordings(path: pathlib.Path, name: str) -> Iterator[WearableRecording]:
    for split, file in _files(path, name):
        first = 0
        for batch in _batches(file):
            table = pyarrow.Table.from_batches([batch])
            signal, offsets = _signal(file, table.column("imu").combine_chunks())
            yield from window_recordings(
                signal,
                offsets,
                table.column("label_id").to_numpy(),
                [(site, XSENS.index(node)) for site, node in _NODES.items()],
                _RATE_HZ,
                subject=table.column("subject_id").to_pylist(),
                split=split,
                source=file.name,
                first=first,
            )
            first += len(table)


def _signal(file, imu):
    """Rows of nested lists (N, T, 18) as (sum T, 3, 6) and their offsets."""
    inner = imu.flatten()
    offsets = imu.offsets.to_numpy().astype(np.int64)
    values = inner.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    if len(values) != 18 * len(inner) or imu.null_count or inner.null_count:
        raise ValueError(f"{file}: field imu is not (T, 18) in every row")
    signal = values.reshape(-1, 3, 6).copy()
    signal[(signal == 0).all(axis=-1)] = np.nan
    return signal, offsets - offsets[0]


def _table(file: pathlib.Path, columns: list[str]) -> pyarrow.Table:
    try:
        return pyarrow.parquet.read_table(file, columns=columns)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{file}: not a readable Parquet file: {error}") from None


def _batches(file: pathlib.Path) -> Iterator[pyarrow.RecordBatch]:
    try:
        parquet = pyarrow.parquet.ParquetFile(file)
        missing = {"imu", *_TOLD} - set(parquet.schema_arrow.names)
        if missing:
            raise ValueError(f"{file}: no field {', '.join(sorted(missing))}")
        yield from parquet.iter_batches(_ROWS, columns=["imu", *_TOLD])
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{file}: not a readable Parquet file: {error}") from None
