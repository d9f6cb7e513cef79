"""From moving segments and placements to IMU signals (paper, Eq. 2).

imu        the equation: motion terms once, a small linear map per placement
dense      every candidate of a recording, streamed in bounded memory
mounting   how sensors are turned on the surface; joint-mounted sensors
"""

from anymo_jax.simulation.dense import dense_signals
from anymo_jax.simulation.imu import simulate_imu
from anymo_jax.simulation.mounting import Mounting, joint_placements, mount

__all__ = ["Mounting", "dense_signals", "joint_placements", "mount", "simulate_imu"]
