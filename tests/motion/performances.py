"""Performances of whole-body activities for the tests, and what is read off them."""

import functools

import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.motion.procedural.activities import (
    exercise,
    footwork,
    jumping,
    leaping,
    machines,
    resting,
    running,
    stairs,
    transitions,
    walking,
)
from anymo_jax.motion.procedural.activities.flight import GRAVITY
from anymo_jax.motion.procedural.clip import perform
from anymo_jax.motion.procedural.figure import SEGMENT, sample_figure

MODULES = (
    *(resting, transitions, walking, footwork, running, stairs),
    *(leaping, jumping, machines, exercise),
)
BODY = {a.name: a for m in MODULES for a in m.ACTIVITIES}


@functools.cache
def clip(name, seed=0, rate_hz=120.0, duration_s=None):
    return perform(BODY[name], seed=seed, rate_hz=rate_hz, duration_s=duration_s)


def figure_of(seed):
    return sample_figure(np.random.default_rng([seed % 200, 0x66696775]))


def between(recording, parent, child):
    rotation = recording.motion.rotation
    back = np.swapaxes(rotation[:, SEGMENT[parent]], -1, -2)
    return back @ rotation[:, SEGMENT[child]]


def soles(recording, seed):
    """Heel, ball and toe tip of both feet, (2, T, 3, 3) m."""
    figure, motion = figure_of(seed), recording.motion
    feet = []
    for side in "RL":
        foot, toe = SEGMENT[f"{side}_Foot"], SEGMENT[f"{side}_Toe"]
        at, turn = motion.position[:, foot], motion.rotation[:, foot]
        tip = motion.rotation[:, toe] @ (figure.tip - figure.offset("R_Toe"))
        points = [at + turn @ figure.heel, at + turn @ figure.ball]
        feet.append(np.stack([*points, motion.position[:, toe] + tip], axis=1))
    return np.array(feet)


def specific_force(recording):
    """Specific force at every segment's origin, world axes, (T-2, 23, 3) m/s^2."""
    rate = recording.motion.rate_hz
    acceleration = np.diff(recording.motion.position, 2, axis=0) * rate**2
    return acceleration + np.array([0.0, 0.0, GRAVITY])


def angular_rate(recording):
    """Magnitude of the segments' angular velocity, (T-1, 23) rad/s."""
    rotation = recording.motion.rotation
    step = np.swapaxes(rotation[:-1], -1, -2) @ rotation[1:]
    turn = Rotation.from_matrix(step.reshape(-1, 3, 3)).as_rotvec()
    return np.linalg.norm(turn, axis=-1).reshape(-1, 23) * recording.motion.rate_hz
