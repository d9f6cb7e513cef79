"""The window source: what it serves, in which order, to whom."""

import concurrent.futures
import dataclasses
import json
import pickle

import grain
import numpy as np
import pytest

from anymo_jax.motion import prepared
from anymo_jax.motion.windows import MotionWindows

COUNT = 12
WALK, LEFT = "a person walks", "waves the left hand"


def clip(length, texts, split="train", seed=0, **facts):
    rng = np.random.default_rng(seed)
    quaternion = rng.normal(size=(length, 23, 4)).astype(np.float32)
    return prepared.Clip(
        position=rng.normal(size=(length, 23, 3)).astype(np.float32),
        quaternion=quaternion / np.linalg.norm(quaternion, axis=-1, keepdims=True),
        placement_offset=rng.normal(size=(COUNT, 3)),
        split=split,
        texts=texts,
        label="",
        subject="",
        source="",
        facts=facts,
    )


def write(folder, shards, frames_seed=0):
    """A prepared folder of some shards of clips."""
    folder.mkdir()
    rng = np.random.default_rng(frames_seed)
    tables = {
        "segment": np.sort(np.arange(COUNT) % 5).astype(np.int32),
        "frame": rng.normal(size=(COUNT, 3, 3)).astype(np.float32),
    }
    prepared.write_tensors(folder / prepared.PLACEMENTS, tables)
    entries = [
        prepared.write_shard(folder / f"shard-{i}.safetensors", clips)
        for i, clips in enumerate(shards)
    ]
    manifest = {"format": prepared.FORMAT, "shards": entries}
    (folder / prepared.MANIFEST).write_text(json.dumps(manifest))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    home = tmp_path_factory.mktemp("windows")
    first = [
        [clip(700, (WALK, "slowly"), seed=1), clip(50, (WALK,), seed=2)],
        [clip(304, (LEFT,), seed=3), clip(400, (WALK,), "validation", seed=4)],
    ]
    second = [
        [clip(204, (WALK,), seed=5), clip(64, (), seed=6), clip(80, (), seed=7)],
    ]
    return write(home / "first", first), write(home / "second", second)


@pytest.fixture(scope="module")
def windows(folders):
    return MotionWindows(folders, split="train")


def test_windows_of_all_folders_follow_each_other(windows):
    assert len(windows) == 3 + 1 + 1 + 1 + 1
    assert windows.lengths.tolist() == [300, 300, 96, 300, 200, 60, 76]
    assert windows.clips.tolist()[:3] == [windows.clips[0]] * 3
    assert len(set(windows.clips.tolist())) == 5
    assert [int(w["window"]) for w in windows] == list(range(7))


def test_the_first_window_of_each_clip_is_known(windows):
    assert windows.first_windows.tolist() == [0, 3, 4, 5, 6]


def test_a_window_is_its_frames_with_context(windows):
    expected = clip(700, (), seed=1)
    for index, start in ((0, 0), (1, 300), (2, 600)):
        window = windows[index]
        rows = slice(start, start + int(window["length"]) + 4)
        count = rows.stop - rows.start
        for name in ("position", "quaternion"):
            track = getattr(expected, name)[rows]
            assert window[name].shape == (304, *track.shape[1:])
            assert window[name].dtype == np.float32
            np.testing.assert_array_equal(window[name][:count], track)
            repeated = np.broadcast_to(track[-1], window[name][count:].shape)
            np.testing.assert_array_equal(window[name][count:], repeated)
        offset = expected.placement_offset.astype(np.float16)
        np.testing.assert_array_equal(window["offset"], offset)
        assert window["offset"].dtype == np.float16
    assert {n: (a.dtype.name, a.shape) for n, a in window.items()} == {
        "position": ("float32", (304, 23, 3)),
        "quaternion": ("float32", (304, 23, 4)),
        "offset": ("float16", (COUNT, 3)),
        "length": ("int32", ()),
        "window": ("int32", ()),
        "text": ("int32", ()),
        "tempo": ("float32", (2,)),
    }
    assert windows[-1]["window"] == 6
    with pytest.raises(IndexError):
        windows[7]


def test_equal_texts_have_equal_ids_everywhere(folders, windows):
    names = [windows.texts[w["text"]] for w in windows]
    assert names == [WALK, WALK, WALK, LEFT, WALK, "", ""]
    # Clips of which nothing is said are not said to be alike.
    assert windows[5]["text"] != windows[6]["text"]
    turned = MotionWindows(folders[::-1], split="validation")
    assert turned[0]["text"] == windows[0]["text"]
    assert windows.texts == (WALK, LEFT, "", "")


def test_the_tempo_is_what_all_texts_of_the_clip_allow(windows):
    np.testing.assert_allclose(windows[0]["tempo"], (0.8, 1.0))
    np.testing.assert_allclose(windows[3]["tempo"], (0.8, 1.25))


def test_splits_do_not_meet(folders):
    held_out = MotionWindows(folders, split="validation")
    assert held_out.lengths.tolist() == [300, 96]
    with pytest.raises(ValueError, match=r"no window of split 'test'.*'validation'"):
        MotionWindows(folders, split="test")
    with pytest.raises(ValueError, match=r"no window of split 'validation'.*second"):
        MotionWindows(folders[1], split="validation")
    with pytest.raises(ValueError, match="at least one"):
        MotionWindows([], split="train")


def test_folders_of_different_bodies_do_not_mix(folders, tmp_path):
    other = write(tmp_path / "other", [[clip(300, (WALK,))]], frames_seed=1)
    with pytest.raises(ValueError, match=r"other: placements' frame differs"):
        MotionWindows([folders[0], other], split="train")


def test_threads_and_processes_read_the_same(windows):
    copy = pickle.loads(pickle.dumps(windows))
    assert repr(copy) == repr(windows)
    order = list(range(7)) * 20
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        read = list(pool.map(copy.__getitem__, order))
    for index, window in zip(order, read, strict=True):
        for name, array in windows[index].items():
            np.testing.assert_array_equal(window[name], array)


def test_grain_streams_it(windows):
    data = grain.MapDataset.source(windows).shuffle(seed=0).repeat().batch(3)
    batches = [data[i] for i in range(7)]
    seen = np.concatenate([b["window"] for b in batches])
    np.testing.assert_array_equal(np.bincount(seen), 3)
    row = batches[2]
    expected = windows[int(row["window"][1])]
    for name, array in expected.items():
        np.testing.assert_array_equal(row[name][1], array)


def test_prepared_windows_agree(folders, windows):
    data = prepared.PreparedMotion(folders[0])
    by_clip = data.window(2, margin=2)
    arrays = data.window_arrays(2, margin=2)
    np.testing.assert_array_equal(by_clip.position, arrays["position"])
    assert by_clip.texts == tuple(data.window_told(2)["texts"])
    assert dataclasses.asdict(pickle.loads(pickle.dumps(data))[0]).keys()
    with pytest.raises(ValueError, match="margin=3"):
        data.window_arrays(0, margin=3)
