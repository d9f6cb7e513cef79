"""Work of the hands at a desk, or with a phone or a book in them.

Typing: forearms nearly level and pronated by some 65 degrees, wrists extended by 17 to
21 and deviated to the little finger by 10 to 15 degrees (Simoneau, Marklin & Monroe
1999); 3.5 to 8 keystrokes/s over both hands (Dhakal, Feit, Kristensson & Oulasvirta
2018: 52 words/min on average, or 4.3 keystrokes/s), each pressing the wrist by a
fraction of a millimetre. Handwriting: strokes at 4 to 6 Hz (about 5 Hz: Teulings &
Maarse 1984), mostly of fingers and wrist, words with pauses between, lines that return
in about 0.5 s. Touch screens, by eye: taps at 2 to 4 Hz, flicks at 0.3 to 1 Hz.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.captions.hands import CAPTIONS
from anymo_jax.motion.procedural.curves import smooth_noise
from anymo_jax.motion.procedural.pose import look, with_hands
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
INWARD_DOWN = np.array([-0.1, 0.65, -0.75])


def typing(rng, figure, time):
    """Keyboard work in spells, with moves to the mouse in some performances."""
    pose, stance = base(rng, figure, time, 0.93, lean=(0.04, 0.08), down=(0.2, 0.12))
    desk = solved(pose).surface(rng.uniform(-0.05, 0.05))
    rate = rng.uniform(3.5, 8.0)
    busy = arms.gate(time, arms.bouts(rng, time, (1.5, 7.0), (0.3, 2.0)), 0.2)
    forward, apart = rng.uniform(0.58, 0.8), rng.uniform(0.10, 0.22)
    above = rng.uniform(0.04, 0.07)
    tracks = {}
    for side, sign in (("right", -1.0), ("left", 1.0)):
        keys = _keystrokes(rng, time, 0.5 * rate, busy)
        row, column = arms.hops(rng, time, 1.6, (0.15, 0.35), 2).T * busy
        place = desk.at(forward + 0.009 * row, sign * apart + 0.011 * column, above)
        place[:, 2] -= keys
        if side == "right" and rng.random() < 0.4:
            place = _visit_mouse(rng, time, place, desk.at(forward + 0.03, -0.55, 0.04))
        track = hand(
            rng,
            time,
            place,
            swivel=rng.uniform(0.0, 0.3),
            flexion=rng.normal(-0.3, 0.12) + 30.0 * keys,
            deviation=rng.normal(-0.2, 0.08) + 0.05 * column,
            pronation=1.2 + 0.03 * row,
            life=0.5,
        )
        tracks[side] = palm_to(pose, side, track, DOWN, rng.uniform(0.8, 1.0))
    glance = arms.hops(rng, time, 0.3, (0.2, 0.5))
    pose = look(with_hands(pose, **tracks), flexion=0.08 * glance)
    return finished(rng, stretch(pose)), {
        "stance": stance,
        **tempo(rate, 4.6, 6.6),
    }


def _keystrokes(rng, time, rate, busy) -> np.ndarray:
    """Downward displacement (T,) m of the wrist, a fraction of a mm for each key."""
    when = arms.moments(rng, time, rate, 0.45)
    when = when[np.interp(when, time, busy) > 0.5]
    depth = rng.uniform(1.5e-4, 6e-4) * rng.uniform(0.5, 1.5, len(when))
    return arms.pulses(time, when, rng.uniform(0.09, 0.13), depth)


def _visit_mouse(rng, time, keyboard, mouse) -> np.ndarray:
    """The right hand's path with a visit to the mouse, small moves there."""
    begin = rng.uniform(time[0], 0.6 * time[-1])
    aim = arms.hops(rng, time, 1.2, (0.2, 0.6), 2) * 0.012
    there = mouse + np.pad(aim, ((0, 0), (0, 1)))
    go = rng.uniform(0.45, 0.7)
    route = arms.Itinerary(begin, keyboard).go(there, go, lift=0.03)
    return route.stay(rng.uniform(2.0, 4.0)).go(keyboard, go, lift=0.03).track(time)


def writing(rng, figure, time):
    """Handwriting, mostly at a desk."""
    return writing_on(rng, figure, time, sits=0.85)


def writing_on(rng, figure, time, sits):
    """Handwriting in words and lines, the other hand on the paper.

    Args:
      sits: probability of sitting.
    """
    pose, stance = base(rng, figure, time, sits, lean=(0.15, 0.08), down=(0.4, 0.12))
    desk = solved(pose).surface(rng.uniform(-0.02, 0.07))
    rate = rng.uniform(4.0, 6.0)
    place = desk.at(rng.uniform(0.6, 0.75), rng.uniform(-0.3, -0.1), 0.03)
    path, pen_down = _lines(rng, time)
    place = place + path + _letters(rng, time, rate, pen_down)
    right = hand(
        rng,
        time,
        place,
        swivel=rng.uniform(0.1, 0.4),
        pronation=0.8 + 0.02 * arms.strokes(rng, time, rate, 0.15) * pen_down,
        flexion=rng.normal(-0.35, 0.1),
        life=0.3,
    )
    right = palm_to(pose, "right", right, INWARD_DOWN, 0.8)
    left = hand(rng, time, desk.at(0.6, rng.uniform(0.2, 0.4), 0.03), pronation=1.2)
    left = palm_to(pose, "left", left, DOWN)
    pose = with_hands(pose, right=right, left=left)
    return finished(rng, stretch(pose)), {
        "stance": stance,
        **tempo(rate, 4.6, 5.4),
    }


def _lines(rng, time) -> tuple[np.ndarray, np.ndarray]:
    """Path (T, 3) m of the hand over words and lines, and when the pen is down (T,)."""
    width, feed = rng.uniform(0.08, 0.15), rng.uniform(0.006, 0.01)
    along, line = rng.uniform(0, 0.8) * width, 0.0
    route = arms.Itinerary(time[0] - rng.uniform(0, 1), _cell(along, line))
    spells = []
    while route.now < time[-1]:
        takes = rng.uniform(0.6, 1.6)
        along += takes * rng.uniform(0.012, 0.022)
        spells.append((route.now, route.now + takes))
        route.go(_cell(along, line), takes)
        if along > width:
            along, line = 0.0, line + feed
            route.stay(0.15).go(_cell(along, line), rng.uniform(0.4, 0.7), lift=0.015)
        elif rng.random() < 0.12:
            route.stay(rng.uniform(0.8, 2.5))
        else:
            route.stay(rng.uniform(0.15, 0.35))
    return route.track(time), arms.gate(time, np.array(spells), 0.1)


def _cell(along: float, line: float) -> np.ndarray:
    return np.array([-line, -along, 0.0])


def _letters(rng, time, rate, pen_down) -> np.ndarray:
    """Strokes (T, 3) m of the wrist's part in the letters, about 1 mm."""
    size = rng.uniform(0.0006, 0.0015)
    up = arms.strokes(rng, time, rate, 0.15)
    across = arms.strokes(rng, time, 0.5 * rate, 0.2)
    flat = np.zeros_like(up)
    return (size * pen_down * np.stack([up, 0.8 * across, flat])).T


def using_phone(rng, figure, time):
    """Typing and scrolling on a phone in front of the chest, one-handed or two-."""
    pose, stance = base(rng, figure, time, 0.55, lean=(0.0, 0.08), down=(0.5, 0.12))
    body = solved(pose)
    style = rng.choice(["one hand", "both hands", "index finger"])
    forward, up = rng.uniform(0.42, 0.58), rng.uniform(-0.5, -0.25)
    place = body.spot("right", forward, rng.uniform(-0.3, -0.15), up)
    face = body.mouth.mean(axis=0) - place
    busy = arms.gate(time, arms.bouts(rng, time, (1.5, 6.0), (0.4, 2.5)), 0.2)
    held = hand(rng, time, place, pronation=-0.6, flexion=0.15, life=1.2)
    left = None
    if style == "index finger":
        touch = body.spot("right", forward, -0.3, up + 0.02)
        touch = touch + _touches(rng, time, busy)
        left = hand(
            rng, time, place + np.array([0.0, 0.06, -0.02]), pronation=-0.6, life=1.0
        )
        left = palm_to(pose, "left", left, face, 0.7)
        right = hand(rng, time, touch - [0.06, 0.06, 0.0], pronation=0.7, swivel=0.1)
    else:
        right = thumbed(rng, time, held, busy)
        right = palm_to(pose, "right", right, face, rng.uniform(0.5, 0.9))
        if style == "both hands":
            across = place + np.array([0.0, 0.09, 0.0])
            left = hand(rng, time, across, pronation=-0.5, flexion=0.15, life=1.2)
            left = palm_to(pose, "left", thumbed(rng, time, left, busy), face, 0.7)
    pose = with_hands(pose, right=right, left=left)
    seen = {"grip": "one hand", "seen_by": "right_arm"}
    if style == "both hands":
        seen = {"grip": "both hands", "seen_by": "right_arm,left_arm"}
    return finished(rng, stretch(pose)), {"stance": stance, **seen}


def thumbed(rng, time, track, busy):
    """A phone-holding hand shaken a little by its thumb's taps and flicks."""
    when = arms.moments(rng, time, rng.uniform(1.5, 3.5), 0.5)
    when = when[np.interp(when, time, busy) > 0.5]
    tap = arms.pulses(time, when, 0.14, rng.uniform(0.3, 1.0, len(when)))
    flick = busy * arms.hops(rng, time, rng.uniform(0.3, 0.9), (0.15, 0.35))
    return arms.moved(
        track,
        position=np.stack([0.0004 * tap, 0 * tap, -0.0008 * tap], axis=-1),
        pronation=0.008 * tap + 0.03 * flick,
        flexion=0.010 * tap,
    )


def _touches(rng, time, busy) -> np.ndarray:
    """Path (T, 3) m of a finger that taps and drags on a screen."""
    aim = arms.hops(rng, time, rng.uniform(0.8, 1.6), (0.15, 0.35), 3) * busy[:, None]
    when = arms.moments(rng, time, rng.uniform(1.0, 2.5), 0.5)
    when = when[np.interp(when, time, busy) > 0.5]
    aim[:, 0] += arms.pulses(time, when, 0.22, 1.0)
    return aim * [0.012, 0.012, 0.02]


def phone_call(rng, figure, time):
    """A call at the ear; often the phone is first taken from pocket or table."""
    pose, stance = base(rng, figure, time, 0.4, lean=(0.0, 0.08), down=(0.0, 0.1))
    ear = solved(pose).head_point(0.075, -0.105, -0.05)
    rest = solved(pose).spot("right", 0.25, 0.1, -0.85)
    screen = solved(pose).spot("right", 0.5, -0.15, -0.3)
    route = arms.Itinerary(time[0], rest if rng.random() < 0.6 else ear)
    if route.targets[0] is rest:
        route.stay(rng.uniform(0.3, 1.5)).go(screen, rng.uniform(0.7, 1.1))
        route.stay(rng.uniform(0.5, 2.0)).go(ear, rng.uniform(0.7, 1.1))
    held = arms.gate(time, np.array([(route.now - 0.8, time[-1] + 9)]), 0.8)
    track = hand(
        rng,
        time,
        route.track(time),
        swivel=rng.normal(0.1, 0.15) + 0.06 * arms.hops(rng, time, 0.2, (0.5, 1.2)),
        pronation=0.1 - 0.4 * held,
        flexion=0.25 * held,
    )
    pose = with_hands(pose, right=palm_to(pose, "right", track, [0.0, 1.0, 0.0], 0.5))
    nods = 0.04 * smooth_noise(rng, time, 1.0, 3)
    pose = look(pose, flexion=nods[:, 0], turn=nods[:, 1], lateral=0.06 + nods[:, 2])
    return finished(rng, stretch(pose)), {"stance": stance}


def reading(rng, figure, time):
    """A book in both hands, on the table or held, a page turned now and then."""
    pose, stance = base(rng, figure, time, 0.85, lean=(0.03, 0.1), down=(0.45, 0.1))
    body = solved(pose)
    height = rng.uniform(-0.02, 0.12) if stance == "sitting" else 0.08
    book = body.surface(height)
    forward, half = rng.uniform(0.55, 0.72), rng.uniform(0.2, 0.26)
    spread = {s: book.at(forward, sign * half, 0.0) for s, sign in _SIGNS}
    route = arms.Itinerary(time[0], spread["right"]).stay(rng.uniform(0.5, 4.0))
    while route.now < time[-1]:
        page = book.at(forward + 0.06, -half, 0.03)
        route.go(page, 0.4).stay(rng.uniform(0.1, 0.4))
        route.go(book.at(forward + 0.05, 0.5 * half, 0.05), rng.uniform(0.5, 0.9), 0.06)
        route.go(spread["right"], rng.uniform(0.5, 0.8)).stay(rng.uniform(4.0, 11.0))
    tilt = rng.uniform(0.0, 0.7)
    tracks = {}
    for side, _ in _SIGNS:
        place = route.track(time) if side == "right" else spread["left"]
        track = hand(rng, time, place, swivel=0.1, pronation=0.0, life=0.7)
        tracks[side] = palm_to(pose, side, track, [-0.8, 0, 0.6], 0.4 + 0.4 * tilt)
    scan = 0.03 * arms.strokes(rng, time, rng.uniform(0.25, 0.4), 0.15)
    pose = look(with_hands(pose, **tracks), turn=scan)
    return finished(rng, stretch(pose)), {"stance": stance}


_SIGNS = (("right", -1.0), ("left", 1.0))


def _activity(generate, label, seen_by=BOTH, **options):
    name = generate.__name__
    return hand_activity(
        name, label, CAPTIONS[name], generate, seen_by=seen_by, **options
    )


ACTIVITIES = (
    _activity(typing, "typing"),
    _activity(writing, "writing", RIGHT),
    _activity(using_phone, "using a phone", RIGHT),
    _activity(phone_call, "making a phone call", RIGHT),
    _activity(reading, "reading"),
)
