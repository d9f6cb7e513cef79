"""The order in which opposites meet: a share of each batch, nothing lost, resumable."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.language.hard_negatives import HardNegativeOrder


def order(group, pairs, batch, **options):
    pairs = np.array(pairs, np.int64).reshape(-1, 2)
    return HardNegativeOrder(np.array(group), pairs, batch, **options)


def opposites_in(batch, group, pairs):
    """Couples that a batch holds, each window in one at most."""
    groups = np.array(group)[batch].tolist()
    return sum(min(groups.count(a), groups.count(b)) for a, b in pairs)


@given(st.data())
def test_an_epoch_has_every_window_once_at_most(data):
    group = data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=40))
    batch = data.draw(st.integers(1, len(group)))
    share = data.draw(st.floats(0, 1))
    made = order(group, [(0, 1), (2, 3), (1, 4)], batch, share=share, seed=1)
    for epoch in range(2):
        start = epoch * made.batches_per_epoch
        numbers = range(start, start + made.batches_per_epoch)
        seen = np.concatenate([made.batch(n) for n in numbers])
        assert len(seen) == len(group) // batch * batch
        assert len(set(seen.tolist())) == len(seen)
        assert set(seen.tolist()) <= set(range(len(group)))


GROUP = [0] * 20 + [1] * 20 + [2] * 200
PAIRS = [(0, 1)]


def test_each_batch_has_its_share_of_couples():
    made = order(GROUP, PAIRS, 24, share=0.25, seed=5)
    assert made.batches_per_epoch == 10
    # 20 couples for 10 batches that want three each: two each.
    counts = [opposites_in(made.batch(n), GROUP, PAIRS) for n in range(10)]
    assert counts == [2] * 10
    few = order(GROUP, PAIRS, 24, share=1 / 12, seed=5)
    assert min(opposites_in(few.batch(n), GROUP, PAIRS) for n in range(10)) >= 1
    # By chance a couple is rarer: most of these batches hold fewer.
    chance = order(GROUP, PAIRS, 24, share=0.0, seed=5)
    drawn = [opposites_in(chance.batch(n), GROUP, PAIRS) for n in range(40)]
    assert np.mean(drawn) < 1.9


def test_a_batch_is_a_function_of_seed_and_number():
    first, again = (order(GROUP, PAIRS, 16, seed=7) for _ in range(2))
    forwards = [first.batch(n).tolist() for n in range(40)]
    assert [again.batch(n).tolist() for n in range(39, -1, -1)] == forwards[::-1]
    assert order(GROUP, PAIRS, 16, seed=8).batch(0).tolist() != forwards[0]
    epochs = first.batches_per_epoch
    assert sorted(forwards[0]) != sorted(forwards[epochs])


def test_couples_stand_anywhere_in_a_batch():
    made = order([0, 1, *([2] * 30)], PAIRS, 32, share=0.1)
    places = {int(np.flatnonzero(made.batch(n) == 0)[0]) for n in range(60)}
    assert len(places) > 10


@pytest.mark.parametrize(
    ("batch", "share", "message"),
    [
        (300, 0.1, "batch_size = 300 does not fit 240 windows"),
        (0, 0.1, "batch_size = 0 does not fit"),
        (8, 1.5, "share = 1.5 is a share of the batch"),
    ],
)
def test_what_cannot_be_is_refused(batch, share, message):
    with pytest.raises(ValueError, match=message):
        order(GROUP, PAIRS, batch, share=share)
