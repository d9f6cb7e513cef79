"""The command that scores a run: its files, and what it says where it cannot."""

import json

import pytest

from anymo_jax import inference
from experiments import evaluate
from tests.evaluation import cases
from tests.experiments.commands import run_command


@pytest.fixture
def saved(tmp_path):
    def save(name):
        path = tmp_path / f"{name}.safetensors"
        cases.dataset(name).save(path)
        return str(path)

    return save


@pytest.fixture
def command(monkeypatch, tmp_path):
    """Runs the command; any run is the model that reads the first axis."""
    monkeypatch.setattr(inference, "load", lambda run: cases.FirstAxis())

    def call(files, *arguments):
        windows = f"--windows={','.join(files)}"
        run = f"--run={tmp_path / 'run'}"
        run_command(evaluate, run, windows, "--resamples=50", *arguments)

    return call


def test_a_page_and_every_number_are_written(saved, command, tmp_path, capsys):
    files = [saved("motionsense"), saved("dsads")]
    command(files, "--prompts", "--per_site", "--choose")
    folder = tmp_path / "run" / "evaluation"
    assert sorted(p.name for p in folder.iterdir()) == [evaluate.JSON, evaluate.PAGE]
    page = (folder / evaluate.PAGE).read_text()
    assert page in capsys.readouterr().out
    assert "AnyMo (published)" in page and "A development set" in page
    found = json.loads((folder / evaluate.JSON).read_text())
    assert found["options"]["chosen_on_development_sets"] is True
    assert set(found["datasets"]) == {"motionsense", "dsads"} == set(found["files"])
    assert found["datasets"]["dsads"]["rows"]["model"]["accuracy"]["value"] == 1
    assert found["average"]["imu prompt"]["accuracy"]["value"] == 0
    assert found["run"] == str(tmp_path / "run")


def test_one_dataset_needs_no_average_and_out_is_kept(saved, command, tmp_path):
    command([saved("umafall")], f"--out={tmp_path / 'elsewhere'}")
    page = (tmp_path / "elsewhere" / evaluate.PAGE).read_text()
    assert "Average" not in page and "published" not in page
    assert not (tmp_path / "run").exists()


def test_what_is_wrong_ends_in_one_line_with_the_remedy(saved, command, tmp_path):
    with pytest.raises(SystemExit, match="give --windows=FILE"):
        command([])
    with pytest.raises(SystemExit, match=r"none\.safetensors: not a readable file"):
        command([str(tmp_path / "none.safetensors")])
    one = saved("dsads")
    with pytest.raises(SystemExit, match="both hold dsads: leave one out"):
        command([one, one])
    with pytest.raises(SystemExit, match="on motionsense and umafall alone"):
        command([one], "--choose")
    assert not (tmp_path / "run").exists()
