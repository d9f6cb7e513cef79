r"""Train one stage from its recipe; a stopped run goes on where it stopped.

    python -m experiments.prepare --out=runs/motion
    python -m experiments.train --config=configs/encoder.py:tiny
    python -m experiments.train --config=configs/tokenizer.py:tiny
    python -m experiments.train --config=configs/encoder.py:small --data=runs/small \
        --out=runs/encoder-small --config.optimiser.learning_rate=1e-3

The folder of a run holds config.json, checkpoints/, metrics.jsonl (the curve),
timing.jsonl, TensorBoard's files, and at the end validation.json and curves.png. Every
value of a recipe can be given as --config.name=value; see the file for what there is.
Several hosts: start the same command on each with --distributed.
"""

import json
import os
import pathlib
import sys

import jax
from absl import app, flags, logging
from ml_collections import config_flags

from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.data import Delivery, batches
from anymo_jax.training.loop import fit
from anymo_jax.training.nonfinite import NonFiniteError
from anymo_jax.training.optimiser import OptimiserOptions, learning_rate, make_optimiser
from anymo_jax.training.options import FitOptions
from anymo_jax.training.run_folder import CHECKPOINTS, open_run
from anymo_jax.training.saved import CheckpointError
from anymo_jax.training.settings import build
from anymo_jax.training.sharding import MeshShape
from anymo_jax.training.termination import Terminated
from experiments import curves
from experiments.places import define_places, given_places, set_places
from experiments.stages import Stage, build_stage


def main(argv: list[str]) -> None:
    """Train the stage of --config; say in a line what is wrong where it cannot be."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    # Orbax tells of every file; --verbosity=0 lets it.
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)
    given = flags.FLAGS
    if given.distributed:
        jax.distributed.initialize(given.coordinator, given.hosts, given.host)
    config = given.config
    if given.out:
        config.run.folder = given.out
    try:
        set_places(config, given_places())
        train(config)
    except Terminated as notice:
        print(notice, file=sys.stderr)
        sys.exit(143)
    except (ValueError, CheckpointError, NonFiniteError, OSError) as error:
        sys.exit(f"train: {error}")


def train(config) -> dict[str, float]:
    """Train a stage to the end of its recipe; the last validation's figures."""
    stage = build_stage(config)
    steps = config.steps or config.epochs * (len(stage.train) // config.batch_size)
    options = fit_options(config, steps)
    optimiser = build(OptimiserOptions, config.optimiser, "config.optimiser")
    transform, rate = make_optimiser(optimiser, steps), learning_rate(optimiser, steps)
    folder = open_run(config.run.folder, recorded_config(config, stage))
    if stage.keep is not None and jax.process_index() == 0:
        stage.keep(folder)
    latest: dict[str, float] = {}

    def validate(variables, step):
        latest.clear()
        latest.update(stage.validate(variables, step))
        return latest

    with Checkpoints(
        folder / CHECKPOINTS,
        keep=config.run.keep,
        best=stage.best,
        best_mode=stage.best_mode,
    ) as checkpoints:
        state = fit(
            stage.task,
            batches(
                stage.train,
                config.batch_size,
                seed=config.seed,
                order=stage.order and stage.order(config.batch_size, config.seed),
                delivery=Delivery(threads=config.run.threads),
            ),
            optimiser=transform,
            options=options,
            schedules={"learning_rate": rate},
            folder=folder,
            validate=validate,
            checkpoints=checkpoints,
        )
    if not latest:
        latest = dict(stage.validate(state.variables, steps))
    if jax.process_index() == 0:
        report(folder, stage, latest)
    return latest


def recorded_config(config, stage: Stage) -> dict:
    """What a run's config.json says: the recipe, and what else results depend on."""
    return config.to_dict() | {"upstream": dict(stage.upstream)}


def fit_options(config, steps: int) -> FitOptions:
    """How long and how often, from a recipe's top and its `run`."""
    run = config.run
    return FitOptions(
        steps=steps,
        seed=config.seed,
        log_every=run.log_every,
        checkpoint_every=run.checkpoint_every,
        validate_every=run.validate_every,
        ema_decay=config.ema_decay or None,
        mesh=build(MeshShape, run.mesh, "config.run.mesh"),
        profile=_traced(run.profile),
        peak_flops=run.peak_flops or None,
    )


def _traced(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    try:
        first, last = (int(part) for part in text.split(":"))
    except ValueError:
        raise ValueError(
            f"config.run.profile = {text!r}: give the first and last step as in 20:29"
        ) from None
    return first, last


def report(folder: pathlib.Path, stage: Stage, figures: dict[str, float]) -> None:
    """Print the table, and leave the figures and the curves in the run's folder."""
    partial = folder / "validation.json.tmp"
    partial.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, folder / "validation.json")
    try:
        picture = curves.draw(folder)
    except ValueError as reason:
        picture = f"no picture: {reason}"
    print(f"\n{stage.table(figures)}\n\n{picture}")


def _define_flags() -> None:
    config_flags.DEFINE_config_file("config", "configs/encoder.py:tiny")
    flags.DEFINE_string("out", "", "Run folder; default config.run.folder.")
    define_places()
    flags.DEFINE_bool("distributed", False, "One of several hosts.")
    flags.DEFINE_string(
        "coordinator", None, "host:port of the first host, where no cluster tells it."
    )
    flags.DEFINE_integer("hosts", None, "Number of processes, likewise.")
    flags.DEFINE_integer("host", None, "Index of this process, likewise.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
