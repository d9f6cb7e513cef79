"""Ranks, perplexity and named classes, against their definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymo_jax.language import validation

SEEDS = st.integers(0, 10**6)


@settings(deadline=None)
@given(SEEDS)
def test_ranks_by_sorting(seed):
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 5, (6, 9)).astype(float)
    right = rng.random((6, 9)) < 0.3
    right[:, 0] = True
    found = validation.first_ranks(score, right)
    for q in range(6):
        # Wrong candidates first where scores tie.
        order = sorted(range(9), key=lambda c: (-score[q, c], right[q, c]))
        assert found[q] == 1 + next(i for i, c in enumerate(order) if right[q, c])


def test_constant_embeddings_are_no_better_than_last():
    same = np.ones((10, 4))
    found = validation.both_ways(same, same, np.arange(10))
    assert found["imu_to_text/r1"] == 0 and found["imu_to_text/mrr"] == 0.1


def test_equal_texts_are_all_right():
    imu = np.eye(4)
    text = imu[[1, 0, 2, 3]]
    crossed = validation.both_ways(imu, text, np.arange(4))
    assert crossed["imu_to_text/r1"] == 0.5 and crossed["text_to_imu/mrr"] < 1
    shared = validation.both_ways(imu, text, np.array([7, 7, 1, 2]))
    assert shared["imu_to_text/r1"] == 1 and shared["text_to_imu/mrr"] == 1


def test_a_query_without_an_answer_is_refused():
    right = np.array([[True, False], [False, False]])
    with pytest.raises(ValueError, match="query 1 has no right candidate among 2"):
        validation.first_ranks(np.zeros((2, 2)), right)


@settings(max_examples=30)
@given(SEEDS)
def test_perplexity_is_the_entropy_of_the_tokens(seed):
    rng = np.random.default_rng(seed)
    streams = [rng.integers(0, 5, 2 * n) for n in (3, 8)]
    joined = np.concatenate(streams)
    share = np.bincount(joined) / len(joined)
    entropy = -sum(p * np.log(p) for p in share if p > 0)
    found = validation.unigram_perplexity(streams)
    assert found == pytest.approx(np.exp(entropy))
    # Knowing the codebook never hurts.
    assert validation.unigram_perplexity(streams, 2) <= found * (1 + 1e-12)


def test_perplexity_tells_codebooks_apart_by_place():
    streams = [np.array([0, 4, 1, 5, 2, 6, 3, 7])]
    assert validation.unigram_perplexity(streams) == pytest.approx(8)
    assert validation.unigram_perplexity(streams, 2) == pytest.approx(4)
    with pytest.raises(ValueError, match="no token"):
        validation.unigram_perplexity([np.zeros(0, int)])


TEXTS = {
    "walk": ["a person walks", "someone is walking forward"],
    "jump": ["a person jumps up", "someone is jumping"],
}


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("A person walks.", "walk"),
        ("someone is jumping high", "jump"),
        ("someone is on the way forward", "walk"),
        ("a person", None),
        ("walks, then jumping", None),
        ("", None),
        ("zebra", None),
    ],
)
def test_a_caption_names_the_class_of_its_nearest_text(caption, named):
    assert validation.named_class(caption, TEXTS) == named
