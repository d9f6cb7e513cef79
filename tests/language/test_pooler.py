"""Latent attention against NumPy, and what lies outside a span."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language import pooler

SMALL = pooler.PoolerConfig(width=12, latents=5, heads=3)
SPAN = np.array([[0, 1, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1]], bool)


@pytest.fixture(scope="module")
def params():
    """Fresh ones, moved off the ones and the symmetric starts."""
    fresh = pooler.init_pooler(jax.random.key(0), SMALL)
    leaves, tree = jax.tree.flatten(fresh)
    rng = np.random.default_rng(1)
    moved = [x + 0.3 * rng.normal(size=x.shape).astype(np.float32) for x in leaves]
    return jax.tree.unflatten(tree, moved)


def states(seed=0, shape=(3, 6, 12)):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@functools.partial(jax.jit, static_argnames="config")
def run(params, states, span, config):
    return pooler.LatentAttentionPooler(config).apply({"params": params}, states, span)


@jax.jit
def gradients(params, states, span):
    def total(params, states):
        return jnp.sum(jnp.sin(run(params, states, span, SMALL)))

    return jax.grad(total, argnums=(0, 1))(params, states)


def pool(params, states, span=SPAN, config=SMALL):
    return run(params, jnp.asarray(states), jnp.asarray(span), config)


def reference(params, states, span):
    """Token by token and head by head, in float64."""
    p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
    latents = normed(p["latents"], p["norm_latents"])
    attention = p["attention"]
    pooled = []
    for example, chosen in zip(states.astype(np.float64), span, strict=True):
        kept = []
        for x in example[chosen]:
            asked, heads = normed(x, p["norm_states"]), []
            for h in range(SMALL.heads):
                query = asked @ attention["query"]["kernel"][:, h]
                key, value = (
                    latents @ attention["key_value"]["kernel"][:, i, h]
                    for i in range(2)
                )
                weight = np.exp(key @ query / np.sqrt(len(query)))
                heads.append(weight / weight.sum() @ value)
            x = x + np.einsum("hd,hdw->w", heads, attention["out"]["kernel"])
            mlp, y = p["mlp"], normed(x, p["norm_mlp"])
            gate = y @ mlp["gate"]["kernel"]
            hidden = gate / (1 + np.exp(-gate)) * (y @ mlp["up"]["kernel"])
            kept.append(x + hidden @ mlp["down"]["kernel"])
        pooled.append(np.mean(kept, axis=0))
    return np.array(pooled)


def normed(x, norm):
    size = np.sqrt(np.mean(x**2, axis=-1, keepdims=True) + SMALL.norm_epsilon)
    return x / size * norm["scale"]


def test_pooling_is_the_reference_in_float64(params):
    found = pool(params, states())
    np.testing.assert_allclose(found, reference(params, states(), SPAN), atol=2e-5)


def test_no_gradient_reaches_tokens_outside_the_span(params):
    _, gradient = gradients(params, jnp.asarray(states()), jnp.asarray(SPAN))
    gradient = np.asarray(gradient)
    np.testing.assert_array_equal(gradient[~SPAN], 0)
    assert (np.abs(gradient[SPAN]).max(axis=-1) > 1e-3).all()


def test_an_empty_span_gives_zeros_and_no_nan(params):
    span = SPAN.copy()
    span[1] = False
    found = pool(params, states(), span)
    np.testing.assert_array_equal(found[1], 0)
    np.testing.assert_array_equal(found[0], pool(params, states())[0])
    slopes = gradients(params, jnp.asarray(states()), jnp.asarray(span))
    assert all(np.isfinite(x).all() for x in jax.tree.leaves(slopes))


def test_bfloat16_pools_near_float32_into_float32(params):
    half = dataclasses.replace(SMALL, dtype="bfloat16")
    expected, found = (pool(params, states(), config=c) for c in (SMALL, half))
    assert found.dtype == jnp.float32
    assert 0 < np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_axes_name_every_dimension():
    params, axes = (
        pooler.init_pooler(jax.random.key(0), SMALL),
        pooler.pooler_axes(SMALL),
    )
    jax.tree.map(lambda p, names: check_names(p.shape, names), params, axes)
    assert axes["mlp"]["gate"]["kernel"] == ("embed", "mlp")
    assert axes["attention"]["out"]["kernel"] == ("heads", None, "embed")


def check_names(shape, names):
    assert isinstance(names, tuple)
    assert len(names) == len(shape)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heads": 5}, "heads 5 do not divide the width 12"),
        ({"latents": 0}, "latents is 0"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
    ],
)
def test_configs_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(SMALL, **change)
