"""Warehouse and shop work: picking, packing, closing, labelling and scanning boxes.

The operations of manual packaging (Yoshimura et al. 2024, OpenPack): each is a chain of
reaches with short dwells for grasping. Set by eye: a reach takes 0.5 to 1.2 s; tape is
drawn over half a metre in about a second and torn with a jerk; a label is smoothed with
two to four strokes; a scanner is aimed and held for half a second.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.activities.deskwork import writing_on
from anymo_jax.motion.procedural.captions.work import CAPTIONS
from anymo_jax.motion.procedural.pose import bend, look, with_hands
from anymo_jax.motion.procedural.scene import (
    base,
    easy_reach,
    finished,
    hand,
    palm_to,
    solved,
    stretch,
)
from anymo_jax.motion.procedural.sides import BOTH, RIGHT, hand_activity
from anymo_jax.motion.procedural.stepping import Move, relocated

DOWN = np.array([0.0, 0.0, -1.0])
_SIGNS = (("right", -1.0), ("left", 1.0))


def _bench(rng, figure, time):
    """A person standing at a packing bench, and the bench."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.1, 0.06), down=(0.35, 0.1))
    return pose, stance, solved(pose).surface(rng.uniform(-0.25, -0.1))


def _both(routes, at_right, at_left, seconds, rng, lift=0.0):
    """Moves two itineraries to places that they reach at nearly the same time."""
    end = max(route.now for route in routes.values()) + seconds
    for side, spot in (("right", at_right), ("left", at_left)):
        late = rng.uniform(0, 0.08)
        routes[side].go(spot, end - routes[side].now - late, lift)


def _finish(rng, time, pose, tracks, stance):
    pose = stretch(with_hands(pose, **tracks))
    return finished(rng, pose), {"stance": stance}


def picking_items(rng, figure, time):
    """Items taken from shelves high and low into a tote, with steps between."""
    pose, _ = base(rng, figure, time, 0.0, lean=(0.03, 0.04), down=(0.1, 0.1))
    tote = arms.posed(easy_reach(figure, "right", 0.45, -0.2, -0.68), 0.7)
    route = arms.Itinerary(time[0] - rng.uniform(0, 2), tote)
    moves, place = [], 0.0
    while route.now < time[-1]:
        if rng.random() < 0.65:
            place = place + rng.choice([-1, 1]) * rng.uniform(0.3, 0.9)
            takes = rng.uniform(0.9, 1.3) * (1 + 0.4 * abs(place))
            moves.append(Move(route.now + 0.1, takes, left=place))
            route.stay(takes)
        up = rng.uniform(-0.55, 0.45)
        far = np.sqrt(0.86 - up**2)
        item = arms.posed(
            easy_reach(figure, "right", far, rng.uniform(-0.25, 0.15), up),
            rng.uniform(0.2, 1.2),
        )
        route.go(item, rng.uniform(0.6, 1.0)).stay(rng.uniform(0.2, 0.7))
        route.go(tote, rng.uniform(0.7, 1.1)).stay(rng.uniform(0.2, 0.6))
    track = route.track(time)
    right = hand(rng, time, track[:, 1:], frame="shoulder", pronation=track[:, 0])
    hold = easy_reach(figure, "left", 0.45, 0.0, -0.72)
    left = hand(rng, time, hold, frame="shoulder", pronation=0.2)
    high = 0.3 * (track[:, 3] / figure.arm + 0.3)
    pose = look(with_hands(relocated(pose, moves), right, left), flexion=-high)
    reach = np.clip(track[:, 1] / figure.arm - 0.5, 0, 1)
    pose = bend(pose, flexion=0.35 * reach - 0.15 * high * reach)
    return finished(rng, pose), {"stance": "standing at a shelf"}


def packing_box(rng, figure, time):
    """Items put into a box one by one or with both hands, arranged inside."""
    pose, stance, bench = _bench(rng, figure, time)
    ready = {s: bench.at(0.62, 0.3 * g, 0.15) for s, g in _SIGNS}
    routes = {
        s: arms.Itinerary(time[0] - rng.uniform(0, 1), ready[s]) for s, _ in _SIGNS
    }
    while min(r.now for r in routes.values()) < time[-1]:
        pile = rng.choice([-1, 1]) * rng.uniform(0.5, 0.8)
        inside = rng.uniform(-0.12, 0.12)
        if rng.random() < 0.5:
            grip = (bench.at(0.7, pile - 0.15, 0.08), bench.at(0.7, pile + 0.15, 0.08))
            _both(routes, *grip, rng.uniform(0.6, 0.9), rng)
            into = (
                bench.at(0.7, inside - 0.15, 0.1),
                bench.at(0.7, inside + 0.15, 0.1),
            )
            _both(routes, *into, rng.uniform(0.7, 1.1), rng, 0.16)
            _both(routes, *into, rng.uniform(0.2, 0.7), rng)
        else:
            side = "right" if pile < 0 else "left"
            route = routes[side]
            route.go(bench.at(0.72, pile, 0.06), rng.uniform(0.5, 0.8)).stay(0.2)
            route.go(bench.at(0.7, inside, 0.08), rng.uniform(0.6, 0.9), 0.16)
            route.stay(rng.uniform(0.2, 0.6))
        _both(routes, ready["right"], ready["left"], rng.uniform(0.5, 0.8), rng, 0.06)
    return _packed(rng, time, pose, routes, stance)


def _packed(rng, time, pose, routes, stance, extra=0.0):
    """Hands that handle boxes, palms inwards and down."""
    tracks = {}
    for side, sign in _SIGNS:
        turn = 0.15 * arms.hops(rng, time, 0.6, (0.3, 0.7))
        place = routes[side].track(time) + extra
        track = hand(rng, time, place, swivel=0.15, pronation=0.7 + turn)
        tracks[side] = palm_to(pose, side, track, [0.0, -0.8 * sign, -0.6], 0.6)
    return _finish(rng, time, pose, tracks, stance)


def assembling_box(rng, figure, time):
    """A flat box unfolded, its flaps pressed in, turned over and set upright."""
    pose, stance, bench = _bench(rng, figure, time)
    wide = {s: bench.at(0.72, 0.42 * g, 0.12) for s, g in _SIGNS}
    routes = {
        s: arms.Itinerary(time[0] - rng.uniform(0, 2), wide[s]) for s, _ in _SIGNS
    }
    while routes["right"].now < time[-1]:
        flat = (bench.at(0.85, -0.25, 0.03), bench.at(0.85, 0.25, 0.03))
        _both(routes, *flat, rng.uniform(0.6, 0.9), rng)
        up = (bench.at(0.6, -0.3, 0.25), bench.at(0.6, 0.3, 0.25))
        _both(routes, *up, rng.uniform(0.6, 1.0), rng)
        _both(routes, wide["right"], wide["left"], rng.uniform(0.4, 0.7), rng)
        for _ in range(rng.integers(2, 4)):
            near = rng.uniform(0.6, 0.85)
            out = (bench.at(near, -0.4, 0.22), bench.at(near, 0.4, 0.22))
            folded = (bench.at(near, -0.12, 0.16), bench.at(near, 0.12, 0.16))
            _both(routes, *out, rng.uniform(0.4, 0.7), rng, 0.05)
            _both(routes, *folded, rng.uniform(0.35, 0.6), rng)
            _both(routes, *folded, rng.uniform(0.2, 0.5), rng)
        over = (bench.at(0.8, -0.35, 0.05), bench.at(0.6, 0.35, 0.3))
        _both(routes, *over, rng.uniform(0.5, 0.8), rng)
        over = (bench.at(0.7, -0.35, 0.3), bench.at(0.75, 0.35, 0.05))
        _both(routes, *over, rng.uniform(0.6, 0.9), rng)
    return _packed(rng, time, pose, routes, stance)


def taping_box(rng, figure, time):
    """Flaps folded down, tape drawn over the seam, torn, and pressed on."""
    pose, stance, bench = _bench(rng, figure, time)
    top = rng.uniform(0.18, 0.28)
    routes = {
        s: arms.Itinerary(time[0] - rng.uniform(0, 3), bench.at(0.6, 0.4 * g, top))
        for s, g in _SIGNS
    }
    draws, tears = [], []
    while routes["right"].now < time[-1]:
        for near in (0.62, 0.82):
            out = (bench.at(near, -0.4, top - 0.04), bench.at(near, 0.4, top - 0.04))
            shut = (bench.at(near, -0.1, top + 0.04), bench.at(near, 0.1, top + 0.04))
            _both(routes, *out, rng.uniform(0.4, 0.7), rng)
            _both(routes, *shut, rng.uniform(0.4, 0.7), rng, 0.06)
        hold = bench.at(0.62, 0.15, top + 0.05)
        take = bench.at(0.65, -0.7, 0.1)
        _both(routes, take, hold, rng.uniform(0.6, 0.9), rng)
        for _ in range(rng.integers(1, 3)):
            far, close = (
                bench.at(0.95, -0.05, top + 0.1),
                bench.at(0.5, -0.1, top + 0.1),
            )
            _both(routes, far, hold, rng.uniform(0.6, 0.9), rng, 0.08)
            start = routes["right"].now
            _both(routes, close, hold, rng.uniform(0.8, 1.4), rng)
            draws.append((start, routes["right"].now))
            tears.append(routes["right"].now + 0.1)
            routes["right"].stay(0.3)
        rub = (bench.at(0.85, -0.05, top + 0.05), hold)
        _both(routes, *rub, 0.5, rng)
        _both(routes, bench.at(0.6, -0.05, top + 0.05), hold, 0.5, rng)
    rip = arms.gate(time, np.array(draws), 0.1)[:, None]
    extra = rip * arms.vibration(rng, time, rng.uniform(1.0, 2.5), rng.uniform(14, 22))
    jerk = arms.jolts(
        rng, time, np.array(tears), [0.4, 0.5, -0.8], (8.0, 20.0), (6, 10)
    )
    tracks = {}
    for side, sign in _SIGNS:
        own = extra + jerk if side == "right" else 0.0
        place = routes[side].track(time) + own
        track = hand(rng, time, place, swivel=0.2, pronation=0.9)
        tracks[side] = palm_to(pose, side, track, [0.0, -0.4 * sign, -0.9], 0.5)
    return _finish(rng, time, pose, tracks, stance)


def attaching_label(rng, figure, time):
    """A label peeled from its sheet with both hands, stuck on and smoothed."""
    pose, stance, bench = _bench(rng, figure, time)
    top = rng.uniform(0.1, 0.25)
    peel = (bench.at(0.55, -0.1, 0.2), bench.at(0.55, 0.12, 0.2))
    routes = {
        s: arms.Itinerary(time[0] - rng.uniform(0, 2), p)
        for (s, _), p in zip(_SIGNS, peel, strict=True)
    }
    smooths = []
    while routes["right"].now < time[-1]:
        sheet = bench.at(0.7, rng.uniform(0.5, 0.7), 0.05)
        _both(routes, peel[0], sheet, rng.uniform(0.6, 0.9), rng)
        _both(routes, *peel, rng.uniform(0.6, 0.9), rng)
        for _ in range(rng.integers(1, 3)):
            off = peel[0] + rng.uniform(-1, 1, 3) * 0.03 + np.array([0, -0.06, 0])
            _both(routes, off, peel[1], rng.uniform(0.4, 0.8), rng)
            _both(routes, *peel, rng.uniform(0.3, 0.6), rng)
        at = rng.uniform(0.62, 0.8), rng.uniform(-0.15, 0.1)
        stuck = (bench.at(at[0], at[1] - 0.08, top), bench.at(at[0], at[1] + 0.15, top))
        _both(routes, *stuck, rng.uniform(0.6, 1.0), rng, 0.04)
        begin = routes["right"].now
        _both(routes, *stuck, rng.uniform(1.0, 2.0), rng)
        smooths.append((begin, routes["right"].now))
    rub = arms.strokes(rng, time, rng.uniform(1.4, 2.4), 0.1)
    rub = rub * arms.gate(time, np.array(smooths), 0.2)
    extra = 0.035 * rub[:, None] * np.array([0.2, 1.0, 0.0])
    tracks = {}
    for side, sign in _SIGNS:
        place = routes[side].track(time) + (extra if side == "right" else 0.0)
        track = hand(rng, time, place, swivel=0.15, pronation=0.8)
        tracks[side] = palm_to(pose, side, track, [0.0, -0.3 * sign, -0.9], 0.7)
    return _finish(rng, time, pose, tracks, stance)


def scanning(rng, figure, time):
    """A scanner taken, aimed at code after code and put back; items turned to it."""
    pose, stance, bench = _bench(rng, figure, time)
    dock, aim = bench.at(0.65, -0.65, 0.12), bench.at(0.55, -0.2, 0.22)
    route = arms.Itinerary(time[0], arms.posed(dock, 0.3)).stay(rng.uniform(0.0, 0.8))
    item = arms.Itinerary(time[0], bench.at(0.68, 0.2, 0.08))
    while route.now < time[-1]:
        route.go(arms.posed(aim, 0.9), rng.uniform(0.5, 0.9))
        for _ in range(rng.integers(2, 5)):
            spot = aim + rng.uniform(-1, 1, 3) * [0.06, 0.08, 0.04]
            route.go(arms.posed(spot, rng.uniform(0.6, 1.2)), rng.uniform(0.35, 0.7))
            route.stay(rng.uniform(0.4, 0.9))
            shift = rng.uniform(-1, 1, 3) * [0.08, 0.1, 0.03]
            item.stay(max(route.now - item.now - 0.5, 0.02))
            item.go(bench.at(0.68, 0.2, 0.08) + shift, 0.5)
        route.go(arms.posed(dock, 0.3), rng.uniform(0.6, 0.9))
        route.stay(rng.uniform(0.3, 1.2))
    track = route.track(time)
    tracks = {
        "right": hand(rng, time, track[:, 1:], pronation=track[:, 0], flexion=-0.1),
        "left": hand(rng, time, item.track(time), pronation=0.8, swivel=0.1),
    }
    return _finish(rng, time, pose, tracks, stance)


def placing_on_shelf(rng, figure, time):
    """Things lifted from a table and put on shelves at chest to overhead height."""
    pose, stance = base(rng, figure, time, 0.0, lean=(0.03, 0.04), down=(0.0, 0.1))
    body = solved(pose)
    table = body.surface(rng.uniform(-0.3, -0.15))
    routes = {
        s: arms.Itinerary(time[0] - rng.uniform(0, 2), table.at(0.6, 0.15 * g, 0.05))
        for s, g in _SIGNS
    }
    while routes["right"].now < time[-1]:
        both, up = rng.random() < 0.5, rng.uniform(-0.2, 0.55)
        far = np.sqrt(0.84 - up**2)
        rest = routes["left"].targets[-1]
        take = [table.at(0.65, 0.18 * g, 0.08) for _, g in _SIGNS]
        put = [body.spot(s, far, -0.15, up) for s, _ in _SIGNS]
        near = [body.spot(s, 0.6, -0.15, 0.4 * up) for s, _ in _SIGNS]
        if not both:
            take[1] = put[1] = near[1] = rest
        _both(routes, *take, rng.uniform(0.6, 0.9), rng)
        _both(routes, *take, rng.uniform(0.2, 0.5), rng)
        _both(routes, *near, rng.uniform(0.6, 0.9), rng)
        _both(routes, *put, rng.uniform(0.5, 0.9), rng)
        _both(routes, *put, rng.uniform(0.2, 0.6), rng)
        _both(routes, *near, rng.uniform(0.5, 0.8), rng)
    gaze = routes["right"].track(time)[:, 2] - body.shoulder("right")[2]
    pose = look(pose, flexion=-0.5 * gaze)
    return _packed(rng, time, pose, routes, stance)


def moving_box(rng, figure, time):
    """A box lifted from the bench, carried around to a table behind, and put down."""
    pose, _ = base(rng, figure, time, 0.0, lean=(0.03, 0.04), down=(0.25, 0.1))
    grip, height = rng.uniform(0.28, 0.36), rng.uniform(-0.72, -0.6)
    low = {s: easy_reach(figure, s, 0.62, grip - 0.35, height) for s, _ in _SIGNS}
    held = {s: easy_reach(figure, s, 0.5, grip - 0.35, -0.55) for s, _ in _SIGNS}
    rest = {s: easy_reach(figure, s, 0.2, 0.08, -0.9) for s, _ in _SIGNS}
    begin = time[0] + rng.uniform(-0.5, 0.6)
    routes = {s: arms.Itinerary(begin, rest[s]) for s, _ in _SIGNS}
    turn, away, moves, reaching = rng.choice([-1, 1]) * 2.8, 0.35, [], []
    side = 0
    while routes["right"].now < time[-1]:
        now = routes["right"].now
        reaching.append((now, now + 2.4))
        _both(routes, low["right"], low["left"], rng.uniform(0.7, 0.9), rng)
        _both(routes, low["right"], low["left"], rng.uniform(0.2, 0.4), rng)
        _both(routes, held["right"], held["left"], rng.uniform(0.6, 0.9), rng)
        takes, side = rng.uniform(2.2, 3.0), 1 - side
        place = (-away * side, 0.0, turn * side)
        moves.append(Move(routes["right"].now - 0.2, takes, *place))
        for route in routes.values():
            route.stay(takes - 0.3)
        reaching.append((routes["right"].now, routes["right"].now + 1.9))
        _both(routes, low["right"], low["left"], rng.uniform(0.7, 1.0), rng)
        _both(routes, rest["right"], rest["left"], rng.uniform(0.8, 1.1), rng)
        for route in routes.values():
            route.stay(rng.uniform(0.3, 1.2))
    stoop = arms.gate(time, np.array(reaching), 0.7)
    tracks = {
        s: hand(rng, time, routes[s].track(time), frame="shoulder", pronation=0.3)
        for s, _ in _SIGNS
    }
    pose = with_hands(relocated(pose, moves), **tracks)
    pose = bend(pose, flexion=rng.uniform(0.15, 0.35) * stoop)
    return finished(rng, pose), {"stance": "standing and turning"}


def filling_form(rng, figure, time):
    """A form filled out by hand, standing at a counter."""
    return writing_on(rng, figure, time, sits=0.1)


def _activity(generate, label, seen_by=BOTH):
    name = generate.__name__
    return hand_activity(
        name,
        label,
        CAPTIONS[name],
        generate,
        group="work",
        seen_by=seen_by,
        duration_s=(9.0, 15.0),
    )


ACTIVITIES = (
    _activity(picking_items, "picking items from a shelf", (*RIGHT, "trunk", "legs")),
    _activity(packing_box, "putting items into a box"),
    _activity(assembling_box, "assembling a box"),
    _activity(taping_box, "closing a box with tape"),
    _activity(attaching_label, "attaching a label to a box"),
    _activity(scanning, "scanning a label", RIGHT),
    _activity(placing_on_shelf, "placing items on a shelf"),
    _activity(
        moving_box, "putting a box on the table behind", (*BOTH, "trunk", "legs")
    ),
    _activity(filling_form, "filling out an order form", RIGHT),
)
