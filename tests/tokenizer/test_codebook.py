"""Codebooks: averages against NumPy, refresh of dead codes, the same on any mesh."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from anymo_jax.tokenizer.codebook import init_codebook, update_codebook
from anymo_jax.tokenizer.quantizer import nearest_codes
from tests.tokenizer.ema_numpy import averages
from tests.tokenizer.small import CONFIG, chunk_batch


@functools.partial(jax.jit, static_argnames="config")
def step(codebook, chunks, valid, key, config=CONFIG):
    """Quantises and updates, as a step of training does."""
    codes = nearest_codes(chunks[:, None], codebook["embedding"])[:, 0]
    return update_codebook(codebook, chunks, codes, valid, key, config), codes


def mask(count, seed=0, share=0.8):
    return jnp.asarray(np.random.default_rng(seed).random(count) < share)


def rows_of(vectors, chunks, valid):
    """For each vector the index of the valid chunk it equals, -1 where none is."""
    same = (vectors[:, None] == chunks[None]).all(axis=-1) & valid[None]
    return np.where(same.any(axis=1), same.argmax(axis=1), -1)


@pytest.mark.parametrize("start", ["means", "official"])
def test_several_steps_equal_float64_numpy(start):
    """Averages and dead codes are NumPy's; which chunk a dead code takes is ours."""
    config = dataclasses.replace(CONFIG, start=start)
    codebook = init_codebook(jax.random.key(0), config)
    expected = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), codebook)
    replaced = []
    for i in range(8):
        chunks, valid = chunk_batch(200, seed=i), mask(200, seed=i)
        codebook, codes = step(codebook, chunks, valid, jax.random.key(i), config)
        found = jax.tree.map(np.asarray, codebook)
        wide, inside = np.asarray(chunks, np.float64), np.asarray(valid)
        expected, dead = averages(expected, wide, np.asarray(codes), inside, config)
        for g in range(config.codebooks):
            mean = expected["cluster_size"][g].mean()
            fresh = found["embedding"][g, dead[g]]
            rows = rows_of(fresh, np.asarray(chunks)[:, g], inside)
            assert (rows >= 0).all() and len(set(rows)) == len(rows)
            expected["embedding"][g, dead[g]] = fresh
            expected["embed_avg"][g, dead[g]] = fresh
            expected["cluster_size"][g, dead[g]] = max(mean, 1)
        for name, array in found.items():
            np.testing.assert_allclose(
                array, expected[name], rtol=2e-5, atol=2e-6, err_msg=name
            )
        replaced.append(int(dead.sum()))
    assert replaced[0] > 0 and replaced[-1] < replaced[0]


@given(seed=st.integers(0, 2**16), share=st.floats(0.05, 1))
@settings(max_examples=15, deadline=None)
def test_total_size_moves_by_the_decay(seed, share):
    config = dataclasses.replace(CONFIG, dead_below=0.0)
    codebook = init_codebook(jax.random.key(seed), config)
    codebook["cluster_size"] = jax.random.uniform(
        jax.random.key(seed + 1), codebook["cluster_size"].shape
    )
    valid = mask(100, seed, share)
    chunks = chunk_batch(100, seed=seed)
    after, _ = step(codebook, chunks, valid, jax.random.key(0), config)
    before = np.asarray(codebook["cluster_size"]).sum(axis=1)
    expected = config.decay * before + (1 - config.decay) * int(valid.sum())
    np.testing.assert_allclose(after["cluster_size"].sum(axis=1), expected, rtol=1e-5)


@given(seed=st.integers(0, 2**16), count=st.integers(1, 60))
@settings(max_examples=15, deadline=None)
def test_dead_codes_become_valid_chunks_and_the_living_stay(seed, count):
    """Fewer chunks than dead codes serve more than once, none beyond the lengths."""
    codebook = init_codebook(jax.random.key(seed), CONFIG)
    chunks = jnp.pad(chunk_batch(count, seed=seed), ((0, 60 - count), (0, 0), (0, 0)))
    chunks = jnp.where(jnp.arange(60)[:, None, None] < count, chunks, jnp.nan)
    valid = jnp.arange(60) < count
    after, codes = step(codebook, chunks, valid, jax.random.key(seed))
    _, dead = averages(
        jax.tree.map(np.asarray, codebook),
        np.asarray(chunks),
        np.asarray(codes),
        np.asarray(valid),
        CONFIG,
    )
    for g in range(CONFIG.codebooks):
        embedding = np.asarray(after["embedding"])[g]
        assert np.isfinite(embedding).all()
        rows = rows_of(embedding[dead[g]], np.asarray(chunks)[:, g], np.asarray(valid))
        assert (rows >= 0).all()
        served = np.bincount(rows, minlength=count)
        assert served.max() - served.min() <= 1


def test_a_batch_without_a_valid_chunk_keeps_the_codes():
    codebook = init_codebook(jax.random.key(0), CONFIG)
    chunks = chunk_batch(50)
    codebook, _ = step(codebook, chunks, jnp.ones(50, bool), jax.random.key(0))
    after, _ = step(codebook, chunks, jnp.zeros(50, bool), jax.random.key(1))
    np.testing.assert_allclose(
        after["embedding"], codebook["embedding"], rtol=1e-3, atol=1e-4
    )


def test_without_refresh_a_code_that_nothing_chose_stays():
    config = dataclasses.replace(CONFIG, dead_below=0.0)
    codebook = init_codebook(jax.random.key(0), config)
    chunks = chunk_batch(5)
    after, codes = step(codebook, chunks, jnp.ones(5, bool), jax.random.key(0), config)
    for g in range(config.codebooks):
        unused = np.setdiff1d(np.arange(config.entries), np.asarray(codes)[:, g])
        np.testing.assert_array_equal(
            after["embedding"][g][unused], codebook["embedding"][g][unused]
        )


def test_no_gradient_passes_to_the_codebooks_data():
    codebook = init_codebook(jax.random.key(0), CONFIG)
    codes = jnp.zeros((20, 2), jnp.int32)

    def loss(chunks):
        valid, key = jnp.ones(20, bool), jax.random.key(0)
        after = update_codebook(codebook, chunks, codes, valid, key, CONFIG)
        return after["embedding"].sum()

    assert not np.asarray(jax.grad(loss)(chunk_batch(20))).any()


def test_eight_devices_make_one_and_the_same_codebook():
    """Sums of another order differ in the last digits; the devices do not differ."""
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    everywhere = NamedSharding(mesh, PartitionSpec())
    over_data = NamedSharding(mesh, PartitionSpec("data"))
    alone = init_codebook(jax.random.key(0), CONFIG)
    spread = jax.device_put(alone, everywhere)
    update = functools.partial(update_codebook, config=CONFIG)
    sharded = jax.jit(update, out_shardings=everywhere)
    for i in range(4):
        chunks, valid, key = chunk_batch(160, seed=i), mask(160, i), jax.random.key(i)
        codes = nearest_codes(chunks[:, None], alone["embedding"])[:, 0]
        alone = jax.jit(update)(alone, chunks, codes, valid, key)
        parts = jax.device_put((chunks, codes, valid), over_data)
        spread = sharded(spread, *parts, jax.device_put(key, everywhere))
        np.testing.assert_array_equal(spread["cluster_size"], alone["cluster_size"])
        for name, leaf in spread.items():
            np.testing.assert_allclose(leaf, alone[name], rtol=1e-5, atol=1e-6)
            copies = [np.asarray(shard.data) for shard in leaf.addressable_shards]
            assert len(copies) == 8
            assert all((copy == copies[0]).all() for copy in copies)
