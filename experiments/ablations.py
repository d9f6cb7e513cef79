r"""Table 4's rows of the encoder: each leaves out one part of the recipe, seed by seed.

    python -m experiments.ablations --data=runs/motion --out=runs/ablations
    python -m experiments.ablations --variant=small --seeds=1 --data=runs/small \
        --out=runs/ablations-small

Every row is trained on the same budget as the full recipe and validated on the same
surface-mounted views of the same held-out windows. Runs that are done are read, not
trained again, and one that was stopped goes on. The table goes to OUT/table.md too.
"""

import json
import pathlib
import statistics
from collections.abc import Mapping

import jax
from absl import app, flags, logging

from configs import encoder
from experiments.train import train

# Names as in Table 4, and the values of configs/encoder.py that make each row.
ROWS: Mapping[str, Mapping[str, object]] = {
    "full": {},
    "w/o geometry-aware simulation": {"views.joint_mounted": True},
    "w/o masked cross-view prediction": {"objective": "full_view"},
}


def main(argv: list[str]) -> None:
    """Train what is missing and print the table."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    given, found = flags.FLAGS, {}
    out = pathlib.Path(given.out)
    for name, changes in ROWS.items():
        found[name] = [
            run(given.variant, changes, seed, given.data, folder_of(out, name, seed))
            for seed in range(given.seeds)
        ]
    text = table(found)
    (out / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def folder_of(out: pathlib.Path, name: str, seed: int) -> pathlib.Path:
    """Where a row's run of a seed lies."""
    return out / name.replace("w/o ", "without-").replace(" ", "-") / f"seed-{seed}"


def run(
    variant: str,
    changes: Mapping[str, object],
    seed: int,
    data: str,
    folder: pathlib.Path,
) -> dict[str, float]:
    """Figures of a trained row."""
    done = folder / "validation.json"
    if done.exists():
        return json.loads(done.read_text(encoding="utf-8"))
    config = encoder.get_config(variant)
    config.seed = seed
    config.update_from_flattened_dict(changes)
    config.run.data, config.run.folder = data, str(folder)
    print(f"\n{folder}", flush=True)
    try:
        return train(config)
    finally:
        # The next row compiles programs of its own.
        jax.clear_caches()


def table(found: Mapping[str, list[dict[str, float]]]) -> str:
    """Mean top-1 of each row, in Markdown; over all motion, then by its kind."""
    every = [figures for runs in found.values() for figures in runs]
    kinds = {"": "all", "captured/": "captured", "procedural/": "procedural"}
    names = {f"{kind}top1": title for kind, title in kinds.items()}
    kept = {k: title for k, title in names.items() if all(k in f for f in every)}
    lines = [
        "| | seeds | " + " | ".join(f"top-1, {t}" for t in kept.values()) + " |",
        "|---|" + "---|" * (len(kept) + 1),
    ]
    for name, runs in found.items():
        cells = " | ".join(_cell([figures[k] for figures in runs]) for k in kept)
        lines.append(f"| {name} | {len(runs)} | {cells} |")
    return "\n".join(lines)


def _cell(values: list[float]) -> str:
    """Mean and, of several seeds, the standard deviation between them."""
    mean = f"{statistics.mean(values):.1%}"
    return mean if len(values) < 2 else f"{mean} +- {statistics.stdev(values):.1%}"


def _define_flags() -> None:
    flags.DEFINE_enum("variant", "tiny", ("tiny", "small", "paper"), "Of the recipe.")
    flags.DEFINE_integer("seeds", 3, "Runs of each row.", lower_bound=1)
    flags.DEFINE_string("data", None, "Prepared folders.", required=True)
    flags.DEFINE_string("out", None, "Folder of the runs.", required=True)


if __name__ == "__main__":
    _define_flags()
    app.run(main)
