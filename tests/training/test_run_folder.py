"""A run's folder: written once, and closed to other configurations."""

import json
import subprocess

import ml_collections
import pytest

from anymo_jax.training import run_folder
from anymo_jax.training.run_folder import (
    RunFolderError,
    check_run,
    flatten,
    open_run,
    read_config,
    read_origin,
)

CONFIG = {
    "model": {"channels": [64, 128], "norm": None, "extra": {}},
    "rate": 0.1,
    "run": {"out": "a", "mesh": {"data": 1}},
}


def changed(**values):
    return CONFIG | values


def begin(folder, config):
    """A run that has something to lose."""
    open_run(folder, config)
    (folder / "metrics.jsonl").write_text('{"step": 1}')


def test_a_new_run_is_written(tmp_path):
    folder = open_run(tmp_path / "runs" / "a", CONFIG)
    assert folder == tmp_path / "runs" / "a"
    assert [p.name for p in folder.iterdir()] == ["config.json"]
    assert read_config(folder) == CONFIG
    origin = read_origin(folder)
    assert origin["jax"].count(".") == 2 and origin["backend"] == "cpu"
    revision = origin["git"]
    assert revision is None or len(revision.rstrip("+")) == 40


def test_the_same_configuration_goes_on(tmp_path):
    begin(tmp_path, CONFIG)
    before = (tmp_path / "config.json").read_bytes()
    same = ml_collections.ConfigDict(CONFIG)
    # A tuple is what JSON calls a list.
    same.model.channels = (64, 128)
    open_run(tmp_path, same)
    open_run(tmp_path, changed(run={"out": "b", "log_every": 3}))
    assert (tmp_path / "config.json").read_bytes() == before


def test_another_configuration_is_refused_by_its_fields(tmp_path):
    begin(tmp_path, CONFIG)
    other = {"model": {"channels": [64, 256], "extra": {}}, "rate": 0.1, "seed": 3}
    with pytest.raises(RunFolderError, match="another configuration") as caught:
        open_run(tmp_path, other)
    lines = str(caught.value).splitlines()[1:-1]
    assert lines == [
        "  model.channels: [64, 128] -> [64, 256]",
        "  model.norm: None -> (absent)",
        "  seed: (absent) -> 3",
    ]
    assert read_config(tmp_path) == CONFIG


def test_a_run_that_left_nothing_may_begin_with_another(tmp_path):
    open_run(tmp_path, CONFIG)
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "metrics.jsonl").touch()
    # Written before the first step, out of the configuration.
    (tmp_path / "text_tokenizer").mkdir()
    (tmp_path / "text_tokenizer" / "tokenizer.json").write_text("{}")
    open_run(tmp_path, changed(rate=0.2))
    assert read_config(tmp_path) == changed(rate=0.2)


@pytest.mark.parametrize("result", ["metrics.jsonl", "checkpoints/3/params/0"])
def test_a_run_that_left_a_result_may_not(tmp_path, result):
    open_run(tmp_path, CONFIG)
    (tmp_path / result).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / result).write_text("something")
    with pytest.raises(RunFolderError, match=r"rate: 0\.1 -> 0\.2"):
        open_run(tmp_path, changed(rate=0.2))


def test_a_run_is_checked_without_a_trace(tmp_path):
    # Whatever it left: this begins nothing.
    open_run(tmp_path, CONFIG)
    check_run(tmp_path, changed(run={"out": "b"}))
    with pytest.raises(RunFolderError, match=r"rate: 0\.1 -> 0\.2"):
        check_run(tmp_path, changed(rate=0.2))
    assert read_config(tmp_path) == CONFIG
    with pytest.raises(RunFolderError, match="no run began there"):
        check_run(tmp_path / "nothing", CONFIG)


def test_free_fields_are_named_by_their_path(tmp_path):
    begin(tmp_path, CONFIG)
    other = changed(rate=0.2, run={"out": "a", "mesh": {"data": 8}})
    open_run(tmp_path, other, free=("rate", "run.mesh"))
    with pytest.raises(RunFolderError, match=r"run\.mesh\.data: 1 -> 8"):
        open_run(tmp_path, other, free=("rate", "run.me"))


def test_a_number_is_not_its_type_s_neighbour(tmp_path):
    begin(tmp_path, {"rate": 0.1 + 0.2, "flag": True})
    open_run(tmp_path, {"rate": 0.1 + 0.2, "flag": True})
    with pytest.raises(RunFolderError, match=r"rate: 0\.30000000000000004 -> 0\.3\n"):
        open_run(tmp_path, {"rate": 0.3, "flag": True})


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(RunFolderError, match=r"holds thesis\.tex, but no config"):
        open_run(tmp_path, CONFIG)
    assert not (tmp_path / "config.json").exists()


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 7}', '{"name": "package"}'])
def test_a_damaged_or_foreign_configuration_is_refused(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    for attempt in (lambda: read_config(tmp_path), lambda: open_run(tmp_path, CONFIG)):
        with pytest.raises(RunFolderError, match=r"config\.json cannot be read"):
            attempt()
    assert (tmp_path / "config.json").read_text() == content


def test_a_folder_without_a_run_is_told(tmp_path):
    with pytest.raises(RunFolderError, match="no run began there"):
        read_config(tmp_path)


def test_a_write_that_was_cut_off_is_begun_again(tmp_path):
    (tmp_path / "config.json.tmp").write_text('{"form')
    open_run(tmp_path, CONFIG)
    assert read_config(tmp_path) == CONFIG


def test_values_are_plain(tmp_path):
    with pytest.raises(RunFolderError, match=r"plain values only.*object"):
        open_run(tmp_path, {"loss": object()})


@pytest.mark.parametrize(
    "error",
    [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")],
)
def test_works_without_git(tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(run_folder.subprocess, "run", fail)
    open_run(tmp_path, CONFIG)
    assert read_origin(tmp_path)["git"] is None


def test_only_the_first_process_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder.jax, "process_index", lambda: 1)
    open_run(tmp_path / "a", CONFIG)
    assert not (tmp_path / "a").exists()


def test_flattens():
    assert flatten({"a": {"b": 1, "c": {}}, "d": [{"e": 1}]}) == {
        "a.b": 1,
        "a.c": {},
        "d": [{"e": 1}],
    }
    json.dumps(flatten(CONFIG))
