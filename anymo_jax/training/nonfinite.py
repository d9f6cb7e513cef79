"""What is told of a step that met values that are not finite."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from anymo_jax.training.random import StepStreams
from anymo_jax.training.state import TrainState
from anymo_jax.training.step import objective
from anymo_jax.training.task import Task

# In the order of cause and effect.
ORIGINS = (
    *("batch", "given", "params", "collections"),
    *("gradient", "update", "new collections"),
)
_MOST_LEAVES = 8


class NonFiniteError(FloatingPointError):
    """A step whose loss, gradient, update or collections are not finite.

    Attributes:
      step: number of the step, from 1.
      terms: by name, (sum, count) of the terms of its batch.
      leaves: by path, (values that are not finite, all values), causes first.
    """

    def __init__(
        self,
        step: int,
        terms: Mapping[str, tuple[float, float]],
        leaves: Mapping[str, tuple[int, int]],
    ):
        """See the attributes."""
        self.step, self.terms, self.leaves = step, dict(terms), dict(leaves)
        told = ", ".join(f"{k} = {s:g} / {n:g}" for k, (s, n) in self.terms.items())
        names = list(self.leaves)
        listed = ", ".join(
            f"{k} ({bad} of {size})"
            for k, (bad, size) in list(self.leaves.items())[:_MOST_LEAVES]
        )
        more = len(names) - _MOST_LEAVES
        super().__init__(
            f"step {step} is not finite and was not taken; terms: {told}; leaves with "
            f"such values: {listed or 'none, so a count is zero or a norm overflows'}"
            + (f" and {more} more" if more > 0 else "")
            + ". Resuming replays its batch: repair the data where a leaf of the batch "
            "is named, else lower the learning rate or clip the gradient"
        )


def make_diagnosis(
    task: Task, optimiser: optax.GradientTransformation, seed: int
) -> Callable[[TrainState, Any, Any], tuple[Any, Any]]:
    """(state, given, batch) -> (terms, counts of non-finite values), to be jitted.

    The counts are pytrees by origin, see `ORIGINS`.

    Args:
      task: the stage.
      optimiser: its transformation.
      seed: of the run's root key.
    """

    def diagnose(state, given, batch):
        streams = StepStreams(jax.random.key(seed), state.step)
        gradient, (terms, collections) = jax.grad(
            lambda params: objective(
                task, params, state.collections, given, batch, streams
            ),
            has_aux=True,
        )(state.params)
        update, _ = optimiser.update(gradient, state.optimiser, state.params)
        trees = (batch, given, *(state.params, state.collections))
        origins = dict(
            zip(ORIGINS, (*trees, gradient, update, collections), strict=True)
        )
        return terms, jax.tree.map(_count, origins)

    return diagnose


def explain(step: int, terms: Any, counts: Any) -> NonFiniteError:
    """The error of a step, from what a diagnosis found on it."""
    found = {}
    for origin in ORIGINS:
        for path, count in jax.tree_util.tree_leaves_with_path(counts[origin]):
            bad, size = np.asarray(count).tolist()
            if bad:
                found[origin + jax.tree_util.keystr(path)] = (bad, size)
    terms = {name: (float(total), float(n)) for name, (total, n) in terms.items()}
    return NonFiniteError(step, terms, found)


def _count(leaf):
    """(2,) int32: values of an array that are not finite, and all its values."""
    if not jnp.issubdtype(leaf.dtype, jnp.inexact):
        return jnp.array([0, leaf.size], jnp.int32)
    bad = jnp.sum(~jnp.isfinite(leaf), dtype=jnp.int32)
    return jnp.stack([bad, jnp.int32(leaf.size)])
