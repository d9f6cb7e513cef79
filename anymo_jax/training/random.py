"""Random keys by purpose: the root key folded with a name, then with the step."""

import dataclasses
import zlib

import jax
import numpy as np


@dataclasses.dataclass(frozen=True)
class StepStreams:
    """The keys of one step; an implementation of `task.Streams`.

    A key depends on the root, the name and the step only: neither on the order in which
    keys are asked for, nor on the number of devices.

    Attributes:
      root: () typed key, `jax.random.key(seed)` of the run.
      step: () int32, steps done before this one.
    """

    root: jax.Array
    step: jax.Array | np.ndarray | int

    def __call__(self, name: str) -> jax.Array:
        """The key of a purpose at this step, () typed key."""
        return jax.random.fold_in(stream(self.root, name), self.step)


def stream(root: jax.Array, name: str) -> jax.Array:
    """The key of a purpose, () typed key, for what happens once in a run.

    Args:
      root: () typed key.
      name: the purpose. Its CRC-32 is folded in, for `hash` differs between processes.
    """
    return jax.random.fold_in(root, np.uint32(zlib.crc32(name.encode())))
