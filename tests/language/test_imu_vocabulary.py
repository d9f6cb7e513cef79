"""Ids of the IMU vocabulary, and streams that are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymo_jax.language.imu_vocabulary import ImuVocabulary

SMALL = ImuVocabulary(text=100, codebooks=2, entries=8)
CODES = np.array([[0, 7], [3, 0]])


def test_the_paper_s_sizes():
    qwen = ImuVocabulary(text=151_665)
    assert (qwen.begin, qwen.end, qwen.first_code) == (151_665, 151_666, 151_667)
    assert (qwen.new, qwen.total) == (4098, 155_763)
    names = qwen.names()
    assert names[:3] == ("<imu_bos>", "<imu_eos>", "<imu_0000>")
    assert names[-1] == "<imu_4095>" and len(set(names)) == qwen.new


def test_a_window_stands_between_its_boundaries():
    tokens = SMALL.wrap(CODES)
    assert list(tokens) == [100, 102, 117, 105, 110, 101]
    assert tokens.dtype == np.int32


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=6),
    st.booleans(),
)
def test_codes_come_back(steps, bare):
    codes = np.array(steps, int).reshape(-1, 2)
    tokens = SMALL.wrap(codes)
    found = SMALL.unwrap(tokens[1:-1] if bare else tokens)
    np.testing.assert_array_equal(found, codes)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.array([[0, 8]]), r"codes\[0, 1\] is 8, expected 0 to 7"),
        (np.array([[-1, 0]]), r"codes\[0, 0\] is -1"),
        (np.zeros((2, 3), int), r"shape \(2, 3\), expected \(L, 2\)"),
        (np.zeros(4, int), r"shape \(4,\), expected \(L, 2\)"),
    ],
)
def test_codes_out_of_range_are_refused(codes, message):
    with pytest.raises(ValueError, match=message):
        SMALL.wrap(codes)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([100, 102, 117, 105, 101], "3 entries a window, not a multiple of 2"),
        ([100, 102, 5, 101], r"tokens\[1\] within the boundaries is 5, no code"),
        ([100, 102, 118, 101], r"tokens\[1\] within the boundaries is 118"),
        ([100, 102, 103, 101], r"tokens\[0, 1\] is 1, expected 8 to 15 there"),
    ],
    ids=["odd", "text", "beyond", "codebook"],
)
def test_streams_that_are_none_are_refused(tokens, message):
    with pytest.raises(ValueError, match=message):
        SMALL.unwrap(np.array(tokens))


def test_a_vocabulary_without_room_is_refused():
    SMALL.check_text_rows(100)
    SMALL.check_all_rows(118)
    with pytest.raises(
        ValueError, match="vocab_size 99 is smaller than the 100 tokens"
    ):
        SMALL.check_text_rows(99)
    with pytest.raises(ValueError, match="117 is smaller than the IMU tokens need"):
        SMALL.check_all_rows(117)


@pytest.mark.parametrize("field", ["text", "codebooks", "entries"])
def test_sizes_below_one_are_refused(field):
    with pytest.raises(ValueError, match=f"{field} is 0"):
        ImuVocabulary(**{"text": 1, field: 0})
