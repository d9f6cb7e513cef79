"""Damage to valid files ends in a right read or a clear error, never a wrong number.

Damage to the form of a file: every sample that is still read is one of the samples that
were written, at its own time and with its own label. Damage to its meaning (units,
exchanged columns): an error, or a doubt that the card tells.
"""

import functools
import io

import numpy as np
import pandas
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anymo_jax.datasets.bundles.npz import open_npz
from anymo_jax.datasets.checks import check_recording
from anymo_jax.datasets.engine import build
from anymo_jax.datasets.recording import FORCE
from anymo_jax.datasets.tables.facts import TableOptions, open_table
from tests.datasets import signals

AXES = [f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"]
RATE_HZ = 25.0
OPTIONS = TableOptions(site="left wrist")
CELLS = (
    "",
    "nan",
    "x",
    "1,2",
    "inf",
    "-inf",
    "1e400",
    "0x10",
    "--3",
    '"',
    "1;2",
    "1 2",
)
NAMES = ("acc_x", "gyro_z", "", "q", "time", "mag_x")
two_hundred = settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@functools.cache
def written() -> pandas.DataFrame:
    """The table that is damaged."""
    made = pandas.DataFrame(signals.worn(96.0, RATE_HZ, seed=3), columns=AXES)
    made.insert(0, "time", np.arange(len(made)) / RATE_HZ)
    made["activity"] = np.repeat(["sitting", "walking", "sitting"], len(made) // 3)
    return made


numbers = st.integers(0, 10**6)
form_damage = st.tuples(
    st.sampled_from(
        [
            *("cell", "drop", "repeat", "swap", "cut"),
            *("rename", "delete", "bytes", "shuffle", "torn"),
        ]
    ),
    numbers,
    numbers,
    st.sampled_from(CELLS),
)


def damaged(kind, a, b, cell) -> bytes:
    """The table's file with its form damaged."""
    made = written()
    if kind == "delete":
        made = made.drop(columns=["time", "activity", *AXES][b % 8])
    elif kind == "shuffle":
        made = made.sample(frac=1.0, random_state=a)
    lines = made.to_csv(index=False).splitlines(keepends=True)
    row = 1 + a % (len(lines) - 2)
    fields = lines[row].rstrip("\n").split(",")
    if kind == "cell":
        fields[b % len(fields)] = cell
        lines[row] = ",".join(fields) + "\n"
    elif kind == "torn":
        lines[row] = ",".join(fields[: b % len(fields)]) + "\n"
    elif kind == "drop":
        del lines[row : row + 1 + b % 90]
    elif kind == "repeat":
        lines[row:row] = lines[max(row - b % 9, 1) : row]
    elif kind == "swap":
        lines[row], lines[row + 1] = lines[row + 1], lines[row]
    elif kind == "rename":
        lines[0] = lines[0].replace(AXES[b % 6], NAMES[a % len(NAMES)], 1)
    content = "".join(lines).encode()
    if kind == "cut":
        content = content[: 1 + a % len(content)]
    elif kind == "bytes":
        place = a % len(content)
        content = content[:place] + bytes([128 + b % 128]) + content[place + 1 :]
    return content


def assert_says(error, name):
    """An error names the file and says something."""
    assert name in str(error) and len(str(error)) > len(name) + 20, error


@two_hundred
@given(form_damage)
@example(("cut", 150_003, 0, ""))
@example(("cell", 7, 0, "--3"))
def test_tables_of_damaged_form(tmp_path_factory, damage):
    path = tmp_path_factory.mktemp("damaged") / "my.csv"
    path.write_bytes(damaged(*damage))
    try:
        facts = open_table(path, OPTIONS)
        recordings = list(facts.read(path))
        for recording in recordings:
            check_recording(recording, facts)
    except ValueError as error:
        assert_says(error, "my.csv")
        return
    (recording,) = recordings
    truth = written()
    for stream in recording.streams:
        # Time counts from the file's first row.
        rows = np.rint((stream.time + _first_stamp(path)) * RATE_HZ).astype(int)
        wanted = truth[AXES[:3] if stream.kind == FORCE else AXES[3:]].to_numpy()[rows]
        same = (stream.values == wanted) | np.isnan(stream.values)
        assert same.all(), damage
        assert np.isnan(stream.values).sum() <= 1
        spans = recording.spans
        place = np.searchsorted(spans.start, stream.time, side="right") - 1
        told = np.append(facts.vocabulary.classes, "")[spans.label[place]]
        allowed = [truth.activity.to_numpy()[rows], damage[3], "", "unlabelled"]
        assert np.logical_or.reduce([told == a for a in allowed]).all()


def _first_stamp(path) -> float:
    lines = path.read_text(errors="replace").splitlines()
    # Blank lines are no rows.
    return float(next(line for line in lines[1:] if line).split(",")[0])


MEANING = {
    "force in g": lambda t: t.assign(**{a: t[a] / 9.80665 for a in AXES[:3]}),
    "force twice": lambda t: t.assign(**{a: t[a] * 9.80665 for a in AXES[:3]}),
    "rate in degrees": lambda t: t.assign(**{a: t[a] * 57.29578 for a in AXES[3:]}),
    "rate over 57": lambda t: t.assign(**{a: t[a] / 57.29578 for a in AXES[3:]}),
    "gravity removed": lambda t: t.assign(
        **{a: t[a] - t[a].rolling(25, 1).mean() for a in AXES[:3]}
    ),
    "one axis in g": lambda t: t.assign(acc_z=t.acc_z / 9.80665),
    "rate backwards": lambda t: t.assign(**{a: -t[a] for a in AXES[3:]}),
    "rate reversed in time": lambda t: t.assign(
        **{a: t[a].to_numpy()[::-1] for a in AXES[3:]}
    ),
    "time in ms said to be s": lambda t: t.rename(columns={"time": "time_s"}).assign(
        time_s=t.time * 1000
    ),
    **{
        f"columns shifted by {n}": lambda t, n=n: t.assign(
            **dict(zip(AXES, np.roll(t[AXES].to_numpy(), n, axis=1).T, strict=True))
        )
        for n in range(1, 6)
    },
}


@pytest.mark.parametrize("case", MEANING)
def test_tables_of_damaged_meaning(case, tmp_path):
    path = tmp_path / "my.csv"
    MEANING[case](written()).to_csv(path, index=False)
    facts = open_table(path, OPTIONS)
    try:
        made = build(facts, facts.read(path))
    except ValueError as error:
        assert_says(error, "my")
        return
    assert any("gravity does not turn" in flag for flag in made.flags)


archive_damage = st.tuples(
    st.sampled_from(
        ["bytes", "cut", "missing", "dtype", "shape", "values", "pickle", "offsets"]
    ),
    numbers,
    st.integers(0, 255),
)


@functools.cache
def packed() -> dict:
    """The arrays that are damaged: three windows of 32 s."""
    signal = written()[AXES].to_numpy(np.float32)
    return dict(
        x=signal.reshape(3, -1, 1, 6),
        y=np.array([0, 1, 0]),
        classes=np.array(["sitting", "walking"]),
        sites=np.array(["left wrist"]),
        subject=np.array([1, 1, 2]),
        fs=np.float32(RATE_HZ),
    )


def archive(kind, a, b) -> bytes:
    """An npz file, damaged."""
    arrays = dict(packed())
    name = sorted(arrays)[a % len(arrays)]
    array = arrays[name]
    if kind == "missing":
        del arrays[name]
    elif kind == "dtype":
        arrays[name] = array.astype(("U9", "c8", "S3", "O")[b % 3])
    elif kind == "shape":
        arrays[name] = (array[None], array[..., None], array.reshape(-1)[1:])[b % 3]
    elif kind == "values":
        name = ("y", "classes", "sites", "fs")[a % 4]
        broken = np.array(arrays[name])
        if broken.dtype.kind == "U":
            broken[...] = ("moon", "", "left wrist")[b % 3]
        else:
            broken.reshape(-1)[b % broken.size] = (-1, 10**6, 0)[b % 3]
        arrays[name] = broken
    elif kind == "pickle":
        arrays[name] = np.array([{"a": 1}], dtype=object)
    elif kind == "offsets":
        moved = np.array([0, 0, a % 1000 - 500, b % 3 - 1])
        arrays["offsets"] = np.arange(4) * 800 + moved
        arrays["x"] = arrays["x"].reshape(-1, 1, 6)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    content = file.getvalue()
    place = a % len(content)
    if kind == "cut":
        content = content[:place]
    elif kind == "bytes":
        flipped = bytes([content[place] ^ (1 + b % 255)])
        content = content[:place] + flipped + content[place + 1 :]
    return content


@two_hundred
@given(archive_damage)
def test_damaged_archives(tmp_path_factory, damage):
    path = tmp_path_factory.mktemp("damaged") / "my.npz"
    path.write_bytes(archive(*damage))
    try:
        facts = open_npz(path)
        made = build(facts, facts.read(path))
        recordings = list(facts.read(path))
    except ValueError as error:
        assert_says(error, "my")
        return
    assert len(made)
    read = np.concatenate(
        [np.concatenate([s.values for s in r.streams], axis=1) for r in recordings]
    )
    np.testing.assert_array_equal(read, packed()["x"].reshape(-1, 6))
    if damage[0] in ("bytes", "cut"):
        labels = [int(r.spans.label[0]) for r in recordings]
        assert [facts.vocabulary.own[i] for i in labels] == [
            "sitting",
            "walking",
            "sitting",
        ]
        assert [r.subject for r in recordings] == ["1", "1", "2"]
        assert facts.rate_hz == RATE_HZ
