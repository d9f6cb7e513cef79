"""Codes for users: as the unpadded results, in few compiled shapes, faults named."""

import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax import tokenizer
from anymo_jax.tokenizer import codes as module
from anymo_jax.tokenizer.codes import decode_codes, encode_codes
from tests.tokenizer.small import CONFIG, latents, variables


def random_codes(batch, steps, seed=0):
    return np.random.default_rng(seed).integers(0, CONFIG.entries, (batch, steps, 2))


@pytest.mark.parametrize("shape", [(1, 1), (5, 11)])
def test_results_are_the_unpadded_ones(shape, monkeypatch):
    """Also where a batch is taken in turns, the last of them smaller."""
    monkeypatch.setattr(module, "_STEPS", 16)
    monkeypatch.setattr(module, "_WINDOWS", 2)
    given, latent = variables(), latents(*shape)
    length = jnp.full(shape[0], shape[1])
    whole = tokenizer.tokenize(
        given["params"], given["codebook"], CONFIG, jnp.asarray(latent), length
    )
    codes = encode_codes(given, CONFIG, latent)
    assert isinstance(codes, np.ndarray) and codes.dtype == np.int32
    np.testing.assert_array_equal(codes, whole.codes)
    again = decode_codes(given, CONFIG, codes)
    assert isinstance(again, np.ndarray) and again.dtype == np.float32
    np.testing.assert_allclose(again, whole.reconstruction, atol=2e-5)


def test_few_shapes_are_compiled():
    """12 sizes of batch and window; a bucket of 6 or of 8 steps for 5 to 8."""
    given = variables()
    module._encode.clear_cache()
    module._decode.clear_cache()
    for batch in range(1, 4):
        for steps in range(5, 9):
            encode_codes(given, CONFIG, latents(batch, steps))
            decode_codes(given, CONFIG, random_codes(batch, steps))
    assert module._encode._cache_size() == len({6, 8, 12, 16, 24})
    assert module._decode._cache_size() == 3 * 2


@pytest.mark.parametrize("most", [None, 40])
def test_buckets_hold_what_they_are_for(most):
    sizes = [module._bucket(count, most) for count in range(1, 41)]
    assert all(size >= count for count, size in enumerate(sizes, start=1))
    assert all(size <= 1.5 * count for count, size in enumerate(sizes, start=1))
    assert len(set(sizes)) <= 11 and max(sizes) <= (most or 48)


def test_nothing_in_gives_nothing_out():
    given = variables()
    assert encode_codes(given, CONFIG, latents(0, 5)).shape == (0, 5, 2)
    assert decode_codes(given, CONFIG, random_codes(0, 5)).shape == (0, 5, 12)


def test_codes_beyond_the_length_may_be_anything():
    given, codes = variables(), random_codes(2, 6)
    other = codes.copy()
    other[1, 4:] = -1
    length = np.array([6, 4])
    one, two = (decode_codes(given, CONFIG, c, length) for c in (codes, other))
    np.testing.assert_array_equal(one, two)
    assert not one[1, 4:].any() and one[1, :4].any()


@pytest.mark.parametrize("value", [-1, CONFIG.entries])
def test_a_code_out_of_range_is_named(value):
    codes = random_codes(2, 3)
    codes[1, 2, 0] = value
    with pytest.raises(ValueError, match=f"is {value}, expected 0 to 23"):
        decode_codes(variables(), CONFIG, codes)


def test_wrong_inputs_are_named():
    given = variables()
    with pytest.raises(ValueError, match=r"latents has shape .*expected \(B, L, 12\)"):
        encode_codes(given, CONFIG, np.zeros((1, 2, 13), np.float32))
    with pytest.raises(ValueError, match="latents has values that are not finite"):
        encode_codes(given, CONFIG, np.full((1, 2, 12), np.nan, np.float32))
    with pytest.raises(ValueError, match="codes has shape"):
        decode_codes(given, CONFIG, np.zeros((1, 2, 3), int))
    for length in ([0], [4], [1, 1]):
        with pytest.raises(ValueError, match="length is"):
            decode_codes(given, CONFIG, random_codes(1, 3), np.array(length))
