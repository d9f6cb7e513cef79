"""From moving segments and placements to IMU signals (paper, Eq. 2).

imu          the equation: motion terms once, a small linear map per placement
dense        every candidate of a recording, streamed in bounded memory
kernel       the same on an NVIDIA GPU, each signal written once
mounting     how sensors are turned on the surface; joint-mounted sensors
noise        what a device makes of a signal; `noise_priors`: by how much
quiet, allan    noise of real streams, from which the priors were estimated
fit, lag     where a real sensor sat on a known motion, and its clock
"""

from anymo_jax.simulation.dense import dense_signals
from anymo_jax.simulation.fit import FittedPlacement, fit_placement, predict_imu
from anymo_jax.simulation.imu import simulate_imu
from anymo_jax.simulation.mounting import Mounting, joint_placements, mount
from anymo_jax.simulation.noise import (
    WHITE_ONLY,
    Device,
    DeviceModel,
    apply_device,
    sample_device,
)
from anymo_jax.simulation.noise_priors import NoisePriors, load_priors

__all__ = [
    "WHITE_ONLY",
    "Device",
    "DeviceModel",
    "FittedPlacement",
    "Mounting",
    "NoisePriors",
    "apply_device",
    "dense_signals",
    "fit_placement",
    "joint_placements",
    "load_priors",
    "mount",
    "predict_imu",
    "sample_device",
    "simulate_imu",
]
