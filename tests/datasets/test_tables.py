"""Anybody's CSV or Parquet: whatever its columns, units, stamps and order."""

import numpy as np
import pandas
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.engine import build
from anymo_jax.datasets.recording import FORCE, RATE
from anymo_jax.datasets.tables.columns import guess_columns
from anymo_jax.datasets.tables.facts import TableOptions, open_table
from tests.datasets import signals

AXES = [f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"]
WRIST = TableOptions(site="left wrist")


def frame(seconds=40.0, rate_hz=50.0, seed=0) -> pandas.DataFrame:
    """A wrist, sitting then walking, as a person would write it down."""
    signal = signals.worn(seconds, rate_hz, seed)
    made = pandas.DataFrame(signal, columns=AXES)
    made.insert(0, "time", np.arange(len(made)) / rate_hz)
    made["activity"] = np.where(made.time < seconds / 2, "sitting", "walking")
    return made


def windows_of(made, tmp_path, options=WRIST, name="my.csv", **how):
    path = tmp_path / name
    made.to_csv(path, index=False, **how)
    facts = open_table(path, options)
    return build(facts, facts.read(path))


@pytest.fixture
def right(tmp_path):
    return windows_of(frame(), tmp_path)


def assert_same(made, right, atol=2e-4):
    np.testing.assert_array_equal(made.offsets, right.offsets)
    np.testing.assert_array_equal(made.label, right.label)
    np.testing.assert_allclose(made.signal, right.signal, atol=atol)


def test_a_plain_table(right):
    assert len(right) == 8
    assert right.classes == ("sitting", "walking")
    assert right.label.tolist() == [0] * 4 + [1] * 4
    assert right.node.tolist() == [XSENS.index("L_Forearm")]
    sensor = right.card["sensors"]["left wrist"]["force"]
    assert sensor["still"] == pytest.approx(9.81, abs=0.05)


STAMPS = {
    "ms": lambda t: t * 1e3,
    "us": lambda t: np.round(t * 1e6).astype(np.int64),
    "ns since 1970": lambda t: (
        1_700_000_000_000_000_000 + np.round(t * 1e9).astype(int)
    ),
    "s since 1970": lambda t: 1.7e9 + t,
    "iso": lambda t: (
        pandas.Timestamp("2024-02-29T23:59:50+01:00") + pandas.to_timedelta(t, "s")
    ),
}


@pytest.mark.parametrize("unit", STAMPS)
def test_time_stamps_in_any_unit(unit, right, tmp_path):
    made = frame()
    made["time"] = STAMPS[unit](made.time)
    assert_same(windows_of(made, tmp_path), right)


def test_no_stamps_but_a_rate(right, tmp_path):
    made = frame().drop(columns="time")
    with pytest.raises(ValueError, match="no column of time stamps"):
        windows_of(made, tmp_path)
    options = TableOptions(site="left wrist", rate_hz=50.0)
    assert_same(windows_of(made, tmp_path, options), right)


def test_units_of_the_header_hold(right, tmp_path):
    made = frame()
    made[AXES[:3]] /= 9.80665
    made[AXES[3:]] *= 180 / np.pi
    named = made.rename(
        columns={a: f"{a} [{'g' if a[0] == 'a' else 'deg/s'}]" for a in AXES}
    )
    assert_same(windows_of(named, tmp_path), right, 2e-3)
    assert windows_of(named, tmp_path).flags == ("no subjects",)
    # Units said by hand, where the header does not.
    options = TableOptions(site="left wrist", units={FORCE: "g", RATE: "dps"})
    assert_same(windows_of(made, tmp_path, options), right, 2e-3)
    with pytest.raises(ValueError, match="looks like g"):
        windows_of(made, tmp_path)


HEADERS = {
    "t,ax,ay,az,gx,gy,gz": "",
    "timestamp_ms,accX,accY,accZ,gyrX,gyrY,gyrZ": "",
    "Time (s),Accelerometer X (m/s^2),Accelerometer Y (m/s^2),Accelerometer Z (m/s^2),"
    "Gyroscope X (rad/s),Gyroscope Y (rad/s),Gyroscope Z (rad/s)": "",
    "canonical_timestamp_ms,accl_x,accl_y,accl_z,gyro_x,gyro_y,gyro_z": "",
    "ts,left_wrist_acc_x,left_wrist_acc_y,left_wrist_acc_z,left_wrist_gyro_x,"
    "left_wrist_gyro_y,left_wrist_gyro_z": "left wrist",
    "time,LeftWristAccX,LeftWristAccY,LeftWristAccZ,LeftWristGyroX,LeftWristGyroY,"
    "LeftWristGyroZ": "left wrist",
    "time,acc_x_left_wrist,acc_y_left_wrist,acc_z_left_wrist,gyro_x_left_wrist,"
    "gyro_y_left_wrist,gyro_z_left_wrist": "left wrist",
}


@pytest.mark.parametrize("header", HEADERS)
def test_headers_are_understood(header):
    names = header.split(",")
    columns = guess_columns(names, "my.csv")
    assert columns.roles["time"] == names[0]
    force, rate = columns.triples
    assert (force.kind, force.names) == (FORCE, tuple(names[1:4]))
    assert (rate.kind, rate.names) == (RATE, tuple(names[4:7]))
    assert force.site == rate.site == HEADERS[header]


def test_acceleration_without_gravity_is_no_accelerometer(tmp_path):
    made = frame().rename(
        columns={f"acc_{a}": f"linear_acceleration_{a}" for a in "xyz"}
    )
    with pytest.raises(ValueError, match=r"no accelerometer among.*without gravity"):
        windows_of(made, tmp_path)


def test_columns_said_by_hand(right, tmp_path):
    made = frame().rename(columns=dict(zip(AXES, "abcdef", strict=True)))
    options = TableOptions(
        columns="left wrist.force=a,b,c; left wrist.rate=d,e,f; label=activity"
    )
    assert_same(windows_of(made, tmp_path, options), right)
    for text, said in (
        ("left wrist.force=a,b", "must name three columns"),
        ("left wrist.force=a,b,q", "no column 'q'"),
        ("speed=a", "no role 'speed'"),
        ("left wrist.rate=a,b,c", "no accelerometer"),
    ):
        with pytest.raises(ValueError, match=said):
            windows_of(made, tmp_path, TableOptions(columns=text))


def test_two_devices_side_by_side_and_one_below_the_other(tmp_path):
    wrist, pocket = frame(seed=1), frame(seed=2)
    wide = wrist.rename(columns={a: f"left_wrist_{a}" for a in AXES})
    for axis in AXES:
        wide[f"right pocket {axis}"] = pocket[axis]
    made = windows_of(wide, tmp_path, TableOptions())
    assert [XSENS.names[n] for n in made.node] == ["L_Forearm", "R_UpperLeg"]
    wrist["device"], pocket["device"] = "left wrist", "right pocket"
    interleaved = pandas.concat([wrist, pocket]).sort_values("time", kind="stable")
    assert_same(windows_of(interleaved, tmp_path, TableOptions()), made)
    stacked = pandas.concat([wrist, pocket])
    assert_same(windows_of(stacked, tmp_path, TableOptions()), made)


def test_sites_that_say_nothing_are_asked_for(right, tmp_path):
    with pytest.raises(ValueError, match="where the device is worn is not said"):
        windows_of(frame(), tmp_path, TableOptions())
    made = frame().rename(columns={a: f"imu1_{a}" for a in AXES})
    with pytest.raises(
        ValueError, match=r"sites='imu1=left wrist'|sites='1=left wrist'"
    ):
        windows_of(made, tmp_path, TableOptions())
    made = frame()
    made["placement"] = "A"
    options = TableOptions(sites={"A": "left wrist"})
    assert_same(windows_of(made, tmp_path, options), right)


def test_several_people_and_trials_in_one_file(tmp_path):
    parts = []
    for number in range(4):
        part = frame(20.0, seed=number)
        part["subject"], part["trial"] = f"p{number // 2}", number % 2
        parts.append(part)
    made = windows_of(pandas.concat(parts), tmp_path)
    assert made.card["recordings"] == 4
    assert made.subjects == ("p0", "p1")
    assert made.sources[3] == "my.csv, subject p1, recording 1"
    for number, part in enumerate(parts):
        alone = windows_of(part, tmp_path)
        mine = made.signal[made.offsets[4 * number] : made.offsets[4 * number + 4]]
        np.testing.assert_allclose(mine, alone.signal, atol=2e-4)
    without = pandas.concat(parts).drop(columns="trial")
    with pytest.raises(ValueError, match=r"time goes back by 20 s.*columns='recording"):
        windows_of(without, tmp_path)


def test_a_folder_of_files_may_name_labels_and_people(tmp_path):
    for person in ("ann", "bob"):
        for seed, label in enumerate(("sitting", "walking")):
            (tmp_path / "data" / person).mkdir(parents=True, exist_ok=True)
            part = frame(20.0, seed=seed).drop(columns="activity")
            part.to_csv(tmp_path / "data" / person / f"{label}.csv", index=False)
    options = TableOptions(site="left wrist", columns="label=@file;subject=@folder")
    facts = open_table(tmp_path / "data", options)
    made = build(facts, facts.read(tmp_path / "data"))
    assert made.classes == ("sitting", "walking") and made.subjects == ("ann", "bob")
    assert made.label.tolist() == [0] * 4 + [1] * 4 + [0] * 4 + [1] * 4
    other = frame().rename(columns={"acc_x": "acc_1"})
    other.to_csv(tmp_path / "data" / "bob" / "zzz.csv", index=False)
    with pytest.raises(ValueError, match=r"zzz.csv: no column 'acc_x'"):
        list(facts.read(tmp_path / "data"))


def test_jittered_repeated_and_swapped_rows(right, tmp_path):
    made = frame()
    made = pandas.concat([made.iloc[:500], made.iloc[495:]])
    order = np.arange(len(made))
    order[[100, 101]] = order[[101, 100]]
    windows = windows_of(made.iloc[order], tmp_path)
    assert_same(windows, right)
    assert windows.card["notes"] == {
        # One swap, and one step back where the repeated rows begin.
        "2 rows were out of order and were sorted by time": 1,
        "5 rows repeat a time stamp and were dropped": 1,
    }


def test_gaps_stay_gaps(tmp_path):
    made = frame()
    # After over a second without samples an activity begins anew.
    windows = windows_of(made.drop(index=range(300, 400)), tmp_path)
    np.testing.assert_allclose(windows.start, [0, 5, 8, 13, 18, 20, 25, 30, 35])
    assert np.isfinite(windows.signal).all()
    kept = windows_of(made.drop(index=range(300, 340)), tmp_path)
    (holes,) = np.nonzero(np.isnan(kept.window(1)[:, 0, 0]))
    np.testing.assert_array_equal(holes, np.arange(59, 108))


@pytest.mark.parametrize(
    "how",
    [
        dict(sep=";", decimal=","),
        dict(sep="\t"),
        dict(sep="|", lineterminator="\r\n"),
        dict(encoding="utf-8-sig"),
    ],
)
def test_other_ways_of_writing_a_table(how, right, tmp_path):
    assert_same(windows_of(frame(), tmp_path, **how), right)


def test_parquet_is_read_as_csv_is(right, tmp_path):
    path = tmp_path / "my.parquet"
    frame().to_parquet(path)
    facts = open_table(path, WRIST)
    assert_same(build(facts, facts.read(path)), right)


def test_a_table_without_header_and_with_comments(right, tmp_path):
    path = tmp_path / "my.csv"
    text = frame().to_csv(index=False, header=False)
    path.write_text("# from my watch\n" + text)
    options = TableOptions(
        columns="time=0; left wrist.force=1,2,3; left wrist.rate=4,5,6; label=7"
    )
    facts = open_table(path, options)
    assert_same(build(facts, facts.read(path)), right)


def test_a_stretch_of_a_label_may_be_a_window(tmp_path):
    options = TableOptions(site="left wrist", window_s=0.0)
    windows = windows_of(frame(), tmp_path, options)
    assert len(windows) == 2
    assert np.diff(windows.offsets).tolist() == [1200, 1199]


def test_missing_labels_are_no_class(tmp_path):
    made = frame()
    made.loc[1000:1499, "activity"] = np.nan
    windows = windows_of(made, tmp_path)
    assert windows.label.tolist() == [0] * 4 + [1] * 2
    assert windows.card["dropped"] == {"spans without a label": 1}


BROKEN = {
    "a row too short": (
        lambda s: s.replace("\n0.4,", "\n", 1),
        "line [0-9]+ has 7 fields where the header has 8",
    ),
    "a row too long": (
        lambda s: s.replace("\n0.4,", "\n0.4,7,", 1),
        "has 9 fields where the header has 8",
    ),
    "a word for a number": (
        lambda s: s.replace("\n0.4,", "\n0.4,x", 1),
        "line 22, column 'acc_x'.*'x[-0-9.]*' is no number",
    ),
    "a stamp is missing": (
        lambda s: s.replace("\n0.4,", "\n,", 1),
        "stamps are missing",
    ),
    "nothing": (lambda s: "", "no header"),
    "a header alone": (lambda s: s[: s.index("\n") + 1], "no rows|Empty CSV"),
    "a column twice": (
        lambda s: s.replace("acc_y", "acc_x", 1),
        "both look like axis x",
    ),
    "no columns": (lambda s: s.replace(",", " "), "no comma, semicolon, tab or bar"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_files_are_named(case, tmp_path):
    change, said = BROKEN[case]
    path = tmp_path / "my.csv"
    path.write_text(change(frame().to_csv(index=False)))
    with pytest.raises(ValueError, match=f"my.csv.*({said})"):
        facts = open_table(path, WRIST)
        build(facts, facts.read(path))


def test_a_torn_last_line_is_dropped_and_told(right, tmp_path):
    path = tmp_path / "my.csv"
    text = frame().to_csv(index=False)
    # Torn within a number of the last column but one: it reads as another number.
    path.write_text(text[: -len("5,walking\n")])
    facts = open_table(path, WRIST)
    made = build(facts, facts.read(path))
    assert "last line has no end" in next(iter(made.card["notes"]))
    np.testing.assert_allclose(made.signal[:2350], right.signal[:2350], atol=2e-4)
