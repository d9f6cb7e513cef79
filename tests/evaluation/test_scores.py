"""Pooling, corrections and the paper's figures."""

import numpy as np
import pytest

from anymo_jax.evaluation import published
from anymo_jax.evaluation.corrections import centred, inverted_softmax
from anymo_jax.evaluation.pooling import MAX, MEAN, pool_parts


def test_parts_are_pooled_by_the_rule():
    score = np.array([[1.0, 0.0], [0.0, 3.0], [2.0, 5.0]])
    # Parts need not come in order.
    window = np.array([1, 0, 1])
    np.testing.assert_array_equal(
        pool_parts(score, window, MEAN), [[0.0, 3.0], [1.5, 2.5]]
    )
    np.testing.assert_array_equal(
        pool_parts(score, window, MAX), [[0.0, 3.0], [2.0, 5.0]]
    )
    with pytest.raises(ValueError, match="choose one of mean, max"):
        pool_parts(score, window, "median")
    with pytest.raises(ValueError, match="window 1 has no part"):
        pool_parts(score, np.array([0, 2, 2]), MEAN)


def test_inverted_softmax_takes_the_label_that_is_near_to_all_down():
    # Label 2 is a hub: near to every window, nearest to none but the last.
    score = np.array([[0.6, 0.1, 0.7], [0.1, 0.6, 0.7], [0.1, 0.1, 0.9]])
    assert score.argmax(axis=1).tolist() == [2, 2, 2]
    found = inverted_softmax(score, 0.1)
    assert found.argmax(axis=1).tolist() == [0, 1, 2]
    # By its definition: probabilities of windows given labels.
    weights = np.exp(score / 0.1)
    np.testing.assert_allclose(np.exp(found), weights / weights.sum(axis=0))


def test_inverted_softmax_does_not_overflow_and_needs_a_temperature():
    assert np.isfinite(inverted_softmax(np.eye(3), 1e-5)).all()
    with pytest.raises(ValueError, match="give a positive one"):
        inverted_softmax(np.eye(3), 0.0)


def test_centring_closes_a_gap():
    rng = np.random.default_rng(0)
    labels = np.linalg.qr(rng.normal(size=(8, 8)))[0][:4]
    gap = 5 * rng.normal(size=8)
    windows = np.repeat(labels, 3, axis=0) + 0.05 * rng.normal(size=(12, 8)) + gap
    windows /= np.linalg.norm(windows, axis=1, keepdims=True)
    truth = np.repeat(np.arange(4), 3)
    assert np.mean((windows @ labels.T).argmax(axis=1) == truth) < 1
    score = centred(windows) @ centred(labels).T
    assert (score.argmax(axis=1) == truth).all()
    np.testing.assert_allclose(np.linalg.norm(centred(windows), axis=1), 1)


def test_equal_vectors_have_no_direction_about_their_mean():
    np.testing.assert_array_equal(centred(np.full((5, 3), 1 / np.sqrt(3))), 0)


def test_published_columns_average_to_the_published_averages():
    names = published._tables()["classes"]
    assert len(names) == 14 and published.classes("dsads") == 19
    mean = published.average(list(names))
    assert len(mean) == 9
    for method, values in published._tables()["zero_shot"].items():
        for metric in published.METRICS:
            # Columns are rounded to a tenth.
            assert mean[method][metric] == pytest.approx(
                values[metric]["average"], abs=0.0501
            ), (method, metric)


def test_published_rows_stand_beside_whole_sets_and_parts():
    row = {"accuracy": 36.3, "macro_f1": 29.5, "recall_at_2": 53.0}
    assert published.table1("dsads")["AnyMo"] == row
    assert published.is_whole("dsads") and not published.is_whole("wisdm_watch")
    assert published.table1("wisdm_watch") == published.table1("wisdm")
    assert published.table1("wisdm")["UniMTS"]["recall_at_2"] == 47.1
    assert published.table1("motionsense") == {} == published.average(["motionsense"])
    assert published.average(["umafall", "dsads"])["AnyMo"] == row
    assert published.table10()["imu"]["accuracy"] == 28.3
