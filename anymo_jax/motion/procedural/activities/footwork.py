"""Steps that go nowhere or aside: side steps, turns, walking in place, marching."""

import functools

import numpy as np

from anymo_jax.motion.procedural.activities.walking import Pace, living
from anymo_jax.motion.procedural.captions.body import CAPTIONS
from anymo_jax.motion.procedural.clip import whole_body
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.footfalls import Roll, plan_steps, step_times
from anymo_jax.motion.procedural.gait import Carriage, locomotion
from anymo_jax.motion.procedural.pose import Pose

# Flat-footed stepping: the heel rises a little before the foot leaves.
_STEP_PHASE = (0.0, 0.06, 0.14, 0.3, 0.42, 0.52, 0.6, 0.7, 0.8, 0.9, 0.95)
_STEP_PITCH = (7.0, 2.0, 0.0, 0.0, 1.5, 12.0, 26.0, 28.0, 20.0, 13.0, 10.0)


def _quiet_carriage(rng: np.random.Generator, figure: Figure, **own) -> Carriage:
    """The body over steps that go nowhere or aside: little sway and little swing."""
    size = figure.stature / 1.75
    values = {
        "drop": 0.012 * size,
        "rise": 0.008 * size,
        "lateral": 0.02 * size,
        "tilt": rng.normal(0.1, 0.04),
        "turn": 0.02,
        "obliquity": 0.04,
        "lean": rng.normal(0.03, 0.03),
        "counter": 0.02,
        "arm_swing": rng.uniform(0.02, 0.12),
        "elbow": rng.uniform(0.2, 0.7),
        "elbow_swing": 0.04,
        "shock": (rng.uniform(4, 10), rng.uniform(18, 26), 0.022),
    }
    return Carriage(**(values | own))


def _sideways(direction: float):
    def generate(rng, figure, time):
        step = figure.stature * rng.uniform(0.10, 0.2)
        step_s = rng.uniform(0.45, 0.75)
        steps = plan_steps(
            rng,
            step_times(rng, time, step_s, variation=0.04),
            forward=0.0,
            sideways=direction * step,
            half_width=0.5 * step + figure.stature * rng.uniform(0.03, 0.05),
            toe_out=rng.uniform(0.0, 0.12),
        )
        pitch = tuple(0.5 * np.asarray(_STEP_PITCH))
        roll = Roll(0.6, _STEP_PHASE, pitch, 0.035, impact=(0.0, 0.15))
        carriage = _quiet_carriage(rng, figure, drop=0.03, lateral=0.0, rise=0.012)
        pose = locomotion(rng, figure, time, steps, roll, carriage)
        return living(rng, pose), Pace(step / step_s, step_s).facts

    return generate


def _turning(direction: float):
    def generate(rng, figure, time):
        step_s = rng.uniform(0.45, 0.7)
        turn = direction * rng.uniform(0.3, 0.8)
        steps = plan_steps(
            rng,
            step_times(rng, time, step_s, variation=0.05),
            forward=rng.uniform(0.0, 0.04),
            half_width=figure.stature * rng.uniform(0.05, 0.065),
            turn=turn,
        )
        roll = Roll(0.6, _STEP_PHASE, _STEP_PITCH, 0.02, impact=(0.0, 0.1))
        carriage = _quiet_carriage(rng, figure)
        pose = locomotion(rng, figure, time, steps, roll, carriage, knee_out=0.05)
        rate = np.degrees(abs(turn)) / step_s
        return living(rng, pose), {"rate": f"{rate:.0f} degrees per second"}

    return generate


def stepping_in_place(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    *,
    step_s: float,
    lift: float,
    **carriage: object,
) -> Pose:
    """Steps on the spot that lift the ankles by `lift` m."""
    steps = plan_steps(
        rng,
        step_times(rng, time, step_s),
        forward=rng.normal(0, 0.008),
        half_width=figure.stature * rng.uniform(0.035, 0.055),
        toe_out=rng.uniform(0, 0.12),
    )
    roll = Roll(0.56, _STEP_PHASE, _STEP_PITCH, lift, impact=(0.0, 0.25 + lift))
    body = _quiet_carriage(rng, figure, **carriage)
    return living(rng, locomotion(rng, figure, time, steps, roll, body))


def _in_place(rng, figure, time):
    step_s = 60 / rng.uniform(85, 125)
    swing = rng.uniform(0.05, 0.3)
    pose = stepping_in_place(
        rng,
        figure,
        time,
        step_s=step_s,
        lift=figure.stature * rng.uniform(0.03, 0.10),
        arm_swing=swing,
        shock=(rng.uniform(5, 14), 24.0, 0.022),
    )
    return pose, Pace(0.0, step_s).facts


def _marching(rng, figure, time):
    step_s = 60 / rng.uniform(90, 125)
    pose = stepping_in_place(
        rng,
        figure,
        time,
        step_s=step_s,
        lift=figure.stature * rng.uniform(0.13, 0.24),
        arm_swing=rng.uniform(0.3, 0.8),
        elbow=rng.uniform(0.2, 1.3),
        rise=0.016,
        shock=(rng.uniform(10, 25), 24.0, 0.022),
    )
    return pose, Pace(0.0, step_s).facts


_activity = functools.partial(whole_body, group="locomotion", captions=CAPTIONS)


ACTIVITIES = (
    _activity(
        *("sidestepping_left", "stepping sideways to the left"),
        *("a person is taking steps", _sideways(1.0)),
    ),
    _activity(
        *("sidestepping_right", "stepping sideways to the right"),
        *("a person is taking steps", _sideways(-1.0)),
    ),
    _activity(
        *("turning_left", "turning left in place"),
        *("a person is turning on the spot", _turning(1.0)),
    ),
    _activity(
        *("turning_right", "turning right in place"),
        *("a person is turning on the spot", _turning(-1.0)),
    ),
    _activity(
        *("walking_in_place", "walking in place"),
        *("a person is stepping in place", _in_place),
    ),
    _activity(
        *("marching", "marching in place"),
        *("a person is stepping in place", _marching),
    ),
)
