"""Measures of latents, against closed forms and NumPy."""

import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.encoder import validation

LENGTH = np.full(200, 5, np.int32)


def latents(seed, windows=200):
    z = np.random.default_rng(seed).normal(size=(windows, 5, 8))
    return jnp.asarray(z, jnp.float32)


def units(seed, windows=30, width=8):
    x = np.random.default_rng(seed).normal(size=(windows, width))
    return jnp.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), jnp.float32)


def test_pools_hold_windows_of_different_clips():
    clip = np.repeat(np.arange(70), 3) * 10
    pools = validation.draw_pools(clip, 20)
    assert pools.shape == (20, 64)
    assert all(len(set(clip[pool])) == 64 for pool in pools)
    # Windows of a clip and clips themselves change from pool to pool.
    assert len(set(pools.ravel())) > 200
    np.testing.assert_array_equal(pools, validation.draw_pools(clip, 20))
    assert (pools != validation.draw_pools(clip, 20, seed=1)).any()


def test_too_few_clips_are_an_error():
    with pytest.raises(ValueError, match="63 clips are too few for pools of 64"):
        validation.draw_pools(np.arange(63), 1)


def test_retrieval_of_the_latent_itself_is_perfect():
    pools = validation.draw_pools(np.arange(200), 4)
    z = latents(0)
    assert validation.retrieval_hits(z, z, LENGTH, pools).mean() == 1


def test_retrieval_of_strangers_is_at_chance():
    pools = validation.draw_pools(np.arange(200), 40, size=16)
    hits = validation.retrieval_hits(latents(0), latents(1), LENGTH, pools)
    assert hits.shape == (40, 16)
    assert hits.mean() == pytest.approx(1 / 16, abs=0.04)


def test_constant_latents_retrieve_nothing():
    pools = validation.draw_pools(np.arange(200), 2)
    z = jnp.ones((200, 5, 8))
    assert validation.retrieval_hits(z, z, LENGTH, pools).mean() == 0


def test_an_embedding_is_the_unit_mean_of_valid_steps():
    z, length = latents(0, 3), np.array([5, 2, 1], np.int32)
    found = validation.window_embedding(z, jnp.asarray(length))
    for i, n in enumerate(length):
        mean = np.asarray(z)[i, :n].mean(axis=0)
        np.testing.assert_allclose(found[i], mean / np.linalg.norm(mean), rtol=1e-5)


def test_alignment_and_uniformity_are_wang_and_isolas():
    x, y = units(0), units(1)
    expected = np.mean(np.sum((np.asarray(x) - y) ** 2, axis=1))
    np.testing.assert_allclose(validation.alignment(x, y), expected, rtol=1e-5)
    assert validation.alignment(x, x) == 0
    pairs = [
        np.exp(-2 * np.sum((np.asarray(x)[i] - x[j]) ** 2))
        for i in range(30)
        for j in range(i)
    ]
    expected = np.log(np.mean(pairs))
    np.testing.assert_allclose(validation.uniformity(x), expected, rtol=1e-5)
    same = jnp.broadcast_to(x[:1], (30, 8))
    np.testing.assert_allclose(validation.uniformity(same), 0, atol=1e-5)


def test_real_against_simulated():
    x = units(0)
    np.testing.assert_allclose(validation.relative_distance(x, x), 0, atol=1e-6)
    strangers = validation.relative_distance(units(0, 2000), units(1, 2000))
    assert strangers == pytest.approx(1, abs=0.05)
    cosines = np.asarray(x, np.float64) @ np.asarray(units(1)).T
    paired = 1 - np.diagonal(cosines)
    unpaired = (1 - cosines)[~np.eye(30, dtype=bool)]
    found = validation.relative_distance(x, units(1))
    np.testing.assert_allclose(found, paired.mean() / unpaired.mean(), rtol=1e-5)
