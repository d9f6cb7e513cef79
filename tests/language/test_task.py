"""The two language stages: first steps, what learns, what is left out, what is refused.

Golden numbers: see tests/encoder/test_task.py for when to refresh them.
"""

import dataclasses

import jax
import numpy as np
import optax
import pytest

from anymo_jax.language import model
from anymo_jax.language.imu_embedding import ProjectorConfig
from anymo_jax.language.model import MotionLanguageConfig
from anymo_jax.language.recipes import InstructRecipe, MotionLMRecipe
from anymo_jax.language.task import instruct_task, motion_lm_task
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import OBJECTIVE
from tests.language.cases import (
    INSTRUCT,
    JOINT,
    LANGUAGE,
    LENGTHS,
    SIZES,
    SOURCE,
    assert_same_step,
    first_step,
    frozen_stages,
    instruction_rows,
    motion_batch,
    value,
)

LM = MotionLMRecipe(LANGUAGE, SOURCE, before=(1, 2), after=(3,))
GOLDEN = {"lm": 4.3028, "lm_norm": 6.551, "cit": 23.3535, "cit_norm": 2814.0}


@pytest.fixture(scope="module")
def frozen():
    return frozen_stages()


@pytest.fixture(scope="module")
def motion():
    return motion_batch(LENGTHS)


@pytest.fixture(scope="module")
def rows(motion):
    return instruction_rows(motion)


@pytest.fixture(scope="module")
def lm(frozen, motion):
    return first_step(motion_lm_task(LM, frozen), motion)


@pytest.fixture(scope="module")
def instruct(frozen, rows):
    return first_step(instruct_task(INSTRUCT, frozen), rows)


def test_the_first_loss_is_that_of_guessing(lm):
    _, terms, gradient = lm
    assert value(terms[OBJECTIVE]) == pytest.approx(
        np.log(LANGUAGE.vocabulary.total), rel=0.02
    )
    # Codes of each window, the closing boundary and the prompt's end.
    codes = 2 * sum(-(-n // 16) for n in LENGTHS)
    assert float(terms[OBJECTIVE][1]) == codes + 2 * len(LENGTHS)
    moved = {
        jax.tree_util.keystr(path)
        for path, leaf in jax.tree_util.tree_leaves_with_path(gradient)
        if np.abs(leaf).max() > 0
    }
    assert any("projector" in name for name in moved)
    assert any("'head'" in name for name in moved)
    assert any("layers" in name for name in moved)


@pytest.mark.slow
def test_prediction_counts_the_codes_alone(frozen, motion):
    task = motion_lm_task(LM, frozen)
    variables = task.init(jax.random.key(2), task.given)
    streams = StepStreams(jax.random.key(0), 0)
    seen = task.predict(variables, task.given, motion, streams)
    np.testing.assert_array_equal(seen["count"], seen["length"])
    assert (np.asarray(seen["loss"]) > 0).all()


def test_both_losses_and_answers_learn(instruct):
    _, terms, gradient = instruct
    assert set(terms) == {OBJECTIVE, "answer", "text", "label", "top1"}
    expected = (
        value(terms["answer"]) + 2 * value(terms["text"]) + 2 * value(terms["label"])
    )
    assert value(terms[OBJECTIVE]) == pytest.approx(expected, rel=1e-5)
    assert float(terms["label"][1]) == 7
    norms = jax.tree.map(lambda x: float(np.abs(x).max()), gradient["joint"])
    assert min(jax.tree.leaves(norms)) > 0


def test_golden_first_steps(lm, instruct):
    assert value(lm[1][OBJECTIVE]) == pytest.approx(GOLDEN["lm"], rel=1e-3)
    assert float(optax.tree.norm(lm[2])) == pytest.approx(GOLDEN["lm_norm"], rel=2e-2)
    assert value(instruct[1][OBJECTIVE]) == pytest.approx(GOLDEN["cit"], rel=1e-3)
    norm = float(optax.tree.norm(instruct[2]))
    assert norm == pytest.approx(GOLDEN["cit_norm"], rel=2e-2)


def test_chunks_change_nothing(frozen, rows, instruct):
    chunked = dataclasses.replace(INSTRUCT, chunk=2, answer_chunk=4)
    assert_same_step(first_step(instruct_task(chunked, frozen), rows), instruct)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [0, 2])
def test_rows_that_start_like_prompts_serve_as_prompts(frozen, rows, chunk):
    """Codes see what stands before them alone."""
    alike = rows | {
        "imu_before": rows["row_before"],
        "imu_before_length": rows["row_before_length"],
    }
    once = dataclasses.replace(INSTRUCT, pooled_from="row", chunk=chunk)
    assert_same_step(
        first_step(instruct_task(once, frozen), alike),
        first_step(instruct_task(INSTRUCT, frozen), alike),
    )


@pytest.mark.parametrize(
    ("left_out", "terms"),
    [
        ({"weight_label": 0.0}, {"answer", "text", "top1"}),
        ({"weight_text": 0.0}, {"answer", "label", "top1"}),
        ({"weight_label": 0.0, "weight_text": 0.0}, {"answer"}),
        ({"weight_answer": 0.0}, {"text", "label", "top1"}),
    ],
)
def test_a_weight_of_zero_leaves_a_loss_out(frozen, rows, left_out, terms):
    task = instruct_task(dataclasses.replace(INSTRUCT, **left_out), frozen)
    variables = jax.eval_shape(lambda: task.init(jax.random.key(2), task.given))
    found = jax.eval_shape(
        lambda v: task.loss(v, task.given, rows, StepStreams(jax.random.key(0), 0))[0],
        variables,
    )
    assert set(found) == {OBJECTIVE, *terms}


@pytest.mark.slow
def test_sentence_vectors_serve_as_texts(frozen, rows):
    joint = dataclasses.replace(JOINT, tower="sentences")
    recipe = dataclasses.replace(INSTRUCT, joint=joint)
    variables, _, gradient = first_step(instruct_task(recipe, frozen), rows)
    assert "text_pooler" not in variables.params["joint"]
    assert np.abs(gradient["joint"]["text_head"]["projection"]["kernel"]).max() > 0


def test_the_second_stage_starts_from_the_first(frozen, lm):
    pretrained = lm[0].params
    task = instruct_task(INSTRUCT, frozen, pretrained)
    params = task.init(jax.random.key(9), task.given).params
    for name in ("qwen", "imu"):
        jax.tree.map(np.testing.assert_array_equal, params[name], pretrained[name])


def test_axes_fit_the_params(frozen):
    for task in (motion_lm_task(LM, frozen), instruct_task(INSTRUCT, frozen)):
        params = task.init(jax.random.key(0), task.given).params
        jax.tree.map(
            lambda names, leaf: np.testing.assert_equal(len(names), leaf.ndim),
            task.axes(),
            params,
            is_leaf=lambda x: isinstance(x, tuple),
        )


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="the tokenizer 2 of 32; they are not of one"):
        bigger = dataclasses.replace(SOURCE.tokenizer, entries=32)
        MotionLMRecipe(LANGUAGE, dataclasses.replace(SOURCE, tokenizer=bigger), (), ())
    short = dataclasses.replace(LANGUAGE.qwen, max_length=40)
    with pytest.raises(ValueError, match="up to 43 tokens, 38 of them codes"):
        dataclasses.replace(LM, language=dataclasses.replace(LANGUAGE, qwen=short))
    with pytest.raises(ValueError, match="give none below zero and one above"):
        InstructRecipe(
            *(LANGUAGE, JOINT, SOURCE),
            weight_answer=0.0,
            weight_text=0.0,
            weight_label=0.0,
        )
    with pytest.raises(ValueError, match="is not the backbone's hidden_size 16"):
        MotionLanguageConfig(
            LANGUAGE.qwen, LANGUAGE.vocabulary, ProjectorConfig(8, code_width=2)
        )
    with pytest.raises(ValueError, match="pooled_from = 'answer': give 'prompt' or"):
        dataclasses.replace(INSTRUCT, pooled_from="answer")
    with pytest.raises(ValueError, match="tower = 'bert'"):
        dataclasses.replace(JOINT, tower="bert")


def test_the_longest_prompt_is_told():
    sizes = {**SIZES, "narration": 6}
    assert INSTRUCT.longest(sizes) == 4 + 9 + 5 + 38 + 2
    assert INSTRUCT.longest({**sizes, "narration": 90}) == 92


def test_model_init_takes_a_backbone(frozen):
    codebook = frozen.tokenizer["codebook"]["embedding"]
    params = model.init(jax.random.key(0), LANGUAGE, codebook)
    again = model.init(jax.random.key(1), LANGUAGE, codebook, params["qwen"])
    assert again["qwen"] is params["qwen"]
