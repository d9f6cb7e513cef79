"""Forward kinematics of the 23 segments from world rotations and bone offsets."""

import numpy as np
from jaxtyping import Array, Float

from anymo_jax.body.skeleton import XSENS

_PARENTS = np.array(XSENS.parents[1:])


def segment_positions(
    root: Float[Array | np.ndarray, "T 3"],
    rotation: Float[Array | np.ndarray, "T 23 3 3"],
    offsets: Float[Array | np.ndarray, "23 3"],
) -> Float[Array | np.ndarray, "T 23 3"]:
    """Segment origins in the world, in m: p_child = p_parent + R_parent offset_child.

    Numpy in, numpy out; JAX in, JAX out, under jit and vmap.

    Args:
      root: (T, 3) m, the pelvis.
      rotation: (T, 23, 3, 3) world from segment.
      offsets: (23, 3) m, each segment's origin from its parent's in T-pose.
    """
    xp = rotation.__array_namespace__()
    bones = xp.sum(rotation[:, _PARENTS] * offsets[None, 1:, None, :], axis=-1)
    origins = [root]
    for bone, parent in enumerate(_PARENTS.tolist()):
        origins.append(origins[parent] + bones[:, bone])
    return xp.stack(origins, axis=1)
