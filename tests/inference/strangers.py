"""A stranger's table: of a real watch where there is data, else of a simulated one."""

import os
import pathlib

import numpy as np
import pandas

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion import sample_clip
from anymo_jax.simulation import simulate_imu

AXES = [f"{kind}_{axis}" for kind in ("acc", "gyro") for axis in "xyz"]
RATE_HZ = 20.0


def strangers_table() -> pandas.DataFrame:
    """A minute of a walker's wrist at 20 Hz: time in s, m/s^2, rad/s."""
    folder = os.environ.get("ANYMO_DATA")
    signal = _watch(pathlib.Path(folder)) if folder else _simulated()
    made = pandas.DataFrame(signal, columns=AXES)
    made.insert(0, "time", np.round(np.arange(len(made)) / RATE_HZ, 6))
    return made


def _watch(folder: pathlib.Path) -> np.ndarray:
    """Six windows of the first person's walk, one after the other."""
    with np.load(folder / "har" / "wisdm_watch.npz", allow_pickle=False) as file:
        first = file["subject"] == file["subject"][0]
        walks = file["y"] == file["classes"].tolist().index("walking")
        return file["x"][first & walks][:6, :, 0].reshape(-1, 6)


def _simulated() -> np.ndarray:
    clip = sample_clip("walking_forward", seed=0, duration_s=60.0, rate_hz=RATE_HZ * 5)
    motion = clip.motion
    signal = simulate_imu(
        motion.position,
        motion.rotation,
        np.array([XSENS.index("R_Forearm")]),
        np.array([[0.0, -0.2, 0.02]]),
        np.eye(3)[None],
        rate_hz=motion.rate_hz,
    )
    rng = np.random.default_rng(0)
    # The mean of five keeps what a watch's own filter would.
    made = np.asarray(signal)[: 1200 * 5, 0].reshape(1200, 5, 6).mean(axis=1)
    return made + rng.normal(0, 0.02, made.shape)
