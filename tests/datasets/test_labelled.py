"""The result: what is saved is what is read, and what a window is on the 23 nodes."""

import dataclasses

import numpy as np
import pytest
from safetensors.numpy import save_file

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.engine import build
from anymo_jax.datasets.labelled import LabelledWindows, node_window
from tests.datasets import signals

WRIST = XSENS.index("L_Forearm")


@pytest.fixture(scope="module")
def windows():
    recordings = [signals.recording(seed=seed) for seed in range(2)]
    recordings[1] = dataclasses.replace(recordings[1], subject="bob", split="train")
    return build(signals.facts(), recordings)


def test_what_is_saved_is_read(windows, tmp_path):
    path = tmp_path / "made.safetensors"
    windows.save(path)
    again = LabelledWindows.load(path)
    for field in dataclasses.fields(windows):
        mine, theirs = getattr(windows, field.name), getattr(again, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == theirs.dtype
            np.testing.assert_array_equal(mine, theirs)
        else:
            assert mine == theirs, field.name
    assert [p.name for p in tmp_path.iterdir()] == ["made.safetensors"]


def test_windows_know_their_person_split_and_place(windows):
    assert len(windows) == 24
    assert [windows.subjects[i] for i in windows.subject] == ["ann"] * 12 + ["bob"] * 12
    assert windows.splits[windows.split[0]] == "test"
    assert windows.splits[windows.split[-1]] == "train"
    assert [windows.classes[i] for i in windows.label[5:7]] == ["sit", "walk"]
    assert windows.own == ("sitting", "walking")
    np.testing.assert_allclose(windows.start[:12], np.arange(12) * 5.0)
    assert windows.sources[windows.recording[-1]] == "made-1"


def test_a_window_is_the_signal_at_its_time(windows):
    # Slow enough that 50 Hz and 60 Hz carry the same signal.
    raw = signals.worn(60.0, 50.0, seed=1)[:, :3]
    window = windows.window(14)
    assert window.shape == (300, 1, 6)
    time = windows.start[14] + np.arange(300) / 60
    for axis in range(3):
        wanted = np.interp(time, np.arange(3000) / 50, raw[:, axis])
        assert np.abs(window[:, 0, axis] - wanted).max() < 0.3
    np.testing.assert_array_equal(windows.window(-10), window)


def test_a_view_holds_the_sensor_at_its_node(windows):
    (view,) = windows.views(3)
    np.testing.assert_array_equal(view.signal[:, WRIST], windows.window(3)[:, 0])
    assert view.visible.sum() == 1 and view.visible[WRIST]
    assert view.channel_valid.sum() == 6
    assert view.length == 300
    others = np.delete(view.signal, WRIST, axis=1)
    assert not others.any()


def test_long_windows_are_cut_and_short_ones_padded():
    facts = signals.facts(
        protocol=dataclasses.replace(signals.facts().protocol, seconds=11)
    )
    windows = build(facts, [signals.recording(44.0)])
    parts = windows.views(0)
    # 660 samples: two whole parts and one of 60.
    assert [int(part.length) for part in parts] == [300, 300, 60]
    assert not parts[2].signal[60:].any()
    np.testing.assert_array_equal(
        parts[2].signal[:60, WRIST], windows.window(0)[600:, 0]
    )


def test_short_gaps_are_filled_and_long_ones_make_a_sensor_absent():
    signal = np.ones((100, 2, 6), np.float32)
    signal[:, :, 0] = np.arange(100)[:, None]
    signal[10:20, 0] = np.nan
    signal[:30, 1, 3:] = np.nan
    view = node_window(signal, np.array([3, 5]))
    np.testing.assert_allclose(view.signal[:100, 3, 0], np.arange(100))
    assert view.channel_valid[3].all()
    np.testing.assert_array_equal(view.channel_valid[5], [True] * 3 + [False] * 3)
    assert not view.signal[:, 5, 3:].any()
    assert np.isfinite(view.signal).all()


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda w: {"offsets": w.offsets[::-1].copy()}, "field offsets must rise"),
        (lambda w: {"offsets": w.offsets[:-1]}, "field offsets must rise"),
        (lambda w: {"label": w.label + 2}, "field label has values outside 0 to 1"),
        (lambda w: {"subject": w.subject - 2}, "field subject has values outside"),
        (lambda w: {"node": np.array([23])}, "field node must name segments"),
        (lambda w: {"sites": ("a", "b")}, "field sites must name every sensor"),
        (lambda w: {"texts": ("walks",)}, "field texts must match windows"),
    ],
)
def test_what_does_not_fit_together_is_refused(windows, change, said):
    with pytest.raises(ValueError, match=f"dataset made: {said}"):
        dataclasses.replace(windows, **change(windows))


def test_a_damaged_or_foreign_file_is_named(windows, tmp_path):
    path = tmp_path / "made.safetensors"
    windows.save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"made.safetensors: not a readable file"):
        LabelledWindows.load(path)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": np.zeros(3)}, foreign)
    with pytest.raises(ValueError, match=r"foreign.safetensors: not labelled windows"):
        LabelledWindows.load(foreign)
    with pytest.raises(ValueError, match="nothing: not a readable file"):
        LabelledWindows.load(tmp_path / "nothing")
