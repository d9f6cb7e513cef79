"""Changes of posture: sitting down, standing up, lying down, picking up, kneeling.

Rising takes 1.5 to 2.7 s: the trunk swings forward by 35 to 50 degrees, at a third of
the time the seat is left, then hips and knees extend (Schenkman et al. 1990; Nuzik et
al. 1986). Sitting down takes a little longer (Kralj, Jaeger & Munih 1990) and ends with
a soft impact.
"""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural.captions.rest import CAPTIONS
from anymo_jax.motion.procedural.clip import EVERYWHERE, Activity
from anymo_jax.motion.procedural.curves import (
    between,
    keyframes,
    ringing,
    waypoints,
)
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.gait import settle
from anymo_jax.motion.procedural.limbs import ArmAngles, FootTrack, about
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    look,
    make_pose,
    orientation,
    with_hands,
)
from anymo_jax.motion.procedural.postures import planted_foot, seated_hip_height
from anymo_jax.motion.procedural.sway import alive


def _moment(rng, time: np.ndarray, lasts_s: float) -> float:
    """When a movement starts so that it lies within the clip, a little off-centre."""
    room = max(time[-1] - time[0] - lasts_s, 0.0)
    return time[0] + room * rng.uniform(0.25, 0.75)


def _chair(rng, figure: Figure) -> tuple[float, dict[str, FootTrack]]:
    """Hip height on a chair at x = 0, and feet planted a little behind the knees."""
    ahead = figure.thigh * rng.uniform(0.72, 0.92)
    apart = figure.half_stance * rng.uniform(0.9, 1.6)
    out = rng.uniform(0.05, 0.25)
    feet = {
        "right_leg": planted_foot(figure, ahead, -apart, -out),
        "left_leg": planted_foot(figure, ahead + rng.normal(0, 0.03), apart, out),
    }
    return seated_hip_height(rng, figure), feet


def _rise(rng, figure: Figure, time, fraction: np.ndarray, bow_at: float) -> Pose:
    """Between a chair and standing.

    Args:
      fraction: (T,) 0 seated, 1 standing; may run either way.
      bow_at: fraction at which the trunk is bent forwards most.
    """
    seat, feet = _chair(rng, figure)
    ahead = feet["right_leg"].position[0]
    stand = np.array([ahead + 0.03, 0.0, figure.pelvis_height - 0.01 * figure.stature])
    knots = np.array([0.0, 0.18, 0.38, 0.6, 0.8, 1.0])
    x = np.array([0.0, 0.02, 0.3, 0.72, 0.95, 1.0]) * stand[0]
    z = seat + np.array([0.0, 0.0, 0.10, 0.55, 0.90, 1.0]) * (stand[2] - seat)
    path = waypoints(fraction, knots, np.stack([x, 0 * x, z], axis=-1))
    bow = rng.uniform(0.6, 0.95)
    start, end = rng.normal(-0.08, 0.1), rng.normal(0.04, 0.03)
    lean = waypoints(
        fraction,
        np.array([0.0, bow_at, 0.8, 1.0]),
        np.array([start, bow, 0.3 * bow, end]),
    )
    rotation = orientation(len(time), pitch=0.62 * lean)
    path = settle(figure, path, rotation, feet["right_leg"], feet["left_leg"])
    pose = make_pose(
        figure, time, pelvis_position=path, pelvis_rotation=rotation, **feet
    )
    pose = bend(pose, flexion=0.38 * lean + rng.uniform(0.0, 0.12) * (1 - fraction))
    pose = look(pose, flexion=-0.45 * lean)
    return _rising_arms(rng, pose, fraction)


def _rising_arms(rng, pose: Pose, fraction: np.ndarray) -> Pose:
    """Arms from the thighs to the sides, swinging forward or pushing off between."""
    push = rng.random() < 0.4
    middle = -0.25 if push else rng.uniform(0.1, 0.5)
    arms = []
    for _ in range(2):
        knots = np.array([0.0, 0.35, 0.75, 1.0])
        flexion = waypoints(fraction, knots, np.array([0.55, middle + 0.4, 0.15, 0.0]))
        elbow = waypoints(fraction, knots, np.array([1.1, 0.7, 0.35, 0.25]))
        arms.append(
            ArmAngles(
                flexion=flexion + rng.normal(0, 0.06),
                abduction=rng.uniform(0.08, 0.2),
                rotation=0.3,
                elbow=np.maximum(elbow + rng.normal(0, 0.1), 0.05),
                pronation=0.9 - 0.6 * fraction,
            )
        )
    return with_hands(pose, *arms)


def _paced(time: np.ndarray, start: float, lasts: float) -> np.ndarray:
    """Fraction 0 to 1 at a pace more even than minimum jerk, through waypoints."""
    u = np.clip((time - start) / lasts, 0.0, 1.0)
    return 0.6 * u**2 * (3 - 2 * u) + 0.4 * between(time, start, start + lasts)


def _sit_to_stand(rng, figure, time):
    lasts = min(rng.uniform(1.1, 2.4), 0.95 * (time[-1] - time[0]))
    start = _moment(rng, time, lasts)
    pose = _rise(rng, figure, time, _paced(time, start, lasts), bow_at=0.35)
    return alive(rng, pose, sway=0.3, fidget=0.3), {"takes": f"{lasts:.1f} s"}


def _stand_to_sit(rng, figure, time):
    lasts = min(rng.uniform(1.2, 2.6), 0.95 * (time[-1] - time[0]))
    start = _moment(rng, time, lasts)
    fraction = 1 - _paced(time, start, lasts)
    pose = _rise(rng, figure, time, fraction, bow_at=0.42)
    touch = np.array([start + 0.86 * lasts])
    jolt = ringing(time, touch, rng.uniform(1.5, 6), rng.uniform(5, 9), 0.06, 0.02)
    place = pose.pelvis_position + jolt[:, None] * np.array([0, 0, 1.0])
    pose = dataclasses.replace(pose, pelvis_position=place)
    return alive(rng, pose, sway=0.3, fidget=0.3), {"takes": f"{lasts:.1f} s"}


def _bed(rng, figure: Figure, time, sit: np.ndarray, lie: np.ndarray) -> Pose:
    """From standing before a bed, over sitting on its edge, to lying along it.

    Args:
      sit: (T,) 0 standing, 1 seated.
      lie: (T,) 0 seated, 1 lying on the back, head to the right or left.
    """
    way = rng.choice([-1.0, 1.0])
    seat, feet = _chair(rng, figure)
    ahead = feet["right_leg"].position[0]
    pelvis_up = figure.pelvis_height - 0.01 * figure.stature
    bow = 0.75 * np.sin(np.pi * np.clip(sit, 0, 1)) ** 1.5
    lean = bow - 0.05
    place = np.zeros((len(time), 3))
    place[:, 0] = (ahead + 0.03) * (1 - sit) - 0.18 * lie
    place[:, 2] = pelvis_up + (seat - pelvis_up) * sit**1.3
    pitch = 0.62 * lean * (1 - lie) - 0.5 * np.pi * lie
    rotation = orientation(len(time), pitch=pitch, yaw=way * 0.5 * np.pi * lie)
    moved = {}
    for name, sign in (("right_leg", -1.0), ("left_leg", 1.0)):
        moved[name] = _foot_to_bed(figure, feet[name], seat, lie, way, sign)
    place = settle(figure, place, rotation, moved["right_leg"], moved["left_leg"])
    pose = make_pose(
        figure, time, pelvis_position=place, pelvis_rotation=rotation, **moved
    )
    curl = 0.5 * np.sin(np.pi * lie)
    pose = bend(pose, flexion=0.38 * lean * (1 - lie) + curl, turn=0.2 * way * curl)
    pose = look(pose, flexion=0.3 * curl + 0.2 * lie)
    arms = [
        ArmAngles(
            flexion=0.1 + 0.5 * sit * (1 - lie) - 0.5 * curl,
            abduction=0.12 + 0.2 * lie + 0.3 * curl,
            rotation=0.3,
            elbow=0.25 + 0.6 * sit * (1 - 0.6 * lie) + rng.normal(0, 0.05),
            pronation=0.4 + 0.6 * lie,
        )
        for _ in range(2)
    ]
    return with_hands(pose, *arms)


def _foot_to_bed(figure, foot, seat, lie, way, sign) -> FootTrack:
    """A foot that leaves the floor and comes to lie on the bed."""
    length = 0.985 * figure.leg
    # Lying with the head towards -way * Y after the turn, feet the other way.
    flat = np.array([-0.18 - way * sign * 0.10, way * length, seat - 0.02])
    position = keyframes(lie, np.array([0.0, 1.0]), np.stack([foot.position, flat]))
    position = position + np.sin(np.pi * lie)[:, None] * np.array([0.12, 0.0, 0.10])
    count = len(lie)
    rotation = about("z", way * 0.5 * np.pi * lie, count)
    rotation = rotation @ about("y", -1.2 * lie, count)
    return FootTrack(position, rotation)


def _stand_to_lie(rng, figure, time):
    total = time[-1] - time[0]
    sit_s, lie_s = rng.uniform(1.5, 2.2), rng.uniform(1.8, 3.0)
    squeeze = min(1.0, 0.95 * total / (sit_s + lie_s))
    sit_s, lie_s = squeeze * sit_s, squeeze * lie_s
    start = _moment(rng, time, sit_s + lie_s)
    sit = between(time, start, start + sit_s)
    lie = between(time, start + 0.85 * sit_s, start + sit_s + lie_s)
    pose = _bed(rng, figure, time, sit, lie)
    return alive(rng, pose, sway=0.2, fidget=0.2), {}


def _lie_to_sit(rng, figure, time):
    lasts = min(rng.uniform(1.8, 3.2), 0.95 * (time[-1] - time[0]))
    start = _moment(rng, time, lasts)
    lie = 1 - between(time, start, start + lasts)
    pose = _bed(rng, figure, time, np.ones(len(time)), lie)
    return alive(rng, pose, sway=0.2, fidget=0.2), {"takes": f"{lasts:.1f} s"}


def _pick_up(rng, figure, time):
    """Bending down to the floor, knees and back sharing, and up again."""
    lasts, hold = rng.uniform(0.7, 1.2), rng.uniform(0.1, 0.5)
    cycle = 2 * lasts + hold + rng.uniform(0.3, 1.2)
    starts = np.arange(time[0] + rng.uniform(0.0, 0.6), time[-1], cycle)
    down = np.zeros(len(time))
    for start in starts:
        down += between(time, start, start + lasts)
        down -= between(time, start + lasts + hold, start + 2 * lasts + hold)
    knees = rng.uniform(0.05, 0.25)
    stoop = rng.uniform(1.0, 1.5) - 2.0 * knees
    apart = figure.half_stance * rng.uniform(0.9, 1.8)
    feet = {
        "right_leg": planted_foot(figure, 0.0, -apart, -0.15, 0.1),
        "left_leg": planted_foot(figure, rng.normal(0, 0.05), apart, 0.15, 0.1),
    }
    place = np.zeros((len(time), 3))
    place[:, 0] = 0.03 - (0.10 + 0.25 * knees) * down
    sink = 0.012 + (0.03 + knees) * down
    place[:, 2] = figure.pelvis_height - sink * figure.stature
    rotation = orientation(len(time), pitch=0.06 + 0.6 * stoop * down)
    place = settle(figure, place, rotation, *feet.values())
    pose = make_pose(
        figure, time, pelvis_position=place, pelvis_rotation=rotation, **feet
    )
    pose = bend(pose, flexion=0.5 * stoop * down)
    pose = look(pose, flexion=0.1 - 0.2 * down)
    side = ("right", "left")[rng.integers(2)]
    pose = _reaching_down(rng, figure, pose, down, side, rng.random() < 0.4)
    return alive(rng, pose, sway=0.3, fidget=0.0), {"side": side}


def _reaching_down(rng, figure, pose: Pose, down, side, both) -> Pose:
    """Arms from hanging to an object on the floor before the feet."""
    lean = 1.1 * down
    hands = {}
    for own in ("right", "left"):
        if own != side and not both:
            arm = ArmAngles(flexion=0.35 * lean, elbow=0.3 + 0.3 * down, pronation=0.4)
        else:
            arm = ArmAngles(
                flexion=0.05 + 1.25 * lean,
                abduction=0.1,
                rotation=0.2,
                elbow=0.35 - 0.2 * down + rng.normal(0, 0.03),
                pronation=0.3 + 0.6 * down,
            )
        hands[own] = arm
    return with_hands(pose, **hands)


def _kneel_down(rng, figure, time):
    """From standing down onto one knee: the other foot stays flat in front."""
    lasts = min(rng.uniform(1.4, 2.4), 0.95 * (time[-1] - time[0]))
    start = _moment(rng, time, lasts)
    down = between(time, start, start + lasts)
    step = between(time, start, start + 0.45 * lasts)
    front = ("right", "left")[rng.integers(2)]
    sign = -1.0 if front == "right" else 1.0
    stride = figure.thigh * rng.uniform(0.85, 1.0)
    apart = figure.half_stance
    ahead = np.zeros((len(time), 3))
    ahead[:, 0] = stride * step
    ahead[:, 1] = sign * apart
    ahead[:, 2] = figure.ankle_height + 0.08 * np.sin(np.pi * step) ** 2
    leading = FootTrack(ahead, np.eye(3), 0.05)
    pitch = 1.25 * down
    ball = np.array([0.135 * figure.stature / 1.75, -sign * apart, 0.0])
    rotation = about("y", pitch, len(time))
    trailing = FootTrack(ball - rotation @ figure.ball, rotation, 0.0, pitch)
    kneel = figure.thigh * 0.97 + 0.04 * figure.stature
    up = figure.pelvis_height - 0.01 * figure.stature
    place = np.zeros((len(time), 3))
    place[:, 0] = 0.03 + (0.25 * stride + 0.02) * np.sin(0.5 * np.pi * down)
    place[:, 2] = up + (kneel - up) * down
    bow = rng.uniform(0.2, 0.5) * np.sin(np.pi * down)
    turn = orientation(len(time), pitch=0.06 + 0.6 * bow)
    feet = {f"{front}_leg": leading}
    feet["left_leg" if front == "right" else "right_leg"] = trailing
    place = settle(figure, place, turn, leading, trailing)
    pose = make_pose(figure, time, pelvis_position=place, pelvis_rotation=turn, **feet)
    pose = bend(pose, flexion=0.4 * bow)
    hands = {"left" if front == "right" else "right": ArmAngles(elbow=0.4)}
    hands[front] = ArmAngles(flexion=0.5 * down, elbow=0.25 + 0.8 * down)
    return alive(rng, with_hands(pose, **hands), sway=0.1, fidget=0.2), {}


def _activity(name, label, posture, generate, duration_s) -> Activity:
    return Activity(
        name=name,
        label=label,
        group="transition",
        captions=CAPTIONS[name],
        posture=posture,
        seen_by=EVERYWHERE,
        generate=generate,
        duration_s=duration_s,
    )


ACTIVITIES = (
    _activity(
        *("sit_to_stand", "sit to stand", "a person is standing up", _sit_to_stand),
        (2.5, 5.0),
    ),
    _activity(
        *("stand_to_sit", "stand to sit", "a person is sitting down", _stand_to_sit),
        (2.5, 5.0),
    ),
    _activity(
        *("stand_to_lie", "lying down", "a person is lying down", _stand_to_lie),
        (4.0, 6.5),
    ),
    _activity(
        *("lie_to_sit", "sitting up", "a person is sitting up", _lie_to_sit),
        (3.0, 5.5),
    ),
    _activity(
        *("picking_up", "picking something up", "a person is bending down", _pick_up),
        (3.0, 8.0),
    ),
    _activity(
        *("kneeling_down", "kneeling down", "a person is kneeling down", _kneel_down),
        (2.5, 5.0),
    ),
)
