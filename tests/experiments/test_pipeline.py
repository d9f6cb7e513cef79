"""The real stages of a pipeline: recipes as flags, their changes, what is intact."""

import dataclasses
import json
import pathlib
import sys
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from absl import flags
from ml_collections import config_flags

from anymo_jax import inference
from anymo_jax.motion import archive
from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.run_folder import CHECKPOINTS, open_run
from configs import pipeline as recipes
from experiments import appraise, prepare
from experiments.chain import links as chain_links
from experiments.chain.links import Evaluation, Preparation, Training, links, plain
from experiments.pipeline import pipeline
from tests.evaluation import cases

STAGES = ("encoder", "tokenizer", "motion_lm", "instruct")
# One change of each kind of value.
CHANGES = {
    "encoder.steps": 7,
    "encoder.encoder.channels": (4, 8),
    "encoder.norm_updates": "sparse",
    "encoder.optimiser.learning_rate": 1.5e-7,
    "encoder.views.joint_mounted": True,
    "encoder.run.threads": 1,
}


@pytest.fixture
def config():
    return recipes.get_config("tiny")


def parsed(arguments, monkeypatch):
    """The configuration that a command's flags make."""
    values = flags.FlagValues()
    holder = config_flags.DEFINE_config_file("config", flag_values=values)
    line = ["command", *(a for a in arguments if a.startswith("--config"))]
    # It looks there for the values that it is to change.
    monkeypatch.setattr(sys, "argv", line)
    values(line)
    return values[holder.name].value


def test_a_changed_recipe_reaches_the_stage_that_it_is_of(
    config, tmp_path, monkeypatch
):
    config.update_from_flattened_dict(CHANGES)
    encoder = links(config, tmp_path)[1]
    command = encoder.command()
    assert command[:2] == ["experiments.train", f"--out={tmp_path}/encoder"]
    assert f"--data={tmp_path}/motion" in command and len(command) == 4 + len(CHANGES)
    found = parsed(command, monkeypatch)
    for field in found.run:
        if field not in config.encoder.run:
            config.encoder.run[field] = found.run[field]
    assert plain(found) == plain(config.encoder)


def test_untouched_recipes_need_no_flags_and_name_what_they_read(config, tmp_path):
    tuned = links(config, tmp_path)[4].command()
    places = ("motion", "encoder", "tokenizer", "motion_lm")
    named = [f"--{'data' if p == 'motion' else p}={tmp_path / p}" for p in places]
    expected = [
        f"--out={tmp_path}/instruct",
        *named,
        "--config=configs/instruct.py:tiny",
    ]
    assert tuned == ["experiments.train", *expected]


@pytest.mark.parametrize("variant", ["tiny", "small", "paper"])
def test_places_are_the_pipelines_and_cannot_be_given(variant):
    config = recipes.get_config(variant)
    named = {"folder", "data", "encoder", "tokenizer", "motion_lm"}
    assert all(not named & set(config[stage].run) for stage in STAGES)
    assert config.instruct.run.sentence_cache == ""


def test_what_is_not_there_is_told_before_anything_is_made(config, tmp_path):
    home = tmp_path / "home"
    config.windows = f"{tmp_path}/none.safetensors"
    with pytest.raises(ValueError, match=r"none\.safetensors: not a readable file"):
        pipeline(config, home, "command")
    config.windows, config.prepare.packs = "", f"{tmp_path}/none.npz"
    with pytest.raises(ValueError, match=r"none\.npz: no such file"):
        pipeline(config, home, "command")
    config.motion_lm.backbone.directory = f"{tmp_path}/none"
    with pytest.raises(ValueError, match=r"backbone\.directory = .*none: not there"):
        pipeline(config, home, "command")
    assert not home.exists()


def test_a_missing_sentence_encoder_is_told_at_the_start(config, tmp_path, monkeypatch):
    def missing():
        raise FileNotFoundError("run make minilm")

    monkeypatch.setattr(chain_links, "find_minilm", missing)
    links(config, tmp_path)
    config.instruct.joint.tower = "sentences"
    with pytest.raises(FileNotFoundError, match="make minilm"):
        links(config, tmp_path)
    config.instruct.joint.sentences = "elsewhere"
    links(config, tmp_path)


@dataclasses.dataclass(frozen=True)
class State:
    """What a checkpoint is to hold."""

    params: Any
    collections: Any
    step: Any


def trained(folder, recipe, value=1.0):
    """A run's folder as experiments.train leaves it."""
    open_run(folder, plain(recipe) | {"upstream": {"motion": "0123"}})
    (folder / "metrics.jsonl").write_text("{}\n")
    with Checkpoints(folder / CHECKPOINTS, best="top1") as checkpoints:
        kernel = value * jax.random.normal(jax.random.key(0), (4, 3000))
        state = State({"kernel": kernel}, {"mean": jnp.zeros(3)}, jnp.int32(1))
        checkpoints.save(1, state, metrics={"top1": 0.5})
    (folder / "validation.json").write_text('{"top1": 0.5}')


@pytest.fixture
def link(config, tmp_path):
    return Training("encoder", config.encoder, "tiny", tmp_path / "encoder", ["motion"])


def test_a_run_is_whole_with_its_checkpoint_and_its_figures(config, link):
    assert not link.begun() and link.made() is None and link.changes() == []
    trained(link.folder, config.encoder)
    made = link.made()
    assert link.begun() and link.changes() == []
    assert link.headline() == "sparse to full, top-1 50.0%"
    (link.folder / "text_tokenizer").mkdir()
    (link.folder / "text_tokenizer/words.json").write_text("[]")
    assert link.made() not in (None, made)
    (link.folder / "validation.json").unlink()
    assert link.begun() and link.made() is None


def test_runs_of_other_params_are_told_apart(config, link, tmp_path):
    trained(link.folder, config.encoder)
    other = Training("encoder", config.encoder, "tiny", tmp_path / "other", ["motion"])
    trained(other.folder, config.encoder, value=2.0)
    assert link.made() != other.made()


def test_a_damaged_checkpoint_is_not_intact(config, link):
    trained(link.folder, config.encoder)
    files = [p for p in (link.folder / CHECKPOINTS).rglob("*") if p.is_file()]
    kernel = max(files, key=lambda p: p.stat().st_size)
    content = bytearray(kernel.read_bytes())
    content[len(content) // 2] ^= 1
    kernel.write_bytes(content)
    assert link.begun() and link.made() is None


def test_changes_of_a_recipe_are_told_but_not_those_without_effect(config, tmp_path):
    folder = tmp_path / "encoder"
    trained(folder, config.encoder)
    config.encoder.run.log_every = 99
    again = Training("encoder", config.encoder, "tiny", folder, ["motion"])
    assert again.changes() == []
    config.encoder.steps = 51
    again = Training("encoder", config.encoder, "tiny", folder, ["motion"])
    assert again.changes() == ["config.steps: 50 -> 51"]
    others = {"seed": 3, "epochs": 2, "temperature": 0.2, "objective": "full_view"}
    config.encoder.update({**others, "batch_size": 8})
    again = Training("encoder", config.encoder, "tiny", folder, ["motion"])
    assert again.changes()[4:] == ["and 2 values more"]


def test_preparation_is_of_its_plan_and_its_checksums(config, tmp_path):
    config.prepare.update({"activities": "squats,sweeping", "procedural": 1})
    link = Preparation(config.prepare, "tiny", tmp_path / "motion")
    assert not link.begun() and link.made() is None
    archive.prepare(link.folder, *prepare.sources(config.prepare))
    made = link.made()
    assert link.begun() and link.changes() == [] and made
    assert link.headline() == "2 clips, 0.0 h"
    assert "--config.procedural=1" in link.command()
    config.prepare.seed = 1
    other = Preparation(config.prepare, "tiny", link.folder)
    assert other.changes() == ["units of the motion changed"]
    shard = next(link.folder.glob("shard-*"))
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    assert link.made() is None


class Speaker(cases.Knowing):
    """A model that reads the first axis and says so."""

    def caption_views(self, views, *, max_new_tokens):
        return [f"a person | {max_new_tokens}" for _ in views]


@pytest.fixture
def appraised(config, tmp_path, monkeypatch):
    """An evaluation of given windows by a model that is small enough to know."""
    monkeypatch.setattr(inference, "load", lambda run: Speaker())
    monkeypatch.setattr(appraise, "held_out_windows", _held_out)
    (tmp_path / "instruct").mkdir()
    ways = ("imu_to_text", "text_to_imu")
    setups = ("1 to 5 nodes", "5 nodes", "whole body")
    names = [f"procedural/{s}/{w}/{f}" for s in setups for w in ways for f in _FOUND]
    figures = dict.fromkeys(names, 0.25) | {"procedural/texts": 100.0, "mrr": 0.25}
    (tmp_path / "instruct/validation.json").write_text(json.dumps(figures))
    windows = tmp_path / "motionsense.safetensors"
    cases.dataset("motionsense").save(windows)
    config.windows = str(windows)
    config.evaluation.update({"resamples": 20, "captions": 2, "caption_tokens": 5})

    def make():
        link = Evaluation(config, tmp_path / "evaluation", ["instruct"])
        names = config.windows.split(",") if config.windows else []
        page = appraise.appraise(
            *(str(tmp_path / "instruct"), "motion", names),
            plain(config.evaluation),
            link.folder,
        )
        return link, page

    return make


_FOUND = ("r1", "r5", "r10", "mrr")


def _held_out(data, seed):
    assert (data, seed) == ("motion", 0)
    windows = cases.dataset("procedural held out")
    return dataclasses.replace(windows, texts=("a person acts",) * len(windows))


def test_an_appraisal_is_a_page_sealed_with_what_it_was_made_from(appraised, config):
    link, page = appraised()
    assert "## Zero-shot recognition: motionsense" in page
    assert "| model    | 100.0 [100.0, 100.0]" in page
    assert "| procedural, 5 nodes, text to motion      | 100  | 25.0%" in page
    assert "a person acts" in page and "said" in page
    assert link.headline() == ("zero-shot accuracy: motionsense 100.0% (chance 33.3%)")
    names = {p.name for p in link.folder.iterdir()}
    assert {"appraisal.md", "appraisal.json", "zero_shot.md", "report.html"} <= names
    assert "held_out.safetensors" not in names
    assert link.begun() and link.changes() == [] and link.made()
    config.evaluation.seed = 4
    other = Evaluation(config, link.folder, ["instruct"])
    assert other.changes() == [
        "evaluation's options: {'caption_tokens': 5, 'captions': 2, 'resamples': 20, "
        "'seed': 0} -> {'caption_tokens': 5, 'captions': 2, 'resamples': 20, 'seed': 4}"
    ]
    (link.folder / "zero_shot.md").write_text("other figures")
    assert link.made() is None


def test_other_windows_under_the_same_name_are_another_evaluation(appraised, config):
    link, _ = appraised()
    cases.dataset("motionsense", windows=12).save(pathlib.Path(config.windows))
    (changed,) = Evaluation(config, link.folder, ["instruct"]).changes()
    assert changed.startswith("evaluation's windows: [")


def test_without_real_windows_held_out_performers_stand_in(appraised, config):
    config.windows = ""
    link, page = appraised()
    assert "## Zero-shot recognition: procedural held out" in page
    assert (link.folder / "held_out.safetensors").exists()
    assert link.made() and link.changes() == []


def test_a_run_that_was_not_validated_is_told(appraised, tmp_path):
    (tmp_path / "instruct/validation.json").unlink()
    with pytest.raises(ValueError, match=r"validation\.json is missing: let"):
        appraised()
    assert not (tmp_path / "evaluation/appraisal.json").exists()
