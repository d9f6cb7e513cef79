"""A run of the toy to be killed and resumed; checkpoints are heavy enough to hit."""

import dataclasses
import pathlib
import sys

import jax
import jax.numpy as jnp

from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.run_folder import open_run
from tests.training import toy

STEPS = 40
BALLAST = 1_000_000
CONFIG = {"rate": 0.01, "run": {"device": "cpu"}}


def init(key, given):
    variables = toy.init(key, given)
    heavy = variables.collections | {"ballast": jax.random.normal(key, (BALLAST,))}
    return variables._replace(collections=heavy)


def loss(variables, given, batch, streams):
    terms, collections = toy.loss(variables, given, batch, streams)
    # The ballast changes with the model, so that a wrong one shows in its digest.
    ballast = variables.collections["ballast"] * jnp.float32(0.999) + terms["loss"][0]
    return terms, collections | {"ballast": ballast}


def run(folder: pathlib.Path, config=CONFIG, **options):
    """Begins or goes on; returns the last state."""
    open_run(folder, config)
    heavy = dataclasses.replace(toy.task(), init=init, loss=loss)
    options = {"steps": STEPS, "checkpoint_every": 9, "changed": heavy} | options
    with Checkpoints(folder / "checkpoints") as checkpoints:
        return toy.fit_toy(folder, checkpoints=checkpoints, **options)


if __name__ == "__main__":
    run(
        pathlib.Path(sys.argv[1]),
        checkpoint_every=int(sys.argv[2]),
        say=lambda line: print(line, flush=True),
    )
