"""Jumping up from a crouch, landing, and again.

Countermovement jumps with the phases of Linthorne 2001; their figures were set by eye:
crouch of 0.15 to 0.35 m, push-off of 0.25 to 0.35 s, flight of 0.25 to 0.5 s, which is
a rise of 8 to 30 cm.
"""

import numpy as np
from scipy.interpolate import BPoly

from anymo_jax.motion.procedural.activities.flight import GRAVITY
from anymo_jax.motion.procedural.activities.jumping import (
    Contacts,
    on_the_spot,
    springing_foot,
    tempo_facts,
)
from anymo_jax.motion.procedural.captions.rest import CAPTIONS
from anymo_jax.motion.procedural.clip import EVERYWHERE, Activity
from anymo_jax.motion.procedural.curves import cycle_times, periodic, ringing
from anymo_jax.motion.procedural.limbs import ArmAngles
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    make_pose,
    orientation,
    with_hands,
)
from anymo_jax.motion.procedural.sway import breathe, with_tremor


def _upward(rng, figure, time):
    """Countermovement jumps one after the other, with or without rests between."""
    flight = rng.uniform(0.26, 0.5)
    rest = rng.choice([0.05, rng.uniform(0.2, 1.2)])
    parts = {
        "crouch": rng.uniform(0.3, 0.5),
        "push": rng.uniform(0.24, 0.34),
        "flight": flight,
        "absorb": rng.uniform(0.14, 0.26),
        "rise": rng.uniform(0.3, 0.5),
        "rest": rest,
    }
    cycle = sum(parts.values())
    starts = cycle_times(rng, time, cycle, 0.0, margin=2)
    jitter = 1 + 0.04 * np.clip(rng.standard_normal(len(starts)), -2, 2)
    depth = figure.stature * rng.uniform(0.10, 0.2)
    height, crouch, contacts = _jump_track(figure, time, starts, parts, depth, jitter)
    pose = _jump_pose(rng, figure, time, height, crouch, contacts)
    phase = (time - starts[0]) / cycle
    reach_up = rng.uniform(0.4, 1.5)
    ends = np.cumsum(list(parts.values()))[:-1] / cycle
    knots = np.concatenate([[0.0], ends])
    swing = periodic(
        phase, knots, np.array([0.0, -0.4, 0.7 * reach_up, reach_up, 0.1, 0.05])
    )
    arms = [
        ArmAngles(
            flexion=swing * rng.uniform(0.9, 1.05),
            abduction=rng.uniform(0.1, 0.25),
            elbow=rng.uniform(0.3, 0.6) + 0.15 * np.abs(swing),
        )
        for _ in range(2)
    ]
    pose = with_hands(pose, *arms)
    return pose, tempo_facts(1 / cycle) | {"flight_s": f"{flight:.3f}"}


def _jump_track(figure, time, starts, parts, depth, jitter):
    """Pelvis height and crouch (T,), and the contacts, of countermovement jumps.

    A quintic between states (height, speed, acceleration); that of the flight is then
    the exact parabola.
    """
    flight, tiptoe = parts["flight"], 0.04 * figure.stature
    leave = GRAVITY * flight / 2
    low, soft = -depth, -0.6 * depth
    states, when, land, off = [], [], [], []
    for start, vary in zip(starts[:-1], jitter, strict=False):
        ends = start + np.cumsum(list(parts.values()))
        when += [start, ends[0], ends[1], ends[2], ends[3], ends[4]]
        states += [
            (0.0, 0.0, 0.0),
            (low * vary, 0.0, 9.0),
            (tiptoe, leave, -GRAVITY),
            (tiptoe, -leave, -GRAVITY),
            (soft * vary, 0.0, 14.0),
            (0.0, 0.0, 0.0),
        ]
        land.append(ends[2])
        off.append(ends[1])
    height = BPoly.from_derivatives(when, states)(np.clip(time, when[0], when[-1]))
    sunk = -height / depth
    crouch = 0.5 * (sunk + np.sqrt(sunk**2 + 0.15**2))
    contacts = Contacts(
        np.array([starts[0] - 1.0, *land[:-1]]), np.array(off), (24.0, 0.0, 46.0)
    )
    return height, crouch, contacts


def _jump_pose(rng, figure, time, height, crouch, contacts: Contacts) -> Pose:
    apart = figure.half_stance * rng.uniform(0.7, 1.4)
    shock = rng.uniform(15, 45)
    feet = {}
    for name, sign in (("right_leg", -1.0), ("left_leg", 1.0)):
        place = on_the_spot(len(contacts.land), sign * apart, sign * 0.12)
        feet[name] = springing_foot(figure, time, contacts, place, shock=shock)
    place = np.zeros((len(time), 3))
    place[:, 0] = 0.02 - 0.06 * crouch
    wobble = ringing(time, contacts.land[1:], 0.5 * shock, 5.0, 0.06, 0.012)
    place[:, 2] = figure.pelvis_height - 0.02 * figure.stature + height + wobble
    pose = make_pose(
        figure,
        time,
        pelvis_position=place,
        pelvis_rotation=orientation(len(time), pitch=0.08 + 0.45 * crouch),
        **feet,
    )
    pose = bend(pose, flexion=-0.03 + rng.uniform(0.1, 0.35) * crouch)
    return with_tremor(rng, breathe(rng, pose, 0.5))


ACTIVITIES = (
    Activity(
        name="jumping_up",
        label="jumping up",
        group="jumping",
        captions=CAPTIONS["jumping_up"],
        posture="a person is jumping",
        seen_by=EVERYWHERE,
        generate=_upward,
    ),
)
