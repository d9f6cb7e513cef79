"""One file for each trial or sensor: USC-HAD, UTD-MHAD, WISDM, RealWorld."""

import io

import numpy as np
import pytest
import scipy.io

from anymo_jax.datasets import engine
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.recording import FORCE, RATE
from tests.datasets.raw.layouts import (
    DEGREE,
    G,
    motion,
    stream_of,
    write,
    zipped,
)


def read(name, root):
    return list(DATASETS[name].read(root))


def mat(**fields):
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, fields)
    return buffer.getvalue()


def in_g_and_degrees(imu):
    return imu / np.array([G, G, G, DEGREE, DEGREE, DEGREE])


def usc_had(root, subject, trial, imu, **fields):
    path = root / f"USC-HAD/Subject{subject}/{trial}.mat"
    write(path, mat(sensor_readings=in_g_and_degrees(imu), **fields))


def test_usc_had_reads_trials_in_natural_order_with_both_spellings(tmp_path):
    imu = motion(12, 100)
    usc_had(tmp_path, 2, "a11t1", imu, activity_number="11")
    usc_had(tmp_path, 13, "a6t5", imu, activity_numbr="6")
    usc_had(tmp_path, 2, "a2t1", imu, activity_number="2")
    recordings = read("usc_had", tmp_path)
    assert [r.subject for r in recordings] == ["2", "2", "13"]
    assert [int(r.spans.label[0]) for r in recordings] == [1, 10, 5]
    assert not any(r.notes for r in recordings)
    force = stream_of(recordings[0], "front right hip", FORCE)
    np.testing.assert_allclose(force.values, imu[:, :3], rtol=1e-5)
    rate = stream_of(recordings[0], "front right hip", RATE)
    np.testing.assert_allclose(rate.values, imu[:, 3:], rtol=1e-5, atol=1e-6)
    windows = engine.build(DATASETS["usc_had"], recordings)
    assert len(windows) == 6
    assert windows.card["dropped"] == {"remainders shorter than 5 s": 3}


@pytest.mark.parametrize("field", ["activity_number", "activity_numbr"])
def test_usc_had_tells_a_file_whose_field_contradicts_its_name(tmp_path, field):
    usc_had(tmp_path, 1, "a2t1", motion(12, 100), **{field: "3"})
    (recording,) = read("usc_had", tmp_path)
    assert recording.spans.label[0] == 1
    said = f"Subject1/a2t1.mat: field {field} says activity 3"
    assert recording.notes[0].startswith(said)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"MATLAB 5.0 MAT-file" + bytes(200), r"a1t1\.mat: no readable MATLAB file"),
        (mat(readings=np.zeros((9, 6))), r"a1t1\.mat: no field 'sensor_readings'"),
        (mat(sensor_readings=np.zeros((9, 5))), r"shape \(9, 5\), expected .*\(T, 6\)"),
    ],
)
def test_usc_had_names_a_file_that_is_not_what_it_should_be(tmp_path, data, message):
    write(tmp_path / "Subject1/a1t1.mat", data)
    with pytest.raises(ValueError, match=message):
        read("usc_had", tmp_path)


def test_utd_mhad_has_the_sensor_where_the_action_says(tmp_path):
    imu = motion(4, 50)
    members = {
        f"Inertial/a{a}_s{s}_t1_inertial.mat": mat(d_iner=in_g_and_degrees(imu))
        for a, s in ((21, 1), (22, 2), (3, 8))
    }
    write(tmp_path / "Inertial.zip", zipped(members))
    recordings = read("utd_mhad", tmp_path)
    assert [r.streams[0].site for r in recordings] == [
        *("right wrist", "right wrist", "right thigh")
    ]
    assert [int(r.spans.label[0]) for r in recordings] == [2, 20, 21]
    assert [r.split for r in recordings] == ["test", "train", "test"]
    windows = engine.build(DATASETS["utd_mhad"], recordings)
    assert len(windows) == 3
    thigh = windows.window(2)
    assert np.isnan(thigh[:, 0]).all() and np.isfinite(thigh[:, 1]).all()
    (view,) = windows.views(2)
    assert view.visible.sum() == 1


def wisdm_lines(subject, letter, imu, start_ns=90_000_000_000_000, rate_hz=20):
    stamps = start_ns + np.arange(len(imu)) * 1_000_000_000 // rate_hz
    return [
        f"{subject},{letter},{t},{x:.6f},{y:.6f},{z:.6f};"
        for t, (x, y, z) in zip(stamps, imu, strict=True)
    ]


def wisdm(root, subject, force, rate):
    folder = root / "wisdm-dataset/raw/watch"
    for kind, lines in (("accel", force), ("gyro", rate)):
        if lines is not None:
            path = folder / f"{kind}/data_{subject}_{kind}_watch.txt"
            write(path, "\n".join(lines) + "\n")


def test_wisdm_reads_both_files_of_an_activity_as_they_are_stamped(tmp_path):
    walk, fold = motion(30, 20, 1), motion(25, 20, 2)
    later = 91_000_000_000_000
    force = wisdm_lines(1600, "A", walk[:, :3]) + wisdm_lines(
        1600, "S", fold[:, :3], later
    )
    rate = wisdm_lines(1600, "A", walk[3:, 3:], 90_000_150_000_000) + wisdm_lines(
        1600, "S", fold[:, 3:], later
    )
    wisdm(tmp_path, 1600, force, rate)
    # The phone's files have the same names but for the device.
    write(
        tmp_path / "wisdm-dataset/raw/phone/accel/data_1600_accel_phone.txt", "1600,A"
    )
    one, two = read("wisdm", tmp_path)
    assert (one.subject, one.spans.label[0], two.spans.label[0]) == ("1600", 0, 17)
    stream = stream_of(one, "dominant wrist", FORCE)
    np.testing.assert_allclose(stream.values, walk[:, :3], atol=1e-5)
    turning = stream_of(one, "dominant wrist", RATE)
    np.testing.assert_allclose(turning.values, walk[3:, 3:], atol=1e-5)
    assert turning.time[0] - stream.time[0] == pytest.approx(0.15)
    windows = engine.build(DATASETS["wisdm"], [one, two])
    np.testing.assert_array_equal(windows.label, [0, 0, 0, 17, 17])


def test_wisdm_survives_the_quirks_of_its_records(tmp_path):
    imu = motion(20, 20, 1)
    lines = wisdm_lines(1601, "D", imu[:, :3])
    lines[5] = lines[5].rstrip(";")
    lines[10] += lines.pop(11)
    lines[200:203] = lines[202:199:-1]
    lines.insert(300, lines[299])
    wisdm(tmp_path, 1601, lines, wisdm_lines(1601, "D", imu[:, 3:]))
    (recording,) = read("wisdm", tmp_path)
    force = stream_of(recording, "dominant wrist", FORCE)
    np.testing.assert_allclose(force.values, imu[:, :3], atol=1e-5)
    assert any("go back" in note for note in recording.notes)
    assert any("repeated" in note for note in recording.notes)


def test_wisdm_cuts_an_activity_at_its_gaps(tmp_path):
    imu = motion(60, 20, 1)
    lines = wisdm_lines(1602, "B", imu[:400, :3]) + wisdm_lines(
        1602, "B", imu[400:, :3], 90_076_000_000_000
    )
    wisdm(tmp_path, 1602, lines, None)
    (recording,) = read("wisdm", tmp_path)
    np.testing.assert_allclose(
        recording.spans.start - recording.streams[0].time[0], [0, 76]
    )
    np.testing.assert_allclose(
        recording.spans.end - recording.spans.start, [20, 40], atol=0.06
    )
    assert "an activity without gyro samples" in recording.notes
    windows = engine.build(DATASETS["wisdm"], [recording])
    assert len(windows) in (5, 6)
    (view,) = windows.views(0)[:1]
    assert not view.channel_valid[:, 3:].any()


def test_wisdm_names_the_line_of_a_broken_record(tmp_path):
    lines = wisdm_lines(1600, "A", motion(20, 20)[:, :3])
    lines[7] = lines[7].replace(",A,", ",")
    wisdm(tmp_path, 1600, lines, None)
    with pytest.raises(ValueError, match=r"data_1600.*line 8: 5 columns, expected 6"):
        read("wisdm", tmp_path)
    lines[7] = lines[6].replace(".", "x", 1)
    wisdm(tmp_path, 1600, lines, None)
    with pytest.raises(ValueError, match=r"line 8, column 4: '.*x.*' is no number"):
        read("wisdm", tmp_path)


def csv(imu, start_ms=1_450_000_000_000, seed=0):
    """As RealWorld's files: stamps in ms with jitter."""
    jitter = np.random.default_rng(seed).integers(-3, 4, len(imu))
    stamps = start_ms + np.arange(len(imu)) * 20 + jitter
    rows = [
        f"{i},{t},{x:.6f},{y:.6f},{z:.6f}"
        for i, (t, (x, y, z)) in enumerate(zip(stamps, imu, strict=True), start=1)
    ]
    return "id,attr_time,attr_x,attr_y,attr_z\n" + "\n".join(rows) + "\n"


SITES = ("chest", "forearm", "head", "shin", "thigh", "upperarm", "waist")


def realworld(root, activity, parts, subject=4, sites=SITES, late=()):
    """Zips of both kinds; several parts are zips inside. `late`: sites off by days."""
    for kind, name, first in (("acc", "acc", 0), ("gyr", "Gyroscope", 3)):
        members = {}
        for number, (seconds, start) in enumerate(parts, start=1):
            tail = f"_{number}" if len(parts) > 1 else ""
            inner = {"readMe": "x"}
            for i, site in enumerate(sites):
                imu = motion(seconds, 50, seed=10 * number + i)[:, first : first + 3]
                begin = 1_450_000_000_000 + 1000 * (start + 400_000 * (site in late))
                inner[f"{name}_{activity}{tail}_{site}.csv"] = csv(imu, begin, i)
            members[f"{kind}_{activity}{tail}_csv.zip"] = inner
        whole = (
            zipped({n: zipped(m) for n, m in members.items()})
            if len(parts) > 1
            else zipped(next(iter(members.values())))
        )
        write(root / f"proband{subject}/data/{kind}_{activity}_csv.zip", whole)


def test_realworld_reads_streams_by_their_own_stamps(tmp_path):
    realworld(tmp_path, "walking", [(25, 0)])
    # Sound is not opened: this is no zip at all.
    write(tmp_path / "proband4/data/mic_walking_csv.zip", b"no archive")
    (recording,) = read("realworld", tmp_path)
    assert len(recording.streams) == 14
    assert (recording.subject, recording.spans.label[0]) == ("4", 3)
    imu = motion(25, 50, seed=13)
    shin = stream_of(recording, "shin", RATE)
    np.testing.assert_allclose(shin.values, imu[:, 3:], atol=1e-5)
    assert (np.diff(shin.time) > 0).all()
    head = stream_of(recording, "head", FORCE)
    assert not np.array_equal(head.time, shin.time)
    windows = engine.build(DATASETS["realworld"], [recording])
    assert len(windows) == 2
    assert windows.sites == SITES


def test_realworld_joins_parts_in_zips_inside_zips(tmp_path):
    realworld(tmp_path, "climbingup", [(21, 0), (12, 100), (11, 50)], sites=("waist",))
    (recording,) = read("realworld", tmp_path)
    time = stream_of(recording, "waist", FORCE).time
    np.testing.assert_allclose(time[[0, 1050, 1600]] - time[0], [0, 50, 100], atol=0.01)
    lengths = recording.spans.end - recording.spans.start
    np.testing.assert_allclose(lengths, [21, 11, 12], atol=0.05)
    assert recording.spans.label.tolist() == [6] * 3


def test_realworld_reads_the_download_as_it_is_and_unpacked(tmp_path):
    realworld(tmp_path / "a", "lying", [(12, 0)], subject=10, sites=("head", "waist"))
    folder = tmp_path / "a/proband10/data"
    members = {
        f"proband10/data/{path.name}": path.read_bytes() for path in folder.iterdir()
    }
    write(tmp_path / "b/realworld2016_dataset.zip", zipped(members))
    text = csv(motion(12, 50, seed=10)[:, :3])
    unpacked = tmp_path / "c/proband10/data/acc_lying_csv/acc_lying_head.csv"
    write(unpacked, text)
    (a,), (b,), (c,) = (read("realworld", tmp_path / name) for name in "abc")
    for other in (b, c):
        np.testing.assert_array_equal(
            stream_of(a, "head", FORCE).values, stream_of(other, "head", FORCE).values
        )


def test_realworld_leaves_out_a_device_of_another_day(tmp_path):
    realworld(tmp_path, "jumping", [(12, 0)], late=("thigh",))
    (recording,) = read("realworld", tmp_path)
    assert {s.site for s in recording.streams} == set(SITES) - {"thigh"}
    assert sum("of thigh: recorded at another time" in n for n in recording.notes) == 2
