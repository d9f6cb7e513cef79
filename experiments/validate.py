"""Validate a trained run, on the motion it was given or on any other.

    python -m experiments.validate --run=runs/encoder-small
    python -m experiments.validate --run=runs/encoder-small --data=runs/motion
    python -m experiments.validate --run=runs/tokenizer-small --step=best --json=FILE

Held-out windows of prepared folders go through the stage's own validation: its table is
printed, and with --json every figure is written.
"""

import json
import pathlib
import sys

import ml_collections
from absl import app, flags, logging

from anymo_jax.training.run_folder import CHECKPOINTS, read_config
from anymo_jax.training.saved import CheckpointError
from anymo_jax.training.variables import restore_variables
from experiments.stages import build_stage


def main(argv: list[str]) -> None:
    """Print the validation's table; say in a line what is wrong where it cannot be."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    given = flags.FLAGS
    try:
        figures, table = validate(
            given.run, given.step, given.data, given.encoder, given.pools
        )
    except (ValueError, CheckpointError, OSError) as error:
        sys.exit(f"validate: {error}")
    print(table)
    if given.json:
        text = json.dumps(figures, indent=1) + "\n"
        pathlib.Path(given.json).write_text(text, encoding="utf-8")


def validate(
    run: str, step: str = "best", data: str = "", encoder: str = "", pools: int = 0
) -> tuple[dict[str, float], str]:
    """Figures by name, and their table.

    Args:
      run: folder of a run of experiments.train.
      step: "best", "last" or a number.
      data: comma-separated prepared folders; "" takes the run's.
      encoder: run that a tokenizer reads; "" takes the run's.
      pools: of windows, drawn for an encoder; 0 takes the recipe's number.

    Raises:
      ValueError: where run, step or data are not there, or a tokenizer is given pools.
    """
    config = ml_collections.ConfigDict(read_config(run))
    config.run.data = data or config.run.data
    if encoder:
        config.run.encoder = encoder
    if pools:
        if "pools" not in config.validation:
            raise ValueError(f"a {config.stage} has no pools: leave --pools out")
        config.validation.pools = pools
    stage = build_stage(config)
    variables = restore_variables(f"{run}/{CHECKPOINTS}", step=_which(step))
    figures = dict(stage.validate(variables, 0))
    return figures, stage.table(figures)


def _which(step: str) -> int | str | None:
    if step == "last":
        return None
    if step != "best" and not step.isdecimal():
        raise ValueError(f"--step={step}: give best, last, or a step such as 100")
    return step if step == "best" else int(step)


def _define_flags() -> None:
    flags.DEFINE_string("run", None, "Folder of the run.", required=True)
    flags.DEFINE_string("data", "", "Prepared folders; default those of the run.")
    flags.DEFINE_string("encoder", "", "Encoder run of a tokenizer, if moved.")
    flags.DEFINE_string("step", "best", "Checkpoint: best, last, or a step.")
    flags.DEFINE_integer("pools", 0, "Pools of windows; 0 takes the recipe's.")
    flags.DEFINE_string("json", None, "File to write every figure to.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
