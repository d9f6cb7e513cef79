"""Reading one saved step, on any topology, and telling a damaged one.

A step is a folder that Orbax made, `<step>/<item>`, one item for each part of a state,
and a manifest (`training.manifest`). Orbax's own checks miss flipped bytes, casts and
emptied folders, so nothing that is read here leaves before its digests agree.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath
from jax.experimental import multihost_utils

from anymo_jax.training.manifest import Manifest
from anymo_jax.training.quiet import forget_failures, quiet_orbax, root_cause

MANIFEST = "manifest"


class CheckpointError(RuntimeError):
    """A checkpoint cannot be written or read; the message says what to do."""


class DamagedError(Exception):
    """A saved step is not what was saved; the message names the file or leaves."""


def steps_in(folder: pathlib.Path) -> list[int]:
    """Numbers of the steps in a folder, sound or not, ascending."""
    if not folder.is_dir():
        return []
    found = (p.name for p in folder.iterdir() if p.is_dir())
    return sorted(int(name) for name in found if name.isdecimal())


def read_manifest(folder: pathlib.Path, step: int) -> Manifest:
    """The manifest of a step.

    Raises:
      DamagedError: where it is missing or damaged.
    """
    try:
        read = _restore(folder / str(step), {MANIFEST: ocp.args.JsonRestore()})
        return Manifest.from_json(read[MANIFEST])
    except (DamagedError, ValueError) as error:
        raise DamagedError(f"its manifest: {error}") from None


def agreed_manifest(folder: pathlib.Path, step: int) -> Manifest:
    """The manifest of a step, damaged in all processes where it is so in one."""
    failure, manifest = None, None
    try:
        manifest = read_manifest(folder, step)
    except DamagedError as error:
        failure = error
    if not agreed(manifest is not None):
        raise failure or DamagedError("another process could not read its manifest")
    return manifest


def saved_structure(folder: pathlib.Path, step: int, item: str) -> Any:
    """The tree of an item as it was saved, of shapes and dtypes; tuples become lists.

    Raises:
      DamagedError: where it cannot be read.
    """
    try:
        path = epath.Path(folder) / str(step) / item
        return ocp.StandardCheckpointHandler().metadata(path).tree
    except Exception as error:
        raise DamagedError(root_cause(error)) from None


def read_items(
    folder: pathlib.Path, step: int, manifest: Manifest, items: Mapping[str, Any]
) -> dict[str, Any]:
    """Trees of a step by item, verified. Call it on all processes alike.

    Args:
      folder: of the steps.
      step: its number.
      manifest: of the step.
      items: trees of `jax.ShapeDtypeStruct` with shardings, where the leaves shall go.

    Raises:
      CheckpointError: naming the leaves, where the step is of another model.
      DamagedError: naming the file or the leaves, where it is not what was saved.
    """
    differ = manifest.kinds_that_differ(items)
    if differ:
        raise CheckpointError(
            f"{folder / str(step)} is of another model; saved -> wanted: "
            f"{brief(differ)}. Continue with the configuration it was made with, or "
            "start in a new folder"
        )
    wanted = {
        name: ocp.args.StandardRestore(tree)
        for name, tree in items.items()
        if jax.tree.leaves(tree)
    }
    failure, restored = None, {}
    try:
        restored = _restore(folder / str(step), wanted)
    except DamagedError as error:
        failure = error
    if not agreed(failure is None):
        raise failure or DamagedError("another process could not read it")
    differ = manifest.leaves_that_differ(restored)
    if differ:
        raise DamagedError(f"the values of {brief(differ)} are not those saved")
    return restored


def agreed(mine: bool) -> bool:
    """Whether it is so in every process."""
    if jax.process_count() == 1:
        return mine
    return bool(multihost_utils.process_allgather(np.array(mine)).all())


def none_verifies(folder: pathlib.Path, damaged: Mapping[int, str]) -> str:
    """What to say where every step is damaged, with the reason of each."""
    told = "; ".join(f"{step}: {why}" for step, why in damaged.items())
    return (
        f"no step in {folder} verifies ({told}). Repair the files, or move the folder "
        "away to start afresh"
    )


def brief(lines: list[str], most: int = 8) -> str:
    """Some lines in one, with the number of those left out."""
    more = f", and {len(lines) - most} more" if len(lines) > most else ""
    return ", ".join(lines[:most]) + more


def _restore(path, arguments):
    """Items of a step. Each process reads alone: none waits for one that failed."""
    me = jax.process_index()
    alone = ocp.options.MultiprocessingOptions(
        primary_host=me, active_processes={me}, barrier_sync_key_prefix=f"alone{me}"
    )
    failure = None
    with quiet_orbax():
        try:
            handler = ocp.CompositeCheckpointHandler(
                composite_options=ocp.CompositeOptions(multiprocessing_options=alone)
            )
            with ocp.Checkpointer(handler, multiprocessing_options=alone) as reader:
                return dict(
                    reader.restore(path, args=ocp.args.Composite(**arguments)).items()
                )
        except Exception as error:
            failure = root_cause(error)
        forget_failures()
    raise DamagedError(failure)
