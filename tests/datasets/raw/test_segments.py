"""Datasets that were cut into pieces before publication: DSADS, UCI-HAR, w-HAR."""

import numpy as np
import pytest

from anymo_jax.datasets import engine
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.raw.files import find_files
from anymo_jax.datasets.recording import FORCE, RATE
from tests.datasets.raw.layouts import DEGREE, G, motion, stream_of, to_text, write


def read(name, root):
    return list(DATASETS[name].read(root))


def dsads(root, parts=(1, 2, 3, 4), cut=lambda part: part - 1):
    """Parts of one activity of one person; `cut` says where each lies."""
    imus = [motion(60, 25, seed=i, size=1.0) for i in range(5)]
    for part in parts:
        rows = slice(125 * cut(part), 125 * cut(part) + 125)
        blocks = [np.hstack([imu[rows], np.full((125, 3), 0.5)]) for imu in imus]
        write(root / f"data/a07/p2/s{part:02d}.txt", to_text(np.hstack(blocks)))
    return imus


def test_dsads_joins_the_parts_of_one_recording(tmp_path):
    imus = dsads(tmp_path)
    (recording,) = read("dsads", tmp_path)
    assert recording.subject == "2"
    for i, site in enumerate(
        ("torso", "right arm", "left arm", "right leg", "left leg")
    ):
        force, rate = (stream_of(recording, site, kind) for kind in (FORCE, RATE))
        np.testing.assert_allclose(force.values, imus[i][:500, :3], atol=1e-5)
        np.testing.assert_allclose(rate.values, imus[i][:500, 3:], atol=1e-5)
    np.testing.assert_allclose(np.diff(force.time), 1 / 25)
    np.testing.assert_allclose(recording.spans.start, [0, 5, 10, 15])
    assert recording.spans.label.tolist() == [6] * 4
    assert "joined" in recording.notes[0]


def test_dsads_leaves_a_gap_where_a_part_is_missing(tmp_path):
    dsads(tmp_path, parts=(1, 2, 5))
    (recording,) = read("dsads", tmp_path)
    np.testing.assert_allclose(recording.spans.start, [0, 5, 20])
    assert np.diff(recording.streams[0].time).max() == pytest.approx(10 + 1 / 25)


def test_dsads_keeps_parts_apart_that_do_not_follow_each_other(tmp_path):
    dsads(tmp_path, cut=lambda part: {1: 9, 2: 2, 3: 7, 4: 0}[part])
    (recording,) = read("dsads", tmp_path)
    np.testing.assert_allclose(recording.spans.start, [0, 6, 12, 18])
    assert "kept apart" in recording.notes[0]


def test_dsads_names_the_file_that_is_cut_short(tmp_path):
    dsads(tmp_path)
    path = tmp_path / "data/a07/p2/s03.txt"
    whole = path.read_text()
    write(path, whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"s03\.txt: 6\d lines, expected 125"):
        read("dsads", tmp_path)
    write(path, whole.replace(",", ";", 1))
    with pytest.raises(ValueError, match=r"s03\.txt, line 1: 44 columns, expected 45"):
        read("dsads", tmp_path)


def test_dsads_windows_are_the_authors_segments(tmp_path):
    dsads(tmp_path)
    windows = engine.build(DATASETS["dsads"], read("dsads", tmp_path))
    assert len(windows) == 4
    assert set(np.diff(windows.offsets)) <= {298, 299, 300}


def uci_har(root, split="test", subjects=(2, 2, 2, 4, 4), breaks=(2,)):
    """Windows that overlap by half; before those of `breaks` something was cut out."""
    imu = motion(40, 50, seed=3)
    first = np.cumsum([0, *(128 + 40 if i in breaks else 64 for i in range(1, 5))])
    windows = np.stack([imu[f : f + 128] for f in first])
    folder = root / "UCI HAR Dataset" / split
    names = [f"{s}_{a}" for s in ("total_acc", "body_gyro") for a in "xyz"]
    for i, name in enumerate(names):
        scaled = windows[..., i] / (G if i < 3 else 1)
        text = (
            to_text(scaled, "  ", "%.7e").replace("e-0", "e-00").replace("e+0", "e+00")
        )
        write(folder / f"Inertial Signals/{name}_{split}.txt", " " + text)
    write(folder / f"y_{split}.txt", "1\n2\n6\n4\n5\n")
    write(folder / f"subject_{split}.txt", "".join(f"{s}\n" for s in subjects))
    return windows


def both_splits(root):
    uci_har(root, "train", subjects=(1, 1, 1, 3, 3))
    return uci_har(root)


def test_uci_har_joins_windows_that_continue_and_keeps_their_cut(tmp_path):
    windows = both_splits(tmp_path)
    recordings = [r for r in read("uci_har", tmp_path) if r.split == "test"]
    assert [len(r.spans.start) for r in recordings] == [2, 1, 2]
    assert [r.subject for r in recordings] == ["2", "2", "4"]
    first = recordings[0]
    force = stream_of(first, "waist", FORCE)
    assert len(force.time) == 192
    np.testing.assert_allclose(force.values[:128], windows[0, :, :3], rtol=1e-5)
    np.testing.assert_allclose(force.values[64:], windows[1, :, :3], rtol=1e-5)
    rate = stream_of(first, "waist", RATE).values
    np.testing.assert_allclose(rate[64:], windows[1, :, 3:], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(first.spans.start, [0, 1.28])
    np.testing.assert_allclose(first.spans.end, [2.56, 3.84])
    labels = np.concatenate([r.spans.label for r in recordings])
    np.testing.assert_array_equal(labels, [0, 1, 5, 3, 4])


def test_uci_har_has_the_windows_of_the_files(tmp_path):
    both_splits(tmp_path)
    windows = engine.build(DATASETS["uci_har"], read("uci_har", tmp_path))
    assert len(windows) == 10
    assert windows.card["splits"] == {"train": 5, "validation": 0, "test": 5}


def test_uci_har_needs_all_its_files_with_as_many_lines(tmp_path):
    both_splits(tmp_path)
    folder = tmp_path / "UCI HAR Dataset/train"
    (path,) = [f.chain[0] for f in find_files(folder, r"y_train\.txt")]
    write(path, "1\n2\n6\n4\n")
    with pytest.raises(ValueError, match=r"y_train\.txt: 4 lines for 5 windows"):
        read("uci_har", tmp_path)
    (folder / "Inertial Signals/body_gyro_y_train.txt").unlink()
    with pytest.raises(ValueError, match=r"no body_gyro_y_train\.txt"):
        read("uci_har", tmp_path)


W_HAR = "datasets/data_with_windows/motion_data_22_users_with_window.csv"


def w_har(root, gyro=1.0, words=("walk", "transition", "stairsUp")):
    """Two experiments of three windows each; the header has one name too few."""
    header = "Time (s),User,Scenerio,Trial,Window,Ax,Ay,Az,GyroX,GyroY,GyroZ\n"
    lines = []
    for trial in (1, 2):
        imu = motion(9, 250, seed=trial)
        numbers = np.empty((len(imu), 11))
        numbers[:, 0] = np.arange(len(imu)) * 0.004
        numbers[:, 1:4] = 101, 3, trial
        numbers[:, 4] = np.repeat([1, 2, 3], len(imu) // 3)
        numbers[:, 5:8] = imu[:, :3] / G
        numbers[:, 8:] = imu[:, 3:] * gyro
        word = np.repeat(words, len(imu) // 3)
        text = to_text(numbers).splitlines()
        lines += [f"{t},{w}" for t, w in zip(text, word, strict=True)]
    write(root / W_HAR, header + "\n".join(lines))


def test_w_har_reads_experiments_and_windows_of_one_file(tmp_path):
    w_har(tmp_path)
    one, two = read("w_har", tmp_path)
    assert one.subject == two.subject == "101"
    np.testing.assert_array_equal(one.spans.label, [0, -1, 5])
    np.testing.assert_allclose(one.spans.start, [0, 3, 6], atol=1e-6)
    np.testing.assert_allclose(one.spans.end, [3, 6, 9], atol=1e-6)
    imu = motion(9, 250, seed=2)
    force = stream_of(two, "right ankle", FORCE).values
    np.testing.assert_allclose(force, imu[:, :3], atol=1e-4)
    rate = stream_of(two, "right ankle", RATE).values
    np.testing.assert_allclose(rate, imu[:, 3:], atol=1e-4)
    assert any("taken for rad/s" in note for note in one.notes)


def test_w_har_keeps_windows_of_one_activity_apart(tmp_path):
    w_har(tmp_path, words=("walk", "walk", "sit"))
    one, _ = read("w_har", tmp_path)
    np.testing.assert_allclose(one.spans.start, [0, 3, 6], atol=1e-6)


def test_w_har_in_degrees_is_noticed(tmp_path):
    w_har(tmp_path, gyro=1 / DEGREE)
    one, _ = read("w_har", tmp_path)
    assert any("taken for deg/s" in note for note in one.notes)
    rate = stream_of(one, "right ankle", RATE).values
    np.testing.assert_allclose(rate, motion(9, 250, 1)[:, 3:], atol=1e-4)


def test_w_har_windows_are_the_authors(tmp_path):
    w_har(tmp_path)
    windows = engine.build(DATASETS["w_har"], read("w_har", tmp_path))
    np.testing.assert_array_equal(windows.label, [0, 5, 0, 5])
    assert windows.card["dropped"] == {"spans without a label": 2}


def test_w_har_tells_a_pointer_of_git_lfs_from_data(tmp_path):
    write(
        tmp_path / W_HAR,
        "version https://git-lfs.github.com/spec/v1\noid sha256:8943\nsize 257402881\n",
    )
    with pytest.raises(ValueError, match=r"_with_window\.csv: .*`git lfs pull`"):
        read("w_har", tmp_path)


def test_w_har_names_a_line_without_a_label_and_an_unknown_word(tmp_path):
    w_har(tmp_path, words=("walk", "", "sit"))
    with pytest.raises(ValueError, match="line 752: no label"):
        read("w_har", tmp_path)
    w_har(tmp_path, words=("walk", "swim", "sit"))
    with pytest.raises(ValueError, match="unknown label 'swim'"):
        read("w_har", tmp_path)
