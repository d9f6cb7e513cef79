"""What a stage of learning is: three pure functions and what they are given.

A learning room builds a `Task` in its `task.py`; `training.loop.fit` is the only loop.
Nothing here knows what is learnt.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax

# Terms of a loss by name, each (sum, count): the mean is sum / count, so that means
# stay right when examples are masked, sharded or accumulated. `OBJECTIVE` is minimised,
# the others are told.
Terms = Mapping[str, tuple[jax.Array, jax.Array]]
OBJECTIVE = "loss"


class Variables(NamedTuple):
    """What a model consists of.

    Attributes:
      params: leaves that the optimiser changes.
      collections: by name, leaves that a loss updates itself (running averages,
        codebooks); an empty dict where there are none.
    """

    params: Any
    collections: Any


@runtime_checkable
class Streams(Protocol):
    """Random keys by purpose.

    `streams("views")` is the key of that purpose at this step: the run's root key
    folded with the name, then with the step. A further purpose disturbs no other.
    """

    def __call__(self, name: str) -> jax.Array:
        """The key of a purpose."""
        ...


@dataclasses.dataclass(frozen=True)
class Task:
    """A stage of learning, as pure functions that run under jit on global arrays.

    Attributes:
      init: (key, given) -> Variables. Fresh variables, or those `given` to start from.
      loss: (variables, given, batch, streams) -> (terms, collections). The terms of one
        batch, `OBJECTIVE` among them, and the new collections.
      predict: (variables, given, batch, streams) -> any pytree of arrays, for
        validation; changes nothing.
      axes: () -> pytree like the params, each leaf a tuple with one logical axis name
        or None per dimension; None replicates everything.
      given: arrays that the functions need and nobody trains, such as the variables of
        an earlier stage. They are placed on the mesh once and never saved.
    """

    init: Callable[[jax.Array, Any], Variables]
    loss: Callable[[Variables, Any, Any, Streams], tuple[Terms, Any]]
    predict: Callable[[Variables, Any, Any, Streams], Any]
    axes: Callable[[], Any] | None = None
    given: Any = ()
