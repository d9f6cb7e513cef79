"""The BVH file format: a hierarchy of joints, then one line of channels per frame.

Only the syntax lives here. What the joints mean (names, units, rest pose) is the
business of `conventions`; where they are in space, of `kinematics`.
"""

import dataclasses
import os
import pathlib
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

_CHANNELS = tuple(f"{a}{kind}" for kind in ("position", "rotation") for a in "XYZ")


@dataclasses.dataclass(frozen=True)
class Bvh:
    """One BVH file, in its own units and axes.

    Attributes:
      path: where the file came from, for messages.
      names: name of each joint; an end site is named after its parent, "Head.end".
      parents: index of each joint's parent, -1 for a root; parents come first.
      offsets: (J, 3) position in the parent's frame at zero rotation, file units.
      channels: per joint the names of its channels ("Xposition", "Zrotation", ...).
      frames: (T, C) channel values in the order of joints; rotations in degrees.
      frame_time_s: seconds between frames.
    """

    path: str
    names: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[np.ndarray, "J 3"]
    channels: tuple[tuple[str, ...], ...]
    frames: Float[np.ndarray, "T C"]
    frame_time_s: float


def read_bvh(path: str | os.PathLike) -> Bvh:
    """Read a BVH file.

    Line ends may be LF or CRLF, keywords in any case. Every fault is a ValueError that
    names file and line: a malformed or unfinished hierarchy, an unknown channel, a
    joint name used twice, a frame line with the wrong number of values, a value that
    is no finite number, fewer or more frames than "Frames:" says, a frame time that is
    not positive, a file without motion.
    """
    lines = _Lines(pathlib.Path(path))
    hierarchy = _parse_hierarchy(lines)
    frame_count, frame_time = _parse_motion_header(lines)
    width = sum(len(channels) for channels in hierarchy.channels)
    frames = _parse_frames(lines, frame_count, width)
    return Bvh(
        path=str(path),
        names=tuple(hierarchy.names),
        parents=tuple(hierarchy.parents),
        offsets=np.array(hierarchy.offsets),
        channels=tuple(hierarchy.channels),
        frames=frames,
        frame_time_s=frame_time,
    )


class _Lines:
    """The file's non-empty lines with their numbers, and errors that name them."""

    def __init__(self, path: pathlib.Path):
        self._path = path
        self.number = 0
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not a text file, so no BVH ({error})") from None
        self._lines = self._non_empty(text)

    def _non_empty(self, text: str) -> Iterator[str]:
        for number, line in enumerate(text.splitlines(), start=1):
            if line.strip():
                self.number = number
                yield line.strip()

    def __iter__(self) -> Iterator[str]:
        return self._lines

    def next(self, expected: str) -> str:
        """The next line; an error says what was expected where the file ends."""
        try:
            return next(self._lines)
        except StopIteration:
            raise self.error(f"the file ends where {expected} should follow") from None

    def error(self, message: str) -> ValueError:
        return ValueError(f"{self._path}, line {self.number}: {message}")


@dataclasses.dataclass
class _Hierarchy:
    names: list[str] = dataclasses.field(default_factory=list)
    parents: list[int] = dataclasses.field(default_factory=list)
    offsets: list[list[float]] = dataclasses.field(default_factory=list)
    channels: list[tuple[str, ...]] = dataclasses.field(default_factory=list)

    def add(self, name: str, parent: int) -> int:
        self.names.append(name)
        self.parents.append(parent)
        self.offsets.append([])
        self.channels.append(())
        return len(self.names) - 1


def _parse_hierarchy(lines: _Lines) -> _Hierarchy:
    if lines.next("HIERARCHY").upper() != "HIERARCHY":
        raise lines.error("a BVH file begins with HIERARCHY")
    line = lines.next("ROOT")
    if line.split()[0].upper() != "ROOT":
        raise lines.error(f"expected ROOT, found {line!r}")
    hierarchy = _Hierarchy()
    _parse_joint(lines, hierarchy, _joint_name(lines, line, hierarchy), parent=-1)
    return hierarchy


def _joint_name(lines: _Lines, line: str, hierarchy: _Hierarchy) -> str:
    name = line.partition(" ")[2].strip()
    if not name:
        raise lines.error(f"{line!r} names no joint")
    if name in hierarchy.names:
        raise lines.error(f"joint {name!r} stands twice in the hierarchy")
    return name


def _parse_joint(lines: _Lines, hierarchy: _Hierarchy, name: str, parent: int) -> None:
    """Read one joint's block, with the blocks of its children inside it."""
    index = hierarchy.add(name, parent)
    block = f"the block of joint {name!r}"
    if (line := lines.next(f"'{{' of {block}")) != "{":
        raise lines.error(f"expected '{{' of {block}, found {line!r}")
    while (line := lines.next(f"the end of {block}")) != "}":
        keyword = line.split()[0].upper()
        if keyword == "OFFSET":
            hierarchy.offsets[index] = _numbers(lines, line.split()[1:], 3, "OFFSET")
        elif keyword == "CHANNELS":
            hierarchy.channels[index] = _parse_channels(lines, line.split()[1:])
        elif keyword == "JOINT":
            child = _joint_name(lines, line, hierarchy)
            _parse_joint(lines, hierarchy, child, parent=index)
        elif keyword == "END":
            _parse_joint(lines, hierarchy, _end_name(name, hierarchy), parent=index)
        else:
            raise lines.error(f"{line!r} has no place in {block}")
    if not hierarchy.offsets[index]:
        raise lines.error(f"{block} has no OFFSET")


def _end_name(joint: str, hierarchy: _Hierarchy) -> str:
    taken = sum(name.startswith(f"{joint}.end") for name in hierarchy.names)
    return f"{joint}.end{taken + 1 if taken else ''}"


def _parse_channels(lines: _Lines, words: list[str]) -> tuple[str, ...]:
    if not words or not words[0].isdigit() or int(words[0]) != len(words) - 1:
        raise lines.error(
            f"CHANNELS must give a count and as many names, found {' '.join(words)!r}"
        )
    channels = tuple(word.capitalize() for word in words[1:])
    for channel in channels:
        if channel not in _CHANNELS:
            known = ", ".join(_CHANNELS)
            raise lines.error(f"unknown channel {channel!r}; the channels are {known}")
    if len(set(channels)) != len(channels):
        raise lines.error(f"a channel stands twice in {' '.join(channels)}")
    return channels


def _numbers(lines: _Lines, words: list[str], count: int, what: str) -> list[float]:
    if len(words) != count:
        raise lines.error(f"{what} needs {count} values, found {len(words)}")
    try:
        values = [float(word) for word in words]
    except ValueError as error:
        raise lines.error(f"{what}: {error}") from None
    if not np.isfinite(values).all():
        raise lines.error(f"{what} holds a value that is not finite")
    return values


def _parse_motion_header(lines: _Lines) -> tuple[int, float]:
    line = lines.next("MOTION")
    if line.upper() != "MOTION":
        raise lines.error(f"expected MOTION after the hierarchy, found {line!r}")
    key, _, value = lines.next("'Frames:'").partition(":")
    if key.strip().upper() != "FRAMES" or not value.strip().isdigit():
        raise lines.error("expected 'Frames:' and a count of frames")
    if (frame_count := int(value)) < 1:
        raise lines.error("the motion is empty: 'Frames: 0'")
    key, _, value = lines.next("'Frame Time:'").partition(":")
    if key.strip().upper() != "FRAME TIME":
        raise lines.error("expected 'Frame Time:' and the seconds between frames")
    (frame_time,) = _numbers(lines, value.split(), 1, "Frame Time")
    if frame_time <= 0:
        raise lines.error(f"the frame time must be positive, found {frame_time} s")
    return frame_count, frame_time


def _parse_frames(lines: _Lines, count: int, width: int) -> Float[np.ndarray, "T C"]:
    frames = []
    for line in lines:
        if len(frames) == count:
            raise lines.error(
                f"more frames than 'Frames: {count}' says; correct the count"
            )
        words = line.split()
        frames.append(_numbers(lines, words, width, f"frame {len(frames)}"))
    if len(frames) < count:
        raise lines.error(
            f"'Frames: {count}', but the file ends after {len(frames)} frames"
        )
    return np.array(frames)
