"""A control run, opened as users open a run."""

import importlib
import json
import types

import jax
import numpy as np
import pytest

from anymo_jax.encoder import encode
from anymo_jax.encoder.settings import encoder_config
from anymo_jax.encoder.task import encoder_variables
from anymo_jax.inference import ControlModel, load
from anymo_jax.inference.recording import recording_views
from anymo_jax.language.bert import SentenceEncoder
from anymo_jax.language.control import (
    init_control,
    motion_vectors,
    sentence_vectors,
)
from anymo_jax.language.settings import control_config
from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.digest import one_digest
from anymo_jax.training.run_folder import CHECKPOINTS, open_run
from anymo_jax.training.trained import open_trained
from configs import control
from tests.inference.runs import State
from tests.inference.test_model import LABELS, recording

WIDTH = 12
GIVEN = {"sites": ["right wrist"], "rate_hz": 60.0}


class Sentences(SentenceEncoder):
    """Stands for the sentence encoder, whose weights are not of the repository."""

    def __init__(self):
        self.config = types.SimpleNamespace(hidden_size=WIDTH)

    def __call__(self, texts):
        return np.stack([_vector(text) for text in texts])


def _vector(text):
    return np.random.default_rng(list(text.encode())).normal(size=WIDTH)


@pytest.fixture(scope="module")
def control_run(run):
    config = json.loads(control.get_config("tiny").to_json())
    encoder = open_trained(run.parent / "encoder", "encoder")
    arrays = encoder_variables(encoder.variables)
    config["run"]["encoder"] = "/elsewhere/encoder"
    config["upstream"] = {"encoder": one_digest(arrays)}
    width = encoder_config(encoder.config).width
    params = init_control(jax.random.key(3), control_config(config, width, Sentences()))
    folder = open_run(run.parent / "control", config)
    with Checkpoints(folder / CHECKPOINTS, best="score") as checkpoints:
        checkpoints.save(1, State(params, {}), metrics={"score": 1.0})
    return folder


@pytest.fixture
def opened(control_run, monkeypatch):
    module = importlib.import_module("anymo_jax.inference.load")
    monkeypatch.setattr(module, "SentenceEncoder", lambda place: Sentences())
    monkeypatch.setattr(module, "find_minilm", lambda: "none")
    return load(control_run)


def test_it_classifies_as_its_vectors_say(opened):
    assert isinstance(opened, ControlModel)
    imu = recording(4, 60)
    found = opened.classify(imu, **GIVEN, labels=LABELS)
    cosine = opened.embed_imu(imu, **GIVEN) @ opened.embed_labels(LABELS).T
    assert [label for label, _ in found] == [LABELS[i] for i in np.argsort(-cosine[0])]
    assert sum(score for _, score in found) == pytest.approx(1)


def test_vectors_are_those_of_training(opened, control_run):
    """The same functions on the encoder's latents, one view at a time."""
    encoder = open_trained(control_run.parent / "encoder", "encoder")
    config, arrays = (
        encoder_config(encoder.config),
        encoder_variables(encoder.variables),
    )
    trained = open_trained(control_run, "control")
    heads = control_config(trained.config, config.width, Sentences())
    for view in recording_views(recording(3, 60), ["waist"], 60.0):
        batch = jax.tree.map(lambda leaf: np.asarray(leaf)[None], view)
        latent = encode(
            *(arrays, config, batch.signal, batch.visible),
            channel_valid=batch.channel_valid,
            length=batch.length,
        )
        steps = config.latent_length(batch.length)
        expected = motion_vectors(trained.variables.params, heads, latent, steps)
        np.testing.assert_allclose(opened.embed_views([view]), expected, atol=1e-5)
    text = sentence_vectors(
        trained.variables.params, heads, _vector("a person is walking")[None]
    )
    np.testing.assert_allclose(opened.embed_labels(["walking"]), text, atol=1e-5)
    assert np.abs(opened.embed_labels(["walking"], "bare") - text).max() > 1e-3


def test_without_a_language_model_there_are_no_captions(opened):
    for ask in (opened.caption_views, opened.tokenize_views, opened.choose_views):
        with pytest.raises(ValueError, match="name an instruction-tuned run"):
            ask([])


def test_another_encoder_is_refused(control_run, opened, tmp_path):
    path = control_run / "config.json"
    told = json.loads(path.read_text())
    told["config"]["upstream"]["encoder"] = "another"
    kept = path.read_text()
    path.write_text(json.dumps(told))
    try:
        with pytest.raises(ValueError, match="not the encoder run"):
            load(control_run)
    finally:
        path.write_text(kept)
