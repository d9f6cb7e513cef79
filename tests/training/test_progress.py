"""Pace of a run on a clock that the test sets."""

import time

import pytest

from anymo_jax.training.progress import Stopwatch, Work, duration, progress_line


@pytest.fixture
def clock(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_pace_is_of_the_interval_without_what_is_excluded(clock):
    watch = Stopwatch(Work(examples=32, ideal_seconds=0.1), 10, waited=7.0)
    clock[0] += 4.0
    with watch.excluded():
        clock[0] += 50.0
    pace = watch.lap(20, waited=7.5)
    assert pace.seconds_per_step == pytest.approx(0.4)
    assert pace.examples_per_second == pytest.approx(80)
    assert pace.data_wait_share == pytest.approx(0.125)
    assert pace.mfu == pytest.approx(0.25)
    clock[0] += 1.0
    pace = watch.lap(21, waited=7.5)
    assert pace.seconds_per_step == pytest.approx(1.0)
    assert pace.data_wait_share == 0


def test_line_for_a_person(clock):
    watch = Stopwatch(Work(examples=32), 0, waited=0.0)
    clock[0] += 5.0
    pace = watch.lap(10, waited=0.05)
    assert "mfu" not in pace.figures()
    assert progress_line(10, 1000, 2.34567, pace) == (
        "step 10/1000  loss 2.3457  64 examples/s  data wait 1.0%  8 min left"
    )


def test_durations():
    assert duration(42.4) == "42 s"
    assert duration(420) == "7 min"
    assert duration(3 * 3600 + 20 * 60 + 5) == "3 h 20 min"
