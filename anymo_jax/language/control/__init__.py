"""The control: what do tokens and the language model add, or cost?

The same encoder, motion, texts and losses as in instruction tuning, and no tokens, no
language model: pooled latents are contrasted with a frozen sentence encoder's texts.

model   the two heads;  task: the stage
"""

from anymo_jax.language.control.model import (
    ControlConfig,
    LatentHead,
    control_axes,
    init_control,
    mean_and_std,
    motion_vectors,
    sentence_vectors,
)

__all__ = [
    "ControlConfig",
    "LatentHead",
    "control_axes",
    "init_control",
    "mean_and_std",
    "motion_vectors",
    "sentence_vectors",
]
