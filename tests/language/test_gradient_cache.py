"""Chunks give the whole batch's gradient, dropout included, in less memory."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language.gradient_cache import encode_in_chunks, example_keys
from anymo_jax.language.loss import contrastive_loss, label_loss, token_losses
from anymo_jax.training.sharding import (
    MeshShape,
    batch_sharding,
    make_mesh,
    replicate,
)

BATCH, LENGTH, WIDTH, JOINT, VOCABULARY = 32, 7, 12, 6, 11
RATE = 0.3


def params():
    rng = np.random.default_rng(0)
    shapes = {
        "table": (VOCABULARY, WIDTH),
        "hidden": (WIDTH, 3 * WIDTH),
        "out": (3 * WIDTH, WIDTH),
        "joint": (WIDTH, JOINT),
    }
    return {k: jnp.asarray(rng.normal(size=s), jnp.float32) for k, s in shapes.items()}


def batch(size=BATCH, length=LENGTH):
    """Each example has three texts: of its motion, its narration, its label."""
    rng = np.random.default_rng(1)
    arrays = {
        "tokens": rng.integers(0, VOCABULARY, (size, 3, length)),
        "texts": rng.integers(0, size // 2, size),
        "labels": rng.integers(-1, 5, size),
    }
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.int32), arrays)


def encode_one(params, tokens, key):
    """(3, L) to unit vectors (3, J), and the last text's next-token loss and count.

    A stand-in language model, with dropout where there is a key.
    """
    x = jnp.cumsum(params["table"][tokens], axis=1)
    x = x / jnp.arange(1, 1 + tokens.shape[1])[None, :, None]
    hidden = jnp.sin(x @ params["hidden"])
    if key is not None:
        kept = jax.random.bernoulli(key, 1 - RATE, hidden.shape)
        hidden = jnp.where(kept, hidden / (1 - RATE), 0)
    x = x + hidden @ params["out"]
    joint = x.mean(axis=1) @ params["joint"]
    logits = x[2] @ params["table"].T
    targets = tokens[None, 2, 1:]
    rows = token_losses(logits[None, :-1], targets, jnp.ones(targets.shape, bool))
    units = joint / jnp.linalg.norm(joint, axis=-1, keepdims=True)
    return units, tuple(row[0] for row in rows)


def objective(params, batch, key, chunk):
    """Both contrasts on gathered embeddings, and a language loss, from chunks."""

    def encode(examples, keys=None):
        keyed = (None, 0, None if keys is None else 0)
        return jax.vmap(encode_one, keyed)(params, examples["tokens"], keys)

    inputs = {"tokens": batch["tokens"]}
    units, language = encode_in_chunks(encode, inputs, chunk=chunk, key=key)
    imu, text, label = (units[:, i] for i in range(3))
    terms = [
        contrastive_loss(imu, text, temperature=0.1, texts=batch["texts"]),
        label_loss(imu, label, batch["labels"], temperature=0.1),
        [jnp.sum(x) for x in language],
    ]
    return sum(total / count for total, count in terms)


differentiate = jax.jit(jax.value_and_grad(objective), static_argnames="chunk")
KEYS = {"plain": None, "dropout": jax.random.key(5)}


@functools.cache
def program(kind, chunk):
    """The compiled value and gradient on one device."""
    given = params(), batch(), KEYS[kind]
    return differentiate.lower(*given, chunk=chunk).compile()


@functools.cache
def gradient(kind, chunk):
    return program(kind, chunk)(params(), batch(), KEYS[kind])


def assert_close(one, other, rtol=1e-5):
    """Relative to the largest number of each array."""

    def check(a, b):
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())

    jax.tree.map(check, one, other)


@pytest.mark.parametrize("kind", KEYS)
def test_chunks_give_the_gradient_of_the_whole_batch(kind):
    whole = gradient(kind, BATCH)
    assert all(np.abs(x).max() > 1e-3 for x in jax.tree.leaves(whole))
    assert_close(gradient(kind, 8), whole)


def test_dropout_draws():
    """Or else the comparison of chunks with dropout would show nothing."""
    other, _ = program("dropout", 8)(params(), batch(), jax.random.key(6))
    for value in (gradient("dropout", 8)[0], gradient("plain", 8)[0]):
        assert abs(value - other) > 1e-3


def test_memory_falls_with_the_chunk():
    sizes = [
        program("plain", chunk).memory_analysis().temp_size_in_bytes
        for chunk in (BATCH, 16, 8)
    ]
    assert sizes[1] < 0.7 * sizes[0] and sizes[2] < 0.7 * sizes[1], sizes


def test_the_order_and_the_keys_are_those_of_the_batch():
    values = jnp.arange(24.0).reshape(12, 2)
    key = jax.random.key(0)

    def drawn(x, keys):
        return {"x": x, "u": jax.vmap(jax.random.uniform)(keys)}

    for chunk in (1, 4, 12):
        found = encode_in_chunks(drawn, values, chunk=chunk, key=key)
        np.testing.assert_array_equal(found["x"], values)
        expected = jax.vmap(jax.random.uniform)(example_keys(key, 12))
        np.testing.assert_array_equal(found["u"], expected)
        assert len(np.unique(found["u"])) == 12


def test_eight_devices_keep_their_inputs_and_give_one_device_s_gradient():
    mesh = make_mesh(MeshShape(data=4, fsdp=2))
    given = (
        replicate(mesh, params()),
        jax.device_put(batch(), batch_sharding(mesh)),
        KEYS["dropout"],
    )
    sharded = differentiate.lower(*given, chunk=16).compile()
    assert_close(sharded(*given), gradient("dropout", 8))
    moved = re.findall(
        r"= (\S+) (?:all-gather|all-to-all|collective-permute)\(", sharded.as_text()
    )
    sizes = [re.findall(r"\d+", re.search(r"\[.*?\]", shape)[0]) for shape in moved]
    # Embeddings and ids are gathered; what has tokens is not.
    assert any(str(JOINT) in shape for shape in sizes), moved
    assert not any(str(LENGTH) in shape for shape in sizes), moved


@pytest.mark.parametrize("chunk", [0, 3, 16])
def test_a_chunk_that_does_not_divide_the_batch_is_refused(chunk):
    with pytest.raises(ValueError, match=rf"chunk {chunk} .* one of \[1, 2, 4, 8\]"):
        encode_in_chunks(lambda x: x, jnp.zeros((8, 2)), chunk=chunk)


def test_inputs_of_different_batches_are_refused():
    inputs = {"a": jnp.zeros((8, 2)), "b": jnp.zeros(4)}
    with pytest.raises(ValueError, match=r"batch sizes \[4, 8\]"):
        encode_in_chunks(lambda x: x, inputs, chunk=4)
