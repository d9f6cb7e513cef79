"""The tokenizer's objective against NumPy, and where its gradients go."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.tokenizer.loss import tokenizer_loss
from anymo_jax.tokenizer.model import Tokenized, valid_steps
from tests.tokenizer.small import CONFIG


def random_tokenized(lengths=(7, 3), seed=0):
    rng = np.random.default_rng(seed)
    chunks = (len(lengths), 7, CONFIG.codebooks, CONFIG.code_width)
    latent = (len(lengths), 7, CONFIG.latent)
    draw = lambda shape: jnp.asarray(2 * rng.normal(size=shape), jnp.float32)  # noqa: E731
    found = Tokenized(
        chunks=draw(chunks),
        codes=jnp.zeros(chunks[:3], jnp.int32),
        vectors=draw(chunks),
        reconstruction=draw(latent),
        valid=valid_steps(jnp.array(lengths), 7),
    )
    return draw(latent), found


def test_terms_are_equation_4_over_valid_steps():
    latent, found = random_tokenized()
    terms = tokenizer_loss(latent, found, CONFIG)
    valid = np.asarray(found.valid)
    error = np.abs(np.asarray(found.reconstruction - latent, np.float64))[valid]
    smooth = np.where(error < 1, error**2 / 2, error - 0.5).mean()
    gap = np.asarray(found.chunks - found.vectors, np.float64)[valid]
    # P / (T' d) with T' steps in all and d the bottleneck.
    scale = CONFIG.codebooks / (len(gap) * CONFIG.bottleneck)
    commitment = scale * (gap**2).sum()
    expected = {
        "reconstruction": smooth,
        "commitment": commitment,
        "loss": smooth + 0.25 * commitment,
    }
    assert set(terms) == set(expected)
    for name, (total, count) in terms.items():
        assert float(count) == 10
        assert float(total / count) == pytest.approx(expected[name], rel=1e-5)


def test_values_beyond_the_length_do_not_count():
    latent, found = random_tokenized()
    beyond = ~np.asarray(found.valid)[..., None]
    spoilt = jnp.where(beyond, jnp.nan, found.reconstruction)
    other = dataclasses.replace(found, reconstruction=spoilt)
    one, two = (
        tokenizer_loss(latent, found, CONFIG),
        tokenizer_loss(latent, other, CONFIG),
    )
    assert float(one["loss"][0]) == float(two["loss"][0])


def test_gradients_reach_the_chunks_and_the_reconstruction_only():
    latent, found = random_tokenized()

    def loss(latent, vectors, chunks):
        given = dataclasses.replace(found, vectors=vectors, chunks=chunks)
        return tokenizer_loss(latent, given, CONFIG)["loss"][0]

    gradients = jax.grad(loss, argnums=(0, 1, 2))(latent, found.vectors, found.chunks)
    assert not np.asarray(gradients[0]).any()
    assert not np.asarray(gradients[1]).any()
    per_chunk = 2 * CONFIG.commitment / CONFIG.code_width
    expected = per_chunk * (found.chunks - found.vectors)
    expected = jnp.where(found.valid[..., None, None], expected, 0)
    np.testing.assert_allclose(gradients[2], expected, rtol=1e-5)
