"""Gymnastics and dance: squats, lunges, push-ups, sit-ups, side bends, dancing.

As these are taught, with figures set by eye. Squats: knees to 90 to 120 degrees in 2 to
4 s, trunk leaning 30 to 45 degrees. Lunges: the front knee to 90 degrees. Push-ups: 15
to 35 per minute, elbows to 90 degrees or more.
"""

import dataclasses
import functools

import numpy as np

from anymo_jax.motion.procedural.captions.rest import CAPTIONS
from anymo_jax.motion.procedural.clip import whole_body
from anymo_jax.motion.procedural.curves import (
    cycle_times,
    minimum_jerk,
    phase_of,
    ringing,
    smooth_noise,
    varying_phase,
)
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.gait import settle
from anymo_jax.motion.procedural.limbs import (
    ArmAngles,
    FootTrack,
    HandTrack,
    LegAngles,
    about,
)
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    look,
    make_pose,
    orientation,
    with_hands,
)
from anymo_jax.motion.procedural.postures import planted_foot, standing
from anymo_jax.motion.procedural.sway import alive, breathe, with_tremor


def _repeats(rng, time, period_s: float, pause: float) -> np.ndarray:
    """Down and up again (T,), 0 to 1, with a rest of a share `pause` at the top."""
    phase = np.mod(phase_of(time, cycle_times(rng, time, period_s, 0.04)), 1.0)
    share = phase / (1 - pause)
    turn = rng.uniform(0.42, 0.52)
    return _gesture(share, (0.0, turn, turn + 0.06, 1.0))


def _gesture(phase: np.ndarray, when: tuple[float, float, float, float]) -> np.ndarray:
    """Smooth 0 to 1 between the first two phases, back to 0 between the last two."""
    a, b, c, d = when
    return minimum_jerk((phase - a) / (b - a)) - minimum_jerk((phase - c) / (d - c))


def _squats(rng, figure, time):
    period = rng.uniform(1.8, 3.8)
    down = _repeats(rng, time, period, rng.uniform(0.02, 0.25))
    depth = rng.uniform(0.14, 0.25) * figure.stature
    apart = figure.half_stance * rng.uniform(1.2, 2.3)
    out = rng.uniform(0.1, 0.45)
    feet = {
        "right_leg": planted_foot(figure, 0.0, -apart, -out, 0.25),
        "left_leg": planted_foot(figure, 0.0, apart, out, 0.25),
    }
    place = np.zeros((len(time), 3))
    place[:, 0] = 0.03 - rng.uniform(0.10, 0.2) * down
    place[:, 2] = figure.pelvis_height - 0.014 * figure.stature - depth * down
    lean = 0.05 + rng.uniform(0.5, 0.8) * down
    rotation = orientation(len(time), pitch=0.7 * lean)
    place = settle(figure, place, rotation, *feet.values())
    pose = make_pose(
        figure, time, pelvis_position=place, pelvis_rotation=rotation, **feet
    )
    pose = bend(pose, flexion=0.25 * lean)
    pose = look(pose, flexion=-0.5 * lean)
    pose, how = _squat_arms(rng, pose, down, lean)
    pose = alive(rng, pose, sway=0.5, fidget=0.0, breath_hz=1 / period)
    return pose, {"tempo": f"{60 / period:.0f} per minute", "arms": how}


def _squat_arms(rng, pose: Pose, down, lean) -> tuple[Pose, str]:
    choice = rng.integers(3)
    how = ("stretched forward", "hanging at the sides", "raised while going down")[
        choice
    ]
    raised = (1.45 + 0 * down, 0.1 + 0.2 * down, 0.1 + 1.35 * down)[choice]
    arms = [
        ArmAngles(
            flexion=raised + 0.9 * lean * (choice != 1) + rng.normal(0, 0.05),
            abduction=rng.uniform(0.05, 0.15),
            elbow=rng.uniform(0.08, 0.25) + 0.05 * down,
            pronation=rng.uniform(0.6, 1.4),
        )
        for _ in range(2)
    ]
    return with_hands(pose, *arms), how


def _lunges(lead: str | None):
    def generate(rng, figure, time):
        front = lead or ("right", "left")[rng.integers(2)]
        period = rng.uniform(2.2, 3.8)
        phase = phase_of(time, cycle_times(rng, time, period, 0.035))
        pose = _lunge(rng, figure, time, phase, front)
        return pose, {"side": front, "tempo": f"{60 / period:.0f} per minute"}

    return generate


def _lunge(rng, figure: Figure, time, phase, front: str) -> Pose:
    """One foot steps out, the body sinks over it and pushes back, again and again."""
    sign = -1.0 if front == "right" else 1.0
    share = np.mod(phase, 1.0)
    out = _gesture(share, (0.0, 0.28, 0.60, 0.88))
    air = 4 * out * (1 - out)
    sink = _gesture(share, (0.12, 0.46, 0.48, 0.80))
    stride = figure.leg * rng.uniform(0.75, 0.95)
    apart = 0.9 * figure.half_stance
    ahead = np.zeros((len(time), 3))
    ahead[:, 0], ahead[:, 1] = stride * out, sign * apart
    ahead[:, 2] = figure.ankle_height + 0.07 * air
    strike = (np.arange(np.floor(phase[0]), np.ceil(phase[-1]) + 1)) + 0.28
    hits = np.interp(strike, phase, time)
    hits = hits[(strike > phase[0]) & (strike < phase[-1])]
    ahead[:, 2] += ringing(time, hits, rng.uniform(5, 15), 20.0, 0.025)
    leading = FootTrack(ahead, np.eye(3), 0.03)
    pitch = 0.95 * sink
    rotation = about("y", pitch, len(time))
    ball = np.array([figure.ball[0], -sign * apart, 0.0])
    trailing = FootTrack(ball - rotation @ figure.ball, rotation, 0.0, pitch)
    place = np.zeros((len(time), 3))
    place[:, 0] = 0.03 + 0.5 * stride * (0.35 * out + 0.65 * sink)
    up = figure.pelvis_height - 0.014 * figure.stature
    place[:, 2] = up - rng.uniform(0.17, 0.22) * figure.stature * sink
    turn = orientation(len(time), pitch=0.08 + 0.12 * sink, yaw=-sign * 0.12 * out)
    feet = {f"{front}_leg": leading}
    feet["left_leg" if front == "right" else "right_leg"] = trailing
    place = settle(figure, place, turn, leading, trailing)
    pose = make_pose(figure, time, pelvis_position=place, pelvis_rotation=turn, **feet)
    pose = bend(pose, flexion=rng.normal(0.03, 0.04) + 0.1 * sink)
    if rng.random() < 0.5:
        hips = [
            HandTrack(np.array([0.02, s * 0.17, 0.10]), "pelvis", 0.7, pronation=0.9)
            for s in (-1.0, 1.0)
        ]
        pose = with_hands(pose, *hips)
    return alive(rng, pose, sway=0.4, fidget=0.0, breath_hz=0.4)


def _push_ups(rng, figure, time):
    """The straight body turns about the toes, hands stay where they are."""
    period = rng.uniform(1.4, 3.2)
    down = _repeats(rng, time, period, rng.uniform(0.02, 0.2))
    legs, ankle = figure.leg, figure.ball[0] + 0.02
    high, low = rng.uniform(0.23, 0.28), rng.uniform(0.03, 0.08)
    tilt = high + (low - high) * down
    sag = rng.normal(0.0, 0.04)
    place = np.zeros((len(time), 3))
    place[:, 0] = legs * np.cos(tilt)
    place[:, 2] = ankle + legs * np.sin(tilt)
    # Prone with the head towards +X: pitched forwards by a right angle less the tilt.
    pitch = 0.5 * np.pi - tilt
    shoulder = legs + figure.rest[8, 2] - figure.pelvis_height
    hand_x = shoulder * np.cos(high) + 0.10
    leg = LegAngles(flexion=-sag, knee=0.05, abduction=0.06, ankle=tilt, toe=1.2)
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(len(time), pitch=pitch),
        right_leg=leg,
        left_leg=leg,
    )
    pose = bend(pose, flexion=-sag + 0.03 * down)
    pose = look(pose, flexion=-rng.uniform(0.1, 0.5))
    wide = rng.uniform(0.12, 0.16) * figure.stature
    hands = [
        HandTrack(
            np.array([hand_x, sign * wide, 0.05]),
            "world",
            swivel=rng.uniform(0.2, 0.8),
            pronation=1.3,
            wrist_flexion=-1.2,
        )
        for sign in (-1.0, 1.0)
    ]
    pose = with_tremor(rng, breathe(rng, with_hands(pose, *hands), 1 / period), 2.0)
    return pose, {"tempo": f"{60 / period:.0f} per minute"}


def _sit_ups(rng, figure, time):
    """Feet planted, knees bent, the trunk rolls up from the floor and back."""
    period = rng.uniform(1.8, 3.6)
    up = _repeats(rng, time, period, rng.uniform(0.02, 0.2))
    far = figure.leg * rng.uniform(0.55, 0.68)
    feet = {
        "right_leg": planted_foot(figure, far, -figure.half_stance, -0.05),
        "left_leg": planted_foot(figure, far, figure.half_stance, 0.05),
    }
    rise = rng.uniform(0.9, 1.4)
    pitch = -0.5 * np.pi + rise * up**2
    place = np.array([0.0, 0.0, 0.058 * figure.stature])
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(len(time), pitch=pitch),
        **feet,
    )
    curl = 0.7 * up * (2 - up)
    pose = look(bend(pose, flexion=curl), flexion=0.2 + 0.2 * curl)
    if rng.random() < 0.5:
        hands = [
            HandTrack(np.array([-0.02, s * 0.12, 0.08]), "head", 0.3, pronation=0.3)
            for s in (-1.0, 1.0)
        ]
        pose = with_hands(pose, *hands)
    else:
        cross = ArmAngles(0.7, 0.15, 1.1, 2.0, 0.9)
        pose = with_hands(pose, cross, cross)
    pose = with_tremor(rng, breathe(rng, pose, 1 / period))
    return pose, {"tempo": f"{60 / period:.0f} per minute"}


def _side_bends(rng, figure, time):
    period = rng.uniform(2.5, 5.0)
    phase = varying_phase(rng, time, 1 / period, 0.04)
    wave = np.sin(2 * np.pi * phase)
    size = rng.uniform(0.3, 0.55)
    pose = standing(rng, figure, time, sway=0.4, fidget=0.0)
    pose = bend(pose, lateral=size * wave)
    place = pose.pelvis_position.copy()
    place[:, 1] += 0.04 * wave
    pose = dataclasses.replace(pose, pelvis_position=place)
    if rng.random() < 0.5:
        hips = [
            HandTrack(np.array([0.02, s * 0.17, 0.10]), "pelvis", 0.7, pronation=0.9)
            for s in (-1.0, 1.0)
        ]
        pose = with_hands(pose, *hips)
    return pose, {"tempo": f"{60 / period:.0f} per minute"}


def _dancing(rng, figure, time):
    """Swaying to a beat: weight from foot to foot, knees, trunk and arms with it."""
    beat = rng.uniform(85, 135) / 60
    phase = varying_phase(rng, time, beat / 2, 0.01)
    angle = 2 * np.pi * phase
    apart = figure.half_stance * rng.uniform(1.3, 2.2)
    feet = {}
    for name, sign in (("right_leg", -1.0), ("left_leg", 1.0)):
        # The heel of the unloaded foot lifts on every other beat.
        pitch = 0.5 * rng.uniform(0.3, 1.0) * np.clip(-sign * np.sin(angle), 0, 1) ** 2
        rotation = about("z", sign * 0.2, 1)[0] @ about("y", pitch, len(time))
        ball = about("z", sign * 0.2, 1)[0] @ figure.ball
        foot = np.array([0.0, sign * apart, figure.ankle_height]) + ball
        ankle = foot - rotation @ figure.ball
        feet[name] = FootTrack(ankle, rotation, 0.15, 0.8 * pitch)
    bounce = rng.uniform(0.012, 0.04)
    place = np.zeros((len(time), 3))
    place[:, 1] = rng.uniform(0.03, 0.08) * np.sin(angle)
    place[:, 0] = 0.02 + 0.015 * np.cos(angle + rng.uniform(0, 6))
    dip = 0.5 - 0.5 * np.cos(2 * angle + rng.uniform(-0.5, 0.5))
    place[:, 2] = figure.pelvis_height - 0.025 * figure.stature - bounce * 2 * dip
    twist = rng.uniform(0.05, 0.3) * np.sin(angle + rng.uniform(-0.5, 0.5))
    roll = rng.uniform(0.03, 0.12) * np.sin(angle)
    rotation = orientation(len(time), pitch=0.1, yaw=twist, roll=roll)
    place = settle(figure, place, rotation, *feet.values())
    pose = make_pose(
        figure, time, pelvis_position=place, pelvis_rotation=rotation, **feet
    )
    slow = smooth_noise(rng, time, 0.4, 3) * 0.06
    pose = bend(
        pose,
        lateral=-1.4 * roll + slow[:, 0],
        flexion=0.08 * dip + slow[:, 1],
        turn=-1.3 * twist + slow[:, 2],
    )
    pose = look(pose, flexion=0.12 * dip, lateral=0.5 * roll)
    pose = with_hands(pose, *_dancing_arms(rng, time, angle))
    pose = with_tremor(rng, breathe(rng, pose, 0.45))
    return pose, {"tempo": f"{60 * beat:.0f} beats per minute"}


def _dancing_arms(rng, time, angle) -> list[ArmAngles]:
    together = rng.choice([0.0, np.pi])
    raised, size = rng.uniform(0.1, 1.2), rng.uniform(0.15, 0.5)
    arms = []
    for lag in (0.0, together):
        slow = smooth_noise(rng, time, 0.3, 2)
        elbow = rng.uniform(0.7, 1.7) + 0.6 * size * np.sin(2 * angle + lag)
        arms.append(
            ArmAngles(
                flexion=raised + size * np.sin(angle + lag) + 0.15 * slow[:, 0],
                abduction=0.2 + 0.2 * raised + 0.15 * np.sin(2 * angle),
                rotation=rng.normal(0.3, 0.2) + 0.2 * np.cos(angle + lag),
                elbow=np.maximum(elbow + 0.15 * slow[:, 1], 0.1),
                pronation=0.5 + 0.3 * np.sin(angle + lag),
            )
        )
    return arms


_activity = functools.partial(whole_body, group="exercise", captions=CAPTIONS)


_EXERCISING = "a person is exercising"
ACTIVITIES = (
    _activity("squats", "squats", _EXERCISING, _squats),
    _activity(
        *("lunge_left", "forward lunge with the left foot", _EXERCISING),
        _lunges("left"),
    ),
    _activity(
        *("lunge_right", "forward lunge with the right foot", _EXERCISING),
        _lunges("right"),
    ),
    _activity("push_ups", "push-ups", _EXERCISING, _push_ups),
    _activity("sit_ups", "sit-ups", _EXERCISING, _sit_ups),
    _activity("side_bends", "side bends", _EXERCISING, _side_bends),
    _activity("dancing", "dancing", "a person is moving to music", _dancing),
)
