"""What a recipe of configs/tokenizer.py, or its config.json, says of the tokenizer."""

from typing import Any

from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.training.settings import build, given


def tokenizer_config(config: Any, latent: int) -> TokenizerConfig:
    """Sizes and rates of the tokenizer.

    Args:
      config: of the run or recipe.
      latent: width of the encoder that it was trained on.

    Raises:
      ValueError: naming the field that is missing or does not fit.
    """
    found = dict(given(config, "tokenizer"), latent=latent)
    return build(TokenizerConfig, found, "config.tokenizer")
