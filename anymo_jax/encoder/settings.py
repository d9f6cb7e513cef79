"""What a recipe of configs/encoder.py, or its config.json, says of the encoder."""

from typing import Any

from anymo_jax.encoder.config import EncoderConfig, PredictorConfig
from anymo_jax.encoder.task import EncoderRecipe
from anymo_jax.training.settings import build, given
from anymo_jax.views.settings import view_options


def encoder_config(config: Any) -> EncoderConfig:
    """Sizes of the encoder.

    Raises:
      ValueError: naming the field that is missing or does not fit.
    """
    norm_updates = given(config, "norm_updates")
    found = dict(given(config, "encoder"), norm_updates=norm_updates)
    return build(EncoderConfig, found, "config.encoder")


def encoder_recipe(config: Any) -> EncoderRecipe:
    """What is pre-trained, and how; errors as `encoder_config` and `view_options`."""
    encoder = encoder_config(config)
    predictor = dict(
        given(config, "predictor"), width=encoder.width, dtype=encoder.dtype
    )
    return EncoderRecipe(
        encoder=encoder,
        predictor=build(PredictorConfig, predictor, "config.predictor"),
        views=view_options(config),
        fixed_views=given(config, "views.fixed"),
        objective=given(config, "objective"),
        temperature=given(config, "temperature"),
        same_text_negatives=given(config, "same_text_negatives"),
    )
