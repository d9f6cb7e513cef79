"""The UniMTS archive (huggingface.co/xiyuanz/UniMTS, UniMTS_data.zip).

`<name>/{X_train,y_train,X_test,y_test}.npy` and `<name>/<name>.json`, in a folder or in
the zip file as it was downloaded. X is (N, T, C) at the dataset's own rate and in its
own units, y (N,); the JSON holds `{"label_dictionary": {"0": [words], ...}}`. There are
no subjects. Of PAMAP2 the columns of chest and ankle are doubtful: which device is at
the ankle is read off the angular rates.
"""

import json
import os
import pathlib
import re
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.bundles.arrays import window_recordings
from anymo_jax.datasets.bundles.npy import read_npy
from anymo_jax.datasets.bundles.unimts_facts import ARCHIVE, Device, UnimtsFacts
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

_FLAGS = (
    "no subjects: windows of one person may be in both splits, and no interval by "
    "subject can be given",
)


def open_unimts(path: str | os.PathLike, name: str) -> DatasetFacts:
    """Facts of one dataset of the archive.

    Args:
      path: the archive's folder or zip file.
      name: as the archive has it, such as "PAMAP".

    Raises:
      ValueError: for a name that is not in the archive; naming file and field, for
        arrays or labels of another form.
    """
    if name not in ARCHIVE:
        raise ValueError(
            f"no dataset {name!r} in the UniMTS archive; there are {', '.join(ARCHIVE)}"
        )
    known = ARCHIVE[name]
    path = pathlib.Path(path)
    words = _words(path, name, known)
    paper = DATASETS[known.paper] if known.paper else None
    return DatasetFacts(
        name=f"unimts_{name}",
        title=f"{known.title}, as in the UniMTS archive",
        licence=paper.licence if paper else "that of the dataset",
        citation="Zhang et al., NeurIPS (2024)"
        + (f"; {paper.citation}" if paper else ""),
        homepage="https://huggingface.co/xiyuanz/UniMTS",
        needs="UniMTS_data.zip or its folder",
        vocabulary=Vocabulary(paper.vocabulary.classes if paper else words, words),
        protocol=Protocol(seconds=None, shortest=0.0),
        nodes={d.site: XSENS.index(d.node) for d in known.devices},
        rate_hz=known.rate_hz,
        flags=_FLAGS + known.flags + _odd_names(paper, words),
        read=lambda raw: _recordings(pathlib.Path(raw), name, known),
    )


def _words(path: pathlib.Path, name: str, known: UnimtsFacts) -> tuple[str, ...]:
    """The archive's first word for each class."""
    where = f"{name}/{name}.json"
    try:
        told = json.loads(_member(path, where))["label_dictionary"]
        words = [told[str(index)] for index in range(len(told))]
        words = tuple(
            str(word[0] if isinstance(word, list) else word) for word in words
        )
    except (json.JSONDecodeError, KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f'{path}: {where} is not {{"label_dictionary": {{"0": [words], ...}}}} '
            f"({error!r})"
        ) from None
    if len(words) != known.classes:
        raise ValueError(
            f"{path}: {where} names {len(words)} classes, {known.classes} are expected"
        )
    return words


def _odd_names(paper: DatasetFacts | None, words: tuple[str, ...]) -> tuple[str, ...]:
    """Classes whose words in the archive and in the paper have nothing in common.

    That both have one order is an assumption, and this is its check.
    """
    if paper is None:
        return ()
    pairs = enumerate(zip(paper.vocabulary.classes, words, strict=True))
    return tuple(
        f"class {index} is {ours!r} in the paper and {theirs!r} in the archive: check "
        "that the order of classes is one"
        for index, (ours, theirs) in pairs
        if not _stems(ours) & _stems(theirs)
    )


def _stems(words: str) -> set[str]:
    """Beginnings of words, so that "walk" meets "walking"."""
    return {word[:4] for word in re.findall("[a-z]+", words.lower())}


def _recordings(
    path: pathlib.Path, name: str, known: UnimtsFacts
) -> Iterator[WearableRecording]:
    for split in ("train", "test"):
        where = f"{name}/X_{split}.npy"
        values = _array(path, where)
        label = _array(path, f"{name}/y_{split}.npy").reshape(-1)
        _check(path, where, values, label, known)
        signal = _signal(values.astype(np.float32), label, known)
        nodes = [(d.site, XSENS.index(d.node)) for d in known.devices]
        note = ()
        if name == "PAMAP":
            signal, note = _ankle_where_it_swings(signal, nodes)
        count, length = values.shape[:2]
        yield from window_recordings(
            signal.reshape(-1, *signal.shape[2:]),
            np.arange(count + 1) * length,
            label.astype(np.int64),
            nodes,
            known.rate_hz,
            subject=[""] * count,
            split=split,
            source=where,
            notes=note,
        )


def _signal(values, label, known: UnimtsFacts) -> np.ndarray:
    """(N, T, S, 6) in SI units; NaN where a device has no gyroscope or is not worn."""
    shape = (*values.shape[:2], len(known.devices), 6)
    signal = np.full(shape, np.nan, np.float32)
    for column, device in enumerate(known.devices):
        worn = _worn(device, label)
        force = values[worn, :, device.force : device.force + 3]
        signal[worn, :, column, :3] = force * known.force + known.force_offset
        if device.rate is not None:
            rate = values[worn, :, device.rate : device.rate + 3]
            signal[worn, :, column, 3:] = rate * known.rate
    return signal


def _worn(device: Device, label) -> np.ndarray:
    if device.labels is None:
        return np.ones(len(label), bool)
    first, stop = device.labels
    return (first <= label) & (label < stop)


def _ankle_where_it_swings(signal, nodes):
    """Chest and ankle of PAMAP2, exchanged if the "chest" turns faster.

    In any gait the ankle turns several times as fast as the chest, so that the 90th
    percentile over all activities tells them apart.
    """
    sites = [site for site, _ in nodes]
    chest, ankle = sites.index("chest"), sites.index("ankle")
    speed = {
        column: np.nanpercentile(np.linalg.norm(signal[:, :, column, 3:], axis=-1), 90)
        for column in (chest, ankle)
    }
    found = (
        f"chest {speed[chest]:.2f}, ankle {speed[ankle]:.2f} rad/s (90th percentile)"
    )
    if speed[chest] <= speed[ankle]:
        return signal, (
            f"columns of chest and ankle are as UniMTS reads them: {found}",
        )
    order = list(range(len(sites)))
    order[chest], order[ankle] = ankle, chest
    return signal[:, :, order], (f"columns of chest and ankle exchanged: {found}",)


def _check(path, where, values, label, known: UnimtsFacts) -> None:
    firsts = [f for d in known.devices for f in (d.force, d.rate) if f is not None]
    columns = max(firsts) + 3
    if values.ndim != 3 or values.dtype.kind != "f" or values.shape[2] < columns:
        raise ValueError(
            f"{path}: {where} is {values.dtype}{list(values.shape)}; expected floats "
            f"(N, T, C) with {columns} columns or more"
        )
    if label.dtype.kind not in "iuf" or len(label) != len(values):
        raise ValueError(
            f"{path}: {len(label)} labels for {len(values)} rows of {where}"
        )
    if not np.isin(label, np.arange(known.classes)).all():
        raise ValueError(
            f"{path}: labels beside {where} must be 0 to {known.classes - 1}"
        )
    if np.isinf(values).any():
        raise ValueError(f"{path}: {where} holds an infinite value")


def _array(path: pathlib.Path, where: str) -> np.ndarray:
    return read_npy(_member(path, where), f"{path}: {where}")


def _member(path: pathlib.Path, where: str) -> bytes:
    """A file of the archive, below whatever folder it was packed in."""
    try:
        if not path.is_dir():
            with zipfile.ZipFile(path) as archive:
                found = [n for n in archive.namelist() if _below(n, where)]
                return archive.read(_only(path, where, found))
        found = sorted(str(p) for p in path.rglob(pathlib.Path(where).name))
        found = [name for name in found if _below(name, where)]
        return pathlib.Path(_only(path, where, found)).read_bytes()
    except (OSError, EOFError, RuntimeError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: {where}: {error}") from None


def _below(name: str, where: str) -> bool:
    name = name.replace(os.sep, "/")
    hidden = "__MACOSX" in name
    return not hidden and (name == where or name.endswith("/" + where))


def _only(path, where: str, found: list[str]) -> str:
    if len(found) != 1:
        raise ValueError(
            f"{path}: {len(found) or 'no'} file {where}; give the folder or "
            "the zip file of the UniMTS archive"
        )
    return found[0]
