"""Tokenizer training as a stage of learning (paper, Eq. 4, A.3).

Every step draws one fresh sparse view of each window, encodes it with the frozen
encoder as at inference, and tokenizes the latent. Codebooks are a collection: no
gradient reaches them, each step updates them by moving averages over the global batch.
"""

import dataclasses
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array

from anymo_jax.body.view import View
from anymo_jax.encoder.config import EncoderConfig
from anymo_jax.encoder.model import STGCNEncoder
from anymo_jax.simulation.noise_priors import NoisePriors
from anymo_jax.tokenizer import model
from anymo_jax.tokenizer.codebook import update_codebook
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.loss import tokenizer_loss
from anymo_jax.training.task import Streams, Task, Variables
from anymo_jax.views.options import PAPER, ViewOptions
from anymo_jax.views.paired import sparse_view_batch
from anymo_jax.views.placements import BodyTables


@dataclasses.dataclass(frozen=True)
class TokenizerRecipe:
    """What is trained on whose latents.

    Attributes:
      tokenizer: sizes and rates.
      encoder: the frozen encoder's.
      views: how windows become sparse views.
      fixed_views: draw the view of a window once and only its mask anew.
    """

    tokenizer: TokenizerConfig = dataclasses.field(default_factory=TokenizerConfig)
    encoder: EncoderConfig = dataclasses.field(default_factory=EncoderConfig)
    views: ViewOptions = PAPER
    fixed_views: bool = False

    def __post_init__(self):
        if self.tokenizer.latent != self.encoder.width:
            raise ValueError(
                f"tokenizer.latent = {self.tokenizer.latent} is not the encoder's "
                f"latent width {self.encoder.width}; they were not trained together"
            )


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class CodedLatents:
    """A batch as the tokenizer sees and codes it, for validation.

    Attributes:
      latent: (B, L, D) of the frozen encoder.
      reconstruction: (B, L, D).
      codes: (B, L, G) int32.
      length: (B,) valid latent steps.
    """

    latent: jax.Array | np.ndarray
    reconstruction: jax.Array | np.ndarray
    codes: jax.Array | np.ndarray
    length: jax.Array | np.ndarray


def tokenizer_task(
    recipe: TokenizerRecipe, encoder: dict, body: BodyTables, priors: NoisePriors
) -> Task:
    """The stage; batches are those of `motion.windows.MotionWindows`.

    Args:
      recipe: sizes and views.
      encoder: the frozen encoder's variables.
      body: tables of the candidate placements.
      priors: hardware priors of the device noise.
    """
    config = recipe.tokenizer

    def loss(variables, given, batch, streams):
        latent, length = _latents(recipe, given, batch, streams)
        codebook = variables.collections["codebook"]
        coded = model.tokenize(variables.params, codebook, config, latent, length)
        terms = tokenizer_loss(latent, coded, config)
        with jax.named_scope("codebook"):
            shape = (config.codebooks, config.code_width)
            codebook = update_codebook(
                codebook,
                jax.lax.stop_gradient(coded.chunks).reshape(-1, *shape),
                coded.codes.reshape(-1, config.codebooks),
                coded.valid.reshape(-1),
                streams("codebook"),
                config,
            )
        return terms, {"codebook": codebook}

    def predict(variables, given, batch, streams):
        latent, length = _latents(recipe, given, batch, streams)
        codebook = variables.collections["codebook"]
        coded = model.tokenize(variables.params, codebook, config, latent, length)
        return CodedLatents(latent, coded.reconstruction, coded.codes, length)

    return Task(
        init=lambda key, given: _init(config, key),
        loss=loss,
        predict=predict,
        axes=lambda: model.axes(config),
        given=(encoder, body, priors),
    )


@runtime_checkable
class LatentSource(Protocol):
    """What says how windows become latents: any recipe on a frozen encoder.

    Attributes:
      encoder, views, fixed_views: as in `TokenizerRecipe`.
    """

    encoder: EncoderConfig
    views: ViewOptions
    fixed_views: bool


def draw_latents(
    recipe: LatentSource,
    encoder: dict,
    body: BodyTables,
    priors: NoisePriors,
    batch: Mapping,
    key: Array,
) -> tuple[Array, View]:
    """Latents (B, L, D) of one sparse view of each window, and the views.

    Args:
      recipe: sizes and views.
      encoder: the frozen encoder's variables.
      body, priors: of the views.
      batch: of motion windows.
      key: of the step's views.
    """
    fixed = jax.random.key(0) if recipe.fixed_views else None
    with jax.named_scope("views"):
        view = sparse_view_batch(key, batch, body, priors, recipe.views, fixed)
    with jax.named_scope("encoder"):
        seen = (view.signal, view.visible, view.channel_valid, view.length)
        latent = STGCNEncoder(recipe.encoder).apply(encoder, *seen)
    return jax.lax.stop_gradient(latent), view


def tokenizer_variables(variables: Variables) -> dict:
    """{"params", "codebook"}, as what codes latents takes them."""
    return {"params": variables.params, **variables.collections}


def _init(config: TokenizerConfig, key) -> Variables:
    variables = model.init(key, config)
    return Variables(variables["params"], {"codebook": variables["codebook"]})


def _latents(recipe: TokenizerRecipe, given, batch, streams: Streams):
    """Latents of fresh sparse views, and their valid steps."""
    latent, view = draw_latents(recipe, *given, batch, streams("views"))
    return latent, recipe.encoder.latent_length(view.length)
