"""Rows of a zero-shot table, of a model whose every answer is known."""

import dataclasses

import numpy as np
import pytest

from anymo_jax.evaluation import embedded, tables
from anymo_jax.evaluation.averages import average, choose
from anymo_jax.evaluation.embedded import embed_dataset
from anymo_jax.evaluation.zero_shot import (
    CENTRED,
    CHANCE,
    INVERTED,
    MAJORITY,
    MODEL,
    ZeroShotOptions,
    evaluate,
    row_intervals,
)
from tests.evaluation import cases

OPTIONS = ZeroShotOptions(resamples=200)


def results(windows, *, options=OPTIONS, **asked):
    return evaluate(embed_dataset(cases.FirstAxis(), windows, **asked), options)


def test_a_model_that_knows_scores_in_full_and_baselines_do_not():
    found = results(cases.dataset())
    assert list(found.rows) == [MODEL, INVERTED, CENTRED, CHANCE, MAJORITY]
    assert set(found.rows[MODEL].figures.values()) == {1.0}
    assert row_intervals(found.rows[MODEL])["accuracy"] == (1.0, 1.0)
    chance = found.rows[CHANCE].figures
    assert chance["accuracy"] == pytest.approx(1 / 3)
    assert chance["recall_at_2"] == pytest.approx(2 / 3)
    assert found.rows[MAJORITY].figures["accuracy"] == pytest.approx(1 / 3)
    assert (found.over, found.units, found.windows) == ("subjects", 4, 24)
    np.testing.assert_array_equal(found.confusion, 8 * np.eye(3))


def test_each_sensor_alone_and_each_prompt_have_rows():
    found = results(cases.dataset(), prompts=True, per_site=True)
    assert found.sites["left wrist"].figures["accuracy"] == 1
    # The ankle's force is that of sitting in every window.
    assert found.sites["right ankle"].figures["accuracy"] == pytest.approx(1 / 3)
    assert found.rows["bare prompt"].figures["accuracy"] == 1
    assert found.rows["imu prompt"].figures["accuracy"] == 0
    alone = results(cases.dataset(sites=("left wrist",)), per_site=True)
    assert alone.sites == {}


def test_unknown_people_are_told_and_windows_are_drawn():
    found = results(cases.dataset(subjects=0))
    assert (found.over, found.units) == ("windows", 24)


def test_long_windows_are_read_in_parts_and_pooled(monkeypatch):
    monkeypatch.setattr(embedded, "AT_ONCE", 5)
    windows = cases.dataset(windows=6, length=700, sites=("left wrist",))
    # One action in the first part of a window of walking: half of it is jumping.
    windows.signal[700:1000, 0, 0] = 3.2
    windows.signal[1000:1400, 0, 0] = 2.0
    model = cases.FirstAxis()
    data = embed_dataset(model, windows)
    assert model.asked == [5, 5, 5, 3] and len(data.parts.window) == 18
    found = evaluate(data, OPTIONS)
    assert found.rows[MODEL].figures["accuracy"] == 1
    # By its best part the window is as much jumping as walking.
    assert "max of parts" in found.rows and found.rows["max of parts"].tied > 0


def test_windows_without_a_sensor_are_left_out_and_counted():
    windows = cases.dataset()
    windows.signal[: 90 * 2] = np.nan
    found = results(windows)
    assert (found.windows, found.dropped) == (22, 2)
    assert found.rows[MODEL].windows == 22
    assert found.rows[MODEL].figures["accuracy"] == 1
    windows.signal[:] = np.nan
    with pytest.raises(ValueError, match="motionsense: windows show no sensor"):
        results(windows)


def test_bad_vectors_and_vocabularies_are_refused_by_name():
    class Diverged(cases.FirstAxis):
        def embed_views(self, parts):
            return np.full((len(parts), 4), np.nan)

    with pytest.raises(ValueError, match="vector 0 has norm nan where 1"):
        embed_dataset(Diverged(), cases.dataset())
    twice = cases.dataset(classes=("Walking", "walking"))
    with pytest.raises(ValueError, match="dataset motionsense: field classes"):
        embed_dataset(cases.FirstAxis(twice.classes), twice)
    with pytest.raises(ValueError, match="choose one of"):
        ZeroShotOptions(pooling="median")


def test_averages_count_each_dataset_once():
    good = results(cases.dataset("umafall", windows=60))
    bad = results(cases.dataset(windows=6, sites=("left wrist",)), prompts=True)
    bad = dataclasses.replace(bad, rows=bad.rows | {MODEL: bad.rows[CHANCE]})
    mean = average([good, bad])
    assert list(mean) == list(good.rows)
    assert mean[MODEL].figures["accuracy"] == pytest.approx((1 + 1 / 3) / 2)
    assert mean[MODEL].draws["accuracy"].shape == (200,)
    with pytest.raises(ValueError, match="no dataset"):
        average([])


def test_choices_look_at_development_sets_alone():
    def data(name, *, only_max):
        """A window of three parts, of which one or two tell the class."""
        one = embed_dataset(cases.FirstAxis(), cases.dataset(name, windows=3))
        texts = np.eye(3, 4)
        parts = [texts[[i, i, (i + 1) % 3]] for i in range(3)]
        if only_max:
            strong, weak = np.eye(3, 4), np.full((3, 4), 0.0)
            parts = []
            for i in range(3):
                weak = 0.6 * texts[(i + 1) % 3] + 0.8 * np.eye(4)[3]
                parts.append(np.stack([0.9 * strong[i], weak, weak]))
        vector = np.concatenate(parts)
        window = np.repeat(np.arange(3), 3)
        made = dataclasses.replace(one.parts, vector=vector, window=window)
        return dataclasses.replace(one, parts=made, texts=texts)

    # By the mean, the two weak parts outvote the strong one.
    wants_max = data("umafall", only_max=True)
    assert choose([wants_max], OPTIONS).pooling == "max"
    wants_mean = data("motionsense", only_max=False)
    assert choose([wants_mean], OPTIONS).pooling == "mean"
    test_set = dataclasses.replace(wants_max, dataset="dsads")
    assert choose([test_set, wants_mean], OPTIONS).pooling == "mean"
    with pytest.raises(ValueError, match="motionsense and umafall alone"):
        choose([test_set], OPTIONS)


def test_tables_hold_the_figures_and_mark_what_is_not_ours():
    first = results(cases.dataset("dsads"), prompts=True, per_site=True)
    second = results(cases.dataset("wisdm_watch"), prompts=True)
    mean = average([first, second])
    page = tables.markdown([first, second], mean, OPTIONS)
    for said in (
        "## Average of 2 datasets",
        "| inverted softmax (transductive) |",
        "| AnyMo (published) | 36.3 | 29.5 | 53.0 |",
        "| this run | 100.0 | 100.0 | 100.0 |",
        "of the whole of wisdm",
        "Published with 19 classes, here with 3",
        "| person prompt (published, other datasets) | 35.1 | 28.4 | 54.8 |",
        "| imu prompt (this run) | 0.0 | 0.0 |",
        "Each sensor alone:",
        "Note: made by hand.",
        "A test set of 3 classes: 24 windows in 24 parts",
    ):
        assert said in " ".join(page.split("\n")), said
    found = tables.as_json([first, second], mean, 0.95)
    row = found["datasets"]["dsads"]["rows"]["imu prompt"]
    assert row["accuracy"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    assert row["transductive"] is False
    assert found["average"][INVERTED]["transductive"] is True
    assert found["published"]["average_per_cent"]["AnyMo"]["accuracy"] == (
        pytest.approx((36.3 + 25.4) / 2)
    )


def test_the_class_taken_for_another_is_named():
    found = results(cases.dataset(sites=("left wrist",)))
    confusion = np.array([[8.0, 0, 0], [2, 6, 0], [0, 0, 8]])
    table = tables.classes_table(dataclasses.replace(found, confusion=confusion))
    assert "sitting 25 |" in table.split("\n")[3]
    assert table.split("\n")[2].endswith("|  |")
