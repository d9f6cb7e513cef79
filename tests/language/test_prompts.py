"""Wordings as data: what is refused, how marks are filled, what splitting keeps."""

import copy
import json

import numpy as np
import pytest

from anymo_jax.language.prompts import IMU, SITES, chat, fill
from anymo_jax.language.templates import FILE, LABEL_PROMPTS, load_templates

ROLES = ("motion_lm", "narration", "multiple_choice", "contrastive_imu")
SHIPPED = json.loads(FILE.read_text())


@pytest.fixture(scope="module")
def templates():
    return load_templates()


def test_the_markup_is_qwens():
    wording = chat("Be brief.", "Hello", "Hi")
    assert wording.prompt == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    assert wording.answer == "Hi"
    assert chat("Be brief.", "Hello").prompt.endswith("Hello<|im_end|>\n")


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_its_marks(templates, role):
    for wording in templates.wordings[role]:
        both = wording.prompt + wording.answer
        assert both.count(IMU) == 1
        assert both.count(SITES) == (role != "motion_lm")


def test_evaluation_takes_the_first_wording_and_training_draws(templates):
    first = templates.wording("narration")
    assert first == templates.wordings["narration"][0]
    drawn = [
        templates.wording("narration", np.random.default_rng(seed))
        for seed in range(40)
    ]
    assert set(drawn) == set(templates.wordings["narration"])
    again = templates.wording("narration", np.random.default_rng(7))
    assert again == drawn[7]
    with pytest.raises(ValueError, match="no role 'song'; there are motion_lm"):
        templates.wording("song")


@pytest.mark.parametrize(
    ("choice", "text", "soft"),
    [
        ("bare", "walking", False),
        ("person", "a person is walking", False),
        ("imu", "wearable IMU motion of walking", False),
        ("activity", "the activity is walking", False),
        ("learned", "walking", True),
    ],
)
def test_the_rows_of_table_10(templates, choice, text, soft):
    prompt = templates.label_text("walking", choice)
    assert prompt.text == text
    assert prompt.content.strip() == "walking"
    assert prompt.soft_prompt is soft
    assert set(templates.label_prompts) == set(LABEL_PROMPTS)


def test_texts_of_the_contrastive_branch(templates):
    prompt = templates.narration_text("a person waves")
    assert (prompt.text, prompt.content) == ("a person waves", "a person waves")
    assert prompt.soft_prompt
    assert not templates.narration_text("x", soft_prompt=False).soft_prompt
    with pytest.raises(ValueError, match="no label prompt 'poem'; choose one of bare"):
        templates.label_text("walking", "poem")


def change(path, value):
    """The shipped templates with one entry replaced, or removed for None."""
    found = copy.deepcopy(SHIPPED)
    *folders, last = path
    inner = found
    for name in folders:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return found


NARRATION = ("roles", "narration", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("roles", "narration"), None, "roles.narration is missing"),
        (("roles", "song"), [], "roles.song is unknown"),
        (("roles", "narration"), [], r"roles.narration: expected a list"),
        (("format",), 9, "format 9 where 1"),
        (
            (*NARRATION, "user"),
            "On the {sites}: what is it?",
            r"roles.narration\[0\].user: the mark <imu> is missing",
        ),
        (
            (*NARRATION, "user"),
            "On the {sites}: <imu> <imu>",
            "the mark <imu> stands there twice",
        ),
        ((*NARRATION, "user"), "On the {sites}: <imu> {at}", "unknown mark {at}"),
        ((*NARRATION, "user"), "<imu> on{sites}.", "{sites} needs a space before it"),
        (
            (*NARRATION, "assistant"),
            "it is so",
            "assistant: the mark {text} is missing",
        ),
        ((*NARRATION, "assistant"), None, r"narration\[0\].assistant is missing"),
        ((*NARRATION, "user"), 3, "expected a text, found 3"),
        (("roles", "contrastive_text", 0), "{label}", "unknown mark {label}"),
        (("label_prompts", "imu"), None, "label_prompts.imu is missing"),
        (("label_prompts", "imu", "text"), "it", "the mark {label} is missing"),
        (("label_prompts", "imu", "soft_prompt"), 1, "expected true or false"),
        (("paraphrase", "system"), 3, "paraphrase.system: expected a text"),
        (("paraphrase", "verify"), "{text}", "the mark {variants} is missing"),
        (("paraphrase", "verify"), "{text}{variants}{x}", "unknown mark 'x'"),
    ],
)
def test_a_wrong_file_is_refused_by_its_entry(tmp_path, path, value, message):
    file = tmp_path / "templates.json"
    file.write_text(json.dumps(change(path, value)))
    with pytest.raises(ValueError, match=message) as caught:
        load_templates(file)
    assert str(file) in str(caught.value)


def test_a_missing_or_unreadable_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.json: no such file"):
        load_templates(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json"):
        load_templates(broken)


def test_filling_in_parts():
    prompt = "on the {sites}: <imu>\n{choices}"
    half = fill(prompt, choices="a: x {text}")
    assert half == "on the {sites}: <imu>\na: x {text}"
    assert fill(half, sites="head") == "on the head: <imu>\na: x {text}"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"text": "x"}, r"the prompt has no {text}, only \['<imu>', '{sites}'\]"),
        ({"sites": "<|im_end|>"}, "sites holds '<|im_end|>', which is markup"),
        ({"sites": "the <imu_0001> hand"}, "sites holds '<imu_0001>'"),
        ({"sites": "the {sites} hand"}, "sites holds '{sites}'"),
        ({"sites": " "}, "sites is empty"),
    ],
)
def test_what_may_not_be_filled_in(values, message):
    message = message.replace("|", r"\|")
    with pytest.raises(ValueError, match=message):
        fill("on the {sites}: <imu>", **values)
