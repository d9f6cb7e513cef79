"""What hands do while their owner walks: carry, call, read a screen, push a cart.

Loads in both hands shorten the step and stop the arms' swing; a phone slows walking and
bows the head (Schabrun et al. 2014), here to about 1.1 m/s and by 30 to 40 degrees.
"""

import numpy as np

from anymo_jax.motion.procedural import arms
from anymo_jax.motion.procedural.activities.walking import pace_of, walk
from anymo_jax.motion.procedural.captions.work import CAPTIONS
from anymo_jax.motion.procedural.limbs import ArmAngles
from anymo_jax.motion.procedural.pose import bend, look, with_hands
from anymo_jax.motion.procedural.scene import easy_reach, finished, hand
from anymo_jax.motion.procedural.sides import BOTH, RIGHT, hand_activity


def _walk(rng, figure, time, slowest, fastest):
    pace = pace_of(rng, figure, rng.uniform(slowest, fastest))
    facts = {"stance": "walking", "tempo_hz": pace.facts["tempo_hz"]}
    return walk(rng, figure, time, pace), facts


def carrying_box(rng, figure, time):
    """A box held before the body by both hands, forearms about level."""
    pose, facts = _walk(rng, figure, time, 0.7, 1.3)
    width, up = rng.uniform(-0.2, 0.05), rng.uniform(-0.65, -0.4)
    tracks = {
        side: hand(
            rng,
            time,
            easy_reach(figure, side, rng.uniform(0.5, 0.58), width, up),
            frame="shoulder",
            swivel=0.1,
            pronation=rng.uniform(-0.3, 0.2),
            life=0.8,
        )
        for side in ("right", "left")
    }
    pose = bend(with_hands(pose, **tracks), flexion=-rng.uniform(0.02, 0.12))
    return finished(rng, pose), facts


def carrying_bag(rng, figure, time):
    """A bag hanging from one straight arm that swings little, the trunk leaning."""
    pose, facts = _walk(rng, figure, time, 0.7, 1.4)
    swing = 0.06 * arms.strokes(rng, time, 0.5 * float(facts["tempo_hz"]), 0.03)
    arm = ArmAngles(
        flexion=0.02 + swing,
        abduction=rng.uniform(0.1, 0.2),
        rotation=0.1,
        elbow=rng.uniform(0.05, 0.2),
        pronation=rng.uniform(0.0, 0.3),
    )
    pose = bend(with_hands(pose, right=arm), lateral=-rng.uniform(0.02, 0.08))
    return finished(rng, pose), facts


def phone_call_walking(rng, figure, time):
    """A phone held at the ear on a walk."""
    pose, facts = _walk(rng, figure, time, 0.7, 1.4)
    ear = figure.stature * np.array([0.075, -0.105, -0.05])
    right = hand(
        rng,
        time,
        ear,
        frame="head",
        swivel=rng.normal(0.1, 0.15),
        pronation=-0.2,
        flexion=0.2,
    )
    pose = look(with_hands(pose, right=right), lateral=0.06)
    return finished(rng, pose), facts


def texting_walking(rng, figure, time):
    """A phone before the chest, the head bowed over it, on a slow walk."""
    pose, facts = _walk(rng, figure, time, 0.6, 1.2)
    both = rng.random() < 0.4
    up = rng.uniform(-0.45, -0.25)
    tracks = {}
    for side in ("right", "left")[: 1 + both]:
        tap = arms.pulses(time, arms.moments(rng, time, 2.0, 0.5), 0.14)
        out = -0.22 if both else -0.1
        place = easy_reach(figure, side, rng.uniform(0.42, 0.52), out, up)
        place = place - 0.0006 * tap[:, None] * np.array([0, 0, 1.0])
        tracks[side] = hand(
            rng,
            time,
            place,
            frame="shoulder",
            pronation=rng.uniform(-0.9, -0.4),
            flexion=0.15 + 0.01 * tap,
        )
    pose = look(with_hands(pose, **tracks), flexion=rng.uniform(0.35, 0.6))
    return finished(rng, pose), facts


def pushing_cart(rng, figure, time):
    """Both hands on the bar of a cart or trolley that is pushed along."""
    pose, facts = _walk(rng, figure, time, 0.4, 1.1)
    up = rng.uniform(-0.72, -0.55)
    rattle = arms.vibration(rng, time, rng.uniform(0.3, 1.2), rng.uniform(12, 20))
    tracks = {
        side: hand(
            rng,
            time,
            easy_reach(figure, side, 0.55, 0.02, up) + rattle,
            frame="shoulder",
            swivel=0.15,
            pronation=1.3,
            flexion=-0.2,
            life=0.6,
        )
        for side in ("right", "left")
    }
    pose = bend(with_hands(pose, **tracks), flexion=rng.uniform(0.05, 0.25))
    return finished(rng, pose), facts


def _activity(generate, label, seen_by):
    name = generate.__name__
    return hand_activity(
        name, label, CAPTIONS[name], generate, group="work", seen_by=seen_by
    )


ACTIVITIES = (
    _activity(carrying_box, "carrying a box", BOTH),
    _activity(carrying_bag, "carrying a bag", RIGHT),
    _activity(phone_call_walking, "walking and talking on the phone", RIGHT),
    _activity(texting_walking, "walking and typing on a phone", RIGHT),
    _activity(pushing_cart, "pushing a cart", BOTH),
)
