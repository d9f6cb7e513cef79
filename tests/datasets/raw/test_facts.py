"""Every page of facts against the paper's Table 9, copied from it beside this file."""

import pathlib

import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.raw import DATASETS, dataset

ROWS = [
    line.split("\t")
    for line in pathlib.Path(__file__).with_name("table9.tsv").read_text().splitlines()
]
NAMES = [row[0].lower().replace("-", "_") for row in ROWS]


def segment(words):
    """ "Right Upper Arm" is R_UpperArm."""
    side = {"Right": "R_", "Left": "L_"}.get(words.split()[0])
    return side + "".join(words.split()[1:]) if side else words


def test_all_fourteen_are_there_in_the_papers_order():
    assert list(DATASETS)[:14] == NAMES


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_classes_are_those_of_table_9(row):
    facts = dataset(row[0])
    assert ", ".join(facts.vocabulary.classes) == row[2]
    assert len(facts.vocabulary.classes) == int(row[1])
    assert not set(facts.vocabulary.dropped) & set(facts.vocabulary.own)


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_nodes_are_those_of_table_9(row):
    facts = dataset(row[0])
    places = [place.split(" for ")[0] for place in row[3].replace(";", ",").split(",")]
    expected = [segment(place.strip()) for place in places]
    assert [XSENS.names[node] for node in facts.nodes.values()] == expected


@pytest.mark.parametrize("facts", DATASETS.values(), ids=lambda facts: facts.name)
def test_a_page_says_where_to_get_the_data_and_how_they_may_be_used(facts):
    for said in (facts.title, facts.licence, facts.citation, facts.needs):
        assert len(said) > 4
    assert facts.homepage.startswith("https://")
    assert facts.rate_hz > 0


def test_leaks_and_overlaps_are_flagged():
    assert any("LEAK" in flag for flag in DATASETS["utd_mhad"].flags)
    assert any("OVERLAP" in flag for flag in DATASETS["uci_har"].flags)
    assert all(facts.flags for facts in DATASETS.values())


def test_an_unknown_dataset_is_told_with_those_there_are():
    with pytest.raises(ValueError, match=r"'kinetics'.*opportunity, uci_har"):
        dataset("kinetics")


@pytest.mark.parametrize("facts", DATASETS.values(), ids=lambda facts: facts.name)
def test_an_empty_folder_is_told_with_what_is_needed(facts, tmp_path):
    with pytest.raises(ValueError, match=r"no file like .*found nothing. Needed: .{8}"):
        next(iter(facts.read(tmp_path)))
