"""A stream of lines: rows as a table has them, windows every second, clear advice."""

import numpy as np
import pandas
import pytest

from anymo_jax.body.skeleton import XSENS
from anymo_jax.inference.rows import RowReader
from anymo_jax.inference.stream import StreamWindows
from anymo_jax.inference.table import table_windows
from tests.inference.strangers import AXES, strangers_table

HEADER = "time,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z"


@pytest.fixture(scope="module")
def table():
    return strangers_table().iloc[:300]


def read(lines, site="right wrist", **told):
    """Rows of lines, what was told, and the reader."""
    said = []
    reader = RowReader(site, tell=said.append, **told)
    rows = [row for line in lines for row in reader.line(line)]
    return [*rows, *reader.end()], said, reader


def windows(rows, reader, **told):
    said = []
    cutter = StreamWindows(reader.sites, reader.nodes, tell=said.append, **told)
    found = [window for row in rows if (window := cutter.row(row))]
    return found, said, cutter


def lines_of(table, **how):
    return table.to_csv(index=False, **how).splitlines(keepends=True)


START = pandas.Timestamp("2024-10-27T02:59:55")
WAYS = {
    "plain": (lambda t: lines_of(t), {}),
    "ms": (lambda t: lines_of(t.assign(time=(t.time * 1e3).round().astype(int))), {}),
    "ns since 1970": (
        lambda t: lines_of(
            t.assign(
                time=1_700_000_000_000_000_000 + (t.time * 1e9).round().astype(int)
            )
        ),
        {},
    ),
    "iso": (
        lambda t: lines_of(t.assign(time=START + pandas.to_timedelta(t.time, "s"))),
        {},
    ),
    "commas": (lambda t: lines_of(t, sep=";", decimal=","), {}),
    "bom": (lambda t: ["\ufeff" + lines_of(t)[0], *lines_of(t)[1:]], {}),
    "no header": (
        lambda t: lines_of(t, header=False),
        {"columns": "time=0;force=1,2,3;rate=4,5,6"},
    ),
    "no stamps": (lambda t: lines_of(t.drop(columns="time")), {"rate_hz": 20.0}),
    "g": (
        lambda t: lines_of(t.assign(**{a: t[a] / 9.80665 for a in AXES[:3]})),
        {"units": {"force": "g"}},
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_rows_are_those_of_the_table(way, table):
    write, told = WAYS[way]
    rows, said, reader = read(write(table), **told)
    assert not said and not reader.broken
    assert reader.nodes.tolist() == [XSENS.index("R_Forearm")]
    np.testing.assert_allclose([row.time for row in rows], table.time, atol=1e-6)
    values = np.stack([row.values[0] for row in rows])
    np.testing.assert_allclose(values, table[AXES], rtol=1e-5, atol=1e-5)


def test_windows_end_every_second_and_hold_what_a_file_would(table, tmp_path):
    rows, _, reader = read(lines_of(table))
    found, said, cutter = windows(rows, reader)
    assert not said and cutter.rows == len(table)
    np.testing.assert_allclose([w.end for w in found], np.arange(1, 15), atol=1e-6)
    seconds = [w.seconds for w in found]
    # A window holds its first and its last sample.
    expected = np.minimum(np.arange(1, 15) * 60 + 1, 300) / 60
    np.testing.assert_allclose(seconds, expected)
    table.to_csv(tmp_path / "my.csv", index=False)
    whole = table_windows(tmp_path / "my.csv", "right wrist")
    node = XSENS.index("R_Forearm")
    # 9 s: samples from 4 s and a 60th on; the second window of the file from 2.5 s.
    mine = found[8].view.signal[:200, node]
    theirs = whole.window(1)[91:291, 0]
    # Splines of other ends.
    np.testing.assert_allclose(mine[20:], theirs[20:], atol=2e-3)
    assert found[8].view.channel_valid[node].all()


def test_broken_rows_are_named_and_left_out(table):
    lines = lines_of(table)
    lines[40] = "1.95,abc,1,1,1,1,1\n"
    lines[50] = "2.45,1,2\n"
    lines[60] = "noon,1,2,3,4,5,6\n"
    lines[61] = "2024-02-29T23:59:59,1,2,3,4,5,6\n"
    lines[70] = "3.45,,,,1,1,1\n"
    lines.insert(80, "\n")
    rows, said, reader = read(lines)
    assert reader.broken == 4 and len(rows) == len(table) - 4
    assert said[0] == "line 41 left out: column 'acc_x': 'abc' is no number"
    assert said[1] == "line 51 left out: 3 fields where the header has 7"
    assert said[2].startswith(
        "line 61 left out: column 'time': 'noon' is no time stamp"
    )
    assert said[3].startswith(
        "line 62 left out: column 'time': '2024-02-29T23:59:59' is"
    )
    # Of the rows above it four are missing, and the header is none.
    assert np.isnan(rows[65].values[0, :3]).all() and rows[65].values[0, 3] == 1


@pytest.mark.parametrize(
    ("lines", "told", "message"),
    [
        (["a,b,c,d\n"], {}, "no accelerometer among"),
        (["0,1,2,3,4,5,6\n"], {}, "there is no header.*columns='time=0"),
        ([HEADER[5:]], {}, "no column of time stamps.*rate_hz"),
        ([HEADER], {"site": ""}, "where the device is worn is not said"),
        ([HEADER], {"site": "wrist"}, "say 'left wrist' or 'right wrist'"),
        ([HEADER + ",device"], {}, "column 'device' tells devices apart"),
        ([HEADER, *["x,y\n"] * 20], {}, "first 20 rows cannot be read"),
        ([HEADER, *["7,0,0,9.8,0,0,0\n"] * 20], {}, "same time stamp"),
    ],
)
def test_a_stream_that_cannot_be_read_is_said(lines, told, message):
    with pytest.raises(ValueError, match=f"stdin: .*{message}|{message}"):
        read(lines, **{"site": "waist"} | told)


@pytest.mark.parametrize(
    ("axes", "factor", "advice"),
    [
        (AXES[:3], 1 / 9.80665, "looks like g; say its unit, as in units=force:g"),
        (AXES[:3], 1000 / 9.80665, "units=force:mg"),
        (AXES[3:], 57.29578, "looks like deg/s; say its unit, as in units=rate:deg/s"),
        (AXES[:3], 16384 / 9.80665, "send SI units: multiply by 0.000598"),
    ],
)
def test_wrong_units_end_the_stream_with_the_flag_that_mends_them(
    axes, factor, advice, table
):
    wrong = table.assign(**{axis: table[axis] * factor for axis in axes})
    rows, _, reader = read(lines_of(wrong))
    with pytest.raises(ValueError, match=advice):
        windows(rows, reader)


def test_doubts_are_told_once_and_do_not_end_it(table):
    still = table.assign(**{axis: 0.0 for axis in AXES[3:]}, acc_x=0.1, acc_y=3.0)
    still["acc_z"] = 0.02 * np.sin(np.arange(len(still)))
    rows, _, reader = read(lines_of(still))
    found, said, _ = windows(rows, reader)
    assert len(found) == 14
    assert sum("gravity was removed" in told for told in said) == 1
    assert sum("rate x, rate y, rate z never changes" in told for told in said) == 1


def test_gaps_repeats_and_leaps(table):
    doubled = table.loc[np.sort([*table.index, 100, 101])]
    rows, _, reader = read(lines_of(doubled))
    assert windows(rows, reader)[2].repeated == 2
    # A gap of three seconds: nothing is told of it, and nothing invented.
    rows, _, reader = read(lines_of(table.drop(index=range(100, 160))))
    found, said, _ = windows(rows, reader)
    assert any("no sensor has four fifths" in told for told in said)
    assert len(found) < 14
    again = pandas.concat([table.iloc[:150], table.iloc[:100]])
    rows, _, reader = read(lines_of(again))
    found, said, cutter = windows(rows, reader)
    assert cutter.restarts == 1 and "went back by 7.45 s after row 150" in said[0]
    assert [round(w.end) for w in found] == [1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="every_s is 0"):
        windows(rows, reader, every_s=0.0)
