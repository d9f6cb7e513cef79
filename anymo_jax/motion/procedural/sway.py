"""What keeps a still person from being frozen: sway, breath, tremor, fidgets.

Postural sway: centre-of-pressure RMS of 4 mm fore-aft and 2.5 mm sideways at a mean
frequency of about 0.3 to 0.5 Hz (Prieto et al. 1996, young adults, eyes open).
Breathing: 12 to 20 breaths/min, inspiration 40 per cent of the cycle. Physiological
tremor: 8 to 12 Hz, tens of micrometres at the hand (Elble & Koller 1990).
"""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural.curves import (
    keyframes,
    periodic,
    smooth_noise,
    tremor,
    varying_phase,
)
from anymo_jax.motion.procedural.limbs import ArmAngles, FootTrack, HandTrack
from anymo_jax.motion.procedural.pose import Pose, bend, look, move_pelvis, shrug


def alive(
    rng: np.random.Generator,
    pose: Pose,
    *,
    sway: float = 1.0,
    fidget: float = 1.0,
    breath_hz: float | None = None,
) -> Pose:
    """A pose with breath, sway over planted feet, tremor and occasional fidgets.

    Args:
      sway: scale of the postural sway of pelvis and trunk; 1 stands, 0.3 sits.
      fidget: scale of the small voluntary movements; 0 for none.
      breath_hz: breathing rate; None draws that of rest.
    """
    pose = breathe(rng, pose, breath_hz)
    pose = postural_sway(rng, pose, sway)
    pose = with_tremor(rng, pose)
    return fidgets(rng, pose, fidget) if fidget > 0 else pose


def breathe(
    rng: np.random.Generator, pose: Pose, breath_hz: float | None = None
) -> Pose:
    """Adds breathing: the chest tilts back and the shoulders rise on inspiration."""
    rate = rng.uniform(0.2, 0.33) if breath_hz is None else breath_hz
    phase = varying_phase(rng, pose.time, rate, 0.08)
    depth = periodic(phase, np.array([0, 0.2, 0.4, 0.65, 0.85]), _BREATH)
    depth = depth * (1 + 0.15 * smooth_noise(rng, pose.time, 0.1))
    amplitude = rng.uniform(0.003, 0.008)
    pose = bend(pose, flexion=-amplitude * depth)
    pose = look(pose, flexion=0.8 * amplitude * depth)
    for side in ("right", "left"):
        pose = shrug(pose, side, elevation=1.5 * amplitude * depth)
    return pose


_BREATH = np.array([0.0, 0.55, 1.0, 0.45, 0.08])


def postural_sway(rng: np.random.Generator, pose: Pose, scale: float = 1.0) -> Pose:
    """Adds slow drift of the pelvis over planted feet, and of trunk and head."""
    time = pose.time
    size = scale * rng.uniform(0.6, 1.4)
    slow, quick = (smooth_noise(rng, time, f, 2) for f in (0.25, 0.9))
    shift = size * (np.array([0.004, 0.0025]) * slow + 0.0007 * quick)
    shift = np.pad(shift, ((0, 0), (0, 1)))
    pose = move_pelvis(pose, shift + _murmur(rng, time, size))
    lean = size * 0.005 * smooth_noise(rng, time, 0.2, 3)
    lean = lean + (0.3 + 0.7 * size) * 0.0016 * smooth_noise(rng, time, 1.2, 3)
    pose = bend(pose, lateral=lean[:, 0], flexion=lean[:, 1], turn=lean[:, 2])
    nod = (0.3 + 0.7 * scale) * 0.008 * smooth_noise(rng, time, 0.5, 3)
    return look(pose, lateral=nod[:, 0], flexion=nod[:, 1], turn=nod[:, 2])


def _murmur(rng: np.random.Generator, time: np.ndarray, size: float) -> np.ndarray:
    """Shaking (T, 3) m of the trunk by heartbeat and postural muscles, near 5 Hz.

    Its 0.05 m/s^2 in standing is set by real pocket sensors of people who stand: they
    read 0.07 m/s^2 about gravity, of which their own noise is 0.03.
    """
    frequency = rng.uniform(4.0, 7.0)
    amplitude = 0.05 / (2 * np.pi * frequency) ** 2
    return size * amplitude * tremor(rng, time, frequency, 2.0, 3)


def with_tremor(rng: np.random.Generator, pose: Pose, scale: float = 1.0) -> Pose:
    """Adds physiological tremor of the arms, at the elbow and the wrist."""
    size = scale * rng.uniform(0.5, 1.5)
    shake = size * tremor(rng, pose.time, rng.uniform(8, 12), 1.0, 4)
    arms = {}
    for side, own in (("right", shake[:, :2]), ("left", shake[:, 2:])):
        arm = getattr(pose, f"{side}_arm")
        if isinstance(arm, ArmAngles):
            arm = dataclasses.replace(arm, elbow=arm.elbow + 1.5e-4 * own[:, 0])
        elif isinstance(arm, HandTrack):
            wobble = 2.5e-5 * np.pad(own, ((0, 0), (1, 0)))
            arm = dataclasses.replace(arm, position=arm.position + wobble)
        flexion = arm.wrist_flexion + 3e-4 * own[:, 1]
        arms[f"{side}_arm"] = dataclasses.replace(arm, wrist_flexion=flexion)
    return dataclasses.replace(pose, **arms)


def fidgets(rng: np.random.Generator, pose: Pose, scale: float = 1.0) -> Pose:
    """Adds glances, shifts of weight and small arm movements every few seconds."""
    time = pose.time
    glance = scale * np.array([0.05, 0.10, 0.22])
    head = _wandering(rng, time, every_s=7.0, takes_s=(0.4, 1.0), size=3) * glance
    pose = look(pose, lateral=head[:, 0], flexion=head[:, 1], turn=head[:, 2])
    weight = _wandering(rng, time, every_s=8.0, takes_s=(0.7, 2.0), size=3)
    shift = scale * np.array([0.008, 0.018, 0.0]) * weight
    pose = move_pelvis(pose, shift)
    pose = bend(pose, lateral=-scale * 0.02 * weight[:, 1], turn=0.02 * weight[:, 2])
    pose = _restless_legs(rng, pose, scale)
    arms = {}
    for side in ("right", "left"):
        arm = getattr(pose, f"{side}_arm")
        if isinstance(arm, ArmAngles):
            moved = _wandering(rng, time, every_s=12.0, takes_s=(0.5, 1.2), size=3)
            arm = dataclasses.replace(
                arm,
                flexion=arm.flexion + scale * 0.05 * moved[:, 0],
                elbow=np.maximum(arm.elbow + scale * 0.10 * moved[:, 1], 0.03),
                pronation=arm.pronation + scale * 0.15 * moved[:, 2],
            )
        arms[f"{side}_arm"] = arm
    return dataclasses.replace(pose, **arms)


def _restless_legs(rng: np.random.Generator, pose: Pose, scale: float) -> Pose:
    """Knees that drift, and now and then move, over planted feet."""
    time, legs = pose.time, {}
    level = scale * rng.uniform(0.4, 3.0)
    for name in ("right_leg", "left_leg"):
        leg = getattr(pose, name)
        if isinstance(leg, FootTrack):
            drift = 0.006 * smooth_noise(rng, time, 0.7)
            moved = _wandering(rng, time, every_s=8.0, takes_s=(0.4, 1.2), size=1)
            knee = leg.knee_out + level * (drift + 0.06 * moved[:, 0])
            leg = dataclasses.replace(leg, knee_out=knee)
        legs[name] = leg
    return dataclasses.replace(pose, **legs)


def _wandering(rng, time, *, every_s, takes_s, size) -> np.ndarray:
    """Values (T, size) that rest at random levels and now and then move to others."""
    count = rng.poisson((time[-1] - time[0]) / every_s)
    starts = np.sort(rng.uniform(time[0], time[-1], count))
    value = np.zeros((len(time), size))
    for start in starts:
        takes = rng.uniform(*takes_s)
        step = keyframes(time, [start, start + takes], [0.0, 1.0])[:, None]
        value = value + step * (0.8 * rng.standard_normal(size) - value)
    return value
