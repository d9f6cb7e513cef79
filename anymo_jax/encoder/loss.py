"""Contrasts between latents of windows (paper, Eq. 3 and section A.8).

    s(p, z) = mean over steps l of cos(p_l, z_l)
    L = -mean over n of log( exp(s(p_n, z_n) / tau) / sum_m exp(s(p_n, z_m) / tau) )

Two windows of different length are compared over the steps valid in both; with equal
lengths this is Eq. 3 to the letter. All similarities of a batch are one matrix product.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

# Squared length below which a vector has no direction.
_SHORT = 1e-24


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Contrast:
    """What a contrast says of each example, before averaging.

    Attributes:
      loss: (B,) per example.
      top1: (B,) share of the example's directions whose match came first, 0 to 1.
    """

    loss: jax.Array
    top1: jax.Array

    @property
    def count(self) -> jax.Array:
        """() float32, examples; means are sums over it."""
        return jnp.float32(self.loss.shape[0])


def unit(x: Float[Array, "*B D"]) -> Float[Array, "*B D"]:
    """Vectors of length one; a zero vector stays zero, with zero gradient."""
    squared = jnp.sum(jnp.square(x), axis=-1, keepdims=True)
    short = squared < _SHORT
    return jnp.where(short, 0.0, x * jax.lax.rsqrt(jnp.where(short, 1.0, squared)))


def similarity(
    predicted: Float[Array, "N L D"],
    target: Float[Array, "M L D"],
    predicted_length: Int[Array | np.ndarray, "N"] | None = None,
    target_length: Int[Array | np.ndarray, "M"] | None = None,
) -> Float[Array, "N M"]:
    """Mean cosine over the steps valid in both windows, for every pair.

    Args:
      predicted, target: latents; what lies beyond the lengths is ignored.
      predicted_length, target_length: valid latent steps; None for all.
    """
    steps = predicted.shape[1]
    at, of = (
        jnp.full(len(z), steps) if length is None else jnp.asarray(length)
        for z, length in ((predicted, predicted_length), (target, target_length))
    )
    # Float32 throughout: the temperature magnifies what half precision would lose.
    rows, columns = (
        _flat_units(z.astype(jnp.float32), length)
        for z, length in ((predicted, at), (target, of))
    )
    total = jnp.matmul(rows, columns.T, precision=jax.lax.Precision.HIGHEST)
    shared = jnp.minimum(at[:, None], of[None])
    return total / jnp.maximum(shared, 1)


def info_nce(
    similarity: Float[Array, "N N"],
    *,
    temperature: float,
    text: Int[Array | np.ndarray, "N"] | None = None,
) -> Contrast:
    """Each row's cross-entropy of its own column among all columns.

    Args:
      similarity: of example n to candidate m.
      temperature: tau.
      text: id of each window's text. Windows of equal text are no negatives of each
        other; None contrasts all.
    """
    logits = similarity / temperature
    if text is not None:
        itself = jnp.eye(len(text), dtype=bool)
        alike = (text[:, None] == text[None]) & ~itself
        logits = jnp.where(alike, -jnp.inf, logits)
    own = jnp.diagonal(logits)
    loss = jax.nn.logsumexp(logits, axis=1) - own
    # A tie is no hit: constant latents must not look perfect.
    others = jnp.where(jnp.eye(len(logits), dtype=bool), -jnp.inf, logits)
    return Contrast(loss, (own > others.max(axis=1)).astype(jnp.float32))


def predictive_contrast(
    a_to_b: Float[Array, "B L D"],
    full_b: Float[Array, "B L D"],
    b_to_a: Float[Array, "B L D"],
    full_a: Float[Array, "B L D"],
    length: Int[Array | np.ndarray, "B"] | None = None,
    *,
    temperature: float = 0.1,
    text: Int[Array | np.ndarray, "B"] | None = None,
) -> Contrast:
    """The masked cross-view objective, L(A -> B) + L(B -> A) of Eq. 3.

    No gradient passes through the full-view latents.

    Args:
      a_to_b, b_to_a: predictions from the sparse view of one setup.
      full_b, full_a: full-view latents of the other setup.
      length: valid latent steps, the same in all four; None for all.
      temperature, text: as `info_nce`.
    """
    directions = []
    for predicted, full in ((a_to_b, full_b), (b_to_a, full_a)):
        target = jax.lax.stop_gradient(full)
        pairs = similarity(predicted, target, length, length)
        directions.append(info_nce(pairs, temperature=temperature, text=text))
    return _both(*directions)


def full_view_contrast(
    projected_a: Float[Array, "B L D"],
    projected_b: Float[Array, "B L D"],
    length: Int[Array | np.ndarray, "B"] | None = None,
    *,
    temperature: float = 0.1,
    text: Int[Array | np.ndarray, "B"] | None = None,
) -> Contrast:
    """The ablation of Table 4: projected full views against each other (A.8).

    Sequence-level InfoNCE both ways, with the similarity of Eq. 3; no masks, no
    predictor, and gradients through both sides.
    """
    pairs = similarity(projected_a, projected_b, length, length)
    return _both(
        info_nce(pairs, temperature=temperature, text=text),
        info_nce(pairs.T, temperature=temperature, text=text),
    )


def _both(one: Contrast, other: Contrast) -> Contrast:
    return Contrast(one.loss + other.loss, (one.top1 + other.top1) / 2)


def _flat_units(z: Float[Array, "B L D"], length: Int[Array, "B"]) -> Array:
    """Unit steps laid end to end, zero beyond the length."""
    valid = jnp.arange(z.shape[1])[None] < length[:, None]
    return jnp.where(valid[..., None], unit(z), 0).reshape(len(z), -1)
