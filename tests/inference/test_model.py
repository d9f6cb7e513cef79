"""A loaded model: its answers against one another, against the training's own path."""

import dataclasses
import functools
import json
import re
import shutil

import numpy as np
import pytest

import anymo_jax
from anymo_jax.encoder import encode
from anymo_jax.evaluation.embedded import embed_dataset
from anymo_jax.evaluation.pooling import RULES
from anymo_jax.evaluation.zero_shot import window_scores
from anymo_jax.inference import Model, load
from anymo_jax.inference.recording import recording_views
from anymo_jax.language.templates import LABEL_PROMPTS
from anymo_jax.tokenizer import encode_codes, interleave
from anymo_jax.training.trained import open_trained
from tests.evaluation import cases

LABELS = ["walking", "sitting", "jumping"]
SITE = ("right wrist",)


def recording(seconds, rate_hz, sensors=1, seed=0):
    rng = np.random.default_rng(seed)
    imu = rng.normal(0, 0.5, (round(seconds * rate_hz), sensors, 6))
    return (imu + np.array([0, 0, 9.8, 0, 0, 0])).astype(np.float32)


def test_classify_is_the_softmax_of_cosines_best_first(model):
    imu = recording(4, 60)
    given = {"sites": ["right wrist"], "rate_hz": 60.0}
    found = model.classify(imu, **given, labels=LABELS)
    cosine = model.embed_imu(imu, **given) @ model.embed_labels(LABELS).T
    expected = np.exp(cosine[0].astype(np.float64) / model.temperature)
    expected /= expected.sum()
    order = np.argsort(-expected)
    assert [label for label, _ in found] == [LABELS[i] for i in order]
    np.testing.assert_allclose([s for _, s in found], expected[order], rtol=1e-4)
    alone = model.classify(imu[:, 0], **given, labels=LABELS)
    assert alone == found


@pytest.mark.parametrize("rule", RULES)
def test_long_recordings_are_ranked_as_evaluation_ranks_them(model, rule):
    windows = dataclasses.replace(
        cases.dataset(windows=2, length=720, classes=tuple(LABELS), sites=SITE),
        signal=np.concatenate([recording(12, 60, seed=i) for i in (1, 2)]),
        node=np.array([9]),
    )
    data = embed_dataset(model, windows)
    assert len(data.parts.window) == 6
    expected = window_scores(data.parts, data.texts, rule)
    for index in range(2):
        found = model.classify(
            windows.window(index), sites=SITE, rate_hz=60.0, labels=LABELS, pool=rule
        )
        order = np.argsort(-expected[index], kind="stable")
        assert [label for label, _ in found] == [LABELS[i] for i in order]
        logs = model.temperature * np.log([score for _, score in found])
        told = expected[index][order]
        np.testing.assert_allclose(logs - logs[0], told - told[0], atol=2e-5)


def test_vectors_are_of_unit_norm_and_hang_on_no_batch(model):
    parts = [recording(s, 60, seed=i) for i, s in enumerate((2, 5, 3))]
    views = [v for p in parts for v in recording_views(p, ["waist"], 60.0)]
    together = model.embed_views(views)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([model.embed_views([view]) for view in views])
    np.testing.assert_allclose(together, alone, atol=2e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-3
    texts = model.embed_text(["a person walks", "a person sits and stands up again"])
    np.testing.assert_allclose(
        texts[1:], model.embed_text(["a person sits and stands up again"]), atol=1e-6
    )
    assert model.embed_views([]).shape == (0, texts.shape[1])


def test_only_the_learned_wording_of_labels_stands_behind_the_soft_prompt(model):
    """Zeros in its place change what it says, and no fixed wording of Table 10."""
    weights = model._weights.language
    silenced = {**weights["joint"], "soft_prompt": 0 * weights["joint"]["soft_prompt"]}
    language = {**weights, "joint": silenced}
    sizes, tokenizer = model.sizes, model._tokenizer
    other = Model(
        model.config, sizes, model._weights._replace(language=language), tokenizer
    )
    for choice in LABEL_PROMPTS:
        found, expected = (m.embed_labels(LABELS, choice) for m in (other, model))
        moved = np.abs(found - expected).max()
        assert moved > 1e-4 if choice == "learned" else moved == 0, choice


def test_learned_tokens_that_a_run_has_none_of_are_refused(model):
    joint = dataclasses.replace(model.sizes.joint, soft_prompt=0)
    sizes = dataclasses.replace(model.sizes, joint=joint)
    bare = Model(model.config, sizes, model._weights, model._tokenizer)
    with pytest.raises(ValueError, match=r"joint\.soft_prompt = 0: name a fixed"):
        bare.embed_labels(LABELS, "learned")
    assert bare.embed_labels(LABELS, "bare").shape == (3, 8)


def test_tokens_are_those_of_the_runs_own_encoder_and_tokenizer(model, run):
    imu = recording(7, 60, sensors=2)
    given = {"sites": ["right wrist", "left pocket"], "rate_hz": 60.0}
    found = model.tokenize(imu, **given)
    encoder = open_trained(run.parent / "encoder", "encoder").variables
    tokenizer = open_trained(run.parent / "tokenizer", "tokenizer").variables
    variables = {"params": encoder.params["encoder"], **encoder.collections}
    coder = {"params": tokenizer.params, **tokenizer.collections}
    expected = []
    for first, last in ((0, 300), (300, 420)):
        signal = np.zeros((1, last - first, 23, 6), np.float32)
        signal[0][:, [9, 19]] = imu[first:last]
        visible = np.zeros((1, 23), bool)
        visible[0, [9, 19]] = True
        latent = encode(variables, model.sizes.encoder, signal, visible)
        codes = encode_codes(coder, model.sizes.tokenizer, latent)
        expected.append(interleave(codes, model.sizes.tokenizer.entries)[0])
    expected = np.concatenate(expected)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, expected)


def test_three_channels_are_six_without_a_gyroscope(model):
    imu = recording(3, 60)[:, 0]
    blind = imu.copy()
    blind[:, 3:] = np.nan
    given = {"sites": ["chest"], "rate_hz": 60.0}
    one, other, whole = (model.embed_imu(x, **given) for x in (imu[:, :3], blind, imu))
    np.testing.assert_array_equal(one, other)
    assert np.abs(one - whole).max() > 1e-4


def test_captions_are_text_and_the_most_typical_windows(model):
    views = recording_views(recording(8, 60), ["head"], 60.0)
    found = model.caption_views(views, max_new_tokens=4)
    assert len(found) == len(views) and all(isinstance(said, str) for said in found)
    assert model.caption(recording(8, 60), sites=["head"], rate_hz=60.0) is not None


def test_a_run_moves_with_its_siblings_and_names_what_is_missing(run, tmp_path):
    home = tmp_path / "moved"
    shutil.copytree(run.parent, home)
    # The working directory of a pipeline stands for the run in it.
    assert load(home).config == load(home / "instruct").config
    shutil.rmtree(home / "tokenizer")
    with pytest.raises(ValueError, match=r"tokenizer run /elsewhere/tokenizer.*beside"):
        load(home / "instruct")
    with pytest.raises(ValueError, match="'encoder' where one of 'instruct' is read"):
        load(home / "encoder")
    with pytest.raises(ValueError, match=r"nothing is no run: neither .*config\.json"):
        load(home / "nothing")


def test_the_package_loads_a_home_of_runs_wherever_it_is(run, model, tmp_path):
    """Stages called by their names, though they were trained under others."""
    home = tmp_path / "home"
    shutil.copytree(run.parent, home)
    path = home / "instruct" / "config.json"
    told = json.loads(path.read_text())
    told["config"]["run"]["encoder"] = "/elsewhere/encoder-of-another-name"
    path.write_text(json.dumps(told))
    found = anymo_jax.load(home).embed_text(["a person walks"])
    np.testing.assert_allclose(found, model.embed_text(["a person walks"]), atol=1e-6)


@pytest.mark.parametrize(
    ("stage", "field"),
    [
        ("instruct", "joint.latents"),
        ("encoder", "norm_updates"),
        ("motion_lm", "backbone.directory"),
        ("tokenizer", "tokenizer"),
        ("instruct", "run.encoder"),
    ],
)
def test_a_field_that_a_run_lacks_is_named(run, tmp_path, stage, field):
    home = tmp_path / "older"
    shutil.copytree(run.parent, home)
    path = home / stage / "config.json"
    told = json.loads(path.read_text())
    *outer, last = field.split(".")
    del functools.reduce(dict.__getitem__, outer, told["config"])[last]
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match=rf"config\.{re.escape(field)} is missing"):
        load(home)


def test_a_run_refuses_another_encoder(run, tmp_path):
    home = tmp_path / "other"
    shutil.copytree(run.parent, home)
    path = home / "instruct" / "config.json"
    told = json.loads(path.read_text())
    told["config"]["upstream"]["encoder"] = "0" * 64
    path.write_text(json.dumps(told))
    with pytest.raises(ValueError, match="is not the encoder run"):
        load(home / "instruct")


@pytest.mark.parametrize(
    ("labels", "message"),
    [("walking", "give a list"), (["walking"], "two or more"), (["", "a"], "empty")],
)
def test_labels_that_cannot_be_are_refused(model, labels, message):
    with pytest.raises(ValueError, match=message):
        model.classify(recording(2, 60), sites=["head"], rate_hz=60.0, labels=labels)


def test_views_that_are_none_are_refused(model):
    view = recording_views(recording(2, 60), ["head"], 60.0)[0]
    for change, message in (
        ({"signal": view.signal[:200]}, r"view 1: signal is \(200, 23, 6\)"),
        ({"visible": np.zeros(23, bool)}, "view 1: no node is visible"),
        ({"length": np.array(0, np.int32)}, "view 1: length is 0"),
    ):
        with pytest.raises(ValueError, match=message):
            model.embed_views([view, dataclasses.replace(view, **change)])
