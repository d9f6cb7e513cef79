"""The optimiser of a recipe, from optax: AdamW, a schedule, clipping."""

import dataclasses
from typing import Any, Literal

import jax
import optax


@dataclasses.dataclass(frozen=True)
class OptimiserOptions:
    """AdamW and its schedule; the defaults are the paper's (A.3).

    Attributes:
      learning_rate: the largest.
      schedule: "constant", or "cosine" down to `final_fraction` of it at the last step.
      warmup: steps of linear rise from zero.
      final_fraction: of the learning rate, where a cosine ends.
      weight_decay: decoupled; biases, gains and other vectors are never decayed.
      clip_norm: of the gradient over all parameters; 0 is none.
      b1, b2, eps: of Adam.
    """

    learning_rate: float = 3e-4
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 0
    final_fraction: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    b1: float = 0.9
    b2: float = 0.999
    eps: float = 1e-8


def learning_rate(options: OptimiserOptions, steps: int) -> optax.Schedule:
    """The learning rate by step.

    Raises:
      ValueError: for a warm-up that leaves no step for the rest.
    """
    if options.warmup >= steps:
        raise ValueError(
            f"optimiser.warmup = {options.warmup} is not below steps = {steps}; "
            "shorten the warm-up or train longer"
        )
    if options.schedule == "constant":
        after = optax.constant_schedule(options.learning_rate)
    else:
        after = optax.cosine_decay_schedule(
            options.learning_rate, steps - options.warmup, options.final_fraction
        )
    if not options.warmup:
        return after
    rise = optax.linear_schedule(0.0, options.learning_rate, options.warmup)
    return optax.join_schedules([rise, after], [options.warmup])


def make_optimiser(
    options: OptimiserOptions, steps: int
) -> optax.GradientTransformation:
    """The optimiser of a run of `steps` steps."""
    adamw = optax.adamw(
        learning_rate(options, steps),
        b1=options.b1,
        b2=options.b2,
        eps=options.eps,
        weight_decay=options.weight_decay,
        mask=_matrices,
    )
    if not options.clip_norm:
        return adamw
    return optax.chain(optax.clip_by_global_norm(options.clip_norm), adamw)


def _matrices(params: Any) -> Any:
    """True for the leaves that are decayed."""
    return jax.tree.map(lambda leaf: leaf.ndim > 1, params)
