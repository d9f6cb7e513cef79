"""Real recordings written out in the raw layouts, and read back through all checks."""

import numpy as np
import pytest

from anymo_jax.datasets import engine
from anymo_jax.datasets.raw import DATASETS
from tests.datasets.raw.layouts import DEGREE, G, to_text, write

pytestmark = [pytest.mark.data, pytest.mark.slow]


def load(data_dir, name):
    with np.load(data_dir / "har" / name, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def build(name, root):
    return engine.build(DATASETS[name], DATASETS[name].read(root))


def test_wisdm_of_three_people(data_dir, tmp_path):
    real = load(data_dir, "wisdm_watch.npz")
    people = np.unique(real["subject"])[:3]
    expected = []
    for person in people:
        lines = {"accel": [], "gyro": []}
        for label, letter in enumerate("ABCDEFGHIJKLMOPQRS"):
            chosen = (real["subject"] == person) & (real["y"] == label)
            for number, window in enumerate(real["x"][chosen][:, :, 0]):
                start = (label * 1000 + number * 11) * 1_000_000_000
                stamps = start + np.arange(200) * 50_000_000
                expected.append((label, window))
                for kind, values in (("accel", window[:, :3]), ("gyro", window[:, 3:])):
                    lines[kind] += [
                        f"{person},{letter},{t},{x:.6f},{y:.6f},{z:.6f};"
                        for t, (x, y, z) in zip(stamps, values, strict=True)
                    ]
        for kind, text in lines.items():
            path = f"watch/{kind}/data_{1600 + person}_{kind}_watch.txt"
            write(tmp_path / path, "\n".join(text))
    windows = build("wisdm", tmp_path)
    assert len(windows) == len(expected)
    for index, (label, window) in enumerate(expected):
        assert windows.label[index] == label
        # 60 Hz passes through every 20 Hz sample.
        np.testing.assert_allclose(
            windows.window(index)[::3, 0][: len(window)], window, atol=1e-2
        )


def test_dsads_of_one_person(data_dir, tmp_path):
    real = load(data_dir, "dsads.npz")
    chosen = real["subject"] == real["subject"][0]
    blank = np.zeros((125, 5, 3))
    for label in range(19):
        for number, x in enumerate(real["x"][chosen & (real["y"] == label)]):
            table = np.concatenate([x, blank], axis=2).reshape(125, 45)
            path = f"data/a{label + 1:02d}/p1/s{4 * number + 1:02d}.txt"
            write(tmp_path / path, to_text(table))
    windows = build("dsads", tmp_path)
    np.testing.assert_array_equal(np.bincount(windows.label), [15] * 19)
    assert not windows.card["rescaled"]


def test_openpack_of_one_session(data_dir, tmp_path):
    real = load(data_dir, "openpack_sample.npz")
    own = DATASETS["openpack"].vocabulary.classes
    code = [100 * (1 + [c.lower() for c in own].index(c)) for c in real["classes"]]
    lengths = np.diff(real["offsets"])
    # Between operations a second of none, so that equal ones stay apart.
    pieces, codes = [], []
    for first, length, label in zip(real["offsets"], lengths, real["y"], strict=False):
        pieces += [real["x"][first : first + length], real["x"][first : first + 30]]
        codes += [code[label]] * length + [8100] * min(30, len(pieces[-1]))
    x = np.concatenate(pieces) / np.array([G] * 3 + [DEGREE] * 3)
    stamps = 1_634_883_600_000 + np.round(np.arange(len(x)) * 1000 / 30)
    names = ["unixtime", "operation"] + [
        f"atr0{i}/{kind}_{axis}"
        for i in range(1, 5)
        for kind in ("acc", "gyro")
        for axis in "xyz"
    ]
    table = np.column_stack([stamps, codes, x.reshape(len(x), 24)])
    text = ",".join(names) + "\n" + to_text(table)
    text = text.replace("nan", "")
    write(tmp_path / "U0102-S0300.csv", text)
    windows = build("openpack", tmp_path)
    seconds = lengths / 30
    kept = (seconds >= 1) & (seconds <= 30)
    assert abs(len(windows) - kept.sum()) <= 2
    assert windows.card["splits"]["test"] == len(windows)
