"""Contrasts against NumPy in float64, and their gradients by finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.encoder import loss

TAU = 0.1


def latents(seed, batch=5, steps=6, width=4):
    z = np.random.default_rng(seed).normal(size=(batch, steps, width))
    return z.astype(np.float32).astype(np.float64)


def cosine(p, z):
    return p @ z / (np.linalg.norm(p) * np.linalg.norm(z))


def reference_similarity(p, z, length):
    """Eq. 3's s, pair by pair, over the steps valid in both."""
    pairs = np.empty((len(p), len(z)))
    for n in range(len(p)):
        for m in range(len(z)):
            steps = min(length[n], length[m])
            pairs[n, m] = np.mean([cosine(p[n, i], z[m, i]) for i in range(steps)])
    return pairs


def reference_nce(pairs, text=None):
    text = np.arange(len(pairs)) if text is None else text
    losses = []
    for n in range(len(pairs)):
        others = [m for m in range(len(pairs)) if m == n or text[m] != text[n]]
        losses.append(
            -np.log(np.exp(pairs[n, n] / TAU) / sum(np.exp(pairs[n, others] / TAU)))
        )
    return np.array(losses)


def reference_predictive(a_to_b, full_b, b_to_a, full_a, length, text=None):
    forward = reference_similarity(a_to_b, full_b, length)
    backward = reference_similarity(b_to_a, full_a, length)
    return reference_nce(forward, text) + reference_nce(backward, text)


LENGTHS = {"equal": np.full(5, 6), "apart": np.array([6, 2, 4, 1, 5])}


@pytest.mark.parametrize("length", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("text", [None, np.array([3, 1, 3, 2, 1])], ids=["", "text"])
def test_the_predictive_contrast_is_eq_3(length, text):
    z = [latents(i) for i in range(4)]
    found = loss.predictive_contrast(*as_jax(z), as_int(length), text=as_int(text))
    expected = reference_predictive(*z, length, text)
    np.testing.assert_allclose(found.loss, expected, rtol=1e-5)
    assert found.count == 5


def test_without_lengths_every_step_counts():
    z = as_jax([latents(i) for i in range(4)])
    with_lengths = loss.predictive_contrast(*z, as_int(LENGTHS["equal"]))
    np.testing.assert_array_equal(loss.predictive_contrast(*z).loss, with_lengths.loss)


def test_what_lies_beyond_the_length_is_ignored():
    length = LENGTHS["apart"]
    z = as_jax([latents(i) for i in range(4)])
    beyond = jnp.arange(6)[None, :, None] >= length[:, None, None]
    noisy = [jnp.where(beyond, jnp.nan, x) for x in z]
    plain, found = (loss.predictive_contrast(*x, as_int(length)) for x in (z, noisy))
    np.testing.assert_array_equal(found.loss, plain.loss)


def test_gradients_by_finite_differences():
    """Central differences of the float64 reference, against float32 autodiff."""
    z = [latents(i) for i in range(4)]
    length, text = LENGTHS["apart"], np.array([3, 1, 3, 2, 1])

    def total(a_to_b, full_b):
        given = (a_to_b, full_b, *as_jax(z[2:]), as_int(length))
        return loss.predictive_contrast(*given, text=as_int(text)).loss.sum()

    found, to_target = jax.grad(total, argnums=(0, 1))(*as_jax(z[:2]))
    expected, step = np.zeros_like(z[0]), 1e-5
    for index in np.ndindex(*z[0].shape):
        sides = []
        for sign in (1, -1):
            moved = z[0].copy()
            moved[index] += sign * step
            sides.append(reference_predictive(moved, *z[1:], length, text).sum())
        expected[index] = (sides[0] - sides[1]) / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    # No gradient passes to the full view.
    np.testing.assert_array_equal(to_target, 0)


def test_full_views_contrast_both_ways():
    a, b = latents(0), latents(1)
    length = LENGTHS["apart"]
    pairs = reference_similarity(a, b, length)
    found = loss.full_view_contrast(*as_jax([a, b]), as_int(length))
    expected = reference_nce(pairs) + reference_nce(pairs.T)
    np.testing.assert_allclose(found.loss, expected, rtol=1e-5)
    grads = jax.grad(
        lambda *z: loss.full_view_contrast(*z, as_int(length)).loss.sum(),
        argnums=(0, 1),
    )(*as_jax([a, b]))
    assert all(np.abs(g).max() > 1e-3 for g in grads)


def test_windows_of_equal_text_are_no_negatives():
    """Identical windows cost log 2 as strangers, and nothing with one text."""
    z = jnp.broadcast_to(latents(0, batch=1)[0].astype(np.float32), (2, 6, 4))
    pairs = loss.similarity(z, z)
    strangers = loss.info_nce(pairs, temperature=TAU)
    friends = loss.info_nce(pairs, temperature=TAU, text=jnp.array([7, 7]))
    np.testing.assert_allclose(strangers.loss, np.log(2), rtol=1e-5)
    np.testing.assert_allclose(friends.loss, 0, atol=1e-6)


def test_top_1_counts_matches_that_come_first():
    pairs = jnp.array([[0.9, 0.1, 0.2], [0.8, 0.7, 0.1], [0.0, 0.3, 0.3]])
    hits = loss.info_nce(pairs, temperature=TAU).top1
    # The second loses; the third ties, which is no hit.
    np.testing.assert_array_equal(hits, [1, 0, 0])


def test_zero_vectors_give_no_nan():
    z = [jnp.zeros((3, 4, 5)), *as_jax([latents(i, 3, 4, 5) for i in range(3)])]

    def total(*z):
        return loss.predictive_contrast(*z).loss.sum()

    value, grads = jax.value_and_grad(total, argnums=(0, 1, 2, 3))(*z)
    assert np.isfinite(value)
    assert all(np.isfinite(g).all() for g in grads)
    np.testing.assert_array_equal(grads[0], 0)


def test_half_precision_latents_are_compared_in_float32():
    z = jnp.asarray(latents(0), jnp.bfloat16)
    found = loss.similarity(z, z)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(jnp.diagonal(found), 1, rtol=1e-6)


def as_jax(arrays):
    return [jnp.asarray(x, jnp.float32) for x in arrays]


def as_int(array):
    return None if array is None else jnp.asarray(array, jnp.int32)
