"""Stairs: up, and down, which is another movement and not the first one reversed.

After McFadyen & Winter 1988, Riener, Rabuffetti & Frigo 2002 and Protopapadaki et al.
2007, in round figures. Up: cadence 80 to 115 steps/min, stance 65 per cent, the
forefoot or the whole foot is put down on a knee bent by 60 degrees, the body is pulled
up in the first half of stance, the knee bends to 95 degrees in swing and the trunk
leans 10 to 15 degrees.
Down: 90 to 130 steps/min, stance 60 per cent, the forefoot lands first, pointing down
some 20 degrees, on a nearly straight knee; the fall is arrested within 15 per cent of
the cycle, with the larger impact, and the body is then let down on a knee that bends
under load to 85 degrees; the trunk stays upright.
"""

import numpy as np

from anymo_jax.motion.procedural.captions.body import CAPTIONS
from anymo_jax.motion.procedural.clip import EVERYWHERE, Activity
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.footfalls import Roll, plan_steps, step_times
from anymo_jax.motion.procedural.gait import Carriage, locomotion
from anymo_jax.motion.procedural.sway import breathe, with_tremor

_UP_PHASE = (0.0, 0.05, 0.1, 0.2, 0.32, 0.42, 0.5, 0.57, 0.63, 0.7, 0.78, 0.86, 0.93)
_UP_PITCH = (6.0, 2.0, 0.0, 0.0, 0.0, 5.0, 16.0, 32.0, 40.0, 36.0, 18.0, 4.0, 4.0)
_DOWN_PHASE = (
    *(0.0, 0.035, 0.07, 0.11, 0.2, 0.3, 0.4, 0.48, 0.55, 0.61, 0.67, 0.74, 0.82),
    *(0.9, 0.96),
)
_DOWN_PITCH = (
    *(22.0, 13.0, 5.0, 0.0, 0.0, 0.0, 5.0, 16.0, 31.0, 40.0, 38.0, 22.0, 9.0),
    *(14.0, 20.0),
)


def _stairs(rng, time) -> tuple[float, float]:
    """Riser and tread of a staircase in m (building codes: 2 r + t = 0.60 to 0.65)."""
    riser = rng.uniform(0.15, 0.19)
    return riser, rng.uniform(0.60, 0.65) - 2 * riser


def ascend(rng: np.random.Generator, figure: Figure, time: np.ndarray):
    """Walking up a straight staircase, step over step."""
    riser, tread = _stairs(rng, time)
    step_s = 60 / rng.uniform(80, 118)
    steps = plan_steps(
        rng,
        step_times(rng, time, step_s, variation=0.035),
        forward=tread,
        rise=riser,
        half_width=figure.stature * rng.uniform(0.03, 0.05),
        toe_out=rng.uniform(0.05, 0.2),
    )
    roll = Roll(
        duty=0.64,
        phase=_UP_PHASE,
        pitch=tuple(rng.uniform(0.8, 1.15) * np.asarray(_UP_PITCH)),
        lift=rng.uniform(0.06, 0.10),
        lift_at=0.42,
        impact=(0.15, rng.uniform(0.1, 0.3)),
        surge=(4.0, -4.0),
    )
    carriage = Carriage(
        drop=0.5 * riser + 0.028,
        rise=0.0,
        lateral=0.026,
        tilt=rng.normal(0.17, 0.04),
        turn=0.05,
        obliquity=0.09,
        lean=rng.uniform(0.12, 0.3),
        counter=0.03,
        arm_swing=rng.uniform(0.08, 0.3),
        elbow=rng.uniform(0.35, 0.8),
        elbow_swing=0.1,
        shock=(rng.uniform(7, 20), rng.uniform(12, 20), 0.025),
        attenuation=rng.uniform(0.25, 0.45),
    )
    pulse = (1.0, rng.uniform(0.3, 0.7), rng.uniform(0.0, 0.3))
    height = _surge(steps.phase(time), riser, rng.uniform(0.6, 0.95), pulse)
    pose = locomotion(
        rng, figure, time, steps, roll, carriage, height=height, lead=-0.02
    )
    pose = with_tremor(rng, breathe(rng, pose, rng.uniform(0.35, 0.55)))
    return pose, _facts(step_s, riser)


def descend(rng: np.random.Generator, figure: Figure, time: np.ndarray):
    """Walking down a straight staircase, step over step."""
    riser, tread = _stairs(rng, time)
    step_s = 60 / rng.uniform(90, 135)
    steps = plan_steps(
        rng,
        step_times(rng, time, step_s, variation=0.035),
        forward=tread,
        rise=-riser,
        half_width=figure.stature * rng.uniform(0.025, 0.045),
        toe_out=rng.uniform(0.05, 0.2),
    )
    roll = Roll(
        duty=0.6,
        phase=_DOWN_PHASE,
        pitch=tuple(rng.uniform(0.8, 1.15) * np.asarray(_DOWN_PITCH)),
        lift=rng.uniform(0.05, 0.08),
        lift_at=0.3,
        impact=(0.1, rng.uniform(0.35, 0.8)),
        surge=(6.0, -3.0),
    )
    carriage = Carriage(
        drop=0.03,
        rise=0.0,
        lateral=0.024,
        tilt=rng.normal(0.10, 0.04),
        turn=0.05,
        obliquity=0.05,
        lean=rng.normal(0.0, 0.04),
        counter=0.045,
        arm_swing=rng.uniform(0.08, 0.3),
        elbow=rng.uniform(0.3, 0.8),
        elbow_swing=0.1,
        shock=(rng.uniform(12, 26), rng.uniform(10, 18), 0.028),
        attenuation=rng.uniform(0.18, 0.32),
    )
    pulse = (1.0, rng.uniform(0.5, 0.9), rng.uniform(0.2, 0.6), 0.2)
    height = _surge(steps.phase(time), riser, rng.uniform(0.75, 1.2), pulse)
    pose = locomotion(
        rng, figure, time, steps, roll, carriage, height=height, lead=0.02
    )
    pose = with_tremor(rng, breathe(rng, pose, rng.uniform(0.3, 0.45)))
    return pose, _facts(step_s, riser)


def _surge(
    phase: np.ndarray, riser: float, depth: float, harmonics: tuple[float, ...]
) -> np.ndarray:
    """Departure (T,) m of the pelvis from rising or sinking steadily.

    The upward push comes in a pulse a tenth of a step after each contact, the sharper
    the more harmonics it has.

    Args:
      phase: of the gait, in strides.
      depth: amplitude of the vertical speed about its mean, as a share of it.
      harmonics: amplitudes of the acceleration's harmonics of the step, first one 1.
    """
    angle = 2 * np.pi * (2 * phase - 0.1)
    pulse = sum(w * np.cos(k * angle) / k**2 for k, w in enumerate(harmonics, 1))
    return -depth * riser / (2 * np.pi) * pulse


def _facts(step_s: float, riser: float) -> dict[str, str]:
    return {
        "steps": f"{round(60 / step_s)} steps per minute",
        "tempo_hz": f"{1 / step_s:.3f}",
        "riser": f"{100 * riser:.0f} cm",
        "riser_m": f"{riser:.4f}",
    }


ACTIVITIES = (
    Activity(
        name="walking_upstairs",
        label="walking upstairs",
        group="stairs",
        captions=CAPTIONS["walking_upstairs"],
        posture="a person is climbing stairs",
        seen_by=EVERYWHERE,
        generate=ascend,
    ),
    Activity(
        name="walking_downstairs",
        label="walking downstairs",
        group="stairs",
        captions=CAPTIONS["walking_downstairs"],
        posture="a person is descending stairs",
        seen_by=EVERYWHERE,
        generate=descend,
    ),
)
