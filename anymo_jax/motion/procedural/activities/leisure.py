"""Games, television and music.

Games at a table are reaches of 0.5 to 0.9 s between long pauses. Strums come at 1.5 to
4 Hz, by elbow and wrist together; piano touches at 2 to 5 per second. All by eye.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.activities.deskwork import thumbed
from anymo_jax.motion.procedural.captions.hands import CAPTIONS
from anymo_jax.motion.procedural.clip import EVERYWHERE
from anymo_jax.motion.procedural.curves import smooth_noise
from anymo_jax.motion.procedural.pose import bend, look, with_hands
from anymo_jax.motion.procedural.scene import (
    base,
    finished,
    hand,
    palm_to,
    solved,
    stretch,
)
from anymo_jax.motion.procedural.sides import BOTH, RIGHT, hand_activity, tempo

DOWN = np.array([0.0, 0.0, -1.0])
_SIGNS = (("right", -1.0), ("left", 1.0))


def playing_cards(rng, figure, time):
    """Cards fanned in one hand, the other plays them to the table and draws anew."""
    pose, stance = base(rng, figure, time, 0.97, lean=(0.08, 0.07), down=(0.3, 0.1))
    body = solved(pose)
    table = body.surface(rng.uniform(-0.02, 0.06))
    fan = body.spot("left", rng.uniform(0.5, 0.6), -0.25, rng.uniform(-0.45, -0.3))
    face = body.mouth.mean(axis=0) - fan
    near, rest = fan + np.array([-0.02, -0.14, 0.0]), table.at(0.62, -0.35, 0.04)
    route = arms.Itinerary(time[0], rest).stay(rng.uniform(0.1, 1.5))
    while route.now < time[-1]:
        route.go(near + rng.normal(0, 0.015, 3), rng.uniform(0.5, 0.8))
        route.stay(rng.uniform(0.2, 1.0))
        aim = table.at(rng.uniform(0.8, 0.95), rng.uniform(-0.2, 0.1), 0.05)
        route.go(aim, rng.uniform(0.4, 0.7), lift=0.05).stay(rng.uniform(0.1, 0.3))
        if rng.random() < 0.5:
            pile = table.at(0.9, rng.uniform(-0.4, -0.25), 0.05)
            route.go(pile, 0.4, 0.03).stay(0.2).go(near, rng.uniform(0.5, 0.8))
            route.stay(rng.uniform(0.2, 0.6))
        route.go(rest, rng.uniform(0.5, 0.8)).stay(rng.uniform(0.3, 2.5))
    left = hand(rng, time, fan, pronation=-0.3, flexion=0.1)
    left = palm_to(pose, "left", left, face, 0.8)
    right = hand(rng, time, route.track(time), pronation=0.7, swivel=0.1)
    pose = with_hands(pose, right=right, left=left)
    return finished(rng, stretch(pose)), {"stance": stance}


def board_game(rng, figure, time):
    """Long thought, then a piece moved on the board."""
    pose, stance = base(rng, figure, time, 0.97, lean=(0.15, 0.08), down=(0.4, 0.1))
    table = solved(pose).surface(rng.uniform(-0.02, 0.06))
    rest = table.at(0.55, -0.3, 0.03)
    route = arms.Itinerary(time[0], rest).stay(rng.uniform(0.2, 2.5))
    while route.now < time[-1]:
        for _ in range(2):
            square = table.at(rng.uniform(0.7, 0.95), rng.uniform(-0.3, 0.25), 0.07)
            route.go(square, rng.uniform(0.5, 0.9), lift=0.06)
            route.stay(rng.uniform(0.2, 0.6))
        route.go(rest, rng.uniform(0.6, 0.9)).stay(rng.uniform(1.0, 4.5))
    lean = 0.25 * (route.track(time)[:, 0] - rest[0])
    right = hand(rng, time, route.track(time), pronation=0.9, flexion=0.1)
    right = palm_to(pose, "right", right, DOWN, 0.7)
    left = hand(rng, time, table.at(0.5, 0.2, 0.03), pronation=1.1, swivel=0.2)
    pose = bend(with_hands(pose, right=right, left=left), flexion=lean)
    return finished(rng, stretch(pose)), {"stance": stance}


def watching_tv(rng, figure, time):
    """Sitting back and looking ahead; now and then a remote control is raised."""
    pose, stance = base(rng, figure, time, 1.0, lean=(-0.22, 0.08), down=(0.1, 0.08))
    pose = bend(pose, lateral=0.05 * arms.hops(rng, time, 0.06, (0.8, 1.8)))
    if rng.random() < 0.4:
        body = solved(pose)
        lap = body.point("Pelvis", [0.6 * figure.thigh, -0.09, 0.09]).mean(axis=0)
        aim = lap + np.array([0.1, 0.0, rng.uniform(0.08, 0.18)])
        route = arms.Itinerary(time[0], lap).stay(rng.uniform(0.5, 4.0))
        route.go(aim, 0.7).stay(rng.uniform(0.8, 2.5)).go(lap, 0.9)
        right = hand(rng, time, route.track(time), pronation=0.8)
        pose = with_hands(pose, right=palm_to(pose, "right", right, DOWN, 0.7))
    return finished(rng, stretch(pose)), {"stance": stance}


def video_game(rng, figure, time):
    """A controller in both hands on the lap: thumbs, and jerks in exciting moments."""
    pose, stance = base(rng, figure, time, 0.95, lean=(0.0, 0.15), down=(0.05, 0.08))
    place = solved(pose).surface(rng.uniform(-0.03, 0.06))
    forward = rng.uniform(0.5, 0.62)
    thrill = arms.hops(rng, time, 0.7, (0.12, 0.4), 3) * [0.008, 0.012, 0.012]
    tracks = {}
    for side, sign in _SIGNS:
        busy = arms.gate(time, arms.bouts(rng, time, (2.0, 6.0), (0.3, 1.2)), 0.2)
        held = place.at(forward, sign * 0.15, 0.05) + thrill
        track = hand(rng, time, held, pronation=0.6, life=0.8)
        track = palm_to(pose, side, track, [-0.2, -sign * 0.9, -0.4], 0.8)
        tracks[side] = thumbed(rng, time, track, busy)
    return finished(rng, stretch(with_hands(pose, **tracks))), {"stance": stance}


def playing_guitar(rng, figure, time):
    """One hand strums across the body, the other grips chords along the neck."""
    pose, stance = base(rng, figure, time, 0.75, lean=(0.1, 0.08), down=(0.3, 0.15))
    body = solved(pose)
    rate = rng.uniform(1.5, 3.6)
    strum = arms.strokes(rng, time, rate, 0.05, skew=0.2)
    strum = strum * arms.gate(time, arms.bouts(rng, time, (4.0, 9.0), (0.3, 1.0)), 0.2)
    hole = body.spot("right", 0.5, -0.15, -0.6)
    size = rng.uniform(0.02, 0.04) * min(1.0, 2.2 / rate)
    across = hole + strum[:, None] * size * np.array([0.1, -0.2, 0.8])
    right = hand(
        rng,
        time,
        across,
        swivel=0.5,
        pronation=0.6 - 0.25 * strum,
        flexion=0.25 - 0.25 * strum,
    )
    fret = 0.05 * arms.hops(rng, time, rng.uniform(0.4, 0.8), (0.15, 0.35))
    neck = body.spot("left", 0.45, 0.22, -0.42) + fret[:, None] * [0.2, 0.9, 0.3]
    left = hand(rng, time, neck, pronation=-0.9, flexion=0.5, life=0.7)
    pose = with_hands(pose, right=right, left=left)
    nod = 0.03 * arms.strokes(rng, time, 0.5 * rate, 0.05)
    pose = look(pose, flexion=nod, turn=0.25)
    return finished(rng, stretch(pose)), {
        "stance": stance,
        **tempo(rate, 2.2, 3.0),
    }


def playing_piano(rng, figure, time):
    """Both hands over the keys: touches at 2 to 5 per second, jumps along the keys."""
    pose, stance = base(rng, figure, time, 1.0, lean=(0.08, 0.06), down=(0.25, 0.1))
    keys = solved(pose).surface(rng.uniform(-0.03, 0.03))
    rate = rng.uniform(2.0, 5.0)
    tracks = {}
    for side, sign in _SIGNS:
        along = sign * 0.3 + 0.12 * arms.hops(rng, time, 0.8, (0.2, 0.5))
        when = arms.moments(rng, time, rate, 0.25)
        touch = arms.pulses(time, when, 0.16, rng.uniform(0.4, 1.2, len(when)))
        place = keys.at(0.7, along, 0.07) - 0.006 * touch[:, None] * [0, 0, 1]
        flexion = -0.1 + 0.08 * touch
        track = hand(rng, time, place, pronation=1.3, flexion=flexion, swivel=0.15)
        tracks[side] = palm_to(pose, side, track, DOWN)
    lean = 0.03 * smooth_noise(rng, time, 0.4, 2)
    pose = bend(with_hands(pose, **tracks), flexion=lean[:, 0], lateral=lean[:, 1])
    return finished(rng, stretch(pose)), {
        "stance": stance,
        **tempo(rate, 2.8, 4.2),
    }


def _activity(generate, label, seen_by=BOTH):
    name = generate.__name__
    return hand_activity(name, label, CAPTIONS[name], generate, seen_by=seen_by)


ACTIVITIES = (
    _activity(playing_cards, "playing cards"),
    _activity(board_game, "playing board games", RIGHT),
    _activity(watching_tv, "watching tv", EVERYWHERE),
    _activity(video_game, "playing video games"),
    _activity(playing_guitar, "playing the guitar"),
    _activity(playing_piano, "playing the piano"),
)
