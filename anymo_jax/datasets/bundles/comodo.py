"""COMODO's arrays of Ego4D and EgoExo4D (github.com/Breezelled/COMODO, dataset/).

A folder with `train.txt`, `val.txt`, `test.txt` (a recording and its label a line, with
a tab between) and anywhere below it `<recording>.npy`: (6, T) at 200 Hz, accelerometer
m/s^2 then gyroscope rad/s of a head-worn device. Their `<recording>_timestamps.npy` are
the grid of the resampling and are not read. Windows are whole 5 s.

Ego4D's missing values were filled with zeros before the resampling: samples whose force
is exactly zero on all axes are taken for missing.
"""

import os
import pathlib
from collections.abc import Iterator, Sequence

import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.bundles.npy import read_npy
from anymo_jax.datasets.recording import (
    FORCE,
    RATE,
    DatasetFacts,
    Protocol,
    Spans,
    Stream,
    Vocabulary,
    WearableRecording,
)

RATE_HZ = 200.0
WINDOW_S = 5.0
_SITE = "head"
_SPLITS = {"train": "train", "val": "validation", "test": "test"}


def open_comodo(path: str | os.PathLike) -> DatasetFacts:
    """Facts of a folder of COMODO's arrays.

    Classes are the labels of the split files in alphabetical order.

    Raises:
      ValueError: for a folder without split files, or a line of another form.
    """
    path = pathlib.Path(path)
    listed = _listed(path)
    classes = tuple(sorted({label for _, _, label in listed}))
    return DatasetFacts(
        name="comodo",
        title=f"COMODO arrays in {path.name}",
        licence="that of Ego4D or Ego-Exo4D: sign their agreement",
        citation="Chen et al., arXiv 2503.07259",
        homepage="https://github.com/Breezelled/COMODO",
        needs="train.txt, val.txt, test.txt and the npy files they name",
        vocabulary=Vocabulary(classes, classes),
        protocol=Protocol(seconds=WINDOW_S, shortest=WINDOW_S),
        nodes={_SITE: XSENS.index("Head")},
        rate_hz=RATE_HZ,
        flags=("a label holds for a whole video: it is weak",),
        read=lambda raw: _recordings(pathlib.Path(raw), classes),
    )


def _listed(path: pathlib.Path) -> list[tuple[str, str, str]]:
    """Split, recording and label of each line."""
    found = []
    for stem, split in _SPLITS.items():
        file = path / f"{stem}.txt"
        if not file.is_file():
            continue
        for number, line in enumerate(file.read_text().splitlines(), start=1):
            if not line.strip():
                continue
            name, tab, label = line.strip().partition("\t")
            if not (name and tab and label.strip()):
                raise ValueError(
                    f"{file}, line {number}: expected a recording, a tab and a label"
                )
            found.append((split, name, label.strip()))
    if not found:
        raise ValueError(f"{path}: no train.txt, val.txt or test.txt with recordings")
    return found


def _recordings(
    path: pathlib.Path, classes: Sequence[str]
) -> Iterator[WearableRecording]:
    files = {p.stem: p for p in sorted(path.rglob("*.npy"))}
    for split, name, label in _listed(path):
        if name not in files:
            raise ValueError(
                f"{path}: no file {name}.npy, which the {split} split names; complete "
                "the folder or take the line out"
            )
        yield _recording(files[name], split, classes.index(label))


def _recording(file: pathlib.Path, split: str, label: int) -> WearableRecording:
    values = read_npy(file, str(file))
    if values.ndim != 2 or len(values) != 6 or values.dtype.kind != "f":
        raise ValueError(
            f"{file}: {values.dtype}{list(values.shape)}; expected floats (6, T)"
        )
    values = values.T.astype(np.float32)
    filled = (values[:, :3] == 0).all(axis=1)
    values[filled] = np.nan
    if filled.all():
        raise ValueError(f"{file}: no measured value")
    time = np.arange(len(values)) / RATE_HZ
    node = XSENS.index("Head")
    streams = tuple(
        Stream(_SITE, node, kind, time, np.ascontiguousarray(half))
        for kind, half in ((FORCE, values[:, :3]), (RATE, values[:, 3:]))
    )
    # Whole windows, as COMODO counts them by samples.
    end = np.array([len(values) / RATE_HZ])
    spans = Spans(np.zeros(1), end, np.array([label], np.int64))
    notes = ("samples filled with zeros are taken for missing",) if filled.any() else ()
    return WearableRecording(streams, spans, "", split, file.name, notes)
