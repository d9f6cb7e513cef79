"""Walking in all its directions, speeds and places."""

import dataclasses
import functools

import numpy as np

from anymo_jax.motion.procedural.activities.carriers import lift_ride, on_belt
from anymo_jax.motion.procedural.captions.body import CAPTIONS
from anymo_jax.motion.procedural.clip import whole_body
from anymo_jax.motion.procedural.curves import ringing, smooth_noise
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.footfalls import (
    Roll,
    plan_steps,
    step_times,
)
from anymo_jax.motion.procedural.gait import (
    WALK_PHASE,
    WALK_PITCH,
    Carriage,
    locomotion,
)
from anymo_jax.motion.procedural.limbs import FootTrack, HandTrack
from anymo_jax.motion.procedural.pose import Pose, bend, carried, with_hands
from anymo_jax.motion.procedural.sway import breathe, with_tremor

Facts = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Pace:
    """A walking pace: speed in m/s, step duration in s, step length in m."""

    speed: float
    step_s: float

    @property
    def step(self) -> float:
        return self.speed * self.step_s

    @property
    def facts(self) -> Facts:
        """Slots for captions: a word for the speed, and the tempo."""
        word = "slowly" if self.speed < 0.95 else "at a normal pace"
        word = "briskly" if self.speed > 1.65 else word
        return {
            "speed": word,
            "steps": f"{round(60 / self.step_s)} steps per minute",
            "tempo_hz": f"{1 / self.step_s:.3f}",
            "speed_m_s": f"{self.speed:.2f}",
        }


def pace_of(rng: np.random.Generator, figure: Figure, speed: float) -> Pace:
    """Step length and cadence of a speed in m/s.

    Their ratio, the walk ratio, is nearly constant over speeds (Sekiya & Nagasaki
    1998): here 0.0064 m/(steps/min) at a stature of 1.72 m, with a spread of 7 per
    cent over people that was set by eye.
    """
    ratio = (
        0.0064 * (figure.stature / 1.72) ** 1.5 * np.exp(0.07 * rng.standard_normal())
    )
    cadence = np.sqrt(60 * speed / ratio)
    return Pace(speed, 60 / float(np.clip(cadence, 60, 150)))


def walking_roll(rng: np.random.Generator, speed: float) -> Roll:
    """How the foot rolls in walking at a speed in m/s; flatter and softer when slow."""
    relative = speed / 1.35
    scale = float(np.clip(0.62 + 0.38 * relative, 0.5, 1.2)) * rng.uniform(0.93, 1.07)
    return Roll(
        duty=float(np.clip(0.58 - 0.04 * (speed - 1.35), 0.54, 0.64)),
        phase=WALK_PHASE,
        pitch=tuple(scale * np.asarray(WALK_PITCH)),
        lift=0.026 * rng.uniform(0.8, 1.3),
        lift_at=0.27,
        impact=(0.3 * relative, 0.15 * relative * rng.uniform(0.5, 1.8)),
        surge=(22 * relative**2, -42 * relative**2),
    )


def walking_carriage(rng: np.random.Generator, figure: Figure, pace: Pace) -> Carriage:
    """How the body is carried at a pace; excursions grow with the step."""
    size = figure.stature / 1.75
    long = pace.step / (0.72 * size)
    brisk = pace.speed / 1.35
    return Carriage(
        drop=size * (0.001 + 0.012 * long**2),
        rise=size * 0.020 * min(long, 1.4) ** 2,
        lateral=size * 0.021 * np.clip(1.5 - 0.5 * brisk, 0.6, 1.4),
        tilt=rng.normal(0.12, 0.05),
        turn=0.085 * min(long, 1.3),
        obliquity=0.06 * min(long, 1.3),
        lean=0.03 * brisk + rng.normal(0, 0.03),
        counter=0.055 * brisk,
        arm_swing=np.clip(0.33 * brisk, 0.08, 0.7) * rng.uniform(0.5, 1.3),
        elbow=np.clip(0.25 + 0.15 * brisk + rng.normal(0, 0.1), 0.15, 1.2),
        elbow_swing=np.clip(0.16 * brisk, 0.04, 0.35),
        shock=(15.0 * brisk**1.5 * rng.uniform(0.5, 1.8), rng.uniform(16, 25), 0.024),
        attenuation=rng.uniform(0.12, 0.25),
    )


def walk(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    pace: Pace,
    *,
    turn: float = 0.0,
    wander: float = 0.012,
) -> Pose:
    """Walking forward at a pace.

    Args:
      turn: rad to the left at every step.
      wander: rad, standard deviation of a slow drift of that; nobody keeps a line.
    """
    when = step_times(rng, time, pace.step_s)
    steps = plan_steps(
        rng,
        when,
        forward=pace.step,
        half_width=figure.stature * rng.uniform(0.018, 0.04),
        turn=turn + wander * smooth_noise(rng, np.arange(len(when)), 0.1),
        toe_out=rng.uniform(0.02, 0.18),
    )
    carriage = walking_carriage(rng, figure, pace)
    roll = walking_roll(rng, pace.speed)
    pose = locomotion(rng, figure, time, steps, roll, carriage, lead=0.056)
    return living(rng, pose)


def living(rng: np.random.Generator, pose: Pose) -> Pose:
    """A walker's pose with the breath of light effort and tremor."""
    return with_tremor(rng, breathe(rng, pose, rng.uniform(0.25, 0.45)))


def _forward(slowest: float, fastest: float):
    def generate(rng, figure, time):
        pace = pace_of(rng, figure, rng.uniform(slowest, fastest))
        return walk(rng, figure, time, pace), pace.facts

    return generate


def _curved(direction: float):
    def generate(rng, figure, time):
        pace = pace_of(rng, figure, rng.uniform(0.7, 1.3))
        radius = rng.uniform(1.0, 2.5)
        turn = direction * pace.step / radius
        pose = walk(rng, figure, time, pace, turn=turn)
        # Walkers lean into the curve and look where they go.
        lean = direction * pace.speed**2 / radius / 9.81
        pose = bend(pose, lateral=-0.7 * lean, turn=direction * 0.06)
        return pose, pace.facts | {"radius": f"{radius:.1f} m"}

    return generate


def _around(rng, figure, time):
    pace = pace_of(rng, figure, rng.uniform(0.6, 1.2))
    return walk(rng, figure, time, pace, wander=0.22), pace.facts


# In backward walking the toes land first and leave last (Grasso et al. 1998).
_BACK_PHASE = (0.0, 0.06, 0.12, 0.2, 0.3, 0.4, 0.5, 0.57, 0.64, 0.71, 0.79, 0.87, 0.94)
_BACK_PITCH = (20.0, 9.0, 2.0, 0.0, 0.0, 0.0, -3.0, -10.0, -8.0, 8.0, 22.0, 27.0, 25.0)


def _backward(rng, figure, time):
    pace = pace_of(rng, figure, rng.uniform(0.5, 1.1))
    pace = dataclasses.replace(pace, step_s=pace.step_s * 0.9)
    steps = plan_steps(
        rng,
        step_times(rng, time, pace.step_s, variation=0.04),
        forward=-pace.step,
        half_width=figure.stature * rng.uniform(0.03, 0.06),
    )
    roll = Roll(
        duty=0.62,
        phase=_BACK_PHASE,
        pitch=_BACK_PITCH,
        lift=0.05 * rng.uniform(0.8, 1.4),
        impact=(-0.1, 0.12),
        surge=(-9 * pace.speed, 7 * pace.speed),
    )
    carriage = dataclasses.replace(
        walking_carriage(rng, figure, pace),
        turn=-0.05,
        tilt=0.08,
        lean=rng.normal(-0.02, 0.03),
        shock=(6.0, 22.0, 0.022),
    )
    pose = locomotion(rng, figure, time, steps, roll, carriage, lead=0.0)
    return living(rng, pose), pace.facts


def _treadmill(slopes: tuple[float, float]):
    def generate(rng, figure, time):
        slope = np.arctan(rng.uniform(*slopes))
        pace = pace_of(rng, figure, rng.uniform(0.9, 1.8) * (1 - 1.2 * slope))
        pace = dataclasses.replace(pace, step_s=pace.step_s * 0.97)
        pose = on_belt(walk(rng, figure, time, pace, wander=0.0), float(slope))
        # Uphill walkers lean forward (Leroux, Fung & Barbeau 2002); how much, by eye.
        pose = bend(pose, flexion=0.4 * slope)
        pose = dataclasses.replace(
            pose, pelvis_position=pose.pelvis_position - [0, 0, 0.10 * slope]
        )
        if rng.random() < 0.25:
            pose = _holding_rail(rng, figure, pose)
        grade = f"{100 * np.tan(slope):.0f} per cent"
        return pose, pace.facts | {"grade": grade}

    return generate


def _holding_rail(rng: np.random.Generator, figure: Figure, pose: Pose) -> Pose:
    """Both hands on the rail in front."""
    height = 0.62 * figure.stature
    tracks = []
    for sign in (-1, 1):
        position = np.array(
            [0.26 * figure.stature, sign * rng.uniform(0.15, 0.25), height]
        )
        jitter = 0.004 * smooth_noise(rng, pose.time, 2.0, 3)
        tracks.append(HandTrack(position + jitter, "world", 0.1, pronation=1.2))
    return with_hands(pose, *tracks)


def _nordic(rng, figure, time):
    pace = pace_of(rng, figure, rng.uniform(1.4, 2.0))
    # Nordic walkers take longer steps (Russo et al. 2023); how much longer, by eye.
    pace = dataclasses.replace(pace, step_s=pace.step_s * 1.05)
    pose = walk(rng, figure, time, pace)
    arms = {}
    for name, limb in (("right_arm", "left_leg"), ("left_arm", "right_leg")):
        arm, foot = getattr(pose, name), getattr(pose, limb)
        plant = _plants(time, foot)
        jolt = ringing(time, plant, rng.uniform(8, 20), rng.uniform(14, 22), 0.03)
        swing = arm.flexion - np.mean(arm.flexion)
        arms[name] = dataclasses.replace(
            arm,
            flexion=0.12 + 1.35 * swing,
            elbow=np.clip(arm.elbow * 0.8 + 0.15, 0.15, 1.4) + jolt / 0.26,
            pronation=0.1,
            wrist_deviation=-0.4 * swing,
        )
    pose = dataclasses.replace(pose, **arms)
    return bend(pose, flexion=rng.uniform(0.03, 0.12)), pace.facts


def _plants(time: np.ndarray, foot: FootTrack) -> np.ndarray:
    """Times at which a pole is planted: when the foot across comes down."""
    still = np.linalg.norm(np.gradient(foot.position, time, axis=0), axis=-1) < 0.5
    return time[1:][still[1:] & ~still[:-1]]


def _walk_in_lift(rng, figure, time):
    pace = pace_of(rng, figure, rng.uniform(0.4, 0.75))
    turn = rng.choice([-1, 1]) * pace.step / rng.uniform(0.35, 0.8)
    pose = walk(rng, figure, time, pace, turn=turn, wander=0.2)
    way = rng.choice([-1.0, 1.0])
    height, _ = lift_ride(rng, time, way)
    shift = np.zeros((len(time), 3))
    shift[:, 2] = height
    word = "up" if way > 0 else "down"
    return carried(pose, shift), pace.facts | {"direction": word}


_activity = functools.partial(whole_body, group="locomotion", captions=CAPTIONS)


_WALKING = "a person is walking {speed}"
ACTIVITIES = (
    _activity("walking_forward", "walking forward", _WALKING, _forward(1.05, 1.65)),
    _activity("walking_slowly", "walking slowly", _WALKING, _forward(0.55, 0.94)),
    _activity("walking_fast", "walking fast", _WALKING, _forward(1.6, 2.1)),
    _activity("walking_backward", "walking backward", "a person is walking", _backward),
    _activity("walking_left", "walking in a left curve", _WALKING, _curved(1.0)),
    _activity("walking_right", "walking in a right curve", _WALKING, _curved(-1.0)),
    _activity("walking_around", "walking around", _WALKING, _around),
    _activity(
        *("treadmill_flat", "walking on a treadmill in flat position"),
        *(_WALKING, _treadmill((0.0, 0.0))),
    ),
    _activity(
        *("treadmill_inclined", "walking on a treadmill in inclined position"),
        *(_WALKING, _treadmill((0.08, 0.2))),
    ),
    _activity("nordic_walking", "nordic walking", _WALKING, _nordic),
    _activity(
        *("elevator_walking", "moving around in an elevator"),
        *("a person is walking around {speed}", _walk_in_lift),
    ),
)
