"""What carries a body: a moving belt, a lift, a vehicle on the road."""

import dataclasses

import numpy as np

from anymo_jax.motion.procedural.curves import keyframes, smooth_noise
from anymo_jax.motion.procedural.limbs import about
from anymo_jax.motion.procedural.pose import Pose, carried


def on_belt(pose: Pose, slope: float = 0.0) -> Pose:
    """A straight walk or run made over ground, seen from the frame of its belt.

    The belt runs at the walk's own mean velocity.

    Args:
      slope: rad; the feet's plane is tilted, the body stays upright above it.
    """
    line = np.polynomial.polynomial.polyfit(
        pose.time, pose.pelvis_position[:, :2], deg=1
    )
    back = np.zeros((len(pose.time), 3))
    back[:, :2] = -line[0] - pose.time[:, None] * line[1]
    pose = carried(pose, back)
    if slope == 0.0:
        return pose
    tilt = about("y", -slope, 1)[0]
    legs = {}
    for name in ("right_leg", "left_leg"):
        foot = getattr(pose, name)
        # Steps lengthen along the slope; the tilt keeps each foot on the belt.
        legs[name] = dataclasses.replace(
            foot,
            position=foot.position @ tilt.T,
            rotation=tilt @ foot.rotation,
        )
    return dataclasses.replace(pose, **legs)


def lift_ride(
    rng: np.random.Generator, time: np.ndarray, direction: float
) -> tuple[np.ndarray, int]:
    """Height (T,) m of a lift that rides one way, stop by stop, and its count of stops.

    Jerk-limited starts and stops of 0.7 to 1.2 m/s^2 to 1 to 2 m/s, typical of
    passenger lifts, with the vibration of the cabin.
    """
    clock, height = time[0] - rng.uniform(0.0, 2.0), 0.0
    when, levels = [clock], [height]
    while clock < time[-1]:
        floors = rng.integers(1, 3)
        climb = direction * 3.1 * floors
        # A minimum-jerk ride of duration d over h peaks at 5.77 h / d^2.
        ride = np.sqrt(5.77 * abs(climb) / rng.uniform(0.7, 1.2))
        clock += ride
        height += climb
        when.append(clock)
        levels.append(height)
        clock += rng.uniform(0.8, 2.5)
        when.append(clock)
        levels.append(height)
    path = keyframes(time, when, levels)
    moving = np.abs(np.gradient(path, time)) > 0.05
    hum = 4e-6 * rng.standard_normal(len(time)) + 2e-5 * np.sin(
        2 * np.pi * rng.uniform(8, 16) * time
    )
    return path + moving * hum, (len(when) - 1) // 2


def road(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Displacement (T, 3) m of the seat of a car or bus that is driven.

    Seat vibration of 0.3 to 0.8 m/s^2 RMS, the vehicle's bounce at 1 to 1.5 Hz and
    road noise up to 15 Hz, braking and bends below 2 m/s^2: typical, set by eye.
    """
    level = rng.uniform(0.25, 0.7)
    shift = np.zeros((len(time), 3))
    for frequency, share in ((1.3, 0.7), (3.0, 0.35), (6.0, 0.35), (11.0, 0.25)):
        omega = 2 * np.pi * 0.8 * frequency
        noise = smooth_noise(rng, time, frequency, 3) * np.array([0.35, 0.45, 1.0])
        shift += level * share / omega**2 * noise
    shift[:, :2] += rng.uniform(0.5, 1.2) * smooth_noise(rng, time, 0.12, 2)
    return shift
