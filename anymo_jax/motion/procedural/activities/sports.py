"""Strokes and throws of sports, boxing, and arm exercises.

Peak hand speeds: throws of 8 to 20 m/s in full effort, by eye, half of that in play;
punches 5 to 9 m/s (Walilko, Viano & Bir 2005; Whiting, Gregor & Finerman 1988), one to
three a second. The order of segments is from the ground up: hips turn before shoulders,
shoulders before the arm (Wagner et al. 2014 on throws, serves and spikes; Welch et al.
1995 on batting; Elliott 2006 on tennis). Recordings of such gestures without a ball or
racket (UTD-MHAD) are gentler: effort is drawn from a half to full.
"""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.activities.ball_scores import CATCH
from anymo_jax.motion.procedural.activities.sport_scores import (
    BASEBALL,
    BOWLING,
    FOREHAND,
    SERVE,
    THROW,
)
from anymo_jax.motion.procedural.captions.sports import CAPTIONS
from anymo_jax.motion.procedural.limbs import ArmAngles
from anymo_jax.motion.procedural.pose import bend, move_pelvis, with_hands
from anymo_jax.motion.procedural.scene import base, finished, hand
from anymo_jax.motion.procedural.scores import Score, play, staged
from anymo_jax.motion.procedural.sides import BOTH, RIGHT, hand_activity, tempo
from anymo_jax.motion.procedural.stepping import settled

_REST = (0.18, 0.1, -0.91)
_REST_ANGLES = (0.0, 0.3, 0.1)


def _ground(rng, figure, time):
    """A standing base that looks ahead."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.02, 0.03), down=(0.0, 0.06))
    return pose, stance


def _stroke(score, takes_s, rest_s, effort=(0.6, 1.0), jolt=None):
    """A generator of one score, gentle and slower or with full effort."""

    def stroke(rng, figure, time):
        pose, stance = _ground(rng, figure, time)
        vigour = rng.uniform(*effort)
        # A gentle stroke is both shorter and slower.
        takes = tuple(t * (1.45 - 0.45 * vigour) for t in takes_s)
        part = play(
            rng,
            time,
            score,
            takes,
            rest_s,
            vigour=0.35 + 0.65 * vigour,
            hanging=rng.random() < 0.5,
        )
        shock = None if jolt is None else tuple(vigour * j for j in jolt)
        pose = staged(rng, figure, time, pose, score, part, shock)
        effort_word = "forcefully" if vigour > 0.82 else "with moderate effort"
        return finished(rng, pose), {"stance": stance, "effort": effort_word}

    return stroke


def boxing(rng, figure, time):
    """Punches from a guard, left and right in turn or doubled, with the trunk."""
    pose, stance = _ground(rng, figure, time)
    rate = rng.uniform(1.0, 2.8)
    reach_s, back_s = rng.uniform(0.15, 0.2), rng.uniform(0.18, 0.26)
    busy = arms.bouts(rng, time, (2.5, 7.0), (0.5, 2.0))
    when = arms.moments(rng, time, rate, 0.25)
    inside = [np.any((w > busy[:, 0]) & (w < busy[:, 1])) for w in when]
    when = when[np.array(inside, bool)]
    side_of = np.where(rng.random() < 0.7, np.arange(len(when)) % 2, 0)
    side_of = np.where(rng.random(len(when)) < 0.2, 1 - side_of, side_of)
    far = rng.uniform(0.8, 0.88)
    tracks, twist, drive = {}, np.zeros(len(time)), np.zeros(len(time))
    sway = 0.02 * arms.hops(rng, time, 1.0, (0.2, 0.5), 3)
    for k, (side, sign) in enumerate((("right", 1.0), ("left", -1.0))):
        own = when[side_of == k]
        own = own[np.diff(own, prepend=-9.0) > reach_s + back_s + 0.05]
        punch = _punches(time, own, reach_s, back_s)
        hook = rng.uniform(0.0, 0.25)
        guard = np.array([0.34, -0.12, -0.08])
        target = np.array([far, -0.28, 0.02])
        path = guard + punch[:, None] * (target - guard)
        path[:, 1] += hook * 4 * punch * (1 - punch)
        local = path * [1.0, -sign, 1.0] * figure.arm + sway
        tracks[side] = hand(
            rng,
            time,
            local,
            frame="shoulder",
            swivel=0.1 + 0.4 * punch,
            pronation=0.1 + 1.2 * punch,
        )
        twist, drive = twist + sign * 0.3 * punch, drive + 0.3 * punch
    bounce = arms.strokes(rng, time, rng.uniform(1.5, 2.3), 0.08)
    pose = bend(with_hands(pose, **tracks), turn=twist, flexion=0.12 + 0.1 * drive)
    turn = np.stack([0.05 * drive, 0.02 * bounce, 0.008 * bounce - 0.03], -1)
    facts = {"stance": stance, **tempo(rate, 1.5, 2.2)}
    return finished(rng, settled(pose, turn)), facts


def _punches(time, when, reach_s, back_s) -> np.ndarray:
    """Extension (T,) 0 to 1: out by minimum jerk, back a little slower."""
    value = np.zeros(len(time))
    for start in when:
        out = arms.minimum_jerk((time - start) / reach_s)
        back = arms.minimum_jerk((time - start - reach_s - 0.03) / back_s)
        value = value + out - back
    return value


def arm_curls(rng, figure, time):
    """Both elbows bent and stretched together, or in turn, palms turned up."""
    pose, stance = _ground(rng, figure, time)
    rate = rng.uniform(0.3, 0.75)
    low, high = rng.uniform(0.15, 0.4), rng.uniform(1.9, 2.4)
    busy = arms.gate(time, arms.bouts(rng, time, (6.0, 14.0), (0.6, 2.0)), 0.8)
    in_turn = rng.random() < 0.2
    phase, size = arms.working_phase(rng, time, rate, 0.06)
    tracks = {}
    for k, side in enumerate(("right", "left")):
        angle = 2 * np.pi * (phase + 0.5 * (k and in_turn))
        bent = 0.5 - 0.5 * np.cos(angle + 0.3 * np.sin(angle))
        bent = np.clip(bent * (0.9 + 0.1 * size), 0, 1.05) * busy
        tracks[side] = ArmAngles(
            flexion=rng.normal(0.05, 0.05) + 0.15 * bent,
            abduction=rng.uniform(0.08, 0.2),
            rotation=rng.normal(0.05, 0.1),
            elbow=low + (high - low) * bent,
            pronation=rng.normal(-0.9, 0.2),
            wrist_flexion=0.1 + 0.2 * bent,
        )
        sway = 0.03 * (bent - 0.5)
    pose = bend(with_hands(pose, **tracks), flexion=-sway)
    pose = move_pelvis(pose, -0.3 * sway[:, None] * np.array([1.0, 0, 0]))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 0.42, 0.6)}


def arm_circles(rng, figure, time):
    """Stretched arms led round in circles at the sides, small or large."""
    pose, stance = _ground(rng, figure, time)
    large = rng.random() < 0.4
    rate = rng.uniform(0.4, 0.8) if large else rng.uniform(0.7, 1.6)
    size = rng.uniform(0.75, 0.85) if large else rng.uniform(0.12, 0.35)
    phase, vary = arms.working_phase(rng, time, rate, 0.05)
    angle = 2 * np.pi * phase * rng.choice([-1, 1])
    radius = size * (0.85 + 0.15 * vary)
    begin = arms.minimum_jerk((time - time[0] - rng.uniform(-1.5, 0.5)) / 1.2)
    tracks = {}
    for side, sign in (("right", -1.0), ("left", 1.0)):
        forward, up = radius * np.sin(angle), radius * np.cos(angle)
        out = np.sqrt(np.maximum(0.94**2 - forward**2 - up**2, 0.04))
        ring = np.stack([forward, out, up], axis=-1)
        path = np.array(_REST) + begin[:, None] * (ring - np.array(_REST))
        tracks[side] = hand(
            rng,
            time,
            path * [1.0, sign, 1.0] * figure.arm,
            frame="shoulder",
            swivel=0.2,
            pronation=rng.uniform(0.3, 0.9),
        )
    kind = "large" if large else "small"
    pose = bend(with_hands(pose, **tracks), flexion=0.015 * np.sin(angle))
    facts = {"stance": stance, "size": kind, **tempo(rate, 0.6, 1.1)}
    return finished(rng, pose), facts


def _lowered(score: Score, drop: float) -> Score:
    """A score that starts with picking something up from the floor in front."""
    pick = (0.84, 0.0, -0.40)
    return dataclasses.replace(
        score,
        at=(0.0, 0.22, 0.28, *(0.45 + 0.55 * a for a in score.at)),
        right=(_REST, pick, pick, *score.right[:-1], _REST),
        left=(_REST, (0.5, 0.1, -0.6), (0.5, 0.1, -0.6), *score.left[:-1], _REST),
        right_angles=(
            _REST_ANGLES,
            (0.1, 0.9, 0.1),
            (0.1, 0.9, 0.3),
            *score.right_angles[:-1],
            _REST_ANGLES,
        ),
        trunk=(
            (0.0, 0.0, 0.0),
            (0.0, 1.1, 0.15),
            (0.0, 1.15, 0.15),
            *score.trunk,
        ),
        pelvis=(
            (0.0, 0.0, 0.0),
            (-0.05, -drop, 0.0),
            (-0.05, -drop, 0.0),
            *score.pelvis,
        ),
        step=tuple(0.45 + 0.55 * s for s in score.step),
        hit=0.45 + 0.55 * score.hit,
    )


def picking_up_and_throwing(rng, figure, time):
    """Bending to the floor, taking something, rising and throwing it."""
    score = _lowered(THROW, figure.stature * rng.uniform(0.17, 0.25))
    return _stroke(score, (2.3, 3.3), (0.4, 1.5), effort=(0.85, 1.0))(rng, figure, time)


def _activity(name, label, generate, seen_by, left=0.0):
    return hand_activity(
        name,
        label,
        CAPTIONS[name],
        generate,
        group="sport",
        seen_by=seen_by,
        left=left,
    )


_BODY = ("trunk", "head", "legs")
ACTIVITIES = (
    _activity(
        "throwing",
        "throwing",
        _stroke(THROW, (1.1, 1.7), (0.5, 2.0)),
        (*RIGHT, "trunk"),
    ),
    _activity(
        "picking_up_and_throwing",
        "right hand pick up and throw",
        picking_up_and_throwing,
        (*RIGHT, *_BODY),
    ),
    _activity(
        "bowling",
        "bowling",
        _stroke(BOWLING, (1.6, 2.3), (0.5, 1.8)),
        (*BOTH, "trunk", "legs"),
    ),
    _activity(
        "baseball_swing",
        "baseball swing from right",
        _stroke(BASEBALL, (1.1, 1.6), (0.6, 2.0), jolt=(5.0, 30.0)),
        (*BOTH, "trunk"),
    ),
    _activity(
        "tennis_forehand",
        "tennis right hand forehand swing",
        _stroke(FOREHAND, (1.3, 1.9), (0.4, 1.6), jolt=(5.0, 30.0)),
        (*BOTH, "trunk"),
    ),
    _activity(
        "tennis_serve",
        "tennis serve",
        _stroke(SERVE, (1.6, 2.3), (0.6, 1.8), jolt=(5.0, 30.0)),
        (*BOTH, "trunk"),
    ),
    _activity(
        "catching",
        "right hand catch an object",
        _stroke(CATCH, (1.0, 1.6), (0.4, 1.8), jolt=(10.0, 40.0)),
        RIGHT,
    ),
    _activity("boxing", "boxing", boxing, (*BOTH, "trunk"), 0.1),
    _activity("arm_curls", "arm curls", arm_curls, BOTH),
    _activity("arm_circles", "arm circles", arm_circles, BOTH),
)
