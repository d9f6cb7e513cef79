"""The paper's figures, as data: rows of Table 1 and Table 10, never ours.

They are per cent on whole test splits, its macro-F1 "over predicted labels" (A.5). Some
prepared files hold part of a dataset only; they stand beside the whole one's figures,
which are then a hint and no comparison.
"""

import functools
import importlib.resources
import json
from collections.abc import Mapping, Sequence

METRICS = ("accuracy", "macro_f1", "recall_at_2")


@functools.cache
def _tables() -> Mapping:
    file = importlib.resources.files("anymo_jax.evaluation") / "published.json"
    return json.loads(file.read_text(encoding="utf-8"))


def source() -> str:
    """Where the figures come from."""
    return _tables()["source"]


def published_name(dataset: str) -> str | None:
    """Column of Table 1 that a prepared dataset stands beside; None for none.

    Args:
      dataset: as `LabelledWindows.dataset` has it.
    """
    known = _tables()
    name = known["parts"].get(dataset, dataset)
    return name if name in known["classes"] else None


def is_whole(dataset: str) -> bool:
    """Whether a prepared dataset of this name holds the column's whole dataset."""
    return dataset not in _tables()["parts"]


def classes(name: str) -> int:
    """Size of a column's vocabulary; its name is as `published_name` gives it."""
    return _tables()["classes"][name]


def table1(dataset: str) -> dict[str, dict[str, float]]:
    """Method -> metric -> per cent on one dataset; {} where Table 1 has it not."""
    name = published_name(dataset)
    if name is None:
        return {}
    return {
        method: {metric: values[metric][name] for metric in METRICS}
        for method, values in _tables()["zero_shot"].items()
    }


def average(datasets: Sequence[str]) -> dict[str, dict[str, float]]:
    """`table1` averaged over those of some datasets that Table 1 has; {} for none."""
    rows = [found for found in map(table1, datasets) if found]
    if not rows:
        return {}
    return {
        method: {m: sum(row[method][m] for row in rows) / len(rows) for m in METRICS}
        for method in rows[0]
    }


def table10() -> dict[str, dict[str, float]]:
    """Prompt -> metric -> per cent, averaged over the paper's fourteen datasets."""
    return {name: dict(row) for name, row in _tables()["prompts"].items()}
