"""Learned tokens before a text: a context that the contrast writes (section 3.3, E.1).

Narrations and labels share one prompt of 8 vectors, where their wording has it: the
fixed wordings of Table 10 do not. The vectors take part in attention and are
left out of pooling, so that they are learnt only through what they do to the words.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

# Logical axes of the prompt.
SOFT_PROMPT_AXES = (None, "embed")
_SCALE = 0.02


class Prompted(NamedTuple):
    """A batch of texts behind the prompt; P tokens longer.

    Attributes:
      embeddings: (B, P + L, D), to the language model.
      mask: (B, P + L) bool, real tokens, the prompt's among them of texts that have it.
      span: (B, P + L) bool, tokens to pool, none of the prompt's.
    """

    embeddings: jax.Array
    mask: jax.Array
    span: jax.Array


def init_soft_prompt(
    key: Key[Array, ""], width: int, tokens: int = 8
) -> Float[Array, "P D"]:
    """Normal draws with a standard deviation of 0.02.

    Raises:
      ValueError: for no tokens; leave the prompt out instead.
    """
    if tokens < 1:
        raise ValueError(
            f"soft prompt tokens is {tokens}; give at least 1, or none of the prompt"
        )
    return _SCALE * jax.random.normal(key, (tokens, width))


def prepend(
    prompt: Float[Array, "P D"],
    embeddings: Float[Array, "B L D"],
    mask: Bool[Array, "B L"],
    span: Bool[Array, "B L"],
    prompted: Bool[Array, "B"],
) -> Prompted:
    """The prompt before each text that has one; before the others it is padding.

    Padding may stand anywhere: positions count real tokens only, so that it moves
    nothing, and texts with and without the prompt share a batch.

    Args:
      prompt: learned vectors.
      embeddings: of the texts, whose dtype the result has.
      mask: real tokens.
      span: tokens to pool.
      prompted: which texts have the prompt.
    """
    ahead = (len(embeddings), len(prompt))
    learned = jnp.broadcast_to(
        prompt.astype(embeddings.dtype)[None], (*ahead, embeddings.shape[-1])
    )
    return Prompted(
        jnp.concatenate([learned, embeddings], axis=1),
        jnp.concatenate([jnp.broadcast_to(prompted[:, None], ahead), mask], axis=1),
        jnp.concatenate([jnp.zeros(ahead, bool), span], axis=1),
    )
