"""The bootstrap of counts against one that loops over windows and people."""

import numpy as np
import pytest

from anymo_jax.evaluation import recognition
from anymo_jax.evaluation.bootstrap import (
    SUBJECTS,
    WINDOWS,
    interval,
    intervals,
    resample,
)


def people(rng, count=12, windows=30):
    """Scores, classes and people, some of whom are easier than others."""
    subject = np.repeat(np.arange(count), windows)
    truth = rng.integers(0, 3, len(subject))
    score = rng.normal(size=(len(subject), 3))
    ease = np.repeat(rng.uniform(0, 4, count), windows)
    score[np.arange(len(truth)), truth] += ease
    return score, truth, subject


def accuracies(drawn):
    return recognition.figures(drawn.counts)["accuracy"]


@pytest.mark.parametrize("by_people", [True, False])
def test_draws_are_distributed_as_those_of_a_loop(by_people):
    rng = np.random.default_rng(0)
    score, truth, subject = people(rng)
    right = score.argmax(axis=1) == truth
    units = [right[subject == s] for s in np.unique(subject)] if by_people else right
    looped = []
    for _ in range(2000):
        picked = rng.integers(0, len(units), len(units))
        values = [units[i] for i in picked]
        looped.append(np.mean(np.concatenate(values) if by_people else values))
    counts = recognition.count(score, truth, subject)
    drawn = resample(counts, people=by_people, resamples=2000, seed=1)
    assert drawn.over == (SUBJECTS if by_people else WINDOWS)
    assert drawn.units == (12 if by_people else 360)
    found = accuracies(drawn)
    assert found.mean() == pytest.approx(np.mean(looped), abs=0.005)
    assert found.std() == pytest.approx(np.std(looped), rel=0.1)


def test_people_differ_so_that_their_interval_is_wider():
    score, truth, subject = people(np.random.default_rng(0))
    counts = recognition.count(score, truth, subject)
    width = {
        by: np.ptp(interval(accuracies(resample(counts, people=by))))
        for by in (True, False)
    }
    assert width[True] > 1.5 * width[False]


def test_one_seed_draws_the_same_and_another_does_not():
    counts = recognition.count(*people(np.random.default_rng(0)))
    first, again, other = (
        resample(counts, people=True, resamples=9, seed=s).counts for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_one_person_alone_is_drawn_by_windows():
    score, truth, subject = people(np.random.default_rng(0), count=1)
    counts = recognition.count(score, truth, subject)
    drawn = resample(counts, people=True, resamples=5)
    assert (drawn.over, drawn.units) == (WINDOWS, 30)
    np.testing.assert_array_equal(drawn.counts.sum(axis=(1, 2, 3)), 30)


def test_the_interval_holds_the_middle():
    draws = np.arange(101.0)
    assert interval(draws, 0.9) == pytest.approx((5.0, 95.0))
    assert intervals({"a": draws}, 0.5)["a"] == pytest.approx((25.0, 75.0))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="draw at least one"):
        resample(np.ones((1, 2, 2, 2)), people=False, resamples=0)
    with pytest.raises(ValueError, match="no window"):
        resample(np.zeros((1, 2, 2, 2)), people=False)
