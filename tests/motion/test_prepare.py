"""Preparation: what goes in comes out, windows, splits, resume, refusal, damage."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion import archive, prepared
from anymo_jax.motion.prepare import PrepareOptions, prepare_recording
from anymo_jax.motion.procedural import sample_clip
from anymo_jax.motion.recording import resample_motion
from anymo_jax.motion.sources import Unit, list_units, read_unit
from anymo_jax.simulation import dense_signals

OPTIONS = PrepareOptions()
SPLITS = archive.Splits(procedural_subjects=2)
UNITS = [
    Unit("procedural", ("standing:0", "walking_forward:1")),
    Unit("procedural", ("sitting:2",)),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("prepared")
    archive.prepare(out, UNITS, OPTIONS, SPLITS)
    return out


@given(st.integers(0, 2000))
def test_windows_cover_a_clip_once(length):
    table = prepared.window_table(length)
    covered = np.zeros(length, int)
    for start, count in table:
        assert 60 <= count <= 300
        assert start % 300 == prepared.MARGIN
        assert start >= prepared.MARGIN
        assert start + count <= length - prepared.MARGIN
        covered[start : start + count] += 1
    assert covered.max(initial=0) <= 1
    assert np.sum(covered == 0) < 60 + 2 * prepared.MARGIN


def test_clips_come_back_as_they_were(folder):
    data = prepared.PreparedMotion(folder, verify=True)
    assert len(data) == 3
    recording = sample_clip("walking_forward", seed=1)
    expected = resample_motion(recording.motion, 60.0)
    clip = data[1]
    shift = expected.position[0, 0] - clip.position[0, 0]
    assert shift[2] == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(
        clip.motion.position + shift, expected.position, atol=1e-4
    )
    np.testing.assert_allclose(clip.motion.rotation, expected.rotation, atol=1e-5)
    assert (clip.texts, clip.label) == (recording.texts, recording.label)
    assert clip.facts == dict(recording.facts)


def test_the_order_of_an_array_in_memory_does_not_matter(tmp_path):
    """Splines and solvers return arrays whose columns lie together."""
    rng = np.random.default_rng(0)
    turned = {
        name: np.asfortranarray(rng.normal(size=shape).astype(np.float32))
        for name, shape in (("position", (70, 23, 3)), ("quaternion", (70, 23, 4)))
    }
    told = dict(split="train", texts=(), label="", subject="", source="", facts={})
    clip = prepared.Clip(**turned, placement_offset=np.zeros((5, 3)), **told)
    path = tmp_path / "shard.safetensors"
    prepared.write_shard(path, [clip])
    with safe_open(path, "numpy") as shard:
        for name, array in turned.items():
            np.testing.assert_array_equal(shard.get_tensor(name), array)


def test_windows_are_parts_of_their_clips(folder):
    data = prepared.PreparedMotion(folder)
    assert len(data.windows) >= 3
    for index, (shard, clip, first, length) in enumerate(data.windows):
        window = data.window(index)
        assert len(window) == length
        whole = data[[0, 1, 2][clip] if shard == 0 else 2]
        np.testing.assert_array_equal(
            window.quaternion, whole.quaternion[first : first + length]
        )
        assert window.texts == whole.texts
        wider = data.window(index, margin=2)
        np.testing.assert_array_equal(
            wider.position, whole.position[first - 2 : first + length + 2]
        )
    with pytest.raises(ValueError, match=r"margin=3 must lie in 0 to 2"):
        data.window(0, margin=3)


def test_every_other_subject_is_held_out(folder):
    data = prepared.PreparedMotion(folder)
    assert [clip.split for clip in data] == ["train", "validation", "train"]
    assert data.window_split(0) == "train"


def test_a_prepared_clip_can_be_simulated_densely(folder):
    data = prepared.PreparedMotion(folder)
    clip = data[0]
    placements = data.placements(clip)
    assert placements.segment.shape[0] == clip.placement_offset.shape[0] > 2000
    signal = np.concatenate(list(dense_signals(clip.motion, placements)))
    # Standing still: gravity, with sway, breathing and a fidget now and then.
    force = np.linalg.norm(signal[..., :3], axis=-1)
    assert np.median(force) == pytest.approx(9.81, abs=0.1)
    assert np.quantile(np.abs(force - 9.81), 0.999) < 2


def test_offsets_follow_the_body(folder):
    """The recording's own size enters: a taller subject's sensors sit further out."""
    data = prepared.PreparedMotion(folder)
    sizes = []
    for clip in data:
        stature = float(clip.facts["stature"].split()[0])
        sizes.append((stature, np.linalg.norm(clip.placement_offset, axis=1).mean()))
    assert np.corrcoef(*zip(*sizes, strict=True))[0, 1] > 0.5


def test_mirror_images_double_the_clips(tmp_path):
    options = dataclasses.replace(OPTIONS, mirror=True)
    recording = sample_clip("walking_forward", seed=3)
    clips, losses = prepare_recording(recording, "train", options)
    assert len(clips) == 2
    assert not losses
    assert clips[1].source.endswith(":mirrored")
    right, left = XSENS.index("R_Hand"), XSENS.index("L_Hand")
    np.testing.assert_allclose(
        *(clips[1].position[:, right], clips[0].position[:, left] * [1, -1, 1]),
        atol=1e-6,
    )


def test_gaps_split_and_short_stretches_are_reported():
    recording = sample_clip("walking_forward", seed=3, duration_s=6.0)
    valid = recording.motion.valid
    valid[300:310] = False
    valid[380:390] = False
    clips, (loss,) = prepare_recording(recording, "train", OPTIONS)
    assert [len(clip) for clip in clips] == [150, 165]
    assert loss.reason == "gap or too short"
    assert "20 invalid frames" in loss.detail
    assert loss.seconds == pytest.approx(0.75, abs=0.05)


def test_long_recordings_become_parts_without_losing_a_window():
    recording = sample_clip("standing", seed=0, duration_s=640.0, rate_hz=60.0)
    clips, losses = prepare_recording(recording, "train", OPTIONS)
    assert not losses
    assert [len(clip) for clip in clips] == [18004, 18004, 2400]
    frames = sum(prepared.window_table(len(clip))[:, 1].sum() for clip in clips)
    assert frames == 38400 - 2 * prepared.MARGIN
    step = clips[1].position[0] - clips[0].position[18000]
    np.testing.assert_allclose(step - step[0], 0, atol=1e-5)


def test_what_is_broken_is_rejected_and_named():
    recording = sample_clip("standing", seed=0)
    broken = dataclasses.replace(
        recording.motion, position=np.array(recording.motion.position)
    )
    broken.position[50, 9] += 0.05
    bad = dataclasses.replace(recording, motion=broken)
    clips, (loss,) = prepare_recording(bad, "train", OPTIONS)
    assert not clips
    assert loss.reason == "unusable motion"
    assert "bones change their length" in loss.detail


def test_a_wrong_frame_rate_is_flagged_or_rejected():
    recording = sample_clip("walking_forward", seed=1)
    fast = dataclasses.replace(recording.motion, rate_hz=recording.motion.rate_hz * 2)
    wrong = dataclasses.replace(recording, motion=fast)
    clips, _ = prepare_recording(wrong, "train", OPTIONS)
    assert clips
    assert all("rate" in clip.facts["tempo_fault"] for clip in clips)
    rejecting = dataclasses.replace(OPTIONS, tempo="reject")
    assert prepare_recording(wrong, "train", rejecting)[0] == []
    assert (
        "tempo_fault" not in prepare_recording(recording, "train", OPTIONS)[0][0].facts
    )


def test_a_stopped_run_is_carried_on(folder, tmp_path):
    def stop(done, total, record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        archive.prepare(tmp_path, UNITS, OPTIONS, SPLITS, progress=stop)
    with pytest.raises(ValueError, match=r"manifest.json is missing"):
        prepared.PreparedMotion(tmp_path)
    first = tmp_path / "shard-00000-0.safetensors"
    written = first.stat().st_mtime_ns
    manifest = archive.prepare(tmp_path, UNITS, OPTIONS, SPLITS)
    assert first.stat().st_mtime_ns == written
    assert manifest == json.loads((folder / "manifest.json").read_text())
    assert not list(tmp_path.glob("*.tmp"))


def test_a_damaged_shard_is_named_and_made_again(tmp_path):
    archive.prepare(tmp_path, UNITS[1:], OPTIONS, SPLITS)
    (path,) = tmp_path.glob("shard-*")
    intact = path.read_bytes()
    path.write_bytes(intact[:-1] + bytes([intact[-1] ^ 1]))
    with pytest.raises(ValueError, match=rf"{path.name}: checksum differs"):
        prepared.PreparedMotion(tmp_path, verify=True)
    archive.prepare(tmp_path, UNITS[1:], OPTIONS, SPLITS)
    assert path.read_bytes() == intact
    path.write_bytes(intact[: len(intact) // 2])
    with pytest.raises(ValueError, match=rf"{path.name}: not a readable shard"):
        prepared.PreparedMotion(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match=rf"{path.name}: shard is missing"):
        prepared.PreparedMotion(tmp_path)


def test_another_plan_is_refused_with_its_fields(folder):
    options = dataclasses.replace(OPTIONS, cutoff_hz=5.0)
    with pytest.raises(ValueError, match=r"begun with other options;"):
        archive.prepare(folder, UNITS, options, SPLITS)
    with pytest.raises(ValueError, match=r"begun with other units;"):
        archive.prepare(folder, UNITS[:1], OPTIONS, SPLITS)


def test_another_format_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text('{"format": 0}')
    with pytest.raises(ValueError, match=r"format 0 where 1 is read"):
        prepared.PreparedMotion(tmp_path)


def test_unreadable_files_are_reported_and_nothing_is_no_folder(tmp_path):
    (tmp_path / "bad.bvh").write_text("HIERARCHY\nROOT\n")
    units = list_units(bvh=str(tmp_path))
    (failure,) = read_unit(units[0])
    assert "bad.bvh" in failure.error
    with pytest.raises(ValueError, match=r"no clip could be kept.*bad\.bvh"):
        archive.prepare(tmp_path / "out", units, OPTIONS, SPLITS)
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(ValueError, match=r"no \.bvh file in the folder"):
        list_units(bvh=str(tmp_path))
    with pytest.raises(ValueError, match=r"nowhere\.npz: no such file"):
        list_units(packs="nowhere.npz")
    with pytest.raises(ValueError, match=r"no activity 'levitating'"):
        list_units(procedural=1, activities="levitating")
    with pytest.raises(ValueError, match=r"nothing to prepare"):
        list_units()


def test_splits_files(tmp_path):
    path = tmp_path / "splits.json"
    path.write_text('{"validation": ["a", "b"]}')
    assert archive.read_splits(str(path)) == {"a", "b"}
    for text in ("[]", "{", '{"validation": [1]}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"not a splits file"):
            archive.read_splits(str(path))
    with pytest.raises(ValueError, match=r"no such file"):
        archive.read_splits("nowhere.json")


def test_the_command_line_prepares_and_reports(tmp_path):
    command = [
        *(sys.executable, "-m", "experiments.prepare", f"--out={tmp_path}"),
        *("--config.procedural=2", "--config.activities=standing,walking_forward"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "procedural" in done.stdout
    assert len(prepared.PreparedMotion(tmp_path, verify=True)) == 4
    wrong = subprocess.run(
        [*command, "--config.options.cutoff_hz=5"], capture_output=True, text=True
    )
    assert wrong.returncode == 1
    assert "begun with other options" in wrong.stderr


def test_every_activity_of_the_library_is_seen_in_training_and_some_held_out():
    units = list_units(procedural=4)
    items = [item.split(":") for unit in units for item in unit.items]
    held_out = [name for name, seed in items if int(seed) % 5 == 4]
    assert 0.15 < len(held_out) / len(items) < 0.25
    assert max(held_out.count(name) for name, _ in items) == 1
