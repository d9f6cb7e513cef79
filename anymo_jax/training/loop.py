"""The one loop: mesh, data, abstract state, shardings, restore or init, then steps.

Everything that can be refused is refused before anything is compiled; the steps
themselves are in `training.run`.
"""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import optax

from anymo_jax.training import flops, sharding
from anymo_jax.training.feed import Feed, batch_size
from anymo_jax.training.metrics import Record
from anymo_jax.training.options import CheckpointStore, FitOptions
from anymo_jax.training.profile import Profile
from anymo_jax.training.program import count_step, prepare
from anymo_jax.training.progress import Work
from anymo_jax.training.run import Run
from anymo_jax.training.state import TrainState
from anymo_jax.training.task import Task, Variables
from anymo_jax.training.termination import SigtermNotice

__all__ = ["FitOptions", "fit"]


def say_line(line: str) -> None:
    """Prints a line at once, from the first process only."""
    if jax.process_index() == 0:
        print(line, flush=True)


def fit(
    task: Task,
    data: Any,
    *,
    optimiser: optax.GradientTransformation,
    options: FitOptions,
    folder: str | os.PathLike,
    validate: Callable[[Variables, int], Mapping[str, float]] | None = None,
    checkpoints: CheckpointStore | None = None,
    schedules: Mapping[str, optax.Schedule] | None = None,
    devices: Sequence[jax.Device] | None = None,
    say: Callable[[str], None] = say_line,
) -> TrainState:
    """Fits a task, going on from the newest checkpoint where there is one.

    Args:
      task: the stage.
      data: Grain dataset of this process's rows of endless batches (`data.batches`), or
        its iterator.
      optimiser: optax transformation.
      options: steps, intervals, seed, mesh.
      folder: for metrics.jsonl, timing.jsonl, TensorBoard and profile.
      validate: (variables, step) -> figures by name; variables are the averaged params
        where kept, and the collections, as global arrays.
      checkpoints: where to save and resume; None does neither. It is not closed.
      schedules: by name, functions of the steps done whose value is logged with the
        step taken at it, such as the learning rate.
      devices: of the mesh; None takes all.
      say: is given each line of progress.

    Returns:
      The state after the last step.

    Raises:
      NonFiniteError: at a step with values that are not finite; the state before it is
        saved, and resuming replays its batch.
      Terminated: after SIGTERM, once the state is saved.
      ValueError: where options, devices, batch and task do not fit each other.
    """
    profile = Profile(folder, options.profile)
    mesh = sharding.make_mesh(options.mesh, devices)
    feed = Feed(data, mesh)
    given = sharding.replicate(mesh, task.given)
    batch = feed.peek()
    program = prepare(task, optimiser, options, mesh=mesh, given=given, batch=batch)
    say(f"mesh {dict(mesh.shape)} of {mesh.devices.flat[0].device_kind}")
    say(sharding.memory_table(program.abstract))
    restored = None
    if checkpoints:
        restored = checkpoints.restore(program.abstract, feed.iterator)
    done, state = restored or (0, program.init(given))
    if done >= options.steps:
        say(f"nothing to do: step {done} of {options.steps} is done")
        return state
    work = _work(task, program, given, batch, options, say)
    with contextlib.ExitStack() as stack:
        run = Run(
            program=program.compiled(given, batch),
            options=options,
            feed=feed,
            given=given,
            work=work,
            checkpoints=checkpoints,
            validate=validate,
            schedules=schedules or {},
            say=say,
            record=stack.enter_context(
                Record(folder, done, write=jax.process_index() == 0)
            ),
            profile=stack.enter_context(contextlib.closing(profile)),
            notice=stack.enter_context(SigtermNotice()),
            state=state,
            step=done,
        )
        run.to_the_end()
    return run.state


def _work(task, program, given, batch, options, say) -> Work:
    """What a step does, and how long it would take at the devices' peak."""
    examples = batch_size(batch)
    device = program.mesh.devices.flat[0]
    peak = options.peak_flops or flops.peak_flops(device.device_kind)
    if peak is None:
        say(f"no MFU: the peak of {device.device_kind!r} is not known; set peak_flops")
        return Work(examples)
    count = count_step(task, program, given, batch, options.seed)
    notes = "".join(f"; {note}" for note in sorted(count.notes))
    say(f"{count.flops / 1e9:.4g} GFLOP a step, {peak / 1e12:.4g} TFLOP/s{notes}")
    return Work(examples, count.flops / (peak * program.mesh.size))
