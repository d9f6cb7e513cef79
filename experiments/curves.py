"""The curves of a run as a picture, from what it recorded.

python -m experiments.curves --run=runs/encoder-tiny
"""

import collections
import json
import math
import pathlib

from absl import app, flags
from matplotlib.figure import Figure

COLUMNS = 4


def main(argv: list[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    print(draw(pathlib.Path(flags.FLAGS.run)))


def draw(folder: pathlib.Path) -> pathlib.Path:
    """Draw loss, learning terms, norms and validation by step; the picture's path.

    Raises:
      ValueError: where the folder has no curve, or one of fewer than two points.
    """
    path = folder / "metrics.jsonl"
    if not path.is_file():
        raise ValueError(f"{path} is missing: no step was logged there")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    told = collections.Counter(name for row in rows for name in row if name != "step")
    # A single point is no curve; it stands in validation.json.
    panels = _panels({name for name, points in told.items() if points > 1})
    if not panels:
        raise ValueError(f"{path}: fewer than two rows make no curve; train longer")
    height = math.ceil(len(panels) / COLUMNS)
    figure = Figure(figsize=(4.2 * COLUMNS, 3.2 * height), layout="constrained")
    axes = list(figure.subplots(height, COLUMNS, squeeze=False).flat)
    for axis, (title, names) in zip(axes, panels.items(), strict=False):
        _draw_panel(axis, title, names, rows)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    picture = folder / "curves.png"
    figure.savefig(picture, dpi=110)
    return picture


def _draw_panel(axis, title: str, names: list[str], rows: list[dict]) -> None:
    for name in names:
        points = [(r["step"], r[name]) for r in rows if r.get(name) is not None]
        marker = "o" if len(points) < 12 else None
        label = name.removeprefix("validation/")
        axis.plot(*zip(*points, strict=True), marker=marker, ms=3, label=label)
    axis.set(title=title, xlabel="step")
    if title in ("norms", "loss"):
        axis.set_yscale("log")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7, frameon=False)


def _panels(names: set[str]) -> dict[str, list[str]]:
    """Names of figures by panel, those of one kind together, the loss first."""
    panels: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda n: (n != "loss", n)):
        short = name.removeprefix("validation/")
        if name.endswith("_norm"):
            title = "norms"
        elif name == "learning_rate":
            title = "learning rate"
        elif name == short:
            title = "loss" if name == "loss" else "other terms"
        else:
            title = f"validation: {_family(short)}"
        panels.setdefault(title, []).append(name)
    return panels


def _family(name: str) -> str:
    """top1/visible_1 goes with top1, codebook0/usage with codebook1/usage."""
    first, *rest = name.split("/")
    if first in ("captured", "procedural"):
        return f"{first}, {rest[0]}"
    return rest[0] if first.startswith("codebook") else first


def _define_flags() -> None:
    flags.DEFINE_string("run", None, "Folder of a run.", required=True)


if __name__ == "__main__":
    _define_flags()
    app.run(main)
