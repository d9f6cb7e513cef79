"""Retrieval in pools and among all, against rankings made by hand."""

import numpy as np
import pytest

from anymo_jax.evaluation.retrieval import retrieval


def vectors(rng, count, width=6):
    drawn = rng.normal(size=(count, width))
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def test_figures_are_those_of_sorted_candidates():
    rng = np.random.default_rng(0)
    imu, text = vectors(rng, 30), vectors(rng, 30)
    texts = [f"text {i}" for i in range(30)]
    found = retrieval(imu, text, texts, size=10, draws=5)
    rank = [
        1 + list(np.argsort(-(imu[i] @ text.T))).index(i) for i in range(len(texts))
    ]
    for k in (1, 5, 10):
        assert found.full[f"imu_to_text/r{k}"] == np.mean(np.array(rank) <= k)
    mrr = np.mean(1 / np.array(rank))
    assert found.full["imu_to_text/mrr"] == pytest.approx(mrr)
    other = retrieval(text, imu, texts, size=10, draws=5)
    assert other.full["text_to_imu/mrr"] == pytest.approx(mrr)
    assert (found.windows, found.distinct, found.distinct_in_pool) == (30, 30, 10)
    assert found.pools["imu_to_text/r10"] == 1


def test_any_window_of_the_text_is_right():
    rng = np.random.default_rng(1)
    means = vectors(rng, 3)
    which = np.arange(30) % 3
    texts = ["walk", "sit", "jump"]
    repeated = [texts[i] for i in which]
    found = retrieval(means[which], means[which], repeated, size=12, draws=4)
    assert set(found.full.values()) == {1.0}
    assert found.distinct == 3 and found.distinct_in_pool <= 3
    crossed = retrieval(means[which], means[(which + 1) % 3], repeated, size=12)
    assert crossed.full["imu_to_text/r1"] == 0


def test_pools_are_drawn_by_the_seed_and_spread():
    rng = np.random.default_rng(2)
    imu, text = vectors(rng, 60), vectors(rng, 60)
    texts = [str(i) for i in range(60)]
    first, again, other = (
        retrieval(imu, text, texts, size=20, draws=30, seed=s) for s in (0, 0, 1)
    )
    assert first == again and first.pools != other.pools
    low, high = first.spread["text_to_imu/mrr"]
    assert low < first.pools["text_to_imu/mrr"] < high
    # A pool of 20 is easier than all 60.
    assert first.pools["text_to_imu/mrr"] > first.full["text_to_imu/mrr"]


def test_too_few_windows_are_refused():
    one = np.ones((3, 1))
    with pytest.raises(ValueError, match="pools of 100 from 3 windows"):
        retrieval(one, one, ["a", "b", "c"])
    with pytest.raises(ValueError, match="3 windows but 2 texts"):
        retrieval(one, one, ["a", "b"], size=2)
