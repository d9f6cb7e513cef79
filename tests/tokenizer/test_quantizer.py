"""Nearest codes: brute force, ties, sharding; the straight-through gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from anymo_jax.tokenizer import quantizer
from anymo_jax.tokenizer.quantizer import (
    code_vectors,
    nearest_codes,
    straight_through,
)

nearest = jax.jit(nearest_codes)


def random(shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


@pytest.mark.parametrize("rows", [1, 10, 4096])
def test_nearest_by_brute_force(rows, monkeypatch):
    """However many steps are taken at once, and where the last are fewer."""
    monkeypatch.setattr(quantizer, "_ROWS", rows)
    chunks, embedding = random((3, 7, 2, 5)), random((2, 30, 5), seed=1)
    distance = (np.asarray(chunks)[..., None, :] - np.asarray(embedding)) ** 2
    expected = distance.sum(axis=-1).argmin(axis=-1)
    np.testing.assert_array_equal(nearest_codes(chunks, embedding), expected)


@given(seed=st.integers(0, 2**16), scale=st.floats(0.01, 100))
@settings(max_examples=20, deadline=None)
def test_a_code_vector_is_its_own_nearest_code(seed, scale):
    embedding = random((2, 16, 6), seed) * scale
    codes = jnp.broadcast_to(jnp.arange(16)[None, :, None], (1, 16, 2))
    vectors = code_vectors(codes, embedding)
    np.testing.assert_array_equal(vectors[0, :, 1], embedding[1])
    np.testing.assert_array_equal(nearest(vectors, embedding), codes)


def test_of_equal_codes_the_lowest_is_chosen():
    embedding = jnp.tile(random((2, 4, 6)), (1, 3, 1))
    chunks = random((5, 9, 2, 6), seed=2)
    assert int(nearest_codes(chunks, embedding).max()) < 4


def test_products_keep_float32_on_any_backend():
    """A CPU always does; an accelerator keeps ten bits where it is not told."""
    chunks, embedding = random((3, 7, 2, 5)), random((2, 30, 5), seed=1)
    program = str(jax.make_jaxpr(nearest_codes)(chunks, embedding))
    products = program.count("dot_general")
    assert products > 0
    assert program.count("(Precision.HIGHEST, Precision.HIGHEST)") == products


def test_gradient_passes_straight_through():
    chunks, vectors = random((2, 3, 2, 4)), random((2, 3, 2, 4), seed=1)
    weight = random((2, 3, 2, 4), seed=2)

    def loss(chunks, vectors):
        return jnp.sum(weight * straight_through(chunks, vectors))

    np.testing.assert_allclose(straight_through(chunks, vectors), vectors, atol=1e-6)
    to_chunks, to_vectors = jax.grad(loss, argnums=(0, 1))(chunks, vectors)
    np.testing.assert_array_equal(to_chunks, weight)
    assert not np.asarray(to_vectors).any()


def test_a_sharded_batch_stays_where_it_is():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    over_data = NamedSharding(mesh, PartitionSpec("data"))
    chunks, embedding = random((16, 5, 2, 4)), random((2, 12, 4), seed=1)
    spread = jax.jit(nearest_codes).lower(
        jax.device_put(chunks, over_data),
        jax.device_put(embedding, NamedSharding(mesh, PartitionSpec())),
    )
    compiled = spread.compile()
    assert "all-gather" not in compiled.as_text()
    codes = jax.jit(nearest_codes)(jax.device_put(chunks, over_data), embedding)
    np.testing.assert_array_equal(codes, nearest_codes(chunks, embedding))
