"""Frames that a body cannot have."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion import glitch
from anymo_jax.motion.glitch import find_valid

HAND = XSENS.index("R_Hand")


def waving(rate_hz, frames, metres=0.3, radians=0.8, hertz=2.0):
    """A hand that swings at 2 Hz; its peak acceleration is 47 m/s^2."""
    time = np.arange(frames) / rate_hz
    swing = np.sin(2 * np.pi * hertz * time)
    position = np.zeros((frames, 23, 3))
    position[:, HAND, 0] = metres * swing
    rotation = np.tile(np.eye(3), (frames, 23, 1, 1))
    turns = np.outer(radians * swing, [0.0, 0.0, 1.0])
    rotation[:, HAND] = Rotation.from_rotvec(turns).as_matrix()
    return position, rotation


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0, 240.0])
def test_sound_motion_stays_valid(rate_hz):
    assert find_valid(*waving(rate_hz, 120), rate_hz).all()


@pytest.mark.parametrize("rate_hz", [30.0, 60.0, 120.0, 240.0])
def test_one_displaced_frame(rate_hz):
    position, rotation = waving(rate_hz, 200)
    position[100, HAND] += [0.0, 1.0, 0.0]
    valid = find_valid(position, rotation, rate_hz)
    assert not valid[99:102].any()
    reach = glitch.MARGIN_S + 1 / 60
    outside = np.abs(np.arange(200) - 100) > np.ceil(reach * rate_hz) + 3
    assert valid[outside].all()


@pytest.mark.parametrize("rate_hz", [30.0, 120.0])
def test_one_turned_frame(rate_hz):
    position, rotation = waving(rate_hz, 200)
    rotation[100, HAND] = np.diag([1.0, -1.0, -1.0])
    valid = find_valid(position, rotation, rate_hz)
    assert not valid[99:102].any()
    assert valid[:90].all() and valid[111:].all()


@pytest.mark.parametrize(("metres", "found"), [(0.03, False), (0.12, True)])
def test_spike_below_the_speed_bound(metres, found):
    """At 60 Hz a spike of 12 cm is 7 m/s but 864 m/s^2."""
    position, rotation = waving(60.0, 120, metres=0.0)
    position[60, HAND, 2] = metres
    assert find_valid(position, rotation, 60.0).all() != found


def test_a_cut_leaves_both_sides_valid():
    position, rotation = waving(60.0, 120)
    position[60:] += [3.0, 0.0, 0.0]
    valid = find_valid(position, rotation, 60.0)
    assert not valid[59] and not valid[60]
    assert valid[:50].all() and valid[70:].all()


def test_short_runs_between_faults_go():
    position, rotation = waving(60.0, 240)
    position[100] += 5.0
    position[111] += 5.0
    valid = find_valid(position, rotation, 60.0)
    assert not valid[97:115].any()


def test_t_pose_before_the_take():
    """Ten frames of T-pose, a jump into a crouch: all of the T-pose is invalid."""
    position, rotation = waving(120.0, 120, radians=0.0)
    crouch = Rotation.from_euler("y", -80, degrees=True).as_matrix()
    legs = [XSENS.index("R_UpperLeg"), XSENS.index("L_UpperLeg")]
    rotation[30:, legs] = crouch
    valid = find_valid(position, rotation, 120.0)
    assert not valid[:34].any()
    assert valid[40:].all()
    # The same jump after another pose leaves that pose alone.
    arms = [XSENS.index("R_UpperArm"), XSENS.index("L_UpperArm")]
    rotation[:, arms] = Rotation.from_euler("x", 70, degrees=True).as_matrix()
    assert find_valid(position, rotation, 120.0)[:20].all()
