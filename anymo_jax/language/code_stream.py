"""Code tokens of fresh sparse views, made inside the step by the frozen first stages.

    window -> sparse view -> encoder -> projection, nearest codes -> interleaved stream

The paper exports every window's stream once (A.4). Here a window's setup is drawn anew
each time it is read, so that the variety of setups reaches the language model;
The recipe's `fixed_views` draws it once per window, which is the paper's export.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from anymo_jax.simulation.noise_priors import NoisePriors
from anymo_jax.tokenizer.model import project
from anymo_jax.tokenizer.quantizer import nearest_codes
from anymo_jax.tokenizer.task import TokenizerRecipe, draw_latents
from anymo_jax.views.placements import BodyTables


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Frozen:
    """Arrays of the frozen stages, as a task's given.

    Attributes:
      encoder: variables of the encoder.
      tokenizer: {"params": ..., "codebook": ...}.
      body: tables of the candidate placements.
      priors: hardware priors of the device noise.
    """

    encoder: dict
    tokenizer: dict
    body: BodyTables
    priors: NoisePriors


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class CodeStream:
    """Interleaved codes of a batch, and the nodes that they were read from.

    Attributes:
      codes: (B, G L) int32, code k of codebook g as g K + k; anything beyond `count`.
      count: (B,) int32, G times the window's latent steps.
      visible: (B, 23) bool, nodes that carry a sensor.
    """

    codes: jax.Array | np.ndarray
    count: jax.Array | np.ndarray
    visible: jax.Array | np.ndarray


def draw_codes(
    source: TokenizerRecipe, frozen: Frozen, batch: dict, key: Array
) -> CodeStream:
    """One sparse view of every window, as code tokens.

    Args:
      source: sizes of the frozen stages, and the views.
      frozen: what does not learn.
      batch: as of `motion.windows.MotionWindows`, with "visible" and "mirrored" where
        its texts hang on them; other entries are left alone.
      key: of the step's views.
    """
    given = (frozen.encoder, frozen.body, frozen.priors)
    latent, view = draw_latents(source, *given, batch, key)
    with jax.named_scope("tokenizer"):
        config = source.tokenizer
        chunks = project(frozen.tokenizer["params"], config, latent)
        codes = nearest_codes(chunks, frozen.tokenizer["codebook"]["embedding"])
        codes = codes + config.entries * jnp.arange(config.codebooks)[None, None]
    stream = CodeStream(
        codes=codes.reshape(len(codes), -1),
        count=config.codebooks * source.encoder.latent_length(view.length),
        visible=view.visible,
    )
    return jax.lax.stop_gradient(stream)
