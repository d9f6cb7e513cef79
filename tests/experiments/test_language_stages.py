"""The language stages from recipe to table, validated again, exported and refused."""

import json

import numpy as np
import pytest

from anymo_jax.language.qwen2 import load_qwen2, qwen2_logits
from anymo_jax.language.text import load_text_tokenizer
from anymo_jax.training.run_folder import read_config
from anymo_jax.training.trained import open_trained
from configs import encoder, instruct, motion_lm, tokenizer
from experiments.export import export
from experiments.train import train
from experiments.validate import validate
from tests.experiments.test_train import SMALL, data
from tests.language.tiny_bert import WIDTH, tensors, write_bert

__all__ = ["data"]
# Eight programs are compiled.
pytestmark = pytest.mark.slow

# A backbone of seconds.
BACKBONE = {
    "backbone.hidden_size": 16,
    "backbone.intermediate_size": 16,
    "backbone.heads": 1,
    "backbone.layers": 1,
    "backbone.head_dim": 16,
    "backbone.vocab_size": 400,
    "projector_hidden": 8,
}
CHANGES = {
    "encoder": SMALL,
    "tokenizer": {"tokenizer.entries": 16, "tokenizer.decoder_width": 8},
    "motion_lm": {**BACKBONE, "validation.batches": 1},
    "instruct": {
        "joint.width": 8,
        "joint.latents": 2,
        "joint.heads": 1,
        "rows.choices": 2,
        "validation.size": 4,
        "validation.pools": 1,
        "validation.captions": 2,
        "validation.caption_tokens": 3,
    },
}
RECIPES = {
    "encoder": encoder,
    "tokenizer": tokenizer,
    "motion_lm": motion_lm,
    "instruct": instruct,
}


def recipe(stage, data, home):
    config = RECIPES[stage].get_config("tiny")
    config.update_from_flattened_dict(CHANGES[stage])
    config.steps, config.batch_size = 2, 8
    config.optimiser.warmup = 1
    places = {name: str(home / name) for name in RECIPES if name in config.run}
    config.run.update({"data": str(data), "folder": str(home / stage), **places})
    config.run.update({"log_every": 1, "checkpoint_every": 2})
    return config


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """All four stages, two steps each: their home, and what validation told."""
    home = tmp_path_factory.mktemp("runs")
    return home, {stage: train(recipe(stage, data, home)) for stage in RECIPES}


def test_runs_leave_what_validation_told(runs):
    home, figures = runs
    for stage, told in figures.items():
        found = json.loads((home / stage / "validation.json").read_text())
        assert found == told
    assert figures["motion_lm"]["perplexity"] > 1
    kinds = {name.split("/")[1] for name in figures["instruct"] if "/mrr" in name}
    assert kinds == {"1 to 5 nodes", "5 nodes", "whole body"}
    assert 0 < figures["instruct"]["mrr"] <= 1
    assert figures["instruct"]["captions/whole body/right"] in (0, 0.5, 1)


@pytest.mark.parametrize("stage", ["motion_lm", "instruct"])
def test_validation_of_a_saved_run_gives_its_figures_again(runs, stage):
    home, figures = runs
    again, table = validate(str(home / stage))
    assert again == pytest.approx(figures[stage], abs=1e-5)
    assert {"motion_lm": "unigram", "instruct": "captions that"}[stage] in table


@pytest.mark.parametrize("stage", ["motion_lm", "instruct"])
def test_an_exported_run_is_a_plain_language_model(runs, stage, tmp_path):
    home, _ = runs
    out = tmp_path / "exported"
    export(str(home / stage), str(out))
    params, config = load_qwen2(out)
    text = load_text_tokenizer(out)
    assert config.vocab_size == text.vocab_size
    trained = open_trained(home / stage, stage).variables.params
    words = load_text_tokenizer(home / stage / "text_tokenizer")
    first = text.id_of("<imu_bos>")
    assert first == words.vocab_size
    assert text.id_of("<imu_0031>") == config.vocab_size - 1
    # Rows of the text as trained, rows of the head as trained.
    np.testing.assert_array_equal(
        params["embedding"][:first], trained["qwen"]["embedding"][:first]
    )
    np.testing.assert_array_equal(params["head"][first:], trained["imu"]["head"])
    logits = qwen2_logits(params, config, np.array([[1, first, first + 5]]))
    assert logits.shape == (1, 3, config.vocab_size) and np.isfinite(logits).all()
    with pytest.raises(ValueError, match="is there already"):
        export(str(home / stage), str(out))


def test_what_holds_no_language_model_is_not_exported(runs, tmp_path):
    home, _ = runs
    with pytest.raises(ValueError, match="a run of stage 'encoder': only those"):
        export(str(home / "encoder"), str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())


def test_table_4_leaves_losses_out(runs, data):
    home, _ = runs
    config = recipe("instruct", data, home)
    config.ablation, config.run.folder = "no_contrastive", str(home / "ablated")
    config.validation.captions = 0
    train(config)
    rows = (home / "ablated" / "metrics.jsonl").read_text().splitlines()
    assert "answer" in json.loads(rows[0]) and "text" not in json.loads(rows[0])
    assert read_config(home / "ablated")["ablation"] == "no_contrastive"


def test_texts_through_a_sentence_encoder_and_labels_in_classes(runs, data, tmp_path):
    home, _ = runs
    write_bert(tmp_path / "bert", tensors())
    config = recipe("instruct", data, home)
    config.run.folder = str(tmp_path / "sentences")
    config.run.sentence_cache = str(tmp_path / "vectors.safetensors")
    config.joint.tower, config.joint.sentences = "sentences", str(tmp_path / "bert")
    config.labels.cluster, config.labels.least = 0.85, 2
    config.validation.captions = 0
    figures = train(config)
    assert 0 < figures["mrr"] <= 1
    assert (tmp_path / "vectors.safetensors").stat().st_size > 1000
    variables = open_trained(config.run.folder, "instruct").variables
    head = variables.params["joint"]["text_head"]["projection"]["kernel"]
    assert head.shape == (WIDTH, 8)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"ablation": "no_words"}, "config.ablation = 'no_words': choose one of"),
        ({"pooled_from": "answer"}, "pooled_from = 'answer'"),
        ({"rows.hard_negatives": 0.5}, "no two labels of this motion differ"),
        ({"run.motion_lm": "nowhere"}, "nowhere"),
    ],
)
def test_a_wrong_recipe_is_refused_before_anything_is_written(runs, data, change, told):
    home, _ = runs
    config = recipe("instruct", data, home)
    config.run.folder = str(home / "refused")
    config.update_from_flattened_dict(change)
    with pytest.raises(ValueError, match=told):
        train(config)
    assert not (home / "refused").exists()
