"""Walking: the general gait built on a plan of steps, and its varieties.

Figures of normal walking (Murray, Drought & Kory 1964; Murray 1967; Winter 1991;
Perry 1992; Whittle 1996): stance 62 per cent; the pelvis rises and falls twice a stride
by 4 to 5 cm, lowest soon after contact, moves sideways by 4 to 5 cm, turns +-5 degrees
forward with the leg, drops +-4 degrees on the swing side, tilts +-1.5 degrees; the
thorax turns against it; shoulders swing about 30 degrees, elbows about 25 at normal
speed, more when faster. How step length goes with cadence: `walking.pace_of`.
Hip, knee and ankle angles follow from feet, pelvis and leg lengths; they are checked
against Winter's curves in the tests.
"""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural.curves import ringing, smooth_noise, softened
from anymo_jax.motion.procedural.figure import Figure
from anymo_jax.motion.procedural.footfalls import Roll, Steps, stepping_foot
from anymo_jax.motion.procedural.limbs import Angle, ArmAngles, FootTrack
from anymo_jax.motion.procedural.pose import (
    Pose,
    bend,
    look,
    make_pose,
    orientation,
    shrug,
)

# Foot pitch over the cycle in normal walking, degrees, toes down positive; set by eye.
# Hip, knee and ankle then come near the curves of Winter 1991.
WALK_PHASE = (
    *(0.0, 0.03, 0.06, 0.09, 0.14, 0.22, 0.30, 0.38, 0.46, 0.53, 0.59, 0.64, 0.69),
    *(0.74, 0.79, 0.84, 0.89, 0.94),
)
WALK_PITCH = (
    *(-18.0, -13.0, -5.0, -0.5, 0.0, 0.0, 1.5, 9.0, 22.0, 41.0, 62.0, 73.0, 69.0),
    *(50.0, 29.0, 12.0, -1.0, -11.0),
)


@dataclasses.dataclass(frozen=True)
class Carriage:
    """How the body is carried over the steps; angles in rad, lengths in m.

    The excursions may be (T,) arrays, different from step to step.

    Attributes:
      drop: of the mean pelvis height below that of straight legs.
      rise: half of the pelvis's vertical range.
      lowest: share of a step after contact at which the pelvis is lowest.
      lateral: half of the pelvis's sideways range.
      tilt, turn, obliquity: pelvis's mean forward tilt, amplitude of its turn with the
        leading leg, amplitude of its drop towards the swinging leg.
      lean: forward lean of the trunk.
      counter: amplitude of the thorax's turn against the pelvis, in the world.
      arm_swing: amplitude of shoulder flexion.
      arm_rest: its mean.
      elbow: mean elbow flexion; it opens and closes by `elbow_swing`.
      shock: peak in m/s^2, frequency in Hz and decay in s of the ankle's oscillation
        after contact; the pelvis's is lower by `attenuation`, slower and softer.
    """

    drop: float = 0.021
    rise: Angle = 0.020
    lowest: float = 0.15
    lateral: Angle = 0.021
    tilt: Angle = 0.12
    turn: Angle = 0.085
    obliquity: Angle = 0.065
    lean: float = 0.04
    counter: Angle = 0.06
    arm_swing: Angle = 0.32
    arm_rest: Angle = -0.02
    elbow: float = 0.45
    elbow_swing: Angle = 0.2
    shock: tuple[float, float, float] = (15.0, 25.0, 0.02)
    attenuation: float = 0.25


def locomotion(
    rng: np.random.Generator,
    figure: Figure,
    time: np.ndarray,
    steps: Steps,
    roll: Roll,
    carriage: Carriage,
    *,
    height: np.ndarray | None = None,
    lead: float = 0.0,
    knee_out: float = 0.02,
    settled: bool = True,
) -> Pose:
    """A gait: feet from a plan of steps, the body carried above them.

    Args:
      height: (T,) m, vertical movement of the pelvis about its mean; None for the
        sinusoid of `carriage`.
      lead: share of a step by which the body is ahead of the middle of the feet.
      knee_out: rad, of both knees.
      settled: whether the pelvis gives way where a leg is too short.
    """
    phase = steps.phase(time)
    wave = _Wave(phase)
    path = steps.body(time, lead)
    yaw = path[:, 3] + carriage.turn * wave.cos(1, 0.02)
    c = _lived(rng, time, carriage)
    if height is None:
        height = -c.rise * wave.cos(2, 0.5 * c.lowest)
    side = c.lateral * wave.sin(1, 0.03)
    place = np.stack(
        [
            path[:, 0] + np.sin(path[:, 3]) * side,
            path[:, 1] - np.cos(path[:, 3]) * side,
            path[:, 2] + figure.pelvis_height - c.drop + height,
        ],
        axis=-1,
    )
    tilt = c.tilt + 0.03 * wave.cos(2, 0.1)
    jolts = _jolts(rng, time, steps.when, carriage)
    rotation = orientation(
        len(time),
        pitch=tilt + jolts[:, 1],
        roll=-c.obliquity * wave.sin(1, -0.02) + jolts[:, 0],
        yaw=yaw + jolts[:, 2],
    )
    feet = {
        f"{s}_leg": stepping_foot(
            figure, steps, time, s, roll, knee_out=knee_out, shock=carriage.shock
        )
        for s in ("right", "left")
    }
    if settled:
        settled_place = settle(figure, place, rotation, *feet.values())
        place = eased(time, place, settled_place)
    jolt = carriage.shock[0] * carriage.attenuation
    wobble = ringing(time, steps.when, 1.5 * jolt, 0.25 * carriage.shock[1], 0.06, 0.01)
    place = place + wobble[:, None] * np.array([0.5, 0.0, 1.0])
    pose = make_pose(
        figure, time, pelvis_position=place, pelvis_rotation=rotation, **feet
    )
    pose = _upper_body(rng, pose, wave, c)
    # The spine keeps half of the rocking from the chest, the neck a third more.
    pose = dataclasses.replace(
        pose, trunk=pose.trunk - 0.5 * jolts, head=pose.head - 0.35 * jolts
    )
    quick = place[:, 2] - softened(time, place[:, 2], 0.06)
    return _cushioned(pose, (0.7 if settled else 0.25) * quick)


def _jolts(rng, time: np.ndarray, when: np.ndarray, c: Carriage) -> np.ndarray:
    """Roll, pitch and yaw (T, 3) rad by which each contact rocks the pelvis.

    Belt-worn gyroscopes read 1 rad/s RMS in walking where the gait's own slow turns
    make 0.5; the rest rings at some 5 to 9 Hz after each contact.
    """
    size = (c.shock[0] / 13.0) ** 0.7 * rng.uniform(20, 110, 3)
    size = np.minimum(size, 150.0)
    jolts = np.zeros((len(time), 3))
    for axis, mirrored in enumerate((True, False, True)):
        sign = (-1.0) ** np.arange(len(when)) if mirrored else 1.0
        vary = 1 + 0.3 * rng.standard_normal(len(when))
        frequency, decay = rng.uniform(4.5, 8.5), rng.uniform(0.07, 0.16)
        peak = sign * size[axis] * vary
        jolts[:, axis] = ringing(time, when, peak, frequency, decay, 0.03)
    return jolts


def _cushioned(pose: Pose, kept: np.ndarray) -> Pose:
    """Arms hang on soft shoulders, which keep quick heaves (T,) m from them."""
    clavicle = np.linalg.norm(pose.figure.offset("R_UpperArm"))
    for side in ("right", "left"):
        pose = shrug(pose, side, elevation=-kept / clavicle)
    return pose


class _Wave:
    """Harmonics of the gait's phase."""

    def __init__(self, phase: np.ndarray) -> None:
        self.angle = 2 * np.pi * phase

    def cos(self, harmonic: int, delay: float = 0.0) -> np.ndarray:
        """Cosine that peaks `delay` strides after the right foot's contact."""
        return np.cos(harmonic * (self.angle - 2 * np.pi * delay))

    def sin(self, harmonic: int, delay: float = 0.0) -> np.ndarray:
        return np.sin(harmonic * (self.angle - 2 * np.pi * delay))


def _lived(rng: np.random.Generator, time: np.ndarray, carriage: Carriage) -> Carriage:
    """The carriage with every amplitude a little different over people and time."""
    values = dataclasses.asdict(carriage)
    slow = smooth_noise(rng, time, 0.3, len(values))
    for i, (name, value) in enumerate(values.items()):
        if name not in ("shock", "attenuation", "drop", "lowest", "elbow", "lean"):
            person = 1 + 0.12 * np.clip(rng.standard_normal(), -2, 2)
            values[name] = value * person * (1 + 0.06 * slow[:, i])
    return Carriage(**values)


def settle(
    figure: Figure,
    pelvis: np.ndarray,
    rotation: np.ndarray,
    right: FootTrack,
    left: FootTrack,
    straight: float = 0.9965,
    softness: float = 0.010,
) -> np.ndarray:
    """Pelvis path (T, 3) lowered smoothly where a leg would not reach its ankle.

    Args:
      straight: share of full leg length that is used.
      softness: m over which the limit sets in.
    """
    pelvis = pelvis.copy()
    for name, foot in (("R_UpperLeg", right), ("L_UpperLeg", left)):
        offset = rotation @ figure.offset(name)
        across = foot.position[..., :2] - pelvis[:, :2] - offset[:, :2]
        span = (straight * figure.leg) ** 2 - np.sum(across**2, axis=-1)
        limit = foot.position[..., 2] + np.sqrt(np.maximum(span, 0.01)) - offset[:, 2]
        gap = pelvis[:, 2] - limit
        pelvis[:, 2] -= 0.5 * (gap + np.sqrt(gap**2 + softness**2))
    return pelvis


def eased(
    time: np.ndarray, wanted: np.ndarray, settled: np.ndarray, over_s: float = 0.03
) -> np.ndarray:
    """`wanted` (T, 3) lowered as `settled` is, but gradually: a body does not jerk."""
    lowered = softened(time, wanted[:, 2] - settled[:, 2], over_s)
    return wanted - lowered[:, None] * np.array([0.0, 0.0, 1.0])


def _upper_body(rng: np.random.Generator, pose: Pose, wave: _Wave, c: Carriage) -> Pose:
    """Trunk against the pelvis, a steady head, and swinging arms."""
    time = pose.time
    turn = -(c.turn + c.counter) * wave.cos(1, 0.03)
    lateral = -0.8 * c.obliquity * wave.sin(1, 0.0)
    flexion = c.lean - c.tilt + 0.025 * wave.cos(2, 0.25)
    pose = bend(pose, flexion=flexion, lateral=lateral, turn=turn)
    steady = 0.02 * smooth_noise(rng, time, 0.4, 3) * np.array([0.5, 1.0, 2.0])
    pose = look(
        pose,
        flexion=rng.normal(0.05, 0.08) - 0.6 * c.lean + steady[:, 1],
        lateral=-0.5 * lateral + steady[:, 0],
        turn=0.8 * c.counter * wave.cos(1, 0.03) + steady[:, 2],
    )
    arms = [_swinging_arm(rng, time, wave, c, delay) for delay in (0.5, 0.0)]
    return dataclasses.replace(pose, right_arm=arms[0], left_arm=arms[1])


def _swinging_arm(
    rng: np.random.Generator, time: np.ndarray, wave: _Wave, c: Carriage, delay: float
) -> ArmAngles:
    """An arm that swings forward with the opposite leg, the elbow bending with it."""
    size = 1 + 0.15 * np.clip(rng.standard_normal(), -2, 2)
    ahead = wave.cos(1, delay + rng.normal(0.03, 0.015))
    late = wave.cos(1, delay + rng.normal(0.07, 0.02))
    double = wave.cos(2, rng.uniform(0, 0.5))
    elbow = c.elbow * (1 + 0.1 * rng.standard_normal()) + size * c.elbow_swing * late
    return ArmAngles(
        flexion=c.arm_rest + size * c.arm_swing * ahead + 0.03 * c.arm_swing * double,
        abduction=rng.uniform(0.08, 0.18) + 0.02 * double,
        rotation=rng.normal(0.3, 0.12) + 0.25 * size * c.arm_swing * late,
        elbow=np.maximum(elbow, 0.06),
        pronation=rng.normal(0.3, 0.25) + 0.2 * size * c.arm_swing * ahead,
        wrist_flexion=rng.normal(0.1, 0.1) + 0.1 * size * c.arm_swing * late,
    )
