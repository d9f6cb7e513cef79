"""Games with a ball: catch, basketball, kicking.

Dribbling: 1.5 to 2.5 bounces/s, the hand rides the ball down with elbow and wrist, then
meets it rising; knees and trunk bent. Free throws last about a second from dip to
release, the wrist snaps from 60 degrees of extension. Kicking: backswing about 0.4 s,
forward swing 0.15 to 0.2 s, foot speed 6 to 12 m/s in play, against some 20 m/s in full
instep kicks (the review of Lees et al. 2010). The other figures were set by eye.
"""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.activities.ball_scores import (
    CATCH,
    CATCH_TWO,
    PASS,
    SHOT,
)
from anymo_jax.motion.procedural.activities.running import run
from anymo_jax.motion.procedural.activities.sport_scores import THROW
from anymo_jax.motion.procedural.activities.walking import pace_of, walk
from anymo_jax.motion.procedural.captions.sports import CAPTIONS
from anymo_jax.motion.procedural.curves import periodic, ringing
from anymo_jax.motion.procedural.limbs import ArmAngles, HandTrack, about
from anymo_jax.motion.procedural.pose import bend, look, reach, with_hands
from anymo_jax.motion.procedural.scene import base, finished, hand
from anymo_jax.motion.procedural.scores import chained, play, play_at, staged
from anymo_jax.motion.procedural.sides import BOTH, RIGHT, hand_activity, tempo
from anymo_jax.motion.procedural.stepping import Move, relocated, settled

_UNDERARM = dataclasses.replace(
    THROW,
    at=(0.0, 0.30, 0.42, 0.50, 0.58, 0.75, 1.0),
    right=(
        (0.40, 0.00, -0.60),
        (-0.35, 0.15, -0.80),
        (-0.30, 0.15, -0.82),
        (0.20, 0.08, -0.92),
        (0.70, 0.00, -0.55),
        (0.75, 0.00, -0.10),
        (0.40, 0.00, -0.60),
    ),
    right_angles=(0.0, -0.3, 0.2),
    left=(0.35, 0.0, -0.65),
    trunk=(0.0, 0.1, 0.0),
    pelvis=(0.0, -0.02, 0.0),
    step=None,
    stride=0.0,
)


def _bent_base(rng, figure, time):
    """Standing with bent knees and trunk, looking ahead."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.15, 0.06), down=(-0.1, 0.08))
    drop = figure.stature * rng.uniform(0.015, 0.05)
    return settled(pose, np.array([0.0, 0.0, -drop])), stance


def playing_catch(rng, figure, time):
    """A ball thrown to a partner and caught again, gently."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.03, 0.03), down=(0.0, 0.06))
    throw = THROW if rng.random() < 0.6 else _UNDERARM
    catch = CATCH_TWO if rng.random() < 0.6 else CATCH
    score = chained(throw, catch, 0.44, 0.14)
    vigour = rng.uniform(0.5, 0.85)
    part = play(rng, time, score, (2.8, 4.2), (0.2, 1.2), vigour=vigour)
    pose = staged(rng, figure, time, pose, score, part, (8.0, 35.0))
    return finished(rng, pose), {"stance": stance}


_RIDE = np.array([0.0, 0.12, 0.24, 0.36, 0.46, 0.58, 0.72, 0.86])
_RIDE_Z = np.array([1.0, 0.9, 0.55, 0.12, 0.0, 0.18, 0.6, 0.93])
_RIDE_WRIST = np.array([-0.5, -0.35, 0.2, 0.7, 0.8, 0.4, -0.1, -0.45])


def dribble(rng, figure, time, rate, side, stroke=None):
    """A hand that bounces a ball: a track in the shoulder's frame.

    Args:
      rate: bounces per second.
      stroke: m, vertical travel of the wrist; None draws one.
    """
    phase, size = arms.working_phase(rng, time, rate, 0.05)
    stroke = (
        rng.uniform(0.14, 0.26) * min(1.0, 2.0 / rate) if stroke is None else stroke
    )
    ride = periodic(phase, _RIDE, _RIDE_Z) - 1.0
    bent = periodic(phase, _RIDE, _RIDE_WRIST)
    meets = np.arange(np.ceil(phase[0]), phase[-1]) + 0.72
    meets = np.interp(meets[meets < phase[-1]], phase, time)
    touch = arms.jolts(rng, time, meets, [0.0, 0.0, 1.0], (3.0, 15.0))
    spot = 0.04 * arms.hops(rng, time, 0.5, (0.3, 0.7), 2)
    place = reach(
        figure,
        side,
        rng.uniform(0.45, 0.54) + spot[:, 0] - 0.05 * ride,
        rng.uniform(0.0, 0.12) + spot[:, 1],
        rng.uniform(-0.3, -0.2),
    )
    place = place + touch
    place[:, 2] += stroke * size * ride
    return hand(
        rng,
        time,
        place,
        frame="shoulder",
        swivel=0.15,
        pronation=rng.uniform(1.1, 1.35),
        flexion=rng.uniform(0.5, 1.0) * bent,
    )


def dribbling(rng, figure, time):
    """A basketball bounced by one hand, on the spot or walking; hands may change."""
    rate = rng.uniform(1.5, 2.4)
    if rng.random() < 0.35:
        pose = walk(rng, figure, time, pace_of(rng, figure, rng.uniform(0.6, 1.3)))
        pose, stance = bend(pose, flexion=rng.uniform(0.1, 0.3)), "walking"
    else:
        pose, stance = _bent_base(rng, figure, time)
    right = dribble(rng, figure, time, rate, "right")
    if rng.random() < 0.3:
        spells = arms.bouts(rng, time, (2.5, 6.0), (2.0, 5.0))
        on = arms.gate(time, spells, 0.4)
        left = dribble(rng, figure, time, rate, "left")
        pose = with_hands(pose, _idle(figure, right, on, "right"))
        pose = with_hands(pose, left=_idle(figure, left, 1 - on, "left"))
    else:
        guard = reach(figure, "left", 0.45, 0.1, -0.55)
        left = hand(rng, time, guard, frame="shoulder", pronation=0.5)
        pose = with_hands(pose, right, left if rng.random() < 0.6 else None)
    bob = 0.01 * arms.strokes(rng, time, rate, 0.05)
    pose = bend(pose, flexion=bob)
    return finished(rng, pose), {"stance": stance, **tempo(rate, 1.75, 2.1)}


def _idle(figure, track: HandTrack, on: np.ndarray, side: str) -> HandTrack:
    """A hand that acts while `on` (T,) is 1 and waits in front of the hip otherwise."""
    wait = reach(figure, side, 0.42, 0.08, -0.65)
    place = wait + on[:, None] * (track.position - wait)
    return dataclasses.replace(
        track, position=place, wrist_flexion=on * track.wrist_flexion
    )


def basketball_shot(rng, figure, time):
    """The ball lifted from the waist to the forehead and shot from straight legs."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.02, 0.03), down=(-0.15, 0.08))
    hanging = rng.random() < 0.4
    part = play(rng, time, SHOT, (1.5, 2.2), (0.4, 1.8), hanging=hanging)
    pose = staged(rng, figure, time, pose, SHOT, part)
    return finished(rng, pose), {"stance": stance}


def playing_basketball(rng, figure, time):
    """Dribbling on the run, or dribbles, steps, passes and shots in turn."""
    if rng.random() < 0.5:
        return _dribbling_run(rng, figure, time)
    pose, _ = _bent_base(rng, figure, time)
    rate = rng.uniform(1.6, 2.5)
    spells, moves, now, place = [], [], time[0] - rng.uniform(0, 2), np.zeros(2)
    score = SHOT if rng.random() < 0.6 else PASS
    while now < time[-1]:
        length = rng.uniform(2.0, 4.5)
        spells.append((now, now + length))
        place = np.clip(place + rng.uniform(-0.9, 0.9, 2), -1.5, 1.5)
        takes = rng.uniform(1.1, 1.7)
        moves.append(Move(now + 0.2, takes, *place, rng.uniform(-0.6, 0.6)))
        now += length + rng.uniform(1.6, 2.1)
    on = arms.gate(time, np.array(spells), 0.35)
    starts = np.array([end for _, end in spells])
    lengths = np.append([now for now, _ in spells[1:]], now) - starts
    part = play_at(rng, time, score, starts, lengths)
    pose = staged(rng, figure, time, pose, score, part)
    ball = dribble(rng, figure, time, rate, "right")
    shot = pose.right_arm
    mixed = {
        name: getattr(shot, name) + on_ * (getattr(ball, name) - getattr(shot, name))
        for name, on_ in (
            ("position", on[:, None]),
            ("swivel", on),
            ("pronation", on),
            ("wrist_flexion", on),
        )
    }
    pose = with_hands(pose, right=dataclasses.replace(shot, **mixed))
    pose = relocated(pose, moves, lift=0.08)
    return finished(rng, pose), {"stance": "standing and stepping"}


def _dribbling_run(rng, figure, time):
    """A ball bounced on a slow run."""
    pose, _ = run(rng, figure, time, rng.uniform(1.8, 2.8))
    rate = rng.uniform(1.8, 2.8)
    right = dribble(rng, figure, time, rate, "right", rng.uniform(0.11, 0.16))
    pose = bend(with_hands(pose, right=right), flexion=rng.uniform(0.05, 0.25))
    glance = 0.2 * arms.hops(rng, time, 0.5, (0.2, 0.5))
    return look(pose, turn=glance), {"stance": "running"}


def kicking(rng, figure, time):
    """A ball kicked with the instep, the other leg standing, the arms in balance."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.05, 0.04), down=(0.25, 0.1))
    effort = rng.uniform(0.55, 1.0)
    size = effort * figure.leg
    swing = np.array(
        [
            [0.0, 0.0, 0.0, 0.0],
            [-0.50 * size, 0.02, 0.30 * size, 0.9],
            [0.26 * size, 0.04, 0.09 * size, 0.55],
            [0.72 * size, 0.08, 0.48 * size, 0.1],
            [0.25 * size, 0.03, 0.15 * size, 0.2],
            [0.0, 0.0, 0.0, 0.0],
        ]
    )
    parts = np.array([0.42, 0.17 - 0.05 * effort, 0.13, 0.35, 0.35])
    when, rows, hits = [time[0] - 2.0], [swing[0]], []
    now = time[0] - rng.uniform(0, 1.0)
    while now < time[-1]:
        length = parts * rng.normal(1, 0.05)
        when.extend(now + np.concatenate([[0.0], np.cumsum(length)]))
        rows.extend(swing * rng.normal(1, 0.04, swing.shape))
        hits.append(now + length[0] + length[1])
        now = when[-1] + rng.uniform(0.8, 2.5)
    path = arms.passing(time, when, rows, 0.022)
    hits = np.array([h for h in hits if time[0] < h < time[-1]])
    path[:, 0] += ringing(time, hits, -30.0 * effort, 18.0, 0.03)
    foot = pose.right_leg
    turned = foot.rotation @ about("y", path[:, 3], len(time))
    leg = dataclasses.replace(
        foot, position=foot.position + path[:, :3], rotation=turned
    )
    pose = dataclasses.replace(pose, right_leg=leg)
    return _balanced(rng, time, pose, path[:, 0] / size), {
        "stance": stance,
        "effort": "hard" if effort > 0.8 else "lightly",
    }


def _balanced(rng, time, pose, ahead):
    """Pelvis, trunk and arms that answer a leg swung `ahead` (T,) of leg lengths."""
    lifted = np.sqrt(ahead**2 + 0.2**2) - 0.2
    turn = about("z", 0.35 * ahead, len(time))
    pose = dataclasses.replace(pose, pelvis_rotation=turn @ pose.pelvis_rotation)
    pose = bend(pose, turn=-0.5 * ahead, flexion=0.12 * ahead)
    arms_ = {
        side: ArmAngles(
            flexion=0.05 + sign * 0.7 * ahead,
            abduction=0.12 + 0.45 * lifted,
            rotation=0.2,
            elbow=0.35 + 0.2 * lifted,
            pronation=0.3,
        )
        for side, sign in (("left", 1.0), ("right", -1.0))
    }
    pose = with_hands(pose, arms_["right"], arms_["left"])
    over = arms.rounded(time, lifted[:, None], 0.12) * np.array([-0.03, 0.05, -0.02])
    return finished(rng, settled(pose, over))


def _activity(generate, label, seen_by):
    name = generate.__name__
    return hand_activity(
        name, label, CAPTIONS[name], generate, group="sport", seen_by=seen_by
    )


_BODY = ("trunk", "legs")
ACTIVITIES = (
    _activity(playing_catch, "playing catch with a ball", (*BOTH, "trunk")),
    _activity(dribbling, "dribbling a ball", RIGHT),
    _activity(basketball_shot, "basketball shoot", (*BOTH, "trunk", "legs")),
    _activity(playing_basketball, "playing basketball", (*BOTH, *_BODY)),
    _activity(kicking, "kicking a ball", (*BOTH, *_BODY)),
)
