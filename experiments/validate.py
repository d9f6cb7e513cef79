r"""Validate a trained run, on the motion it was given or on any other.

    python -m experiments.validate --run=runs/encoder-small
    python -m experiments.validate --run=runs/encoder-small --data=runs/motion
    python -m experiments.validate --run=runs/tokenizer-small --step=best --json=FILE
    python -m experiments.validate --run=MOVED/motion_lm --encoder=MOVED/encoder \
        --tokenizer=MOVED/tokenizer

Held-out windows of prepared folders go through the stage's own validation: its table is
printed, and with --json every figure is written. What the run read is taken from where
it was, unless it is named.
"""

import json
import pathlib
import sys

import ml_collections
from absl import app, flags, logging

from anymo_jax.language.settings import TEXT_TOKENIZER
from anymo_jax.training.run_folder import CHECKPOINTS, read_config
from anymo_jax.training.saved import CheckpointError
from anymo_jax.training.variables import restore_variables
from experiments.places import define_places, given_places, set_places
from experiments.stages import build_stage


def main(argv: list[str]) -> None:
    """Print the validation's table; say in a line what is wrong where it cannot be."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    given = flags.FLAGS
    try:
        figures, table = validate(
            given.run, given.step, pools=given.pools, **given_places()
        )
    except (ValueError, CheckpointError, OSError) as error:
        sys.exit(f"validate: {error}")
    print(table)
    if given.json:
        text = json.dumps(figures, indent=1) + "\n"
        pathlib.Path(given.json).write_text(text, encoding="utf-8")


def validate(
    run: str, step: str = "best", *, pools: int = 0, **places: str
) -> tuple[dict[str, float], str]:
    """Figures by name, and their table.

    Args:
      run: folder of a run of experiments.train.
      step: "best", "last" or a number.
      pools: of windows, where the stage draws them; 0 takes the recipe's number.
      **places: what the run reads, by the names of `PLACES`; "" takes the run's own.

    Raises:
      ValueError: where run, step or a place is not there, or the stage has no pools
        or no such place.
      CheckpointError: where the run has no sound checkpoint.
    """
    config = trained_recipe(run)
    set_places(config, places)
    if pools:
        if "pools" not in config.validation:
            raise ValueError(f"a {config.stage} has no pools: leave --pools out")
        config.validation.pools = pools
    stage = build_stage(config)
    variables = restore_variables(f"{run}/{CHECKPOINTS}", step=_which(step))
    figures = dict(stage.validate(variables, 0))
    return figures, stage.table(figures)


def trained_recipe(run: str) -> ml_collections.ConfigDict:
    """The recipe of a run, with the text tokenizer that it made, where it made one."""
    config = ml_collections.ConfigDict(read_config(run))
    if "backbone" in config:
        config.backbone.text_tokenizer = f"{run}/{TEXT_TOKENIZER}"
    return config


def _which(step: str) -> int | str | None:
    if step == "last":
        return None
    if step != "best" and not step.isdecimal():
        raise ValueError(f"--step={step}: give best, last, or a step such as 100")
    return step if step == "best" else int(step)


def _define_flags() -> None:
    flags.DEFINE_string("run", None, "Folder of the run.", required=True)
    define_places()
    flags.DEFINE_string("step", "best", "Checkpoint: best, last, or a step.")
    flags.DEFINE_integer("pools", 0, "Pools of windows; 0 takes the recipe's.")
    flags.DEFINE_string("json", None, "File to write every figure to.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
