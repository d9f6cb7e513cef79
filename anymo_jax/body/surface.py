"""The noun of the body's surface, and linear blend skinning of it."""

import dataclasses

import jax
import numpy as np


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class BodySurface:
    """A skinned triangle mesh of a body in T-pose.

    World frame of the T-pose: facing +X, left +Y, up +Z, metres, soles at z = 0. In
    this pose every segment frame has the world's axes, so a direction on the template
    is a direction in the segment frame.

    Attributes:
      vertices: (V, 3) m, in T-pose.
      faces: (F, 3) int, counter-clockwise seen from outside.
      skinning: (V, J) weights, non-negative, each row of sum one.
      rest_joints: (J, 3) m, joint positions in T-pose.
      joint_names: names of the J joints (static).
      joint_segment: segment index of each joint, 0 to 22 (static). Several joints may
        belong to one segment; every segment owns at least one joint, and the FIRST
        joint of a segment is the segment's origin.
    """

    vertices: jax.Array | np.ndarray
    faces: jax.Array | np.ndarray
    skinning: jax.Array | np.ndarray
    rest_joints: jax.Array | np.ndarray
    joint_names: tuple[str, ...] = dataclasses.field(metadata={"static": True})
    joint_segment: tuple[int, ...] = dataclasses.field(metadata={"static": True})
