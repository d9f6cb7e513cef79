"""A run that stops carries on; what it leaves out is counted; nothing half is left."""

import dataclasses

import numpy as np
import pytest

from anymo_jax.datasets import engine
from anymo_jax.datasets.engine import build, prepare
from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.datasets.part import WindowOptions
from anymo_jax.datasets.recording import Spans
from tests.datasets import signals

SEEDS = range(7)


class StoppedError(Exception):
    """The power went."""


def source(fail_at=None, seen=None):
    def read(raw):
        del raw
        for seed in SEEDS:
            if seed == fail_at:
                raise StoppedError
            if seen is not None:
                seen.append(seed)
            yield signals.recording(20.0, seed=seed, subject=f"p{seed % 3}")

    return signals.facts(read=read)


@pytest.fixture
def raw(tmp_path):
    path = tmp_path / "raw.bin"
    path.write_bytes(b"raw")
    return path


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(engine, "PART_RECORDINGS", 2)


def test_a_stopped_run_carries_on_and_is_as_if_it_had_not(raw, tmp_path):
    out = tmp_path / "made.safetensors"
    with pytest.raises(StoppedError):
        prepare(source(fail_at=5), raw, out)
    assert not out.exists()
    assert len(list((tmp_path / "made.safetensors.parts").glob("part-*"))) == 2
    told = []
    prepare(source(), raw, out, progress=told.append)
    assert told[0].resumed and told[0].recordings == 4
    assert [p.recordings for p in told[1:]] == [6, 7]
    whole = tmp_path / "whole.safetensors"
    prepare(source(), raw, whole)
    assert whole.read_bytes() == out.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "made.safetensors",
        "raw.bin",
        "whole.safetensors",
    ]


def test_parts_join_to_what_one_part_is(raw, tmp_path, monkeypatch):
    parts = prepare(source(), raw, tmp_path / "parts")
    monkeypatch.setattr(engine, "PART_RECORDINGS", 100)
    one = prepare(source(), raw, tmp_path / "one")
    for field in dataclasses.fields(one):
        mine, theirs = getattr(one, field.name), getattr(parts, field.name)
        if isinstance(mine, np.ndarray):
            np.testing.assert_allclose(mine, theirs, atol=1e-5)
        elif field.name != "card":
            assert mine == theirs, field.name
    assert one.subjects == ("p0", "p1", "p2")
    assert one.card["classes"] == parts.card["classes"] == {"sit": 14, "walk": 14}


def test_parts_of_another_run_are_refused(raw, tmp_path):
    out = tmp_path / "made"
    with pytest.raises(StoppedError):
        prepare(source(fail_at=3), raw, out)
    with pytest.raises(ValueError, match="begun with other options"):
        prepare(source(), raw, out, WindowOptions(gap_s=0.5))
    with pytest.raises(ValueError, match="begun with other settings"):
        prepare(source(), raw, out, settings={"columns": "time=t"})
    raw.write_bytes(b"other")
    with pytest.raises(ValueError, match="begun with other files"):
        prepare(source(), raw, out)


def test_nothing_is_written_where_units_are_wrong(raw, tmp_path):
    def read(path):
        del path
        wrong = signals.worn(30.0, 50.0) / ([9.81] * 3 + [1.0] * 3)
        yield signals.recording(30.0, signal=wrong)

    out = tmp_path / "made"
    facts = signals.facts(read=read)
    with pytest.raises(ValueError, match="looks like g"):
        prepare(facts, raw, out)
    assert not out.exists()
    # What was read need not be read again to be rescaled.
    told = []
    windows = prepare(facts, raw, out, units="auto", progress=told.append)
    assert told[0].resumed
    assert windows.card["rescaled"]
    assert LabelledWindows.load(out).card == windows.card


def test_what_is_dropped_is_counted():
    made = signals.recording(60.0)
    gone = made.streams[0].values.copy()
    gone[500:750] = np.nan
    streams = tuple(
        dataclasses.replace(s, values=np.where(np.isnan(gone), np.nan, s.values))
        for s in made.streams
    )
    spans = Spans(
        np.array([0.0, 30.0, 45.0]), np.array([30.0, 45.0, 45.4]), np.array([0, -1, 1])
    )
    made = dataclasses.replace(made, streams=streams, spans=spans, notes=("a note",))
    windows = build(signals.facts(), [made])
    assert windows.card["dropped"] == {
        "spans without a label": 1,
        "spans shorter than 1 s": 1,
        "windows without any sample": 1,
    }
    assert windows.card["notes"] == {"a note": 1}
    assert len(windows) == 5
    assert windows.card["windows"] == 5


def test_a_window_with_too_much_missing_is_dropped():
    made = signals.recording(60.0)
    streams = []
    for stream in made.streams:
        values = stream.values.copy()
        # Of the first window 1.5 s are missing, of the second 0.8 s.
        values[50:125] = values[300:340] = np.nan
        streams.append(dataclasses.replace(stream, values=values))
    made = dataclasses.replace(made, streams=tuple(streams))
    windows = build(signals.facts(), [made])
    np.testing.assert_allclose(windows.start, np.arange(1, 12) * 5.0)
    said = "windows with over 20% missing in all sensors"
    assert windows.card["dropped"] == {said: 1}
    kept = build(signals.facts(), [made], WindowOptions(most_missing=0.5))
    assert len(kept) == 12


def test_a_sensor_that_is_never_there_has_no_column():
    facts = signals.facts(nodes={"left wrist": 13, "waist": 1})
    windows = build(facts, [signals.recording()])
    assert windows.sites == ("left wrist",)
    assert windows.signal.shape[1] == 1


def test_no_window_and_no_recording_are_errors():
    never = Spans(np.array([0.0]), np.array([20.0]), np.array([-1]))
    with pytest.raises(
        ValueError, match=r"no window was kept.*1 spans without a label"
    ):
        build(signals.facts(), [signals.recording(spans=never)])
    with pytest.raises(ValueError, match="no recording was found"):
        build(signals.facts(), [])


def test_a_broken_part_is_named(raw, tmp_path):
    out = tmp_path / "made"
    with pytest.raises(StoppedError):
        prepare(source(fail_at=5), raw, out)
    part = sorted((tmp_path / "made.parts").glob("part-*"))[1]
    part.write_bytes(part.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"part-00001.safetensors: not a readable"):
        prepare(source(), raw, out)
