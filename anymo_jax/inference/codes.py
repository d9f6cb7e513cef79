"""Views to code tokens, codes and prompts to the joint space: the compiled programs.

    view -> encoder -> projection, nearest codes -> interleaved stream
    prompt with the stream -> language model -> pooler, head -> unit vector

The same functions as in training (`language.forward`), on views as they are.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.body.view import View
from anymo_jax.encoder import EncoderConfig, STGCNEncoder
from anymo_jax.inference.sizes import Sizes
from anymo_jax.language import forward
from anymo_jax.language.code_stream import CodeStream
from anymo_jax.language.splice import Part, splice
from anymo_jax.tokenizer.model import project
from anymo_jax.tokenizer.quantizer import nearest_codes


class Weights(NamedTuple):
    """Arrays of all models.

    Attributes:
      encoder: {"params": ..., "batch_stats": ...}.
      tokenizer: {"params": ..., "codebook": ...}.
      language: {"qwen", "imu", "joint"}.
    """

    encoder: dict
    tokenizer: dict
    language: dict

    @property
    def codebook(self) -> jax.Array | np.ndarray:
        """(G, K, C) code vectors."""
        return self.tokenizer["codebook"]["embedding"]


@functools.partial(jax.jit, static_argnames="sizes")
def code_stream(sizes: Sizes, weights: Weights, view: View) -> CodeStream:
    """Interleaved codes of a batch of views."""
    seen = (view.signal, view.visible, view.channel_valid, view.length)
    latent = STGCNEncoder(sizes.encoder).apply(weights.encoder, *seen)
    tokenizer = sizes.tokenizer
    chunks = project(weights.tokenizer["params"], tokenizer, latent)
    codes = nearest_codes(chunks, weights.codebook)
    codes = codes + tokenizer.entries * jnp.arange(tokenizer.codebooks)[None, None]
    return CodeStream(
        codes=codes.reshape(len(codes), -1),
        count=tokenizer.codebooks * sizes.encoder.latent_length(view.length),
        visible=view.visible,
    )


@functools.partial(jax.jit, static_argnames="encoder")
def mean_latents(
    encoder: EncoderConfig, variables: dict, view: View
) -> Float[Array, "B D"]:
    """The encoder's latents of a batch of views, averaged over each view's steps."""
    seen = (view.signal, view.visible, view.channel_valid, view.length)
    latent = STGCNEncoder(encoder).apply(variables, *seen)
    steps = encoder.latent_length(view.length)
    valid = jnp.arange(latent.shape[1])[None] < steps[:, None]
    return jnp.where(valid[..., None], latent, 0).sum(axis=1) / steps[:, None]


@functools.partial(jax.jit, static_argnames="sizes")
def motion_vectors(
    sizes: Sizes, weights: Weights, stream: CodeStream, before: Part, after: Part
) -> Float[Array, "B J"]:
    """Unit vectors of code streams between the two sides of their prompts."""
    parts = forward.code_prompt(sizes.language.vocabulary, stream, before, after)
    return forward.motion_vectors(_reader(sizes, weights), splice(parts), 0)


@functools.partial(jax.jit, static_argnames="sizes")
def text_vectors(sizes: Sizes, weights: Weights, batch: dict) -> Float[Array, "B J"]:
    """Unit vectors of texts.

    Args:
      sizes: static.
      weights: of all models.
      batch: "text", "text_length", "text_span" and "text_prompted", or "text_vector",
        as those of a narration in `language.source.InstructionWindows`.
    """
    return forward.text_vectors(_reader(sizes, weights), batch, "text", 0)


def _reader(sizes: Sizes, weights: Weights) -> forward.Reader:
    language = weights.language
    return forward.prepare(language, sizes.language, weights.codebook, sizes.joint)
