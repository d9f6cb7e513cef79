"""The command line of real datasets: a card to read, an error with its remedy."""

import numpy as np
import pandas
import pytest
from absl import app

from anymo_jax.datasets.catalogue import dataset_names, open_dataset
from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.datasets.raw import DATASETS
from experiments import prepare_har
from tests.datasets import signals
from tests.experiments.commands import run_command

AXES = [f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"]


@pytest.fixture
def table(tmp_path):
    made = pandas.DataFrame(signals.worn(40.0, 50.0), columns=AXES)
    made.insert(0, "time", np.arange(len(made)) / 50)
    made["label"] = np.repeat(["sitting", "walking"], len(made) // 2)
    path = tmp_path / "mine.csv"
    made.to_csv(path, index=False)
    return path


def run(*switches, **given):
    named = [f"--{name}={value}" for name, value in given.items()]
    run_command(prepare_har, *switches, *named)


def test_a_table_becomes_windows_and_its_card_is_told(table, tmp_path, capsys):
    out = tmp_path / "mine.safetensors"
    run(dataset="table", raw=str(table), out=str(out), sites="left wrist")
    told = capsys.readouterr().out
    for said in (
        *(
            "8 windows of 4.98 to 5.00 s",
            "L_Forearm",
            "sitting 4, walking 4",
            "! no subjects",
        ),
        *("1 recordings, 8 windows read", f"written to {out}"),
    ):
        assert said in told
    assert len(LabelledWindows.load(out)) == 8
    assert not out.with_name(out.name + ".parts").exists()


def test_wrong_units_end_the_run_with_the_remedy(table, tmp_path):
    made = pandas.read_csv(table)
    made[AXES[3:]] *= 180 / np.pi
    made.to_csv(table, index=False)
    out = tmp_path / "mine.safetensors"
    given = dict(dataset="table", raw=str(table), out=str(out), sites="left wrist")
    with pytest.raises(SystemExit, match="looks like deg/s"):
        run(**given)
    assert not out.exists()
    run(**given, units="auto")
    mended = LabelledWindows.load(out)
    run(**given, units="rate:deg/s")
    said = LabelledWindows.load(out)
    np.testing.assert_allclose(mended.signal, said.signal, atol=1e-4)
    with pytest.raises(SystemExit, match="unknown unit 'furlong'"):
        run(**given, units="rate:furlong")


def test_the_list_names_every_dataset_and_where_to_get_it(capsys):
    run("--list")
    told = capsys.readouterr().out
    for name, facts in DATASETS.items():
        assert f"{name}: {facts.title}" in told
        assert facts.homepage in told
    for name in dataset_names():
        assert name in told


def test_what_is_missing_is_asked_for(table, tmp_path):
    with pytest.raises(app.UsageError, match="--dataset is needed"):
        run()
    with pytest.raises(SystemExit, match="no dataset 'nothing'; there are opportunity"):
        run(dataset="nothing", raw=str(table), out=str(tmp_path / "out"))
    with pytest.raises(SystemExit, match="nowhere: no such file or folder"):
        run(dataset="table", raw=str(tmp_path / "nowhere"), out=str(tmp_path / "out"))


def test_units_may_be_given_for_any_dataset(tmp_path):
    path = tmp_path / "mine.npz"
    signal = signals.worn(40.0, 50.0)
    signal[:, :3] /= 9.80665
    np.savez(
        path,
        x=signal.reshape(4, 500, 1, 6),
        y=np.array([0, 1, 0, 1]),
        classes=np.array(["a", "b"]),
        sites=np.array(["left wrist"]),
        subject=np.array([1, 1, 2, 2]),
        fs=50.0,
    )
    options = prepare_har.TableOptions(units={"force": "g"})
    facts = open_dataset("npz", path, options)
    windows = prepare_har.prepare(facts, path, tmp_path / "out")
    sensor = windows.card["sensors"]["left wrist"]["force"]
    assert sensor["still"] == pytest.approx(9.81, abs=0.05)
    assert "units given by hand: force in g" in windows.flags
