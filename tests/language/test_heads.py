"""Projection heads and the residual of the code embeddings, against NumPy."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language import heads

SMALL = heads.HeadConfig(width=6, joint=4)
IS_CODE = np.array([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)


@pytest.fixture(scope="module")
def params():
    return heads.init_heads(jax.random.key(0), SMALL)


def given(seed=0):
    rng = np.random.default_rng(seed)
    shapes = (3, 6), (3, 4, 6)
    return [jnp.asarray(rng.normal(size=s), jnp.float32) for s in shapes]


@functools.partial(jax.jit, static_argnames="config")
def imu(params, pooled, embeddings, config=SMALL):
    head = heads.ImuHead(config)
    return head.apply(
        {"params": params["imu"]}, pooled, embeddings, jnp.asarray(IS_CODE)
    )


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def test_text_is_a_linear_map_of_unit_length(params):
    pooled, _ = given()
    found = heads.TextHead(SMALL).apply({"params": params["text"]}, pooled)
    kernel = np.float64(params["text"]["projection"]["kernel"])
    np.testing.assert_allclose(found, unit(np.float64(pooled) @ kernel), atol=1e-6)


@pytest.mark.parametrize("weight", [0.5, 2.0])
def test_imu_adds_the_mean_of_its_codes_before_unit_length(params, weight):
    pooled, embeddings = given()
    scale = np.arange(1.0, 7.0)
    params = {"imu": {**params["imu"], "residual_norm": {"scale": jnp.asarray(scale)}}}
    found = imu(params, pooled, embeddings, dataclasses.replace(SMALL, residual=weight))
    projection, residual = (
        np.float64(params["imu"][name]["kernel"]) for name in ("projection", "residual")
    )
    expected = np.float64(pooled) @ projection
    for i in range(2):
        mean = np.float64(embeddings)[i, IS_CODE[i]].mean(axis=0)
        normed = mean / np.sqrt(np.mean(mean**2) + SMALL.norm_epsilon) * scale
        expected[i] += weight * normed @ residual
    # The third has no code: its residual is nothing.
    np.testing.assert_allclose(found, unit(expected), atol=1e-6)


def test_gradient_reaches_code_embeddings_and_no_others(params):
    pooled, embeddings = given()
    gradient = jax.jit(jax.grad(lambda e: jnp.sum(imu(params, pooled, e) ** 3)))
    gradient = gradient(embeddings)
    np.testing.assert_array_equal(np.asarray(gradient)[~IS_CODE], 0)
    assert (np.abs(np.asarray(gradient)[IS_CODE]).max(axis=-1) > 1e-4).all()


def test_no_residual_has_no_parameters_for_it(params):
    none = dataclasses.replace(SMALL, residual=0.0)
    fresh = heads.init_heads(jax.random.key(0), none)
    assert set(fresh["imu"]) == {"projection"}
    pooled, embeddings = given()
    kernel = np.float64(fresh["imu"]["projection"]["kernel"])
    found = imu(fresh, pooled, embeddings, none)
    np.testing.assert_allclose(found, unit(np.float64(pooled) @ kernel), atol=1e-6)


def test_heads_are_their_own_and_named_on_every_axis(params):
    kernels = [params[side]["projection"]["kernel"] for side in ("imu", "text")]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1
    axes = heads.head_axes(SMALL)
    jax.tree.map(lambda p, names: check_names(p.shape, names), params, axes)
    assert axes["imu"]["residual"]["kernel"] == ("embed", None)


def check_names(shape, names):
    assert isinstance(names, tuple)
    assert len(names) == len(shape)


@pytest.mark.parametrize("change", [{"joint": 0}, {"residual": -0.5}])
def test_configs_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match=f"{next(iter(change))} is "):
        dataclasses.replace(SMALL, **change)
