"""One step of learning as a pure function: differentiate, update, or refuse.

A step whose objective, gradient, update or new collections are not finite leaves the
whole state as it was and marks it unhealthy; so does every later step, among them the
one already dispatched when the host reads of it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from anymo_jax.training.random import StepStreams
from anymo_jax.training.state import TrainState
from anymo_jax.training.task import OBJECTIVE, Task, Terms, Variables


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Report:
    """What the host reads of a step, all replicated.

    Attributes:
      healthy: () bool, whether the step was taken.
      terms: sums and counts since the last logged row, this step included.
      norms: by name, () f32: of the gradient, the params after the step, the update.
      stop: () bool, whether any process asked to stop.
    """

    healthy: Any
    terms: Any
    norms: Any
    stop: Any


def objective(
    task: Task,
    params: Any,
    collections: Any,
    given: Any,
    batch: Any,
    streams: StepStreams,
) -> tuple[jax.Array, tuple[Terms, Any]]:
    """The mean of the objective's term, then all terms (f32) and new collections.

    Raises:
      ValueError: where the loss gives no objective.
    """
    terms, collections = task.loss(
        Variables(params, collections), given, batch, streams
    )
    if OBJECTIVE not in terms:
        raise ValueError(
            f"the loss gives the terms {sorted(terms)}, but none of the name "
            f"{OBJECTIVE!r}, which is minimised"
        )
    terms = {
        name: (jnp.asarray(total, jnp.float32), jnp.asarray(count, jnp.float32))
        for name, (total, count) in terms.items()
    }
    total, count = terms[OBJECTIVE]
    return total / count, (terms, collections)


def make_step(
    task: Task,
    optimiser: optax.GradientTransformation,
    *,
    seed: int,
    log_every: int,
    ema_decay: float | None,
) -> Callable[[TrainState, Any, Any, jax.Array], tuple[TrainState, Report]]:
    """(state, given, batch, stop) -> (state, report); jit it with a donated state.

    Args:
      task: the stage.
      optimiser: the transformation.
      seed: of the run's root key.
      log_every: steps over which the terms are added up.
      ema_decay: of the params' moving average, or None for none.
    """

    def step(state, given, batch, stop):
        streams = StepStreams(jax.random.key(seed), state.step)
        differentiate = jax.value_and_grad(
            lambda params: objective(
                task, params, state.collections, given, batch, streams
            ),
            has_aux=True,
        )
        (value, (terms, collections)), gradient = differentiate(state.params)
        update, optimiser_state = optimiser.update(
            gradient, state.optimiser, state.params
        )
        params = optax.apply_updates(state.params, update)
        norms = {
            "gradient": optax.tree.norm(gradient),
            "update": optax.tree.norm(update),
        }
        finite = [value, *norms.values(), *jax.tree.leaves(collections)]
        ok = state.healthy & all_finite(finite)
        stepped = TrainState(
            step=state.step + 1,
            params=params,
            collections=collections,
            optimiser=optimiser_state,
            ema=_averaged(state, params, ema_decay),
            healthy=ok,
            terms=_added(state, terms, log_every),
        )
        kept = jax.tree.map(lambda new, old: jnp.where(ok, new, old), stepped, state)
        kept = dataclasses.replace(kept, healthy=ok)
        norms["parameter"] = optax.tree.norm(kept.params)
        return kept, Report(ok, kept.terms, norms, jnp.any(stop))

    return step


def all_finite(tree: Any) -> jax.Array:
    """() bool, whether every inexact leaf is finite throughout."""
    leaves = [x for x in jax.tree.leaves(tree) if jnp.issubdtype(x.dtype, jnp.inexact)]
    return jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in leaves]))


def _added(state, terms, log_every):
    """Sums and counts of the interval; a new one begins after each logged row."""
    keep = jnp.where(state.step % log_every == 0, 0.0, 1.0)
    return jax.tree.map(lambda old, new: keep * old + new, state.terms, terms)


def _averaged(state, params, decay):
    """Moving average of the params, or None.

    Early steps average over what there is: the decay is at most (1 + t) / (10 + t), so
    that the random start is soon forgotten.
    """
    if decay is None:
        return None
    done = state.step.astype(jnp.float32)
    rate = 1 - jnp.minimum(decay, (1 + done) / (10 + done))
    return jax.tree.map(
        lambda old, new: old + rate.astype(old.dtype) * (new - old), state.ema, params
    )
