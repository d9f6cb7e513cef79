"""What a run is to make, written beside it, so that only the same run carries it on."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping

from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.datasets.part import WindowOptions
from anymo_jax.datasets.recording import DatasetFacts


def make_plan(
    facts: DatasetFacts,
    raw: pathlib.Path,
    options: WindowOptions,
    settings: Mapping[str, str] | None,
) -> dict:
    """What decides the parts; the raw files by name, size and time of change."""
    files = sorted(p for p in raw.rglob("*") if p.is_file()) if raw.is_dir() else [raw]
    listing = hashlib.sha256()
    for path in files:
        if not path.is_file():
            raise ValueError(f"{raw}: no such file or folder")
        stat = path.stat()
        listing.update(f"{path}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return {
        "dataset": facts.name,
        "protocol": dataclasses.asdict(facts.protocol),
        "classes": list(facts.vocabulary.classes),
        "sites": dict(facts.nodes),
        "options": dataclasses.asdict(options),
        "settings": dict(settings or {}),
        "files": listing.hexdigest(),
    }


def agree_on_plan(folder: pathlib.Path, plan: dict) -> None:
    """Write the plan into a folder of parts, or compare it with the one there.

    Raises:
      ValueError: naming the fields that differ.
    """
    path = folder / "plan.json"
    plan = json.loads(json.dumps(plan))
    if path.exists():
        other = json.loads(path.read_text())
        if differing := [name for name in plan if plan[name] != other.get(name)]:
            raise ValueError(
                f"{folder}: begun with other {', '.join(differing)}; remove the folder "
                "to start afresh, or give another --out"
            )
        return
    partial = path.with_suffix(".tmp")
    partial.write_text(json.dumps(plan, indent=1))
    partial.replace(path)


def kept_parts(folder: pathlib.Path) -> list[LabelledWindows]:
    """Parts that an earlier run has left, in order."""
    return [
        LabelledWindows.load(path) for path in sorted(folder.glob("part-*.safetensors"))
    ]
