"""Recognition figures against scikit-learn, and baselines against their definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymo_jax.evaluation import recognition

metrics = pytest.importorskip("sklearn.metrics")


def drawn(seed, windows=40, classes=6, used=4):
    """Scores, and true classes of which the last ones never occur."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, used, windows)
    score = rng.normal(size=(windows, classes))
    score[np.arange(windows), truth] += 0.7
    return score, truth


def counted(score, truth):
    return recognition.count(score, truth, np.zeros_like(truth))[0]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10**6))
def test_figures_are_those_of_scikit_learn(seed):
    score, truth = drawn(seed)
    said = score.argmax(axis=1)
    everything = np.arange(score.shape[1])

    def f1(labels):
        return metrics.f1_score(
            truth, said, labels=labels, average="macro", zero_division=0
        )

    expected = {
        "accuracy": metrics.accuracy_score(truth, said),
        "f1_present": f1(np.unique(truth)),
        "f1_occurring": f1(None),
        "f1_vocabulary": f1(everything),
        "recall_at_2": metrics.top_k_accuracy_score(
            truth, score, k=2, labels=everything
        ),
    }
    counts = counted(score, truth)
    found = recognition.figures(counts)
    assert found.keys() == expected.keys() == set(recognition.FIGURES)
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name
    np.testing.assert_array_equal(
        recognition.confusion(counts),
        metrics.confusion_matrix(truth, said, labels=everything),
    )
    by_class = recognition.class_figures(counts)
    theirs = metrics.precision_recall_fscore_support(
        truth, said, labels=everything, zero_division=0
    )
    for name, values in zip(
        ("precision", "recall", "f1", "windows"), theirs, strict=True
    ):
        np.testing.assert_allclose(by_class[name], values, err_msg=name)


def test_the_three_definitions_of_f1_differ():
    # Class 0 right, class 1 taken for class 2, which has no window; class 3 is unused.
    score = np.eye(4)[[0, 2]]
    found = recognition.figures(counted(score, np.array([0, 1])))
    assert found["f1_present"] == 1 / 2
    assert found["f1_occurring"] == 1 / 3
    assert found["f1_vocabulary"] == 1 / 4


def test_groups_have_tables_of_their_own_that_add_up():
    score, truth = drawn(0)
    group = np.arange(len(truth)) % 3
    tables = recognition.count(score, truth, group)
    assert tables.shape == (3, 6, 6, 2)
    np.testing.assert_array_equal(tables.sum(axis=0), counted(score, truth))
    one = recognition.figures(tables)["accuracy"][1]
    assert one == np.mean(score[1::3].argmax(axis=1) == truth[1::3])


def test_ties_go_by_the_vocabulary_and_are_told():
    score, truth = np.zeros((4, 3)), np.array([0, 1, 2, 2])
    found = recognition.figures(counted(score, truth))
    assert (found["accuracy"], found["recall_at_2"]) == (1 / 4, 1 / 2)
    assert recognition.tied_share(score) == 1
    score[0, 1] = 1
    assert recognition.tied_share(score) == 3 / 4


def test_chance_is_what_random_orders_give():
    windows = np.array([30.0, 10.0, 0.0, 20.0])
    expected = recognition.chance_counts(windows)
    np.testing.assert_allclose(expected.sum(axis=(1, 2)), windows)
    found = recognition.figures(expected)
    assert found["accuracy"] == pytest.approx(1 / 4)
    assert found["recall_at_2"] == pytest.approx(2 / 4)
    truth = np.repeat(np.arange(4), windows.astype(int))
    rng = np.random.default_rng(0)
    tables = [counted(rng.normal(size=(60, 4)), truth) for _ in range(2000)]
    np.testing.assert_allclose(np.mean(tables, axis=0), expected, atol=0.25)


def test_majority_says_the_most_frequent_class_and_then_the_next():
    windows = np.array([2.0, 5.0, 3.0])
    found = recognition.majority_counts(windows, np.array([1, 2, 0]))
    np.testing.assert_array_equal(found.sum(axis=(1, 2)), windows)
    figures = recognition.figures(found)
    assert figures["accuracy"] == 0.5 and figures["recall_at_2"] == 0.8
    assert figures["f1_present"] == pytest.approx(2 / 3 / 3)


def test_what_cannot_be_ranked_is_refused():
    score = np.zeros((2, 3))
    score[1, 0] = np.nan
    with pytest.raises(ValueError, match="window 1 are not finite"):
        recognition.ranked_labels(score)
    with pytest.raises(ValueError, match="has 1 class"):
        recognition.ranked_labels(np.zeros((2, 1)))
    with pytest.raises(ValueError, match="no window was counted"):
        recognition.figures(np.zeros((3, 3, 2)))
