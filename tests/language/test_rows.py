"""Rows of a window: how many of what, what they offer and ask, what is refused."""

import collections

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymo_jax.body.skeleton import XSENS
from anymo_jax.language.choices import check_vocabulary, draw_options, option_keys
from anymo_jax.language.labels import count_labels, label_vocabulary, normalise_label
from anymo_jax.language.rows import (
    MULTIPLE_CHOICE,
    NARRATION,
    RowOptions,
    draw_positive,
    instruction_row,
    multiple_choice_row,
    narration_row,
    window_told,
)
from anymo_jax.language.sites import Told
from anymo_jax.language.templates import load_templates

LABELS = tuple(f"activity {n}" for n in range(60))
TOLD = Told(("a person waves", *(f"text {n}" for n in range(5))), "activity 7")
CLIP = {
    "texts": ["C waves the left hand"],
    "label": "left wave",
    "facts": {"seen_by": "left_arm", "posture": "standing on the left foot"},
    "source": "clip 1",
}


def rng(seed=0):
    return np.random.default_rng(seed)


def drawn(told=TOLD, count=400, **options):
    """Instruction rows of many draws."""
    given = RowOptions(**options)
    return [
        instruction_row(told, LABELS, load_templates(), given, rng(seed))
        for seed in range(count)
    ]


def tasks(made):
    return collections.Counter(row.task for row in made)


def test_both_kinds_come_in_the_proportion_of_the_options():
    assert 160 < tasks(drawn())[NARRATION] < 240
    assert 70 < tasks(drawn(narration=1, multiple_choice=3))[NARRATION] < 130
    assert tasks(drawn(multiple_choice=0)) == {NARRATION: 400}
    assert tasks(drawn(narration=0)) == {MULTIPLE_CHOICE: 400}


def test_a_window_without_a_label_is_narrated_instead():
    assert tasks(drawn(Told(TOLD.texts, ""))) == {NARRATION: 400}


def test_rows_are_a_function_of_the_seed():
    assert drawn(count=5) == drawn(count=5)
    assert len(set(drawn(count=20))) > 10


def test_narrations_answer_with_the_windows_texts():
    targets = {row.target for row in drawn(multiple_choice=0)}
    assert targets == set(TOLD.texts)


def test_every_prompt_keeps_its_marks_and_opens_the_answer():
    for row in drawn(count=40):
        assert row.prompt.count("<imu>") == row.prompt.count("{sites}") == 1
        assert "{choices}" not in row.prompt
        assert row.prompt.endswith("<|im_start|>assistant\n")


@given(st.integers(0, 10**6), st.integers(2, 40), st.sampled_from(LABELS[:5]))
def test_choices(seed, offered, label):
    vocabulary = LABELS[: max(5, seed % 60)]
    row = multiple_choice_row(
        label, vocabulary, load_templates(), choices=offered, rng=rng(seed)
    )
    lines = [line for line in row.prompt.splitlines() if ": activity" in line]
    count = min(offered, len(vocabulary))
    keys, options = zip(*(line.split(": ") for line in lines), strict=True)
    assert list(keys) == option_keys(count)
    assert len(set(options)) == count
    assert set(options) <= set(vocabulary)
    assert row.target in lines
    assert row.target.split(": ")[1] == label


def test_the_place_of_the_true_label_is_drawn():
    keys = {
        multiple_choice_row(
            "activity 7", LABELS, load_templates(), choices=3, rng=rng(seed)
        ).target.split(":")[0]
        for seed in range(40)
    }
    assert keys == {"a", "b", "c"}


def test_a_label_spelt_otherwise_is_offered_once():
    options = draw_options("The Walking!", ("walking", "sitting"), 35, rng())
    assert sorted(options) == ["The Walking!", "sitting"]
    assert draw_options("new", ("walking",), 35, rng(1)).count("new") == 1


def test_keys():
    keys = option_keys(60)
    assert keys[:3] == ["a", "b", "c"]
    assert keys[24:29] == ["y", "z", "aa", "ab", "ac"]
    assert keys[51:54] == ["az", "ba", "bb"]
    assert len(set(option_keys(800))) == 800


def test_evaluation_has_one_wording():
    made = {narration_row("a person waves", load_templates()) for _ in range(5)}
    assert len(made) == 1
    drawn = {narration_row("x", load_templates(), rng(seed)) for seed in range(30)}
    assert len(drawn) == len(load_templates().wordings["narration"])


def test_the_positive_is_the_primary_text_half_the_time():
    drawn = collections.Counter(draw_positive(TOLD.texts, rng(s)) for s in range(2000))
    assert drawn[TOLD.texts[0]] / 2000 == pytest.approx(0.5, abs=0.04)
    for text in TOLD.texts[1:]:
        assert drawn[text] / 2000 == pytest.approx(0.1, abs=0.03)
    assert draw_positive(("only",), rng()) == "only"


def test_texts_of_a_clip_are_filled_up_by_paraphrases():
    paraphrases = {CLIP["texts"][0]: [f"wave {n}" for n in range(9)]}
    told = window_told(CLIP, paraphrases, RowOptions())
    assert told.texts == (
        "a person waves the left hand",
        *(f"wave {n}" for n in range(5)),
    )
    assert told.label == "left wave"
    two = window_told(CLIP, paraphrases, RowOptions(augmentations=1))
    assert len(two.texts) == 2
    assert window_told(CLIP, {}, RowOptions()).texts == told.texts[:1]


def test_a_mirrored_view_is_told_mirrored():
    seeing = np.array(XSENS.names) == "R_Hand"
    options = RowOptions(posture_captions=True)
    told = window_told(CLIP, {}, options, visible=seeing, mirrored=True)
    assert told == (("a person waves the right hand",), "right wave")
    blind = window_told(CLIP, {}, options, visible=seeing)
    assert blind == (("standing on the left foot",), "")
    blind = window_told(
        CLIP, {}, options, visible=np.array(XSENS.names) == "L_Hand", mirrored=True
    )
    assert blind == (("standing on the right foot",), "")


def test_labels_become_classes():
    counts = count_labels(["left wave"] * 5)
    vocabulary = label_vocabulary(counts, np.ones((1, 1)))
    told = window_told(CLIP, {}, RowOptions(), vocabulary=vocabulary)
    assert told.label == "left wave"
    other = window_told(CLIP | {"label": "x"}, {}, RowOptions(), vocabulary=vocabulary)
    assert other.label == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"texts": []}, "clip 1: texts are empty; leave windows without"),
        ({"texts": [" "]}, "clip 1: texts are empty"),
    ],
)
def test_a_clip_without_a_text_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        window_told(CLIP | change, {}, RowOptions())


def test_posture_captions_need_the_visible_nodes():
    with pytest.raises(ValueError, match="posture_captions: needs the visible nodes"):
        window_told(CLIP, {}, RowOptions(posture_captions=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"narration": 0, "multiple_choice": 0}, "are both zero"),
        ({"narration": -1}, "rows.narration = -1 is below zero"),
        ({"choices": 1}, "rows.choices = 1: a choice needs two"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RowOptions(**options)


@pytest.mark.parametrize("labels", [("walking", "The walking"), ("a", "a"), ("!",)])
def test_a_vocabulary_with_equal_labels_is_refused(labels):
    with pytest.raises(ValueError, match="equal to another one when normalised"):
        check_vocabulary(labels)
    check_vocabulary(LABELS)
    assert len({normalise_label(label) for label in LABELS}) == len(LABELS)
