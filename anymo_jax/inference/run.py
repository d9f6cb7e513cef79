"""A trained run as its folder tells it: configuration, weights, and the runs it reads.

An instruction-tuned run names the encoder, tokenizer and motion-LM runs that it stands
on. Folders are moved together more often than they stay where they were trained: a
sibling of the run's folder with the same name is taken first, then the place as named.
"""

import hashlib
import os
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import jax

from anymo_jax.training.digest import digests
from anymo_jax.training.run_folder import CHECKPOINTS, CONFIG, read_config
from anymo_jax.training.variables import restore_variables


class TrainedRun(NamedTuple):
    """A run of one stage.

    Attributes:
      folder: where it lies.
      config: as in its config.json.
      params, collections: of the best checkpoint, as NumPy arrays.
    """

    folder: pathlib.Path
    config: Mapping
    params: dict
    collections: dict


def open_run(folder: str | os.PathLike, stage: str) -> TrainedRun:
    """The best checkpoint of a run and what made it.

    Raises:
      ValueError: where the folder holds no run of this stage.
      CheckpointError: where it has no best checkpoint, or no sound one.
    """
    folder = pathlib.Path(folder)
    config = stage_config(folder, stage)
    variables = jax.device_get(restore_variables(folder / CHECKPOINTS, step="best"))
    return TrainedRun(folder, config, variables.params, variables.collections)


def stage_config(folder: pathlib.Path, stage: str) -> Mapping:
    """The configuration of a run that must be of a stage; errors as `open_run`."""
    config = read_config(folder)
    if config.get("stage") != stage:
        raise ValueError(
            f"{folder} holds a run of stage {config.get('stage')!r}; one of {stage!r} "
            f"is needed: name that run's folder, or train one by configs/{stage}.py"
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
    named = pathlib.Path(config["run"][stage])
    sibling = pathlib.Path(folder).absolute().parent / named.name
    for place in (sibling, named):
        if (place / CONFIG).is_file():
            return place
    raise ValueError(
        f"{folder} was trained on the {stage} run {named}, which is neither at "
        f"{sibling} nor at {named}: put that run's folder beside {folder}"
    )


def check_upstream(run: TrainedRun, stage: str, folder: pathlib.Path, arrays: dict):
    """Refuses an earlier stage's arrays that are not those of the training.

    Raises:
      ValueError: naming both runs.
    """
    expected = run.config.get("upstream", {}).get(stage)
    joined = "".join(f"{k}={v};" for k, v in sorted(digests(arrays).items()))
    found = hashlib.sha256(joined.encode()).hexdigest()
    if expected and found != expected:
        raise ValueError(
            f"{folder} is not the {stage} run that {run.folder} was trained on: its "
            "weights have another digest. Put back the one of the training, or train "
            "the later stages again"
        )
