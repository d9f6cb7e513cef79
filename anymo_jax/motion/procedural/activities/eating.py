"""Eating and drinking: the hand between plate and mouth.

A bite's wrist roll: the hand turns one way as it takes the food and the other way as it
goes to the mouth, at more than 10 degrees/s (Dong, Hoover, Scisco & Muth 2012); here by
40 to 90 degrees, a bite each 6 to 12 s in meals, more often in snacks. Drinking has the
phases of Alt Murphy, Sunnerhagen, Johnels & Willen 2006: reach 0.9 s, transport to the
mouth about 1 s, sips of 1 to 3 s, back about 1 s; the elbow is flexed to 120 to 130
degrees (Safaee-Rad et al. 1990: 130 at most). The durations were set by eye.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.captions.hands import CAPTIONS
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

# From the mouth to the wrist of a hand that feeds it: m forward, left, up, world axes.
WITH_TOOL = np.array([0.12, -0.11, -0.06])
WITH_FINGERS = np.array([0.10, -0.09, -0.10])


def bites(rng, time, plate_s, up_s, mouth_s, down_s, rest_s) -> np.ndarray:
    """Times (K, 5) s of bites: plate reached, left, mouth reached, left, back.

    Args:
      plate_s, up_s, mouth_s, down_s: ranges of the durations of the parts of a bite.
      rest_s: range of the pause at the plate before the next bite's work there.
    """
    rows, now = [], time[0] - rng.uniform(0.0, 2.0)
    while now < time[-1] + 1.0 or len(rows) < 2:
        parts = [rng.uniform(*r) for r in (plate_s, up_s, mouth_s, down_s)]
        rows.append(now + np.concatenate([[0.0], np.cumsum(parts)]))
        now = rows[-1][-1] + rng.uniform(*rest_s)
    return np.array(rows)


def _meets_food(pose, time, times, lean, nod):
    """Trunk and head come towards the hand as it comes to the mouth."""
    near = arms.gate(
        time, times[:, [1, 4]], 0.8 * float(np.min(times[:, 2] - times[:, 1]))
    )
    return look(bend(pose, flexion=lean * near), flexion=-nod * near)


def _route(times, plate, mouth, plate_work):
    """Itinerary between plate and mouth; `plate_work(route, until)` fills the plate."""
    route = arms.Itinerary(times[0, 0] - 0.5, plate)
    for reached, left, arrives, leaves, back in times:
        if reached > route.now:
            route.stay(reached - route.now)
        plate_work(route, left)
        route.go(mouth, arrives - route.now, lift=0.02)
        route.stay(leaves - arrives).go(plate, back - leaves, lift=0.02)
    return route


def eating_soup(rng, figure, time):
    """A spoon dipped, carried level and slowly, emptied into the mouth."""
    pose, stance = base(rng, figure, time, 0.96, lean=(0.12, 0.07), down=(0.3, 0.1))
    times = bites(rng, time, (0.6, 1.3), (1.0, 1.8), (0.5, 1.0), (0.8, 1.3), (0.2, 2.5))
    pose = _meets_food(pose, time, times, rng.uniform(0.05, 0.2), 0.05)
    body = solved(pose)
    table = body.surface(rng.uniform(-0.02, 0.05))
    level, bowl = rng.uniform(0.45, 0.75), table.at(0.72, -0.22, 0.12)
    plate = arms.posed(bowl, level + 0.25)
    dip = arms.posed(bowl + np.array([0.03, 0.02, -0.035]), level + 0.35)
    scooped = arms.posed(bowl + np.array([0.05, 0.03, -0.01]), level)
    mouth = arms.posed(body.mouth + WITH_TOOL, level - 0.15)

    def work(route, until):
        part = (until - route.now) / 2
        route.go(dip, part).go(scooped, part)

    track = _route(times, plate, mouth, work).track(time)
    slurp = arms.gate(time, times[:, [2, 3]], 0.25)
    right = hand(
        rng,
        time,
        track[:, 1:],
        swivel=rng.uniform(0.15, 0.45),
        pronation=track[:, 0] + 0.35 * slurp,
        flexion=0.1 + 0.1 * slurp,
        life=0.6,
    )
    return _at_table(rng, time, pose, table, right, stance, times)


def _at_table(rng, time, pose, table, right, stance, times):
    """The other hand lies on the table or the thigh; facts of a meal."""
    left = None
    if rng.random() < 0.6:
        place = table.at(rng.uniform(0.5, 0.7), rng.uniform(0.15, 0.4), 0.03)
        left = hand(rng, time, place, pronation=0.9, swivel=0.15)
    pose = stretch(with_hands(pose, right=right, left=left))
    pace = tempo(1 / np.mean(np.diff(times[:, 0])), 0.15, 0.23)
    return finished(rng, pose), {"stance": stance, **pace}


def eating_pasta(rng, figure, time):
    """A fork twirled on the plate by turning the forearm, then brought to the mouth."""
    pose, stance = base(rng, figure, time, 0.96, lean=(0.12, 0.07), down=(0.3, 0.1))
    times = bites(rng, time, (1.2, 3.0), (0.8, 1.3), (0.5, 1.2), (0.7, 1.1), (0.2, 2.5))
    pose = _meets_food(pose, time, times, rng.uniform(0.05, 0.25), 0.05)
    body = solved(pose)
    table = body.surface(rng.uniform(-0.02, 0.05))
    bowl = table.at(0.72, -0.2, 0.11)
    plate = arms.posed(bowl, 1.0)
    mouth = arms.posed(body.mouth + WITH_TOOL, rng.uniform(0.1, 0.4))
    twirls = arms.gate(time, times[:, [0, 1]] + [0.1, -0.1], 0.3)
    phase, size = arms.working_phase(rng, time, rng.uniform(1.4, 2.4), 0.1)
    turn, aside = (size * twirls * f(2 * np.pi * phase) for f in (np.sin, np.cos))
    stab = arms.posed(bowl + np.array([0.01, 0.01, -0.03]), 1.1)

    def work(route, until):
        route.go(stab, 0.3).stay(until - route.now)

    track = _route(times, plate, mouth, work).track(time)
    circle = np.stack([turn, aside, 0.2 * turn], axis=-1)
    right = hand(
        rng,
        time,
        track[:, 1:] + 0.008 * circle,
        swivel=rng.uniform(0.15, 0.45),
        pronation=track[:, 0] + rng.uniform(0.2, 0.4) * turn,
        flexion=0.1 + 0.08 * turn,
        life=0.7,
    )
    return _at_table(rng, time, pose, table, right, stance, times)


def eating_chips(rng, figure, time):
    """Fingers rummage in a bowl or bag and bring a chip to the mouth, quickly."""
    pose, stance = base(rng, figure, time, 0.8, lean=(0.0, 0.1), down=(0.15, 0.1))
    times = bites(rng, time, (0.5, 1.5), (0.6, 1.0), (0.3, 0.8), (0.5, 0.9), (0.0, 2.5))
    pose = _meets_food(pose, time, times, 0.02, 0.0)
    body = solved(pose)
    bag = rng.random() < 0.5
    if bag:
        food = body.spot("left", 0.5, -0.2, rng.uniform(-0.6, -0.45))
    else:
        food = body.surface(0.02).at(0.75, rng.uniform(-0.3, 0.05), 0.1)
    down = rng.uniform(0.9, 1.3)
    search = arms.gate(time, times[:, [0, 1]], 0.2)[:, None]
    search = search * arms.hops(rng, time, 2.5, (0.15, 0.3), 3) * [0.015, 0.015, 0.012]
    plate = arms.posed(food + np.array([-0.02, -0.04, 0.05]), down, 0.1)
    inside = arms.posed(food + np.array([0.0, 0.0, -0.02]), down, 0.35)
    turned = rng.uniform(-0.1, 0.4)
    mouth = arms.posed(body.mouth + WITH_FINGERS, turned, 0.5)

    def work(route, until):
        route.go(inside, 0.25).stay(until - route.now)

    track = _route(times, plate, mouth, work).track(time)
    right = hand(
        rng,
        time,
        track[:, 2:] + search,
        swivel=rng.uniform(0.0, 0.3),
        pronation=track[:, 0],
        flexion=track[:, 1],
    )
    if not bag:
        table = body.surface(0.0)
        return _at_table(rng, time, pose, table, right, stance, times)
    hold = hand(
        rng, time, food + np.array([-0.08, 0.08, -0.06]), pronation=0.0, flexion=0.2
    )
    pose = stretch(with_hands(pose, right=right, left=hold))
    pace = tempo(1 / np.mean(np.diff(times[:, 0])), 0.25, 0.35)
    return finished(rng, pose), {"stance": stance, **pace}


def eating_sandwich(rng, figure, time):
    """A sandwich held in both hands or one, bitten, lowered, and chewed."""
    pose, stance = base(rng, figure, time, 0.8, lean=(0.05, 0.1), down=(0.15, 0.1))
    times = bites(rng, time, (0.1, 0.8), (0.7, 1.2), (0.7, 1.4), (0.7, 1.2), (1.5, 5.0))
    pose = _meets_food(pose, time, times, rng.uniform(0.0, 0.15), 0.0)
    body = solved(pose)
    hold = body.surface(rng.uniform(0.08, 0.2)).at(rng.uniform(0.5, 0.65), 0.0, 0.0)
    pull = arms.pulses(time, times[:, 3] - 0.25, 0.4, rng.uniform(0.6, 1.2))
    both = rng.random() < 0.6
    tracks = {}
    for side, sign in (("right", -1.0), ("left", 1.0))[: 1 + both]:
        apart = np.array([0.0, sign * 0.07, 0.0])
        low = arms.posed(hold + apart, 0.6)
        high = arms.posed(body.mouth + np.array([0.13, sign * 0.07, -0.07]), 0.35)

        def work(route, until):
            route.stay(until - route.now)

        track = _route(times, low, high, work).track(time)
        place = track[:, 1:] + pull[:, None] * [0.03, 0.0, -0.025]
        tracks[side] = hand(
            rng,
            time,
            place,
            swivel=0.15,
            pronation=track[:, 0] - 0.1 * pull,
            flexion=0.25 - 0.15 * pull,
        )
    pose = look(with_hands(pose, **tracks), flexion=-0.06 * pull)
    seen = {"grip": "both hands", "seen_by": "right_arm,left_arm"}
    seen = seen if both else {"grip": "one hand", "seen_by": "right_arm"}
    return finished(rng, stretch(pose)), {"stance": stance, **seen}


def eating_with_cutlery(rng, figure, time):
    """The knife saws at 1.5 to 2.5 Hz in one hand, the fork of the other feeds."""
    pose, stance = base(rng, figure, time, 0.98, lean=(0.1, 0.06), down=(0.35, 0.1))
    times = bites(rng, time, (1.5, 3.5), (0.8, 1.2), (0.4, 0.9), (0.7, 1.0), (0.3, 2.0))
    pose = _meets_food(pose, time, times, rng.uniform(0.02, 0.12), 0.05)
    body = solved(pose)
    table = body.surface(rng.uniform(-0.02, 0.05))
    saws = arms.gate(time, times[:, [0, 1]] + [0.2, -0.2], 0.2)
    saw = arms.strokes(rng, time, rng.uniform(1.5, 2.5), 0.1) * saws
    knife = table.at(0.66, -0.2, 0.09) + 0.02 * saw[:, None] * np.array([1.0, 0.5, 0.0])
    right = hand(rng, time, knife, swivel=0.35, pronation=1.2, flexion=0.1)
    plate = arms.posed(table.at(0.66, 0.17, 0.1), 1.25)
    mouth = arms.posed(body.mouth + WITH_TOOL * [1, -1, 1], rng.uniform(0.4, 0.8))

    def work(route, until):
        route.stay(until - route.now)

    track = _route(times, plate, mouth, work).track(time)
    left = hand(rng, time, track[:, 1:], swivel=0.3, pronation=track[:, 0])
    pose = stretch(with_hands(pose, right=right, left=left))
    return finished(rng, pose), {"stance": stance}


def drinking(rng, figure, time):
    """A cup lifted from the table or held, tilted at the mouth, and lowered."""
    pose, stance = base(rng, figure, time, 0.6, lean=(0.0, 0.09), down=(0.1, 0.1))
    sip = rng.uniform(0.8, 1.8), rng.uniform(2.0, 4.5)
    times = bites(rng, time, (0.3, 0.8), (0.8, 1.3), sip, (0.8, 1.3), (0.8, 4.0))
    tilt = arms.gate(time, times[:, [2, 3]] + [-0.3, 0.2], 0.6)
    pose = look(pose, flexion=-rng.uniform(0.15, 0.4) * tilt)
    body = solved(pose)
    held = stance == "standing" or rng.random() < 0.3
    if held:
        low = body.spot("right", rng.uniform(0.42, 0.55), -0.1, rng.uniform(-0.6, -0.4))
    else:
        low = body.surface(0.03).at(rng.uniform(0.7, 0.85), -0.4, 0.06)
    table = body.surface(0.0)
    cup = arms.posed(low, 0.15)
    mouth = arms.posed(body.mouth + np.array([0.09, -0.08, -0.08]), 0.25)

    def work(route, until):
        route.stay(until - route.now)

    track = _route(times, cup, mouth, work).track(time)
    right = hand(
        rng,
        time,
        track[:, 1:] + tilt[:, None] * np.array([0.02, -0.01, 0.05]),
        swivel=0.15 + rng.uniform(0.2, 0.5) * tilt,
        pronation=track[:, 0] + rng.uniform(0.15, 0.4) * tilt,
        deviation=0.25 * tilt,
    )
    if not held:
        return _at_table(rng, time, pose, table, right, stance, times)
    pose = stretch(with_hands(pose, right=right))
    return finished(rng, pose), {"stance": stance, "pace": "calmly"}


def pouring(rng, figure, time):
    """A bottle or pot lifted, tilted over a cup for some seconds, and put down."""
    pose, stance = base(rng, figure, time, 0.35, lean=(0.08, 0.05), down=(0.35, 0.1))
    table = solved(pose).surface(rng.uniform(-0.12, 0.0))
    stand, cup = table.at(0.75, -0.45, 0.12), table.at(0.72, 0.1, 0.05)
    over = table.at(0.72, -0.15, 0.22)
    route = arms.Itinerary(time[0], arms.posed(stand, 0.1)).stay(rng.uniform(0.2, 1.0))
    while route.now < time[-1]:
        tilt = rng.uniform(1.0, 1.4)
        route.go(arms.posed(over, 0.15), rng.uniform(0.8, 1.2), lift=0.05)
        route.go(
            arms.posed(over + np.array([0, 0.01, 0.04]), tilt), rng.uniform(0.6, 1.1)
        )
        route.stay(rng.uniform(1.2, 3.5)).go(arms.posed(over, 0.15), 0.6)
        route.go(arms.posed(stand, 0.1), rng.uniform(0.8, 1.2), lift=0.05)
        route.stay(rng.uniform(0.5, 2.0))
    track = route.track(time)
    right = hand(
        rng,
        time,
        track[:, 1:],
        swivel=0.1 + 0.5 * (track[:, 0] - 0.15),
        pronation=track[:, 0],
    )
    left = hand(rng, time, cup, pronation=0.1)
    left = palm_to(pose, "left", left, [0.0, -1.0, 0.0], 0.7)
    pose = stretch(with_hands(pose, right=right, left=left))
    return finished(rng, pose), {"stance": stance}


def _activity(generate, label, seen_by=RIGHT):
    name = generate.__name__
    duration = (9.0, 15.0)
    return hand_activity(
        name, label, CAPTIONS[name], generate, seen_by=seen_by, duration_s=duration
    )


ACTIVITIES = (
    _activity(eating_soup, "eating soup"),
    _activity(eating_pasta, "eating pasta"),
    _activity(eating_chips, "eating chips"),
    _activity(eating_sandwich, "eating a sandwich", BOTH),
    _activity(eating_with_cutlery, "eating", BOTH),
    _activity(drinking, "drinking from a cup"),
    _activity(pouring, "pouring a drink"),
)
