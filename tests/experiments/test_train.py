"""experiments.train from recipe to table, resumed, validated and refused."""

import json
import shutil

import numpy as np
import pytest

from anymo_jax.encoder.settings import encoder_recipe
from anymo_jax.motion import archive
from anymo_jax.motion.prepare import PrepareOptions
from anymo_jax.motion.sources import list_units
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.training.run_folder import RunFolderError
from anymo_jax.views import body_tables
from configs import encoder as encoder_recipes
from configs import tokenizer as tokenizer_recipes
from experiments import ablations
from experiments.stages.encoder import Retrieval, retrieval_table
from experiments.stages.stage import held_out_batches
from experiments.stages.tokenizer import load_tokenizer
from experiments.train import train
from experiments.validate import validate

# Each compiles stages as the command does, a minute of two cores or more.
pytestmark = pytest.mark.slow

# An encoder of a minute.
SMALL = {
    "steps": 4,
    "batch_size": 8,
    "optimiser.warmup": 1,
    "encoder.channels": (4, 8),
    "encoder.strides": (4, 1),
    "validation.size": 4,
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A few clips of the library, prepared as by the command."""
    folder = tmp_path_factory.mktemp("data") / "motion"
    activities = "squats,jumping_jacks,walking_forward,sweeping"
    units = list_units(procedural=4, activities=activities)
    splits = archive.Splits(procedural_subjects=2)
    archive.prepare(folder, units, PrepareOptions(), splits)
    return folder


def encoder_config(data, folder, **run):
    config = encoder_recipes.get_config("tiny")
    config.update_from_flattened_dict(SMALL)
    config.run.update({"data": str(data), "folder": str(folder), "log_every": 1})
    config.run.update({"checkpoint_every": 2, **run})
    return config


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "encoder"
    return folder, train(encoder_config(data, folder))


def curve(folder):
    rows = (folder / "metrics.jsonl").read_text().splitlines()
    return {row["step"]: row for row in map(json.loads, rows) if "loss" in row}


def test_a_run_leaves_what_its_docstring_says(trained):
    folder, figures = trained
    assert json.loads((folder / "validation.json").read_text()) == figures
    assert (folder / "curves.png").stat().st_size > 10_000
    assert sorted(curve(folder)) == [1, 2, 3, 4]
    assert all("learning_rate" in row for row in curve(folder).values())
    assert 0 <= figures["top1"] <= 1
    seen = [figures[f"top1/visible_{n}"] for n in range(1, 6)]
    assert figures["top1"] == pytest.approx(np.mean(seen))


def test_validation_of_the_saved_run_gives_its_figures_again(trained):
    folder, figures = trained
    again, table = validate(str(folder))
    assert again == pytest.approx(figures, abs=1e-5)
    assert f"{figures['top1']:.1%}" in table


def test_a_finished_run_goes_no_further_and_another_recipe_is_refused(trained, data):
    folder, figures = trained
    assert train(encoder_config(data, folder)) == pytest.approx(figures, abs=1e-5)
    other = encoder_config(data, folder)
    other.temperature = 0.2
    with pytest.raises(RunFolderError, match=r"temperature: 0.1 -> 0.2"):
        train(other)


def test_an_ablation_reads_a_run_of_its_own_recipe_and_motion_only(
    trained, data, tmp_path
):
    folder, figures = trained
    given = {"seed": 0, "data": str(data), "folder": folder}
    assert ablations.run("tiny", SMALL, **given) == figures
    moved = shutil.copytree(data, tmp_path / "moved")
    assert ablations.run("tiny", SMALL, **given | {"data": str(moved)}) == figures
    row = SMALL | ablations.ROWS["w/o masked cross-view prediction"]
    told = rf"{folder} holds a run of another.*\n  objective: predictive -> full_view\n"
    with pytest.raises(RunFolderError, match=told):
        ablations.run("tiny", row, **given)
    with pytest.raises(RunFolderError, match=r"\n  seed: 0 -> 1\n"):
        ablations.run("tiny", SMALL, **given | {"seed": 1})
    other = ",".join([str(data), str(moved)])
    with pytest.raises(RunFolderError, match=r"\n  upstream\.motion: .*\n.*new folder"):
        ablations.run("tiny", SMALL, **given | {"data": other})


def test_a_bad_recipe_leaves_no_folder(data, tmp_path):
    config = encoder_config(data, tmp_path / "run")
    config.optimiser.warmup = 9
    with pytest.raises(ValueError, match="warmup = 9 is not below steps = 4"):
        train(config)
    assert not (tmp_path / "run").exists()


def test_a_tokenizer_on_it(trained, data, tmp_path):
    config = tokenizer_recipes.get_config("tiny")
    config.steps, config.batch_size, config.tokenizer.entries = 3, 8, 8
    config.run.update({"data": str(data), "folder": str(tmp_path / "tokenizer")})
    config.run.encoder = str(trained[0])
    figures = train(config)
    assert figures["error"] > 0 and 0 < figures["codebook0/usage"] <= 1
    again, table = validate(config.run.folder)
    assert again == pytest.approx(figures, abs=1e-5) and "usage rate" in table
    with pytest.raises(ValueError, match="leave --pools out"):
        validate(config.run.folder, pools=3)
    with pytest.raises(ValueError, match="give best, last"):
        validate(config.run.folder, step="newest")
    with pytest.raises(ValueError, match="'tokenizer' reads no motion_lm: leave it"):
        validate(config.run.folder, motion_lm="elsewhere")
    with pytest.raises(ValueError, match=r"elsewhere.*no run began there"):
        validate(config.run.folder, encoder="elsewhere")


def test_a_run_of_another_stage_is_refused(trained, tmp_path):
    run = str(trained[0])
    told = rf"{run} holds a run of stage 'encoder' where .*'tokenizer'.*--tokenizer=DIR"
    with pytest.raises(ValueError, match=told):
        load_tokenizer(run, latent=8)
    with pytest.raises(RunFolderError, match="no run began there"):
        load_tokenizer(str(tmp_path), latent=8)


def test_held_out_batches_are_full_and_tell_which_rows_are_new():
    batches = list(held_out_batches(lambda i: {"index": np.int32(i)}, 70))
    (first, new, number), (last, some, after) = batches
    assert first["index"].tolist() == list(range(64)) and new.all() and number == 0
    assert last["index"].tolist() == [*range(64, 70), *[69] * 58] and after == 64
    assert some.tolist() == [True] * 6 + [False] * 58


def test_kinds_of_motion_are_validated_apart_where_both_are_there(data):
    windows = MotionWindows(data, split="validation")
    assert not windows.captured.any()
    recipe = encoder_recipe(encoder_config(data, "unused"))
    body = body_tables(windows.segment, windows.frame)
    assert set(Retrieval(recipe, body, windows, pools=1, size=2).pools) == {""}
    windows.captured = np.isin(windows.clips, np.unique(windows.clips)[:2])
    pools = Retrieval(recipe, body, windows, pools=3, size=2).pools
    assert set(pools) == {"", "captured/", "procedural/"}
    assert windows.captured[pools["captured/"]].all()
    assert not windows.captured[pools["procedural/"]].any()
    # Two captured clips are too few for a pool of three.
    few = Retrieval(recipe, body, windows, pools=1, size=3).pools
    assert "captured/" not in few


def test_the_table_has_a_row_of_each_kind():
    row = {"top1/visible_1": 0.25, "top1/visible_2": 0.5, "top1": 0.375}
    row |= {"alignment": 1.5, "uniformity": -2.0}
    figures = row | {f"captured/{k}": v / 2 for k, v in row.items()}
    lines = retrieval_table(figures | {"real_distance": 0.125}, size=64).splitlines()
    assert lines[0].endswith("chance 1.6%")
    cells = [line.split() for line in lines[2:]]
    assert cells[0] == ["all", "25.0%", "50.0%", "37.5%", "1.500", "-2.000"]
    assert cells[1] == ["captured", "12.5%", "25.0%", "18.8%", "0.750", "-1.000"]
    assert cells[2] == ["real_distance", "0.1250"]
