"""How a stage is fitted, and what the loop asks of a store of checkpoints."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from anymo_jax.training.sharding import MeshShape


@runtime_checkable
class CheckpointStore(Protocol):
    """Where states are kept, each with the position in the data."""

    def restore(self, abstract_state: Any, data_iterator: Any) -> Any:
        """(step, state) of the newest sound checkpoint, the iterator set; or None."""
        ...

    def save(
        self,
        step: int,
        state: Any,
        data_iterator: Any,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Begins to save."""
        ...

    def wait(self) -> None:
        """Returns once everything is saved."""
        ...


@dataclasses.dataclass(frozen=True)
class FitOptions:
    """How a stage is fitted, besides its data and optimiser.

    Attributes:
      steps: in all, those before a resume included.
      seed: of everything random in the run but the order of the data.
      log_every: steps from row to row.
      checkpoint_every: steps; 0 saves at the end only.
      validate_every: steps; 0 validates at the end only. Validated steps are saved too.
      ema_decay: of a moving average of the params, for validation and export; None
        keeps none.
      mesh: devices along the mesh axes.
      profile: first and last step to trace, or None.
      peak_flops: FLOP/s of one device, where its kind is not in `flops.PEAKS`.

    Raises:
      ValueError: for a number out of its range.
    """

    steps: int
    seed: int = 0
    log_every: int = 50
    checkpoint_every: int = 1000
    validate_every: int = 0
    ema_decay: float | None = None
    mesh: MeshShape = dataclasses.field(default_factory=MeshShape)
    profile: tuple[int, int] | None = None
    peak_flops: float | None = None

    def __post_init__(self) -> None:
        """Refuses what makes no sense."""
        for name in ("steps", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} = {getattr(self, name)}; give at least 1")
        for name in ("checkpoint_every", "validate_every"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"{name} = {getattr(self, name)}; give 0 for at the end only"
                )
        if self.ema_decay is not None and not 0 <= self.ema_decay < 1:
            raise ValueError(
                f"ema_decay = {self.ema_decay}; give a number in [0, 1), or None"
            )
