"""Kitchen work, doors, drawers and tools.

Chopping at 2 to 4 cuts/s; stirring at 0.8 to 1.6 turns/s; kneading at 0.6 to 1.2
pushes/s with the trunk's weight; opening a jar by turns of 0.5 to 0.8 rad at 1 to 2 Hz,
a door by turning the forearm 60 to 90 degrees; hammering at 1.5 to 2.5 blows/s; sawing
at 1 to 2 strokes/s. All of these were set by eye.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.captions.work import CAPTIONS
from anymo_jax.motion.procedural.pose import bend, move_pelvis, with_hands
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


def _counter(rng, figure, time, sits=0.1, lean=0.15, above=(-0.18, -0.06)):
    """A base at a counter, and the counter."""
    pose, stance = base(rng, figure, time, sits, lean=(lean, 0.06), down=(0.4, 0.1))
    height = rng.uniform(*above) if stance == "standing" else rng.uniform(-0.04, 0.04)
    return pose, stance, solved(pose).surface(height)


def cutting(rng, figure, time):
    """A knife brought down onto the board again and again, the food pushed along."""
    pose, stance, board = _counter(rng, figure, time)
    rate = rng.uniform(1.8, 4.0)
    phase, size = arms.working_phase(rng, time, rate, 0.1)
    spells = arms.bouts(rng, time, (2.0, 6.0), (0.6, 2.0))
    busy = arms.gate(time, spells, 0.25)
    lift = arms.bounce(phase, rng.uniform(0.3, 0.6)) * size * busy
    rock = arms.strokes(rng, time, rate, 0.1) * busy
    along = 0.03 * arms.hops(rng, time, 0.6, (0.5, 1.0))
    reach = rng.uniform(0.012, 0.03) * min(1.0, 2.8 / rate)
    place = board.at(0.62, -0.2, 0.09) + np.stack(
        [0.4 * reach * rock, along, reach * lift], axis=-1
    )
    right = hand(
        rng, time, place, swivel=0.15, pronation=1.0, deviation=-0.1 + 0.12 * lift
    )
    left = hand(rng, time, board.at(0.66, 0.08 + along, 0.06), pronation=1.1)
    left = palm_to(pose, "left", left, DOWN, 0.8)
    pose = stretch(with_hands(pose, right=right, left=left))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 2.4, 3.3)}


def stirring(rng, figure, time):
    """A spoon led round a pot, lifted now and then, the other hand at the handle."""
    pose, stance, stove = _counter(rng, figure, time, 0.0, 0.08)
    rate = rng.uniform(0.7, 1.7)
    phase, size = arms.working_phase(rng, time, rate, 0.1)
    busy = arms.gate(time, arms.bouts(rng, time, (4.0, 10.0), (0.6, 2.0)), 0.4)
    angle, reach = 2 * np.pi * phase * rng.choice([-1, 1]), rng.uniform(0.03, 0.07)
    circle = np.stack([np.cos(angle), np.sin(angle), 0.1 * np.sin(angle)], axis=-1)
    place = stove.at(0.7, rng.uniform(-0.25, -0.1), rng.uniform(0.2, 0.28))
    place = place + reach * (size * busy)[:, None] * circle
    place[:, 2] += 0.05 * (1 - busy)
    right = hand(rng, time, place, swivel=0.3, pronation=rng.uniform(0.5, 1.2))
    left = None
    if rng.random() < 0.6:
        left = hand(rng, time, stove.at(0.6, 0.3, 0.14), pronation=0.9)
    pose = stretch(with_hands(pose, right=right, left=left))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 1.0, 1.4)}


def kneading(rng, figure, time):
    """The heels of both hands pushed into dough with the trunk's weight; folded."""
    pose, stance, board = _counter(rng, figure, time, 0.0, 0.25)
    rate = rng.uniform(0.6, 1.2)
    phase, size = arms.working_phase(rng, time, rate, 0.08)
    busy = arms.gate(time, arms.bouts(rng, time, (3.0, 7.0), (0.8, 1.6)), 0.3)
    push = size * busy * np.sin(2 * np.pi * phase)
    press = size * busy * np.cos(2 * np.pi * phase)
    fold = 0.04 * arms.hops(rng, time, 0.5, (0.4, 0.8)) * (1 - busy)
    reach = rng.uniform(0.04, 0.08)
    tracks = {}
    for side, sign in _SIGNS:
        place = board.at(0.66, 0.12 * sign, 0.075) + np.stack(
            [reach * push + fold, 0 * push, -0.4 * reach * press], axis=-1
        )
        track = hand(rng, time, place, swivel=0.25, flexion=-0.6 - 0.15 * push)
        tracks[side] = palm_to(pose, side, track, DOWN)
    pose = bend(stretch(with_hands(pose, **tracks)), flexion=0.09 * push)
    pose = move_pelvis(pose, 0.015 * push[:, None] * np.array([1.0, 0, 0]))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 0.75, 1.0)}


def opening_bottle(rng, figure, time):
    """One hand holds, the other turns the lid in bouts, lifts it and puts it back."""
    pose, stance = base(rng, figure, time, 0.45, lean=(0.05, 0.06), down=(0.35, 0.1))
    place = solved(pose).surface(rng.uniform(0.0, 0.15)).at(0.58, 0.0, 0.0)
    rate = rng.uniform(0.9, 1.8)
    spells = arms.bouts(rng, time, (1.5, 3.5), (1.0, 2.5))
    busy = arms.gate(time, spells, 0.25)
    twist = arms.strokes(rng, time, rate, 0.1, skew=0.5) * busy
    lid = place + np.array([0.0, -0.07, 0.08])
    away = (1 - busy)[:, None] * np.array([0.02, -0.10, 0.03])
    right = hand(
        rng,
        time,
        lid + away + 0.008 * twist[:, None] * np.array([1.0, 0.5, 0]),
        swivel=0.4,
        pronation=0.8 - rng.uniform(0.35, 0.6) * twist,
        deviation=0.15 * twist,
    )
    left = hand(
        rng, time, place + np.array([0.0, 0.07, -0.04]), pronation=0.2 + 0.05 * twist
    )
    pose = with_hands(pose, right=right, left=left)
    return finished(rng, pose), {"stance": stance}


def opening_door(rng, figure, time):
    """The handle grasped and turned, the door swung open and closed again."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.0, 0.04), down=(0.0, 0.08))
    body = solved(pose)
    low = body.spot("right", 0.2, 0.08, -0.9)
    handle = body.surface(rng.uniform(-0.12, 0.02)).at(rng.uniform(0.75, 0.9), -0.3, 0)
    pull = rng.random() < 0.6
    swing = np.array([-0.22, -0.14, 0.0]) if pull else np.array([0.14, 0.10, 0.0])
    route = arms.Itinerary(time[0], arms.posed(low, 0.2)).stay(rng.uniform(0.1, 0.8))
    while route.now < time[-1]:
        turned = arms.posed(handle + np.array([0, 0, -0.025]), 1.25)
        opened = arms.posed(handle + swing, 1.1)
        route.go(arms.posed(handle, 0.85), rng.uniform(0.5, 0.8)).stay(0.1)
        route.go(turned, rng.uniform(0.25, 0.45)).go(opened, rng.uniform(0.45, 0.9))
        route.stay(rng.uniform(0.2, 1.5)).go(turned, rng.uniform(0.5, 0.9))
        route.go(arms.posed(handle, 0.85), 0.3).go(arms.posed(low, 0.2), 0.65)
        route.stay(rng.uniform(0.4, 2.0))
    track = route.track(time)
    right = hand(rng, time, track[:, 1:], pronation=track[:, 0], swivel=0.1)
    sway = 0.06 * np.clip((track[:, 1] - low[0]) / figure.arm, 0, 1)
    pose = bend(with_hands(pose, right=right), flexion=sway, turn=2 * sway)
    pose = move_pelvis(pose, sway[:, None] * np.array([0.4, 0, 0]))
    return finished(rng, stretch(pose)), {"stance": stance}


def opening_drawer(rng, figure, time):
    """A drawer pulled out, something taken or put, and the drawer pushed in."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.15, 0.08), down=(0.4, 0.1))
    body = solved(pose)
    low = body.spot("right", 0.2, 0.08, -0.9)
    shut = body.surface(rng.uniform(-0.28, -0.08)).at(0.8, rng.uniform(-0.3, 0.0), 0)
    out = shut + np.array([-rng.uniform(0.18, 0.28), 0.0, 0.0])
    inside = 0.5 * (shut + out) + np.array([0.0, 0.05, -0.06])
    route = arms.Itinerary(time[0], arms.posed(low, 0.2)).stay(rng.uniform(0.1, 0.8))
    while route.now < time[-1]:
        route.go(arms.posed(shut, 0.5), rng.uniform(0.6, 0.9)).stay(0.15)
        route.go(arms.posed(out, 0.5), rng.uniform(0.5, 0.9))
        route.go(arms.posed(inside, 1.1), 0.5, 0.05).stay(rng.uniform(0.3, 1.5))
        route.go(arms.posed(out, 0.7), 0.6, 0.06).stay(rng.uniform(0.0, 0.4))
        route.go(arms.posed(shut, 0.7), rng.uniform(0.4, 0.8))
        route.go(arms.posed(low, 0.2), 0.8).stay(rng.uniform(0.3, 1.5))
    track = route.track(time)
    right = hand(rng, time, track[:, 1:], pronation=track[:, 0])
    pose = stretch(with_hands(pose, right=right))
    return finished(rng, pose), {"stance": stance}


def hammering(rng, figure, time):
    """Blows of a hammer on a nail held with the other hand, each with a jolt."""
    pose, stance, bench = _counter(rng, figure, time, 0.0, 0.2)
    rate = rng.uniform(1.5, 2.6)
    phase, size = arms.working_phase(rng, time, rate, 0.06)
    busy = arms.gate(time, arms.bouts(rng, time, (2.5, 6.0), (0.8, 2.0)), 0.3)
    lift = arms.bounce(phase, rng.uniform(0.12, 0.25)) * size * busy
    when = np.interp(np.arange(np.ceil(phase[0]), phase[-1]), phase, time)
    when = when[np.interp(when, time, busy) > 0.5]
    jolt = arms.jolts(rng, time, when, [0.0, 0.0, 1.0], (15.0, 50.0))
    reach = rng.uniform(0.06, 0.13) * min(1.0, 2.0 / rate)
    up = reach * lift[:, None] * np.array([-0.45, 0.0, 1.0])
    place = bench.at(0.62, -0.3, 0.13)
    right = hand(
        rng, time, place + up + jolt, pronation=0.2, deviation=0.5 * lift - 0.2
    )
    left = hand(rng, time, bench.at(0.68, 0.08, 0.06), pronation=0.8)
    pose = stretch(with_hands(pose, right=right, left=left))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 1.8, 2.2)}


def sawing(rng, figure, time):
    """Long strokes of a hand saw from the shoulder, the wood held down."""
    pose, stance, bench = _counter(rng, figure, time, 0.0, 0.35)
    rate = rng.uniform(0.9, 2.0)
    stroke = arms.strokes(rng, time, rate, 0.07)
    stroke = stroke * arms.gate(
        time, arms.bouts(rng, time, (3.0, 8.0), (0.8, 2.0)), 0.4
    )
    reach = rng.uniform(0.07, 0.14) * min(1.0, 1.3 / rate)
    rasp = arms.vibration(rng, time, 0.8, rng.uniform(15, 22)) * np.abs(stroke)[:, None]
    way = reach * stroke[:, None] * np.array([1.0, 0.0, -0.45])
    place = bench.at(0.45, -0.35, 0.14) + way + rasp
    right = hand(rng, time, place, swivel=0.1, pronation=0.1)
    left = hand(rng, time, bench.at(0.62, 0.25, 0.04), pronation=1.2, flexion=-0.4)
    left = palm_to(pose, "left", left, DOWN)
    pose = stretch(with_hands(pose, right=right, left=left))
    pose = bend(pose, turn=0.08 * stroke, flexion=0.03 * stroke)
    return finished(rng, pose), {"stance": stance, **tempo(rate, 1.2, 1.6)}


def screwing(rng, figure, time):
    """A screwdriver or wrench turned by the forearm again and again."""
    pose, stance, bench = _counter(rng, figure, time, 0.2, 0.2, (-0.15, 0.1))
    rate = rng.uniform(0.8, 1.8)
    turn = arms.strokes(rng, time, rate, 0.1, skew=0.4)
    turn = turn * arms.gate(time, arms.bouts(rng, time, (2.5, 6.0), (0.6, 2.0)), 0.3)
    spot = 0.05 * arms.hops(rng, time, 0.25, (0.5, 1.0), 3)
    size = rng.uniform(0.3, 0.7)
    right = hand(
        rng,
        time,
        bench.at(0.62, -0.2, 0.12) + spot + 0.006 * turn[:, None],
        swivel=0.3,
        pronation=0.5 - size * turn,
    )
    left = hand(rng, time, bench.at(0.68, 0.12, 0.08) + spot, pronation=0.6)
    pose = stretch(with_hands(pose, right=right, left=left))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 1.0, 1.5)}


def _activity(generate, label, seen_by=BOTH):
    name = generate.__name__
    return hand_activity(
        name, label, CAPTIONS[name], generate, group="household", seen_by=seen_by
    )


ACTIVITIES = (
    _activity(cutting, "cutting vegetables", RIGHT),
    _activity(stirring, "stirring a pot", RIGHT),
    _activity(kneading, "kneading dough", (*BOTH, "trunk")),
    _activity(opening_bottle, "opening a bottle"),
    _activity(opening_door, "opening and closing a door", RIGHT),
    _activity(opening_drawer, "opening and closing a drawer", RIGHT),
    _activity(hammering, "hammering", RIGHT),
    _activity(sawing, "sawing", (*RIGHT, "trunk")),
    _activity(screwing, "fixing something with a screwdriver", RIGHT),
)
