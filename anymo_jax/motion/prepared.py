"""The prepared format: clips of motion at 60 Hz, in shards that a trainer streams.

A folder holds

    manifest.json            format, options, counts, and each shard's SHA-256
    placements.safetensors   segment (P,) int32, frame (P, 3, 3): shared by all clips
    shard-<unit>-<n>.safetensors

and a shard, of less than 30 MB,

    position     (N, 23, 3) float32 m    segment origins, frames of all its clips
    quaternion   (N, 23, 4) float32      wxyz, world from segment
    clip_start   (C + 1,) int64          rows of each clip
    placement_offset (C, P, 3) float16 m in the segment frame (0.1 mm steps)
    window       (W, 3) int32            clip, first frame in the clip, length

with the texts and facts of each clip as JSON in the header. A clip has no gaps. Its
windows follow one rule: whole windows of 300 frames, and what is left over as a shorter
one if it has 60 frames or more. Two frames at either end of a clip are in no window, so
that every window has the neighbours that its derivatives need: at the very ends of a
clip they are extrapolated, and noise grows there.
"""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Iterable, Mapping

import numpy as np
from jaxtyping import Float, Int
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.spatial.transform import Rotation

from anymo_jax.body.placement import Placements
from anymo_jax.motion.recording import SegmentMotion

FORMAT = 1
RATE_HZ = 60.0
WINDOW = 300
SHORTEST = 60
MARGIN = 2
MANIFEST = "manifest.json"
PLACEMENTS = "placements.safetensors"


@dataclasses.dataclass(frozen=True)
class Clip:
    """One prepared stretch of motion without gaps, at 60 Hz.

    Attributes:
      position: (T, 23, 3) m, segment origins; the clip begins above the origin.
      quaternion: (T, 23, 4) wxyz, world from segment.
      placement_offset: (P, 3) m, candidate placements in their segments' frames.
      split: "train" or "validation".
      texts: the primary one first.
      label: activity name or "".
      subject: name or "".
      source: where the clip comes from.
      facts: further facts by name.
    """

    position: np.ndarray
    quaternion: np.ndarray
    placement_offset: np.ndarray
    split: str
    texts: tuple[str, ...]
    label: str
    subject: str
    source: str
    facts: Mapping[str, str]

    def __len__(self) -> int:
        return len(self.position)

    @property
    def motion(self) -> SegmentMotion:
        """Positions and rotations of the segments."""
        rotation = matrices(self.quaternion)
        valid = np.ones(len(self), bool)
        return SegmentMotion(self.position, rotation, valid, RATE_HZ)


_TOLD = ("split", "texts", "label", "subject", "source", "facts")


def matrices(quaternion: Float[np.ndarray, "T 23 4"]) -> Float[np.ndarray, "T 23 3 3"]:
    """Rotation matrices, in float32, of unit quaternions wxyz."""
    flat = Rotation.from_quat(quaternion.reshape(-1, 4), scalar_first=True).as_matrix()
    return flat.reshape(*quaternion.shape[:-1], 3, 3).astype(np.float32)


def window_table(length: int) -> Int[np.ndarray, "W 2"]:
    """First frame and length of the windows of a clip of `length` frames."""
    end = length - MARGIN
    starts = range(MARGIN, end, WINDOW)
    rows = [(start, min(WINDOW, end - start)) for start in starts]
    return np.array([r for r in rows if r[1] >= SHORTEST], np.int32).reshape(-1, 2)


def write_shard(path: pathlib.Path, clips: list[Clip]) -> dict:
    """Write clips to one file, atomically, and return its entry in the manifest."""
    lengths = [len(clip) for clip in clips]
    windows = [
        np.insert(window_table(length), 0, index, axis=1)
        for index, length in enumerate(lengths)
    ]
    tensors = {
        "position": np.concatenate([c.position for c in clips]).astype(np.float32),
        "quaternion": np.concatenate([c.quaternion for c in clips]).astype(np.float32),
        "clip_start": np.cumsum([0, *lengths], dtype=np.int64),
        "placement_offset": np.stack([c.placement_offset for c in clips]).astype(
            np.float16
        ),
        "window": np.concatenate(windows).astype(np.int32),
    }
    told = [{name: getattr(c, name) for name in _TOLD} for c in clips]
    write_tensors(path, tensors, {"clips": json.dumps(told)})
    return {
        "file": path.name,
        "sha256": digest(path),
        "clips": len(clips),
        "windows": len(tensors["window"]),
        "frames": int(sum(lengths)),
    }


def write_tensors(
    path: pathlib.Path,
    tensors: Mapping[str, np.ndarray],
    header: Mapping[str, str] | None = None,
) -> None:
    """Write a safetensors file atomically: a reader sees all of it or nothing."""
    # The library writes memory as it lies, whatever an array's strides say.
    rows_first = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    partial = path.with_suffix(".tmp")
    partial.write_bytes(save(rows_first, dict(header or {})))
    partial.replace(path)


def digest(path: pathlib.Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class PreparedMotion:
    """A prepared folder: clips and windows by index, read as they are asked for."""

    def __init__(self, folder: str | pathlib.Path, *, verify: bool = False):
        """Open a folder.

        Args:
          folder: written by `experiments.prepare`.
          verify: compare every shard with its checksum first.

        Raises:
          ValueError: naming the file, for a folder that is not complete, of another
            format, or (with `verify`) damaged.
        """
        self.folder = pathlib.Path(folder)
        self.manifest = _read_manifest(self.folder)
        self._shards = [self._open(entry, verify) for entry in self.manifest["shards"]]
        tables = [shard.get_tensor("window") for shard in self._shards]
        self._told = [json.loads(s.metadata()["clips"]) for s in self._shards]
        self._starts = [shard.get_tensor("clip_start") for shard in self._shards]
        self._windows = np.concatenate(
            [np.insert(t, 0, i, axis=1) for i, t in enumerate(tables)]
        )
        self._clips = [
            (shard, clip)
            for shard, told in enumerate(self._told)
            for clip in range(len(told))
        ]

    def __reduce__(self):
        """Pickles as its folder: open files do not pass between processes."""
        return PreparedMotion, (self.folder,)

    def _open(self, entry: Mapping, verify: bool):
        path = self.folder / entry["file"]
        if not path.is_file():
            raise ValueError(f"{path}: shard is missing; prepare the folder again")
        if verify and digest(path) != entry["sha256"]:
            raise ValueError(f"{path}: checksum differs; prepare the folder again")
        try:
            return safe_open(path, "numpy")
        except SafetensorError as error:
            raise ValueError(f"{path}: not a readable shard ({error})") from None

    def __len__(self) -> int:
        """Number of clips."""
        return len(self._clips)

    def __getitem__(self, index: int) -> Clip:
        """A clip; negative indices count from the end."""
        shard, clip = self._clips[index]
        start, stop = self._starts[shard][clip : clip + 2]
        return self._read(shard, clip, int(start), int(stop))

    @property
    def windows(self) -> Int[np.ndarray, "W 4"]:
        """Shard, clip in the shard, first frame in the clip and length of each."""
        return self._windows

    def window(self, index: int, margin: int = 0) -> Clip:
        """One window, as a clip of at most 300 frames.

        Args:
          index: of the window.
          margin: neighbouring frames to add at either end, at most 2; simulate with
            them and cut them off, and no derivative is one-sided.
        """
        return self._read(*self._span(index, margin))

    def window_arrays(self, index: int, margin: int = 0) -> dict[str, np.ndarray]:
        """The arrays of `window` as they are stored, by name: offsets in float16."""
        return self._arrays(*self._span(index, margin))

    def _span(self, index: int, margin: int) -> tuple[int, int, int, int]:
        """Shard, clip in it, and rows of a window with its margin."""
        if not 0 <= margin <= MARGIN:
            raise ValueError(f"margin={margin} must lie in 0 to {MARGIN}")
        shard, clip, first, length = self._windows[index].tolist()
        start = int(self._starts[shard][clip]) + first
        return shard, clip, start - margin, start + length + margin

    def window_told(self, index: int) -> Mapping:
        """Split, texts, label, subject, source and facts of a window's clip.

        Its motion is not read.
        """
        shard, clip = self._windows[index, :2]
        return self._told[shard][clip]

    def window_split(self, index: int) -> str:
        """The split of a window, without reading its motion."""
        return self.window_told(index)["split"]

    def placements(self, clip: Clip) -> Placements:
        """Candidate placements on the body of a clip."""
        shared = self.shared_placements
        return Placements(shared["segment"], clip.placement_offset, shared["frame"])

    @property
    def shared_placements(self) -> dict[str, np.ndarray]:
        """What all clips' placements share: `segment` (P,) and `frame` (P, 3, 3)."""
        with safe_open(self.folder / PLACEMENTS, "numpy") as file:
            return {name: file.get_tensor(name) for name in ("segment", "frame")}

    def _read(self, shard: int, clip: int, start: int, stop: int) -> Clip:
        told = self._told[shard][clip]
        arrays = self._arrays(shard, clip, start, stop)
        offsets = arrays.pop("placement_offset").astype(np.float32)
        told = told | {"texts": tuple(told["texts"])}
        return Clip(placement_offset=offsets, **arrays, **told)

    def _arrays(self, shard, clip, start, stop) -> dict[str, np.ndarray]:
        file = self._shards[shard]
        return {
            "position": file.get_slice("position")[start:stop],
            "quaternion": file.get_slice("quaternion")[start:stop],
            "placement_offset": file.get_slice("placement_offset")[clip],
        }


def _read_manifest(folder: pathlib.Path) -> dict:
    path = folder / MANIFEST
    if not path.is_file():
        raise ValueError(
            f"{path} is missing: the folder is not prepared, or not to its end; run "
            "experiments.prepare with the same options to finish it"
        )
    manifest = json.loads(path.read_text())
    if manifest.get("format") != FORMAT:
        raise ValueError(
            f"{path}: format {manifest.get('format')} where {FORMAT} is read; prepare "
            "the folder again"
        )
    return manifest


def total_hours(entries: Iterable[Mapping]) -> float:
    """Hours of motion in some shards."""
    return sum(entry["frames"] for entry in entries) / RATE_HZ / 3600
