"""The position in the data that is saved with a state, from and for every process."""

import json
import os
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from jax.experimental import multihost_utils

from anymo_jax.training.saved import CheckpointError


@runtime_checkable
class DataIterator(Protocol):
    """A position in the data, as Grain's iterators tell and set it."""

    def get_state(self) -> Any:
        """The position, as JSON-able values."""
        ...

    def set_state(self, state: Any) -> None:
        """Goes there."""
        ...


def positions(iterator: DataIterator | None) -> list[Any]:
    """One position where it is the same in all processes, else one from each.

    Call it on all processes alike. Without an iterator the list is empty.
    """
    if iterator is None:
        return []
    texts = _gathered(json.dumps(iterator.get_state()))
    return [json.loads(text) for text in (texts if len(set(texts)) > 1 else texts[:1])]


def position(saved: Sequence[Any], path: os.PathLike) -> Any:
    """This process's position, of those that were saved.

    Raises:
      CheckpointError: naming the path, where none is for this process.
    """
    found, processes = len(saved), jax.process_count()
    if found not in (1, processes):
        raise CheckpointError(
            f"{path} holds {found} positions in the data, and {processes} processes "
            "run: run as many as saved it, or restore without a data iterator"
        )
    return saved[0 if found == 1 else jax.process_index()]


def _gathered(text):
    """The text of every process, in their order."""
    if jax.process_count() == 1:
        return [text]
    mine = np.frombuffer(text.encode(), np.uint8)
    lengths = multihost_utils.process_allgather(np.array(len(mine)))
    row = np.zeros(int(lengths.max()), np.uint8)
    row[: len(mine)] = mine
    rows = multihost_utils.process_allgather(row)
    return [bytes(r[:n]).decode() for r, n in zip(rows, lengths, strict=True)]
