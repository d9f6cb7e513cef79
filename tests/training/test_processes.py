"""Two real processes on the loopback fit as one process does."""

import os
import pathlib
import socket
import subprocess
import sys

import jax
import pytest

from anymo_jax.training.metrics import METRICS, read_rows
from tests.training import toy

ROOT = pathlib.Path(__file__).parents[2]
COUNT = 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes with two devices each have written."""
    folder = tmp_path_factory.mktemp("processes")
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "JAX_PLATFORMS": "cpu",
    }
    port = free_port()
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.training.process"]
            + [str(x) for x in (index, COUNT, port, folder)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(COUNT)
    ]
    try:
        told = [process.communicate(timeout=200)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, text in zip(processes, told, strict=True):
        assert process.returncode == 0, text
    return folder


def test_curve_is_that_of_one_process(folder, tmp_path):
    toy.fit_toy(tmp_path, devices=jax.devices()[:4])
    expected = read_rows(tmp_path / METRICS)
    rows = read_rows(folder / "whole" / METRICS)
    assert len(rows) == 4
    for row, one in zip(rows, expected, strict=True):
        assert row == pytest.approx(one, rel=1e-5)


def test_processes_leave_at_one_step(folder):
    """Though only one of them was asked to."""
    left = [(folder / f"left{index}").read_text() for index in range(COUNT)]
    assert left[0] == left[1]
    code, step = left[0].split()
    assert code == "143" and 4 < int(step) < 8
