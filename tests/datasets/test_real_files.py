"""The five real files of the data folder: what their cards say, and a round trip."""

import json

import numpy as np
import pandas
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.bundles.npz import open_npz
from anymo_jax.datasets.card import render_card
from anymo_jax.datasets.engine import build
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.tables.facts import TableOptions, open_table

pytestmark = [pytest.mark.data, pytest.mark.slow]
# As the folder's README has them: windows, subjects, classes, rate, sites.
TOLD = {
    "dsads": (2280, 8, 19, 25, ["T8", "R_Hand", "L_Hand", "R_LowerLeg", "L_LowerLeg"]),
    "wisdm_watch": (4944, 46, 18, 20, ["R_Hand"]),
    "openpack_sample": (
        *(193, 1, 10, 30),
        ["R_Forearm", "L_Forearm", "R_UpperArm", "L_UpperArm"],
    ),
    "motionsense": (2429, 24, 6, 50, ["R_UpperLeg"]),
    "umafall": (725, 18, 15, 20, ["R_Forearm", "R_Foot", "L5", "T8", "R_UpperLeg"]),
}


def opened(data_dir, name):
    path = data_dir / "har" / f"{name}.npz"
    return open_npz(path), path


@pytest.mark.parametrize("name", TOLD)
def test_cards_are_what_the_readme_says(name, data_dir):
    facts, path = opened(data_dir, name)
    windows = build(facts, facts.read(path))
    card = windows.card
    count, subjects, classes, rate_hz, nodes = TOLD[name]
    assert card["windows"] == len(windows) == count
    assert card["subjects"] == subjects
    assert len(card["classes"]) == classes and all(card["classes"].values())
    assert [XSENS.names[n] for n in windows.node] == nodes
    assert card["dropped"] == {}
    assert card["rescaled"] == []
    assert not any("gravity does not turn" in flag for flag in card["flags"])
    for site, sensor in card["sensors"].items():
        assert sensor["force"]["rate_hz"] == pytest.approx(rate_hz, rel=1e-3)
        assert sensor["force"]["still"] == pytest.approx(9.81, abs=0.35)
        if (name, site) != ("umafall", "right_pocket"):
            assert 0.2 < sensor["rate"]["turn_slope"] < 1.3
    if name == "wisdm_watch":
        # Clipped at 2 g.
        force = card["sensors"]["dominant_wrist"]["force"]
        assert force["clipped"] > 0.003
        assert max(map(abs, force["range"])) == pytest.approx(2 * 9.81, rel=0.03)
    if name == "umafall":
        assert "rate" not in card["sensors"]["right_pocket"]
    json.dumps(card)
    assert f"{count} windows" in render_card(card)


@pytest.mark.parametrize(
    "name, dataset",
    [("dsads", "dsads"), ("wisdm_watch", "wisdm"), ("openpack_sample", "openpack")],
)
def test_classes_of_the_papers_datasets_are_those_of_table_9(name, dataset, data_dir):
    facts, _ = opened(data_dir, name)
    assert facts.vocabulary.classes == DATASETS[dataset].vocabulary.classes
    assert set(facts.nodes.values()) == set(DATASETS[dataset].nodes.values())


def test_labels_follow_the_files_own_words(data_dir):
    facts, path = opened(data_dir, "openpack_sample")
    windows = build(facts, facts.read(path))
    with np.load(path, allow_pickle=False) as file:
        words = file["classes"][file["y"]]
    assert [windows.own[i] for i in windows.label] == words.tolist()
    assert [windows.classes[i].lower() for i in windows.label] == words.tolist()


@pytest.mark.parametrize("name, count", [("openpack_sample", 193), ("umafall", 60)])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_an_exported_table_comes_back_as_the_same_windows(
    name, count, suffix, data_dir, tmp_path
):
    facts, path = opened(data_dir, name)
    with np.load(path, allow_pickle=False) as file:
        arrays = {field: file[field] for field in file.files}
    table = tmp_path / f"exported.{suffix}"
    made = exported(arrays, count)
    made.to_csv(table, index=False) if suffix == "csv" else made.to_parquet(table)
    words = tuple(arrays["classes"][np.unique(arrays["y"][:count])].tolist())
    options = TableOptions(
        window_s=0.0,
        shortest_s=0.0,
        classes=words,
        sites={"wrist": "right wrist", "ankle": "right ankle"},
    )
    table_facts = open_table(table, options)
    mine = build(table_facts, table_facts.read(table))
    recordings = [r for _, r in zip(range(count), facts.read(path), strict=False)]
    theirs = build(facts, recordings)
    np.testing.assert_array_equal(mine.offsets, theirs.offsets)
    np.testing.assert_allclose(mine.signal, theirs.signal, atol=1e-5)
    np.testing.assert_array_equal(mine.node, theirs.node)
    assert [mine.classes[i] for i in mine.label] == [
        theirs.own[i] for i in theirs.label
    ]
    assert [mine.subjects[i] for i in mine.subject] == [
        theirs.subjects[i] for i in theirs.subject
    ]


def exported(arrays, count) -> pandas.DataFrame:
    """The first windows of a file as a table, one row a sample."""
    end = arrays["offsets"][count]
    length = np.diff(arrays["offsets"][: count + 1])
    window = np.repeat(np.arange(count), length)
    tick = np.arange(end) - arrays["offsets"][window]
    columns = {
        "time": tick / float(arrays["fs"]),
        "window": window,
        "subject": arrays["subject"][window],
        "activity": arrays["classes"][arrays["y"][window]],
    }
    for place, site in enumerate(arrays["sites"]):
        for channel in range(6):
            kind = ("acc", "gyro")[channel // 3]
            values = arrays["x"][:end, place, channel]
            columns[f"{site}_{kind}_{'xyz'[channel % 3]}"] = values
    return pandas.DataFrame(columns)
