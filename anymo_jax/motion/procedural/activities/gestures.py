"""Gestures: applause, waving, pointing, knocking, swipes, shapes drawn in the air.

Applause: 3 to 5 claps per second (Repp 1987: 4.0 on average), the forearms swinging
about the elbows at up to 5 rad/s, contacts of 2 to 8 g at the wrist. Waving: forearm
about the elbow at 1.5 to 3 Hz. Knocking: groups of three to five at 3 to 5 Hz. All but
the rate of applause was set by eye. Gestures are made one at a time from a resting arm,
with pauses between, as in recordings of gesture sets (UTD-MHAD, Chen, Jafari &
Kehtarnavaz 2015: 1 to 4 s per gesture).
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.captions.gestures import CAPTIONS
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

_SIGNS = (("right", -1.0), ("left", 1.0))


def _upright(rng, figure, time, sits=0.0):
    """A base that looks ahead."""
    return base(rng, figure, time, sits, lean=(0.0, 0.05), down=(0.0, 0.08))


def _repeats(rng, time, takes_s, rest_s):
    """Starts and ends (K, 2) s of gestures repeated with rests between."""
    return arms.bouts(rng, time, takes_s, rest_s)


def resting(body, rng, side="right"):
    """Where a hanging arm's wrist is, slightly bent and a little its own way."""
    forward, out = rng.uniform(0.1, 0.25), rng.uniform(0.05, 0.15)
    return body.spot(side, forward, out, -rng.uniform(0.9, 0.94))


def clapping(rng, figure, time):
    """Hands struck together before the chest, loud ones with a jolt of several g."""
    pose, stance = _upright(rng, figure, time, 0.35)
    body = solved(pose)
    rate = rng.uniform(2.8, 5.0)
    phase, size = arms.working_phase(rng, time, rate, 0.04)
    busy = arms.gate(time, arms.bouts(rng, time, (4.0, 12.0), (0.4, 2.5)), 0.35)
    gap = arms.bounce(phase, rng.uniform(0.15, 0.35)) * size * busy
    middle = body.surface(rng.uniform(0.0, 0.22)).at(rng.uniform(0.55, 0.72), 0.0, 0.0)
    reach = rng.uniform(0.05, 0.1) * min(1.0, 3.6 / rate)
    when = np.interp(np.arange(np.ceil(phase[0]), phase[-1]), phase, time)
    when = when[np.interp(when, time, busy) > 0.5]
    slant = rng.uniform(-0.5, 0.5)
    uneven = rng.uniform(0.6, 1.0)
    tracks = {}
    for side, sign in _SIGNS:
        share = uneven if side == "left" else 2 - uneven
        # Wrists stay apart by the two palms' thickness when palms touch.
        place = middle + np.array([0.0, sign * 0.045, 0.0])
        move = gap[:, None] * np.array([-0.2, sign, sign * 0.4 * slant])
        jolt = arms.jolts(rng, time, when, [0.0, sign, 0.0], (15.0, 45.0))
        track = hand(
            rng,
            time,
            place + reach * share * move + jolt,
            # The elbow yields inwards: the forearm swings, the upper arm less.
            swivel=0.25 - 8.0 * reach * share * gap,
            pronation=0.1 + sign * slant,
            flexion=-0.12 + 0.15 * gap,
        )
        facing = [0.0, -sign, -0.4 * sign * slant]
        tracks[side] = palm_to(pose, side, track, facing, 0.8)
    pose = bend(with_hands(pose, **tracks), flexion=0.006 * gap)
    return finished(rng, pose), {"stance": stance, **tempo(rate, 3.4, 4.3)}


def waving(rng, figure, time):
    """A raised hand swung from side to side about the elbow."""
    pose, stance = _upright(rng, figure, time, 0.2)
    body = solved(pose)
    rate = rng.uniform(1.5, 3.0)
    spells = _repeats(rng, time, (2.5, 8.0), (0.6, 2.5))
    up = arms.gate(time, spells, rng.uniform(0.6, 0.9))
    busy = arms.gate(time, spells + np.array([0.4, -0.5]), 0.4)
    swing = arms.strokes(rng, time, rate, 0.07) * busy
    way = np.array([rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.7), rng.uniform(0.3, 1)])
    high = body.spot("right", *(rng.uniform(0.62, 0.8) * way / np.linalg.norm(way)))
    place = resting(body, rng) * (1 - up)[:, None] + high * up[:, None]
    size = rng.uniform(0.035, 0.08) * min(1.0, 2.0 / rate)
    place[:, 0] += 0.4 * figure.arm * arms.bell(up)
    place = place + (size * swing * up)[:, None] * np.array([0.1, -1.0, -0.1])
    right = hand(
        rng,
        time,
        place,
        swivel=0.25 * up,
        pronation=0.3 + 0.2 * swing,
        deviation=rng.uniform(0.1, 0.4) * swing,
    )
    facing = up[:, None] * np.array([1.0, 0, 0]) + (1 - up)[:, None] * [0, 1.0, 0]
    pose = with_hands(pose, right=palm_to(pose, "right", right, facing, 0.7))
    return finished(rng, pose), {"stance": stance, **tempo(rate, 1.9, 2.5)}


def _raising(sides):
    def raising(rng, figure, time):
        """Arms lifted overhead in front or at the side, held, and lowered."""
        pose, stance = _upright(rng, figure, time, 0.2)
        body = solved(pose)
        way = rng.uniform(0.25, 0.8), rng.uniform(0.1, 0.6)
        high = rng.uniform(0.0, 0.25), rng.uniform(-0.05, 0.25), rng.uniform(0.8, 0.95)
        takes, begin = rng.uniform(0.8, 1.6), time[0] + rng.uniform(-0.5, 1.0)
        holds = rng.uniform(0.3, 2.5, 40), rng.uniform(0.4, 2.0, 40)
        tracks = {}
        for side, _ in _SIGNS[:sides]:
            low, top = resting(body, rng, side), body.spot(side, *high)
            level = body.spot(side, *way, 0.05)
            when, targets, k = [begin], [low], 0
            while when[-1] < time[-1]:
                steps = 0.5 * takes, 0.5 * takes, holds[0][k], 0.5 * takes
                steps = (*steps, 0.5 * takes, holds[1][k])
                when.extend(when[-1] + np.cumsum(steps))
                targets.extend([level, top, top, level, low, low])
                k += 1
            track = arms.passing(time, when, targets)
            lifted = np.clip((track[:, 2] - low[2]) / (top[2] - low[2]), 0, 1)
            tracks[side] = hand(rng, time, track, pronation=0.2 + 0.5 * lifted)
        pose = bend(with_hands(pose, **tracks), flexion=-0.04 * lifted)
        return finished(rng, pose), {
            "stance": stance,
            **tempo(1 / takes, 0.7, 1.0),
        }

    return raising


def pointing(rng, figure, time):
    """The arm stretched to point at something, held, and let down."""
    pose, stance = _upright(rng, figure, time, 0.25)
    body = solved(pose)
    low = resting(body, rng)
    route = arms.Itinerary(time[0], arms.posed(low, 0.3)).stay(rng.uniform(0.1, 1.0))
    while route.now < time[-1]:
        aim = rng.uniform(-0.5, 0.8), rng.uniform(-0.25, 0.35)
        far = np.array([np.cos(aim[0]), np.sin(aim[0]), np.sin(aim[1])])
        far = 0.94 * far / np.linalg.norm(far)
        point = arms.posed(body.spot("right", *far), 0.9)
        route.go(point, rng.uniform(0.6, 1.0)).stay(rng.uniform(0.6, 2.5))
        route.go(arms.posed(low, 0.3), rng.uniform(0.7, 1.1))
        route.stay(rng.uniform(0.4, 2.0))
    track = route.track(time)
    right = hand(rng, time, track[:, 1:], pronation=track[:, 0])
    gaze = 0.25 * (track[:, 0] - 0.3) * rng.normal(0, 1)
    pose = look(with_hands(pose, right=right), turn=gaze)
    return finished(rng, pose), {"stance": stance}


def knocking(rng, figure, time):
    """Groups of three to five knocks of the knuckles on a door, a jolt at each."""
    pose, stance = _upright(rng, figure, time)
    body = solved(pose)
    rate = rng.uniform(3.0, 5.0)
    door = body.spot("right", rng.uniform(0.62, 0.75), -0.1, rng.uniform(-0.1, 0.25))
    low, ready = resting(body, rng), door - np.array([0.06, 0.0, 0.0])
    route = arms.Itinerary(time[0], arms.posed(low, 0.3)).stay(rng.uniform(0.1, 0.8))
    knocks = []
    while route.now < time[-1]:
        route.go(arms.posed(ready, 0.6), rng.uniform(0.6, 0.9))
        for _ in range(rng.integers(1, 3)):
            count = rng.integers(3, 6)
            begin = route.now + 0.5 / rate
            knocks.extend(begin + np.arange(count) / rate * rng.uniform(0.95, 1.05))
            route.stay(count / rate + 0.2 + rng.uniform(0.0, 1.0))
        route.go(arms.posed(low, 0.3), rng.uniform(0.7, 1.0))
        route.stay(rng.uniform(0.5, 2.0))
    knocks, track = np.array(knocks), route.track(time)
    beat = arms.pulses(time, knocks, 1.0 / rate, rng.uniform(0.8, 1.1, len(knocks)))
    reach = rng.uniform(0.03, 0.05)
    jolt = arms.jolts(rng, time, knocks, [-1.0, 0.0, 0.0], (15.0, 45.0))
    right = hand(
        rng,
        time,
        track[:, 1:] + reach * beat[:, None] * np.array([1.0, 0.0, -0.3]) + jolt,
        swivel=0.2,
        pronation=track[:, 0],
        flexion=0.2 * beat - 0.1,
    )
    pose = with_hands(pose, right=right)
    return finished(rng, pose), {"stance": stance, **tempo(rate, 3.6, 4.4)}


def _swiping(to_left):
    def swiping(rng, figure, time):
        """The stretched arm swept level across the front, raised first and then let."""
        pose, stance = _upright(rng, figure, time)
        body = solved(pose)
        low, height = resting(body, rng), rng.uniform(-0.15, 0.1)
        outside = body.spot("right", 0.55, rng.uniform(0.55, 0.7), height)
        ahead = body.spot("right", rng.uniform(0.85, 0.93), 0.0, height + 0.03)
        inside = body.spot("right", 0.6, -rng.uniform(0.55, 0.65), height)
        path = [outside, ahead, inside] if to_left else [inside, ahead, outside]
        when, targets = [time[0] + rng.uniform(0.1, 1.0)], [low]
        sweeps = []
        while when[-1] < time[-1]:
            up, sweep = rng.uniform(0.5, 0.8), rng.uniform(0.4, 0.8)
            steps = up, 0.5 * sweep, 0.5 * sweep, rng.uniform(0.5, 0.9)
            sweeps.append((when[-1] + up, when[-1] + up + sweep))
            when.extend(when[-1] + np.cumsum((*steps, rng.uniform(0.4, 1.8))))
            targets.extend([*path, low, low])
        track = arms.passing(time, when, targets)
        raised = np.clip((track[:, 2] - low[2]) / (outside[2] - low[2]), 0, 1)
        turn = rng.uniform(0.15, 0.4)
        right = hand(rng, time, track, pronation=0.2 + turn * raised, swivel=0.15)
        twist = 0.15 * (track[:, 1] - low[1]) / figure.arm * raised
        pose = bend(with_hands(pose, right=right), turn=twist)
        pace = tempo(1 / np.mean(np.diff(sweeps)), 1.5, 2.0)
        return finished(rng, stretch(pose)), {"stance": stance, **pace}

    return swiping


def crossing_arms(rng, figure, time):
    """Both forearms brought crosswise onto the chest, held, and let down."""
    pose, stance = _upright(rng, figure, time)
    body = solved(pose)
    takes, begin = rng.uniform(0.6, 1.0), time[0] + rng.uniform(0.1, 1.0)
    spells, now = [], begin
    while now < time[-1]:
        end = now + 2 * takes + rng.uniform(0.3, 2.0)
        spells.append((now, end))
        now = end + rng.uniform(0.4, 2.0)
    on = arms.gate(time, np.array(spells), takes)
    tracks = {}
    for side, sign in _SIGNS:
        low = resting(body, rng, side)
        front = 0.46 if side == "right" else 0.38
        chest = body.spot(side, front, -0.45, rng.uniform(-0.3, -0.2))
        place = low + on[:, None] * (chest - low)
        place = place + arms.bell(on)[:, None] * np.array([0.12, sign * 0.05, 0.0])
        tracks[side] = hand(
            rng, time, place, pronation=0.2 + 0.5 * on, flexion=0.2 * on
        )
    return finished(rng, with_hands(pose, **tracks)), {"stance": stance}


def two_hand_push(rng, figure, time):
    """Both palms pushed forward from the chest to stretched arms, and drawn back."""
    pose, stance = _upright(rng, figure, time)
    body = solved(pose)
    height = rng.uniform(-0.2, 0.0)
    when, stage = [time[0] + rng.uniform(0.1, 1.0)], [0.0]
    while when[-1] < time[-1]:
        when.append(when[-1] + rng.uniform(0.5, 0.8))
        stage.append(1.0)
        for _ in range(rng.integers(1, 3)):
            push, back = rng.uniform(0.35, 0.7), rng.uniform(0.4, 0.8)
            when.extend(when[-1] + np.cumsum([push, 0.1 + 0.3 * rng.random(), back]))
            stage.extend([2.0, 2.0, 1.0])
        when.extend(
            when[-1] + np.cumsum([rng.uniform(0.6, 0.9), rng.uniform(0.4, 1.6)])
        )
        stage.extend([0.0, 0.0])
    tracks = {}
    for side, _ in _SIGNS:
        places = (
            resting(body, rng, side),
            body.spot(side, 0.32, 0.05, height - 0.15),
            body.spot(side, 0.93, -0.08, height + 0.05),
        )
        targets = [
            arms.posed(places[int(s)], (0.2, 1.1, 1.2)[int(s)], (0, -0.7, -1.0)[int(s)])
            for s in stage
        ]
        track = arms.itinerary(time, when, targets)
        tracks[side] = hand(
            rng, time, track[:, 2:], pronation=track[:, 0], flexion=track[:, 1]
        )
    lean = 0.1 * np.clip(tracks["right"].position[:, 0] / figure.arm - 0.5, 0, 1)
    pose = bend(with_hands(pose, **tracks), flexion=lean)
    return finished(rng, stretch(pose, 0.97)), {"stance": stance}


def _circle(turns: float, start: float) -> np.ndarray:
    """Points (K, 2) across and up; positive turns run clockwise for the drawer."""
    angle = start + 2 * np.pi * turns * np.linspace(0, 1, 2000)
    # Across is positive to the LEFT, so clockwise goes from the top to the right.
    return np.stack([-np.sin(angle), np.cos(angle)], axis=-1)


_X = np.array([[1, 1], [-1, -1], [-1, 1], [1, -1]], float)
_TRIANGLE = np.array([[0, 1], [-1, -0.75], [1, -0.75]], float)


def _shape(rng, kind):
    """Vertices (K, 2) of a shape, whether closed, and its rounding."""
    if kind == "x":
        flip = [1, 1] if rng.random() < 0.7 else [-1, 1]
        return _X * flip, False, 0.012
    if kind == "triangle":
        corners = _TRIANGLE * ([1, 1] if rng.random() < 0.5 else [-1, 1])
        return corners, True, 0.015
    direction = 1.0 if kind == "clockwise" else -1.0
    turns = rng.choice([1.0, 1.0, 2.0, 3.0])
    return _circle(direction * turns, rng.normal(0, 0.3)), False, 0.002


def _drawing(kind):
    def drawing(rng, figure, time):
        """A shape drawn in the air at arm's length before the shoulder."""
        pose, stance = _upright(rng, figure, time, 0.1)
        body = solved(pose)
        low, size = resting(body, rng), rng.uniform(0.22, 0.42)
        center = rng.uniform(-0.25, 0.1), rng.uniform(-0.15, 0.15)
        place = np.broadcast_to(low, (len(time), 3)).copy()
        now = time[0] + rng.uniform(0.0, 1.0)
        raised = np.zeros(len(time))
        while now < time[-1]:
            up, draw, down = rng.uniform(0.6, 1.0), rng.uniform(1.0, 2.2), 0.8
            corners, closed, rounding = _shape(rng, kind)
            draw = draw * max(1.0, 0.55 * np.ptp(np.unwrap(np.arctan2(*corners.T))) / 6)
            fraction = (time - now - up) / draw
            even = arms.minimum_jerk(fraction)
            line = arms.traced(
                0.35 * np.clip(fraction, 0, 1) + 0.65 * even
                if kind in _ROUND
                else even,
                corners,
                closed=closed,
                rounding=rounding,
            )
            across, rise = (size * line).T
            front = np.sqrt(np.maximum(0.82 - across**2 - rise**2, 0.2))
            air = body.spot("right", front, center[0] - across, center[1] + rise)
            on = arms.gate(time, np.array([[now, now + up + draw + down]]), up)
            place = place + on[:, None] * (air - low)
            raised = raised + on
            now += up + draw + down + rng.uniform(0.4, 1.8)
        place = arms.rounded(time, place, 0.035)
        right = hand(rng, time, place, pronation=0.2 + 0.7 * raised, swivel=0.1)
        pose = look(with_hands(pose, right=right), turn=0.05 * raised)
        return finished(rng, stretch(pose)), {"stance": stance}

    return drawing


_ROUND = ("clockwise", "counter-clockwise")


def _activity(name, label, generate, seen_by=RIGHT, left=0.0):
    return hand_activity(
        name,
        label,
        CAPTIONS[name],
        generate,
        group="gesture",
        seen_by=seen_by,
        left=left,
    )


ACTIVITIES = (
    _activity("clapping", "clapping", clapping, BOTH),
    _activity("waving_right_hand", "waving the right hand", waving),
    _activity("waving_left_hand", "waving the left hand", waving, left=1.0),
    _activity("raising_hand", "raising a hand", _raising(1), left=0.3),
    _activity("raising_both_hands", "raising hands", _raising(2), BOTH),
    _activity("pointing", "pointing", pointing, left=0.15),
    _activity("knocking", "knocking on a door", knocking),
    _activity("swiping_left", "right arm swipe to the left", _swiping(True)),
    _activity("swiping_right", "right arm swipe to the right", _swiping(False)),
    _activity("crossing_arms", "crossing arms on the chest", crossing_arms, BOTH, 0.5),
    _activity("two_hand_push", "two hand push", two_hand_push, BOTH),
    _activity("drawing_x", "drawing an x in the air", _drawing("x")),
    _activity(
        "drawing_circle_clockwise",
        "drawing a circle clockwise in the air",
        _drawing("clockwise"),
    ),
    _activity(
        "drawing_circle_counter_clockwise",
        "drawing a circle counter clockwise in the air",
        _drawing("counter-clockwise"),
    ),
    _activity(
        "drawing_triangle", "drawing a triangle in the air", _drawing("triangle")
    ),
)
