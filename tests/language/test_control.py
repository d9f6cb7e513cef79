"""The control: what it pools, its losses, what it learns from, what it refuses."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language import control
from anymo_jax.language.control import ControlConfig
from anymo_jax.language.control.task import ControlRecipe, control_task
from anymo_jax.language.described import DescribedWindows
from anymo_jax.language.loss import nearest_text
from anymo_jax.language.rows import RowOptions
from anymo_jax.language.sayings import NO_LABEL, Sayings, everything_said
from anymo_jax.language.source import prompts_of
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import Variables
from tests.language import test_source as said
from tests.language.cases import (
    LENGTHS,
    SOURCE,
    first_step,
    frozen_stages,
    instruction_rows,
    motion_batch,
    value,
)
from tests.language.test_source import VIEWS, labelled
from tests.motion.test_windows import write

HEADS = ControlConfig(latent=8, sentence=5, hidden=6, joint=4)
RECIPE = ControlRecipe(HEADS, SOURCE.encoder, SOURCE.views)


@pytest.fixture(scope="module")
def rows():
    return instruction_rows(motion_batch(LENGTHS))


@pytest.fixture(scope="module")
def task():
    frozen = frozen_stages()
    return control_task(RECIPE, frozen.encoder, frozen.body, frozen.priors)


@pytest.fixture(scope="module")
def step(task, rows):
    return first_step(task, rows)


def test_pooling_counts_the_valid_steps_alone():
    latent = np.random.default_rng(0).normal(size=(3, 7, 4)).astype(np.float32)
    length = np.array([7, 3, 1], np.int32)
    found = control.mean_and_std(jnp.asarray(latent), jnp.asarray(length))
    for row, count, pooled in zip(latent, length, np.asarray(found), strict=True):
        real = row[:count].astype(np.float64)
        std = np.sqrt(real.var(axis=0) + 1e-6)
        np.testing.assert_allclose(pooled, [*real.mean(axis=0), *std], atol=1e-5)
    latent[1, 3:] = np.nan
    again = control.mean_and_std(jnp.asarray(latent), jnp.asarray(length))
    np.testing.assert_allclose(again[1], found[1], atol=1e-6)


def test_a_window_that_stands_still_has_a_finite_slope():
    def total(latent):
        return control.mean_and_std(latent, jnp.array([5])).sum()

    assert np.isfinite(jax.grad(total)(jnp.ones((1, 5, 2)))).all()


def test_vectors_are_of_unit_norm_and_losses_those_of_numpy(task, rows, step):
    variables, terms, _ = step
    streams = StepStreams(jax.random.key(0), 0)
    predict = jax.jit(lambda *given: task.predict(*given, streams))
    seen = predict(variables, task.given, rows)
    for vectors in seen.values():
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    imu, text, label = (
        np.asarray(seen[n], np.float64) for n in ("imu", "text", "label")
    )
    ids, labels = rows["text_id"], rows["label_id"]
    alike = (ids[:, None] == ids[None]) & ~np.eye(len(ids), dtype=bool)
    expected = _two_ways(imu @ text.T / 0.1, ~alike, np.eye(len(ids), dtype=bool))
    assert value(terms["text"]) == pytest.approx(expected, rel=1e-4)
    known = labels >= 0
    logits = (imu @ label.T / 0.1)[np.ix_(known, known)]
    same = labels[known][:, None] == labels[known][None]
    expected = _two_ways(logits, np.ones_like(same), same)
    assert value(terms["label"]) == pytest.approx(expected, rel=1e-4)
    whole = 2 * value(terms["text"]) + 2 * value(terms["label"])
    assert value(terms["loss"]) == pytest.approx(whole, rel=1e-5)
    right = ids[np.argmax(imu @ text.T, axis=1)] == ids
    assert value(terms["top1"]) == pytest.approx(right.mean())


def _two_ways(logits, candidates, positive):
    """Minus the log share of the positives among the candidates, both ways."""
    found = []
    for side in (logits, logits.T):
        share = np.exp(side) * candidates
        found.append(-np.log((share * positive).sum(1) / share.sum(1)).mean())
    return np.mean(found)


def test_all_that_learns_gets_a_gradient_and_the_encoder_none(task, step):
    variables, _, gradient = step
    assert set(variables.params) == {"imu_head", "text_head"}
    assert all(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(gradient))
    axes = task.axes()
    assert jax.tree.structure(
        axes, is_leaf=lambda x: isinstance(x, tuple)
    ) == jax.tree.structure(variables.params)


def test_a_few_steps_learn_the_texts_of_a_batch(task, rows, step):
    variables, terms, _ = step
    objective = jax.jit(
        lambda params: task.loss(
            Variables(params, variables.collections),
            task.given,
            rows,
            StepStreams(jax.random.key(0), 0),
        )[0]["text"]
    )
    slope = jax.jit(jax.grad(lambda p: objective(p)[0] / objective(p)[1]))
    params = variables.params
    for _ in range(40):
        params = jax.tree.map(lambda p, g: p - 0.3 * g, params, slope(params))
    assert value(objective(params)) < 0.6 * value(terms["text"])


def test_nearest_texts_of_equal_ids_are_right():
    imu = jnp.eye(3)
    text = jnp.eye(3)[jnp.array([1, 0, 2])]
    assert [float(x) for x in nearest_text(imu, text, np.array([0, 1, 2]))] == [1, 3]
    assert [float(x) for x in nearest_text(imu, text, np.array([5, 5, 2]))] == [3, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight_text": 0.0, "weight_label": 0.0}, "weights of text and label"),
        ({"weight_label": -1.0}, "weights of text and label"),
        ({"temperature": 0.0}, "temperature"),
        ({"heads": dataclasses.replace(HEADS, latent=9)}, "encoder's width 8"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RECIPE, **change)
    with pytest.raises(ValueError, match="hidden is 0"):
        dataclasses.replace(HEADS, hidden=0)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    clips = [
        labelled("a person walks", "walking", 1),
        labelled("waves the left hand", "waving the left hand", 2, **said.FACTS),
        labelled("does something else", "", 3),
    ]
    folder = write(tmp_path_factory.mktemp("described") / "motion", [clips])
    return MotionWindows(folder, split="train")


@pytest.fixture(scope="module")
def sayings():
    return Sayings(RowOptions(), said.LABELS, label_prompt="person", soft_prompt=False)


@pytest.fixture(scope="module")
def vectors(windows, sayings):
    prompts = prompts_of(*everything_said(windows, sayings), sayings)
    return {text: np.full(5, i, np.float32) for i, text in enumerate(prompts)}


def test_examples_carry_the_vectors_of_what_is_said(windows, sayings, vectors):
    source = DescribedWindows(windows, sayings, VIEWS, vectors)
    assert len(source) == len(windows) and "DescribedWindows" in repr(source)
    texts = {float(v[0]): text for text, v in vectors.items()}
    sides = set()
    for seed in range(30):
        example = source.draw(1, np.random.default_rng(seed))
        side, other = ("right", "left") if example["mirrored"] else ("left", "right")
        narration = texts[float(example["narration_vector"][0])]
        assert side in narration and other not in narration
        label = texts[float(example["label_vector"][0])]
        assert label == f"a person is waving the {side} hand"
        assert 1 <= example["visible"].sum() <= 3
        sides.add(side)
    assert sides == {"left", "right"}


def test_a_window_without_a_label_has_none(windows, sayings, vectors):
    source = DescribedWindows(windows, sayings, VIEWS, vectors)
    example = source.fixed(2, said.NODES)
    assert example["label_id"] == NO_LABEL and not example["label_vector"].any()
    again = source.fixed(2, said.NODES)
    np.testing.assert_array_equal(example["visible"], again["visible"])
    assert not example["mirrored"]


def test_a_text_without_a_vector_is_named(windows, sayings, vectors):
    short = dict(vectors)
    gone = next(text for text in short if "walks" in text)
    del short[gone]
    with pytest.raises(ValueError, match=r"1 texts have no sentence vector"):
        DescribedWindows(windows, sayings, VIEWS, short)
