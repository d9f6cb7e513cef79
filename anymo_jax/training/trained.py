"""A trained run as its folder tells it: configuration, variables, runs it stands on.

A run names the earlier ones that it reads. Folders are moved together more often than
they stay where they were trained: a sibling of the run's folder with the earlier one's
name is taken first, then the place as named, then a sibling called by the stage.
"""

import os
import pathlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import jax

from anymo_jax.training.digest import one_digest
from anymo_jax.training.run_folder import CHECKPOINTS, CONFIG, read_config
from anymo_jax.training.settings import given
from anymo_jax.training.task import Variables
from anymo_jax.training.variables import restore_variables


class TrainedRun(NamedTuple):
    """A run of one stage.

    Attributes:
      folder: where it lies.
      config: as in its config.json.
      variables: of a checkpoint, as NumPy arrays.
    """

    folder: pathlib.Path
    config: Mapping
    variables: Variables


def open_trained(
    folder: str | os.PathLike, stage: str, step: int | Literal["best"] | None = "best"
) -> TrainedRun:
    """A run that must be of a stage, and the variables of a checkpoint.

    Args:
      folder: of the run.
      stage: that the run must be of.
      step: of the checkpoint, as `restore_variables` takes it.

    Raises:
      ValueError: where the folder holds no run of this stage.
      CheckpointError: where it holds no such step, or no sound one.
    """
    folder = pathlib.Path(folder)
    config = stage_config(folder, stage)
    variables = restore_variables(folder / CHECKPOINTS, step=step)
    # On the host: whoever uses them says on which devices.
    return TrainedRun(folder, config, jax.device_get(variables))


def stage_config(folder: str | os.PathLike, stage: str) -> dict[str, Any]:
    """The configuration of a run that must be of a stage.

    Raises:
      ValueError: where the folder holds no run of this stage.
    """
    config = read_config(folder)
    if config.get("stage") != stage:
        raise ValueError(
            f"{folder} holds a run of stage {config.get('stage')!r} where one of "
            f"{stage!r} is read: name such a run (--{stage}=DIR of a command), or "
            f"train one by configs/{stage}.py"
        )
    return config


def upstream_folder(
    folder: str | os.PathLike, config: Mapping, stage: str
) -> pathlib.Path:
    """Where an earlier stage's run lies that a run was trained on.

    Args:
      folder: of the run.
      config: of the run.
      stage: of the earlier run, by which `config["run"]` names it.

    Raises:
      ValueError: naming the places that were looked at.
    """
    named = pathlib.Path(given(config, f"run.{stage}"))
    siblings = pathlib.Path(folder).absolute().parent
    places = list(dict.fromkeys([siblings / named.name, named, siblings / stage]))
    for place in places:
        if (place / CONFIG).is_file():
            return place
    raise ValueError(
        f"{folder} was trained on the {stage} run {named}, which is at none of "
        f"{', '.join(map(str, places))}: put that run's folder beside {folder}"
    )


def check_upstream(run: TrainedRun, stage: str, folder: pathlib.Path, arrays: Any):
    """Refuses an earlier stage's arrays that are not those of the training.

    Raises:
      ValueError: naming both runs.
    """
    expected = run.config.get("upstream", {}).get(stage)
    if expected and one_digest(arrays) != expected:
        raise ValueError(
            f"{folder} is not the {stage} run that {run.folder} was trained on: its "
            "weights have another digest. Put back the one of the training, or train "
            "the later stages again"
        )
