"""The compiled functions of a run, and what they expect to be given."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from anymo_jax.training import flops, nonfinite, sharding, state, step
from anymo_jax.training.options import FitOptions
from anymo_jax.training.random import StepStreams
from anymo_jax.training.state import TrainState
from anymo_jax.training.task import Task


@dataclasses.dataclass(frozen=True)
class Program:
    """A task made ready for a mesh.

    Attributes:
      mesh: the devices.
      abstract: the state as abstract arrays that say where they live.
      init: (given) -> state.
      step: (state, given, batch, stop) -> (state, report); the state is donated.
      diagnose: (state, given, batch) -> (terms, counts), see `nonfinite`.
    """

    mesh: Mesh
    abstract: TrainState
    init: Callable[[Any], TrainState]
    step: Callable[..., tuple[TrainState, step.Report]]
    diagnose: Callable[..., Any]

    def compiled(self, given: Any, batch: Any) -> "Program":
        """With a step compiled for these given arrays and this abstract batch."""
        lowered = self.step.lower(self.abstract, given, batch, self.flag(False))
        return dataclasses.replace(self, step=lowered.compile())

    def flag(self, value: bool) -> jax.Array:
        """This process's word, one element per device; a step tells if any is True."""
        word = NamedSharding(self.mesh, PartitionSpec(sharding.AXES))
        local = np.full(len(word.addressable_devices), value)
        return jax.make_array_from_process_local_data(word, local)


def prepare(
    task: Task,
    optimiser: optax.GradientTransformation,
    options: FitOptions,
    *,
    mesh: Mesh,
    given: Any,
    batch: Any,
) -> Program:
    """The functions of a run, not compiled yet.

    Args:
      task: the stage.
      optimiser: the transformation.
      options: seed, intervals, average.
      mesh: the devices.
      given: the task's given arrays on the mesh.
      batch: abstract global batch.

    Raises:
      ValueError: where the loss gives no objective, or other collections than it was
        given, or the logical axes do not fit the params.
    """
    seed, keep_ema = options.seed, options.ema_decay is not None
    terms = _abstract_terms(task, given, batch, seed)

    def init(given):
        root = jax.random.key(seed)
        return state.initial_state(
            task, optimiser, given, terms, root=root, keep_ema=keep_ema
        )

    abstract = jax.eval_shape(init, given)
    shardings = state.state_sharding(mesh, task, optimiser, abstract)
    everywhere = sharding.replicated(mesh)
    take_step = step.make_step(
        task,
        optimiser,
        seed=seed,
        log_every=options.log_every,
        ema_decay=options.ema_decay,
    )
    diagnose = nonfinite.make_diagnosis(task, optimiser, seed)
    return Program(
        mesh=mesh,
        abstract=state.with_sharding(abstract, shardings),
        init=jax.jit(init, out_shardings=shardings),
        step=jax.jit(
            take_step, donate_argnums=0, out_shardings=(shardings, everywhere)
        ),
        diagnose=jax.jit(diagnose, out_shardings=everywhere),
    )


def _abstract_terms(task, given, batch, seed):
    """Abstract terms of the loss, whose collections are checked on the way."""

    def first(given, batch):
        key = jax.random.key(seed)
        variables = task.init(key, given)
        streams = StepStreams(key, 0)
        terms, collections = step.objective(task, *variables, given, batch, streams)[1]
        return terms, variables.collections, collections

    terms, before, after = jax.eval_shape(first, given, batch)
    before, after = _described(before), _described(after)
    if before != after:
        differing = {
            name: (before.get(name), after.get(name))
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        }
        raise ValueError(
            "the loss gives other collections than it was given (before, after): "
            f"{differing}; return all of them, in the same shapes and dtypes"
        )
    return terms


def _described(tree):
    return {
        jax.tree_util.keystr(path): f"{leaf.dtype}{list(leaf.shape)}"
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def count_step(
    task: Task, program: Program, given: Any, batch: Any, seed: int
) -> flops.Count:
    """Model operations of a step over all devices: those of the loss's gradient.

    Args:
      task: the stage.
      program: compiled for it.
      given: the task's given arrays.
      batch: abstract global batch.
      seed: of the run's root key.
    """

    def loss(params, collections, given, batch):
        streams = StepStreams(jax.random.key(seed), 0)
        return step.objective(task, params, collections, given, batch, streams)[0]

    abstract = program.abstract
    return flops.count_gradient(
        loss, abstract.params, abstract.collections, given, batch
    )
