"""The soft prompt: learnt through the words, and not pooled itself."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language import forward, model
from anymo_jax.language.pooler import masked_mean
from anymo_jax.language.soft_prompt import (
    SOFT_PROMPT_AXES,
    init_soft_prompt,
    prepend,
)
from tests.language.cases import JOINT, LANGUAGE, TEXT

MASK = np.array([[1, 1, 1, 0], [0, 0, 1, 1]], bool)
SPAN = np.array([[0, 1, 1, 0], [0, 0, 0, 1]], bool)
BOTH = jnp.ones(2, bool)


def texts(dtype=jnp.float32):
    return jnp.asarray(np.random.default_rng(0).normal(size=(2, 4, 6)), dtype)


def test_it_starts_small_and_named():
    prompt = init_soft_prompt(jax.random.key(0), 4096)
    assert prompt.shape == (8, 4096) and len(SOFT_PROMPT_AXES) == 2
    np.testing.assert_allclose(prompt.std(), 0.02, rtol=0.02)
    np.testing.assert_allclose(prompt.mean(), 0, atol=1e-3)


def test_it_stands_before_each_text_and_outside_the_span():
    prompt = init_soft_prompt(jax.random.key(0), 6, tokens=3)
    masks = jnp.asarray(MASK), jnp.asarray(SPAN)
    found = prepend(prompt, texts(jnp.bfloat16), *masks, BOTH)
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
        given = prepend(prompt, texts(), jnp.asarray(MASK), jnp.asarray(SPAN), BOTH)
        states = given.embeddings
        if mixed:
            states = jnp.cumsum(jnp.where(given.mask[..., None], states, 0), axis=1)
        return jnp.sum(jnp.sin(masked_mean(states, given.span)))

    gradient = jax.jit(jax.grad(pooled))(init_soft_prompt(jax.random.key(0), 6))
    assert (np.abs(gradient).max() > 1e-3) == mixed


def text_batch(prompted):
    """Three texts of random words, of which some stand behind the soft prompt."""
    rng = np.random.default_rng(1)
    length = np.array([6, 4, 5], np.int32)
    return {
        "label": rng.integers(0, TEXT, (3, 6), dtype=np.int32),
        "label_length": length,
        "label_span": np.stack([0 * length, length], axis=1),
        "label_prompted": np.array(prompted),
    }


@jax.jit
def vectors(params, batch):
    codebook = jnp.zeros((2, 16, 2))
    reader = forward.prepare(params, LANGUAGE, codebook, JOINT)
    return forward.text_vectors(reader, batch, "label", 0)


def random_params(joint=JOINT):
    codebook = jnp.ones((2, 16, 2))
    params = model.init(jax.random.key(0), LANGUAGE, codebook)
    params["joint"] = model.init_joint(jax.random.key(1), joint)
    # As large as words become, so that it matters.
    params["joint"]["soft_prompt"] *= 50
    return params


def test_each_text_stands_behind_the_prompt_or_alone():
    """In one batch, as in batches of their own; and alone as if there were none."""
    params = random_params()
    with_it, without = (vectors(params, text_batch([b] * 3)) for b in (True, False))
    mixed = vectors(params, text_batch([False, True, False]))
    expected = np.where([[False], [True], [False]], with_it, without)
    np.testing.assert_allclose(mixed, expected, atol=1e-6)
    assert np.abs(with_it - without).max(axis=1).min() > 1e-3
    bare = dataclasses.replace(JOINT, soft_prompt=0)
    reader = forward.prepare(params, LANGUAGE, jnp.zeros((2, 16, 2)), bare)
    alone = forward.text_vectors(reader, text_batch([False] * 3), "label", 0)
    np.testing.assert_allclose(without, alone, atol=1e-6)


def test_texts_without_the_prompt_teach_it_nothing():
    def gradient(prompted):
        def total(params):
            return jnp.sum(jnp.sin(vectors(params, text_batch(prompted))))

        return jax.grad(total)(random_params())["joint"]["soft_prompt"]

    assert not np.abs(gradient([False] * 3)).any()
    assert np.abs(gradient([False, True, False])).max() > 1e-4


def test_no_tokens_are_refused():
    with pytest.raises(ValueError, match="soft prompt tokens is 0"):
        init_soft_prompt(jax.random.key(0), 6, tokens=0)
