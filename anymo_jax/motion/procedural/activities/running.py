"""Running: overground, on a treadmill, jogging, on the spot.

Novacheck 1998: stance 39 per cent of the cycle when running at 3.2 m/s, 36 in
sprinting; no double support; the knee bends to 45 degrees in stance and 90 to 125 in
swing; the pelvis leans 10 to 20 degrees forwards. Cadence rises slowly with speed
(Cavanagh & Kram 1989), here over 150 to 190 steps/min. Tibial shock of 5 to 9 g (Milner
et al. 2006: 6 to 8 g on average at 3.7 m/s) at 12 to 20 Hz (Shorten & Winslow 1992).
The rise and fall of the centre, 6 to 9 cm, and the sacral shock of 2 to 3 g are typical
values, set by eye.
"""

import functools

import numpy as np

from anymo_jax.motion.procedural.activities.carriers import on_belt
from anymo_jax.motion.procedural.activities.flight import bouncing
from anymo_jax.motion.procedural.captions.body import CAPTIONS
from anymo_jax.motion.procedural.clip import whole_body
from anymo_jax.motion.procedural.curves import smooth_noise
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.footfalls import Roll, plan_steps, step_times
from anymo_jax.motion.procedural.gait import Carriage, locomotion
from anymo_jax.motion.procedural.pose import Pose
from anymo_jax.motion.procedural.sway import breathe, with_tremor

_RUN_PHASE = (
    *(0.0, 0.04, 0.08, 0.13, 0.18, 0.24, 0.30, 0.36, 0.43, 0.50, 0.57, 0.65, 0.74),
    *(0.83, 0.91, 0.96),
)
_RUN_PITCH = (
    *(-10.0, -4.0, -0.5, 0.0, 4.0, 20.0, 44.0, 66.0, 86.0, 95.0, 84.0, 50.0, 14.0),
    *(-6.0, -13.0, -13.0),
)
_SPOT_PITCH = (
    *(16.0, 7.0, 1.5, 0.0, 4.0, 14.0, 30.0, 46.0, 58.0, 60.0, 54.0, 44.0, 35.0),
    *(28.0, 22.0, 19.0),
)


def run(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    speed: float,
    *,
    on_spot: bool = False,
    wander: float = 0.008,
) -> tuple[Pose, dict[str, str]]:
    """Running forward at a speed in m/s, or on the spot with that effort.

    Args:
      wander: rad per step, standard deviation of the drift of the heading.
    """
    cadence = np.clip(148 + 6.5 * speed + 7 * rng.standard_normal(), 142, 195)
    cadence = cadence * (1.72 / figure.stature) ** 0.5
    step_s = 60 / cadence
    when = step_times(rng, time, step_s, variation=0.014)
    steps = plan_steps(
        rng,
        when,
        forward=0.01 * rng.standard_normal() if on_spot else speed * step_s,
        half_width=figure.stature * (0.03 if on_spot else rng.uniform(0.006, 0.025)),
        turn=wander * smooth_noise(rng, np.arange(len(when)), 0.1),
        toe_out=rng.uniform(0.0, 0.12),
    )
    # Contact shortens with speed (Weyand et al. 2000): by eye 0.3 s when jogging, 0.2 s
    # at 5 m/s.
    contact = np.clip(0.35 - 0.036 * speed, 0.18, 0.29) * rng.uniform(0.93, 1.05)
    contact = min(contact, 0.86 * step_s)
    height = bouncing(time, when, np.full(len(when), contact))
    roll = _roll(rng, figure, speed, contact / (2 * step_s), on_spot)
    pose = locomotion(
        rng,
        figure,
        time,
        steps,
        roll,
        _carriage(rng, figure, speed, on_spot),
        height=height,
        lead=0.0 if on_spot else 0.5 - (0.22 + 0.02 * speed) / (speed * step_s),
        settled=False,
    )
    pose = with_tremor(rng, breathe(rng, pose, rng.uniform(0.5, 0.8)))
    return pose, {
        "steps": f"{round(60 / step_s)} steps per minute",
        "speed_km_h": f"{3.6 * speed:.0f} km/h",
        "tempo_hz": f"{1 / step_s:.3f}",
    }


def _roll(rng, figure: Figure, speed: float, duty: float, on_spot: bool) -> Roll:
    size, effort = figure.stature / 1.75, speed / 3.0
    pitch = np.asarray(_SPOT_PITCH if on_spot else _RUN_PITCH)
    phase = np.asarray(_RUN_PHASE)
    # The knots were read at a duty of 0.36; each part is stretched to fit.
    warped = np.where(
        phase < 0.36, phase * duty / 0.36, 1 - (1 - phase) * (1 - duty) / 0.64
    )
    scale = rng.uniform(0.85, 1.05) * (1.0 if on_spot else np.clip(effort, 0.8, 1.15))
    return Roll(
        duty=duty,
        phase=tuple(warped),
        pitch=tuple(scale * pitch),
        lift=size * rng.uniform(0.10, 0.2)
        if on_spot
        else size * (0.12 + 0.12 * effort) * rng.uniform(0.75, 1.2),
        lift_at=0.45,
        impact=(0.0, 0.5) if on_spot else (0.5 * effort, 0.7 * rng.uniform(0.6, 1.3)),
        surge=(0.0, 0.0) if on_spot else (32 * effort**2, -34 * effort**2),
    )


def _carriage(rng, figure: Figure, speed: float, on_spot: bool) -> Carriage:
    size, effort = figure.stature / 1.75, speed / 3.0
    return Carriage(
        drop=size * rng.uniform(0.042, 0.056),
        rise=0.0,
        lateral=0.012,
        tilt=rng.normal(0.16, 0.04) * (0.6 if on_spot else 1.0),
        turn=0.03 if on_spot else 0.10,
        obliquity=0.08,
        lean=rng.normal(0.03, 0.02) if on_spot else 0.06 + 0.05 * effort,
        counter=0.09 if on_spot else 0.2,
        arm_swing=rng.uniform(0.3, 0.65)
        * (0.7 if on_spot else np.clip(effort, 0.7, 1.5)),
        arm_rest=-0.2,
        elbow=rng.normal(1.5, 0.2),
        elbow_swing=0.2,
        shock=(
            rng.uniform(30, 65) * np.clip(effort, 0.7, 1.4),
            rng.uniform(13, 20),
            0.022,
        ),
        attenuation=rng.uniform(0.4, 0.75),
    )


def _overground(slowest: float, fastest: float):
    def generate(rng, figure, time):
        return run(rng, figure, time, rng.uniform(slowest, fastest))

    return generate


def _treadmill(rng, figure, time):
    speed = rng.uniform(2.2, 4.2)
    pose, facts = run(rng, figure, time, speed, wander=0.0)
    return on_belt(pose), facts


def _on_spot(rng, figure, time):
    return run(rng, figure, time, rng.uniform(1.5, 3.0), on_spot=True)


_activity = functools.partial(whole_body, group="locomotion", captions=CAPTIONS)


ACTIVITIES = (
    _activity("running", "running", "a person is running", _overground(2.6, 4.1)),
    _activity("jogging", "jogging", "a person is jogging", _overground(1.9, 2.9)),
    _activity(
        *("treadmill_running", "running on a treadmill fast", "a person is running"),
        _treadmill,
    ),
    _activity(
        *("jogging_in_place", "jogging in place", "a person is jogging in place"),
        _on_spot,
    ),
)
