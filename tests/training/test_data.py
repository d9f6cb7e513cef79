"""Delivery: every example once an epoch, the same batches for any processes."""

import itertools

import numpy as np
import pytest

from anymo_jax.training.data import DataError, Delivery, batches


class Numbers:
    """Example i holds the number start + i."""

    def __init__(self, size, start=0):
        self.size, self.start = size, start

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        assert 0 <= index < self.size
        return {"number": np.int32(self.start + index), "x": np.zeros(3, np.float16)}


def numbers(dataset, count):
    return [batch["number"] for batch in itertools.islice(dataset, count)]


def test_epochs_are_permutations_of_their_own():
    taken = np.stack(numbers(batches(Numbers(12), 4, seed=0), 9)).reshape(3, 12)
    assert all(sorted(epoch) == list(range(12)) for epoch in taken.tolist())
    assert len({tuple(epoch) for epoch in taken.tolist()}) == 3


def test_remainder_is_dropped_and_never_doubled():
    taken = numbers(batches(Numbers(10), 4, seed=0), 60)
    assert all(len(set(batch.tolist())) == 4 for batch in taken)
    # Each epoch drops others: all come equally often, up to chance.
    counts = np.bincount(np.concatenate(taken), minlength=10)
    assert counts.min() >= 15


def test_seeds_share_no_batches():
    """Neighbouring seeds, above all, whose epochs Grain would shift against another."""
    taken = [
        frozenset(batch.tolist())
        for seed in range(3)
        for batch in numbers(batches(Numbers(60), 20, seed=seed), 9)
    ]
    assert len(set(taken)) == 27


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_deal_out_one_batch(processes):
    whole = numbers(batches(Numbers(20), 8, seed=1), 5)
    parts = [
        numbers(batches(Numbers(20), 8, seed=1, process=(i, processes)), 5)
        for i in range(processes)
    ]
    for batch, *rows in zip(whole, *parts, strict=True):
        np.testing.assert_array_equal(batch, np.concatenate(rows))


@pytest.mark.parametrize("threads", [0, 3])
def test_position_is_exact(threads):
    dataset = batches(Numbers(50), 8, seed=1, delivery=Delivery(threads, 5))
    iterator = iter(dataset)
    numbers(iterator, 11)
    position = iterator.get_state()
    after = numbers(iterator, 9)
    iterator.set_state(position)
    np.testing.assert_array_equal(numbers(iterator, 9), after)
    fresh = iter(batches(Numbers(50), 8, seed=1))
    fresh.set_state(position)
    np.testing.assert_array_equal(numbers(fresh, 9), after)


def test_leaves_are_stacked_with_their_dtypes():
    batch = next(iter(batches(Numbers(4), 2, seed=0)))
    assert batch["number"].shape == (2,) and batch["number"].dtype == np.int32
    assert batch["x"].shape == (2, 3) and batch["x"].dtype == np.float16


def test_without_weights_sources_are_shuffled_as_one():
    sources = [Numbers(5), Numbers(7, start=100)]
    taken = np.concatenate(numbers(batches(sources, 6, seed=0), 2))
    assert sorted(taken) == [*range(5), *range(100, 107)]


def test_weights_are_shares_of_every_batch():
    sources = [Numbers(40), Numbers(5, start=100), Numbers(9, start=200)]
    taken = numbers(batches(sources, 8, seed=0, weights=[2, 1, 1]), 20)
    for batch in taken:
        assert np.bincount(batch // 100).tolist() == [4, 2, 2]
        assert len(set(batch.tolist())) == 8
    # Either process has examples of several sources.
    assert all(len(set((batch[:4] // 100).tolist())) > 1 for batch in taken)
    small = np.concatenate(taken)
    assert {*small[small // 100 == 1].tolist()} == set(range(100, 105))


@pytest.mark.parametrize(
    ("sizes", "options", "message"),
    [
        ([3], {}, "3 examples to a batch of 4"),
        ([0], {}, "0 examples"),
        ([9], {"process": (0, 3)}, "does not divide over 3 processes"),
        ([9, 9], {"weights": [1.0]}, "do not fit 2 sources"),
        ([9, 9], {"weights": [1.0, 0.0]}, "one positive number each"),
        ([9, 2], {"weights": [1.0, 3.0]}, "3 of 2 examples"),
        ([9, 9], {"weights": [1.0, 0.01]}, "0 of 9 examples"),
    ],
)
def test_what_cannot_fill_a_batch_is_refused(sizes, options, message):
    with pytest.raises(DataError, match=message):
        batches([Numbers(size) for size in sizes], 4, seed=0, **options)


class Drawn(Numbers):
    """Example i beside a number drawn anew every time."""

    def draw(self, index, rng):
        return self[index] | {"drawn": np.int64(rng.integers(2**40))}


@pytest.mark.parametrize("processes", [1, 2])
def test_what_is_drawn_hangs_on_the_place_in_the_order_alone(processes):
    dataset = batches(Drawn(16), 8, seed=2, delivery=Delivery(threads=3))
    whole = list(itertools.islice(dataset, 6))
    shares = [
        list(itertools.islice(batches(Drawn(16), 8, seed=2, process=(i, processes)), 6))
        for i in range(processes)
    ]
    for batch, *parts in zip(whole, *shares, strict=True):
        joined = np.concatenate([part["drawn"] for part in parts])
        np.testing.assert_array_equal(batch["drawn"], joined)
    # Three epochs of 16: nothing is drawn twice.
    assert len(set(np.concatenate([b["drawn"] for b in whole]).tolist())) == 48
    other = next(iter(batches(Drawn(16), 8, seed=3)))
    assert not set(other["drawn"].tolist()) & set(whole[0]["drawn"].tolist())


def test_draws_are_the_same_after_a_resume():
    iterator = iter(batches(Drawn(16), 8, seed=2))
    for _ in range(3):
        next(iterator)
    position, expected = iterator.get_state(), next(iterator)["drawn"]
    fresh = iter(batches(Drawn(16), 8, seed=2))
    fresh.set_state(position)
    np.testing.assert_array_equal(next(fresh)["drawn"], expected)


class Evens:
    """Batch k of four holds even numbers from 8 k on, modulo 24."""

    def batch(self, number):
        return (8 * number + 2 * np.arange(4)) % 24


def test_an_order_says_which_examples_come_together():
    dataset = batches([Numbers(12), Numbers(12, 12)], 4, seed=0, order=Evens())
    iterator = iter(dataset)
    taken = [next(iterator)["number"].tolist() for _ in range(3)]
    assert taken == [[0, 2, 4, 6], [8, 10, 12, 14], [16, 18, 20, 22]]
    state = iterator.get_state()
    assert next(iterator)["number"].tolist() == [0, 2, 4, 6]
    again = iter(dataset)
    again.set_state(state)
    assert next(again)["number"].tolist() == [0, 2, 4, 6]
    halves = [
        batches(Numbers(24), 4, seed=0, order=Evens(), process=(index, 2))
        for index in range(2)
    ]
    assert [numbers(half, 1)[0].tolist() for half in halves] == [[0, 2], [4, 6]]
    with pytest.raises(DataError, match="leave the weights out"):
        batches([Numbers(12)], 4, seed=0, order=Evens(), weights=[1.0])
