"""Which of the saved steps are kept: the newest, and the best by a metric."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from orbax.checkpoint.checkpoint_managers import PreservationPolicy


class KeptSteps(PreservationPolicy):
    """Orbax's policy of what to keep.

    Its own `BestN` ranks by a file without a checksum, and Orbax does not open a folder
    where such a file is damaged; these metrics come from the manifests.

    Attributes:
      keep: newest steps that are kept.
      best: name of a metric, or None; the step where it is best is kept as well.
      mode: "max" or "min", what is best.
      metrics: by step, its metrics by name.
    """

    def __init__(self, keep: int, best: str | None, mode: str):
        """See the attributes."""
        self.keep, self.best, self.mode = keep, best, mode
        self.metrics: dict[int, Mapping[str, float]] = {}

    @property
    def ranking(self) -> tuple[str, ...]:
        """Name of the metric and mode; empty where none is kept as the best."""
        return (self.best, self.mode) if self.best is not None else ()

    def note(self, step: int, metrics: Mapping[str, float]) -> dict[str, float]:
        """Takes in the metrics of a step and returns them as plain numbers.

        Raises:
          ValueError: where there are some, but not the one that ranks.
        """
        if metrics and self.best is not None and self.best not in metrics:
            raise ValueError(
                f"best = {self.best!r} is not among the metrics {sorted(metrics)}"
            )
        self.metrics[step] = {name: float(value) for name, value in metrics.items()}
        return self.metrics[step]

    def should_preserve(
        self, checkpoints: Sequence[Any], *, context: Any
    ) -> list[bool]:
        """Whether to keep each checkpoint; they come in ascending order."""
        del context
        steps = [checkpoint.step for checkpoint in checkpoints]
        kept = set(steps[-self.keep :])
        if self.best is not None:
            known = {step: self.metrics.get(step, {}) for step in steps}
            kept.add(best_step(known, self.best, self.mode))
        return [step in kept for step in steps]


def best_step(
    metrics: Mapping[int, Mapping[str, float]], name: str, mode: str = "max"
) -> int | None:
    """The step whose metric is best, the newest of equals; None where none has it."""
    sign = 1 if mode == "max" else -1
    ranked = [
        (sign * values[name], step)
        for step, values in metrics.items()
        if math.isfinite(values.get(name, math.nan))
    ]
    return max(ranked)[1] if ranked else None
