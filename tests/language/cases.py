"""Tiny frozen stages and motion that the tests of this room share."""

import jax

from anymo_jax import tokenizer
from anymo_jax.encoder import EncoderConfig
from anymo_jax.encoder import init as init_encoder
from anymo_jax.language.code_stream import Frozen
from anymo_jax.tokenizer import TokenizerConfig
from anymo_jax.tokenizer.task import TokenizerRecipe
from anymo_jax.views import ViewOptions
from tests.views.bodies import BODY, PRIORS, batch, moving_window

SOURCE = TokenizerRecipe(
    TokenizerConfig(
        latent=8, bottleneck=4, entries=16, decoder_width=8, dilations=(1,)
    ),
    EncoderConfig(channels=(4, 8), strides=(4, 4)),
    ViewOptions(device=None),
)


def frozen_stages():
    """Random variables of the stages, and the bodies of the views."""
    return Frozen(
        encoder=init_encoder(jax.random.key(0), SOURCE.encoder),
        tokenizer=tokenizer.init(jax.random.key(1), SOURCE.tokenizer),
        body=BODY,
        priors=PRIORS,
    )


def motion_batch(lengths):
    """Moving windows of these lengths."""
    return batch([moving_window(n, index=i) for i, n in enumerate(lengths)])
