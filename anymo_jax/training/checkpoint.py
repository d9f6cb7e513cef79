"""Checkpoints: the state of a run and its position in the data, saved as one.

Orbax writes them, in the background and each step all or nothing. What it leaves open
is closed here: every leaf has a digest (`training.digest`) that is held against what a
restore brings, a damaged step is told and moved aside and the one before it taken, a
step of another model is refused, and a save that failed is never passed over.

    <folder>/<step>/{params,collections,optimiser,ema,...,scalars,manifest}
    <folder>/corrupt/<step>-<n>    steps that did not verify, for somebody to look at
"""

import contextlib
import dataclasses
import math
import os
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any, Literal

import jax
import orbax.checkpoint as ocp
from absl import logging
from jax.experimental import multihost_utils

from anymo_jax.training.digest import named_leaves
from anymo_jax.training.kept import KeptSteps
from anymo_jax.training.manifest import Manifest
from anymo_jax.training.position import DataIterator, position, positions
from anymo_jax.training.quiet import forget_failures, quiet_orbax, root_cause
from anymo_jax.training.saved import (
    MANIFEST,
    CheckpointError,
    DamagedError,
    agreed_manifest,
    none_verifies,
    read_items,
    steps_in,
)

CORRUPT = "corrupt"
_SCALARS = "scalars"
_UNFINISHED = "*.orbax-checkpoint-tmp*"


class Checkpoints:
    """The checkpoints of a run; a context manager. Use it on all processes alike."""

    def __init__(
        self,
        folder: str | os.PathLike,
        *,
        keep: int = 3,
        best: str | None = None,
        best_mode: Literal["max", "min"] = "max",
    ):
        """Opens a folder of checkpoints and clears what was left half written.

        Args:
          folder: made where missing; of one run at a time.
          keep: newest steps that are kept.
          best: name of a metric; the step where it is best is kept as well.
          best_mode: whether more or less of it is better.
        """
        if keep < 1 or best_mode not in ("max", "min"):
            raise ValueError(
                f"keep = {keep}, best_mode = {best_mode!r}: keep at least 1 step, and "
                "choose 'max' or 'min'"
            )
        self.folder = pathlib.Path(folder).absolute()
        self._kept = KeptSteps(keep, best, best_mode)
        self._pending: tuple[int, int] | None = None
        self._failed = False
        self._quiet = contextlib.ExitStack()
        self._quiet.enter_context(quiet_orbax())
        self._clear_unfinished()
        # Lightweight: it would read, and trip over, the files of damaged steps.
        options = ocp.CheckpointManagerOptions(
            preservation_policy=self._kept,
            save_root_metadata=False,
            lightweight_initialize=True,
        )
        self._manager = ocp.CheckpointManager(self.folder, options=options)
        self._learn_metrics()

    @property
    def steps(self) -> list[int]:
        """Steps in the folder and those being written, sound or not, ascending."""
        return sorted(self._manager.all_steps())

    def save(
        self,
        step: int,
        state: Any,
        data_iterator: DataIterator | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Begins to save a state; returns once the state may be donated.

        Args:
          step: number, above those of all steps in the folder.
          state: dataclass of pytrees of jax arrays.
          data_iterator: whose position is saved as well.
          metrics: of a validation of this state, by name.

        Raises:
          CheckpointError: where this save cannot begin, or the one before it failed.
        """
        self.wait()
        last = self._manager.latest_step()
        if last is not None and step <= last:
            raise CheckpointError(
                f"step {step} cannot be saved: {self.folder} holds step {last}. "
                "Restore it and go on, or use a new folder"
            )
        items = _items(state)
        metrics = self._kept.note(step, metrics or {})
        where = positions(data_iterator)
        manifest = Manifest.of(items, metrics, where, self._kept.ranking)
        args = {name: ocp.args.StandardSave(tree) for name, tree in items.items()}
        args[MANIFEST] = ocp.args.JsonSave(manifest.to_json())
        self._pending = step, _size(items)
        try:
            # Without `force`, Orbax passes over steps that it sees no reason to save.
            self._manager.save(step, args=ocp.args.Composite(**args), force=True)
        except Exception as error:
            raise self._failure(error) from None

    def restore(
        self, abstract_state: Any, data_iterator: DataIterator | None = None
    ) -> tuple[int, Any] | None:
        """The newest step that verifies, and its state; None in a folder without steps.

        Newer steps that do not verify are logged and moved to `corrupt/`.

        Args:
          abstract_state: like it, of `jax.ShapeDtypeStruct` with shardings.
          data_iterator: set to the position that was saved with the step.

        Raises:
          CheckpointError: where the step is of another model, or holds no position for
            this iterator, or no step verifies although there are some.
        """
        self.wait()
        damaged: dict[int, str] = {}
        for step in reversed(steps_in(self.folder)):
            try:
                manifest = agreed_manifest(self.folder, step)
                state = _read_state(self.folder, step, manifest, abstract_state)
            except DamagedError as error:
                logging.error(
                    "checkpoint %s/%d is damaged: %s", self.folder, step, error
                )
                damaged[step] = str(error)
                continue
            if data_iterator is not None:
                path = self.folder / str(step)
                data_iterator.set_state(position(manifest.data, path))
            self._set_aside(list(damaged), step)
            return step, state
        if damaged:
            raise CheckpointError(none_verifies(self.folder, damaged))
        return None

    def wait(self) -> None:
        """Returns once everything is written.

        Raises:
          CheckpointError: where a save failed, since the last call.
        """
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._failure(error) from None
        self._pending = None

    def close(self) -> None:
        """Waits, then closes.

        Raises:
          CheckpointError: where a save failed.
        """
        try:
            self.wait()
        finally:
            self._manager.close()
            if self._failed:
                # Parts that were still being written when the save failed.
                self._clear_unfinished()
                forget_failures()
            self._quiet.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            self.close()
        except CheckpointError as failure:
            if error is None:
                raise
            # What ended the run matters more, and goes on.
            logging.error("%s", failure)

    def _failure(self, error: BaseException) -> CheckpointError:
        """What to say of a save that failed; frees the space it took."""
        step, size = self._pending or (-1, 0)
        self._pending, self._failed = None, True
        cause = root_cause(error)
        self._clear_unfinished()
        self._manager.reload()
        self._kept.metrics.pop(step, None)
        free = shutil.disk_usage(self.folder).free
        good = self._manager.latest_step()
        last = "none is saved" if good is None else f"the last that is saved is {good}"
        return CheckpointError(
            f"step {step} was not saved to {self.folder}; {last}. It needs about "
            f"{size / 1e6:.1f} MB, and {free / 1e6:.1f} MB are free there. Free space, "
            f"keep fewer steps, or choose another disk, then run again ({cause})"
        )

    def _clear_unfinished(self) -> None:
        if jax.process_index() == 0 and self.folder.is_dir():
            for path in self.folder.glob(_UNFINISHED):
                logging.info("removing %s, which was not written to its end", path)
                shutil.rmtree(path, ignore_errors=True)

    def _learn_metrics(self) -> None:
        if self._kept.best is None:
            return
        for step in self.steps:
            with contextlib.suppress(DamagedError):
                manifest = agreed_manifest(self.folder, step)
                self._kept.metrics[step] = manifest.metrics

    def _set_aside(self, steps: list[int], taken: int) -> None:
        """Moves steps out of the way of those to come."""
        if not steps:
            return
        if jax.process_index() == 0:
            corner = self.folder / CORRUPT
            corner.mkdir(exist_ok=True)
            for step in steps:
                count = len(list(corner.glob(f"{step}-*")))
                (self.folder / str(step)).rename(corner / f"{step}-{count}")
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("damaged checkpoints are set aside")
        self._manager.reload()
        logging.error(
            "going on from step %d; %s moved to %s", taken, steps, self.folder / CORRUPT
        )


def _items(state):
    """Trees to save by name: fields of a state, its bare arrays taken together."""
    fields = {f.name: getattr(state, f.name) for f in dataclasses.fields(state)}
    bare = {name: value for name, value in fields.items() if hasattr(value, "dtype")}
    trees = {n: v for n, v in fields.items() if n not in bare and jax.tree.leaves(v)}
    return trees | {_SCALARS: bare}


def _read_state(folder, step, manifest, abstract):
    items = _items(abstract)
    # Without those that were saved and are not asked for, they would pass unnoticed.
    asked = {name: {} for name in manifest.items} | items
    read = read_items(folder, step, manifest, asked)
    return dataclasses.replace(abstract, **read.pop(_SCALARS), **read)


def _size(items):
    leaves = named_leaves(items).values()
    return sum(math.prod(x.shape) * x.dtype.itemsize for x in leaves)
