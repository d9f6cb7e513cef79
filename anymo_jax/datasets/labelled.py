"""Labelled windows of real recordings at 60 Hz: the noun that evaluation reads.

On disk one safetensors file, written by `experiments.prepare_har`:

    signal     (sum T, S, 6) float32   m/s^2, then rad/s; NaN where not measured
    offsets    (N + 1,) int64          rows of each window
    node       (S,) int64              segment of each sensor
    label, subject, split, recording   (N,) int64; indices into lists of the header
    start      (N,) float64            seconds in the recording

with classes, names and the card as JSON in the header. Every window keeps the length
that its dataset gives it; `LabelledWindows.views` cuts it to the model's.
"""

import dataclasses
import json
import os
import pathlib
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float32, Float64, Int64
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.view import View

FORMAT = 1
_HEADER = "labelled_windows"
RATE_HZ = 60.0
LONGEST, SHORTEST = 300, 60
# A sensor with more of a window missing than this is taken for absent in it.
MOST_MISSING = 0.2
_TENSORS = {
    "signal": np.float32,
    "offsets": np.int64,
    "node": np.int64,
    "label": np.int64,
    "subject": np.int64,
    "split": np.int64,
    "recording": np.int64,
    "start": np.float64,
}
_NAMES = ("classes", "own", "sites", "subjects", "splits", "sources", "texts", "flags")


@dataclasses.dataclass(frozen=True)
class LabelledWindows:
    """Windows of one dataset.

    Attributes:
      signal: (sum T, S, 6) at 60 Hz in each device's own axes, NaN where not measured;
        a window without one of the sensors holds NaN there.
      offsets: (N + 1,) rows of each window.
      node: (S,) index in `XSENS` of each sensor, no two alike.
      label: (N,) index into `classes`.
      subject: (N,) index into `subjects`, -1 where unknown.
      split: (N,) index into `splits`, -1 where the dataset has no official one.
      recording: (N,) index into `sources`.
      start: (N,) seconds in its recording.
      classes: names as the paper has them, else the dataset's own.
      own: the dataset's own word of each class.
      sites: own words of each sensor's site.
      subjects, splits, sources: names.
      texts: a description of each window, or () where there are none.
      dataset: name.
      flags: warnings that travel with the data.
      card: what was read, checked and dropped.
    """

    signal: Float32[np.ndarray, "R S 6"]
    offsets: Int64[np.ndarray, "_"]
    node: Int64[np.ndarray, "S"]
    label: Int64[np.ndarray, "N"]
    subject: Int64[np.ndarray, "N"]
    split: Int64[np.ndarray, "N"]
    recording: Int64[np.ndarray, "N"]
    start: Float64[np.ndarray, "N"]
    classes: tuple[str, ...]
    own: tuple[str, ...]
    sites: tuple[str, ...]
    subjects: tuple[str, ...]
    splits: tuple[str, ...]
    sources: tuple[str, ...]
    texts: tuple[str, ...]
    dataset: str
    flags: tuple[str, ...]
    card: Mapping

    def __post_init__(self):
        for field, fault in _faults(self).items():
            if fault:
                raise ValueError(f"dataset {self.dataset}: field {field} {fault}")

    def __len__(self) -> int:
        return len(self.label)

    def window(self, index: int) -> Float32[np.ndarray, "T S 6"]:
        """The signal of one window; negative indices count from the end."""
        index = range(len(self))[index]
        return self.signal[self.offsets[index] : self.offsets[index + 1]]

    def views(self, index: int) -> list[View]:
        """One window as parts of at most 300 samples on the 23 nodes.

        Parts follow each other without overlap; a last one under 60 samples is left
        out. A sensor's force or rate counts as present in a part where at most a fifth
        of it is missing, which is filled by straight lines between its neighbours. A
        part without any sensor is left out.
        """
        window = self.window(index)
        parts = [window[i : i + LONGEST] for i in range(0, len(window), LONGEST)]
        if len(parts) > 1 and len(parts[-1]) < SHORTEST:
            parts.pop()
        made = [node_window(part, self.node) for part in parts]
        return [part for part in made if part.visible.any()]

    def save(self, path: str | os.PathLike) -> None:
        """Write atomically: a reader sees all of the file or nothing."""
        path = pathlib.Path(path)
        tensors = {name: np.ascontiguousarray(getattr(self, name)) for name in _TENSORS}
        told = {name: getattr(self, name) for name in (*_NAMES, "dataset", "card")}
        # One entry: the library writes several in any order, and files would differ.
        header = {_HEADER: json.dumps({"format": FORMAT} | told)}
        partial = path.with_name(path.name + ".tmp")
        partial.write_bytes(save(tensors, header))
        partial.replace(path)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "LabelledWindows":
        """Read a file that `save` wrote.

        Raises:
          ValueError: naming the file, where it is no such file, damaged, or of another
            format.
        """
        try:
            with safe_open(os.fspath(path), "numpy") as file:
                told = json.loads((file.metadata() or {}).get(_HEADER, "{}"))
                if told.get("format") != FORMAT:
                    raise ValueError(
                        f"{path}: not labelled windows of format {FORMAT}; prepare the "
                        "dataset again with experiments.prepare_har"
                    )
                tensors = {name: file.get_tensor(name) for name in _TENSORS}
        except (SafetensorError, OSError) as error:
            raise ValueError(f"{path}: not a readable file ({error})") from None
        names = {name: tuple(told[name]) for name in _NAMES}
        return cls(**tensors, **names, dataset=told["dataset"], card=told["card"])


def node_window(
    signal: Float32[np.ndarray, "T S 6"], node: Int64[np.ndarray, "S"]
) -> View:
    """At most 300 samples of some sensors on the body graph; see `views`."""
    length = len(signal)
    missing = np.isnan(signal).reshape(length, -1, 2, 3).any(axis=-1)
    present = missing.mean(axis=0) <= MOST_MISSING
    whole = _filled(signal, np.repeat(present, 3, axis=-1))
    padded = np.zeros((LONGEST, len(XSENS), 6), np.float32)
    padded[:length, node] = whole
    valid = np.zeros((len(XSENS), 6), bool)
    valid[node] = np.repeat(present, 3, axis=-1)
    return View(padded, valid.any(axis=-1), valid, np.asarray(length, np.int32))


def _filled(signal, present):
    """Gaps of present channels bridged by straight lines; absent channels zero."""
    filled = np.where(present, signal, 0.0).astype(np.float32)
    frames = np.arange(len(signal))
    for sensor, channel in np.argwhere(np.isnan(filled).any(axis=0)):
        column = filled[:, sensor, channel]
        there = np.isfinite(column)
        column[~there] = np.interp(frames[~there], frames[there], column[there])
    return filled


def _faults(windows: LabelledWindows) -> dict[str, str]:
    """What is wrong with each field, "" where nothing is."""
    count, sensors = len(windows.label), len(windows.node)
    offsets, node = windows.offsets, windows.node
    rises = len(offsets) == count + 1 and offsets[0] == 0
    rises = (
        rises and offsets[-1] == len(windows.signal) and (np.diff(offsets) > 0).all()
    )
    known = set(node.tolist()) <= set(range(len(XSENS)))
    limits = {
        "label": (0, windows.classes),
        "subject": (-1, windows.subjects),
        "split": (-1, windows.splits),
        "recording": (0, windows.sources),
    }
    outside = {
        name: f"has values outside {least} to {len(names) - 1}"
        for name, (least, names) in limits.items()
        if not ((least <= (v := getattr(windows, name))) & (v < len(names))).all()
    }
    return outside | {
        "offsets": "" if rises else "must rise from 0 to the rows of signal",
        "node": ""
        if known and len(set(node.tolist())) == sensors
        else "must name segments, each once",
        "sites": "" if len(windows.sites) == sensors else "must name every sensor",
        "own": "" if len(windows.own) == len(windows.classes) else "must match classes",
        "texts": "" if len(windows.texts) in (0, count) else "must match windows",
    }
