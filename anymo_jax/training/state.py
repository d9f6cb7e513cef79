"""What a run carries from step to step, and where each part of it lives."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import Mesh

from anymo_jax.training import random, sharding
from anymo_jax.training.task import Task, Variables


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class TrainState:
    """The whole state of a run; with the data's position it decides all that follows.

    Attributes:
      step: () int32, steps done.
      params: leaves that the optimiser changes.
      collections: leaves that the loss updates itself.
      optimiser: the state of the optax transformation.
      ema: moving average of the params, or None where none is kept.
      healthy: () bool, False once a step met a value that is not finite; such a step
        and all after it change nothing else.
      terms: sums and counts of the loss's terms since the last logged row, so that a
        resumed run writes the row that an uninterrupted one writes.
    """

    # Leaves may also be abstract arrays or shardings, so that annotations say little.
    step: Any
    params: Any
    collections: Any
    optimiser: Any
    ema: Any
    healthy: Any
    terms: Any = dataclasses.field(default_factory=dict)

    @property
    def variables(self) -> Variables:
        """What to judge the model by: averaged params where kept, and collections."""
        params = self.params if self.ema is None else self.ema
        return Variables(params, self.collections)


def initial_state(
    task: Task,
    optimiser: optax.GradientTransformation,
    given: Any,
    terms: Any,
    *,
    root: jax.Array,
    keep_ema: bool,
) -> TrainState:
    """The state before the first step; to be run under jit.

    Args:
      task: the stage.
      optimiser: the transformation.
      given: the task's given arrays.
      terms: abstract terms of its loss.
      root: () typed key of the run.
      keep_ema: whether a moving average of the params is kept.
    """
    params, collections = task.init(random.stream(root, "init"), given)
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        params=params,
        collections=collections,
        optimiser=optimiser.init(params),
        ema=jax.tree.map(jnp.copy, params) if keep_ema else None,
        healthy=jnp.ones((), bool),
        terms=jax.tree.map(lambda _: jnp.zeros((), jnp.float32), dict(terms)),
    )


def state_sharding(
    mesh: Mesh, task: Task, optimiser: optax.GradientTransformation, state: TrainState
) -> TrainState:
    """Shardings like the state: params by their axes, their copies likewise.

    Everything else is replicated.
    """
    axes = None if task.axes is None else task.axes()
    params = sharding.params_sharding(mesh, state.params, axes)
    everywhere = jax.tree.map(lambda _: sharding.replicated(mesh), state)
    return dataclasses.replace(
        everywhere,
        params=params,
        optimiser=sharding.optimiser_sharding(mesh, optimiser, state.optimiser, params),
        ema=None if state.ema is None else params,
    )


def with_sharding(state: TrainState, shardings: TrainState) -> TrainState:
    """An abstract state whose leaves say where they live."""
    return jax.tree.map(
        lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
        state,
        shardings,
    )
