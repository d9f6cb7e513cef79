"""Two evaluated runs, read from their folders' files, as one page and its numbers."""

import json
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

from anymo_jax.evaluation.compare import (
    AVERAGE,
    Compared,
    average_compared,
    compare_recognition,
    compare_retrieval,
)

_NOTE = (
    "Per cent; the difference is the second run's figure less the first's, with 95 per "
    "cent intervals of a paired bootstrap. An interval without 0 is marked *."
)


class Evaluated(NamedTuple):
    """What `experiments.evaluate` wrote of a run.

    Attributes:
      name: of its folder.
      document: zero_shot.json.
      details: details.json.
    """

    name: str
    document: Mapping
    details: Mapping


def read_evaluated(folder: str, names: tuple[str, str]) -> Evaluated:
    """The files of a run, or of a folder that an evaluation was written to.

    Args:
      folder: either.
      names: of the two files.

    Raises:
      ValueError: naming the folder, where it holds no evaluation.
    """
    for place in (pathlib.Path(folder), pathlib.Path(folder) / "evaluation"):
        if all((place / name).is_file() for name in names):
            read = [json.loads((place / n).read_text(encoding="utf-8")) for n in names]
            return Evaluated(folder, *read)
    raise ValueError(
        f"{folder} holds no {' and '.join(names)}: evaluate that run first "
        "(experiments.evaluate --run=DIR --windows=FILE)"
    )


def compare_runs(
    first: Evaluated, second: Evaluated, *, resamples: int = 1000, seed: int = 0
) -> tuple[dict, str]:
    """Every number, and a page of them.

    Raises:
      ValueError: where the runs share no dataset, or were scored on other windows.
    """
    drawn = {"resamples": resamples, "seed": seed}
    datasets, left_out = _datasets(first, second, drawn)
    if len(datasets) > 1:
        datasets = {AVERAGE: average_compared(datasets), **datasets}
    motion = _motion(first, second, drawn)
    page = ["# Two runs side by side", f"First: {first.name}. Second: {second.name}."]
    page += [_NOTE]
    page += [
        f"Scored in one of the runs alone, and left out: {', '.join(left_out)}."
    ] * (len(left_out) > 0)
    page += [_table(name, one) for name, one in (datasets | motion).items()]
    numbers = {name: _json(one) for name, one in (datasets | motion).items()}
    document = {"first": first.name, "second": second.name, **drawn, "rows": numbers}
    return document, "\n\n".join(page) + "\n"


def _datasets(first, second, drawn) -> tuple[dict[str, Compared], list[str]]:
    ours, theirs = first.document["datasets"], second.document["datasets"]
    shared = [name for name in ours if name in theirs]
    if not shared:
        raise ValueError(
            f"{first.name} and {second.name} share no dataset: evaluate both on the "
            "same --windows"
        )
    found = {}
    for name in shared:
        files = [one.document["files"][name] for one in (first, second)]
        if files[0] != files[1] or ours[name]["classes"] != theirs[name]["classes"]:
            raise ValueError(
                f"{name}: the runs were scored on different files; evaluate both on "
                "the same --windows"
            )
        pair = [one.details["windows"][name] for one in (first, second)]
        found[name] = compare_recognition(*pair, len(ours[name]["classes"]), **drawn)
    return found, sorted(set(ours) ^ set(theirs))


def _motion(first, second, drawn) -> dict[str, Compared]:
    digests = [one.document.get("motion_digest") for one in (first, second)]
    if None in digests:
        return {}
    if digests[0] != digests[1]:
        raise ValueError(
            f"{first.name} and {second.name} were scored on different motion; evaluate "
            "both on the same --motion"
        )
    ranks = [one.details["ranks"] for one in (first, second)]
    return {
        f"retrieval, {name}": compare_retrieval(ranks[0][name], ranks[1][name], **drawn)
        for name in ranks[0]
        if name in ranks[1]
    }


def _table(name: str, one: Compared) -> str:
    lines = ["| | first | second | difference |", "|---|---:|---:|---:|"]
    for figure, d in one.figures.items():
        low, high = d.limits
        mark = " *" if low > 0 or high < 0 else ""
        lines.append(
            f"| {figure.replace('_', ' ')} | {100 * d.first:.1f} | "
            f"{100 * d.second:.1f} | {100 * d.value:+.1f} [{100 * low:+.1f}, "
            f"{100 * high:+.1f}]{mark} |"
        )
    return "\n\n".join(
        [f"## {name}", f"Over {one.units} {one.over}.", "\n".join(lines)]
    )


def _json(one: Compared) -> dict:
    figures = {
        name: {
            "first": d.first,
            "second": d.second,
            "difference": d.value,
            "low": d.limits[0],
            "high": d.limits[1],
        }
        for name, d in one.figures.items()
    }
    return {"over": one.over, "units": one.units, "figures": figures}
