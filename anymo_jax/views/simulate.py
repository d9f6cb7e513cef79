"""From a window of motion and K setups of sensors to K full-body signals (Eq. 2)."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anymo_jax.body.skeleton import XSENS
from anymo_jax.geometry.rotation import matrix_from_quaternion
from anymo_jax.motion.prepared import MARGIN, RATE_HZ
from anymo_jax.simulation.imu import simulate_imu
from anymo_jax.simulation.mounting import joint_placements
from anymo_jax.simulation.noise import DeviceModel, apply_device, sample_device
from anymo_jax.simulation.noise_priors import NoisePriors
from anymo_jax.views.options import ViewOptions
from anymo_jax.views.orientation import sample_turns
from anymo_jax.views.placements import BodyTables, choose_placements

_NODES = len(XSENS)


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Setup:
    """One sensor on each of the 23 segments; many have a leading axis on both leaves.

    Attributes:
      offset: (23, 3) m, in the segment frames.
      frame: (23, 3, 3) segment from sensor, mounting rotation included.
    """

    offset: jax.Array
    frame: jax.Array


def draw_setup(
    key: Array,
    offset: Float[Array | np.ndarray, "P 3"],
    body: BodyTables,
    options: ViewOptions,
) -> Setup:
    """A candidate of each segment, turned by a mounting rotation of its own."""
    if options.joint_mounted:
        joints = joint_placements()
        return Setup(joints.offset, joints.frame)
    with jax.named_scope("views/placements"):
        place, turn = jax.random.split(key)
        chosen, frame = choose_placements(place, offset, body)
        turns = sample_turns(turn, options.mounting, _NODES)
        # Sums of products, which no backend rounds to fewer digits.
        turned = sum(frame[:, :, j, None] * turns[:, None, j] for j in range(3))
        return Setup(chosen, turned)


def simulate_setups(
    position: Float[Array | np.ndarray, "T 23 3"],
    quaternion: Float[Array | np.ndarray, "T 23 4"],
    setups: Setup,
    options: ViewOptions,
) -> Float[Array, "t 23 K 6"]:
    """Noise-free signals of K setups at once, t = T - 4: the context is cut off.

    Placements are ordered by segment, then setup, the order in which the simulator is
    fastest.
    """
    count = setups.offset.shape[0]
    with jax.named_scope("views/simulate"):
        rotation = jax.vmap(jax.vmap(matrix_from_quaternion))(jnp.asarray(quaternion))
        offset, frame = (jnp.swapaxes(x, 0, 1) for x in (setups.offset, setups.frame))
        signal = simulate_imu(
            jnp.asarray(position),
            rotation,
            np.repeat(np.arange(_NODES), count),
            offset.reshape(-1, 3),
            frame.reshape(-1, 3, 3),
            rate_hz=RATE_HZ,
            gravity=options.gravity,
            differentiation=options.differentiation,
        )
        inside = signal[MARGIN : signal.shape[0] - MARGIN]
        return inside.reshape(-1, _NODES, count, 6)


def add_device_noise(
    keys: Array,
    signal: Float[Array, "T 23 K 6"],
    priors: NoisePriors,
    model: DeviceModel,
) -> Float[Array, "T 23 K 6"]:
    """Readings of 23 devices for each of K setups, each drawn by itself.

    Args:
      keys: (K,) one random key per setup.
      signal: noise-free signals.
      priors: hardware priors.
      model: which effects devices have.
    """

    def read(key, true):
        device, noise = jax.random.split(key)
        return apply_device(noise, sample_device(device, priors, model), true, RATE_HZ)

    devices = signal.shape[1] * signal.shape[2]
    # The partitionable way of drawing bits takes six times as long on a CPU, and most
    # of all time here. Every device has a key of its own, so a batch is sharded over
    # the keys and no device's bits need ever be split.
    with jax.named_scope("views/noise"), jax.threefry_partitionable(False):
        keys = jax.vmap(lambda key: jax.random.split(key, _NODES))(keys)
        flat = signal.reshape(-1, devices, 6)
        noisy = jax.vmap(read, in_axes=(0, 1), out_axes=1)(keys.T.reshape(-1), flat)
        return noisy.reshape(signal.shape)


def cut_to_length(
    signal: Float[Array, "T 23 6"], length: Int[Array, ""]
) -> Float[Array, "T 23 6"]:
    """The signal, zero beyond its valid frames."""
    return jnp.where(_valid(signal.shape[0], length), signal, 0.0)


def _valid(frames: int, length: Int[Array, ""]) -> Bool[Array, "T 1 1"]:
    return (jnp.arange(frames) < length)[:, None, None]
