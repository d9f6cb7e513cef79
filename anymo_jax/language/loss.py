"""Losses of the language stages, each as (sum, count) (section 3.3).

    L_CE    = -log p(s_r | s_<r)                          over tokens that have a weight
    L_ITC   = -1/2 [ log softmax_m(h_n^imu . h_m^text / tau)_n
                   + log softmax_m(h_n^text . h_m^imu / tau)_n ]                 (Eq. 5)
    L_label = -1/2 [ log sum_{p in P(n)} softmax_m(h_n^imu . h_m^label / tau)_p
                   + the same with the sides exchanged ]

P(n) are the examples whose activity label equals n's; the official code's "multi-
positive logsumexp both ways". Under jit arrays are global, and so are the negatives.
All is computed in float32. A mean is sum / max(count, 1).
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

Term = tuple[Float[Array, ""], Float[Array, ""]]
_Ids = Int[Array | np.ndarray, "B"]


def next_token_loss(
    logits: Float[Array, "B L V"],
    tokens: Int[Array, "B L"],
    weights: Float[Array, "B L"] | Bool[Array, "B L"],
) -> Term:
    """Cross-entropy of each token given those before it, and the sum of the weights.

    Args:
      logits: at each token, of the next one.
      tokens: ids below V wherever there is a weight.
      weights: of each token as a target: 0 for prompt and padding. The first token of a
        row has nothing before it and never counts.
    """
    losses, counts = next_token_losses(logits, tokens, weights)
    return jnp.sum(losses), jnp.sum(counts)


def next_token_losses(
    logits: Float[Array, "B L V"],
    tokens: Int[Array, "B L"],
    weights: Float[Array, "B L"] | Bool[Array, "B L"],
) -> tuple[Float[Array, "B"], Float[Array, "B"]]:
    """The same for each row: weighted losses summed, and weights summed."""
    with jax.named_scope("next_token_loss"):
        weights = weights[:, 1:].astype(jnp.float32)
        losses = optax.softmax_cross_entropy_with_integer_labels(
            logits[:, :-1].astype(jnp.float32), tokens[:, 1:]
        )
        # Selected, not multiplied: padding may have any id, and give NaN.
        losses = jnp.where(weights > 0, weights * losses, 0)
        return jnp.sum(losses, axis=1), jnp.sum(weights, axis=1)


def contrastive_loss(
    imu: Float[Array, "B J"],
    text: Float[Array, "B J"],
    *,
    temperature: float,
    texts: _Ids | None = None,
    windows: _Ids | None = None,
    diagonal: bool = False,
) -> Term:
    """Eq. 5, summed over the examples, and their number.

    Args:
      imu, text: unit vectors; row n of one belongs to row n of the other.
      temperature: tau_ml.
      texts: id of each example's text. Examples of equal text are no negatives of each
        other; None where all differ.
      windows: id of each example's window, likewise for views of one window.
      diagonal: the paper's plain form: every other example is a negative, whatever its
        ids.
    """
    with jax.named_scope("contrastive_loss"):
        logits = _logits(imu, text, temperature)
        itself = jnp.eye(len(logits), dtype=bool)
        alike = jnp.zeros_like(itself)
        if not diagonal:
            alike = _equal(texts, itself) | _equal(windows, itself)
        candidates = itself | ~alike
        return _multi_positive(logits, itself, candidates)


def label_loss(
    imu: Float[Array, "B J"],
    label: Float[Array, "B J"],
    labels: _Ids,
    *,
    temperature: float,
) -> Term:
    """Supervised contrast of labels, summed over labelled examples, and their number.

    A batch without any label gives 0 and 0, with zero gradients.

    Args:
      imu: unit vectors.
      label: unit vectors of each example's label text; any finite ones without a label.
      labels: id of each normalised label; negative for none. Such examples are neither
        anchors nor candidates.
      temperature: tau.
    """
    with jax.named_scope("label_loss"):
        labels = jnp.asarray(labels)
        labelled = labels >= 0
        candidates = labelled[:, None] & labelled[None]
        positives = candidates & (labels[:, None] == labels[None])
        logits = _logits(imu, label, temperature)
        return _multi_positive(logits, positives, candidates)


def _logits(
    rows: Float[Array, "B J"], columns: Float[Array, "B J"], temperature: float
) -> Float[Array, "B B"]:
    product = jnp.matmul(
        rows.astype(jnp.float32),
        columns.astype(jnp.float32).T,
        precision=jax.lax.Precision.HIGHEST,
    )
    return product / temperature


def _equal(ids: _Ids | None, otherwise: Bool[Array, "B B"]) -> Bool[Array, "B B"]:
    if ids is None:
        return otherwise
    ids = jnp.asarray(ids)
    return ids[:, None] == ids[None]


def _multi_positive(
    logits: Float[Array, "B B"],
    positives: Bool[Array, "B B"],
    candidates: Bool[Array, "B B"],
) -> Term:
    """Half the sum of logsumexp(candidates) - logsumexp(positives) over both ways.

    Examples without a positive count for nothing; both masks are symmetric.
    """
    counted, ways = positives.any(axis=1), (logits, logits.T)
    # An example that does not count may be NaN here; the selection drops it, and passes
    # no gradient to logits that are masked.
    losses = [_logsumexp(way, candidates) - _logsumexp(way, positives) for way in ways]
    total = jnp.sum(jnp.where(counted, losses[0] + losses[1], 0)) / 2
    return total, jnp.sum(counted, dtype=jnp.float32)


def _logsumexp(
    logits: Float[Array, "B B"], where: Bool[Array, "B B"]
) -> Float[Array, "B"]:
    return jax.nn.logsumexp(jnp.where(where, logits, -jnp.inf), axis=1)
