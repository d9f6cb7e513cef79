"""Losses of the language stages, each as (sum, count) (section 3.3).

    L_CE    = -log p(s_r | s_<r)                          over the tokens to learn
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


def learnt_tokens(
    hidden: Float[Array, "B L D"],
    tokens: Int[Array, "B L"],
    learnt: Bool[Array, "B L"],
    size: int,
) -> tuple[Float[Array, "B S D"], Int[Array, "B S"], Bool[Array, "B S"]]:
    """States that predict the learnt tokens, these tokens, and which of them are real.

    Prompts are long and answers short: logits of the whole row, the costliest product
    of a small model and the largest array of any, are never made.

    Args:
      hidden: states of the row.
      tokens: ids.
      learnt: targets; the first token of a row has nothing before it and never counts.
      size: S, learnt tokens of a row at most; further ones fall away.
    """
    learnt = learnt.at[:, 0].set(False)
    place = jnp.argsort(~learnt, axis=1, stable=True)[:, :size]
    before = jnp.maximum(place - 1, 0)[..., None]
    return (
        jnp.take_along_axis(hidden, before, axis=1),
        jnp.take_along_axis(tokens, place, axis=1),
        jnp.take_along_axis(learnt, place, axis=1),
    )


def token_losses(
    logits: Float[Array, "B S V"],
    targets: Int[Array, "B S"],
    real: Bool[Array, "B S"],
) -> tuple[Float[Array, "B"], Float[Array, "B"]]:
    """Cross-entropy of each row's real targets, summed, and how many these are.

    Args:
      logits: for each target.
      targets: ids below V wherever real.
      real: the others may have any id.
    """
    with jax.named_scope("token_losses"):
        losses = optax.softmax_cross_entropy_with_integer_labels(
            logits.astype(jnp.float32), targets
        )
        # Selected, not multiplied: what is not real may give NaN.
        losses = jnp.where(real, losses, 0)
        return jnp.sum(losses, axis=1), jnp.sum(real, axis=1, dtype=jnp.float32)


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


def nearest_text(
    imu: Float[Array, "B J"], text: Float[Array, "B J"], texts: _Ids
) -> Term:
    """How many examples are nearest to a text that is theirs, and their number.

    Args:
      imu, text: unit vectors.
      texts: id of each example's text.
    """
    texts = jnp.asarray(texts)
    right = texts[jnp.argmax(imu @ text.T, axis=1)] == texts
    return jnp.sum(right, dtype=jnp.float32), jnp.float32(len(right))


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
