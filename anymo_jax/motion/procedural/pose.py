"""The pose track: a body's movement in layers, and its solution to 23 segments.

An activity starts from a base (`postures.standing`, `postures.sitting`, `gait.walk`
...), which gives pelvis, trunk, legs and relaxed arms, and lays other movements over
it. A hand activity on any base::

    pose = standing(rng, figure, time)               # or sitting(...), or a walk
    phase = varying_phase(rng, time, rate_hz=2.0)
    up = 0.05 * np.sin(2 * np.pi * phase)            # (T,)
    position = reach(figure, "right", forward=0.75, out=0.1, up=up)  # arm lengths
    pose = with_hands(pose, right=HandTrack(position, swivel=0.3, pronation=0.0))
    pose = bend(pose, flexion=0.05 * up, turn=0.0)   # the trunk joins in
    return pose, {"tempo": f"{2.0:.1f} Hz"}

Angles in rad. Trunk angles are of T8 relative to the pelvis, head angles of the head
relative to T8: `flexion` forwards, `lateral` to the RIGHT, `turn` to the LEFT.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.procedural import limbs
from anymo_jax.motion.procedural.figure import SEGMENT, Figure
from anymo_jax.motion.procedural.limbs import (
    Angle,
    ArmAngles,
    FootTrack,
    HandTrack,
    LegAngles,
)

# Share of the trunk's bend that L5, L3, T12 and T8 have reached, from the pelvis up.
_SPINE = {"L5": 0.28, "L3": 0.55, "T12": 0.8, "T8": 1.0}
_SIDES = ("right", "left")


@dataclasses.dataclass(frozen=True)
class Pose:
    """A movement of one figure over time.

    Attributes:
      figure: whose movement.
      time: (T,) s, uniform.
      pelvis_position: (T, 3) m, pelvis origin in the world.
      pelvis_rotation: (T, 3, 3) world from pelvis.
      trunk: (T, 3) rad, rotation vector of T8 relative to the pelvis; x lateral bend to
        the right, y flexion, z turn to the left.
      head: (T, 3) rad, the same of the head relative to T8.
      right_arm, left_arm: by angles or by hand target.
      right_leg, left_leg: by angles or by foot target.
      girdle: (T, 2, 2) rad, elevation and protraction of the right, then the left
        shoulder, beyond what follows from raising the arm.
    """

    figure: Figure
    time: np.ndarray
    pelvis_position: np.ndarray
    pelvis_rotation: np.ndarray
    trunk: np.ndarray
    head: np.ndarray
    right_arm: ArmAngles | HandTrack
    left_arm: ArmAngles | HandTrack
    right_leg: LegAngles | FootTrack
    left_leg: LegAngles | FootTrack
    girdle: np.ndarray


def make_pose(
    figure: Figure,
    time: np.ndarray,
    *,
    pelvis_position: np.ndarray,
    pelvis_rotation: np.ndarray | None = None,
    right_leg: LegAngles | FootTrack,
    left_leg: LegAngles | FootTrack,
    right_arm: ArmAngles | HandTrack | None = None,
    left_arm: ArmAngles | HandTrack | None = None,
) -> Pose:
    """A pose of a straight trunk and hanging arms above given pelvis and legs."""
    count = len(time)
    if pelvis_rotation is None:
        pelvis_rotation = np.eye(3)
    return Pose(
        figure=figure,
        time=time,
        pelvis_position=np.broadcast_to(pelvis_position, (count, 3)),
        pelvis_rotation=np.broadcast_to(pelvis_rotation, (count, 3, 3)),
        trunk=np.zeros((count, 3)),
        head=np.zeros((count, 3)),
        right_arm=right_arm or ArmAngles(),
        left_arm=left_arm or ArmAngles(),
        right_leg=right_leg,
        left_leg=left_leg,
        girdle=np.zeros((count, 2, 2)),
    )


def orientation(
    count: int, *, pitch: Angle = 0.0, roll: Angle = 0.0, yaw: Angle = 0.0
) -> Float[np.ndarray, "T 3 3"]:
    """Pelvis rotations of a yaw to the left, a pitch forwards, a roll to the right."""
    about = limbs.about
    return about("z", yaw, count) @ about("y", pitch, count) @ about("x", roll, count)


def bend(
    pose: Pose, *, flexion: Angle = 0.0, lateral: Angle = 0.0, turn: Angle = 0.0
) -> Pose:
    """Adds to the trunk's bend: forwards, to the right, and turned to the left."""
    return dataclasses.replace(
        pose, trunk=pose.trunk + _angles(pose, lateral, flexion, turn)
    )


def look(
    pose: Pose, *, flexion: Angle = 0.0, lateral: Angle = 0.0, turn: Angle = 0.0
) -> Pose:
    """Adds to the head's angles: down, tilted to the right, and turned to the left."""
    return dataclasses.replace(
        pose, head=pose.head + _angles(pose, lateral, flexion, turn)
    )


def shrug(
    pose: Pose, side: str, *, elevation: Angle = 0.0, protraction: Angle = 0.0
) -> Pose:
    """Adds elevation and protraction in rad to one shoulder girdle."""
    girdle = pose.girdle.copy()
    girdle[:, _SIDES.index(side), 0] += elevation
    girdle[:, _SIDES.index(side), 1] += protraction
    return dataclasses.replace(pose, girdle=girdle)


def with_hands(
    pose: Pose,
    right: ArmAngles | HandTrack | None = None,
    left: ArmAngles | HandTrack | None = None,
) -> Pose:
    """Replaces one or both arms; None keeps an arm as it is."""
    return dataclasses.replace(
        pose, right_arm=right or pose.right_arm, left_arm=left or pose.left_arm
    )


def move_pelvis(pose: Pose, shift: np.ndarray) -> Pose:
    """Shifts the pelvis by (3,) or (T, 3) m in the world; foot targets stay."""
    return dataclasses.replace(pose, pelvis_position=pose.pelvis_position + shift)


def carried(pose: Pose, shift: np.ndarray) -> Pose:
    """The whole pose moved by (3,) or (T, 3) m, as by a belt, a lift or a vehicle.

    Feet, pelvis and hands with targets in the world move; all else hangs on them.
    """
    moved = {}
    for name in ("right_leg", "left_leg", "right_arm", "left_arm"):
        limb = getattr(pose, name)
        if isinstance(limb, FootTrack) or getattr(limb, "frame", "") == "world":
            moved[name] = dataclasses.replace(limb, position=limb.position + shift)
    pelvis = pose.pelvis_position + shift
    return dataclasses.replace(pose, pelvis_position=pelvis, **moved)


def reach(
    figure: Figure, side: str, forward: Angle, out: Angle, up: Angle
) -> np.ndarray:
    """Wrist position (T, 3) or (3,) for a `HandTrack` in the frame "shoulder".

    Args:
      forward, out, up: from the shoulder joint, in ARM LENGTHS, each a scalar or (T,);
        `out` is away from the middle on either side, so -0.35 is about the midline.
    """
    lateral = -np.asarray(out) if side == "right" else np.asarray(out)
    forward, lateral, up = np.broadcast_arrays(forward, lateral, up)
    return figure.arm * np.stack([forward, lateral, up], axis=-1).astype(float)


def _angles(pose: Pose, lateral: Angle, flexion: Angle, turn: Angle) -> np.ndarray:
    count = len(pose.time)
    parts = (np.broadcast_to(a, (count,)) for a in (lateral, flexion, turn))
    return np.stack(list(parts), axis=-1)


def solve(pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Segment positions (T, 23, 3) m and rotations (T, 23, 3, 3) of a pose."""
    count = len(pose.time)
    rotation = np.empty((count, len(XSENS), 3, 3))
    rotation[:, 0] = pose.pelvis_rotation
    _solve_trunk(pose, rotation)
    for side in _SIDES:
        _solve_leg(pose, side, rotation)
    # Arm targets may be given relative to trunk, head, pelvis or world.
    rotation[:, 7:15] = np.eye(3)
    frames = pose.figure.forward(pose.pelvis_position, rotation)
    for side in _SIDES:
        _solve_arm(pose, side, frames, rotation)
    return pose.figure.forward(pose.pelvis_position, rotation), rotation


def _solve_trunk(pose: Pose, rotation: np.ndarray) -> None:
    for name, share in _SPINE.items():
        turn = Rotation.from_rotvec(share * pose.trunk).as_matrix()
        rotation[:, SEGMENT[name]] = pose.pelvis_rotation @ turn
    chest = rotation[:, SEGMENT["T8"]]
    half = Rotation.from_rotvec(0.5 * pose.head).as_matrix()
    rotation[:, SEGMENT["Neck"]] = chest @ half
    rotation[:, SEGMENT["Head"]] = chest @ half @ half


def _solve_leg(pose: Pose, side: str, rotation: np.ndarray) -> None:
    leg = getattr(pose, f"{side}_leg")
    first = SEGMENT["R_UpperLeg" if side == "right" else "L_UpperLeg"]
    if isinstance(leg, LegAngles):
        chain = _leg_from_angles(leg, len(pose.time))
        if side == "left":
            chain = [limbs.mirrored(r) for r in chain]
        for i, local in enumerate(chain):
            rotation[:, first + i] = pose.pelvis_rotation @ local
        return
    flip = limbs.MIRROR if side == "left" else np.ones(3)
    world = pose.pelvis_rotation
    hip = pose.pelvis_position + world @ pose.figure.offsets[first]
    line = np.einsum("tji,tj->ti", world, leg.position - hip) * flip
    foot = np.broadcast_to(leg.rotation, world.shape)
    forward = np.einsum("tji,tj->ti", world, foot[..., 0]) * flip
    chain = limbs.solve_right_leg(pose.figure, line, forward, leg.knee_out)
    if side == "left":
        chain = tuple(limbs.mirrored(r) for r in chain)
    rotation[:, first], rotation[:, first + 1] = (world @ r for r in chain)
    rotation[:, first + 2] = foot
    toe = limbs.about("y", -np.asarray(leg.toe), len(pose.time))
    rotation[:, first + 3] = foot @ toe


def _leg_from_angles(leg: LegAngles, count: int) -> list[np.ndarray]:
    """Thigh, shank, foot and toe (T,3,3) of a right leg in the pelvis frame."""
    about = limbs.about
    thigh = about("y", -np.asarray(leg.flexion), count)
    thigh = thigh @ about("x", -np.asarray(leg.abduction), count)
    thigh = thigh @ about("z", leg.rotation, count)
    shank = thigh @ about("y", leg.knee, count)
    foot = shank @ about("y", -np.asarray(leg.ankle), count)
    return [thigh, shank, foot, foot @ about("y", -np.asarray(leg.toe), count)]


def _solve_arm(pose: Pose, side: str, frames: np.ndarray, rotation: np.ndarray) -> None:
    arm = getattr(pose, f"{side}_arm")
    count = len(pose.time)
    flip = limbs.MIRROR if side == "left" else np.ones(3)
    first = SEGMENT["R_Shoulder" if side == "right" else "L_Shoulder"]
    if isinstance(arm, HandTrack):
        wrist, hand = _in_trunk(pose, side, arm, frames, rotation)
        wrist = wrist * flip
        hand = limbs.mirrored(hand) if side == "left" and hand is not None else hand
        clavicle = _girdle(pose, side, wrist - _shoulder(pose.figure))
        root = _shoulder(pose.figure, clavicle)
        upper, fore = limbs.solve_right_arm(pose.figure, wrist - root, arm.swivel)
    else:
        hand = None
        upper, fore = limbs.hanging_arm(arm, count)
        clavicle = _girdle(pose, side, -upper[..., 1])
    if hand is None:
        forearm = fore @ limbs.about("y", arm.pronation, count)
        deviation = limbs.about("z", arm.wrist_deviation, count)
        hand = forearm @ deviation @ limbs.about("x", arm.wrist_flexion, count)
    else:
        twist = limbs.twist_about_y(np.swapaxes(fore, -1, -2) @ hand)
        forearm = fore @ limbs.about("y", twist, count)
    chain = np.stack([clavicle, upper, forearm, hand], axis=1)
    if side == "left":
        chain = limbs.mirrored(chain)
    chest = rotation[:, SEGMENT["T8"], None]
    rotation[:, first : first + 4] = chest @ chain


def _shoulder(figure: Figure, clavicle: np.ndarray | None = None) -> np.ndarray:
    """Right shoulder joint in the trunk frame, (3,) at rest or (T, 3) m."""
    root, offset = figure.offset("R_Shoulder"), figure.offset("R_UpperArm")
    return root + (offset if clavicle is None else clavicle @ offset)


def _girdle(pose: Pose, side: str, arm: np.ndarray) -> np.ndarray:
    """Clavicle rotation (T,3,3), right side: it follows a raised arm.

    By 10 degrees at an arm raised to the horizontal and 25 overhead, set by eye; a
    function that is smooth overhead too.

    Args:
      arm: (T, 3) direction of the arm in the trunk frame, of any length.
    """
    raised = 0.5 + 0.5 * arm[:, 2] / np.linalg.norm(arm, axis=-1)
    follow = 0.44 * np.maximum(raised, 0.0) ** 1.3
    own = pose.girdle[:, _SIDES.index(side)]
    count = len(raised)
    lift = limbs.about("x", -(own[:, 0] + follow), count)
    return limbs.about("z", own[:, 1], count) @ lift


def _in_trunk(
    pose: Pose, side: str, arm: HandTrack, frames: np.ndarray, rotation: np.ndarray
) -> tuple[np.ndarray, np.ndarray | None]:
    """A hand track's wrist (T,3) and hand rotation (T,3,3) or None, in the T8 frame."""
    count = len(pose.time)
    wrist = np.broadcast_to(np.asarray(arm.position, float), (count, 3))
    hand = arm.rotation
    if hand is not None:
        hand = np.broadcast_to(np.asarray(hand, float), (count, 3, 3))
    if arm.frame == "trunk":
        return wrist, hand
    if arm.frame == "shoulder":
        flip = limbs.MIRROR if side == "left" else np.ones(3)
        return wrist + _shoulder(pose.figure) * flip, hand
    chest = SEGMENT["T8"]
    back = np.swapaxes(rotation[:, chest], -1, -2)
    if arm.frame == "world":
        origin, turn = 0.0, np.eye(3)
    elif arm.frame in ("head", "pelvis"):
        source = SEGMENT[arm.frame.capitalize()]
        origin, turn = frames[:, source], rotation[:, source]
    else:
        raise ValueError(
            f"no hand frame {arm.frame!r}; use shoulder, trunk, head, pelvis or world"
        )
    world = origin + np.einsum("...ij,...j->...i", turn, wrist)
    wrist = np.einsum("tij,tj->ti", back, world - frames[:, chest])
    return wrist, None if hand is None else back @ turn @ hand
