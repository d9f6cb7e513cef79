"""A skinned mesh brought from its rest pose into T-pose."""

import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface

_FORWARD, _LEFT, _UP = np.eye(3)
# Sine of the elbow's bend below which it does not tell where the elbow opens.
_STRAIGHT = 0.1


def to_t_pose(surface: BodySurface, parents: np.ndarray) -> BodySurface:
    """Poses a surface in T-pose by linear blend skinning with its own joints.

    Arms: upper arm and forearm level to the side, the elbow's bend opening forward (a
    straight elbow's upper arm comes by the shortest turn); the palm down with the
    thumb forward, half of the forearm's twist at the elbow and half at the wrist. Legs:
    thigh and shank straight down, turned as a whole so that the foot points forward;
    the foot itself turns about the vertical only, so the sole stays as flat as it was.

    Args:
      surface: in any rest pose, axes as the project's, facing +X.
      parents: (J,) parent of each joint, -1 for the root.

    Raises:
      ValueError: a limb's joints coincide, or a hand has no thumb joint.
    """
    turned = {}
    for side, sign in (("R", -1.0), ("L", 1.0)):
        turned |= _arm(surface, side, sign)
        turned |= _leg(surface, side)
    rest = np.asarray(surface.rest_joints)
    rotation = np.tile(np.eye(3), (len(parents), 1, 1))
    position = rest.copy()
    for joint, parent in enumerate(parents):
        if parent >= 0:
            rotation[joint] = rotation[parent]
            offset = rest[joint] - rest[parent]
            position[joint] = position[parent] + rotation[parent] @ offset
        if joint in turned:
            rotation[joint] = turned[joint]
    vertices = _blend(surface, rotation, position)
    pelvis = position[_joint(surface, "Pelvis")]
    shift = np.array([pelvis[0], pelvis[1], vertices[:, 2].min()])
    return dataclasses.replace(
        surface, vertices=vertices - shift, rest_joints=position - shift
    )


def _arm(surface: BodySurface, side: str, sign: float) -> dict[int, np.ndarray]:
    outward = sign * _LEFT
    upper, fore, hand = (
        _joint(surface, f"{side}_{n}") for n in ("UpperArm", "Forearm", "Hand")
    )
    rest = np.asarray(surface.rest_joints)
    upper_axis, fore_axis = rest[fore] - rest[upper], rest[hand] - rest[fore]
    if _bend(upper_axis, fore_axis) > _STRAIGHT:
        upper_rotation = _turn(upper_axis, fore_axis, outward, _FORWARD)
    else:
        upper_rotation = _shortest(upper_axis, outward)
    straight = _shortest(upper_rotation @ fore_axis, outward) @ upper_rotation
    hand_axis, thumb_side = _hand_axes(surface, side)
    hand_rotation = _turn(hand_axis, thumb_side, outward, _FORWARD)
    twist = _twist(hand_rotation @ straight.T, outward)
    half = Rotation.from_rotvec(0.5 * twist * outward).as_matrix()
    return {upper: upper_rotation, fore: half @ straight, hand: hand_rotation}


def _leg(surface: BodySurface, side: str) -> dict[int, np.ndarray]:
    upper, lower, foot, toe = (
        _joint(surface, f"{side}_{n}") for n in ("UpperLeg", "LowerLeg", "Foot", "Toe")
    )
    rest = np.asarray(surface.rest_joints)
    heading = (rest[toe] - rest[foot]) * [1, 1, 0]
    return {
        upper: _turn(rest[lower] - rest[upper], heading, -_UP, _FORWARD),
        lower: _turn(rest[foot] - rest[lower], heading, -_UP, _FORWARD),
        foot: _turn(_UP, heading, _UP, _FORWARD),
    }


def _hand_axes(surface: BodySurface, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Direction of the fingers, and in the palm's plane that of the thumb's side."""
    segment = XSENS.index(f"{side}_Hand")
    wrist = _joint(surface, f"{side}_Hand")
    joints = [j for j, s in enumerate(surface.joint_segment) if s == segment]
    thumbs = [j for j in joints if "thumb" in surface.joint_names[j].lower()]
    if not thumbs:
        raise ValueError(
            f"no joint of {side}_Hand has 'thumb' in its name, so the palm is unknown"
        )
    weights = np.asarray(surface.skinning)
    fingers = weights[:, [j for j in joints if j not in thumbs]].sum(axis=1)
    vertices, rest = np.asarray(surface.vertices), np.asarray(surface.rest_joints)
    centre = fingers @ vertices / fingers.sum()
    spread = (vertices - centre) * np.sqrt(fingers)[:, None]
    # The palm is flat: its normal is the direction of least spread.
    normal = np.linalg.eigh(spread.T @ spread)[1][:, 0]
    axis = centre - rest[wrist]
    thumb_side = np.cross(axis, normal)
    if thumb_side @ (rest[thumbs[0]] - rest[wrist]) < 0:
        thumb_side = -thumb_side
    return axis, thumb_side


def _joint(surface: BodySurface, segment: str) -> int:
    return surface.joint_segment.index(XSENS.index(segment))


def _bend(start: np.ndarray, end: np.ndarray) -> float:
    """Sine of the angle between two directions."""
    lengths = np.linalg.norm(start) * np.linalg.norm(end)
    if lengths == 0:
        raise ValueError("two joints of an arm coincide")
    return float(np.linalg.norm(np.cross(start, end)) / lengths)


def _turn(
    axis: np.ndarray, side: np.ndarray, new_axis: np.ndarray, new_side: np.ndarray
) -> np.ndarray:
    """Rotation of `axis` to `new_axis` and of `side` as near `new_side` as can be."""
    return _frame(new_axis, new_side) @ _frame(axis, side).T


def _frame(axis: np.ndarray, side: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(axis)
    if length == 0:
        raise ValueError("two joints of a limb coincide")
    first = axis / length
    second = side - (side @ first) * first
    size = np.linalg.norm(second)
    if size < 1e-3 * np.linalg.norm(side):
        raise ValueError("a foot points straight down, or a thumb along its hand")
    second = second / size
    return np.column_stack([first, second, np.cross(first, second)])


def _shortest(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Rotation by the smallest angle from one direction to another."""
    start = start / np.linalg.norm(start)
    axis = np.cross(start, end)
    sine = np.linalg.norm(axis)
    angle = np.arctan2(sine, start @ end)
    return Rotation.from_rotvec(axis * (angle / max(sine, 1e-12))).as_matrix()


def _twist(rotation: np.ndarray, axis: np.ndarray) -> float:
    """Angle in rad of a rotation's twist about an axis (swing-twist decomposition)."""
    x, y, z, w = Rotation.from_matrix(rotation).as_quat()
    angle = 2 * np.arctan2(np.array([x, y, z]) @ axis, w)
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _blend(
    surface: BodySurface, rotation: np.ndarray, position: np.ndarray
) -> np.ndarray:
    weights = np.asarray(surface.skinning)
    vertices, rest = np.asarray(surface.vertices), np.asarray(surface.rest_joints)
    shift = position - np.einsum("jab,jb->ja", rotation, rest)
    blended = (weights @ rotation.reshape(-1, 9)).reshape(-1, 3, 3)
    return np.einsum("vab,vb->va", blended, vertices) + weights @ shift
