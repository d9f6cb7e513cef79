"""The noun of what sensors on the body observe of one window, real or simulated."""

import dataclasses

import jax
import numpy as np


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class View:
    """IMU signals on the body graph, as an encoder sees them.

    One example; many have a leading batch axis on every leaf.

    Attributes:
      signal: (T, 23, 6) specific force m/s^2, then angular rate rad/s, in each sensor's
        frame; zero beyond `length`.
      visible: (23,) bool, nodes that carry a sensor.
      channel_valid: (23, 6) bool, channels that a node's sensor has.
      length: () int32, valid frames.
    """

    signal: jax.Array | np.ndarray
    visible: jax.Array | np.ndarray
    channel_valid: jax.Array | np.ndarray
    length: jax.Array | np.ndarray
