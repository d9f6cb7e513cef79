"""Housework: floors, tables, dishes, laundry.

Rates, all set by eye: sweeping 0.5 to 1 strokes/s, mopping 0.4 to 0.8, vacuuming
push-pull cycles of 1.5 to 3 s with strokes of half an arm to an arm, ironing 0.3 to 0.8
strokes/s, wiping 0.5 to 2 Hz. Folding is irregular: two-handed moves of 0.6 to 1.5 s
each.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.activities.walking import pace_of, walk
from anymo_jax.motion.procedural.captions.work import CAPTIONS
from anymo_jax.motion.procedural.pose import bend, move_pelvis, with_hands
from anymo_jax.motion.procedural.scene import (
    base,
    easy_reach,
    finished,
    hand,
    palm_to,
    solved,
    stretch,
)
from anymo_jax.motion.procedural.sides import BOTH, RIGHT, hand_activity, tempo

DOWN = np.array([0.0, 0.0, -1.0])
_SIGNS = (("right", -1.0), ("left", 1.0))


def on_the_floor(rng, figure, time, stoop, walks=0.5):
    """A base for floor care: on the spot with shifts of weight, or walking slowly.

    Returns:
      The pose, its wording, and the hand-track frame that goes with it.
    """
    if rng.random() < walks:
        pose = walk(rng, figure, time, pace_of(rng, figure, rng.uniform(0.3, 0.6)))
        stance = "walking slowly"
    else:
        pose, _ = base(rng, figure, time, 0.0, lean=(0.0, 0.03), down=(0.15, 0.08))
        stance = "standing"
    return bend(pose, flexion=rng.uniform(*stoop)), stance


def sweeping(rng, figure, time):
    """A broom in both hands: the lower hand strokes, the upper one is the pivot."""
    pose, stance = on_the_floor(rng, figure, time, (0.15, 0.45), 0.35)
    rate = rng.uniform(0.5, 1.05)
    stroke = arms.strokes(rng, time, rate, 0.1, skew=0.4)
    stroke = stroke * arms.gate(time, arms.bouts(rng, time, (4, 12), (0.4, 1.5)), 0.5)
    size = rng.uniform(0.13, 0.25)
    way = rng.choice([0.25, 0.9])
    low = easy_reach(
        figure,
        "right",
        0.48 + size * (1 - way) * stroke,
        -0.12 - size * way * stroke,
        -0.7 + 0.04 * stroke**2,
    )
    high = easy_reach(
        figure,
        "left",
        0.45 - 0.2 * size * (1 - way) * stroke,
        -0.2 - 0.25 * size * way * stroke,
        rng.uniform(-0.45, -0.25),
    )
    tracks = {
        "right": hand(
            rng, time, low, frame="shoulder", pronation=0.6, deviation=-0.2 * stroke
        ),
        "left": hand(rng, time, high, frame="shoulder", pronation=0.9, swivel=0.3),
    }
    pose = bend(
        with_hands(pose, **tracks),
        turn=rng.uniform(0.05, 0.2) * way * stroke,
        flexion=0.05 * (1 - way) * stroke,
    )
    pose = finished(rng, _weight_shift(rng, time, pose, stroke, stance))
    return pose, {"stance": stance, **tempo(rate, 0.65, 0.9)}


def _weight_shift(rng, time, pose, stroke, stance):
    """The pelvis goes with the strokes of a person who stands."""
    if stance != "standing":
        return pose
    size = rng.uniform(0.005, 0.025)
    return move_pelvis(pose, size * stroke[:, None] * np.array([1.0, 0.5, -0.1]))


def mopping(rng, figure, time):
    """A mop pushed and pulled, or swung in a figure of eight, by both hands."""
    pose, stance = on_the_floor(rng, figure, time, (0.2, 0.5), 0.3)
    rate = rng.uniform(0.4, 0.85)
    phase, size = arms.working_phase(rng, time, rate, 0.1)
    busy = arms.gate(time, arms.bouts(rng, time, (5, 14), (0.4, 1.5)), 0.5)
    stroke = size * busy * np.sin(2 * np.pi * phase)
    double = 0.5 * size * busy * np.sin(4 * np.pi * phase)
    eight = rng.random() < 0.5
    along, across = (double, stroke) if eight else (stroke, 0.15 * double)
    reach = rng.uniform(0.14, 0.24)
    low = easy_reach(
        figure, "right", 0.56 + reach * along, -0.15 - reach * across, -0.66
    )
    high = easy_reach(
        figure,
        "left",
        0.42 + 0.5 * reach * along,
        -0.25 - 0.5 * reach * across,
        rng.uniform(-0.35, -0.15) - 0.1 * along,
    )
    tracks = {
        "right": hand(rng, time, low, frame="shoulder", pronation=0.5),
        "left": hand(rng, time, high, frame="shoulder", pronation=1.0, swivel=0.35),
    }
    pose = bend(
        with_hands(pose, **tracks), turn=0.15 * across, flexion=0.14 * reach * 4 * along
    )
    pose = finished(rng, _weight_shift(rng, time, pose, along, stance))
    return pose, {"stance": stance, **tempo(rate, 0.52, 0.7)}


def vacuuming(rng, figure, time):
    """The wand pushed and pulled with one hand, the body rocking with it."""
    pose, stance = on_the_floor(rng, figure, time, (0.15, 0.4), 0.45)
    rate = rng.uniform(0.33, 0.7)
    stroke = arms.strokes(rng, time, rate, 0.15, skew=rng.uniform(-0.2, 0.2))
    stroke = stroke * arms.gate(time, arms.bouts(rng, time, (5, 14), (0.4, 1.5)), 0.6)
    aim = 0.12 * arms.hops(rng, time, 0.5 * rate, (0.6, 1.2))
    reach = rng.uniform(0.18, 0.32)
    place = easy_reach(
        figure,
        "right",
        0.5 + reach * stroke,
        0.05 + aim,
        rng.uniform(-0.72, -0.6) + 0.12 * stroke,
    )
    shake = arms.vibration(rng, time, rng.uniform(0.3, 1.0), rng.uniform(15, 22))
    right = hand(
        rng,
        time,
        place + shake,
        frame="shoulder",
        pronation=rng.uniform(0.5, 1.1),
        deviation=-0.15 * stroke,
    )
    pose = bend(
        with_hands(pose, right=right), flexion=0.10 * stroke, turn=0.08 * stroke
    )
    if stance == "standing":
        pose = move_pelvis(
            pose, rng.uniform(0.02, 0.06) * stroke[:, None] * np.array([1, 0, -0.1])
        )
    pace = tempo(rate, 0.42, 0.58)
    return finished(rng, pose), {"stance": stance, **pace}


def ironing(rng, figure, time):
    """Long level strokes with the iron, set up now and then to arrange the cloth."""
    pose, stance = base(rng, figure, time, 0.12, lean=(0.12, 0.06), down=(0.4, 0.1))
    board = solved(pose).surface(rng.uniform(-0.12, 0.0))
    rate = rng.uniform(0.3, 0.8)
    spells = arms.bouts(rng, time, (3.5, 9.0), (1.5, 3.5))
    busy = arms.gate(time, spells, 0.6)
    stroke = arms.strokes(rng, time, rate, 0.15) * busy
    along = np.array([rng.uniform(0.2, 0.9), -rng.uniform(0.5, 1.0), 0.0])
    along = along / np.linalg.norm(along)
    row = 0.05 * arms.hops(rng, time, 0.5 * rate, (0.4, 0.8))
    work = board.at(rng.uniform(0.68, 0.8), rng.uniform(-0.3, -0.1), 0.11)
    stand = board.at(0.65, -0.65, 0.14)
    place = stand + busy[:, None] * (work - stand)
    place[:, 2] += 0.06 * arms.bell(busy)
    place = place + rng.uniform(0.09, 0.18) * stroke[:, None] * along
    place[:, 0] += row * busy
    right = hand(rng, time, place, swivel=0.15, pronation=1.2, flexion=-0.1, life=0.6)
    right = palm_to(pose, "right", right, DOWN, 0.8)
    smooth = 0.08 * arms.hops(rng, time, 0.5, (0.5, 1.0), 2)
    flat = board.at(0.66 + smooth[:, 0], 0.3 + smooth[:, 1], 0.03)
    left = hand(rng, time, flat, swivel=0.15, pronation=1.2, flexion=-0.2)
    pose = with_hands(pose, right=right, left=palm_to(pose, "left", left, DOWN))
    pose = bend(pose, lateral=0.04 * stroke, flexion=0.02 * stroke)
    facts = {"stance": stance, **tempo(rate, 0.42, 0.62)}
    return finished(rng, stretch(pose)), facts


def folding_clothes(rng, figure, time):
    """A piece taken, shaken out, folded over, smoothed, and put onto the pile."""
    pose, stance = base(rng, figure, time, 0.3, lean=(0.12, 0.07), down=(0.4, 0.1))
    table = solved(pose).surface(rng.uniform(-0.14, 0.0))
    routes = {
        s: arms.Itinerary(time[0] - rng.uniform(0, 3), table.at(0.6, 0.25 * g, 0.05))
        for s, g in _SIGNS
    }
    shakes = []
    while routes["right"].now < time[-1]:
        shakes.append(_fold_one(rng, table, routes))
    tracks, flap = {}, arms.gate(time, np.array(shakes), 0.15)
    flap = flap * arms.strokes(rng, time, rng.uniform(2.2, 3.2), 0.05)
    for side, sign in _SIGNS:
        place = routes[side].track(time)
        place = place + 0.025 * flap[:, None] * np.array([0.3, 0, 1.0])
        track = hand(
            rng,
            time,
            place,
            swivel=0.15,
            pronation=0.9 + 0.25 * arms.hops(rng, time, 0.8, (0.3, 0.7)),
            flexion=0.1 * flap,
        )
        tracks[side] = palm_to(pose, side, track, [0.0, -0.6 * sign, -0.8], 0.7)
    pose = stretch(with_hands(pose, **tracks))
    return finished(rng, pose), {"stance": stance}


def _fold_one(rng, table, routes) -> tuple[float, float]:
    """Adds the moves that fold one piece; returns when it is shaken."""
    right, left = routes["right"], routes["left"]

    def both(at_right, at_left, seconds, lift=0.0):
        end = max(right.now, left.now) + seconds
        for route, spot in ((right, at_right), (left, at_left)):
            route.go(table.at(*spot), end - route.now - rng.uniform(0, 0.08), lift)

    heap, side = rng.uniform(0.25, 0.5), rng.choice([-1.0, 1.0])
    both((0.75, heap - 0.25, 0.06), (0.75, heap + 0.2, 0.06), rng.uniform(0.6, 1.0))
    both((0.55, -0.35, 0.28), (0.55, 0.35, 0.28), rng.uniform(0.6, 1.0))
    start = right.now
    end = start + (rng.uniform(0.6, 1.3) if rng.random() < 0.6 else 0.2)
    both((0.55, -0.35, 0.26), (0.55, 0.35, 0.26), end - start)
    both((0.7, -0.4, 0.04), (0.7, 0.4, 0.04), rng.uniform(0.6, 1.0))
    for _ in range(rng.integers(2, 4)):
        if side > 0:
            both((0.7, 0.15, 0.05), (0.7, 0.3, 0.05), rng.uniform(0.6, 1.1), 0.08)
        else:
            both((0.7, -0.3, 0.05), (0.7, -0.15, 0.05), rng.uniform(0.6, 1.1), 0.08)
        if rng.random() < 0.6:
            both((0.8, -0.3, 0.04), (0.6, 0.2, 0.04), rng.uniform(0.4, 0.8))
        both((0.62, -0.35, 0.04), (0.62, 0.35, 0.04), rng.uniform(0.5, 0.9))
        side = -side
    both((0.7, -0.2, 0.05), (0.7, 0.2, 0.05), 0.5)
    pile = rng.uniform(-0.7, -0.5)
    both((0.7, pile - 0.2, 0.12), (0.7, pile + 0.2, 0.12), rng.uniform(0.7, 1.1), 0.06)
    return start, end


def wiping_table(rng, figure, time):
    """A cloth led over the table in strokes or circles, the other hand propped."""
    pose, stance = base(rng, figure, time, 0.15, lean=(0.25, 0.1), down=(0.4, 0.1))
    table = solved(pose).surface(rng.uniform(-0.2, -0.05))
    rate = rng.uniform(0.6, 2.0)
    phase, size = arms.working_phase(rng, time, rate, 0.12)
    busy = arms.gate(time, arms.bouts(rng, time, (3, 9), (0.5, 2.0)), 0.35)
    angle, size = 2 * np.pi * phase, size * busy
    round_ = rng.choice([0.15, 1.0])
    reach = rng.uniform(0.10, 0.2) * min(1.0, 1.1 / rate)
    sweep = np.stack([round_ * np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    turn = rng.uniform(-0.8, 0.8)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    sweep[:, :2] = sweep[:, :2] @ turned
    spot = arms.hops(rng, time, 0.3, (0.5, 1.0), 2)
    place = table.at(0.78 + 0.08 * spot[:, 0], -0.15 + 0.2 * spot[:, 1], 0.035)
    place = place + reach * size[:, None] * sweep
    right = hand(rng, time, place, swivel=0.1, pronation=1.2, flexion=-0.3)
    right = palm_to(pose, "right", right, DOWN)
    left = None
    if rng.random() < 0.5:
        left = hand(rng, time, table.at(0.6, 0.4, 0.04), pronation=1.2, flexion=-0.6)
        left = palm_to(pose, "left", left, DOWN)
    pose = bend(pose, turn=0.06 * size * sweep[:, 1], flexion=0.02 * size * sweep[:, 0])
    pose = stretch(with_hands(pose, right=right, left=left))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 0.95, 1.5)}


def cleaning_window(rng, figure, time):
    """A cloth led over an upright pane, up and down or in circles."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.03, 0.05), down=(-0.1, 0.1))
    body = solved(pose)
    rate = rng.uniform(0.6, 1.8)
    phase, size = arms.working_phase(rng, time, rate, 0.1)
    size = size * arms.gate(time, arms.bouts(rng, time, (4, 10), (0.4, 1.5)), 0.35)
    angle, round_ = 2 * np.pi * phase, rng.choice([0.15, 0.9])
    spot = arms.hops(rng, time, 0.25, (0.6, 1.2), 2)
    reach = rng.uniform(0.15, 0.3) * min(1.0, 1.0 / rate)
    across = 0.05 + 0.12 * spot[:, 0] + round_ * reach * size * np.cos(angle)
    up = 0.1 + 0.15 * spot[:, 1] + reach * size * np.sin(angle)
    place = body.spot("right", 0.72, across, up)
    right = hand(rng, time, place, swivel=0.25, pronation=1.2, flexion=-0.5)
    right = palm_to(pose, "right", right, [1.0, 0.0, 0.0], 0.7)
    pose = bend(pose, turn=0.04 * size * np.cos(angle))
    pose = stretch(with_hands(pose, right=right))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 0.9, 1.4)}


def washing_dishes(rng, figure, time):
    """A plate held and turned by one hand, scrubbed in circles by the other; racked."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.2, 0.07), down=(0.4, 0.1))
    sink = solved(pose).surface(rng.uniform(-0.16, -0.05))
    rate = rng.uniform(1.0, 2.2)
    phase, size = arms.working_phase(rng, time, rate, 0.12)
    plate, rack = sink.at(0.62, 0.1, 0.05), sink.at(0.75, 0.75, 0.12)
    scrub, tap = sink.at(0.64, -0.14, 0.08), sink.at(0.85, -0.1, 0.14)
    right = arms.Itinerary(time[0], scrub)
    left = arms.Itinerary(time[0], plate)
    spells = []
    while right.now < time[-1]:
        wash, rinse = rng.uniform(2.0, 5.0), rng.uniform(1.0, 2.0)
        spells.append((right.now, right.now + wash))
        right.stay(wash).go(tap, 0.6).stay(rinse)
        left.stay(wash).go(tap + np.array([-0.04, 0.1, -0.03]), 0.6).stay(rinse)
        left.go(rack, rng.uniform(0.8, 1.2), lift=0.08).stay(0.3)
        left.go(plate, rng.uniform(0.8, 1.1), lift=0.05)
        right.go(scrub, left.now - right.now)
    size = size * arms.gate(time, np.array(spells), 0.3)
    angle, reach = 2 * np.pi * phase, rng.uniform(0.02, 0.045)
    circle = np.stack([np.cos(angle), np.sin(angle), 0.3 * np.sin(angle)], axis=-1)
    track = right.track(time) + reach * size[:, None] * circle
    tracks = {
        "right": hand(
            rng,
            time,
            track,
            swivel=0.15,
            pronation=0.8 + 0.15 * size * np.sin(angle),
            flexion=0.1 + 0.1 * size * np.cos(angle),
        ),
        "left": hand(
            rng,
            time,
            left.track(time) - 0.15 * reach * size[:, None] * circle,
            swivel=0.15,
            pronation=0.1 + 0.3 * arms.hops(rng, time, 0.6, (0.3, 0.7)),
        ),
    }
    pose = stretch(with_hands(pose, **tracks))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 1.3, 1.8)}


def _activity(generate, label, seen_by=BOTH):
    name = generate.__name__
    return hand_activity(
        name, label, CAPTIONS[name], generate, group="household", seen_by=seen_by
    )


ACTIVITIES = (
    _activity(sweeping, "sweeping the floor", (*BOTH, "trunk")),
    _activity(mopping, "mopping the floor", (*BOTH, "trunk")),
    _activity(vacuuming, "vacuum cleaning", (*RIGHT, "trunk")),
    _activity(ironing, "ironing"),
    _activity(folding_clothes, "folding clothes"),
    _activity(wiping_table, "wiping the table", RIGHT),
    _activity(cleaning_window, "cleaning a window", RIGHT),
    _activity(washing_dishes, "washing dishes"),
)
