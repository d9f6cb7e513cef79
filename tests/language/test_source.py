"""Examples of instruction tuning: the words fit the view, the shapes are fixed."""

import dataclasses

import numpy as np
import pytest

from anymo_jax.language.prompts import END, IMU
from anymo_jax.language.rows import RowOptions
from anymo_jax.language.sayings import (
    NO_LABEL,
    Sayings,
    around_codes,
    everything_said,
    label_identity,
    text_identity,
)
from anymo_jax.language.sites import SITE_WORDS
from anymo_jax.language.source import ROWS, InstructionWindows, prompts_of
from anymo_jax.language.text_bpe import train_text_tokenizer
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.views import ViewOptions, VisibleNodes
from tests.motion.test_windows import clip, write

NODES = VisibleNodes(1, 3)
VIEWS = ViewOptions(mirror=0.5, visible=NODES)
LABELS = ("walking", "waving the left hand", "waving the right hand", "sitting")
FACTS = {"seen_by": "left_arm", "posture": "a person is standing"}


def labelled(text, label, seed, **facts):
    made = clip(150, (text, f"{text} again"), seed=seed, **facts)
    return dataclasses.replace(made, label=label)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    clips = [
        labelled("a person walks", "walking", 1),
        labelled("waves the left hand", "waving the left hand", 2, **FACTS),
        labelled("does something else", "", 3),
    ]
    folder = write(tmp_path_factory.mktemp("source") / "motion", [clips])
    return MotionWindows(folder, split="train")


@pytest.fixture(scope="module")
def tokenizer():
    return train_text_tokenizer(["a person walks", *SITE_WORDS], vocab_size=300)


def make(windows, tokenizer, vectors=None, views=VIEWS, **options):
    sayings = Sayings(RowOptions(**options), LABELS)
    return InstructionWindows(windows, tokenizer, sayings, views, vectors)


def words(source, example, name, markup=True):
    tokens = example[name][: example[f"{name}_length"]]
    return source.tokenizer.decode(tokens.tolist(), markup=markup)


def draws(source, index, count=30):
    return [source.draw(index, np.random.default_rng(seed)) for seed in range(count)]


def test_prompts_name_the_visible_nodes_and_answers_end(windows, tokenizer):
    source = make(windows, tokenizer)
    for example in draws(source, 0):
        named = [SITE_WORDS[i] for i in np.flatnonzero(example["visible"])]
        assert ", ".join(named) in words(source, example, "imu_before")
        assert ", ".join(named) in words(source, example, "row_before")
        assert words(source, example, "answer").endswith(END)
        assert words(source, example, "row_after").endswith("<|im_start|>assistant\n")
        assert 1 <= example["visible"].sum() <= 3


def test_mirrored_views_have_mirrored_words(windows, tokenizer):
    source = make(windows, tokenizer)
    sides = set()
    for example in draws(source, 1):
        side, other = ("right", "left") if example["mirrored"] else ("left", "right")
        text = words(source, example, "narration")
        assert side in text and other not in text
        assert words(source, example, "label") == f"waving the {side} hand"
        assert example["text_id"] == text_identity(f"waves the {side} hand")
        assert example["label_id"] == label_identity(f"waving the {side} hand")
        sides.add(side)
    assert sides == {"left", "right"}


def test_kinds_come_in_equal_number_and_choices_hold_the_answer(windows, tokenizer):
    source = make(windows, tokenizer, choices=3)
    chosen = 0
    for example in draws(source, 0, 200):
        answer = words(source, example, "answer").removesuffix(END)
        if ": " in answer:
            chosen += 1
            assert answer.endswith(": walking")
            assert f"\n{answer}\n" in words(source, example, "row_after")
        else:
            assert answer in ("a person walks", "a person walks again")
    assert 70 < chosen < 130
    plain = make(windows, tokenizer, multiple_choice=0)
    assert not any(": " in words(plain, e, "answer") for e in draws(plain, 0))


def test_a_window_without_a_label_has_none_and_is_never_asked_to_choose(
    windows, tokenizer
):
    source = make(windows, tokenizer)
    for example in draws(source, 2):
        assert example["label_id"] == NO_LABEL
        np.testing.assert_array_equal(example["label_span"], [0, 0])
        assert ": " not in words(source, example, "answer")


def test_the_posture_alone_is_told_where_the_action_is_not_seen(windows, tokenizer):
    source = make(windows, tokenizer, posture_captions=True)
    seen = set()
    for example in draws(source, 1, 60):
        text = words(source, example, "narration")
        blind = example["label_id"] == NO_LABEL
        assert (text == "a person is standing") == blind
        seen.add(bool(blind))
    assert seen == {True, False}


def test_all_draws_have_one_shape(windows, tokenizer):
    source = make(windows, tokenizer)
    shapes = {
        tuple((name, np.shape(array)) for name, array in sorted(example.items()))
        for index in range(len(source))
        for example in [*draws(source, index), source.fixed(index, NODES)]
    }
    assert len(shapes) == 1


def test_evaluation_is_the_same_every_time(windows, tokenizer):
    source = make(windows, tokenizer)
    one, other = source.fixed(1, NODES), source.fixed(1, NODES)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])
    assert (
        not one["mirrored"] and words(source, one, "narration") == "waves the left hand"
    )


def test_the_pooled_span_is_the_content(windows, tokenizer):
    sayings = Sayings(RowOptions(), LABELS, label_prompt="activity")
    source = InstructionWindows(windows, tokenizer, sayings, VIEWS)
    example = source.fixed(0, NODES)
    first, last = example["label_span"]
    assert tokenizer.decode(example["label"][first:last].tolist()) == " walking"
    assert words(source, example, "label") == "the activity is walking"


@pytest.mark.parametrize(("label_prompt", "prompted"), [("bare", 0), ("learned", 1)])
def test_the_wording_of_labels_says_whether_the_soft_prompt_is_before_them(
    windows, tokenizer, label_prompt, prompted
):
    """Narrations have it in any case, and what is absent has nothing before it."""
    sayings = Sayings(RowOptions(), LABELS, label_prompt=label_prompt)
    source = InstructionWindows(windows, tokenizer, sayings, VIEWS)
    for example in (source.fixed(0, NODES), next(iter(draws(source, 0)))):
        assert example["narration_prompted"] and example["label_prompted"] == prompted
    assert not source.fixed(2, NODES)["label_prompted"]


def test_sentence_vectors_replace_tokens(windows, tokenizer):
    sayings = Sayings(RowOptions(), LABELS)
    prompts = prompts_of(*everything_said(windows, sayings), sayings)
    assert "waves the right hand" in prompts and "sitting" in prompts
    vectors = {text: np.full(5, i, np.float32) for i, text in enumerate(prompts)}
    source = make(windows, tokenizer, vectors)
    example = source.fixed(0, NODES)
    np.testing.assert_array_equal(
        example["narration_vector"], vectors["a person walks"]
    )
    assert (
        not source.fixed(2, NODES)["label_vector"].any() and "narration" not in example
    )
    del vectors["waves the right hand"]
    with pytest.raises(ValueError, match="1 texts have no sentence vector"):
        make(windows, tokenizer, vectors)


def test_windows_of_which_nothing_is_said_are_refused(tmp_path, tokenizer):
    folder = write(tmp_path / "motion", [[clip(100, ())]])
    with pytest.raises(ValueError, match="texts are empty; leave windows without"):
        make(MotionWindows(folder, split="train"), tokenizer)


def test_a_prompt_without_codes_is_refused():
    with pytest.raises(ValueError, match="has no <imu>"):
        around_codes("tell me")
    assert around_codes(f"on the {{sites}}: {IMU}!", "head") == ("on the head: ", "!")
    assert set(ROWS) == {"row_before", "row_after", "imu_before", "imu_after"}
