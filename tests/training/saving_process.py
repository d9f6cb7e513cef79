"""One of some processes that save and restore together: index, count, port, folder."""

import logging
import pathlib
import sys

import jax
import numpy as np
from absl import logging as absl_logging
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from anymo_jax.training.checkpoint import Checkpoints
from tests.training.test_checkpoint import (
    Position,
    abstract,
    flip,
    largest,
    make_state,
    truncate,
)


def spread(state):
    """The state over all devices of all processes."""
    mesh = jax.make_mesh((4,), ("fsdp",), axis_types=(AxisType.Auto,))
    whole, parts = NamedSharding(mesh, P()), NamedSharding(mesh, P("fsdp"))
    place = jax.tree.map(lambda x: parts if x.ndim == 2 else whole, state)
    return jax.tree.map(
        lambda x, s: jax.make_array_from_callback(x.shape, s, lambda i: np.array(x)[i]),
        state,
        place,
    ), place


def main(index: int, count: int, port: int, folder: pathlib.Path) -> None:
    """Saves, damages the newest step, restores, and writes down what came."""
    # To a file of its own: on stderr lines of the collectives fall between its words.
    said = logging.FileHandler(folder / f"said{index}")
    absl_logging.get_absl_logger().addHandler(said)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", count, index)
    with Checkpoints(folder / "same", best="score") as checkpoints:
        for step in (1, 2, 3):
            state, place = spread(make_state(step))
            checkpoints.save(step, state, Position({"at": step}), {"score": step})
    with Checkpoints(folder / "own") as checkpoints:
        checkpoints.save(1, state, Position({"at": "x" * index}))
        checkpoints.wait()
        own = Position()
        checkpoints.restore(abstract(state, place), own)
    if index == 0:
        flip(largest(folder / "same" / "2" / "params"))
        # A part of the parameters, which one of the processes reads.
        truncate(largest(folder / "same" / "3" / "params"))
    with Checkpoints(folder / "same") as checkpoints:
        position = Position()
        step, back = checkpoints.restore(abstract(state, place), position)
        checkpoints.save(2, spread(make_state(2))[0], Position({"at": 2}))
    kernel = back.params["conv"]["kernel"]
    assert kernel.sharding == place.params["conv"]["kernel"]
    told = f"{step} {position.state} {own.state}"
    (folder / f"told{index}").write_text(told)
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), pathlib.Path(sys.argv[4]))
