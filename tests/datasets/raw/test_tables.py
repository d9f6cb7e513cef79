"""Datasets that are tables: Opportunity, PAMAP2, OpenPack, TNDA-HAR, MMEA."""

import numpy as np
import pytest

from anymo_jax.datasets import engine
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.recording import FORCE, RATE
from tests.datasets.raw.layouts import (
    DEGREE,
    G,
    motion,
    stream_of,
    to_text,
    write,
    zipped,
)


def read(name, root):
    return list(DATASETS[name].read(root))


def opportunity(seconds=40, seed=0):
    """(T, 250) as in the files: five of the IMUs, in milli-g and milli-rad/s."""
    rows = round(seconds * 30)
    table = np.full((rows, 250), 7.0)
    table[:, 0] = np.round(np.arange(rows) * 1000 / 30)
    for i, first in enumerate((37, 50, 63, 76, 89)):
        imu = motion(seconds, 30, seed=10 * seed + i)
        table[:, first : first + 3] = imu[:, :3] / G * 1000
        table[:, first + 3 : first + 6] = imu[:, 3:] * 1000
    table[:, 243:] = 0
    table[:, 243] = np.repeat([0, 1, 2, 5], rows // 4)
    return table


def test_opportunity_reads_five_imus_and_settles_the_gyroscopes_unit(tmp_path):
    table = opportunity()
    table[100:110, 37:43] = np.nan
    path = "OpportunityUCIDataset/dataset/S2-ADL4.dat"
    write(tmp_path / path, to_text(table, " ", "%g"))
    (recording,) = read("opportunity", tmp_path)
    assert (recording.subject, recording.split) == ("S2", "test")
    back = stream_of(recording, "back", FORCE)
    imu = motion(40, 30, seed=0)
    np.testing.assert_allclose(back.values[:100], imu[:100, :3], rtol=1e-3, atol=1e-3)
    assert np.isnan(back.values[100:110]).all()
    left = stream_of(recording, "left lower arm", RATE)
    np.testing.assert_allclose(left.values, motion(40, 30, 4)[:, 3:], atol=1e-4)
    np.testing.assert_array_equal(recording.spans.label, [-1, 0, 1, 3])
    spans = recording.spans
    np.testing.assert_allclose(spans.start, [0, 10, 20, 30], atol=1e-3)
    np.testing.assert_array_equal(spans.end[:-1], spans.start[1:])
    assert any("taken for mrad/s" in note for note in recording.notes)


@pytest.mark.parametrize(("unit", "scale"), [("deg/s", 1 / DEGREE), ("rad/s", 1)])
def test_opportunity_in_another_gyroscope_unit_is_noticed(tmp_path, unit, scale):
    table = opportunity()
    for first in (37, 50, 63, 76, 89):
        table[:, first + 3 : first + 6] *= scale / 1000
    write(tmp_path / "S1-Drill.dat", to_text(table, " ", "%g"))
    (recording,) = read("opportunity", tmp_path)
    assert any(f"taken for {unit}" in note for note in recording.notes)
    rate = stream_of(recording, "back", RATE).values
    np.testing.assert_allclose(rate, motion(40, 30)[:, 3:], atol=1e-3)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("S1-ADL5", "train"),
        ("S2-ADL3", "train"),
        ("S3-ADL5", "test"),
        ("S3-Drill", "train"),
        ("S4-ADL4", ""),
    ],
)
def test_opportunity_has_the_challenges_split(tmp_path, name, split):
    write(tmp_path / f"{name}.dat", to_text(opportunity(4), " ", "%g"))
    assert read("opportunity", tmp_path)[0].split == split


def pamap2(seconds=60, codes=(0, 4, 24)):
    """(T, 54) as in the files, with the second accelerometer clipped."""
    rows = round(seconds * 100)
    table = np.full((rows, 54), 33.0)
    table[:, 0] = 8.38 + np.arange(rows) / 100
    table[:, 1] = np.repeat(codes, rows // len(codes))
    table[:, 2] = np.nan
    for i, first in enumerate((3, 20, 37)):
        imu = motion(seconds, 100, seed=i)
        table[:, first + 1 : first + 4] = imu[:, :3]
        table[:, first + 4 : first + 7] = np.clip(imu[:, :3], -6, 6)
        table[:, first + 7 : first + 10] = imu[:, 3:]
        table[:, first + 13 : first + 17] = [1, 0, 0, 0]
    return table


def test_pamap2_reads_the_first_accelerometer_and_knows_chest_from_ankle(tmp_path):
    table = pamap2()
    table[50:60, 3:20] = np.nan
    # Optional recordings have the same names in another folder.
    write(tmp_path / "PAMAP2_Dataset/Optional/subject108.dat", "1 2 3\n")
    write(
        tmp_path / "PAMAP2_Dataset/Protocol/subject108.dat", to_text(table, " ", "%.5g")
    )
    (recording,) = read("pamap2", tmp_path)
    assert recording.subject == "108"
    for i, site in enumerate(("dominant wrist", "chest", "dominant ankle")):
        imu = motion(60, 100, seed=i)
        force = stream_of(recording, site, FORCE)
        rate = stream_of(recording, site, RATE)
        np.testing.assert_allclose(
            force.values[60:], imu[60:, :3], rtol=1e-3, atol=1e-3
        )
        np.testing.assert_allclose(rate.values[60:], imu[60:, 3:], rtol=1e-3, atol=1e-3)
    assert np.isnan(stream_of(recording, "dominant wrist", RATE).values[50:60]).all()
    np.testing.assert_array_equal(recording.spans.label, [-1, 3, 11])


def test_pamap2_reads_the_download_as_it_is(tmp_path):
    text = to_text(pamap2(6), " ", "%.5g")
    inner = zipped({"PAMAP2_Dataset/Protocol/subject101.dat": text})
    write(tmp_path / "pamap2.zip", zipped({"PAMAP2_Dataset.zip": inner, "a.pdf": "x"}))
    (recording,) = read("pamap2", tmp_path / "pamap2.zip")
    assert recording.source.endswith(
        "PAMAP2_Dataset.zip/PAMAP2_Dataset/Protocol/subject101.dat"
    )


def test_a_label_that_no_one_knows_is_refused(tmp_path):
    text = to_text(pamap2(6, codes=(4, 23)), " ", "%.5g")
    write(tmp_path / "Protocol/subject101.dat", text)
    with pytest.raises(ValueError, match=r"subject101.*unknown label 23; known are 1,"):
        read("pamap2", tmp_path)


def test_stamps_that_repeat_or_go_back_are_mended_and_told(tmp_path):
    table = pamap2(6)
    table[100], table[101] = table[101].copy(), table[100].copy()
    table[200, 0] = table[199, 0]
    write(tmp_path / "Protocol/subject101.dat", to_text(table, " ", "%.5f"))
    (recording,) = read("pamap2", tmp_path)
    time = recording.streams[0].time
    assert len(time) == 599 and (np.diff(time) > 0).all()
    values = recording.streams[0].values
    imu = motion(6, 100)[:, :3]
    np.testing.assert_allclose(values[95:105], imu[95:105], atol=1e-3)
    assert any("go back" in n for n in recording.notes)
    assert any("repeated" in n for n in recording.notes)


def openpack(seconds=30, codes=(100, 8100, 1000)):
    rows = round(seconds * 30)
    names = ["unixtime", "operation"]
    stamps = 1634883600000 + np.round(np.arange(rows) * 1000 / 30)
    columns = [stamps, np.repeat(codes, rows // len(codes))]
    for i in range(4):
        imu = motion(seconds, 30, seed=i)
        for kind, block in (
            ("acc", imu[:, :3] / G),
            ("gyro", imu[:, 3:] / DEGREE),
            ("quat", np.zeros((rows, 4))),
        ):
            for axis, column in zip("xyzw", block.T, strict=False):
                names.append(f"atr0{i + 1}/{kind}_{axis}")
                columns.append(column)
    return ",".join(names) + "\n" + to_text(np.stack(columns, 1))


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("U0102-S0300", "test"),
        ("U0205-S0300", "validation"),
        ("U0102-S0100", "train"),
        ("U0104-S0100", ""),
    ],
)
def test_openpack_has_the_challenges_split(tmp_path, name, split):
    write(tmp_path / f"imuWithOperationLabel/{name}.csv", openpack())
    (recording,) = read("openpack", tmp_path)
    assert recording.split == split
    assert recording.subject == name[:5]


def test_openpack_reads_by_name_in_si_units_and_flags_the_known_fault(tmp_path):
    write(tmp_path / "U0101-S0500.csv", openpack())
    (recording,) = read("openpack", tmp_path)
    imu = motion(30, 30, seed=2)
    force = stream_of(recording, "right upper arm", FORCE).values
    np.testing.assert_allclose(force, imu[:, :3], atol=1e-4)
    rate = stream_of(recording, "right upper arm", RATE).values
    np.testing.assert_allclose(rate, imu[:, 3:], atol=1e-4)
    np.testing.assert_array_equal(recording.spans.label, [0, -1, 9])
    assert any("issue 87" in note for note in recording.notes)


def test_openpack_keeps_operations_of_one_to_thirty_seconds(tmp_path):
    lengths = [0.5, 31, 12, 29, 2]
    codes = np.repeat([100, 200, 300, 400, 500], [round(30 * s) for s in lengths])
    header, _, rest = openpack(sum(lengths), (100,)).partition("\n")
    lines = [
        ",".join([line.split(",")[0], f"{code}", *line.split(",")[2:]])
        for line, code in zip(rest.splitlines(), codes, strict=True)
    ]
    write(tmp_path / "U0101-S0100.csv", "\n".join([header, *lines]))
    windows = engine.build(DATASETS["openpack"], read("openpack", tmp_path))
    np.testing.assert_array_equal(windows.label, [2, 3, 4])
    assert windows.card["dropped"] == {
        "spans shorter than 1 s": 1,
        "spans longer than 30 s": 1,
    }


def test_openpack_without_a_column_names_it(tmp_path):
    text = openpack().replace("atr03/gyro_y", "atr03/gyr_y")
    write(tmp_path / "U0101-S0100.csv", text)
    with pytest.raises(ValueError, match=r"S0100.csv: no column 'atr03/gyro_y'"):
        read("openpack", tmp_path)


def tnda(seconds=80, codes=(1, 3, 7, 8)):
    """(T, 46): activities of one subject, still ones still."""
    rows = round(seconds * 50)
    label = np.repeat(codes, rows // len(codes))
    table = np.full((rows, 46), 40.0)
    for i in range(5):
        still = motion(seconds, 50, seed=i, size=0.0)
        moving = motion(seconds, 50, seed=i)
        imu = np.where((label < 4)[:, None], still, moving)
        table[:, 9 * i : 9 * i + 6] = imu
    table[:, 45] = label
    return table


@pytest.mark.parametrize("header", [False, True])
def test_tnda_har_reads_with_and_without_a_header(tmp_path, header):
    names = ",".join(f"c{i}" for i in range(45)) + ",activity\n" if header else ""
    write(tmp_path / "Subject01.csv", names + to_text(tnda()))
    (recording,) = read("tnda_har", tmp_path)
    assert recording.subject == "01"
    assert len(recording.streams[0].time) == 4000
    np.testing.assert_array_equal(recording.spans.label, [0, 2, 6, 7])
    np.testing.assert_allclose(recording.spans.start, [0, 20, 40, 60])
    assert "ids of activities (in doubt): as expected" in recording.notes[0]
    wrist = stream_of(recording, "right wrist", RATE).values
    np.testing.assert_allclose(wrist, tnda()[:, 21:24], atol=1e-5)


def test_tnda_har_tells_when_still_activities_move(tmp_path):
    table = tnda()
    table[:, 45] = 9 - table[:, 45]
    write(tmp_path / "Subject01.csv", to_text(table))
    (recording,) = read("tnda_har", tmp_path)
    assert "NOT as expected" in recording.notes[0]


def mmea(root, lists=True):
    for folder, clip in (("1_upstairs", "a"), ("18_drop_trush", "b")):
        imu = motion(8, 25, seed=len(clip))
        counts = np.hstack([imu[:, :3] / G * 16384, imu[:, 3:] / DEGREE * 16.4])
        text = to_text(np.round(counts), form="%d")
        write(root / f"sensor/{folder}/{folder}_2022_{clip}.csv", text)
    if lists:
        path = "yourdataset_path/data/1_upstairs/1_upstairs_2022_a 201 200 0\n"
        write(root / "train.txt", path)
        write(root / "val.txt", "")
        path = "yourdataset_path/data/18_drop_trush/18_drop_trush_2022_b 200 200 17\n"
        write(root / "test.txt", path)


def test_mmea_reads_counts_of_files_without_a_header(tmp_path):
    mmea(tmp_path)
    up, drop = read("mmea", tmp_path)
    assert (up.split, drop.split) == ("train", "test")
    assert (up.spans.label[0], drop.spans.label[0]) == (0, 17)
    force = stream_of(up, "glasses", FORCE)
    assert len(force.time) == 200
    np.testing.assert_allclose(force.values, motion(8, 25, 1)[:, :3], atol=1e-3)
    rate = stream_of(up, "glasses", RATE).values
    np.testing.assert_allclose(rate, motion(8, 25, 1)[:, 3:], atol=1e-3)


def test_mmea_needs_its_lists_and_finds_a_label_that_contradicts_them(tmp_path):
    mmea(tmp_path, lists=False)
    with pytest.raises(ValueError, match="COMODO, folder dataset/UESTC-MMEA-CL"):
        read("mmea", tmp_path)
    mmea(tmp_path)
    line = "yourdataset_path/data/1_upstairs/1_upstairs_2022_a 201 200 3\n"
    write(tmp_path / "train.txt", line)
    with pytest.raises(ValueError, match="folder says class 0, the list 3"):
        read("mmea", tmp_path)


@pytest.mark.parametrize(
    ("name", "path", "text"),
    [
        ("opportunity", "S1-ADL1.dat", lambda: to_text(opportunity(), " ", "%g")),
        ("pamap2", "Protocol/subject101.dat", lambda: to_text(pamap2(), " ", "%.6f")),
        ("openpack", "U0101-S0100.csv", openpack),
        ("tnda_har", "Subject01.csv", lambda: to_text(tnda())),
    ],
)
def test_windows_of_a_whole_dataset_pass_all_checks(tmp_path, name, path, text):
    write(tmp_path / path, text())
    windows = engine.build(DATASETS[name], read(name, tmp_path))
    assert len(windows)
    assert windows.sites == tuple(DATASETS[name].nodes)
    assert not windows.card["rescaled"]
