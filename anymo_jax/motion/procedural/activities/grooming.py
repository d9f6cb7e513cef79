"""Care of the body: teeth, hands, face, hair.

Toothbrushing: strokes of a few millimetres at 3 to 7 Hz in spells of some seconds per
area of the mouth, each with its own orientation of the brush (Lee et al. 2012, sensors
in the brush) and of the forearm (Huang & Lin 2016, sensors at the wrist). Washing
hands: rubbing at 1.5 to 3 Hz through the six steps of the WHO's "how to handwash".
Combing: strokes of 0.6 to 1.2 s from the hairline over the head. The rates were set by
eye.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.captions.hands import CAPTIONS
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

# Areas of the mouth: wrist from mouth (forward, left, up) m, pronation and swivel rad,
# and the direction that the brush strokes in.
_AREAS = (
    ((0.06, -0.14, -0.03), 0.95, 0.55, (0.9, 0.3, 0.1)),
    ((0.07, -0.13, -0.06), 0.35, 0.25, (0.7, 0.3, 0.6)),
    ((0.13, -0.08, -0.02), 1.25, 0.75, (0.4, 0.9, 0.0)),
    ((0.13, -0.06, -0.05), -0.1, 0.35, (0.5, 0.8, 0.2)),
    ((0.12, -0.10, 0.00), 0.8, 0.6, (0.0, 0.9, 0.2)),
    ((0.11, -0.10, -0.04), 0.3, 0.3, (0.1, 0.2, 0.95)),
)


def brushing_teeth(rng, figure, time):
    """Short quick strokes area by area, the forearm turned anew for each."""
    pose, stance = base(rng, figure, time, 0.05, lean=(0.1, 0.08), down=(0.1, 0.12))
    body = solved(pose)
    rate = rng.uniform(3.0, 6.5)
    route, spells = None, []
    area, shift = rng.integers(len(_AREAS)), rng.normal(0, 0.01, 3)
    while route is None or route.now < time[-1]:
        offset, turn, swivel, way = _AREAS[area]
        place = body.mouth + np.array(offset) * rng.normal(1, 0.1, 3) + shift
        target = arms.posed(place, turn + rng.normal(0, 0.12), swivel, *way)
        if route is None:
            route = arms.Itinerary(time[0] - rng.uniform(0, 3), target)
        else:
            route.go(target, rng.uniform(0.4, 0.9))
        begin = route.now
        route.stay(rng.uniform(2.0, 5.5))
        spells.append((begin, route.now))
        area = (area + rng.integers(1, len(_AREAS))) % len(_AREAS)
    track = route.track(time)
    phase, size = arms.working_phase(rng, time, rate, 0.1)
    stroke = size * np.sin(2 * np.pi * phase) * arms.gate(time, np.array(spells), 0.25)
    reach = min(rng.uniform(3.0, 9.0) / (2 * np.pi * rate) ** 2, 0.012)
    right = hand(
        rng,
        time,
        track[:, 5:] + reach * stroke[:, None] * track[:, 2:5],
        swivel=track[:, 1],
        pronation=track[:, 0] + rng.uniform(0.03, 0.1) * stroke,
        deviation=rng.uniform(0.02, 0.08) * stroke,
    )
    left = None
    if rng.random() < 0.3:
        sink = body.surface(rng.uniform(-0.2, -0.1)).at(0.45, 0.4, 0.03)
        left = palm_to(pose, "left", hand(rng, time, sink, flexion=-0.6), [0, 0, -1.0])
    pose = stretch(with_hands(pose, right=right, left=left))
    shake = 0.002 * stroke
    pose = look(pose, turn=0.05 * smooth_noise(rng, time, 0.3) + shake, flexion=shake)
    return finished(rng, pose), {"stance": stance, **tempo(rate, 4.0, 5.5)}


# How the hands meet in washing: fingers of both, palms, and the direction of rubbing.
_RUBS = (
    ((0.0, 0.0, 1.0), (0.8, 0.2, 0.3)),
    ((0.3, 0.0, 0.8), (0.3, 0.9, 0.2)),
    ((-0.2, 0.0, 0.9), (0.5, -0.6, 0.4)),
)


def washing_hands(rng, figure, time):
    """Hands rubbed against each other over a basin, several ways, then rinsed."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.22, 0.08), down=(0.4, 0.1))
    body = solved(pose)
    basin = body.surface(rng.uniform(-0.14, -0.02))
    middle = basin.at(rng.uniform(0.62, 0.75), 0.0, 0.05)
    rate = rng.uniform(1.6, 3.2)
    phase, size = arms.working_phase(rng, time, rate, 0.12)
    busy = arms.gate(time, arms.bouts(rng, time, (2.0, 5.0), (0.3, 1.2)), 0.2)
    rub = size * np.sin(2 * np.pi * phase) * busy
    circle = size * np.cos(2 * np.pi * phase) * busy
    ways = arms.hops(rng, time, 0.35, (0.4, 0.8), 3)
    way = np.array([0.75, 0.2, 0.35]) + 0.5 * ways
    wander = 0.012 * arms.hops(rng, time, 0.5, (0.4, 0.9), 3)
    turn = 0.45 * arms.hops(rng, time, 0.35, (0.4, 0.8))
    reach = rng.uniform(0.012, 0.028)
    tracks = {}
    for side, sign in (("right", -1.0), ("left", 1.0)):
        share = rng.uniform(0.6, 1.3) if side == "right" else rng.uniform(0.1, 0.9)
        move = rub[:, None] * way + 0.4 * circle[:, None] * np.array([0.2, 0.0, 0.9])
        place = middle + np.array([0.0, sign * 0.065, 0.0]) + wander
        tracks[side] = hand(
            rng,
            time,
            place - sign * share * reach * move,
            swivel=0.15,
            pronation=0.55 - sign * turn - sign * 0.15 * share * rub,
            flexion=0.1 + 0.15 * share * circle,
            deviation=0.08 * share * rub,
        )
    pose = bend(with_hands(pose, **tracks), flexion=0.004 * rub)
    facts = {"stance": stance, **tempo(rate, 2.0, 2.7)}
    return finished(rng, stretch(pose)), facts


def washing_face(rng, figure, time):
    """Water scooped with both hands and rubbed over the face, bent over a basin."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.45, 0.12), down=(0.3, 0.1))
    body = solved(pose)
    low = body.mouth.mean(axis=0) + np.array([0.12, 0.0, -0.28])
    face = body.mouth + np.array([0.05, 0.0, -0.07])
    scoop, spells = {}, []
    routes = {
        s: arms.Itinerary(time[0] - rng.uniform(0, 1.5), low + np.array([0, y, 0]))
        for s, y in _APART
    }
    now = routes["right"].now
    while now < time[-1]:
        scoop = rng.uniform(0.4, 1.0), rng.uniform(0.5, 0.8), rng.uniform(1.0, 2.2)
        back = rng.uniform(0.5, 0.8)
        for side, y in _APART:
            route = routes[side].stay(scoop[0])
            route.go(face + np.array([0.0, 1.1 * y, 0.0]), scoop[1]).stay(scoop[2])
            route.go(low + np.array([0.0, y, 0.0]), back)
        now = routes["right"].now
        spells.append((now - back - scoop[2], now - back))
    spells = np.array(spells)
    rub = arms.strokes(rng, time, rng.uniform(1.8, 3.0), 0.12)
    rub = rub * arms.gate(time, spells, 0.2)
    near = arms.gate(time, spells + np.array([-0.3, 0.3]), 0.4)
    tracks = {}
    for side, y in _APART:
        sign = np.sign(y)
        move = rub[:, None] * np.array([0.004, 0.006 * sign, 0.03])
        tracks[side] = hand(
            rng,
            time,
            routes[side].track(time) + move,
            swivel=0.1,
            pronation=-0.9 + 0.55 * near,
            flexion=0.35 + 0.1 * rub,
        )
    pose = look(with_hands(pose, **tracks), flexion=0.05 * near + 0.02 * rub)
    return finished(rng, stretch(pose)), {"stance": stance}


_APART = (("right", -0.05), ("left", 0.05))


def combing_hair(rng, figure, time):
    """A comb led from the hairline over the top or the side of the head, again."""
    pose, stance = base(rng, figure, time, 0.15, lean=(0.02, 0.05), down=(0.05, 0.1))
    body = solved(pose)
    paths = (
        ((0.12, -0.10, 0.06), (0.05, -0.145, 0.09), (-0.015, -0.15, 0.03)),
        ((0.10, -0.13, 0.03), (0.04, -0.16, 0.01), (0.0, -0.15, -0.04)),
        ((0.13, -0.07, 0.08), (0.07, -0.11, 0.12), (0.0, -0.14, 0.09)),
    )
    route, path = None, paths[rng.integers(3)]
    rest = body.spot("right", 0.35, 0.05, -0.3)
    turns = (1.15, 0.75, 0.3)
    while route is None or route.now < time[-1]:
        points = [
            arms.posed(body.head_point(*p), t) for p, t in zip(path, turns, strict=True)
        ]
        if route is None:
            route = arms.Itinerary(time[0] - 0.5, points[0])
        route.go(points[0], rng.uniform(0.35, 0.7), lift=0.03)
        takes = rng.uniform(0.6, 1.2)
        route.go(points[1], 0.5 * takes).go(points[2], 0.5 * takes)
        if rng.random() < 0.25:
            path = paths[rng.integers(3)]
        if rng.random() < 0.1:
            route.go(arms.posed(rest, 0.6), 0.7).stay(rng.uniform(0.3, 1.2))
    track = route.track(time)
    swivel = rng.uniform(0.3, 0.7)
    right = hand(rng, time, track[:, 1:], swivel=swivel, pronation=track[:, 0])
    pose = with_hands(pose, right=right)
    tilt = 0.08 * arms.hops(rng, time, 0.4, (0.4, 0.9), 2)
    pose = look(pose, lateral=tilt[:, 0], turn=tilt[:, 1])
    return finished(rng, stretch(pose)), {"stance": stance}


def _activity(generate, label, seen_by):
    name = generate.__name__
    return hand_activity(name, label, CAPTIONS[name], generate, seen_by=seen_by)


ACTIVITIES = (
    _activity(brushing_teeth, "brushing teeth", RIGHT),
    _activity(washing_hands, "washing hands", BOTH),
    _activity(washing_face, "washing the face", BOTH),
    _activity(combing_hair, "combing hair", RIGHT),
)
