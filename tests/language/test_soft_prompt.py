"""The soft prompt: learnt through the words, and not pooled itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language.pooler import masked_mean
from anymo_jax.language.soft_prompt import (
    SOFT_PROMPT_AXES,
    init_soft_prompt,
    prepend,
)

MASK = np.array([[1, 1, 1, 0], [0, 0, 1, 1]], bool)
SPAN = np.array([[0, 1, 1, 0], [0, 0, 0, 1]], bool)


def texts(dtype=jnp.float32):
    return jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 6)), dtype)


def test_it_starts_small_and_named():
    prompt = init_soft_prompt(jax.random.key(0), 4096)
    assert prompt.shape == (8, 4096) and len(SOFT_PROMPT_AXES) == 2
    np.testing.assert_allclose(prompt.std(), 0.02, rtol=0.02)
    np.testing.assert_allclose(prompt.mean(), 0, atol=1e-3)


def test_it_stands_before_each_text_and_outside_the_span():
    prompt = init_soft_prompt(jax.random.key(0), 6, tokens=3)
    found = prepend(prompt, texts(jnp.bfloat16), jnp.asarray(MASK), jnp.asarray(SPAN))
    assert found.embeddings.dtype == jnp.bfloat16
    for i in range(2):
        expected = prompt.astype(jnp.bfloat16)
        np.testing.assert_array_equal(found.embeddings[i, :3], expected)
    np.testing.assert_array_equal(found.embeddings[:, 3:], texts(jnp.bfloat16))
    np.testing.assert_array_equal(found.mask, np.hstack([np.ones((2, 3)), MASK]))
    np.testing.assert_array_equal(found.span, np.hstack([np.zeros((2, 3)), SPAN]))


@pytest.mark.parametrize("mixed", [False, True])
def test_it_learns_only_through_what_mixes_tokens(mixed):
    """A mean over the span sees the prompt if, and only if, the states mixed it in."""

    def pooled(prompt):
        given = prepend(prompt, texts(), jnp.asarray(MASK), jnp.asarray(SPAN))
        states = given.embeddings
        if mixed:
            states = jnp.cumsum(jnp.where(given.mask[..., None], states, 0), axis=1)
        return jnp.sum(jnp.sin(masked_mean(states, given.span)))

    gradient = jax.jit(jax.grad(pooled))(init_soft_prompt(jax.random.key(0), 6))
    assert (np.abs(gradient).max() > 1e-3) == mixed


def test_no_tokens_are_refused():
    with pytest.raises(ValueError, match="soft prompt tokens is 0"):
        init_soft_prompt(jax.random.key(0), 6, tokens=0)
