"""Where the joints of a BVH file are: forward kinematics."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from anymo_jax.motion.bvh.parser import Bvh


def joint_poses(
    bvh: Bvh,
) -> tuple[Float[np.ndarray, "T J 3"], Float[np.ndarray, "T J 3 3"]]:
    """Position (file units) and rotation (world from joint) of every joint.

    Rotation channels apply in their order of appearance, each about the axis already
    turned by those before it (intrinsic). Position channels replace the joint's OFFSET,
    which is what exporters mean by them: Bandai's files repeat the offset in the
    channels of every joint, and a root's offset is zero or its rest position. Where
    only some axes have a position channel the others keep the offset.
    """
    count = len(bvh.frames)
    position = np.empty((count, len(bvh.names), 3))
    rotation = np.empty((count, len(bvh.names), 3, 3))
    first = 0
    for joint, (parent, channels) in enumerate(
        zip(bvh.parents, bvh.channels, strict=True)
    ):
        values = bvh.frames[:, first : first + len(channels)]
        first += len(channels)
        local = np.broadcast_to(bvh.offsets[joint], (count, 3)).copy()
        for column, channel in enumerate(channels):
            if channel.endswith("position"):
                local[:, "XYZ".index(channel[0])] = values[:, column]
        turn = _local_rotation(channels, values)
        if parent < 0:
            position[:, joint], rotation[:, joint] = local, turn
        else:
            parent_turn = rotation[:, parent]
            position[:, joint] = position[:, parent] + np.einsum(
                "tij,tj->ti", parent_turn, local
            )
            rotation[:, joint] = parent_turn @ turn
    return position, rotation


def _local_rotation(
    channels: tuple[str, ...], values: Float[np.ndarray, "T C"]
) -> Float[np.ndarray, "T 3 3"]:
    columns = [i for i, name in enumerate(channels) if name.endswith("rotation")]
    if not columns:
        return np.broadcast_to(np.eye(3), (len(values), 3, 3))
    # Upper-case letters are SciPy's intrinsic sequence.
    sequence = "".join(channels[i][0] for i in columns)
    return Rotation.from_euler(sequence, values[:, columns], degrees=True).as_matrix()
