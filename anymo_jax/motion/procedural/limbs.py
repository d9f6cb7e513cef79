"""Arms and legs: from joint angles or from targets to segment rotations.

All is computed for the RIGHT side; the left is its mirror image in the plane y = 0.
Two-bone inverse kinematics is the law of cosines in the plane of the limb. That plane
is carried along from a neutral limb by the smallest rotation, so it is smooth
everywhere but at one direction that no limb reaches (behind the opposite shoulder,
above the hip), and the extra turn about the line from root to end is the `swivel`.
"""

import dataclasses

import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.motion.procedural.figure import Figure

MIRROR = np.array([1.0, -1.0, 1.0])
_HANGING = Rotation.from_euler("x", 90, degrees=True).as_matrix()
# Share of limb length from which the reach is softly limited, and its final limit.
_SOFT_REACH, _REACH = 0.986, 0.999

Angle = np.ndarray | float | int
Vector = np.ndarray | list[float] | tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class ArmAngles:
    """An arm by joint angles in rad, each a scalar or (T,); zero is a hanging arm.

    The same signs on both sides: `flexion` swings the arm forward, `abduction` out to
    the side, `rotation` turns the forearm inwards, `elbow` bends, `pronation` turns
    the palm from facing the thigh (0) to facing back, `wrist_flexion` bends towards
    the palm, `wrist_deviation` towards the thumb.
    """

    flexion: Angle = 0.0
    abduction: Angle = 0.08
    rotation: Angle = 0.0
    elbow: Angle = 0.2
    pronation: Angle = 0.2
    wrist_flexion: Angle = 0.0
    wrist_deviation: Angle = 0.0


@dataclasses.dataclass(frozen=True)
class HandTrack:
    """An arm by where its wrist is; the shoulder and elbow follow.

    Attributes:
      position: (T, 3) or (3,) m, the wrist joint (origin of the hand segment), true
        coordinates (+Y is the body's left) in `frame`.
      frame: "shoulder" (axes of T8, origin at that side's shoulder joint at rest),
        "trunk" (T8 segment), "head" or "pelvis" segment, or "world".
      swivel: rad, scalar or (T,); 0 leaves the elbow where a relaxed arm has it (below
        the hand, a little out), positive raises it outwards, to either side.
      rotation: (T, 3, 3) or (3, 3) hand frame in `frame` (see `hand_rotation`), or None
        to take the three angles instead, which mean what they mean in `ArmAngles`.
    """

    position: np.ndarray
    frame: str = "shoulder"
    swivel: Angle = 0.0
    rotation: np.ndarray | None = None
    pronation: Angle = 0.2
    wrist_flexion: Angle = 0.0
    wrist_deviation: Angle = 0.0


@dataclasses.dataclass(frozen=True)
class LegAngles:
    """A leg by joint angles in rad, each a scalar or (T,); zero is a straight leg.

    The same signs on both sides: `flexion` of the hip, `abduction` outwards,
    `rotation` turns the foot inwards, `knee` bends, `ankle` dorsiflexes, `toe` extends.
    """

    flexion: Angle = 0.0
    abduction: Angle = 0.0
    rotation: Angle = 0.0
    knee: Angle = 0.0
    ankle: Angle = 0.0
    toe: Angle = 0.0


@dataclasses.dataclass(frozen=True)
class FootTrack:
    """A leg by where its ankle is; the hip and knee follow.

    Attributes:
      position: (T, 3) or (3,) m, ankle joint in the world.
      rotation: (T, 3, 3) or (3, 3), world from foot.
      knee_out: rad, scalar or (T,); positive turns the knee outwards.
      toe: rad, extension of the toes.
    """

    position: np.ndarray
    rotation: np.ndarray
    knee_out: Angle = 0.0
    toe: Angle = 0.0


def about(axis: str, angle: Angle, count: int) -> np.ndarray:
    """Rotations (count, 3, 3) about one axis, "x", "y" or "z", by angles in rad."""
    angle = np.broadcast_to(np.asarray(angle, float), (count,))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.zeros((count, 3, 3))
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix[:, 3 - i - j, 3 - i - j] = 1.0
    matrix[:, i, i] = matrix[:, j, j] = cosine
    matrix[:, i, j], matrix[:, j, i] = -sine, sine
    return matrix


def mirrored(rotation: np.ndarray) -> np.ndarray:
    """Mirror image (..., 3, 3) of rotations in the plane y = 0."""
    return rotation * np.outer(MIRROR, MIRROR)


def hand_rotation(fingers: Vector, palm: Vector, side: str) -> np.ndarray:
    """Hand frame from two directions, for `HandTrack.rotation`.

    Args:
      fingers: (3,) or (T, 3) direction the fingers point in; need not be unit.
      palm: (3,) or (T, 3) direction the palm faces; its part along the fingers is
        dropped.
      side: "right" or "left".
    """
    fingers, palm = np.broadcast_arrays(
        np.asarray(fingers, float), np.asarray(palm, float)
    )
    along = fingers / np.linalg.norm(fingers, axis=-1, keepdims=True)
    out = palm - np.sum(palm * along, axis=-1, keepdims=True) * along
    out = out / np.linalg.norm(out, axis=-1, keepdims=True)
    y = -along if side == "right" else along
    z = -out
    return np.stack([np.cross(y, z), y, z], axis=-1)


def _smallest_turn(start: np.ndarray, end: np.ndarray, vector: np.ndarray):
    """A vector (3,) under the smallest turn of unit `start` onto each `end` (T, 3)."""
    cross = np.cross(start, end)
    cosine = np.maximum(end @ start, -0.999)
    twice = np.cross(cross, np.cross(cross, vector))
    return vector + np.cross(cross, vector) + twice / (1 + cosine)[:, None]


def _reach(line: np.ndarray, upper: float, lower: float):
    """Unit direction (T,3) and softly limited length (T,) of root to end."""
    length = np.linalg.norm(line, axis=-1)
    share = length / (upper + lower)
    span = _REACH - _SOFT_REACH
    limited = _SOFT_REACH + span * np.tanh((share - _SOFT_REACH) / span)
    share = np.where(share > _SOFT_REACH, limited, share)
    shortest = abs(upper - lower) / (upper + lower) + 0.02
    share = np.maximum(share, shortest)
    return line / np.maximum(length, 1e-9)[:, None], share * (upper + lower)


def _two_bones(direction, length, side_direction, upper, lower):
    """Unit directions (T,3) of the upper and lower bone; the joint bulges sideways."""
    cos_upper = (upper**2 + length**2 - lower**2) / (2 * upper * length)
    cos_lower = (lower**2 + length**2 - upper**2) / (2 * lower * length)
    sin_upper = np.sqrt(np.clip(1 - cos_upper**2, 0, 1))[:, None]
    sin_lower = np.sqrt(np.clip(1 - cos_lower**2, 0, 1))[:, None]
    first = cos_upper[:, None] * direction + sin_upper * side_direction
    second = cos_lower[:, None] * direction - sin_lower * side_direction
    return first, second


def _frame_of(bone: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """Right-handed frame (..., 3, 3) with columns bone, hinge x bone, hinge."""
    return np.stack([bone, np.cross(hinge, bone), hinge], axis=-1)


def _aligned(offset: np.ndarray, hinge: np.ndarray, bone, axis) -> np.ndarray:
    """Rotations (T,3,3) that turn a rest bone and its hinge onto given directions."""
    rest_bone = offset / np.linalg.norm(offset)
    rest_hinge = hinge - (hinge @ rest_bone) * rest_bone
    rest = _frame_of(rest_bone, rest_hinge / np.linalg.norm(rest_hinge))
    return _frame_of(bone, axis) @ rest.T


def _turned(vector: np.ndarray, axis: np.ndarray, angle: Angle) -> np.ndarray:
    """Vectors (T,3) orthogonal to unit axes, turned about them (Rodrigues)."""
    angle = np.broadcast_to(np.asarray(angle, float), vector.shape[:1])[:, None]
    return np.cos(angle) * vector + np.sin(angle) * np.cross(axis, vector)


# Direction of a relaxed right arm and of its elbow; the opposite direction, where the
# transported elbow is undefined, lies behind and above the other shoulder.
_RELAXED = np.array([0.30, -0.25, -0.92])
_RELAXED = _RELAXED / np.linalg.norm(_RELAXED)
_ELBOW = np.array([-0.9, -0.35, -0.2])
_ELBOW = _ELBOW - (_ELBOW @ _RELAXED) * _RELAXED
_ELBOW = _ELBOW / np.linalg.norm(_ELBOW)


def solve_right_arm(
    figure: Figure, shoulder_to_wrist: np.ndarray, swivel: Angle
) -> tuple[np.ndarray, np.ndarray]:
    """Upper arm and unpronated forearm (T,3,3) in the trunk frame, right side.

    Args:
      shoulder_to_wrist: (T, 3) m in the trunk frame.
      swivel: rad, positive raises the elbow outwards.
    """
    upper_bone, lower_bone = figure.offset("R_Forearm"), figure.offset("R_Hand")
    upper, lower = np.linalg.norm(upper_bone), np.linalg.norm(lower_bone)
    direction, length = _reach(shoulder_to_wrist, upper, lower)
    elbow = _smallest_turn(_RELAXED, direction, _ELBOW)
    elbow = _turned(elbow, direction, -np.asarray(swivel))
    first, second = _two_bones(direction, length, elbow, upper, lower)
    hinge = np.cross(elbow, direction)
    up = np.array([0.0, 0.0, 1.0])
    return (
        _aligned(upper_bone, up, first, hinge),
        _aligned(lower_bone, up, second, hinge),
    )


def solve_right_leg(
    figure: Figure, hip_to_ankle: np.ndarray, foot_forward: np.ndarray, knee_out: Angle
) -> tuple[np.ndarray, np.ndarray]:
    """Thigh and shank (T,3,3) in the pelvis frame, right side.

    Args:
      hip_to_ankle: (T, 3) m in the pelvis frame.
      foot_forward: (T, 3) direction of the foot in the pelvis frame; the knee follows
        it half way.
      knee_out: rad, positive turns the knee outwards.
    """
    upper_bone, lower_bone = figure.offset("R_LowerLeg"), figure.offset("R_Foot")
    upper, lower = np.linalg.norm(upper_bone), np.linalg.norm(lower_bone)
    direction, length = _reach(hip_to_ankle, upper, lower)
    down, forward = np.array([0.0, 0.0, -1.0]), np.array([1.0, 0.0, 0.0])
    knee = _smallest_turn(down, direction, forward)
    along = np.sum(foot_forward * direction, axis=-1, keepdims=True)
    knee = knee + 0.5 * (foot_forward - along * direction)
    knee = knee / np.linalg.norm(knee, axis=-1, keepdims=True)
    knee = _turned(knee, direction, knee_out)
    first, second = _two_bones(direction, length, knee, upper, lower)
    hinge = np.cross(knee, direction)
    left = np.array([0.0, 1.0, 0.0])
    return (
        _aligned(upper_bone, left, first, hinge),
        _aligned(lower_bone, left, second, hinge),
    )


def twist_about_y(rotation: np.ndarray) -> np.ndarray:
    """Angle (T,) in rad of the twist about y in the swing-twist split of rotations."""
    quaternion = Rotation.from_matrix(rotation).as_quat(canonical=True)
    return 2 * np.arctan2(quaternion[:, 1], quaternion[:, 3])


def hanging_arm(angles: ArmAngles, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Upper arm and unpronated forearm (T,3,3) in the trunk frame, right side."""
    flexion = about("y", -np.asarray(angles.flexion), count)
    abduction = about("x", -np.asarray(angles.abduction), count)
    upper = flexion @ abduction @ about("z", angles.rotation, count) @ _HANGING
    return upper, upper @ about("z", angles.elbow, count)
