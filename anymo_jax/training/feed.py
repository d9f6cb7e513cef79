"""Batches on their way from the data iterator to the mesh, with their positions."""

import collections
import time
from typing import Any, NamedTuple

import jax
import numpy as np
from jax.sharding import Mesh

from anymo_jax.training import sharding


class Delivered(NamedTuple):
    """A batch that was handed out, kept until its step is known to be sound.

    Attributes:
      position: state of the data iterator before it.
      host: the batch as host arrays.
    """

    position: Any
    host: Any


class Feed:
    """Global batches from an iterator of host batches.

    Attributes:
      iterator: of this process's rows, with `get_state` and `set_state`.
      waited: s, time spent in waiting for data so far.
    """

    # The step that runs and the one before it, whose report is still to be read.
    _KEPT = 2

    def __init__(self, data: Any, mesh: Mesh):
        """Takes a Grain dataset, or an iterator that can tell and set its position."""
        self.iterator = iter(data)
        self.waited = 0.0
        self._mesh = mesh
        self._kept: dict[int, Delivered] = collections.OrderedDict()

    def peek(self) -> Any:
        """The next batch as abstract global arrays; the position stays.

        Raises:
          ValueError: where its arrays do not share their leading axis.
          MeshError: where it cannot be dealt out to the devices.
        """
        position = self.iterator.get_state()
        host = self._next(0)
        self.iterator.set_state(position)
        size = batch_size(host) * jax.process_count()
        sharding.check_batch(self._mesh, size)
        place = sharding.batch_sharding(self._mesh)
        return jax.tree.map(
            lambda x: jax.ShapeDtypeStruct(
                (size, *x.shape[1:]),
                jax.dtypes.canonicalize_dtype(x.dtype),
                sharding=place,
            ),
            host,
        )

    def take(self, step: int) -> Any:
        """The batch of a step as global arrays."""
        position = self.iterator.get_state()
        start = time.perf_counter()
        host = self._next(step)
        self.waited += time.perf_counter() - start
        self._kept[step] = Delivered(position, host)
        while len(self._kept) > self._KEPT:
            self._kept.pop(next(iter(self._kept)))
        return sharding.global_batch(self._mesh, host)

    def _next(self, step):
        try:
            return next(self.iterator)
        except StopIteration:
            raise ValueError(
                f"the data ended before step {step}; give batches without end, as "
                "training.data.batches does"
            ) from None

    def rewind(self, step: int) -> Any:
        """Sets the iterator before the batch of a recent step, and returns that batch.

        The batch comes as global arrays.
        """
        position, host = self._kept[step]
        self.iterator.set_state(position)
        return sharding.global_batch(self._mesh, host)


def batch_size(batch: Any) -> int:
    """Examples of a batch, all whose arrays have them along the leading axis.

    Raises:
      ValueError: where its arrays do not share their leading axis.
    """
    sizes = {
        jax.tree_util.keystr(path): np.shape(leaf)[:1]
        for path, leaf in jax.tree_util.tree_leaves_with_path(batch)
    }
    if len(set(sizes.values())) != 1 or () in sizes.values():
        raise ValueError(f"the batch's arrays differ in their leading axis: {sizes}")
    return next(iter(sizes.values()))[0]
