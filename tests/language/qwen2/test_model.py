"""Masks, positions, the cache, rematerialisation, and where parameters lie."""

import dataclasses
import functools

import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from anymo_jax.language.qwen2 import (
    Qwen2,
    abstract_params,
    axes,
    bytes_per_device,
    init,
    init_cache,
    preset,
    qwen2_logits,
)
from anymo_jax.language.qwen2.attention import implementation
from anymo_jax.training import sharding

SMALL = preset(
    "tiny",
    vocab_size=64,
    hidden_size=32,
    intermediate_size=48,
    layers=2,
    head_dim=8,
    max_length=32,
)
REMAT = dataclasses.replace(SMALL, remat=True)
LENGTH = 9


@pytest.fixture(scope="module")
def params():
    """Biases and scales random too, so that no part of the model is near nothing."""
    rng = np.random.default_rng(1)
    return jax.tree.map(
        lambda leaf: rng.normal(0.3, 0.3, leaf.shape).astype(np.float32),
        abstract_params(SMALL),
    )


@functools.partial(jax.jit, static_argnames="config")
def hidden_states(params, embeddings, mask, config=SMALL):
    return Qwen2(config).apply({"params": params}, embeddings, mask)


def some_embeddings(rows, length, seed=0):
    shape = (rows, length, SMALL.hidden_size)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@hypothesis.given(st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH).filter(any))
@hypothesis.settings(max_examples=20, deadline=None)
def test_padding_anywhere_changes_nothing(params, mask):
    """Holes included: real tokens give what they would give alone."""
    mask = np.array(mask)
    x = some_embeddings(1, LENGTH)
    alone = np.zeros_like(x)
    real = mask.sum()
    alone[:, :real] = x[:, mask]
    # What padding holds must not matter, not even where it is no number.
    x = np.where(mask[None, :, None], x, np.nan)
    found = np.asarray(hidden_states(params, x, mask[None]))
    expected = hidden_states(params, alone, (np.arange(LENGTH) < real)[None])
    np.testing.assert_allclose(found[0, mask], expected[0, :real], atol=1e-5)
    assert not found[0, ~mask].any()


def test_no_gradient_passes_from_later_tokens_or_padding(params):
    x = some_embeddings(1, LENGTH)
    mask = np.arange(LENGTH)[None] >= 2

    def sixth(x):
        return jnp.abs(hidden_states(params, x, mask)[0, 6]).sum()

    gradient = np.abs(jax.grad(sixth)(x)[0]).sum(axis=1)
    assert not gradient[:2].any() and not gradient[7:].any()
    assert (gradient[2:7] > 0).all()


def test_a_cache_gives_the_states_of_the_whole(params):
    """A prompt, two tokens one by one, and a further piece."""
    cuts = (4, 5, 6)
    x = some_embeddings(3, LENGTH)
    mask = np.arange(LENGTH)[None] >= np.array([[0], [2], [5]])
    expected = hidden_states(params, x, mask)
    cache, found = init_cache(SMALL, 3, LENGTH + 3), []
    run = jax.jit(Qwen2(SMALL).apply)
    for part, real in zip(
        np.split(x, cuts, axis=1),
        np.split(mask, cuts, axis=1),
        strict=True,
    ):
        states, cache = run({"params": params}, part, real, cache)
        found.append(states)
    np.testing.assert_allclose(np.concatenate(found, axis=1), expected, atol=1e-5)
    np.testing.assert_array_equal(cache.length, mask.sum(axis=1))
    assert not cache.empty and cache.slots == LENGTH + 3


def loss(params, config, tokens):
    """Next-token loss, as a training step has it."""
    model, variables = Qwen2(config), {"params": params}
    x = model.apply(variables, tokens, method="embed")
    hidden = model.apply(variables, x, jnp.ones(tokens.shape, bool))
    logits = model.apply(variables, hidden, method="logits")
    return optax.softmax_cross_entropy_with_integer_labels(
        logits[:, :-1], tokens[:, 1:]
    ).mean()


loss_and_gradients = jax.jit(jax.value_and_grad(loss), static_argnames="config")


def tokens_of(rows, seed=0):
    return np.random.default_rng(seed).integers(0, SMALL.vocab_size, (rows, LENGTH))


def test_layers_are_rematerialised_where_asked(params):
    traced = [
        str(jax.make_jaxpr(loss, static_argnums=1)(params, config, tokens_of(1)))
        for config in (SMALL, REMAT)
    ]
    assert ["remat" in jaxpr for jaxpr in traced] == [False, True]


def test_bfloat16_arithmetic_gives_float32_states(params):
    config = dataclasses.replace(SMALL, dtype="bfloat16")
    x = some_embeddings(1, LENGTH)
    mask = np.ones((1, LENGTH), bool)
    hidden = hidden_states(params, x, mask, config)
    exact = hidden_states(params, x, mask)
    assert hidden.dtype == jnp.float32
    error = np.abs(hidden - exact).mean() / np.abs(exact).mean()
    assert 1e-4 < error < 0.05


def test_parameters_over_data_fsdp_and_tensor_give_one_devices_gradients(params):
    """With layers computed again in the backward pass, and without."""
    mesh = sharding.make_mesh(sharding.MeshShape(data=2, fsdp=2, tensor=2))
    where = sharding.params_sharding(mesh, params, axes(SMALL))
    tokens = tokens_of(8)
    expected = loss_and_gradients(params, SMALL, tokens)
    placed = jax.device_put(params, where)
    batch = jax.device_put(tokens, sharding.batch_sharding(mesh))
    found = loss_and_gradients(placed, REMAT, batch)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6),
        jax.device_get(found),
        jax.device_get(expected),
    )
    divided = jax.tree.map(lambda leaf: not leaf.sharding.is_fully_replicated, placed)
    assert all(jax.tree.leaves(divided))
    kernel = placed["layers"]["gate"]["kernel"]
    assert kernel.addressable_shards[0].data.shape == (2, 16, 24)


# Bytes of bfloat16 parameters a device, by parts (fsdp, tensor). The heads of the small
# one do not divide by 4: with more tensor parts than 2 they are whole on every device.
TABLE = {
    "0.5b": {
        (1, 1): 988_065_536,
        (8, 1): 123_556_576,
        (4, 2): 123_539_904,
        (2, 4): 156_619_648,
    },
    "7b": {
        (1, 1): 15_231_233_024,
        (8, 1): 1_904_129_920,
        (4, 2): 1_904_051_968,
        (2, 4): 1_904_089_600,
    },
}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize(("fsdp", "tensor"), TABLE["7b"])
def test_bytes_per_device_are_those_of_the_shardings(name, fsdp, tensor):
    parts = {"embed": fsdp, "heads": tensor, "mlp": tensor, "vocab": tensor}
    found = bytes_per_device(preset(name), parts)
    assert found == TABLE[name][fsdp, tensor]
    shapes = abstract_params(preset(name), "bfloat16")
    mesh = sharding.make_mesh(
        sharding.MeshShape(1, fsdp, tensor), jax.devices()[: fsdp * tensor]
    )
    where = sharding.params_sharding(mesh, shapes, axes(preset(name)))
    sizes = jax.tree.map(
        lambda leaf, at: 2 * int(np.prod(at.shard_shape(leaf.shape))), shapes, where
    )
    assert found == sum(jax.tree.leaves(sizes))


def test_parameters_count_as_published():
    """0.49 and 7.62 thousand million."""
    counts = {
        name: bytes_per_device(preset(name), {}) // 2 for name in ("0.5b", "1.5b", "7b")
    }
    assert counts == {"0.5b": 494032768, "1.5b": 1543714304, "7b": 7615616512}


def test_fresh_parameters_have_the_dtype_asked_for():
    made = init(jax.random.key(0), SMALL, "bfloat16")
    assert {leaf.dtype.name for leaf in jax.tree.leaves(made)} == {"bfloat16"}
    assert 0.015 < float(made["layers"]["up"]["kernel"].std()) < 0.025


def test_what_computes_attention_is_chosen_by_device():
    assert implementation(SMALL) == "xla"
    asked = dataclasses.replace(SMALL, dtype="bfloat16", attention="cudnn")
    assert implementation(asked) == "cudnn"


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (np.full((1, 3), 64), "64, expected 0 to 63"),
        (np.full((1, 3), -1), "-1"),
        (np.zeros((1, 33), int), "33 a row, more than max_length=32"),
        (np.zeros((1, 0), int), "at least one token"),
    ],
)
def test_tokens_that_do_not_fit_are_refused(params, tokens, message):
    with pytest.raises(ValueError, match=message):
        qwen2_logits(params, SMALL, tokens)


def test_more_tokens_than_the_context_are_refused(params):
    x = some_embeddings(1, 33)
    with pytest.raises(ValueError, match="33 tokens are more than max_length=32"):
        hidden_states(params, x, np.ones((1, 33), bool))
