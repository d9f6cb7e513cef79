"""One of several processes that fit the toy together: index, count, port, folder."""

import os
import pathlib
import signal
import sys

import jax

from anymo_jax.training.termination import Terminated
from tests.training import toy


def ask_one(variables, step):
    """SIGTERM for the last process only."""
    if jax.process_index() == jax.process_count() - 1:
        os.kill(os.getpid(), signal.SIGTERM)
    return {"asked": 1.0}


def main(index: int, count: int, port: int, folder: pathlib.Path) -> None:
    """Fits to the end, then again until one process is asked to leave."""
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(f"127.0.0.1:{port}", count, index)
    assert jax.device_count() == 2 * count and jax.local_device_count() == 2
    toy.fit_toy(folder / "whole", devices=None)
    store = toy.Memory()
    try:
        toy.fit_toy(
            *(folder / "asked",),
            devices=None,
            validate=ask_one,
            validate_every=4,
            checkpoints=store,
        )
    except Terminated as left:
        (folder / f"left{index}").write_text(f"{left.code} {max(store.saves)}")
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), pathlib.Path(sys.argv[4]))
