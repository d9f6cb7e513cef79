"""Where recordings come from: units of work that can be listed, done and redone.

A unit is a small part of a source (some trials of a pack, some files of a folder, some
clips of the library). It is described by plain facts, so that an interrupted
preparation can be told from another one and carried on unit by unit.
"""

import dataclasses
import functools
import glob
import pathlib
from collections.abc import Callable, Iterator, Sequence

from anymo_jax.motion.bvh import load_bvh
from anymo_jax.motion.mvnx import load_mvnx
from anymo_jax.motion.pack import load_pack
from anymo_jax.motion.procedural import activity_names, sample_clip
from anymo_jax.motion.recording import Recording

TRIALS_PER_UNIT = 100
FILES_PER_UNIT = 20
CLIPS_PER_UNIT = 100


@dataclasses.dataclass(frozen=True)
class Unit:
    """A part of a source.

    Attributes:
      kind: "pack", "bvh", "mvnx" or "procedural".
      items: what is read: files for bvh and mvnx, one file for a pack, "name:seed" for
        procedural clips.
      first: first trial of a pack.
      count: number of trials of a pack.
    """

    kind: str
    items: tuple[str, ...]
    first: int = 0
    count: int = 0


@dataclasses.dataclass(frozen=True)
class Failure:
    """A recording that could not be read, and why."""

    source: str
    error: str


@functools.lru_cache(maxsize=2)
def _open_pack(path: str) -> Sequence[Recording]:
    return load_pack(path)


def list_units(
    *,
    packs: str = "",
    bvh: str = "",
    mvnx: str = "",
    procedural: int = 0,
    activities: str = "",
    seed: int = 0,
) -> list[Unit]:
    """The units of all sources, in a fixed order.

    Args:
      packs: comma-separated npz packs or glob patterns.
      bvh: comma-separated folders (searched through) or BVH files.
      mvnx: comma-separated folders or MVNX files.
      procedural: clips of each activity of the procedural library.
      activities: comma-separated activities; "" takes all.
      seed: first seed of the procedural clips.

    Raises:
      ValueError: for a pattern that matches nothing, an empty folder, or no source.
    """
    units = []
    for path in _files(packs, ".npz"):
        trials = len(_open_pack(path))
        for first in range(0, trials, TRIALS_PER_UNIT):
            count = min(TRIALS_PER_UNIT, trials - first)
            units.append(Unit("pack", (path,), first, count))
    for kind, names in (("bvh", bvh), ("mvnx", mvnx)):
        units += [
            Unit(kind, part)
            for part in _parts(_files(names, f".{kind}"), FILES_PER_UNIT)
        ]
    units += [
        Unit("procedural", part)
        for part in _parts(_performances(procedural, activities, seed), CLIPS_PER_UNIT)
    ]
    if not units:
        raise ValueError(
            "nothing to prepare: name packs, bvh, mvnx or procedural clips"
        )
    return units


def read_unit(unit: Unit) -> Iterator[Recording | Failure]:
    """The recordings of a unit; a file that cannot be read gives a Failure."""
    if unit.kind == "pack":
        pack = _open_pack(unit.items[0])
        for index in range(unit.first, unit.first + unit.count):
            yield from _attempt(f"{unit.items[0]}#{index}", lambda i=index: pack[i])
        return
    for item in unit.items:
        yield from _attempt(item, lambda i=item: _READERS[unit.kind](i))


def _perform(item: str) -> Recording:
    name, seed = item.split(":")
    return sample_clip(name, seed=int(seed))


_READERS: dict[str, Callable[[str], Recording]] = {
    "bvh": load_bvh,
    "mvnx": load_mvnx,
    "procedural": _perform,
}


def _attempt(source: str, read: Callable[[], Recording]):
    try:
        yield read()
    except ValueError as error:
        yield Failure(source, str(error))


def _performances(count: int, activities: str, seed: int) -> list[str]:
    known = activity_names()
    wanted = [a.strip() for a in activities.split(",") if a.strip()] or known
    for name in wanted:
        if name not in known:
            raise ValueError(f"no activity {name!r}; there are {', '.join(known)}")
    # Another person for each performance. The stride is no multiple of the number of
    # activities, so that whoever is held out, every activity keeps other performers.
    stride = len(known) + 1
    return [
        f"{name}:{seed + k * stride + known.index(name)}"
        for k in range(count)
        for name in wanted
    ]


def _files(names: str, suffix: str) -> list[str]:
    """Files that comma-separated names, patterns and folders stand for, sorted."""
    found: list[str] = []
    for name in filter(None, (n.strip() for n in names.split(","))):
        path = pathlib.Path(name)
        if path.is_dir():
            matches = [str(p) for p in sorted(path.rglob(f"*{suffix}"))]
        else:
            matches = sorted(glob.glob(name))
        if not matches:
            what = (
                f"no {suffix} file in the folder" if path.is_dir() else "no such file"
            )
            raise ValueError(f"{name}: {what}")
        found += matches
    return found


def _parts(items: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(items[i : i + size]) for i in range(0, len(items), size)]
