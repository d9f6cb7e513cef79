"""experiments.predict on a stranger's file: sound, in other units, and broken."""

import io
import json

import numpy as np
import pytest

from anymo_jax.inference import load
from anymo_jax.inference.prediction import predict
from anymo_jax.inference.rows import RowReader
from anymo_jax.inference.table import table_windows
from experiments.live import Listener
from experiments.predict import answer_report, named_labels, notes, read_report, save
from tests.inference.runs import write_runs

HEADER = "time,acc_x,acc_y,acc_z,gyro_x,gyro_y,gyro_z,label"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return load(write_runs(tmp_path_factory.mktemp("predict")))


def recording(rate_hz=50.0, seconds=12.0):
    """A wrist that rests and turns about x, force and rate telling the same: (T, 7)."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    angle, speed = np.sin(2 * time), 2 * np.cos(2 * time)
    turned = 9.81 * np.stack([0 * time, np.sin(angle), np.cos(angle)], axis=1)
    noise = np.random.default_rng(0).normal(0, 0.01, (len(time), 6))
    rate = np.stack([speed, 0 * time, 0 * time], axis=1)
    return np.c_[time, np.c_[turned, rate] + noise]


def write(path, rows, header=HEADER, label="walking"):
    count = header.count(",")
    lines = [",".join(f"{v:.6f}" for v in row[:count]) + f",{label}" for row in rows]
    path.write_text("\n".join([header, *lines, ""]))
    return path


def test_a_recording_is_ranked_window_by_window(model, tmp_path):
    windows = table_windows(write(tmp_path / "my.csv", recording()), "right wrist")
    assert "50 Hz accelerometer, 50 Hz gyroscope" in read_report(windows)
    found = predict(model, windows, ["walking", "sitting"], caption=True)
    np.testing.assert_allclose(found.start, [0, 2.5, 5.0], atol=1e-6)
    np.testing.assert_allclose(found.seconds, 5.0, atol=0.02)
    # The softmax of mean cosines: the geometric mean of shares, summing to one again.
    expected = np.exp(np.log(found.scores).mean(axis=0))
    np.testing.assert_allclose(found.pooled, expected / expected.sum())
    assert "abstain score" in answer_report(found)
    save(found, windows, str(tmp_path / "out"))
    told = json.loads((tmp_path / "out" / "prediction.json").read_text())
    assert told["ranked"][0]["score"] == pytest.approx(found.pooled.max())
    assert [w["start_s"] for w in told["windows"]] == [0, 2.5, 5.0]
    assert sum(told["windows"][0]["scores"].values()) == pytest.approx(1)
    assert (tmp_path / "out" / "timeline.png").read_bytes()[:4] == b"\x89PNG"
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_the_files_own_labels_cut_nothing(tmp_path):
    rows = recording()
    path = write(tmp_path / "a.csv", rows)
    lines = path.read_text().splitlines()
    lines[300:] = [line.replace("walking", "sitting") for line in lines[300:]]
    path.write_text("\n".join([*lines, ""]))
    np.testing.assert_allclose(table_windows(path, "waist").start, [0, 2.5, 5.0])


def test_other_units_are_mended_and_told(tmp_path):
    rows = recording()
    sound = table_windows(write(tmp_path / "a.csv", rows), "right wrist")
    rows[:, 1:4] /= 9.80665
    rows[:, 4:] = np.degrees(rows[:, 4:])
    mended = table_windows(write(tmp_path / "b.csv", rows), "right wrist")
    assert sum("rescaled" in note for note in notes(mended)) == 2
    np.testing.assert_allclose(mended.signal, sound.signal, atol=1e-3)
    assert not any("rescaled" in note for note in notes(sound))


def test_twelve_hertz_without_a_gyroscope_will_do(tmp_path):
    header = "time,acc_x,acc_y,acc_z,label"
    path = write(tmp_path / "slow.csv", recording(rate_hz=12.0), header)
    windows = table_windows(path, "left ankle")
    assert "12 Hz accelerometer, no gyroscope" in read_report(windows)
    assert np.isnan(windows.signal[:, 0, 3:]).all()
    assert len(windows) == 3


def test_what_cannot_be_read_is_said(model, tmp_path):
    rows = recording()
    path = write(tmp_path / "a.csv", rows)
    with pytest.raises(ValueError, match="where the device is worn is not said"):
        table_windows(path)
    text = path.read_text().splitlines()
    cells = text[5].split(",")
    for name, change, message in (
        ("words", "n/a or so", "line 6, column 'acc_y' .*'n/a or so'"),
        ("short", None, "line 6 has 7 fields where the header has 8"),
    ):
        cells_then = [*cells[:2], *([change] if change else []), *cells[3:]]
        broken = [*text[:5], ",".join(cells_then), *text[6:], ""]
        other = tmp_path / f"{name}.csv"
        other.write_text("\n".join(broken))
        with pytest.raises(ValueError, match=f"{name}.csv.*{message}"):
            table_windows(other, "waist")
    windows = table_windows(path, "waist")
    with pytest.raises(ValueError, match="two or more different"):
        predict(model, windows, ["walking", "walking"])


class Closed(io.StringIO):
    """Standard output whose reader goes away after two lines."""

    def flush(self):
        if self.getvalue().count("\n") > 2:
            raise BrokenPipeError


def interrupted(lines, count):
    yield from lines[:count]
    raise KeyboardInterrupt


def test_a_stream_is_answered_line_by_line_until_it_ends(model, tmp_path):
    lines = write(tmp_path / "my.csv", recording()).read_text().splitlines()
    lines[20] = "0.38,1"
    labels = ["walking", "sitting"]

    def listened(lines, out, **told):
        err = io.StringIO()
        reader = RowReader("right wrist")
        Listener(model, labels, reader, out=out, err=err, **told).listen(lines)
        return out.getvalue().splitlines(), err.getvalue()

    found, told = listened(lines, io.StringIO(), as_json=True)
    answers = [json.loads(line) for line in found]
    np.testing.assert_allclose([a["time_s"] for a in answers], range(1, 12), atol=0.01)
    assert [a["seconds"] for a in answers[3:6]] == [4.017, 5, 5]
    for answer in answers:
        scores = [one["score"] for one in answer["ranked"]]
        assert sum(scores) == pytest.approx(1) and scores == sorted(scores)[::-1]
        assert answer["latency_ms"] > 0
    assert "600 rows" not in told and "599 rows, 1 broken, 0 repeated" in told
    assert "11 answers" in told and "real-time factor" in told and "p95" in told
    found, told = listened(interrupted(lines, 160), io.StringIO())
    assert len(found) == 3 and "3 answers" in told
    assert found[0].split()[:2] == ["1.0", "s"] and "abstain" in found[0]
    _, told = listened(lines, Closed())
    assert "2 answers" in told
    assert "a second of rows is the least" in listened(lines[:20], io.StringIO())[1]


def test_labels_may_hold_commas(tmp_path):
    assert named_labels("walking, sitting") == ["walking", "sitting"]
    assert named_labels("walking, slowly; sitting") == ["walking, slowly", "sitting"]
    path = tmp_path / "labels.txt"
    path.write_text("walking, slowly\n\nsitting; still\n")
    assert named_labels(f"@{path}") == ["walking, slowly", "sitting; still"]
    with pytest.raises(ValueError, match=r"nothing\.txt is not readable.*one label in"):
        named_labels(f"@{tmp_path}/nothing.txt")
