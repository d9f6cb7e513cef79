"""Activities of keeping still: standing, sitting, lying, kneeling, leaning, riding."""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural.activities.carriers import lift_ride, road
from anymo_jax.motion.procedural.captions.rest import CAPTIONS
from anymo_jax.motion.procedural.clip import Activity
from anymo_jax.motion.procedural.curves import smooth_noise
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.limbs import ArmAngles, HandTrack, LegAngles, about
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    carried,
    look,
    make_pose,
    move_pelvis,
    orientation,
    with_hands,
)
from anymo_jax.motion.procedural.postures import bent_trunk, sitting, standing
from anymo_jax.motion.procedural.sway import alive

# World from pelvis when lying with the head towards -X, by what the body lies on.
_LYING = {
    "back": about("y", -np.pi / 2, 1)[0],
    "front": about("z", np.pi, 1)[0] @ about("y", np.pi / 2, 1)[0],
    "right": np.array([[0.0, 0.0, -1.0], [-1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]),
    "left": np.array([[0.0, 0.0, -1.0], [1.0, 0.0, 0.0], [0.0, -1.0, 0.0]]),
}


def lying(
    rng: np.random.Generator, figure: Figure, time: np.ndarray, side: str
) -> Pose:
    """Lying at rest, head towards -X, on "back", "front", "right" or "left"."""
    # On the side a body tips a little forwards or back about its long axis.
    tip = rng.normal(0, 0.15 if side in ("right", "left") else 0.05)
    bow = about("y", rng.normal(0, 0.05), 1)[0]
    rotation = _LYING[side] @ about("z", tip, 1)[0] @ bow
    depth = {"back": 0.056, "front": 0.06, "right": 0.095, "left": 0.095}[side]
    legs = _lying_legs(rng, side)
    pose = make_pose(
        figure,
        time,
        pelvis_position=np.array([0.0, 0.0, depth * figure.stature]),
        pelvis_rotation=rotation,
        right_leg=legs[0],
        left_leg=legs[1],
    )
    pose = with_hands(pose, *_lying_arms(rng, side))
    pose = _pillow(rng, pose, side)
    pose = alive(rng, pose, sway=0.04, fidget=0.0, breath_hz=rng.uniform(0.17, 0.3))
    return _stirring(rng, pose)


def _lying_legs(rng, side: str) -> tuple[LegAngles, LegAngles]:
    if side in ("right", "left"):
        bend_hip = rng.uniform(0.15, 1.1)
        return tuple(
            LegAngles(
                flexion=bend_hip + rng.normal(0, 0.15),
                abduction=rng.uniform(-0.05, 0.05),
                knee=np.clip(1.2 * bend_hip + rng.normal(0, 0.2), 0.05, 1.9),
                ankle=-0.3,
            )
            for _ in range(2)
        )
    if side == "back" and rng.random() < 0.2:
        knee = rng.uniform(1.2, 1.9)
        # Soles flat on the bed.
        half = 0.5 * knee
        up = LegAngles(half, abduction=0.05, knee=knee, ankle=half - 0.5 * np.pi)
        return up, up
    ankle = -1.2 if side == "front" else -0.35
    return tuple(
        LegAngles(
            flexion=rng.uniform(-0.05, 0.08),
            abduction=rng.uniform(0.03, 0.2),
            rotation=-rng.uniform(0.1, 0.6),
            knee=rng.uniform(0.03, 0.2),
            ankle=ankle,
        )
        for _ in range(2)
    )


def _lying_arms(rng, side: str) -> list[ArmAngles]:
    arms = []
    choice = rng.integers(3)
    for own in ("right", "left"):
        under = side == own
        if side == "back":
            arm = (
                ArmAngles(0.1, rng.uniform(0.15, 0.6), 0.1, 0.25, 1.2),
                ArmAngles(
                    0.25, rng.uniform(0.25, 0.5), 0.9, rng.uniform(1.2, 1.7), 1.0
                ),
                ArmAngles(2.3, 0.9, 0.6, rng.uniform(1.7, 2.2), -0.5),
            )[choice]
        elif side == "front":
            arm = (
                ArmAngles(-0.15, rng.uniform(0.2, 0.5), 0.2, 0.3, 0.2),
                ArmAngles(2.2, rng.uniform(0.6, 1.0), 0.4, rng.uniform(1.4, 2.0), 1.2),
                ArmAngles(1.2, 1.3, -1.0, 1.6, 1.3),
            )[choice]
        else:
            flexion = rng.uniform(1.2, 1.9) if under else rng.uniform(0.3, 1.1)
            arm = ArmAngles(
                flexion=flexion,
                abduction=0.05 if under else 0.15,
                rotation=rng.uniform(0.1, 0.5),
                elbow=rng.uniform(0.5, 2.0),
                pronation=rng.normal(0.4, 0.3),
            )
        arms.append(arm)
    return arms


def _pillow(rng, pose: Pose, side: str) -> Pose:
    if side == "front":
        turn = rng.choice([-1, 1]) * rng.uniform(0.8, 1.2)
        return look(pose, flexion=-0.3, turn=turn)
    if side == "back":
        return look(pose, flexion=rng.uniform(0.1, 0.45), turn=rng.normal(0, 0.3))
    tilt = 0.15 if side == "left" else -0.15
    return look(pose, lateral=tilt + rng.normal(0, 0.08), flexion=rng.uniform(0, 0.4))


def _stirring(rng, pose: Pose) -> Pose:
    """A lying person seldom moves: now and then the head, a hand or a foot, slowly."""
    if rng.random() < 0.5:
        return pose
    slow = smooth_noise(rng, pose.time, 0.12, 3) * np.array([0.03, 0.05, 0.04])
    pose = look(pose, turn=slow[:, 0])
    name = ("right_arm", "left_arm")[rng.integers(2)]
    arm = getattr(pose, name)
    elbow = np.maximum(arm.elbow + slow[:, 1], 0.03)
    arm = dataclasses.replace(arm, elbow=elbow, pronation=arm.pronation + slow[:, 2])
    return dataclasses.replace(pose, **{name: arm})


def kneeling(rng: np.random.Generator, figure: Figure, time: np.ndarray) -> Pose:
    """Upright on both knees, or sitting back on the heels."""
    back = rng.choice([0.0, rng.uniform(0.9, 1.15)])
    thigh = rng.normal(0.05, 0.04) + back
    legs = [
        LegAngles(
            flexion=thigh,
            abduction=rng.uniform(0.05, 0.2),
            knee=np.pi / 2 + back,
            ankle=-1.25,
        )
        for _ in range(2)
    ]
    lean = rng.normal(0.05, 0.08)
    knee = 0.035 * figure.stature
    height = knee + figure.thigh * np.cos(thigh - lean)
    pose = make_pose(
        figure,
        time,
        pelvis_position=np.array([0.0, 0.0, height]),
        pelvis_rotation=orientation(len(time), pitch=lean),
        right_leg=legs[0],
        left_leg=legs[1],
    )
    pose = bend(pose, flexion=rng.normal(0.05, 0.1))
    arms = [
        ArmAngles(flexion=0.25, abduction=0.12, rotation=0.3, elbow=0.5, pronation=0.7)
        for _ in range(2)
    ]
    pose = with_hands(pose, *arms)
    return alive(rng, pose, sway=0.08, fidget=0.6)


def leaning(rng: np.random.Generator, figure: Figure, time: np.ndarray) -> Pose:
    """Standing and leaning: on a table with both hands, or back against a wall."""
    pose = standing(rng, figure, time, sway=0.4, fidget=0.5)
    if rng.random() < 0.5:
        away = rng.uniform(0.12, 0.22)
        pose = move_pelvis(pose, np.array([-away, 0.0, -0.018]))
        return bend(pose, flexion=-0.05)
    pose = bent_trunk(pose, rng.uniform(0.45, 0.8))
    pose = move_pelvis(pose, np.array([-0.08, 0.0, -0.02]))
    height, ahead = rng.uniform(0.42, 0.5) * figure.stature, 0.33 * figure.stature
    hands = [
        HandTrack(
            np.array([ahead, sign * rng.uniform(0.15, 0.3), height]),
            "world",
            swivel=rng.uniform(0.0, 0.3),
            pronation=1.2,
            wrist_flexion=-0.9,
        )
        for sign in (-1.0, 1.0)
    ]
    return with_hands(look(pose, flexion=-0.4), *hands)


def _lift(direction: float):
    def generate(rng, figure, time):
        pose = standing(rng, figure, time)
        height, stops = lift_ride(rng, time, direction)
        shift = np.zeros((len(time), 3))
        shift[:, 2] = height
        return carried(pose, shift), {"stops": stops}

    return generate


def _lift_still(rng, figure, time):
    direction = rng.choice([-1.0, 1.0])
    word = "up" if direction > 0 else "down"
    pose, facts = _lift(direction)(rng, figure, time)
    return pose, facts | {"direction": word}


def _vehicle(rng, figure, time):
    """Sitting in a car or bus, shaken by engine and road."""
    pose = sitting(rng, figure, time, fidget=0.8)
    shift = road(rng, time)
    sway = 0.02 * smooth_noise(rng, time, 0.4, 2)
    pose = bend(pose, flexion=sway[:, 0], lateral=sway[:, 1])
    return carried(pose, shift), {}


def _plain(make, *own):
    def generate(rng, figure, time):
        return make(rng, figure, time, *own), {}

    return generate


def _activity(name, label, posture, seen_by, generate, group="posture") -> Activity:
    return Activity(
        name=name,
        label=label,
        group=group,
        captions=CAPTIONS[name],
        posture=posture,
        seen_by=seen_by,
        generate=generate,
    )


_ALL = ("right_arm", "left_arm", "trunk", "head", "legs")
_STANDING = "a person is standing still"
ACTIVITIES = (
    _activity("standing", "standing", _STANDING, _ALL, _plain(standing)),
    _activity("sitting", "sitting", "a person is sitting", _ALL, _plain(sitting)),
    *(
        _activity(
            *(
                f"lying_{side}",
                label,
                "a person is lying down",
                ("trunk", "legs", "head"),
            ),
            _plain(lying, side),
        )
        for side, label in (
            ("back", "lying on the back"),
            ("right", "lying on the right side"),
            ("left", "lying on the left side"),
            ("front", "lying on the stomach"),
        )
    ),
    _activity(
        *("kneeling", "kneeling", "a person is keeping still", ("trunk", "legs")),
        _plain(kneeling),
    ),
    _activity(
        *("leaning", "leaning", _STANDING, ("trunk", "right_arm", "left_arm")),
        _plain(leaning),
    ),
    _activity(
        *("elevator_up", "riding an elevator up", _STANDING, _ALL, _lift(1.0)),
        group="vehicle",
    ),
    _activity(
        *("elevator_down", "riding an elevator down", _STANDING, _ALL, _lift(-1.0)),
        group="vehicle",
    ),
    _activity(
        *("elevator_standing", "standing in an elevator still", _STANDING, _ALL),
        _lift_still,
        group="vehicle",
    ),
    _activity(
        *("riding_vehicle", "riding in a car", "a person is sitting", _ALL, _vehicle),
        group="vehicle",
    ),
)
