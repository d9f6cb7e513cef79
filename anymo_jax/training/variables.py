"""Variables out of a run's checkpoints, for the stages after it."""

import os
import pathlib
from typing import Any, Literal

import jax
from absl import logging

from anymo_jax.training.kept import best_step
from anymo_jax.training.saved import (
    CheckpointError,
    DamagedError,
    agreed_manifest,
    none_verifies,
    read_items,
    saved_structure,
    steps_in,
)
from anymo_jax.training.task import Variables


def restore_variables(
    folder: str | os.PathLike,
    abstract: Variables | None = None,
    *,
    step: int | Literal["best"] | None = None,
    ema: bool = True,
) -> Variables:
    """Verified variables of a run, without its optimiser; the folder stays as it is.

    Args:
      folder: of checkpoints; the run may still be writing to it.
      abstract: variables of `jax.ShapeDtypeStruct`, with shardings where they shall not
        go to one device; None takes them as they were saved.
      step: number; "best" by the metric that the run kept its best step by; or None for
        the newest that verifies.
      ema: takes the moving average of the params where one was kept.

    Raises:
      CheckpointError: where there is no such step, or it does not verify, or is of
        another model.
    """
    folder = pathlib.Path(folder).absolute()
    damaged: dict[int, str] = {}
    for number in _candidates(folder, step):
        try:
            variables = _read_variables(folder, number, abstract, ema)
        except DamagedError as error:
            logging.error("checkpoint %s/%d is damaged: %s", folder, number, error)
            damaged[number] = str(error)
            continue
        logging.info("variables of %s/%d", folder, number)
        return variables
    raise CheckpointError(none_verifies(folder, damaged))


def _candidates(folder, step):
    """Steps to try, in this order; one only where one is asked for."""
    steps = list(reversed(steps_in(folder)))
    if step is not None and step != "best" and step not in steps:
        raise CheckpointError(f"{folder} holds no step {step}, but {steps[::-1]}")
    if not steps:
        raise CheckpointError(f"{folder} holds no checkpoint; train there first")
    if step is None:
        return steps
    return [_best(folder, steps) if step == "best" else step]


def _best(folder, steps):
    """The best step, by the ranking that the newest sound manifest names."""
    manifests = {}
    for step in steps:
        try:
            manifests[step] = agreed_manifest(folder, step)
        except DamagedError as error:
            logging.error("checkpoint %s/%d is damaged: %s", folder, step, error)
    ranking = next((m.ranking for m in manifests.values()), ())
    metrics = {step: manifest.metrics for step, manifest in manifests.items()}
    best = best_step(metrics, *ranking) if ranking else None
    if best is None:
        raise CheckpointError(
            f"{folder} names no best step: the run keeps none, or has validated none. "
            f"Take one of the steps {steps[::-1]}"
        )
    return best


def _read_variables(folder, step, abstract, ema):
    manifest = agreed_manifest(folder, step)
    params = "ema" if ema and "ema" in manifest.items else "params"
    if abstract is None:
        names = {params, "collections"} & manifest.items
        items = {name: saved_structure(folder, step, name) for name in names}
    else:
        items = {params: abstract.params, "collections": abstract.collections}
    placed = jax.tree.map(_placed, items)
    read = read_items(folder, step, manifest, placed)
    return Variables(read[params], read.get("collections", {}))


def _placed(leaf: Any) -> jax.ShapeDtypeStruct:
    """The leaf, on one device where it has no place yet."""
    alone = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    place = getattr(leaf, "sharding", None)
    place = place if isinstance(place, jax.sharding.Sharding) else alone
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)
