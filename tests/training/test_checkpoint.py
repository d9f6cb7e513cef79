"""Checkpoints against all that befalls a folder; the data's position goes along."""

import dataclasses
import logging
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
from typing import Any

import grain
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jax.sharding import AxisType, NamedSharding, SingleDeviceSharding
from jax.sharding import PartitionSpec as P

from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.kept import best_step
from anymo_jax.training.saved import CheckpointError
from anymo_jax.training.task import Variables
from anymo_jax.training.variables import restore_variables


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class State:
    """Shaped as a run's state is, and small."""

    step: jax.Array
    params: Any
    collections: Any
    optimiser: Any
    ema: Any
    healthy: jax.Array


OPTIMISER = optax.adamw(1e-3)


def make_state(seed=0, *, ema=True, rows=64):
    keys = jax.random.split(jax.random.key(seed), 4)
    params = {
        "conv": {"kernel": jax.random.normal(keys[0], (rows, 48))},
        "scale": jax.random.normal(keys[1], (5,), jnp.bfloat16),
    }
    return State(
        step=jnp.int32(seed),
        params=params,
        collections={"codes": jax.random.randint(keys[2], (7,), 0, 99)},
        optimiser=OPTIMISER.init(params),
        ema=jax.tree.map(lambda x: x + 1, params) if ema else None,
        healthy=jnp.array(True),
    )


def abstract(state, place=None):
    alone = SingleDeviceSharding(jax.devices()[0])
    return jax.tree.map(
        lambda x, s: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=s),
        state,
        place or jax.tree.map(lambda _: alone, state),
    )


def assert_equal(one, other):
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


class Position:
    """An iterator whose position is what one sets."""

    def __init__(self, state=None):
        self.state = state

    def get_state(self):
        return self.state

    def set_state(self, state):
        self.state = state


def save(folder, *seeds, **kwargs):
    with Checkpoints(folder, keep=len(seeds)) as checkpoints:
        for seed in seeds:
            checkpoints.save(seed, make_state(seed, **kwargs), Position({"at": seed}))


def restore(folder, **kwargs):
    position = Position()
    with Checkpoints(folder) as checkpoints:
        step, state = checkpoints.restore(abstract(make_state(**kwargs)), position)
    assert position.state == {"at": step}
    assert_equal(state, make_state(step, **kwargs))
    return step


def files(folder, within="**"):
    return [p for p in sorted(folder.glob(f"{within}/*")) if p.is_file()]


def largest(folder):
    return max(files(folder), key=lambda path: path.stat().st_size)


def flip(path):
    octets = bytearray(path.read_bytes())
    octets[len(octets) // 2] ^= 1
    path.write_bytes(octets)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder with the sound steps 1, 2 and 3; to be copied."""
    folder = tmp_path_factory.mktemp("saved")
    save(folder, 1, 2, 3)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return pathlib.Path(shutil.copytree(saved, tmp_path / "run"))


def test_a_new_folder_holds_nothing(tmp_path):
    with Checkpoints(tmp_path / "new" / "run") as checkpoints:
        assert checkpoints.restore(abstract(make_state())) is None
        assert checkpoints.steps == []


@pytest.mark.parametrize("ema", [True, False])
def test_restores_what_was_saved(tmp_path, ema):
    save(tmp_path, 4, ema=ema)
    assert restore(tmp_path, ema=ema) == 4


def test_restores_onto_another_topology(tmp_path):
    mesh = jax.make_mesh((4, 2), ("data", "fsdp"), axis_types=(AxisType.Auto,) * 2)
    spread, whole = NamedSharding(mesh, P("fsdp")), NamedSharding(mesh, P())
    state = make_state(1)
    place = jax.tree.map(lambda x: spread if x.ndim == 2 else whole, state)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, jax.device_put(state, place))
    assert_equal(restore_plain(tmp_path, abstract(state)), state)
    back = restore_plain(tmp_path, abstract(state, place))
    assert_equal(back, state)
    assert back.params["conv"]["kernel"].sharding == spread


def restore_plain(folder, wanted):
    with Checkpoints(folder) as checkpoints:
        return checkpoints.restore(wanted)[1]


def test_the_position_of_grain_goes_along(tmp_path):
    def iterator():
        order = grain.MapDataset.range(100).shuffle(seed=1).repeat().batch(3)
        return iter(order.to_iter_dataset())

    ahead = iterator()
    for _ in range(5):
        next(ahead)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(5, make_state(5), ahead)
        expected = [next(ahead).tolist() for _ in range(40)]
    again = iterator()
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.restore(abstract(make_state()), again)
    assert [next(again).tolist() for _ in range(40)] == expected


def test_the_state_may_be_donated_at_once(tmp_path):
    """What is written is the state as it was, whatever becomes of its buffers."""
    advance = jax.jit(
        lambda x: jax.tree.map(lambda leaf: leaf * 2 + 1, x), donate_argnums=0
    )
    state = {"w": jnp.arange(400_000.0)}
    filled = make_state()
    with Checkpoints(tmp_path, keep=9) as checkpoints:
        for step in range(1, 5):
            # A copy of its own, so that donation really takes its buffers.
            own = jax.tree.map(jnp.copy, dataclasses.replace(filled, params=state))
            checkpoints.save(step, own)
            for _ in range(3):
                own = advance(own)
        checkpoints.wait()
        wanted = abstract(dataclasses.replace(filled, params=state))
        step, back = checkpoints.restore(wanted)
    assert step == 4
    assert_equal(back.params, state)


def test_keeps_the_newest_and_the_best(tmp_path):
    scores = {1: 0.2, 2: 0.9, 3: None, 4: float("nan"), 5: 0.5, 6: None, 7: 0.1}
    with Checkpoints(tmp_path, keep=2, best="score") as checkpoints:
        for step in (1, 2, 3, 4):
            metrics = None if scores[step] is None else {"score": scores[step]}
            checkpoints.save(step, make_state(step), metrics=metrics)
    # The best step is known again after a restart.
    with Checkpoints(tmp_path, keep=2, best="score") as checkpoints:
        for step in (5, 6, 7):
            metrics = None if scores[step] is None else {"score": scores[step]}
            checkpoints.save(step, make_state(step), metrics=metrics)
        assert checkpoints.steps == [2, 6, 7]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["2", "6", "7"]
    best = restore_variables(tmp_path, step="best", ema=False)
    assert_equal(best.params, make_state(2).params)


def test_ranks_metrics():
    metrics = {1: {"a": 1.0}, 2: {"a": 3.0}, 3: {"a": 3.0}, 4: {}, 5: {"a": -1.0}}
    assert best_step(metrics, "a", "max") == 3
    assert best_step(metrics, "a", "min") == 5
    assert best_step(metrics, "b", "max") is None
    assert best_step({1: {"a": float("inf")}}, "a") is None


def test_a_step_is_never_passed_over(folder):
    with Checkpoints(folder) as checkpoints:
        for step in (3, 2):
            with pytest.raises(CheckpointError, match=f"step {step} cannot be saved"):
                checkpoints.save(step, make_state(step))
        checkpoints.save(4, make_state(4), Position({"at": 4}))
        # Also while it is still being written.
        with pytest.raises(CheckpointError, match="holds step 4"):
            checkpoints.save(4, make_state(4))
    assert restore(folder) == 4


def test_metrics_must_hold_the_one_that_ranks(tmp_path):
    with (
        Checkpoints(tmp_path, best="recall") as checkpoints,
        pytest.raises(ValueError, match=r"'recall' is not among .*'loss'"),
    ):
        checkpoints.save(1, make_state(), metrics={"loss": 1.0})


def damaged_files(saved):
    """Every file of a step, by its name with what is random in it taken out."""
    return [str(p.relative_to(saved)) for p in files(saved / "3")]


@pytest.mark.parametrize("damage", [flip, truncate, pathlib.Path.unlink])
def test_damage_to_any_file_is_survived(saved, tmp_path, damage):
    """A damaged file is without effect, or its step gives way to the one before."""
    fallen = 0
    names = damaged_files(saved)
    # A third of the files each, as every trial opens a folder.
    part = [flip, truncate, pathlib.Path.unlink].index(damage)
    wide = max(names, key=lambda name: (saved / name).stat().st_size)
    for number, name in enumerate({*names[part::3], wide}):
        folder = pathlib.Path(shutil.copytree(saved, tmp_path / str(number)))
        damage(folder / name)
        step = restore(folder)
        assert step in (2, 3), name
        assert (folder / "corrupt" / "3-0").is_dir() == (step == 2), name
        fallen += step == 2
    assert fallen >= 2


def test_a_flipped_byte_is_told_with_its_leaf(folder, caplog):
    flip(largest(folder / "3" / "params"))
    with caplog.at_level(logging.ERROR, "absl"):
        assert restore(folder) == 2
    assert "3 is damaged" in caplog.text
    assert "params/conv/kernel" in caplog.text
    assert (folder / "corrupt" / "3-0" / "params").is_dir()
    assert not (folder / "3").exists()


def test_a_truncated_file_is_told_in_one_line(folder, caplog, capfd):
    truncate(largest(folder / "3" / "params"))
    with caplog.at_level(logging.ERROR, "absl"):
        assert restore(folder) == 2
    told = [r for r in caplog.records if "is damaged" in r.getMessage()]
    assert len(told) == 1 and "\n" not in told[0].getMessage()
    assert "conv.kernel" in caplog.text
    assert "Traceback" not in caplog.text + capfd.readouterr().err


@pytest.mark.parametrize(
    ("old", "new"),
    [("bfloat16[5]", "bfloat16[4]"), ('{\\"at\\": 3}', '{\\"at\\": 7}')],
    ids=["shape", "position"],
)
def test_a_damaged_manifest_is_no_other_model_or_place(folder, old, new):
    path = folder / "3" / "manifest" / "metadata"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    assert restore(folder) == 2


def test_a_step_is_saved_anew_where_its_damaged_one_was(folder):
    for again in range(2):
        flip(largest(folder / "3" / "params"))
        assert restore(folder) == 2
        assert (folder / "corrupt" / f"3-{again}").is_dir()
        with Checkpoints(folder) as checkpoints:
            checkpoints.restore(abstract(make_state()))
            checkpoints.save(3, make_state(3), Position({"at": 3}))
        assert restore(folder) == 3


def test_bare_folders_and_unfinished_ones_are_survived(folder):
    (folder / "4").mkdir()
    (folder / "9" / "params").mkdir(parents=True)
    unfinished = folder / "5.orbax-checkpoint-tmp" / "params"
    unfinished.mkdir(parents=True)
    (folder / "notes.txt").write_text("not a step")
    assert restore(folder) == 3
    assert not unfinished.exists()
    assert sorted(p.name for p in (folder / "corrupt").iterdir()) == ["4-0", "9-0"]
    with Checkpoints(folder) as checkpoints:
        checkpoints.save(4, make_state(4), Position({"at": 4}))
    assert restore(folder) == 4


def test_where_no_step_verifies_nothing_starts_afresh(folder):
    for step in (1, 2, 3):
        flip(largest(folder / str(step) / "params"))
    for _ in range(2):
        with (
            Checkpoints(folder) as checkpoints,
            pytest.raises(CheckpointError, match=r"no step in .* verifies .*3: .*1: "),
        ):
            checkpoints.restore(abstract(make_state()))
    assert {"1", "2", "3"} <= {p.name for p in folder.iterdir()}


def other_models():
    state = make_state()
    narrow = {**state.params, "scale": state.params["scale"][:4]}
    cast = {**state.params, "scale": state.params["scale"].astype(jnp.float32)}
    renamed = {"conv": state.params["conv"], "gain": state.params["scale"]}
    replace = dataclasses.replace
    sgd = optax.sgd(1).init(1)
    return {
        "shape": (replace(state, params=narrow), ["scale: bfloat16[5] -> bfloat16[4]"]),
        "dtype": (replace(state, params=cast), ["scale: bfloat16[5] -> float32[5]"]),
        "keys": (
            replace(state, params=renamed),
            ["gain: (absent) -> ", "scale"],
        ),
        "optimiser": (
            replace(state, optimiser=sgd),
            ["optimiser/0/mu"],
        ),
        "no ema": (replace(state, ema=None), ["ema/scale: bfloat16[5] -> (absent)"]),
    }


@pytest.mark.parametrize("kind", ["shape", "dtype", "keys", "optimiser", "no ema"])
def test_another_model_is_refused_by_its_leaves(saved, kind):
    state, words = other_models()[kind]
    before = files(saved)
    with (
        Checkpoints(saved) as checkpoints,
        pytest.raises(CheckpointError, match="another model") as caught,
    ):
        checkpoints.restore(abstract(state))
    for word in words:
        assert word in str(caught.value)
    assert files(saved) == before


FULL_DISK = """
import resource, sys
from tests.training import test_checkpoint as t
from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.saved import CheckpointError
with Checkpoints(sys.argv[1]) as checkpoints:
    checkpoints.save(1, t.make_state(1), t.Position({"at": 1}))
    checkpoints.wait()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
    checkpoints.save(2, t.make_state(2, rows=4000))
    try:
        checkpoints.save(3, t.make_state(3))
    except CheckpointError as error:
        print(error)
    else:
        sys.exit("the failure went unnoticed")
    resource.setrlimit(resource.RLIMIT_FSIZE, (-1, resource.RLIM_INFINITY))
    checkpoints.save(4, t.make_state(4), t.Position({"at": 4}))
"""


def test_a_full_disk_is_told_and_costs_one_step(tmp_path):
    """A limit on the size of files stands in for the disk's end."""
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "step 2 was not saved" in done.stdout
    assert "the last that is saved is 1" in done.stdout
    assert "needs about 3.1 MB" in done.stdout and "MB are free" in done.stdout
    assert "Traceback" not in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["1", "4"]
    assert restore(tmp_path) == 4


def test_a_failed_save_does_not_hide_what_ended_the_run(tmp_path, monkeypatch):
    def fail():
        raise CheckpointError("full")

    with pytest.raises(KeyError, match="cause"), Checkpoints(tmp_path) as checkpoints:
        monkeypatch.setattr(checkpoints, "wait", fail)
        raise KeyError("cause")
    checkpoints = Checkpoints(tmp_path)
    monkeypatch.setattr(checkpoints, "wait", fail)
    with pytest.raises(CheckpointError, match="full"), checkpoints:
        pass


@pytest.mark.parametrize("ema", [True, False])
def test_variables_come_without_the_optimiser(folder, ema):
    shutil.rmtree(folder / "3" / "optimiser")
    state = make_state(3)
    expected = Variables(state.ema if ema else state.params, state.collections)
    assert_equal(restore_variables(folder, ema=ema), expected)
    shaped = jax.eval_shape(lambda: expected)
    assert_equal(restore_variables(folder, shaped, ema=ema), expected)


def test_variables_of_a_step(folder):
    assert_equal(
        restore_variables(folder, step=2, ema=False).params, make_state(2).params
    )
    with pytest.raises(CheckpointError, match=r"holds no step 7, but \[1, 2, 3\]"):
        restore_variables(folder, step=7)
    with pytest.raises(CheckpointError, match="names no best step"):
        restore_variables(folder, step="best")
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        restore_variables(folder / "elsewhere")


def test_variables_of_a_damaged_step(folder):
    before = files(folder)
    flip(largest(folder / "3" / "ema"))
    assert_equal(restore_variables(folder).params, make_state(2).ema)
    with pytest.raises(CheckpointError, match=r"verifies .*3: .*ema/conv/kernel"):
        restore_variables(folder, step=3)
    assert_equal(
        restore_variables(folder, step=3, ema=False).params, make_state(3).params
    )
    # A reader changes nothing: the run may be at work.
    assert files(folder) == before


def test_variables_on_a_mesh(folder):
    mesh = jax.make_mesh((8,), ("fsdp",), axis_types=(AxisType.Auto,))
    spread = NamedSharding(mesh, P("fsdp"))
    state = make_state(3)
    wanted = Variables(
        {
            "conv": {
                "kernel": jax.ShapeDtypeStruct((64, 48), "float32", sharding=spread)
            },
            "scale": jax.ShapeDtypeStruct((5,), "bfloat16"),
        },
        jax.eval_shape(lambda: state.collections),
    )
    read = restore_variables(folder, wanted, ema=False)
    assert_equal(read.params, state.params)
    assert read.params["conv"]["kernel"].sharding == spread


def test_options_are_checked(tmp_path):
    with pytest.raises(ValueError, match="keep = 0"):
        Checkpoints(tmp_path, keep=0)


def test_two_processes_save_and_restore_as_one(tmp_path):
    """They agree on what is damaged, though each reads its own part."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    arguments = [[str(i), "2", str(port), str(tmp_path)] for i in range(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.training.saving_process", *own],
            cwd=pathlib.Path(__file__).parents[2],
            env=os.environ | flags,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for own in arguments
    ]
    try:
        told = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0], told
    assert (tmp_path / "told0").read_text() == "1 {'at': 1} {'at': ''}"
    assert (tmp_path / "told1").read_text() == "1 {'at': 1} {'at': 'x'}"
    said = "".join((tmp_path / f"said{index}").read_text() for index in range(2))
    # Whether the flipped bit falls into a value or its compressed frame is a matter of
    # who wrote first.
    for words in (
        "3 is damaged: ValueError",
        r"2 is damaged: (the values of params/conv|.*corruption)",
        "[23] is damaged: another process could not",
    ):
        assert re.search(words, said), (said, told)
    moved = (tmp_path / "same" / "corrupt").iterdir()
    assert sorted(p.name[0] for p in moved) == ["2", "3"]
    # One process takes what two have saved, unless they were at places of their own.
    assert restore(tmp_path / "same") == 2
    with (
        Checkpoints(tmp_path / "own") as checkpoints,
        pytest.raises(CheckpointError, match=r"2 positions in the data, and 1 proc"),
    ):
        checkpoints.restore(abstract(make_state()), Position())
