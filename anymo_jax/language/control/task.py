"""The control as a stage of learning: Eq. 5 on latents.

Encoder, motion, texts, labels and losses are those of contrastive instruction tuning
(A.4), without codes, prompts and answers.
"""

import dataclasses
from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array

from anymo_jax.encoder.config import EncoderConfig
from anymo_jax.language.control.model import (
    ControlConfig,
    control_axes,
    init_control,
    motion_vectors,
    sentence_vectors,
)
from anymo_jax.language.loss import contrastive_loss, label_loss, nearest_text
from anymo_jax.simulation.noise_priors import NoisePriors
from anymo_jax.tokenizer.task import draw_latents
from anymo_jax.training.task import OBJECTIVE, Task, Variables
from anymo_jax.views.options import PAPER, ViewOptions
from anymo_jax.views.placements import BodyTables


@dataclasses.dataclass(frozen=True)
class ControlRecipe:
    """What is contrasted, and how.

    Attributes:
      heads: what learns.
      encoder: the frozen encoder's sizes.
      views, fixed_views: as in `tokenizer.task.TokenizerRecipe`.
      temperature: tau_ml.
      weight_text, weight_label: of the two losses; 0 leaves one out.
      diagonal: Eq. 5 to the letter: windows of one text are negatives, too.

    Raises:
      ValueError: for weights that are both zero or below, or latents that do not fit.
    """

    heads: ControlConfig
    encoder: EncoderConfig
    views: ViewOptions = PAPER
    fixed_views: bool = False
    temperature: float = 0.1
    weight_text: float = 2.0
    weight_label: float = 2.0
    diagonal: bool = False

    def __post_init__(self):
        weights = (self.weight_text, self.weight_label)
        if min(weights) < 0 or not sum(weights):
            raise ValueError(
                f"weights of text and label are {weights}: give none below zero and "
                "one above"
            )
        if not self.temperature > 0:
            raise ValueError(f"temperature = {self.temperature}; give a positive one")
        if self.heads.latent != self.encoder.width:
            raise ValueError(
                f"heads.latent = {self.heads.latent} is not the encoder's width "
                f"{self.encoder.width}"
            )


def control_task(
    recipe: ControlRecipe, encoder: dict, body: BodyTables, priors: NoisePriors
) -> Task:
    """The control as a stage; batches are those of `described.DescribedWindows`.

    Args:
      recipe: what is contrasted.
      encoder: the frozen encoder's variables.
      body: tables of the candidate placements.
      priors: hardware priors of the device noise.

    `predict` gives {"imu", "text", "label"} (B, J) unit vectors.
    """

    def predict(variables, given, batch, streams):
        latent, view = draw_latents(recipe, *given, batch, streams("views"))
        steps = recipe.encoder.latent_length(view.length)
        params, config = variables.params, recipe.heads
        return {
            "imu": motion_vectors(params, config, latent, steps),
            "text": sentence_vectors(params, config, batch["narration_vector"]),
            "label": sentence_vectors(params, config, batch["label_vector"]),
        }

    def loss(variables, given, batch, streams):
        vectors = predict(variables, given, batch, streams)
        return _terms(recipe, vectors, batch), variables.collections

    return Task(
        init=lambda key, given: Variables(init_control(key, recipe.heads), {}),
        loss=loss,
        predict=predict,
        axes=lambda: control_axes(recipe.heads),
        given=(encoder, body, priors),
    )


def _terms(recipe: ControlRecipe, vectors: Mapping[str, Array], batch: Mapping) -> dict:
    text = contrastive_loss(
        *(vectors["imu"], vectors["text"]),
        temperature=recipe.temperature,
        texts=batch["text_id"],
        windows=batch["window"],
        diagonal=recipe.diagonal,
    )
    label = label_loss(
        *(vectors["imu"], vectors["label"], batch["label_id"]),
        temperature=recipe.temperature,
    )
    total = recipe.weight_text * _mean(text) + recipe.weight_label * _mean(label)
    return {
        "text": text,
        "label": label,
        "top1": nearest_text(vectors["imu"], vectors["text"], batch["text_id"]),
        OBJECTIVE: (total, jnp.float32(1.0)),
    }


def _mean(term) -> Array:
    total, count = term
    return total / jnp.maximum(count, 1)
