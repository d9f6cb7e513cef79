"""One npz file of labelled windows.

    x        (N, T, S, 6) float, windows of equal length, or (sum T, S, 6) with offsets
    offsets  (N + 1,) int, rows of each window
    y        (N,) int, index into classes
    classes  (C,) str
    sites    (S,) str
    subject  (N,) int or str
    fs       () Hz

Values are m/s^2 (gravity included), then rad/s; NaN is not measured. Nothing is
invented after a window's last sample, which lies a period before the window's end: of
5 s come 298 samples at 60 Hz from 20 or 25 Hz, 299 from 50 Hz, and 300 from 60 Hz only.
"""

import os
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from anymo_jax.body.sites import site_index
from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.bundles.arrays import window_recordings
from anymo_jax.datasets.bundles.npy import read_npz
from anymo_jax.datasets.bundles.npz_facts import NpzFacts, recognise
from anymo_jax.datasets.recording import (
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)

_KINDS = {
    "x": "f",
    "y": "iu",
    "subject": "iuU",
    "classes": "U",
    "sites": "U",
    "fs": "fiu",
}


def open_npz(
    path: str | os.PathLike, nodes: Mapping[str, int] | None = None
) -> DatasetFacts:
    """Facts of an npz file of windows.

    Args:
      path: the file.
      nodes: index in `XSENS` of sites whose names do not say where they are worn.

    Raises:
      ValueError: naming file and field, for a file of another form, a damaged one, or a
        site that is not understood.
    """
    path = pathlib.Path(path)
    arrays = _read(path)
    sites = tuple(map(str, arrays["sites"]))
    own = tuple(map(str, arrays["classes"]))
    known = recognise(sites, own) or NpzFacts(
        path.stem, path.stem, "not stated", "not stated", "not stated", {}, own
    )
    placed = {site: _node(path, site, known, nodes or {}) for site in sites}
    names = known.classes or {name: name for name in own}
    return DatasetFacts(
        name=known.name,
        title=known.title,
        licence=known.licence,
        citation=known.citation,
        homepage=known.homepage,
        needs=f"{path.name}, npz",
        vocabulary=Vocabulary(tuple(names.values()), tuple(names)),
        # The file's windows are the protocol.
        protocol=Protocol(seconds=None, shortest=0.0),
        nodes=placed,
        rate_hz=float(arrays["fs"]),
        flags=known.flags,
        read=lambda raw: _recordings(raw, placed, tuple(names)),
    )


def _node(path, site, known: NpzFacts, given: Mapping[str, int]) -> int:
    if site in given:
        return given[site]
    if site in known.nodes:
        return XSENS.index(known.nodes[site])
    try:
        return site_index(site)
    except ValueError as error:
        raise ValueError(
            f"{path}: field sites: {error}; or say where it is worn, as in "
            f"sites='{site}=left wrist'"
        ) from None


def _recordings(
    path: pathlib.Path, nodes: Mapping[str, int], own: tuple[str, ...]
) -> Iterator[WearableRecording]:
    arrays = _read(pathlib.Path(path))
    signal, offsets = arrays["x"], arrays.get("offsets")
    if offsets is None:
        offsets = np.arange(len(signal) + 1) * signal.shape[1]
        signal = signal.reshape(-1, *signal.shape[2:])
    place = np.array([own.index(str(name)) for name in arrays["classes"]])
    return window_recordings(
        signal,
        offsets,
        place[arrays["y"]],
        list(nodes.items()),
        float(arrays["fs"]),
        subject=[str(name) for name in arrays["subject"]],
        split="",
        source=pathlib.Path(path).name,
    )


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
    arrays = read_npz(path, (*_KINDS, "offsets"))
    if missing := [name for name in _KINDS if name not in arrays]:
        raise ValueError(f"{path}: no field {', '.join(missing)}")
    _check(path, arrays)
    return arrays


def _check(path, arrays) -> None:
    """Raise a ValueError that names the field at fault."""
    signal, count = arrays["x"], len(arrays["y"]) if arrays["y"].ndim else -1
    sensors = arrays["sites"].size
    ragged = "offsets" in arrays
    shape = (signal.shape[:1] if ragged else (count, *signal.shape[1:2])) + (sensors, 6)
    expected = {
        "x": (shape, "(sum T, S, 6)" if ragged else "(N, T, S, 6)"),
        "y": ((count,), "(N,)"),
        "subject": ((count,), "(N,)"),
        "classes": ((arrays["classes"].size,), "(C,)"),
        "sites": ((sensors,), "(S,)"),
        "fs": ((), "()"),
    }
    for field, (shape, said) in expected.items():
        array = arrays[field]
        if array.shape != shape or array.dtype.kind not in _KINDS[field]:
            raise ValueError(
                f"{path}: field {field} is {array.dtype}{list(array.shape)}; expected "
                f"{said} of kind {_KINDS[field]!r} beside {count} windows and "
                f"{sensors} sites"
            )
    _check_contents(path, arrays, count)


def _check_contents(path, arrays, count) -> None:
    offsets = arrays.get("offsets", np.arange(2))
    names = {n: list(map(str, arrays[n])) for n in ("classes", "sites")}
    faults = {
        "offsets": offsets.ndim != 1
        or offsets.dtype.kind not in "iu"
        or (np.diff(offsets.astype(np.int64)) <= 0).any()
        or ("offsets" in arrays and len(offsets) != count + 1)
        or (
            "offsets" in arrays and (offsets[0] != 0 or offsets[-1] != len(arrays["x"]))
        ),
        "y": ((arrays["y"] < 0) | (arrays["y"] >= len(names["classes"]))).any(),
        "classes": len(set(names["classes"])) < len(names["classes"]),
        "sites": len(set(names["sites"])) < len(names["sites"]),
        "fs": not (np.isfinite(arrays["fs"]) and arrays["fs"] > 0),
        "x": np.isinf(arrays["x"]).any(),
    }
    rules = {
        "offsets": "must rise from 0 to the rows of x, one more than windows",
        "y": "must index classes",
        "classes": "must differ from each other",
        "sites": "must differ from each other",
        "fs": "must be positive",
        "x": "must be finite or NaN",
    }
    for field, fault in faults.items():
        if fault:
            raise ValueError(f"{path}: field {field} {rules[field]}")
