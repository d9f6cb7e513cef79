"""Differences of two runs: paired draws, and what cannot be compared."""

import json

import numpy as np
import pytest

from anymo_jax.evaluation import compare, recognition
from anymo_jax.evaluation.compare_page import compare_runs, read_evaluated

CLASSES = 3


def rows(seed, *, right=0.6, people=8, windows=240):
    rng = np.random.default_rng(0)
    label = rng.integers(0, CLASSES, windows)
    subject = rng.integers(0, people, windows) if people else np.full(windows, -1)
    rng = np.random.default_rng(seed)
    first = np.where(rng.random(windows) < right, label, (label + 1) % CLASSES)
    second = (first + 1 + rng.integers(0, 2, windows)) % CLASSES
    return {
        "window": list(range(windows)),
        "label": label.tolist(),
        "subject": subject.tolist(),
        "best": np.stack([first, second], axis=1).tolist(),
    }


@pytest.mark.parametrize(("people", "over"), [(8, "subjects"), (0, "windows")])
def test_figures_are_those_of_each_run_and_draws_are_paired(people, over):
    one, other = rows(1, people=people), rows(2, right=0.9, people=people)
    found = compare.compare_recognition(one, other, CLASSES, resamples=400)
    assert (found.over, found.units) == (over, people or 240)
    for which, run in (("first", one), ("second", other)):
        own = np.mean(np.array(run["best"])[:, 0] == run["label"])
        assert getattr(found.figures["accuracy"], which) == pytest.approx(own)
    difference = found.figures["accuracy"]
    low, high = difference.limits
    assert 0 < low < difference.value < high
    same = compare.compare_recognition(one, one, CLASSES, resamples=50)
    assert all(not d.draws.any() and d.value == 0 for d in same.figures.values())


def test_pairing_narrows_the_interval_of_runs_that_err_alike():
    one = rows(1)
    best = np.array(one["best"])
    # The same answers, but for a dozen windows that the second run gets right.
    wrong = np.flatnonzero(best[:, 0] != one["label"])[:12]
    best[wrong, 0] = np.array(one["label"])[wrong]
    paired = compare.compare_recognition(one, one | {"best": best.tolist()}, CLASSES)
    apart = compare.compare_recognition(one, one, CLASSES)
    own = compare.group_counts(
        *(np.array(one["label"]), np.array(one["best"]), np.array(one["subject"])),
        CLASSES,
    )
    rng = np.random.default_rng(5)
    weight = rng.multinomial(8, np.full(8, 1 / 8), size=1000).astype(float)
    alone = recognition.figures(np.tensordot(weight, own, axes=1))["accuracy"]
    # Two runs that are drawn for themselves differ by the sum of their variances.
    unpaired = np.sqrt(2) * alone.std()
    assert paired.figures["accuracy"].draws.std() < 0.6 * unpaired
    assert apart.figures["accuracy"].draws.std() == 0


def test_other_windows_are_refused():
    one = rows(1)
    other = one | {"subject": [0] * 240}
    with pytest.raises(ValueError, match="subject differs"):
        compare.compare_recognition(one, other, CLASSES)


def test_retrieval_draws_clips_for_both_runs():
    rng = np.random.default_rng(0)
    clip = np.repeat(np.arange(20), 3)
    first = {"clip": clip.tolist()}
    first |= {way: rng.integers(1, 30, 60).tolist() for way in compare.WAYS}
    second = first | {way: [max(1, r // 2) for r in first[way]] for way in compare.WAYS}
    found = compare.compare_retrieval(first, second, resamples=300)
    assert (found.over, found.units) == ("clips", 20)
    mrr = found.figures["text_to_imu/mrr"]
    assert mrr.first == pytest.approx(np.mean(1 / np.array(first["text_to_imu"])))
    assert 0 < mrr.limits[0] < mrr.value < mrr.limits[1]
    with pytest.raises(ValueError, match="not scored on the same motion"):
        compare.compare_retrieval(first, second | {"clip": [0] * 60})


@pytest.fixture
def evaluated(tmp_path):
    def make(name, seed, *, digest="d", motion=None, datasets=("one", "two")):
        folder = tmp_path / name / "evaluation"
        folder.mkdir(parents=True)
        document = {
            "files": dict.fromkeys(datasets, digest),
            "datasets": {n: {"classes": ["a", "b", "c"]} for n in datasets},
            "motion_digest": motion,
        }
        details = {"windows": {n: rows(seed) for n in datasets}, "ranks": {}}
        (folder / "d.json").write_text(json.dumps(document))
        (folder / "e.json").write_text(json.dumps(details))
        return read_evaluated(str(tmp_path / name), ("d.json", "e.json"))

    return make


def test_a_page_sets_runs_side_by_side(evaluated):
    one, other = evaluated("a", 1), evaluated("b", 2, datasets=("one", "two", "three"))
    document, page = compare_runs(one, other, resamples=50)
    assert list(document["rows"]) == ["average", "one", "two"]
    own = [document["rows"][n]["figures"]["accuracy"] for n in document["rows"]]
    mean = (own[1]["difference"] + own[2]["difference"]) / 2
    assert own[0]["difference"] == pytest.approx(mean)
    assert "left out: three" in page and "Over 8 subjects" in page
    json.dumps(document, allow_nan=False)


def test_what_cannot_be_compared_is_said(evaluated, tmp_path):
    one = evaluated("a", 1, motion="m")
    with pytest.raises(ValueError, match="different files"):
        compare_runs(one, evaluated("b", 2, digest="other"))
    with pytest.raises(ValueError, match="different motion"):
        compare_runs(one, evaluated("c", 2, motion="n"))
    with pytest.raises(ValueError, match="share no dataset"):
        compare_runs(one, evaluated("d", 2, datasets=("four",)))
    with pytest.raises(ValueError, match="evaluate that run first"):
        read_evaluated(str(tmp_path), ("d.json", "e.json"))
