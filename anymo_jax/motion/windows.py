"""Windows of prepared motion by index: what a data loader streams to a trainer.

`MotionWindows` is a random-access source (`len`, `[i]`) in the sense of Grain: it can
be read by many threads at once and pickles without its open files. Each window comes as
arrays of one shape whatever its length; `views` makes signals from them.
"""

import itertools
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int

from anymo_jax.motion.pace import tempo_range
from anymo_jax.motion.prepared import MARGIN, WINDOW, PreparedMotion
from anymo_jax.motion.recording import PROCEDURAL

PADDED = WINDOW + 2 * MARGIN
Folder = str | pathlib.Path | PreparedMotion


class MotionWindows:
    """The windows of one split of some prepared folders, in their order.

    Attributes:
      split: "train" or "validation".
      segment: (P,) segment of each candidate placement, ascending.
      frame: (P, 3, 3) segment from sensor, of all clips alike.
      clips: (W,) int32, clip of each window; equal for windows of one clip alone.
      text: (W,) int32, id of each window's primary text.
      lengths: (W,) int32, valid frames.
      captured: (W,) bool, from a recording rather than from the procedural library.
      tempo: (W, 2) float32, slowest and fastest factor of speed (`pace.tempo_range`).
      texts: text of each id, over ALL splits of the folders, so that an id means the
        same in every split and whatever the folders' order. A clip without a text has
        an id of its own and the text "".
    """

    def __init__(self, folders: Folder | Sequence[Folder], *, split: str):
        """Open folders.

        Args:
          folders: one or several, prepared by `experiments.prepare`.
          split: which windows to serve.

        Raises:
          ValueError: naming the folders, where they have no window of the split or
            their placements differ; as `PreparedMotion` where one cannot be read.
        """
        if isinstance(folders, Folder):
            folders = [folders]
        if not folders:
            raise ValueError("folders is empty; name at least one prepared folder")
        self.split = split
        self._folders = [
            f if isinstance(f, PreparedMotion) else PreparedMotion(f) for f in folders
        ]
        shared = _one_table(self._folders)
        self.segment, self.frame = shared["segment"], shared["frame"]
        told, clip, place = _survey(self._folders)
        chosen = np.array([entry["split"] == split for entry in told], bool)[clip]
        if not chosen.any():
            found = sorted({entry["split"] for entry in told})
            raise ValueError(
                f"no window of split {split!r} in {self._named()}; the splits there "
                f"are {found}: name one of them, or prepare with a share for {split!r}"
            )
        self._place = place[chosen]
        self.clips = clip[chosen].astype(np.int32)
        ids, self.texts = _number_texts(told)
        self.text = ids[self.clips]
        made = [entry["source"].startswith(PROCEDURAL) for entry in told]
        self.captured = ~np.array(made, bool)[self.clips]
        ranges = [tempo_range(entry["texts"], entry["facts"]) for entry in told]
        self.tempo = np.array(ranges, np.float32)[self.clips]
        self.lengths = np.array(
            [self._folders[f].windows[w, 3] for f, w in self._place], np.int32
        )

    def __len__(self) -> int:
        """Number of windows."""
        return len(self._place)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        """One window.

        Returns:
          position (304, 23, 3) float32 m and quaternion (304, 23, 4) float32 wxyz,
          world from segment: the window with two frames of context at either end, its
          last frame repeated where it is shorter; offset (P, 3) float16 m, candidate
          placements in their segments' frames; int32 scalars length (valid frames
          without the context), window (this index) and text (id); tempo (2,) float32.
        """
        index = range(len(self))[index]
        folder, window = self._place[index].tolist()
        arrays = self._folders[folder].window_arrays(window, MARGIN)
        return {
            "position": _pad(arrays["position"]),
            "quaternion": _pad(arrays["quaternion"]),
            "offset": arrays["placement_offset"],
            "length": self.lengths[index],
            "window": np.int32(index),
            "text": self.text[index],
            "tempo": self.tempo[index],
        }

    @property
    def first_windows(self) -> Int[np.ndarray, "C"]:
        """(C,) index of the first window of each clip, by the clips' ids.

        All that is told of a clip is told of it.
        """
        return np.unique(self.clips, return_index=True)[1]

    def told(self, index: int) -> Mapping:
        """What is told of a window's clip: texts, label, subject, source, facts."""
        folder, window = self._place[range(len(self))[index]].tolist()
        return self._folders[folder].window_told(window)

    def __repr__(self) -> str:
        """Names what is served; a loader's checkpoint is compared by it."""
        return f"MotionWindows({self._named()}, split={self.split!r}, {len(self)})"

    def _named(self) -> list[str]:
        return [str(folder.folder) for folder in self._folders]


def _one_table(folders: Sequence[PreparedMotion]) -> Mapping[str, np.ndarray]:
    """The placements that all folders share."""
    first, *others = (folder.shared_placements for folder in folders)
    for folder, other in zip(folders[1:], others, strict=True):
        for name, array in first.items():
            if not np.array_equal(array, other[name]):
                raise ValueError(
                    f"{folder.folder}: placements' {name} differs from that of "
                    f"{folders[0].folder}; prepare both with the same body"
                )
    return first


def _survey(folders: Sequence[PreparedMotion]):
    """What is told of each clip that has a window; clip (W,) and place (W, 2) of each.

    A place is the folder and the window's index in it.
    """
    told, clip, place = [], [], []
    for number, folder in enumerate(folders):
        known = {}
        for window, (shard, inside, *_) in enumerate(folder.windows.tolist()):
            if (shard, inside) not in known:
                known[shard, inside] = len(told)
                told.append(folder.window_told(window))
            clip.append(known[shard, inside])
            place.append((number, window))
    return told, np.array(clip, int), np.array(place, np.int64).reshape(-1, 2)


def _number_texts(told: Sequence[Mapping]):
    """Id of each clip's primary text, and the text of each id."""
    primary = [entry["texts"][0] if entry["texts"] else "" for entry in told]
    texts = sorted(set(primary) - {""})
    number = {text: i for i, text in enumerate(texts)}
    # Clips of which nothing is said are not said to be alike.
    further = itertools.count(len(texts))
    ids = [number[text] if text else next(further) for text in primary]
    return np.array(ids, np.int32), (*texts, *[""] * primary.count(""))


def _pad(track: Float[np.ndarray, "t 23 C"]) -> Float[np.ndarray, "304 23 C"]:
    """The track, its last frame repeated up to the padded length."""
    padded = np.empty((PADDED, *track.shape[1:]), track.dtype)
    padded[: len(track)] = track
    padded[len(track) :] = track[-1]
    return padded
