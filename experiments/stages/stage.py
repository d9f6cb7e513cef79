"""A stage made ready: its task, its data, the runs it reads, how it is validated."""

import dataclasses
import hashlib
import importlib
import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
import ml_collections
import numpy as np

from anymo_jax.motion.prepared import PreparedMotion
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.simulation import WHITE_ONLY, DeviceModel
from anymo_jax.training.data import Order
from anymo_jax.training.digest import digests
from anymo_jax.training.run_folder import CHECKPOINTS, read_config
from anymo_jax.training.task import Task, Variables
from anymo_jax.training.variables import restore_variables
from anymo_jax.views import (
    ANY_ORIENTATION,
    NEAR_ALIGNED,
    SURFACE,
    WORN,
    WORN_SITES,
    Mixture,
    QuarterTurns,
    TempoChange,
    ViewOptions,
    VisibleNodes,
)

STAGES = ("encoder", "tokenizer", "motion_lm", "instruct")
# Held-out windows that are predicted at once.
BATCH = 64
MOUNTINGS = {
    "surface": SURFACE,
    "any": ANY_ORIENTATION,
    "near_aligned": NEAR_ALIGNED,
    "quarter_turns": QuarterTurns(),
    "mixed": Mixture((SURFACE, NEAR_ALIGNED), (0.5, 0.5)),
    "worn": WORN,
}
# Where sparse views have their sensors: anywhere alike, or where people wear them.
SITES = {"any": None, "worn": WORN_SITES}
# Devices that sample at this rate show all that 60 Hz can hold.
FASTEST_DEVICE_HZ = 200.0


@dataclasses.dataclass(frozen=True)
class Stage:
    """What a stage brings to the loop.

    Attributes:
      task: pure functions.
      train: source of training examples.
      validate: (variables, step) -> figures by name.
      best: figure by which the best checkpoint is kept.
      best_mode: whether it is best where greatest, "max", or least, "min".
      upstream: digests by name of what results depend on besides the config.
      table: figures of the last validation -> a table for a person.
      order: (batch size, seed) -> which examples come together; None shuffles them.
      keep: writes what the run's folder holds beside its checkpoints, such as a text
        tokenizer; None for nothing.
    """

    task: Task
    train: Any
    validate: Callable[[Variables, int], Mapping[str, float]]
    best: str
    best_mode: str
    upstream: Mapping[str, str]
    table: Callable[[Mapping[str, float]], str]
    order: Callable[[int, int], Order] | None = None
    keep: Callable[[pathlib.Path], None] | None = None


def build_stage(config: ml_collections.ConfigDict) -> Stage:
    """The stage that a recipe names.

    Raises:
      ValueError: for a stage that is none, and whatever its module finds wrong.
    """
    if config.stage not in STAGES:
        raise ValueError(f"config.stage = {config.stage!r}: choose one of {STAGES}")
    return importlib.import_module(f"experiments.stages.{config.stage}").build(config)


def trained_run(run: str, stage: str, step="best") -> tuple[dict, Variables]:
    """Config and variables of a trained run, these as NumPy arrays.

    Args:
      run: folder.
      stage: one of `STAGES`, that the run must be of.
      step: of the checkpoint, as `restore_variables` takes it.

    Raises:
      ValueError: where the folder holds no run of this stage.
      CheckpointError: where it holds no such step, or no sound one.
    """
    config = read_config(run)
    if config.get("stage") != stage:
        raise ValueError(
            f"{run} holds a run of stage {config.get('stage')!r} where one of "
            f"{stage!r} is read: name such a run (--{stage}=DIR), or train one by "
            f"configs/{stage}.py"
        )
    variables = restore_variables(f"{run}/{CHECKPOINTS}", step=step)
    # On the host: whoever uses them says on which devices.
    return config, jax.device_get(variables)


def digest(variables: dict) -> str:
    """One digest of all arrays."""
    joined = "".join(f"{k}={v};" for k, v in sorted(digests(variables).items()))
    return hashlib.sha256(joined.encode()).hexdigest()


def held_out_batches(
    examples: Callable[[int], dict], count: int
) -> Iterator[tuple[dict, np.ndarray, int]]:
    """Batches of the first `count` examples, which of their rows are new, and a number.

    Args:
      examples: index -> example.
      count: how many; the last batch repeats one to be full.
    """
    for first in range(0, count, BATCH):
        picked = [min(first + i, count - 1) for i in range(BATCH)]
        rows = [examples(i) for i in picked]
        batch = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
        yield batch, np.arange(first, first + BATCH) < count, first


@dataclasses.dataclass(frozen=True)
class Motion:
    """Prepared motion for a stage.

    Attributes:
      train, validation: windows of the two splits.
      digest: of every shard of the folders.
    """

    train: MotionWindows
    validation: MotionWindows
    digest: str


def open_motion(folders: str) -> Motion:
    """Comma-separated prepared folders.

    Raises:
      ValueError: naming the folder that is missing or not prepared.
    """
    names = [name.strip() for name in folders.split(",") if name.strip()]
    opened = [PreparedMotion(name) for name in names]
    if not opened:
        raise ValueError("no prepared folder is named; give --data=DIR[,DIR]")
    shards = [e["sha256"] for folder in opened for e in folder.manifest["shards"]]
    return Motion(
        train=MotionWindows(opened, split="train"),
        validation=MotionWindows(opened, split="validation"),
        digest=hashlib.sha256("".join(shards).encode()).hexdigest(),
    )


def view_options(views: Mapping[str, Any]) -> ViewOptions:
    """`ViewOptions` of a recipe's `views`.

    Raises:
      ValueError: for a mounting that is none of `MOUNTINGS`, sites that are none of
        `SITES`, or what options refuse.
    """
    if views["mounting"] not in MOUNTINGS:
        raise ValueError(
            f"config.views.mounting = {views['mounting']!r}: choose one of "
            f"{', '.join(MOUNTINGS)}"
        )
    if views["sites"] not in SITES:
        raise ValueError(
            f"config.views.sites = {views['sites']!r}: choose one of {', '.join(SITES)}"
        )
    return ViewOptions(
        joint_mounted=views["joint_mounted"],
        mounting=MOUNTINGS[views["mounting"]],
        device=_device(views),
        mirror=float(views["mirror"]),
        tempo=TempoChange() if views["tempo"] else None,
        visible=VisibleNodes(
            views["visible_lowest"],
            views["visible_highest"],
            weights=SITES[views["sites"]],
            full=float(views["visible_full"]),
        ),
        drop_gyroscope=float(views["drop_gyroscope"]),
    )


def _device(views: Mapping[str, Any]) -> DeviceModel | None:
    """What devices make of a signal."""
    if not views["device_noise"]:
        return None
    slowest = float(views["slowest_device_hz"])
    if not slowest:
        return WHITE_ONLY
    return dataclasses.replace(WHITE_ONLY, own_rate_hz=(slowest, FASTEST_DEVICE_HZ))
