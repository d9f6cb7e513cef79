"""What befalls a run: it ends in the same curve and state, or in words that help."""

import contextlib
import itertools
import json
import pathlib
import random
import resource
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from anymo_jax.training.data import batches
from anymo_jax.training.metrics import METRICS
from anymo_jax.training.nonfinite import NonFiniteError
from anymo_jax.training.run_folder import RunFolderError
from anymo_jax.training.saved import CheckpointError, read_manifest, steps_in
from anymo_jax.training.termination import EXIT_CODE
from tests.training import faulty, toy
from tests.training.test_checkpoint import flip, largest, truncate

ROOT = pathlib.Path(__file__).parents[2]
UNFINISHED = "*.orbax-checkpoint-tmp"


def start(folder, told, checkpoint_every=2):
    """The run in a process of its own, whose output goes to a file."""
    arguments = ["-m", "tests.training.faulty", str(folder), str(checkpoint_every)]
    with told.open("w") as file:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def wait_for(told, words, process):
    while words not in told.read_text():
        assert process.poll() is None, told.read_text()
        time.sleep(0.005)


def outcome(folder):
    """The curve, byte by byte, and the digests of the last state."""
    checkpoints = folder / "checkpoints"
    last = steps_in(checkpoints)[-1]
    assert last == faulty.STEPS
    manifest = read_manifest(checkpoints, last)
    return (folder / METRICS).read_bytes(), manifest.leaves, manifest.data


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The outcome of a run to which nothing happened."""
    folder = tmp_path_factory.mktemp("straight")
    faulty.run(folder)
    curve, leaves, _ = outcome(folder)
    assert [json.loads(row)["step"] for row in curve.splitlines()] == [
        *range(5, faulty.STEPS + 1, 5)
    ]
    assert "collections/ballast" in leaves
    return outcome(folder)


def kill_in_a_save(process, folder, told, rng):
    """SIGKILL while a step is half written; not always the first that comes by."""
    seen, wanted = set(), rng.randint(1, 3)
    while process.poll() is None and len(seen) < wanted:
        seen |= {p.name for p in (folder / "checkpoints").glob(UNFINISHED)}
        time.sleep(0.001)
    time.sleep(rng.uniform(0, 0.01))
    process.kill()


def kill_at_random(process, folder, told, rng):
    """SIGKILL at any moment from the first steps on."""
    wait_for(told, "\nstep ", process)
    time.sleep(rng.uniform(0, 0.3))
    process.kill()


def kill_at_the_start(process, folder, told, rng):
    """SIGKILL while modules load, the state is restored, programs are made."""
    time.sleep(rng.uniform(0, 6))
    process.kill()


def survive(tmp_path, kills, seed):
    """A run killed time and again, then left alone.

    Returns its folder and, after each kill, the steps that were half written.
    """
    folder, told = tmp_path / "run", tmp_path / "told"
    rng, halves = random.Random(seed), []
    for kill in kills:
        process = start(folder, told)
        kill(process, folder, told, rng)
        assert process.wait() == -signal.SIGKILL, told.read_text()
        halves.append([p.name for p in (folder / "checkpoints").glob(UNFINISHED)])
    assert start(folder, told).wait() == 0, told.read_text()
    return folder, halves


def test_two_kills_leave_no_trace(straight, tmp_path):
    folder, halves = survive(tmp_path, [kill_in_a_save, kill_at_random], seed=1)
    assert halves[0], "the first kill hit no save"
    assert outcome(folder) == straight


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [1, 2])
def test_ten_kills_leave_no_trace(straight, tmp_path, seed):
    kills = [*[kill_in_a_save] * 5, *[kill_at_random] * 3, *[kill_at_the_start] * 2]
    random.Random(seed).shuffle(kills)
    folder, halves = survive(tmp_path, kills, seed)
    assert sum(map(bool, halves)) >= 3, halves
    assert outcome(folder) == straight


def test_sigterm_saves_and_leaves(straight, tmp_path):
    folder, told = tmp_path / "run", tmp_path / "told"
    process = start(folder, told, checkpoint_every=0)
    wait_for(told, "step 10/", process)
    process.terminate()
    assert process.wait() == EXIT_CODE, told.read_text()
    assert 10 <= steps_in(folder / "checkpoints")[-1] < faulty.STEPS
    faulty.run(folder)
    assert outcome(folder) == straight


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that ended after step 20, with checkpoints 9, 18 and 20; to be copied."""
    folder = tmp_path_factory.mktemp("stopped")
    faulty.run(folder, steps=20)
    return folder


@pytest.fixture
def halfway(stopped, tmp_path):
    return pathlib.Path(shutil.copytree(stopped, tmp_path / "run"))


@pytest.mark.parametrize("damage", [flip, truncate])
def test_a_damaged_step_gives_way_to_the_one_before(straight, halfway, damage):
    damage(largest(halfway / "checkpoints" / "20" / "collections"))
    faulty.run(halfway)
    assert (halfway / "checkpoints" / "corrupt" / "20-0").is_dir()
    assert outcome(halfway) == straight


def test_where_every_step_is_damaged_the_run_does_not_begin_anew(halfway):
    for step in steps_in(halfway / "checkpoints"):
        flip(largest(halfway / "checkpoints" / str(step) / "collections"))
    curve = (halfway / METRICS).read_bytes()
    with pytest.raises(CheckpointError, match=r"no step in .* collections/ballast"):
        faulty.run(halfway)
    assert (halfway / METRICS).read_bytes() == curve


@contextlib.contextmanager
def no_file_beyond(size):
    """Writes beyond this size of a file fail, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_stops_the_run_which_goes_on_later(straight, halfway):
    with (
        no_file_beyond(1_000_000),
        pytest.raises(CheckpointError, match=r"step 27 was not saved .* saved is 20\."),
    ):
        faulty.run(halfway)
    faulty.run(halfway)
    assert outcome(halfway) == straight


FULL = """
mount -t tmpfs -o size=12m tmpfs "$1" || exit 77
"$2" -m tests.training.faulty "$1" 9; first=$?
mount -o remount,size=200m "$1"
"$2" -m tests.training.faulty "$1" 9 && cp -r "$1" "$3"
exit $first
"""


@pytest.mark.slow
def test_a_file_system_without_space(straight, tmp_path):
    """A real one of 12 MB: it takes three steps of 4 MB, and not the fourth."""
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    disk.mkdir()
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", FULL, "sh", disk, sys.executable, copy],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if "Operation not permitted" in done.stderr or done.returncode == 77:
        pytest.skip("no tmpfs may be mounted here")
    assert done.returncode == 1, done.stderr
    assert "was not saved" in done.stderr and "MB are free there" in done.stderr
    assert outcome(copy) == straight


def test_another_configuration_is_refused(halfway):
    other = faulty.CONFIG | {"rate": 0.02, "run": {"device": "gpu"}}
    with pytest.raises(RunFolderError, match=r"then -> now:\n  rate: 0.01 -> 0.02\nGo"):
        faulty.run(halfway, config=other)


class Poisoned(toy.Pairs):
    """One example is not finite."""

    def __init__(self, bad):
        super().__init__()
        self.x[np.flatnonzero((self.x == bad[None]).all(1))] = np.nan


def test_a_batch_that_is_not_finite_stops_the_run_before_it(straight, tmp_path):
    *_, bad = itertools.islice(batches(toy.Pairs(), 16, seed=3), 14)
    poisoned = Poisoned(bad["x"][5])
    with pytest.raises(NonFiniteError, match=r"batch\['x'\]") as told:
        faulty.run(tmp_path, source=poisoned)
    assert 1 < told.value.step <= 14
    assert steps_in(tmp_path / "checkpoints")[-1] == told.value.step - 1
    # With the data repaired.
    faulty.run(tmp_path)
    assert outcome(tmp_path) == straight
