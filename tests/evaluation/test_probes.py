"""Linear probes: people apart, as many windows as said, figures of scikit-learn."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import StandardScaler

from anymo_jax.evaluation import probes

OPTIONS = probes.ProbeOptions(shots=(1, 10), draws=4, full_draws=2)


def made(windows=180, people=6, classes=3, noise=0.5):
    rng = np.random.default_rng(0)
    label = np.arange(windows) % classes
    centre = rng.normal(size=(classes, 5))
    features = centre[label] + noise * rng.normal(size=(windows, 5))
    return features, label, rng.integers(0, people, windows), classes


def test_more_shots_help_and_chance_is_chance():
    found = probes.probe(*made(noise=1.0), OPTIONS)
    assert list(found) == ["1", "10", probes.FULL]
    means = [row.figures["accuracy"] for row in found.values()]
    assert means[0] < means[1] <= means[2] + 0.05 and means[2] > 0.6
    assert [row.draws for row in found.values()] == [4, 4, 2]
    features, label, subject, classes = made()
    noise = np.random.default_rng(1).normal(size=features.shape)
    flat = probes.probe(noise, label, subject, classes, OPTIONS)
    assert abs(flat["10"].figures["accuracy"] - 1 / 3) < 0.12


def test_people_are_apart_and_every_class_gives_its_windows():
    _, label, subject, _ = made()
    rng = np.random.default_rng(0)
    for share, count in ((0.3, 2), (0.01, 1), (0.99, 5)):
        test = probes.split_people(subject, share, rng)
        assert len(np.unique(subject[test])) == count
        assert not set(subject[test]) & set(subject[~test])
        train = probes.few_of_each(label, ~test, 4, rng)
        assert (np.bincount(label[train]) == 4).all() and not test[train].any()
        every = probes.few_of_each(label, ~test, None, rng)
        np.testing.assert_array_equal(every, np.flatnonzero(~test))


def test_a_draw_is_scikit_learns_own_figure():
    features, label, subject, classes = made(noise=1.0)
    found = probes.probe(
        *(features, label, subject, classes),
        probes.ProbeOptions(shots=(5,), draws=1, full_draws=0),
    )
    rng = np.random.default_rng([0, 5])
    test = probes.split_people(subject, 0.3, rng)
    train = probes.few_of_each(label, ~test, 5, rng)
    scale = StandardScaler().fit(features[train])
    model = LogisticRegression(max_iter=2000)
    model.fit(scale.transform(features[train]), label[train])
    expected = accuracy_score(
        label[test], model.predict(scale.transform(features[test]))
    )
    assert found["5"].figures["accuracy"] == pytest.approx(expected)


def test_a_class_that_no_training_person_has_is_a_miss():
    features, label, subject, classes = made(people=2)
    # The class hangs on the person, so that no test window's class is trained.
    subject = (label == 0).astype(int)
    found = probes.probe(features, label, subject, classes, OPTIONS)
    assert found["10"].figures["accuracy"] == 0


def test_what_cannot_be_probed_is_said(monkeypatch):
    features, label, subject, classes = made()
    for unknown in (np.full_like(subject, -1), np.zeros_like(subject)):
        with pytest.raises(ValueError, match="none can be kept apart"):
            probes.probe(features, label, unknown, classes, OPTIONS)
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(ValueError, match=r"pip install 'anymo_jax\[probes\]'"):
        probes.probe(features, label, subject, classes, OPTIONS)
    with pytest.raises(ValueError, match="a share below 1"):
        probes.ProbeOptions(test_share=1.0)
