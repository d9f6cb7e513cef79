"""The predictor: what reaches a predicted step."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax import encoder

SMALL = encoder.PredictorConfig(layers=2, width=16, heads=4, mlp=2, max_length=12)


@pytest.fixture
def given():
    return encoder.init_predictor(jax.random.key(0), SMALL)


def predict(given, *latents, config=SMALL):
    return jax.jit(encoder.TemporalPredictor(config).apply)(given, *latents)


def latents(steps, batch=3):
    return np.random.default_rng(0).normal(size=(batch, steps, 16)).astype(np.float32)


def test_steps_beyond_the_length_reach_nothing(given):
    z, length = latents(9), np.array([9, 4, 1])
    # Large rather than NaN: attention weighs them by zero, and 0 x NaN is NaN.
    beyond = np.arange(9)[None, :, None] >= length[:, None, None]
    found = predict(given, np.where(beyond, 1e3, z).astype(np.float32), length)
    for i, n in enumerate(length):
        alone = predict(given, z[i : i + 1, :n])
        np.testing.assert_allclose(found[i, :n], alone[0], rtol=1e-4, atol=1e-5)
        np.testing.assert_array_equal(found[i, n:], 0)


def test_steps_within_the_length_reach_each_other(given):
    z = latents(9)
    other = z.copy()
    other[:, 8] *= -1
    moved = np.abs(predict(given, other) - predict(given, z)).max(axis=(0, 2))
    assert (moved > 1e-5).all()


def test_more_steps_than_positions_is_an_error(given):
    with pytest.raises(ValueError, match="13 latent steps are more than max_length=12"):
        predict(given, latents(13))


def test_bfloat16_computes_near_float32(given):
    half = dataclasses.replace(SMALL, dtype="bfloat16")
    expected, found = (predict(given, latents(9), config=c) for c in (SMALL, half))
    assert found.dtype == jnp.float32
    assert 0 < np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_recomputing_blocks_changes_nothing(given):
    remat = dataclasses.replace(SMALL, remat=True)

    def loss(params, config):
        z = encoder.TemporalPredictor(config).apply(params, jnp.asarray(latents(9)))
        return jnp.sum(jnp.square(z))

    plain, again = (
        jax.jit(jax.grad(loss), static_argnums=1)(given, c) for c in (SMALL, remat)
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4),
        plain,
        again,
    )
    assert "remat" in str(jax.make_jaxpr(lambda p: loss(p, remat))(given))


def test_the_head_projects_steps_by_themselves():
    given = encoder.init_head(jax.random.key(0), 16)
    z = latents(5)
    head = jax.jit(encoder.ProjectionHead(16).apply)
    np.testing.assert_allclose(
        head(given, z)[:, 2:3], head(given, z[:, 2:3]), rtol=1e-5, atol=1e-6
    )


def test_axes_name_every_dimension(given):
    pairs = [
        (given["params"], encoder.predictor_axes(SMALL)),
        (encoder.init_head(jax.random.key(0), 16)["params"], encoder.head_axes(16)),
    ]
    for params, axes in pairs:
        jax.tree.map(lambda p, names: check_names(p.shape, names), params, axes)


def check_names(shape, names):
    assert isinstance(names, tuple)
    assert len(names) == len(shape)
