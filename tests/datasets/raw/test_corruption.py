"""Random damage to valid files: a right read or a clear error, never anything else."""

import io
import pathlib

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anymo_jax.datasets.raw import DATASETS
from tests.datasets.raw.layouts import DEGREE, G, motion, to_text, write


def segment(imu):
    return to_text(np.hstack([np.hstack([imu, imu[:, :3]])] * 5), form="%.4f")


def mat(imu):
    buffer = io.BytesIO()
    scaled = imu / np.array([G, G, G, DEGREE, DEGREE, DEGREE])
    scipy.io.savemat(buffer, {"d_iner": scaled})
    return buffer.getvalue()


def dated(imu):
    stamps = np.arange(len(imu))[:, None] * 50_000_000
    rows = zip(stamps[:, 0], imu[:, :3], strict=True)
    return "".join(f"1600,A,{t},{x:.4f},{y:.4f},{z:.4f};\n" for t, (x, y, z) in rows)


FILES = {
    "dsads": ("data/a01/p1/s01.txt", segment(motion(5, 25)).encode()),
    "utd_mhad": ("Inertial/a1_s1_t1_inertial.mat", mat(motion(4, 50))),
    "wisdm": (
        "raw/watch/accel/data_1600_accel_watch.txt",
        dated(motion(20, 20)).encode(),
    ),
}


@st.composite
def damage(draw, data):
    """Bytes with something cut off, left out, doubled or changed."""
    how = draw(st.sampled_from(("cut", "leave out", "double", "change", "swap")))
    start = draw(st.integers(0, len(data) - 1))
    end = min(len(data), start + draw(st.integers(1, 60)))
    if how == "cut":
        return data[:start]
    if how == "leave out":
        return data[:start] + data[end:]
    if how == "double":
        return data[:end] + data[start:]
    if how == "swap":
        other = draw(
            st.sampled_from((b",", b"\n", b" ", b"-", b".", b"e", b"x", b"\0"))
        )
        return data[:start] + other + data[start + 1 :]
    new = draw(st.binary(min_size=end - start, max_size=end - start))
    return data[:start] + new + data[end:]


def read(name, root, data):
    write(pathlib.Path(root) / FILES[name][0], data)
    return list(DATASETS[name].read(pathlib.Path(root)))


def table(recordings):
    """All numbers of a dataset, by what they are of."""
    return {
        (r.source, s.site, s.kind): np.column_stack([s.time, s.values])
        for r in recordings
        for s in r.streams
    }


@pytest.mark.parametrize("name", FILES)
def test_damage_ends_in_a_right_read_or_in_an_error_that_names_the_file(
    name, tmp_path_factory
):
    root = tmp_path_factory.mktemp(name)
    path, data = FILES[name]
    whole = table(read(name, root, data))

    @settings(
        max_examples=70,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(damage(data))
    def check(damaged):
        try:
            read_back = table(read(name, root, damaged))
        except ValueError as error:
            assert pathlib.Path(path).name.split(".")[0] in str(error)
            return
        # No checksum guards the numbers of a MATLAB file: only its shape can be seen.
        if name == "utd_mhad":
            assert all(values.shape[1] == 4 for values in read_back.values())
            return
        # What is read is what stands there: all but the few lines that were touched.
        assert sum(map(len, (different(k, v) for k, v in read_back.items()))) <= 40

    def different(key, rows):
        there = {row.tobytes() for row in whole.get(key, np.empty((0, 4)))}
        return [row for row in rows if row.tobytes() not in there]

    check()


def test_a_file_cut_anywhere_is_noticed(tmp_path):
    """Where a line ends as it should, lines are missing; elsewhere it is cut short."""
    _, data = FILES["dsads"]
    for end in range(1, len(data) - 7, 97):
        with pytest.raises(ValueError, match=r"s01\.txt"):
            read("dsads", tmp_path, data[:end])
