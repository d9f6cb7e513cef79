"""The T-pose of a BVH skeleton, and the axes of its file."""

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from anymo_jax.motion.bvh.conventions import Convention
from anymo_jax.motion.bvh.parser import Bvh

# Cosine to a coordinate axis above which a body axis counts as that axis.
_ALONG_AXIS = 0.8

# Limb segments, the segment that ends each, and where they point in T-pose.
_LIMBS = (
    ("UpperArm", "Forearm", "outward"),
    ("Forearm", "Hand", "outward"),
    ("UpperLeg", "LowerLeg", "down"),
    ("LowerLeg", "Foot", "down"),
)


def tpose_rotations(bvh: Bvh, convention: Convention) -> Float[np.ndarray, "J 3 3"]:
    """Rotation of each joint in T-pose, file from joint (see `conventions`).

    Raises:
      ValueError: the rest pose stands along no coordinate axes, or a limb has no
        length there.
    """
    if convention.tpose_rotation:
        turned = {
            joint: Rotation.from_quat(quaternion, scalar_first=True).as_matrix()
            for joint, quaternion in convention.tpose_rotation.items()
        }
        return _with_followers(bvh, turned)
    straight = np.tile(np.eye(3), (len(bvh.names), 1, 1))
    rest = tpose_positions(bvh, straight)
    _, left, up = file_axes(bvh, convention, rest)
    turned = {}
    for side, outward in (("R", -left), ("L", left)):
        for segment, end, direction in _LIMBS:
            joint, tip = (
                _joint(convention, side, segment),
                _joint(convention, side, end),
            )
            parent = bvh.parents[bvh.names.index(joint)]
            parent_turn = _with_followers(bvh, turned)[parent]
            bone = rest[bvh.names.index(tip)] - rest[bvh.names.index(joint)]
            if not bone.any():
                raise ValueError(
                    f"{bvh.path}: joints {joint} and {tip} coincide in the rest pose, "
                    "so its T-pose is unknown; give a Convention with tpose_rotation"
                )
            target = outward if direction == "outward" else -up
            shortest, _ = Rotation.align_vectors(target, parent_turn @ bone)
            turned[joint] = shortest.as_matrix() @ parent_turn
    return _with_followers(bvh, turned)


def tpose_positions(
    bvh: Bvh, rotations: Float[np.ndarray, "J 3 3"]
) -> Float[np.ndarray, "J 3"]:
    """Joint positions, in file units, of a pose given by global rotations."""
    positions = np.zeros((len(bvh.names), 3))
    for joint, parent in enumerate(bvh.parents):
        if parent >= 0:
            offset = rotations[parent] @ bvh.offsets[joint]
            positions[joint] = positions[parent] + offset
    return positions


def file_axes(
    bvh: Bvh, convention: Convention, tpose: Float[np.ndarray, "J 3"]
) -> Float[np.ndarray, "3 3"]:
    """Forward, left and up of the T-pose as rows, in the file's axes.

    As a matrix it maps the file's coordinates to those of `body.skeleton`. Up is the
    coordinate axis nearest to the line from the hips to the head, left the one nearest
    to the line from the right hip to the left.
    """

    def joint(segment: str) -> np.ndarray:
        return tpose[bvh.names.index(convention.segments[segment].origin[0])]

    right_hip, left_hip = joint("R_UpperLeg"), joint("L_UpperLeg")
    up = _nearest_axis(joint("Head") - (right_hip + left_hip) / 2)
    left = _nearest_axis(left_hip - right_hip)
    if up is None or left is None or np.dot(up, left):
        raise ValueError(
            f"{bvh.path}: the rest pose does not stand upright along coordinate axes; "
            "give load_bvh a Convention with tpose_rotation"
        )
    return np.stack([np.cross(left, up), left, up])


def _nearest_axis(direction: Float[np.ndarray, "3"]) -> np.ndarray | None:
    largest = np.abs(direction).argmax()
    if np.abs(direction[largest]) < _ALONG_AXIS * np.linalg.norm(direction):
        return None
    return np.sign(direction[largest]) * np.eye(3)[largest]


def _joint(convention: Convention, side: str, segment: str) -> str:
    return convention.segments[f"{side}_{segment}"].turn[0]


def _with_followers(
    bvh: Bvh, turned: dict[str, np.ndarray]
) -> Float[np.ndarray, "J 3 3"]:
    """All joints' rotations: those given, and every other one as its parent's."""
    rotations = np.tile(np.eye(3), (len(bvh.names), 1, 1))
    for joint, (name, parent) in enumerate(zip(bvh.names, bvh.parents, strict=True)):
        if name in turned:
            rotations[joint] = turned[name]
        elif parent >= 0:
            rotations[joint] = rotations[parent]
    return rotations
