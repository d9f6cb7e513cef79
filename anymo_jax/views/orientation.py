"""How the sensors of a view are turned: distributions of mounting rotations.

A turn T maps the turned sensor's axes to the unturned one's: the frame F becomes F T,
a reading x becomes T^T x. `simulation.mounting.Mounting` is the paper's distribution
(in-plane +-180, tilt +-10 degrees) and, with `any_orientation`, the whole of SO(3);
here are those that are made of it.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.simulation.mounting import Mounting, mounting_rotation

SURFACE = Mounting()
ANY_ORIENTATION = Mounting(any_orientation=True)
TEN_DEGREES = Mounting(in_plane_deg=10.0, tilt_deg=10.0)
NEAR_ALIGNED = Mounting(in_plane_deg=20.0, tilt_deg=20.0)


@dataclasses.dataclass(frozen=True)
class QuarterTurns:
    """Sensors put on along the body or across: 0, 90, 180, 270 degrees in the surface.

    Attributes:
      jitter: further rotation about each of these.
    """

    jitter: Mounting = TEN_DEGREES


@dataclasses.dataclass(frozen=True)
class Mixture:
    """Each sensor's rotation is drawn from one of several distributions.

    Attributes:
      parts: the distributions.
      weights: their relative frequencies.
    """

    parts: tuple[Mounting | QuarterTurns, ...]
    weights: tuple[float, ...]

    def __post_init__(self):
        if not self.parts or len(self.parts) != len(self.weights):
            raise ValueError(
                f"a mixture of {len(self.parts)} mountings has {len(self.weights)} "
                "weights; give one weight to each of one or more"
            )
        if min(self.weights) < 0 or sum(self.weights) <= 0:
            raise ValueError(f"weights={self.weights} of a mixture: give shares >= 0")


# As people wear devices: turned anyhow in the surface, along the limb, or in quarter
# turns from it; half of them with the screen to the body.
WORN = Mixture(
    (
        Mounting(flip=0.5),
        Mounting(in_plane_deg=20.0, tilt_deg=20.0, flip=0.5),
        QuarterTurns(Mounting(in_plane_deg=15.0, tilt_deg=15.0, flip=0.5)),
    ),
    (0.4, 0.2, 0.4),
)


def sample_turn(
    key: Array, mounting: Mounting | QuarterTurns | Mixture
) -> Float[Array, "3 3"]:
    """One mounting rotation: unturned from turned."""
    if isinstance(mounting, Mounting):
        return mounting_rotation(key, mounting)
    which, rest = jax.random.split(key)
    if isinstance(mounting, QuarterTurns):
        quarter = jax.random.randint(which, (), 0, 4)
        return _quarter(quarter) @ mounting_rotation(rest, mounting.jitter)
    share = jnp.array(mounting.weights) / sum(mounting.weights)
    chosen = jax.random.choice(which, len(mounting.parts), p=share)
    keys = jax.random.split(rest, len(mounting.parts))
    turns = [sample_turn(k, p) for k, p in zip(keys, mounting.parts, strict=True)]
    return jnp.stack(turns)[chosen]


def sample_turns(
    key: Array, mounting: Mounting | QuarterTurns | Mixture, count: int
) -> Float[Array, "K 3 3"]:
    """Independent mounting rotations."""
    keys = jax.random.split(key, count)
    return jax.vmap(lambda k: sample_turn(k, mounting))(keys)


def _quarter(quarter: Array) -> Float[Array, "3 3"]:
    """Exact rotation by so many right angles about the third axis."""
    cosine, sine = np.array([1.0, 0, -1, 0]), np.array([0.0, 1, 0, -1])
    zero, one = np.zeros(4), np.ones(4)
    rows = [[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, one]]
    return jnp.asarray(np.array(rows), jnp.float32)[:, :, quarter]
