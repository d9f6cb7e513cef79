"""Named streams: apart from each other, the same everywhere."""

import jax
import numpy as np

from anymo_jax.training.random import StepStreams, stream


def data(key):
    return tuple(jax.random.key_data(key).tolist())


def test_names_steps_and_roots_give_keys_of_their_own():
    keys = {
        data(StepStreams(jax.random.key(seed), step)(name))
        for seed in (0, 1)
        for step in (0, 1, 2)
        for name in ("views", "noise", "swen")
    }
    assert len(keys) == 18


def test_keys_are_the_same_in_every_process():
    """Golden: a change of these would break every resume. CRC-32 of b"views"."""
    root = jax.random.key(5)
    named = jax.random.fold_in(root, np.uint32(0x11F09C87))
    assert data(stream(root, "views")) == data(named)
    assert data(StepStreams(root, 3)("views")) == data(jax.random.fold_in(named, 3))


def test_traced_step_gives_the_same_key():
    root = jax.random.key(0)
    traced = jax.jit(lambda step: StepStreams(root, step)("views"))(np.int32(7))
    assert data(traced) == data(StepStreams(root, 7)("views"))
