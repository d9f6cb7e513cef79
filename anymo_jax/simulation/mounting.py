"""How sensors are turned on the surface (paper, sections 3.1 and 3.2, A.2, A.8).

A surface frame has columns tangent, binormal, normal, so the sensor's own z axis is the
surface normal. Turning the sensor in the surface is a rotation about that axis, and
`frame @ turn` is the same sensor turned by `turn` in its own axes: the paper's
Delta R R_surf with Delta R about the NORMAL, not about a world axis. A reading x of the
unturned sensor becomes turn^T x.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.body.placement import Placements
from anymo_jax.body.skeleton import XSENS
from anymo_jax.geometry import rotation

# Half a turn about the sensor's own x axis negates the other two columns.
_HALF_TURN = np.array([1.0, -1.0, -1.0], np.float32)[None]


@dataclasses.dataclass(frozen=True)
class Mounting:
    """Distribution of mounting rotations.

    Attributes:
      in_plane_deg: half range of the uniform rotation about the normal.
      tilt_deg: half range of the uniform tilts about the two tangent axes.
      any_orientation: a uniform rotation from SO(3) instead of both.
      flip: chance that the device is worn the other way round, its z axis into the
        body: a telephone whose screen faces the leg.

    Raises:
      ValueError: for a flip that is no chance.
    """

    in_plane_deg: float = 180.0
    tilt_deg: float = 10.0
    any_orientation: bool = False
    flip: float = 0.0

    def __post_init__(self):
        if not 0 <= self.flip <= 1:
            raise ValueError(f"flip = {self.flip} is no chance; give 0 to 1")


def mounting_rotation(key: Array, mounting: Mounting) -> Float[Array, "3 3"]:
    """One rotation in the sensor's own axes: unturned from turned."""
    if mounting.any_orientation:
        return rotation.random(key)
    limits = jnp.array([mounting.tilt_deg, mounting.tilt_deg, mounting.in_plane_deg])
    angles = jnp.deg2rad(limits) * jax.random.uniform(key, (3,), minval=-1, maxval=1)
    tilt_x, tilt_y, in_plane = (
        rotation.about_axis(axis, angle)
        for axis, angle in zip(jnp.eye(3), angles, strict=True)
    )
    turn = in_plane @ tilt_x @ tilt_y
    if not mounting.flip:
        return turn
    flipped = jax.random.bernoulli(jax.random.fold_in(key, 1), mounting.flip)
    return jnp.where(flipped, turn * _HALF_TURN, turn)


def mount(key: Array, placements: Placements, mounting: Mounting) -> Placements:
    """Every placement turned by a rotation of its own."""
    keys = jax.random.split(key, placements.segment.shape[0])
    turns = jax.vmap(lambda k: mounting_rotation(k, mounting))(keys)
    return dataclasses.replace(placements, frame=placements.frame @ turns)


def joint_placements() -> Placements:
    """One sensor at each segment's origin with the segment's axes (A.8, ablation)."""
    count = len(XSENS)
    return Placements(
        segment=jnp.arange(count),
        offset=jnp.zeros((count, 3)),
        frame=jnp.tile(jnp.eye(3), (count, 1, 1)),
    )
