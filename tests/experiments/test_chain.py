"""The stages in a row, on toys: what is skipped, resumed, redone, and told."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from experiments.chain.follow import StageFaultError, follow
from experiments.chain.process import ChildFaultError, only_one, run
from experiments.chain.record import RECORD, Record


class Toy:
    """A stage that joins its value and what it reads; "half" is what a stop leaves."""

    def __init__(self, home, name, value, reads=()):
        self.name, self.folder, self.reads = name, home / name, reads
        self.value, self.home = value, home

    def begun(self):
        return (self.folder / "value").exists()

    def changes(self):
        old = (self.folder / "value").read_text() if self.begun() else self.value
        return [f"value: {old} -> {self.value}"] if old != self.value else []

    def made(self):
        file = self.folder / "made"
        return file.read_text() if file.exists() else None

    def command(self):
        return ["toy", self.name]

    def headline(self):
        return f"makes {self.made()}"

    def begin(self):
        self.folder.mkdir(exist_ok=True)
        (self.folder / "value").write_text(self.value)

    def end(self):
        # As of numbers: what "7" and "07" make is the same.
        read = [(self.home / name / "made").read_text() for name in self.reads]
        (self.folder / "made").write_text("+".join([*read, str(int(self.value))]))


class Chain:
    """Three toys in a directory, run as often as one likes."""

    def __init__(self, home):
        self.home, self.values = home, {"one": "1", "two": "2", "three": "3"}
        self.stops: dict[str, Exception] = {}
        self.ran, self.said = [], []

    def toys(self):
        reads = {"one": (), "two": ("one",), "three": ("one", "two")}
        return [Toy(self.home, n, v, reads[n]) for n, v in self.values.items()]

    def __call__(self):
        self.ran.clear()
        self.said.clear()
        toys = {toy.name: toy for toy in self.toys()}

        def run_toy(command):
            toy = toys[command[1]]
            self.ran.append(toy.name)
            toy.begin()
            if toy.name in self.stops:
                raise self.stops[toy.name]
            toy.end()

        record = Record(self.home)
        outcomes = follow(list(toys.values()), record, run_toy, self.said.append)
        return {outcome.name: outcome.what for outcome in outcomes}

    def entry(self, name):
        return json.loads((self.home / RECORD).read_text())["stages"][name]


@pytest.fixture
def chain(tmp_path):
    return Chain(tmp_path)


def test_stages_are_done_in_turn_and_then_skipped(chain):
    assert chain() == dict.fromkeys(("one", "two", "three"), "done")
    assert chain.ran == ["one", "two", "three"]
    assert chain.said[0] == "[1/3] one: python -m toy one"
    line = chain.said[-1].split()
    assert line == ["[3/3]", "three", "done", "0", "s", "makes", "1+1+2+3"]
    assert chain() == dict.fromkeys(("one", "two", "three"), "skipped")
    assert not chain.ran and len(chain.said) == 3
    entry = chain.entry("three")
    assert entry["reads"] == {"one": "1", "two": "1+2"}
    assert (entry["state"], entry["made"]) == ("done", "1+1+2+3")


def test_a_fault_names_its_stage_and_the_next_call_goes_on_there(chain):
    chain.stops = {"two": ChildFaultError("it ended with code 3")}
    with pytest.raises(StageFaultError, match="stage two: it ended with code 3"):
        chain()
    assert chain.entry("two")["state"] == "unfinished"
    chain.stops = {}
    assert chain() == {"one": "skipped", "two": "resumed", "three": "done"}
    assert not (chain.home / "set_aside").exists()


def test_another_recipe_sets_the_old_run_aside_and_what_stands_on_it(chain):
    chain()
    chain.values["one"] = "5"
    assert chain() == dict.fromkeys(("one", "two", "three"), "redone")
    told = "value: 1 -> 5: the old run is now"
    assert told in chain.said[0] and "one is another one" in "".join(chain.said)
    assert (chain.home / "set_aside/one-1/made").read_text() == "1"
    assert (chain.home / "set_aside/three-1/made").read_text() == "1+1+2+3"
    assert (chain.home / "three/made").read_text() == "5+5+2+3"
    chain.values["two"] = "6"
    assert chain() == {"one": "skipped", "two": "redone", "three": "redone"}
    assert (chain.home / "set_aside/two-2/made").read_text() == "5+2"
    aside = [pathlib.Path(place).name for place in chain.entry("two")["set_aside"]]
    assert aside == ["two-1", "two-2"]


def test_the_same_content_from_a_stage_redone_leaves_later_ones(chain):
    chain()
    chain.values["one"] = "01"
    assert chain() == {"one": "redone", "two": "skipped", "three": "skipped"}


def test_a_stage_half_done_from_content_that_changed_is_redone(chain):
    chain.stops = {"two": ChildFaultError("stopped")}
    with pytest.raises(StageFaultError):
        chain()
    chain.stops, chain.values["one"] = {}, "4"
    assert chain() == {"one": "redone", "two": "redone", "three": "done"}


def test_a_damaged_stage_is_gone_on_with_and_later_ones_stand(chain):
    chain()
    (chain.home / "two/made").unlink()
    assert chain() == {"one": "skipped", "two": "resumed", "three": "skipped"}


def test_a_run_without_a_record_is_left_to_its_own_command(chain):
    chain()
    (chain.home / RECORD).unlink()
    assert chain() == dict.fromkeys(("one", "two", "three"), "resumed")
    assert not (chain.home / "set_aside").exists()


def test_a_stage_that_ends_well_and_leaves_nothing_is_a_fault(chain, monkeypatch):
    monkeypatch.setattr(Toy, "end", lambda self: None)
    with pytest.raises(StageFaultError, match=r"stage one: .*not whole and intact"):
        chain()
    assert chain.entry("one")["state"] == "unfinished"


def test_a_damaged_record_is_refused_with_the_remedy(tmp_path):
    (tmp_path / RECORD).write_text("{")
    with pytest.raises(ValueError, match=r"pipeline\.json cannot be read.*remove it"):
        Record(tmp_path)


def test_a_record_tells_of_code_and_machine(tmp_path):
    Record(tmp_path).begin({"variant": "tiny"}, "python -m experiments.pipeline")
    told = json.loads((tmp_path / RECORD).read_text())
    assert told["config"] == {"variant": "tiny"}
    assert told["machine"]["cores"] >= 1 and "jax" in told["origin"]
    assert told["command"] == "python -m experiments.pipeline"


def test_a_child_runs_a_module_and_its_fault_is_told(tmp_path, capfd):
    (tmp_path / "told.json").write_text('{"a": 1}')
    run(["json.tool", "--compact", str(tmp_path / "told.json")])
    assert capfd.readouterr().out == '{"a":1}\n'
    with pytest.raises(ChildFaultError, match=r"it ended with code \d; what was wrong"):
        run(["json.tool", str(tmp_path / "absent.json")])


def test_one_pipeline_at_a_time(tmp_path):
    with (
        only_one(tmp_path),
        pytest.raises(ValueError, match=r"another pipeline is at work in .*--workdir"),
        only_one(tmp_path),
    ):
        pass
    with only_one(tmp_path):
        pass


@pytest.fixture
def parent(tmp_path):
    """A process that waits for a child, and the child's process number."""
    told = tmp_path / "child"
    code = (
        "from experiments.chain.process import run\n"
        f"run(['tests.experiments.sleeper', {str(told)!r}])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    _wait_for(told.exists)
    yield process, int(told.read_text())
    process.kill()
    process.wait()
    process.stderr.close()


def _wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def _gone(number):
    """Whether a process ended; one that nobody has waited for counts as ended."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return True
    status = pathlib.Path(f"/proc/{number}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_sigterm_is_handed_on_and_leaves_with_143(parent):
    process, child = parent
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    _wait_for(lambda: _gone(child))


def test_an_interrupt_ends_the_child_as_well(parent):
    process, child = parent
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == -signal.SIGINT
    _wait_for(lambda: _gone(child))


def test_a_child_does_not_outlive_a_killed_parent(parent):
    process, child = parent
    process.kill()
    process.wait(timeout=60)
    _wait_for(lambda: _gone(child))
