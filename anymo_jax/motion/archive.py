"""Preparation of whole sources into a prepared folder: resumable, in parallel.

Units are independent. A unit that is done has left its shards and then, last, its
record `unit-<n>.json`; a stopped run is carried on by doing the units without one. The
manifest is written when all are done, so a folder without one is unfinished. What the
folder is to hold stands in `plan.json`; a run with another plan is refused.
"""

import collections
import concurrent.futures
import dataclasses
import json
import multiprocessing
import pathlib
from collections.abc import Callable, Iterable, Mapping

from anymo_jax.motion import prepared
from anymo_jax.motion.prepare import (
    PrepareOptions,
    Rejection,
    prepare_recording,
    shared_placements,
)
from anymo_jax.motion.sources import Failure, Unit, read_unit

PLAN = "plan.json"
SHARD_BYTES = 18_000_000


@dataclasses.dataclass(frozen=True)
class Splits:
    """Which clips are held out for validation.

    Attributes:
      trials: trial names that are held out (`facts["trial_id"]` or the file's stem).
      procedural_subjects: of every this many procedural subjects, the last is held out;
        0 holds out none.
    """

    trials: frozenset[str] = frozenset()
    procedural_subjects: int = 10

    def of(self, recording) -> str:
        """The split of a recording, "train" or "validation"."""
        kind, _, rest = recording.source.partition(":")
        if kind == "procedural":
            subject = int(recording.subject.rpartition("-")[2])
            every = self.procedural_subjects
            held_out = bool(every) and subject % every == every - 1
        else:
            name = recording.facts.get("trial_id", pathlib.Path(rest or kind).stem)
            held_out = name in self.trials
        return "validation" if held_out else "train"


def read_splits(path: str) -> frozenset[str]:
    """Held-out trial names from a JSON with a list `validation`; "" gives none."""
    if not path:
        return frozenset()
    try:
        names = json.loads(pathlib.Path(path).read_text())["validation"]
        if not all(isinstance(name, str) for name in names):
            raise TypeError("names must be strings")
    except FileNotFoundError:
        raise ValueError(f"{path}: no such file") from None
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(
            f'{path}: not a splits file, {{"validation": [trial names]}} ({error!r})'
        ) from None
    return frozenset(names)


def prepare(
    folder: str | pathlib.Path,
    units: list[Unit],
    options: PrepareOptions,
    splits: Splits,
    *,
    workers: int = 1,
    progress: Callable[[int, int, Mapping], None] = lambda done, total, record: None,
) -> dict:
    """Prepare units into a folder, carrying on where an earlier run stopped.

    Args:
      folder: made if it is not there.
      units: from `sources.list_units`.
      options: how recordings become clips.
      splits: what is held out.
      workers: processes.
      progress: called with units done, units in all, and the record of the latest.

    Returns:
      The manifest.

    Raises:
      ValueError: where the folder was begun with another plan (it names the fields), or
        nothing at all could be kept.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _agree_on_plan(folder, units, options, splits)
    done = {n: record for n in range(len(units)) if (record := _record(folder, n))}
    for record in done.values():
        progress(len(done), len(units), record)
    todo = [n for n in range(len(units)) if n not in done]
    tasks = [(folder, n, units[n], options, splits) for n in todo]
    for number, record in _run(tasks, workers):
        done[number] = record
        progress(len(done), len(units), record)
    return _finish(folder, [done[n] for n in range(len(units))], options)


def _run(tasks, workers: int) -> Iterable[tuple[int, dict]]:
    if workers <= 1 or len(tasks) <= 1:
        yield from map(_do_unit, tasks)
        return
    # Spawned, because forking a process that has started JAX can hang.
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [pool.submit(_do_unit, task) for task in tasks]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()


def _do_unit(task) -> tuple[int, dict]:
    """Prepare one unit: shards first, its record last."""
    folder, number, unit, options, splits = task
    clips: list[prepared.Clip] = []
    shards: list[dict] = []
    rejections: list[Rejection] = []
    recordings = flagged = size = 0

    def flush():
        nonlocal size
        if clips:
            name = f"shard-{number:05d}-{len(shards)}.safetensors"
            shards.append(prepared.write_shard(folder / name, clips))
            clips.clear()
            size = 0

    for recording in read_unit(unit):
        recordings += 1
        if isinstance(recording, Failure):
            rejections.append(
                Rejection(recording.source, "unreadable", recording.error, 0.0)
            )
            continue
        made, lost = prepare_recording(recording, splits.of(recording), options)
        flagged += any("tempo_fault" in clip.facts for clip in made)
        rejections += lost
        for clip in made:
            clips.append(clip)
            size += _bytes(clip)
            if size >= SHARD_BYTES:
                flush()
    flush()
    record = {
        "unit": number,
        "kind": unit.kind,
        "recordings": recordings,
        "tempo_flags": flagged,
        "shards": shards,
        "rejections": [dataclasses.asdict(r) for r in rejections],
    }
    _write_json(folder / f"unit-{number:05d}.json", record)
    return number, record


def _bytes(clip: prepared.Clip) -> int:
    return (
        4 * (clip.position.size + clip.quaternion.size) + 2 * clip.placement_offset.size
    )


def _record(folder: pathlib.Path, number: int) -> dict | None:
    """The record of a unit whose shards are all there and intact."""
    path = folder / f"unit-{number:05d}.json"
    if not path.is_file():
        return None
    record = json.loads(path.read_text())
    intact = all(
        (folder / s["file"]).is_file()
        and prepared.digest(folder / s["file"]) == s["sha256"]
        for s in record["shards"]
    )
    return record if intact else None


def plan_of(units: list[Unit], options: PrepareOptions, splits: Splits) -> dict:
    """What a folder is to hold, as `plan.json` says it: with digests of the sources.

    Arguments as of `prepare`.
    """
    plan = {
        "format": prepared.FORMAT,
        "options": dataclasses.asdict(options),
        "splits": {
            "trials": sorted(splits.trials),
            "procedural_subjects": splits.procedural_subjects,
        },
        "files": _file_digests(units),
        "units": [dataclasses.asdict(unit) for unit in units],
    }
    return json.loads(json.dumps(plan))


def other_than_begun(folder: str | pathlib.Path, plan: Mapping) -> list[str]:
    """Fields of a plan that are not those a folder was begun with.

    Args:
      folder: of a preparation; one without a plan was not begun and differs in nothing.
      plan: of `plan_of`.
    """
    path = pathlib.Path(folder) / PLAN
    if not path.exists():
        return []
    other = json.loads(path.read_text())
    return [name for name in plan if plan[name] != other.get(name)]


def _agree_on_plan(folder, units, options, splits) -> None:
    """Write the plan, or compare it with the one that is there."""
    plan = plan_of(units, options, splits)
    differing = other_than_begun(folder, plan)
    if differing:
        raise ValueError(
            f"{folder / PLAN}: the folder was begun with other {', '.join(differing)}; "
            "give another folder, or remove this one to start afresh"
        )
    if not (folder / PLAN).exists():
        _write_json(folder / PLAN, plan)


def _file_digests(units: list[Unit]) -> dict[str, str]:
    files = {item for u in units if u.kind != "procedural" for item in u.items}
    return {name: prepared.digest(pathlib.Path(name)) for name in sorted(files)}


def _finish(folder, records: list[dict], options: PrepareOptions) -> dict:
    shards = [shard for record in records for shard in record["shards"]]
    rejections = [r for record in records for r in record["rejections"]]
    if not shards:
        reasons = "; ".join(r["detail"] for r in rejections[:3])
        raise ValueError(f"{folder}: no clip could be kept. {reasons}")
    prepared.write_tensors(folder / prepared.PLACEMENTS, shared_placements(options))
    by_kind = collections.defaultdict(lambda: collections.Counter())
    for record in records:
        by_kind[record["kind"]]["recordings"] += record["recordings"]
        by_kind[record["kind"]]["tempo_flags"] += record["tempo_flags"]
        for shard in record["shards"]:
            for name in ("clips", "windows", "frames"):
                by_kind[record["kind"]][name] += shard[name]
    manifest = {
        "format": prepared.FORMAT,
        "rate_hz": prepared.RATE_HZ,
        "options": dataclasses.asdict(options),
        "counts": {kind: dict(counts) for kind, counts in by_kind.items()},
        "rejections": rejections,
        "shards": shards,
    }
    _write_json(folder / prepared.MANIFEST, manifest)
    return manifest


def _write_json(path: pathlib.Path, content: Mapping) -> None:
    """Write atomically: a reader sees all of it or nothing."""
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(content, indent=1))
    partial.replace(path)
