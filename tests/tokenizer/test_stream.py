"""Interleaved streams: the paper's order, round trips, faults named."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.tokenizer.stream import interleave, separate


def test_the_papers_order_with_the_second_codebook_offset():
    codes = np.array([[5, 7], [0, 2047]])
    assert list(interleave(codes, 2048)) == [5, 2055, 0, 4095]


def test_beyond_the_length_stands_padding():
    codes = np.array([[[1, 2], [3, 0]], [[0, 1], [99, 99]]])
    tokens = interleave(codes, 4, np.array([2, 1]))
    assert tokens.tolist() == [[1, 6, 3, 4], [0, 5, -1, -1]]
    assert tokens.dtype == np.int32


@given(st.data())
def test_round_trip(data):
    codebooks, entries = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 50))
    batch, steps = data.draw(st.integers(0, 4)), data.draw(st.integers(0, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    length = rng.integers(0, steps + 1, batch)
    codes = rng.integers(0, entries, (batch, steps, codebooks))
    codes = np.where(np.arange(steps)[None, :, None] < length[:, None, None], codes, 0)
    tokens = interleave(codes, entries, length)
    assert tokens.shape == (batch, steps * codebooks)
    again, lengths = separate(tokens, entries, codebooks)
    np.testing.assert_array_equal(again, codes)
    np.testing.assert_array_equal(lengths, length)


@pytest.mark.parametrize(
    ("codes", "length", "padding", "message"),
    [
        ([[[0, 4]]], None, -1, r"codes\[0, 0, 1\] is 4, expected 0 to 3"),
        ([[[-1, 0]]], None, -1, "is -1"),
        ([[[0, 0]]], [2], -1, "length goes beyond the 1 steps"),
        ([[[0, 0]]], [-1], -1, "below zero"),
        ([[[0, 0]]], [1, 1], -1, r"length has shape \(2,\)"),
        ([[[0, 0]]], None, 7, "padding 7 is a token"),
    ],
)
def test_interleave_names_what_is_wrong(codes, length, padding, message):
    length = None if length is None else np.array(length)
    with pytest.raises(ValueError, match=message):
        interleave(np.array(codes), 4, length, padding)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([[0, 4, 1]], "not a multiple of 2 codebooks"),
        ([[0, 4, 1, -1]], "within a step"),
        ([[-1, -1, 0, 4]], "padding before"),
        ([[0, 4, 4, 4]], r"tokens\[0, 2\] is 4, expected 0 to 3"),
        ([[0, 3]], r"tokens\[0, 1\] is 3, expected 4 to 7"),
        ([[0, 8]], "is 8"),
    ],
)
def test_separate_names_what_is_wrong(tokens, message):
    with pytest.raises(ValueError, match=message):
        separate(np.array(tokens), 4)
