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
    monkeypatch.setattr(inference, "load", lambda run: cases.Knowing())

    def call(files=(), *arguments, run="run"):
        given = [f"--windows={','.join(files)}"] if files else []
        place = f"--run={tmp_path / run}"
        run_command(evaluate, place, *given, "--resamples=50", *arguments)

    return call


def test_a_page_and_every_number_are_written(saved, command, tmp_path, capsys):
    files = [saved("motionsense"), saved("dsads")]
    command(files, "--prompts", "--per_site", "--choose")
    folder = tmp_path / "run" / "evaluation"
    assert {p.name for p in folder.iterdir()} == {
        *(evaluate.JSON, evaluate.PAGE, evaluate.DETAILS, evaluate.REPORT),
        *("report.md", "pictures"),
    }
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
        command([" "])
    with pytest.raises(SystemExit, match=r"none\.safetensors: not a readable file"):
        command([str(tmp_path / "none.safetensors")])
    one = saved("dsads")
    with pytest.raises(SystemExit, match="both hold dsads: leave one out"):
        command([one, one])
    with pytest.raises(SystemExit, match="on motionsense and umafall alone"):
        command([one], "--choose")
    with pytest.raises(SystemExit, match="--windows is missing"):
        command()
    with pytest.raises(SystemExit, match=str(tmp_path / "motion")):
        command([one], f"--motion={tmp_path / 'motion'}")
    with pytest.raises(SystemExit, match="takes two folders, not 1"):
        command([], f"--compare={tmp_path}")
    with pytest.raises(SystemExit, match="evaluate that run first"):
        command([], f"--compare={tmp_path}", str(tmp_path))
    assert not (tmp_path / "run").exists()


def test_two_runs_are_set_side_by_side(saved, command, tmp_path, capsys):
    file, out = saved("dsads"), tmp_path / "compared"
    for name in ("one", "other"):
        command([file], run=name)
    runs = [str(tmp_path / name) for name in ("one", "other")]
    command([], f"--compare={runs[0]}", runs[1], f"--out={out}")
    assert "+0.0 [+0.0, +0.0]" in capsys.readouterr().out
    found = json.loads((out / "compared.json").read_text())
    assert found["rows"]["dsads"]["figures"]["accuracy"]["first"] == 1
    assert [found["first"], found["second"]] == runs
