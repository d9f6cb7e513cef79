"""Statistics over what counts."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.encoder import norm


@pytest.fixture
def x():
    return jax.random.normal(jax.random.key(0), (3, 5, 7, 4)) * 2 + 3


@pytest.mark.parametrize("shape", [(1, 1, 4), (5, 1, 4)])
@pytest.mark.parametrize("counted_shape", [(3, 1, 7, 1), (3, 5, 7, 4), None])
def test_moments_are_those_of_the_samples_that_count(x, shape, counted_shape):
    counted = None
    if counted_shape:
        counted = jax.random.bernoulli(jax.random.key(1), 0.6, counted_shape)
    # Off the mean, as a running average is.
    mean, var, count = norm.moments(x, counted, jnp.full(shape, 1.5))
    everything = jnp.ones_like(x) if counted is None else counted * jnp.ones_like(x)
    axes = (0, 2) if shape[0] == 5 else (0, 1, 2)
    weights = np.asarray(everything, np.float64)
    n = weights.sum(axes, keepdims=True)
    expected = (weights * x).sum(axes, keepdims=True) / n
    spread = (weights * (x - expected) ** 2).sum(axes, keepdims=True) / n
    np.testing.assert_allclose(mean, expected[0], rtol=1e-5)
    np.testing.assert_allclose(var, spread[0], rtol=1e-5)
    np.testing.assert_array_equal(count, n[0])


def test_squares_are_taken_about_the_running_mean(x):
    """A mean of 10^4 deviations would leave float32 no digit of the variance."""
    far = x + 20000
    _, var, _ = norm.moments(far, None, jnp.full((1, 1, 4), 20000.0))
    np.testing.assert_allclose(var[0, 0], np.var(x, axis=(0, 1, 2)), rtol=1e-3)


def test_statistics_without_samples_stay(x):
    layer = norm.BatchNorm((5, 1, 4), (None,) * 3)
    variables = layer.init(jax.random.key(0), x, None, False)
    counted = jnp.ones(x.shape, bool).at[:, 2, :, 1].set(False)
    y, moved = layer.apply(variables, x, counted, True, mutable=[norm.STATISTICS])
    stats = moved[norm.STATISTICS]
    assert stats["mean"][2, 0, 1] == 0
    assert stats["var"][2, 0, 1] == 1
    assert (stats["mean"] == 0).sum() == 1
    assert np.isfinite(y).all()


def test_statistics_are_float32_whatever_the_signal(x):
    layer = norm.BatchNorm((1, 1, 4), (None,) * 3)
    variables = layer.init(jax.random.key(0), x, None, False)
    half = x.astype(jnp.bfloat16)
    y, moved = layer.apply(variables, half, None, True, mutable=[norm.STATISTICS])
    assert y.dtype == jnp.bfloat16
    assert moved[norm.STATISTICS]["var"].dtype == jnp.float32


def test_the_input_scale_starts_in_physical_units():
    layer = norm.PhysicalScale(23, 8)
    x = jnp.ones((1, 23, 1, 8))
    scale = layer.init(jax.random.key(0), x)["params"]["scale"].value
    expected = [1 / 9.80665] * 3 + [1] * 3 + [1 / 9.80665, 1]
    np.testing.assert_allclose(scale[4, 0], expected, rtol=1e-6)
