"""Projection and decoder: lengths, dtypes, logical axes; configs that are refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax import tokenizer
from anymo_jax.tokenizer.config import TokenizerConfig
from tests.tokenizer.small import CONFIG, latents, variables

run = jax.jit(tokenizer.tokenize, static_argnames="config")


def tokenize(given, latent, length, config=CONFIG):
    length = jnp.asarray(length, jnp.int32)
    return run(given["params"], given["codebook"], config, jnp.asarray(latent), length)


def test_a_padded_window_gives_the_unpadded_ones_result():
    given, latent, lengths = variables(), latents(3, 11), [11, 4, 7]
    beyond = np.arange(11)[None, :, None] >= np.array(lengths)[:, None, None]
    padded = tokenize(given, np.where(beyond, 50.0, latent), lengths)
    for i, length in enumerate(lengths):
        alone = tokenize(given, latent[i : i + 1, :length], [length])
        np.testing.assert_array_equal(padded.codes[i, :length], alone.codes[0])
        np.testing.assert_allclose(
            padded.reconstruction[i, :length], alone.reconstruction[0], atol=2e-5
        )
        assert not np.asarray(padded.reconstruction[i, length:]).any()
        assert list(padded.valid[i]) == [True] * length + [False] * (11 - length)


def test_gradients_do_not_see_what_lies_beyond_the_length():
    given, latent = variables(), latents(2, 9)

    @jax.jit
    def gradient(latent):
        def loss(params):
            length = jnp.array([9, 5])
            found = tokenizer.tokenize(
                params, given["codebook"], CONFIG, latent, length
            )
            total, count = tokenizer.tokenizer_loss(latent, found, CONFIG)["loss"]
            return total / count

        return jax.grad(loss)(given["params"])

    changed = latent.copy()
    changed[1, 5:] = 30.0
    first, second = gradient(jnp.asarray(latent)), gradient(jnp.asarray(changed))
    for one, other in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert np.isfinite(one).all() and np.asarray(one).any()


def test_no_gradient_passes_to_the_codebooks():
    given, latent = variables(), jnp.asarray(latents(2, 5))

    @jax.jit
    @jax.grad
    def gradient(embedding):
        codebook = {**given["codebook"], "embedding": embedding}
        length = jnp.array([5, 5])
        found = tokenizer.tokenize(given["params"], codebook, CONFIG, latent, length)
        return found.vectors.sum() + found.reconstruction.sum()

    assert not np.asarray(gradient(given["codebook"]["embedding"])).any()


def test_bfloat16_changes_the_decoder_only():
    given, latent = variables(), latents()
    half = dataclasses.replace(CONFIG, dtype="bfloat16")
    full, low = (tokenize(given, latent, [11, 11, 11], c) for c in (CONFIG, half))
    np.testing.assert_array_equal(full.codes, low.codes)
    np.testing.assert_array_equal(full.chunks, low.chunks)
    assert low.reconstruction.dtype == jnp.float32
    difference = np.abs(np.asarray(full.reconstruction - low.reconstruction))
    assert 1e-4 < difference.max() < 0.1 * np.abs(full.reconstruction).max()


def test_axes_name_each_dimension_of_each_parameter():
    params, axes = tokenizer.init(jax.random.key(0), CONFIG)["params"], None
    axes = tokenizer.axes(CONFIG)
    is_names = lambda leaf: isinstance(leaf, tuple)  # noqa: E731
    assert jax.tree.structure(axes, is_leaf=is_names) == jax.tree.structure(params)
    names = jax.tree.leaves(axes, is_leaf=is_names)
    for leaf, named in zip(jax.tree.leaves(params), names, strict=True):
        assert isinstance(leaf, jax.Array) and leaf.ndim == len(named)
        used = [name for name in named if name]
        assert set(used) <= {"embed", "mlp"} and len(used) == len(set(used))
    assert axes["decoder"]["block_0"]["conv2"]["kernel"] == (None, "mlp", "embed")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("latent", 0),
        ("bottleneck", 9),
        ("kernel", 4),
        ("dilations", (0,)),
        ("decay", 1.5),
        ("dead_below", -0.1),
        ("laplace", -1.0),
        ("start", "zeros"),
        ("dtype", "float16"),
    ],
)
def test_a_config_out_of_range_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(CONFIG, **{field: value})


def test_configs_are_keys_of_compiled_functions():
    assert hash(TokenizerConfig()) == hash(TokenizerConfig())
    assert TokenizerConfig().code_width == 64
