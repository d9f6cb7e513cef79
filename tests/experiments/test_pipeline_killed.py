"""The whole pipeline at toy size: killed in every stage, it ends in the same table."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from anymo_jax import inference
from anymo_jax.motion.windows import MotionWindows
from experiments.held_out import held_out_windows
from tests.experiments.test_language_stages import CHANGES

# Two whole pipelines, each of ten programs, and the starts of six more processes.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

STAGES = ("motion", *CHANGES, "evaluation")
RUN = {"steps": 6, "batch_size": 8, "run.log_every": 1, "run.checkpoint_every": 2}
PREPARE = {
    "activities": "squats,jumping_jacks,walking_forward,sweeping",
    "held_out_subjects": 2,
}
EVALUATION = {"resamples": 50, "captions": 2, "caption_tokens": 3}


def command(home, **changes):
    values = {f"prepare.{name}": value for name, value in PREPARE.items()}
    for stage, own in CHANGES.items():
        mine = own | RUN | ({} if stage == "tokenizer" else {"optimiser.warmup": 1})
        values |= {f"{stage}.{name}": value for name, value in mine.items()}
    values |= {f"evaluation.{name}": value for name, value in EVALUATION.items()}
    flags = [f"--config.{name}={value}" for name, value in (values | changes).items()]
    module = [sys.executable, "-m", "experiments.pipeline"]
    return [*module, "--config=configs/pipeline.py:tiny", f"--workdir={home}", *flags]


def run(home, **changes):
    """What a pipeline prints on its way to the end."""
    done = subprocess.run(
        command(home, **changes), stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def said(text):
    """What became of each stage, by the lines that tell of it."""
    lines = [line.split() for line in text.splitlines() if line.startswith("[")]
    return {words[1]: words[2] for words in lines if words[1] in STAGES}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A working directory of a pipeline that nobody stopped, and what it printed."""
    home = tmp_path_factory.mktemp("pipeline") / "whole"
    return home, run(home)


def under_way(home, stage):
    """Whether a stage has left something, and is not at its end."""
    folder = home / stage
    if stage == "motion":
        return (folder / "plan.json").exists()
    if stage == "evaluation":
        return (folder / "held_out.safetensors").exists()
    return (folder / "checkpoints" / "2").exists()


def at_its_end(home, stage):
    last = {"motion": "manifest.json", "evaluation": "appraisal.json"}
    return (home / stage / last.get(stage, "validation.json")).exists()


def kill_in(home, stage):
    """Starts the pipeline, and kills its process in the midst of a stage."""
    process = subprocess.Popen(command(home), stdout=subprocess.DEVNULL)
    try:
        while not under_way(home, stage):
            assert process.poll() is None, f"it ended before {stage}"
            time.sleep(0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert not at_its_end(home, stage)


def results(home):
    """All that a pipeline found, without what clock and machine decide."""
    found = {}
    for stage in CHANGES:
        for name in ("validation.json", "metrics.jsonl"):
            found[stage, name] = (home / stage / name).read_text()
    told = json.loads((home / "evaluation/appraisal.json").read_text())
    page = (home / "evaluation/appraisal.md").read_text()
    made = json.loads((home / "pipeline.json").read_text())["stages"]
    digests = {stage: made[stage]["made"] for stage in STAGES[:-1]}
    del told["files"]
    return found | {"told": told, "page": page, "digests": digests}


def test_killed_in_every_stage_it_ends_in_the_same_table(whole, tmp_path):
    for stage in STAGES:
        kill_in(tmp_path, stage)
    run(tmp_path)
    assert results(tmp_path) == results(whole[0])
    assert not (tmp_path / "set_aside").exists()


def test_it_prints_what_became_of_each_stage_and_the_path_of_the_report(whole):
    home, text = whole
    assert said(text) == dict.fromkeys(STAGES, "done")
    assert f"report: {home}/evaluation/appraisal.md" in text
    assert "zero-shot accuracy: procedural held out" in text
    assert all(pathlib.Path(home / stage).is_dir() for stage in STAGES)


def test_done_it_is_skipped_and_another_recipe_redoes_what_stands_on_it(whole):
    home, _ = whole
    assert said(run(home)) == dict.fromkeys(STAGES, "skipped")
    text = run(home, **{"motion_lm.seed": 1})
    redone = dict.fromkeys(STAGES[:3], "skipped") | dict.fromkeys(STAGES[3:], "redone")
    assert said(text) == redone and "config.seed: 0 -> 1" in text
    aside = {p.name for p in (home / "set_aside").iterdir()}
    assert aside == {"motion_lm-1", "instruct-1", "evaluation-1"}


def test_users_load_the_working_directory(whole):
    model = inference.load(whole[0])
    assert model.embed_labels(["walking", "sitting"]).shape == (2, 8)


def test_held_out_windows_are_of_performers_that_no_training_saw(whole):
    data = str(whole[0] / "motion")
    windows = held_out_windows(data)
    named = {"squats", "jumping jacks", "walking forward", "sweeping the floor"}
    assert len(windows) > 8 and set(windows.classes) == named
    seen = MotionWindows(data, split="train")
    trained = {seen.told(index)["subject"] for index in range(len(seen))}
    assert not trained & set(windows.subjects)
    # Of each recording, the first begins it, and the next where that one ends.
    for number in range(len(windows.sources)):
        mine = np.flatnonzero(windows.recording == number)
        lengths = np.diff(windows.offsets)[mine] / 60
        np.testing.assert_allclose(windows.start[mine][1:], np.cumsum(lengths)[:-1])
    force = np.linalg.norm(windows.signal[..., :3], axis=-1)
    assert 8 < np.median(force) < 12 and np.isfinite(windows.signal).all()
    again = held_out_windows(data)
    np.testing.assert_array_equal(again.signal, windows.signal)
    assert (held_out_windows(data, seed=1).signal != windows.signal).any()
