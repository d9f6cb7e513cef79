"""The written record: exact numbers, one curve after a resume, readable events."""

import struct

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event

from anymo_jax.training.metrics import METRICS, TENSORBOARD, TIMING, Record, read_rows


def events(folder):
    """Scalars of all event files: records of (length, crc, bytes, crc)."""
    for path in sorted((folder / TENSORBOARD).iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = Event.FromString(data[12 : 12 + length])
            yield from (
                (event.step, v.tag, v.simple_value) for v in event.summary.value
            )
            data = data[16 + length :]


def test_floats_come_back_bit_for_bit(tmp_path):
    values = np.random.default_rng(0).normal(size=20).astype(np.float32) * 1e-7
    with Record(tmp_path, 0) as record:
        for step, value in enumerate(values, 1):
            record.metrics(step, {"loss": float(value)})
    rows = read_rows(tmp_path / METRICS)
    assert [row["loss"] for row in rows] == [float(value) for value in values]


def test_clock_and_curve_are_apart_and_both_in_tensorboard(tmp_path):
    with Record(tmp_path, 0) as record:
        record.metrics(1, {"loss": 0.5, "norm": 2.0})
        record.timing(1, {"mfu": 0.25})
    assert read_rows(tmp_path / METRICS) == [{"step": 1, "loss": 0.5, "norm": 2.0}]
    assert read_rows(tmp_path / TIMING) == [{"step": 1, "mfu": 0.25}]
    assert list(events(tmp_path)) == [
        (1, "loss", 0.5),
        (1, "norm", 2.0),
        (1, "mfu", 0.25),
    ]


def test_rows_beyond_the_resumed_step_are_dropped(tmp_path):
    with Record(tmp_path, 0) as record:
        for step in (10, 20, 30):
            record.metrics(step, {"loss": float(step)})
            record.timing(step, {"mfu": 0.1})
    with Record(tmp_path, 20) as record:
        record.metrics(30, {"loss": -1.0})
    assert [r["loss"] for r in read_rows(tmp_path / METRICS)] == [10.0, 20.0, -1.0]
    assert [r["step"] for r in read_rows(tmp_path / TIMING)] == [10, 20]
    with Record(tmp_path, 0):
        assert read_rows(tmp_path / METRICS) == []


def test_a_row_that_was_cut_off_is_dropped_and_no_other(tmp_path):
    path = tmp_path / METRICS
    path.write_text('{"step": 1, "loss": 2.0}\n{"step": 2, "lo')
    with Record(tmp_path, 5) as record:
        record.metrics(6, {"loss": 1.0})
    assert [row["step"] for row in read_rows(path)] == [1, 6]
    path.write_text('{"step": 1, "lo\n{"step": 2, "loss": 1.0}\n')
    with pytest.raises(ValueError, match="line 1 is no JSON"):
        Record(tmp_path, 5)


def test_what_is_not_finite_is_null(tmp_path):
    with Record(tmp_path, 0) as record:
        record.metrics(1, {"mean": float("nan"), "loss": 1.0})
    assert (
        tmp_path / METRICS
    ).read_text() == '{"step": 1, "mean": null, "loss": 1.0}\n'


def test_other_processes_write_nothing(tmp_path):
    with Record(tmp_path, 0, write=False) as record:
        record.metrics(1, {"loss": 1.0})
    assert not list(tmp_path.iterdir())
