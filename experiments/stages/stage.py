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
from anymo_jax.training.data import Order
from anymo_jax.training.task import Task, Variables

STAGES = ("encoder", "tokenizer", "motion_lm", "instruct", "control")
# Held-out windows that are predicted at once.
BATCH = 64


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
