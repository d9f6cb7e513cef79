"""Losses against NumPy in float64, and their gradients by finite differences."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language import loss
from anymo_jax.training.sharding import MeshShape, batch_sharding, make_mesh

TAU = 0.05
TEXTS = np.array([4, 2, 4, 7, 2, 9, 1, 0])
WINDOWS = np.array([0, 1, 2, 1, 3, 4, 5, 6])
# Two share a label, as do three; two have none.
LABELS = np.array([3, -1, 5, 3, 5, 5, 1, -1])


def units(seed, batch=8, width=5):
    x = np.random.default_rng(seed).normal(size=(batch, width))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def reference_contrast(imu, text, texts=None, windows=None):
    """Eq. 5 pair by pair; examples alike in text or window are passed over."""
    pairs, total = imu @ text.T / TAU, 0.0
    for n in range(len(pairs)):
        kept = [
            m
            for m in range(len(pairs))
            if m == n
            or not any(ids is not None and ids[m] == ids[n] for ids in (texts, windows))
        ]
        for way in (pairs, pairs.T):
            total -= np.log(np.exp(way[n, n]) / np.exp(way[n, kept]).sum()) / 2
    return total


def reference_label(imu, label, labels):
    """Multi-positive logsumexp both ways, among those that have a label."""
    pairs, total = imu @ label.T / TAU, 0.0
    labelled = [n for n in range(len(pairs)) if labels[n] >= 0]
    for n in labelled:
        alike = [m for m in labelled if labels[m] == labels[n]]
        for way in (pairs, pairs.T):
            share = np.exp(way[n, alike]).sum() / np.exp(way[n, labelled]).sum()
            total -= np.log(share) / 2
    return total


def reference_tokens(hidden, head, tokens, learnt):
    """Cross-entropy of each learnt token under the state before it, row by row."""
    totals = np.zeros(len(tokens))
    for b, r in np.ndindex(*tokens.shape):
        if r and learnt[b, r]:
            row = hidden[b, r - 1] @ head
            p = np.exp(row[tokens[b, r]]) / np.exp(row).sum()
            totals[b] -= np.log(p)
    return totals


contrast = jax.jit(loss.contrastive_loss, static_argnames=("temperature", "diagonal"))
label_loss = jax.jit(loss.label_loss, static_argnames="temperature")


def as_jax(*arrays):
    return [jnp.asarray(x, jnp.float32) for x in arrays]


@pytest.mark.parametrize("texts", [None, TEXTS], ids=["", "texts"])
@pytest.mark.parametrize("windows", [None, WINDOWS], ids=["", "windows"])
def test_the_contrast_is_eq_5_less_what_is_alike(texts, windows):
    imu, text = units(0), units(1)
    given = {"temperature": TAU, "texts": texts, "windows": windows}
    total, count = contrast(*as_jax(imu, text), **given)
    np.testing.assert_allclose(
        total, reference_contrast(imu, text, texts, windows), rtol=1e-5
    )
    assert count == 8
    plain, _ = contrast(*as_jax(imu, text), **given, diagonal=True)
    np.testing.assert_allclose(plain, reference_contrast(imu, text), rtol=1e-5)


def test_labels_count_all_their_equals_as_positive():
    imu, label = units(0), units(1)
    total, count = label_loss(*as_jax(imu, label), LABELS, temperature=TAU)
    np.testing.assert_allclose(total, reference_label(imu, label, LABELS), rtol=1e-5)
    assert count == 6


def test_examples_without_label_reach_nothing():
    imu, label = as_jax(units(0), units(1))

    @jax.jit
    @jax.grad
    def gradient(both):
        return loss.label_loss(*both, LABELS, temperature=TAU)[0]

    for x in gradient((imu, label)):
        np.testing.assert_array_equal(np.asarray(x)[LABELS < 0], 0)
        assert (np.abs(np.asarray(x)[LABELS >= 0]).max(axis=1) > 1e-4).all()


def test_a_batch_without_any_label_is_nothing_and_not_nan():
    imu, label = as_jax(units(0), np.zeros((8, 5)))
    none = np.full(8, -1)

    def total(imu, label):
        return loss.label_loss(imu, label, none, temperature=TAU)

    gradients, count = jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))(
        imu, label
    )
    value, _ = label_loss(imu, label, none, temperature=TAU)
    assert value == 0 and count == 0
    for x in gradients:
        np.testing.assert_array_equal(x, 0)


def token_case(vocabulary=7, width=4):
    rng = np.random.default_rng(3)
    hidden = rng.normal(size=(3, 5, width)).astype(np.float32).astype(np.float64)
    head = rng.normal(size=(width, vocabulary)).astype(np.float32).astype(np.float64)
    tokens = rng.integers(0, vocabulary, (3, 5))
    learnt = np.array([[1, 0, 1, 1, 0], [1, 1, 1, 0, 1], [0, 0, 0, 0, 0]], bool)
    return hidden, head, tokens, learnt


@functools.partial(jax.jit, static_argnames="size")
def learnt_losses(hidden, head, tokens, learnt, size=5):
    states, targets, real = loss.learnt_tokens(hidden, tokens, learnt, size)
    return loss.token_losses(states @ head, targets, real)


@pytest.mark.parametrize("size", [3, 5])
def test_learnt_tokens_are_told_by_the_states_before_them(size):
    hidden, head, tokens, learnt = token_case()
    # Padding may have any id, and states there need not be finite.
    odd, wild = np.where(learnt, tokens, -100), hidden.copy()
    wild[2] = np.nan
    rows, counts = learnt_losses(
        *as_jax(wild, head), jnp.asarray(odd), jnp.asarray(learnt), size=size
    )
    expected = reference_tokens(hidden, head, tokens, learnt)
    np.testing.assert_allclose(rows, expected, rtol=1e-6)
    np.testing.assert_array_equal(counts, [2, 3, 0])
    assert rows[2] == 0 and expected[:2].min() > 1


def test_half_precision_is_summed_in_float32():
    """A thousand equal logits: bfloat16 sums would stop at 256."""
    logits = jnp.zeros((1, 1, 1000), jnp.bfloat16)
    target = jnp.zeros((1, 1), int)
    rows, _ = jax.jit(loss.token_losses)(logits, target, target == 0)
    assert rows.dtype == jnp.float32
    np.testing.assert_allclose(rows, np.log(1000), rtol=1e-6)
    imu, text = (jnp.asarray(x, jnp.bfloat16) for x in (units(2), units(3)))
    total, _ = contrast(imu, text, temperature=TAU)
    expected = reference_contrast(*(np.asarray(x, np.float64) for x in (imu, text)))
    np.testing.assert_allclose(total, expected, rtol=1e-5)


CASES = {
    "contrast": (
        lambda x, y: loss.contrastive_loss(
            x, y, temperature=TAU, texts=TEXTS, windows=WINDOWS
        )[0],
        lambda x, y: reference_contrast(x, y, TEXTS, WINDOWS),
    ),
    "label": (
        lambda x, y: loss.label_loss(x, y, LABELS, temperature=TAU)[0],
        lambda x, y: reference_label(x, y, LABELS),
    ),
}


@pytest.mark.parametrize(("found", "reference"), CASES.values(), ids=CASES)
def test_gradients_by_finite_differences(found, reference):
    """Central differences of the float64 reference, against float32 autodiff."""
    given = [units(0), units(1)]
    gradients = jax.jit(jax.grad(found, argnums=(0, 1)))(*as_jax(*given))
    for side, gradient in enumerate(gradients):
        expected = differences(
            lambda x, s=side: reference(*placed(given, s, x)), given[side]
        )
        np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-3)


def test_token_gradients_by_finite_differences():
    hidden, head, tokens, learnt = token_case()
    odd = jnp.asarray(np.where(learnt, tokens, -100))
    gradient = jax.grad(
        lambda x: learnt_losses(x, jnp.float32(head), odd, jnp.asarray(learnt))[0].sum()
    )(jnp.float32(hidden))
    expected = differences(
        lambda x: reference_tokens(x, head, tokens, learnt).sum(), hidden
    )
    np.testing.assert_allclose(gradient, expected, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(np.asarray(gradient)[:, -1], 0)


def placed(given, side, x):
    return [x if i == side else y for i, y in enumerate(given)]


def differences(function, x, step=1e-5):
    out = np.empty_like(x)
    for index in np.ndindex(*x.shape):
        sides = []
        for sign in (1, -1):
            moved = x.copy()
            moved[index] += sign * step
            sides.append(function(moved))
        out[index] = (sides[0] - sides[1]) / (2 * step)
    return out


def test_negatives_are_global_on_eight_devices():
    """One example a device; each by itself would cost nothing."""
    sharding = batch_sharding(make_mesh(MeshShape(data=4, fsdp=2)))
    arrays = [*as_jax(units(0), units(1)), *map(jnp.asarray, (TEXTS, WINDOWS, LABELS))]

    @jax.jit
    def both(imu, text, texts, windows, labels):
        return (
            loss.contrastive_loss(
                imu, text, temperature=TAU, texts=texts, windows=windows
            ),
            loss.label_loss(imu, text, labels, temperature=TAU),
        )

    one = both(*arrays)
    eight = both(*(jax.device_put(x, sharding) for x in arrays))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), one, eight)
    assert one[0][0] > 1 and one[1][0] > 1
