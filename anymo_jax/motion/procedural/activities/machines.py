"""Exercise machines: bike (upright, recumbent), rower, stepper, cross trainer.

Cycling at 50 to 95 rpm: the knee moves from 110 to 35 degrees of flexion (112 to 46 in
Ericson, Nisell & Nemeth 1988; a higher saddle extends it more), the foot points down by
some 20 degrees at the bottom ("ankling", by eye). Rowing at 18 to 32 strokes/min: the
drive takes 35 to 45 per cent of the stroke; legs, then trunk, then arms; the recovery
goes back in the opposite order (Kleshnev 2016).
Steppers move 40 to 70 times a minute by 10 to 25 cm, cross trainers on ellipses of
about 45 by 18 cm.
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
    smooth_noise,
    varying_phase,
)
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.limbs import (
    ArmAngles,
    FootTrack,
    HandTrack,
    about,
)
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    look,
    make_pose,
    orientation,
    reach,
    with_hands,
)
from anymo_jax.motion.procedural.sway import breathe, with_tremor


def pedalled_foot(
    figure: Figure, pedal: np.ndarray, pitch: np.ndarray, yaw: float = 0.0
) -> FootTrack:
    """A foot whose ball stands on a pedal.

    Args:
      pedal: (T, 3) m, the pedal in the world.
      pitch: (T,) rad, of the sole, toes down positive.
    """
    turn = about("z", yaw, 1)[0]
    rotation = turn @ about("y", pitch, len(pitch))
    ball = figure.ball + np.array([-0.01, 0.0, 0.0])
    return FootTrack(pedal - rotation @ ball, rotation, 0.0, 0.0)


def _cycling(rng, figure, time, *, recumbent: bool) -> tuple[Pose, dict[str, str]]:
    cadence = rng.uniform(50, 95)
    phase = varying_phase(rng, time, cadence / 60, 0.012)
    angle = 2 * np.pi * phase
    # Legs push down harder than they lift: the crank's speed ripples twice a turn.
    angle = angle + rng.uniform(0.0, 0.06) * np.sin(2 * angle)
    crank = rng.uniform(0.165, 0.175)
    hips = np.array([0.0, 0.0, rng.uniform(0.5, 0.65) if recumbent else 0.95])
    slant = rng.uniform(-0.05, 0.45) if recumbent else rng.uniform(1.2, 1.35)
    reach_m = figure.leg * rng.uniform(0.965, 1.0) + 0.06 - crank
    centre = hips + reach_m * np.array([np.cos(slant), 0.0, -np.sin(slant)])
    feet = {}
    for name, sign, lag in (("right_leg", -1.0, 0.0), ("left_leg", 1.0, np.pi)):
        turn = angle + lag
        pedal = np.stack(
            [
                centre[0] + crank * np.cos(turn),
                np.full(len(time), sign * rng.uniform(0.10, 0.12)),
                centre[2] - crank * np.sin(turn),
            ],
            axis=-1,
        )
        mean = slant - np.pi / 2 + rng.uniform(0.25, 0.5)
        pitch = mean + rng.uniform(0.12, 0.28) * np.sin(turn + slant - 2.2)
        feet[name] = pedalled_foot(figure, pedal, pitch)
    pose = _rider(rng, figure, time, angle, hips, feet, recumbent)
    facts = {"tempo": f"{cadence:.0f} rpm", "tempo_hz": f"{cadence / 60:.3f}"}
    return pose, facts


def _rider(rng, figure, time, angle, hips, feet, recumbent: bool) -> Pose:
    """A rider's trunk and arms over turning legs, rocking with them."""
    rock = rng.uniform(0.01, 0.045)
    shake = 0.0004 * smooth_noise(rng, time, 6.0, 3)
    place = hips + shake
    place[:, 1] += 0.006 * np.sin(angle)
    place[:, 2] += 0.003 * np.cos(2 * angle + rng.uniform(0, 6))
    lean = rng.uniform(-0.75, -0.35) if recumbent else rng.uniform(0.15, 0.6)
    pitch = lean + 0.008 * np.sin(2 * angle)
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(
            len(time),
            pitch=pitch,
            roll=rock * np.sin(angle),
            yaw=0.6 * rock * np.cos(angle),
        ),
        **feet,
    )
    drift = 0.02 * smooth_noise(rng, time, 0.3)
    pose = bend(
        pose,
        flexion=rng.uniform(0.1, 0.35) + drift,
        lateral=-0.7 * rock * np.sin(angle),
        turn=-0.5 * rock * np.cos(angle),
    )
    pose = look(pose, flexion=-0.7 * lean - 0.1)
    pose = _rider_arms(rng, figure, pose, recumbent)
    return with_tremor(rng, breathe(rng, pose, rng.uniform(0.35, 0.6)))


def _rider_arms(rng, figure, pose: Pose, recumbent: bool) -> Pose:
    """Hands on the handlebar, or on grips beside the seat of a recumbent."""
    tracks = []
    beside = recumbent and rng.random() < 0.6
    along, high, wide = rng.uniform(0.24, 0.3), rng.uniform(0.07, 0.12), 0.28
    for sign in (-1.0, 1.0):
        grip = pose.pelvis_position[0] + figure.stature * np.array([along, 0.0, high])
        grip = grip + np.array([0.0, sign * rng.uniform(0.16, 0.25), 0.0])
        if beside:
            grip = pose.pelvis_position[0] + np.array([0.12, sign * wide, 0.02])
        jitter = 0.0008 * smooth_noise(rng, pose.time, 5.0, 3)
        tracks.append(
            HandTrack(
                grip + jitter,
                "world",
                swivel=rng.normal(0.25, 0.15),
                pronation=rng.uniform(0.5, 1.2),
                wrist_flexion=-0.25,
            )
        )
    return with_hands(pose, *tracks)


def _upright(rng, figure, time):
    return _cycling(rng, figure, time, recumbent=False)


def _recumbent(rng, figure, time):
    return _cycling(rng, figure, time, recumbent=True)


def _rowing(rng, figure, time):
    rate = rng.uniform(18, 32)
    starts = cycle_times(rng, time, 60 / rate, 0.025)
    phase = phase_of(time, starts)
    drive = rng.uniform(0.36, 0.46)
    legs, trunk, arms = _stroke(phase, drive, rng)
    board = np.array([0.0, 0.0, 0.22])
    angle = np.radians(rng.uniform(40, 50))
    hip_height = 0.31 + rng.uniform(0.0, 0.06)
    near, far = 0.40 * figure.leg, 0.965 * figure.leg
    distance = near + (far - near) * legs
    place = np.zeros((len(time), 3))
    place[:, 0] = -np.sqrt(distance**2 - (hip_height - board[2]) ** 2)
    place[:, 2] = hip_height
    lean = rng.uniform(0.35, 0.55) - rng.uniform(0.75, 1.0) * trunk
    feet = {}
    for name, sign in (("right_leg", -1.0), ("left_leg", 1.0)):
        # The heels come off the board when the knees are bent most.
        pitch = -angle + 0.35 * np.clip(0.35 - legs, 0, 1)
        ball = board + np.array([0.10, sign * 0.1, 0.07])
        feet[name] = pedalled_foot(
            figure, np.broadcast_to(ball, (len(time), 3)), pitch, -sign * 0.08
        )
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(len(time), pitch=0.75 * lean),
        **feet,
    )
    bow = 0.25 * lean + 0.12
    pose = bend(pose, flexion=bow)
    pose = look(pose, flexion=-0.5 * lean)
    pose = with_hands(pose, *_handle(rng, figure, arms, 0.75 * lean + bow))
    pose = with_tremor(rng, breathe(rng, pose, rate / 60))
    return pose, {
        "tempo": f"{rate:.0f} strokes per minute",
        "tempo_hz": f"{rate / 60:.3f}",
    }


def _stroke(phase: np.ndarray, drive: float, rng) -> tuple[np.ndarray, ...]:
    """Extension of legs, trunk and arms, 0 at the catch and 1 at the finish, (T,)."""
    back = 1 - drive

    share = np.mod(phase, 1.0)

    def curve(rise_from, rise_to, fall_from, fall_to):
        out = minimum_jerk((share / drive - rise_from) / (rise_to - rise_from))
        home = (share - drive) / back
        return out - minimum_jerk((home - fall_from) / (fall_to - fall_from))

    return (
        curve(0.0, 0.75, rng.uniform(0.25, 0.4), 1.0),
        curve(0.25, 0.95, 0.12, 0.7),
        curve(0.5, 1.0, 0.02, 0.38),
    )


def _handle(rng, figure, arms: np.ndarray, pitch: np.ndarray) -> list[HandTrack]:
    """Both hands on the handle, drawn from straight arms to the belly."""
    away = 0.95 - 0.68 * arms
    drop = rng.uniform(0.15, 0.22) + rng.uniform(-0.05, 0.03) * arms
    ahead = np.sqrt(np.maximum(away**2 - drop**2, 0.01))
    # From upright axes into those of the leaning chest.
    forward = np.cos(pitch) * ahead + np.sin(pitch) * drop
    up = np.sin(pitch) * ahead - np.cos(pitch) * drop
    out = rng.uniform(-0.12, 0.05) * np.ones_like(up)
    return [
        HandTrack(
            reach(figure, side, forward, out, up),
            swivel=0.2 + 0.25 * arms,
            pronation=1.3,
            wrist_flexion=-0.05,
        )
        for side in ("right", "left")
    ]


def _holding(rng, figure, pose: Pose, swing: np.ndarray | float) -> Pose:
    """Hands on grips before the body; `swing` m moves the right ahead, the left back.

    The grips stand at chest height within reach of bent arms.
    """
    tracks = []
    base = np.array([0.16, 0.0, rng.uniform(0.12, 0.18)]) * figure.stature
    base[2] += np.mean(pose.pelvis_position[:, 2])
    for sign in (-1.0, 1.0):
        grip = np.zeros((len(pose.time), 3)) + base
        grip[:, 1] += sign * rng.uniform(0.17, 0.25)
        grip[:, 0] -= sign * swing
        grip[:, 2] -= 0.6 * swing**2
        grip = grip + 0.0015 * smooth_noise(rng, pose.time, 3.0, 3)
        tracks.append(HandTrack(grip, "world", rng.normal(0.15, 0.15), pronation=0.3))
    return with_hands(pose, *tracks)


def _standing_rider(rng, figure, time, feet, height, sway, lean) -> Pose:
    """An upright body above moving pedals."""
    place = np.zeros((len(time), 3))
    place[:, 0] = rng.uniform(-0.05, 0.02)
    place[:, 1] = sway
    place[:, 2] = height
    roll = -1.2 * sway
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(len(time), pitch=0.6 * lean, roll=roll),
        **feet,
    )
    pose = bend(pose, flexion=0.4 * lean - 0.02, lateral=-0.7 * roll)
    return look(pose, flexion=-0.5 * lean)


def _stepper(rng, figure, time):
    rate = rng.uniform(40, 75) / 60
    phase = varying_phase(rng, time, rate, 0.025)
    angle = 2 * np.pi * phase
    stroke = rng.uniform(0.05, 0.12)
    shape = 0.08 * np.sin(2 * angle)
    base = 0.25
    feet = {}
    for name, sign in (("right_leg", -1.0), ("left_leg", 1.0)):
        z = base + sign * -1.0 * stroke * np.sin(angle + shape)
        pedal = np.stack(
            [0.12 + 0 * z, np.full(len(time), sign * rng.uniform(0.09, 0.14)), z], -1
        )
        pitch = 0.06 - 0.9 * (z - base) + 0.03
        feet[name] = pedalled_foot(figure, pedal, pitch)
    bob = rng.uniform(0.008, 0.025) * np.cos(2 * angle + rng.uniform(-0.5, 0.5))
    height = base + figure.pelvis_height - stroke - 0.03 * figure.stature + bob
    sway = rng.uniform(0.01, 0.035) * np.sin(angle + 0.3)
    lean = rng.uniform(0.08, 0.35)
    pose = _standing_rider(rng, figure, time, feet, height, sway, lean)
    if rng.random() < 0.6:
        pose = _holding(rng, figure, pose, 0.0)
    else:
        pose = _free_arms(rng, pose, angle)
    pose = with_tremor(rng, breathe(rng, pose, rng.uniform(0.4, 0.6)))
    return pose, {"tempo": f"{60 * rate:.0f} per minute", "tempo_hz": f"{rate:.3f}"}


def _free_arms(rng, pose: Pose, angle: np.ndarray) -> Pose:
    """Arms that swing against the legs, elbows bent."""
    size = rng.uniform(0.08, 0.35)
    arms = [
        ArmAngles(
            flexion=sign * size * np.sin(angle + rng.normal(0.3, 0.2)),
            abduction=rng.uniform(0.1, 0.2),
            elbow=rng.uniform(0.5, 1.4) + 0.3 * size * sign * np.sin(angle),
        )
        for sign in (1.0, -1.0)
    ]
    return with_hands(pose, *arms)


def _cross_trainer(rng, figure, time):
    rate = rng.uniform(45, 80) / 60
    phase = varying_phase(rng, time, rate, 0.02)
    angle = 2 * np.pi * phase
    length, rise = rng.uniform(0.17, 0.25), rng.uniform(0.06, 0.10)
    base = 0.3
    feet = {}
    for name, sign, lag in (("right_leg", -1.0, 0.0), ("left_leg", 1.0, np.pi)):
        turn = angle + lag
        x = 0.12 + length * np.cos(turn)
        z = base + rise * -np.sin(turn)
        y = np.full(len(time), sign * rng.uniform(0.09, 0.13))
        pitch = 0.15 - 0.22 * np.cos(turn) + 0.12 * np.sin(turn)
        feet[name] = pedalled_foot(figure, np.stack([x, y, z], -1), pitch)
    bob = rng.uniform(0.012, 0.03) * np.cos(2 * angle + rng.uniform(0.2, 1.0))
    height = base + figure.pelvis_height - rise - 0.045 * figure.stature + bob
    sway = rng.uniform(0.008, 0.025) * np.sin(angle + 0.4)
    pose = _standing_rider(
        rng, figure, time, feet, height, sway, rng.uniform(0.02, 0.2)
    )
    swing = rng.uniform(0.08, 0.15) * np.cos(angle + rng.normal(0, 0.15))
    pose = _holding(rng, figure, pose, swing)
    turn = rng.uniform(0.05, 0.15) * np.cos(angle)
    pose = bend(pose, turn=-turn)
    pose = dataclasses.replace(
        pose,
        pelvis_rotation=pose.pelvis_rotation @ about("z", 0.5 * turn, len(time)),
    )
    pose = with_tremor(rng, breathe(rng, pose, rng.uniform(0.4, 0.6)))
    return pose, {"tempo": f"{60 * rate:.0f} per minute", "tempo_hz": f"{rate:.3f}"}


_activity = functools.partial(whole_body, group="exercise", captions=CAPTIONS)


ACTIVITIES = (
    _activity(
        *("cycling_upright", "cycling on an exercise bike in vertical position"),
        *("a person is sitting upright and pedalling", _upright),
    ),
    _activity(
        *("cycling_recumbent", "cycling on an exercise bike in horizontal position"),
        *("a person is sitting leaned back and pedalling", _recumbent),
    ),
    _activity("rowing", "rowing", "a person is rowing", _rowing),
    _activity(
        *("stepper", "exercising on a stepper"),
        *("a person is stepping on an exercise machine", _stepper),
    ),
    _activity(
        *("cross_trainer", "exercising on a cross trainer"),
        *("a person is exercising on a machine", _cross_trainer),
    ),
)
