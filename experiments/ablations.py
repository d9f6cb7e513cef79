r"""Table 4's rows of the encoder: each leaves out one part of the recipe, seed by seed.

    python -m experiments.ablations --data=runs/motion --out=runs/ablations
    python -m experiments.ablations --variant=small --seeds=1 --data=runs/small \
        --out=runs/ablations-small

Every row is trained on the same budget as the full recipe and validated on the same
surface-mounted views of the same held-out windows. Runs that are done are read, not
trained again, and one that was stopped goes on; one of another recipe or other motion
is refused. The table goes to OUT/table.md too.
"""

import json
import pathlib
import statistics
import sys
from collections.abc import Mapping

import jax
from absl import app, flags, logging

from anymo_jax.training.run_folder import check_run
from anymo_jax.training.saved import CheckpointError
from configs import encoder
from experiments.stages import build_stage
from experiments.train import recorded_config, train

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
    given = flags.FLAGS
    out = pathlib.Path(given.out)
    try:
        found = run_rows(given.variant, given.seeds, given.data, out)
    except (ValueError, CheckpointError, OSError) as error:
        sys.exit(f"ablations: {error}")
    text = table(found)
    (out / "table.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def run_rows(
    variant: str, seeds: int, data: str, out: pathlib.Path
) -> dict[str, list[dict[str, float]]]:
    """Figures of every row, seed by seed; what is missing is trained."""
    return {
        name: [
            run(variant, changes, seed, data, folder_of(out, name, seed))
            for seed in range(seeds)
        ]
        for name, changes in ROWS.items()
    }


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
    """Figures of a trained row.

    Args:
      variant: of the recipe.
      changes: values of the recipe by their dotted names.
      seed: of the run.
      data: comma-separated prepared folders.
      folder: of the run.

    Raises:
      RunFolderError: naming the folder and the fields that differ, where it holds a
        run of another recipe or of other motion.
    """
    config = encoder.get_config(variant)
    config.seed = seed
    config.update_from_flattened_dict(changes)
    config.run.data, config.run.folder = data, str(folder)
    done = folder / "validation.json"
    if done.exists():
        check_run(folder, recorded_config(config, build_stage(config)))
        return json.loads(done.read_text(encoding="utf-8"))
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
