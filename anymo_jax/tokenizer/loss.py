"""The tokenizer's objective (paper, Eq. 4).

    L_com = sum_j P / (T' d) sum_l || z_{l,j} - sg(e_{j, kappa_{l,j}}) ||^2
    L_tok = SmoothL1(reconstruction, latent) + lambda_com L_com

P is our G. d is read as the width of the projected latent (elsewhere in the paper with
a bar): G / (T' d) then makes the inner sum a mean over steps and over the C = d / G
numbers of a chunk, as the official code has it; the encoder's d would give half that.
"""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float

from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.model import Tokenized

Terms = dict[str, tuple[Array, Array]]


def tokenizer_loss(
    latent: Float[Array, "B L D"], tokenized: Tokenized, config: TokenizerConfig
) -> Terms:
    """Terms by name, each (sum, count) over valid steps.

    "loss" is to be minimised; "reconstruction" and "commitment" are its parts, the
    latter before its weight. The latent is frozen: no gradient passes to it.
    """
    with jax.named_scope("tokenizer_loss"):
        latent = jax.lax.stop_gradient(latent)
        reconstruction = smooth_l1(tokenized.reconstruction, latent).mean(axis=-1)
        commitment = commitment_distance(tokenized.chunks, tokenized.vectors)
        total = reconstruction + config.commitment * commitment
        parts = {
            "loss": total,
            "reconstruction": reconstruction,
            "commitment": commitment,
        }
        return {name: _summed(part, tokenized.valid) for name, part in parts.items()}


def smooth_l1(
    prediction: Float[Array, "*B"], target: Float[Array, "*B"]
) -> Float[Array, "*B"]:
    """x^2 / 2 below a distance of 1, |x| - 1/2 above: Huber's loss with delta 1."""
    return optax.losses.huber_loss(prediction, target, delta=1.0)


def commitment_distance(
    chunks: Float[Array, "B L G C"], vectors: Float[Array, "B L G C"]
) -> Float[Array, "B L"]:
    """Mean squared distance to the code vectors, summed over the codebooks."""
    squared = (chunks - jax.lax.stop_gradient(vectors)) ** 2
    return squared.mean(axis=-1).sum(axis=-1)


def _summed(
    per_step: Float[Array, "B L"], valid: Bool[Array, "B L"]
) -> tuple[Array, Array]:
    return jnp.sum(jnp.where(valid, per_step, 0)), jnp.sum(valid.astype(jnp.float32))
