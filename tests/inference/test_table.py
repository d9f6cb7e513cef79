"""A stranger's file: the right windows, or advice with line, column and remedy."""

import re

import numpy as np
import pandas
import pytest

from anymo_jax.inference.table import table_windows
from experiments.predict import notes
from tests.inference.strangers import AXES, RATE_HZ, strangers_table

START = pandas.Timestamp("2024-02-29T23:59:50+01:00")
FORCE, RATE = AXES[:3], AXES[3:]


@pytest.fixture(scope="module")
def table():
    return strangers_table()


@pytest.fixture(scope="module")
def right(table, tmp_path_factory):
    path = tmp_path_factory.mktemp("right") / "my.csv"
    table.to_csv(path, index=False)
    return table_windows(path, "right wrist")


def written(folder, made, **how):
    path = folder / "my.csv"
    if isinstance(made, str):
        path.write_text(made, **how)
    else:
        made.to_csv(path, index=False, **how)
    return path


def scaled(names, factor):
    return lambda t: t.assign(**{name: t[name] * factor for name in names})


def stamped(change):
    return lambda t: t.assign(time=change(t.time))


# What is read as it is, or mended: how, its tolerance, and what is told of it.
READ = {
    "g": (scaled(FORCE, 1 / 9.80665), 1e-3, "rescaled force.*looks like g"),
    "mg": (scaled(FORCE, 1000 / 9.80665), 1e-2, "rescaled force.*milli-g"),
    "degrees": (scaled(RATE, 57.29578), 1e-3, "rescaled rate.*deg/s"),
    "ms": (stamped(lambda t: (t * 1e3).round().astype(int)), 1e-4, ""),
    "us": (stamped(lambda t: (t * 1e6).round().astype(int)), 1e-4, ""),
    "iso": (stamped(lambda t: START + pandas.to_timedelta(t, "s")), 1e-4, ""),
    "comma": (lambda t: t.to_csv(index=False, sep=";", decimal=","), 1e-4, ""),
    "bom": (lambda t: "\ufeff" + t.to_csv(index=False), 1e-4, ""),
    "trailing": (lambda t: t.to_csv(index=False).replace("\n", ",\n"), 1e-4, ""),
    "numbered rows": (lambda t: t.to_csv(), 1e-4, ""),
    "repeats": (
        lambda t: t.loc[np.sort([*t.index, 50, 51, 52])],
        1e-4,
        "3 rows repeat a time stamp",
    ),
}


@pytest.mark.parametrize("case", READ)
def test_what_can_be_read_is_the_same_recording(case, table, right, tmp_path):
    change, tolerance, told = READ[case]
    found = table_windows(written(tmp_path, change(table)), "right wrist")
    np.testing.assert_array_equal(found.offsets, right.offsets)
    np.testing.assert_allclose(found.signal, right.signal, atol=tolerance)
    assert re.search(told, "\n".join(notes(found)))
    assert "rescaled" in told or not found.card["rescaled"]


def test_a_walkers_wrist_is_right_as_it_is(right):
    assert len(right) == 23
    assert not right.card["rescaled"]
    assert right.card["sensors"]["right wrist"]["rate"]


def test_a_decimal_comma_may_come_after_whole_numbers(table, right, tmp_path):
    lines = table.to_csv(index=False, sep=";", decimal=",").splitlines()
    lines[1] = "0;9;0;0;0;0;0"
    found = table_windows(written(tmp_path, "\n".join([*lines, ""])), "right wrist")
    np.testing.assert_allclose(found.signal[60:], right.signal[60:], atol=1e-3)


def test_twelve_hertz_gaps_and_missing_sensors(table, right, tmp_path):
    time = np.arange(0, table.time.iloc[-1], 1 / 12)
    slow = pandas.DataFrame(
        {name: np.interp(time, table.time, table[name]) for name in AXES}
    )
    slow.insert(0, "time", time)
    found = table_windows(written(tmp_path, slow), "right wrist")
    told = found.card["sensors"]["right wrist"]["force"]["rate_hz"]
    assert told == pytest.approx(12, rel=1e-3)
    holes = table.drop(index=[*range(200, 214), *range(600, 640)])
    found = table_windows(written(tmp_path, holes), "right wrist")
    assert any("over 20% missing in all sensors" in note for note in notes(found))
    # From 9.95 to 10.7 s: no value is invented.
    assert found.start[3] == 7.5
    missing = np.isnan(found.window(3)[:, 0, 0])
    np.testing.assert_array_equal(np.flatnonzero(missing), np.arange(148, 192))
    found = table_windows(written(tmp_path, table.drop(columns=RATE)), "right wrist")
    assert np.isnan(found.signal[..., 3:]).all()
    np.testing.assert_allclose(found.signal[..., :3], right.signal[..., :3], atol=1e-4)


def test_a_gyroscope_without_an_axis_is_left_out_and_told(table, tmp_path):
    path = written(tmp_path, table.drop(columns="gyro_y"))
    found = table_windows(path, "right wrist")
    assert np.isnan(found.signal[..., 3:]).all()
    assert any(
        "'gyro_x', 'gyro_z' left out: no column for axis y" in note
        for note in notes(found)
    )
    # Who names the accelerometer alone is not told again.
    columns = "force=acc_x,acc_y,acc_z"
    found = table_windows(path, "right wrist", columns=columns)
    assert not any("left out" in note for note in notes(found))


def cell(line, column, *fields):
    """The table's text with one field exchanged; lines count from one."""

    def change(table):
        lines = table.to_csv(index=False).splitlines()
        row = lines[line - 1].split(",")
        row[column : column + 1] = fields
        lines[line - 1] = ",".join(row)
        return "\n".join([*lines, ""])

    return change


REFUSED = {
    "text": (
        cell(41, 3, "abc"),
        r"line 41, column 'acc_z' \(4 of 7\): 'abc' is no number; mend it, or leave",
    ),
    "late": (cell(1101, 5, "N/A?"), r"line 1101, column 'gyro_y' \(6 of 7\): 'N/A\?'"),
    "short": (cell(41, 3), "line 41 has 6 fields where the header has 7: .*mend"),
    "long": (cell(41, 3, "1", "2"), "line 41 has 8 fields where the header has 7"),
    "units below": (
        lambda t: t.to_csv(index=False).replace(
            "\n", "\ns,m/s^2,m/s^2,m/s^2,rad/s,rad/s,rad/s\n", 1
        ),
        "line 2, column 'acc_x'.*holds units.*units=force:g",
    ),
    "comma": (
        lambda t: t.to_csv(index=False, decimal=","),
        "line 2, column 'acc_x'.*decimal points, or separate the columns by semicolons",
    ),
    "a bad stamp": (cell(41, 0, "noon"), "stamp 'noon' of row 40 below.*is no number"),
    "german": (
        stamped(
            lambda t: (START + pandas.to_timedelta(t, "s")).dt.strftime("%d.%m.%Y")
        ),
        r"stamp '29.02.2024' of row 1 below the header is no ISO 8601 date",
    ),
    "too slow": (lambda t: t.iloc[::4], "step by 0.2.*8 samples a second"),
    "backwards": (lambda t: t.iloc[::-1], "time runs backwards.*sort"),
    "twice": (
        lambda t: pandas.concat([t, t]),
        "time goes back by 60 s.*columns='recording=trial'",
    ),
    "whole seconds": (stamped(np.floor), "1140 of 1200 rows repeat.*give rate_hz"),
    "one stamp": (stamped(lambda t: t * 0), "same time stamp.*rate_hz"),
    "no stamps": (
        lambda t: t.drop(columns="time"),
        "no column of time stamps.*rate_hz",
    ),
    "no axis": (
        lambda t: t.drop(columns="acc_y"),
        "'acc_x', 'acc_z' left out: no column for axis y.*columns=",
    ),
    "no header": (
        lambda t: t.to_csv(index=False, header=False),
        "no header. Columns count from 0.*columns='time=0;force=1,2,3",
    ),
    "a header": (lambda t: t.iloc[:0], "no rows below the header"),
    "a header without end": (
        lambda t: t.iloc[:0].to_csv(index=False).strip(),
        "a header without rows",
    ),
    "nothing": (lambda t: "", "no header in its first line; give a file"),
    "a row": (lambda t: t.iloc[:1], "a single row is no recording"),
    "half a second": (lambda t: t.iloc[:10], "spans shorter than 1 s"),
    "linear": (
        lambda t: t.assign(**{a: t[a] - t[a].rolling(20, 1).mean() for a in FORCE}),
        "gravity was removed",
    ),
    "dead axis": (
        lambda t: t.assign(gyro_y=0.0),
        "axis y is 0 throughout.*name the columns of the others",
    ),
    "infinite": (cell(41, 3, "inf"), "sample 39 is infinite"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_said_with_its_remedy(case, table, tmp_path):
    change, said = REFUSED[case]
    path = written(tmp_path, change(table))
    with pytest.raises(ValueError, match=rf"(?s)my\.csv.*{said}"):
        table_windows(path, "right wrist")


@pytest.mark.parametrize(
    ("site", "said"),
    [
        ("rigth wrist", "did you mean 'right wrist'"),
        ("wrist", "say 'left wrist' or 'right wrist'$"),
        ("", "where the device is worn is not said"),
    ],
)
def test_sites_are_asked_for_by_their_near_names(site, said, table, tmp_path):
    with pytest.raises(ValueError, match=said):
        table_windows(written(tmp_path, table), site)


def test_a_file_of_another_encoding_is_named(table, tmp_path):
    path = written(tmp_path, table, encoding="utf-16")
    with pytest.raises(ValueError, match="UTF-8"):
        table_windows(path, "right wrist")


def test_rows_without_stamps_need_a_rate(table, right, tmp_path):
    path = written(tmp_path, table.drop(columns="time"))
    found = table_windows(path, "right wrist", rate_hz=RATE_HZ)
    np.testing.assert_allclose(found.signal, right.signal, atol=1e-4)
