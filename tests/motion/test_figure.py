"""Proportions, forward and inverse kinematics of the procedural library."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from anymo_jax.motion.procedural import curves, limbs
from anymo_jax.motion.procedural.figure import SEGMENT, make_figure, sample_figure
from anymo_jax.motion.procedural.limbs import (
    ArmAngles,
    FootTrack,
    HandTrack,
    LegAngles,
    hand_rotation,
)
from anymo_jax.motion.procedural.pose import make_pose, reach, solve, with_hands
from anymo_jax.motion.procedural.postures import standing

FIGURE = make_figure(1.75, "male")
TIME = np.arange(6) / 120.0


def straight_pose(**arms):
    legs = LegAngles()
    return make_pose(
        FIGURE,
        TIME,
        pelvis_position=np.array([0.0, 0.0, 0.9]),
        right_leg=legs,
        left_leg=legs,
        **arms,
    )


def shoulder_to(position, rotation, side, name):
    """A segment's origin from the shoulder at rest, in the trunk frame, frame 0."""
    chest = SEGMENT["T8"]
    offset = FIGURE.offset(f"{side}_Shoulder") + FIGURE.offset(f"{side}_UpperArm")
    local = rotation[0, chest].T @ (position[0, SEGMENT[name]] - position[0, chest])
    return local - offset


def test_forward_kinematics_of_the_t_pose_gives_the_rest_joints():
    rotation = np.broadcast_to(np.eye(3), (2, 23, 3, 3))
    position = FIGURE.forward(np.tile(FIGURE.rest[0], (2, 1)), rotation)
    np.testing.assert_allclose(position[1], FIGURE.rest, atol=1e-12)


def test_hanging_arms_and_straight_legs_point_down():
    arm = ArmAngles(abduction=0.0, elbow=0.0, pronation=0.0)
    position, rotation = solve(straight_pose(right_arm=arm, left_arm=arm))
    for side in "RL":
        shoulder = position[0, SEGMENT[f"{side}_UpperArm"]]
        hand = position[0, SEGMENT[f"{side}_Hand"]]
        np.testing.assert_allclose((hand - shoulder)[:2], 0.0, atol=1e-9)
        assert shoulder[2] - hand[2] == pytest.approx(FIGURE.arm)
        # Thumbs forward: the hand's x axis, its thumb side, points ahead.
        thumb = rotation[0, SEGMENT[f"{side}_Hand"]][:, 0]
        np.testing.assert_allclose(thumb, [1, 0, 0], atol=1e-9)


@pytest.mark.parametrize(
    ("angles", "segment", "axis", "sign"),
    [
        (ArmAngles(flexion=1.0), "Hand", 0, 1),
        (ArmAngles(abduction=1.0, elbow=0.0), "Hand", 1, "out"),
        (ArmAngles(elbow=1.5, rotation=0.0), "Hand", 0, 1),
        (ArmAngles(elbow=1.5, rotation=1.0, abduction=0.0), "Hand", 1, "in"),
    ],
)
def test_arm_angles_move_the_hand_the_way_their_names_say(angles, segment, axis, sign):
    position, _ = solve(straight_pose(right_arm=angles, left_arm=angles))
    for side, out in (("R", -1), ("L", 1)):
        moved = position[0, SEGMENT[f"{side}_{segment}"]]
        moved = moved - position[0, SEGMENT[f"{side}_UpperArm"]]
        expected = {1: 1, "out": out, "in": -out}[sign]
        assert moved[axis] * expected > 0.1


def test_leg_angles_move_the_foot_the_way_their_names_say():
    cases = {
        "flexion": (0, 1, "Foot"),
        "knee": (0, -1, "Foot"),
        "abduction": (1, None, "Foot"),
        "ankle": (2, 1, "Toe"),
    }
    still, _ = solve(straight_pose())
    for field, (axis, sign, name) in cases.items():
        legs = dataclasses.replace(LegAngles(), **{field: 0.6})
        pose = dataclasses.replace(straight_pose(), right_leg=legs, left_leg=legs)
        moved, _ = solve(pose)
        for side, out in (("R", -1), ("L", 1)):
            change = (moved - still)[0, SEGMENT[f"{side}_{name}"], axis]
            assert change * (out if sign is None else sign) > 0.05, field


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-0.3, 0.7),
    st.floats(-0.5, 0.7),
    st.floats(-0.8, 0.6),
    st.floats(-1, 1),
    st.sampled_from(["right", "left"]),
)
def test_a_hand_within_reach_arrives_at_its_target(forward, out, up, swivel, side):
    length = np.linalg.norm([forward, out, up])
    if not 0.25 < length < 0.95:
        return
    target = reach(FIGURE, side, forward, out, up)
    track = HandTrack(target, swivel=swivel)
    position, rotation = solve(with_hands(straight_pose(), **{side: track}))
    letter = side[0].upper()
    arrived = shoulder_to(position, rotation, letter, f"{letter}_Hand")
    np.testing.assert_allclose(arrived, target, atol=1e-9)


@pytest.mark.parametrize("frame", ["world", "head", "pelvis", "trunk"])
def test_a_hand_target_in_any_frame_is_reached(frame):
    pose = standing(np.random.default_rng(3), FIGURE, TIME)
    position, rotation = solve(pose)
    goal = position[:, SEGMENT["T8"]] + np.array([0.35, -0.1, 0.05])
    if frame == "world":
        local = goal
    else:
        source = SEGMENT[{"trunk": "T8"}.get(frame, frame.capitalize())]
        away = goal - position[:, source]
        local = np.einsum("tji,tj->ti", rotation[:, source], away)
    moved, _ = solve(with_hands(pose, right=HandTrack(local, frame)))
    np.testing.assert_allclose(moved[:, SEGMENT["R_Hand"]], goal, atol=1e-9)


def test_an_unknown_hand_frame_is_refused():
    pose = with_hands(straight_pose(), right=HandTrack(np.zeros(3), "table"))
    with pytest.raises(ValueError, match="table"):
        solve(pose)


@pytest.mark.parametrize("side", ["right", "left"])
def test_hand_rotation_points_fingers_and_palm(side):
    rotation = hand_rotation([1.0, 0, 0], [0.3, 0, -1.0], side)
    fingers = rotation[:, 1] * (-1 if side == "right" else 1)
    np.testing.assert_allclose(fingers, [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(-rotation[:, 2], [0, 0, -1], atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    track = HandTrack(reach(FIGURE, side, 0.6, 0.0, -0.1), rotation=rotation)
    _, solved = solve(with_hands(straight_pose(), **{side: track}))
    hand = SEGMENT["R_Hand" if side == "right" else "L_Hand"]
    np.testing.assert_allclose(solved[0, hand], rotation, atol=1e-9)


def test_swivel_raises_the_elbow_outwards_on_both_sides():
    for side, out in (("right", -1), ("left", 1)):
        elbows = []
        for swivel in (0.0, 0.8):
            track = HandTrack(reach(FIGURE, side, 0.6, 0.0, 0.0), swivel=swivel)
            position, _ = solve(with_hands(straight_pose(), **{side: track}))
            elbows.append(position[0, SEGMENT[f"{side[0].upper()}_Forearm"]])
        assert (elbows[1] - elbows[0])[1] * out > 0.03
        assert (elbows[1] - elbows[0])[2] > 0.03


def test_arms_of_mirrored_targets_mirror():
    tracks = {
        side: HandTrack(reach(FIGURE, side, 0.5, 0.2, 0.1), swivel=0.4, pronation=0.7)
        for side in ("right", "left")
    }
    position, rotation = solve(with_hands(straight_pose(), **tracks))
    for name in ("Shoulder", "UpperArm", "Forearm", "Hand"):
        right, left = SEGMENT[f"R_{name}"], SEGMENT[f"L_{name}"]
        np.testing.assert_allclose(
            position[:, right] * [1, -1, 1], position[:, left], atol=1e-12
        )
        np.testing.assert_allclose(
            limbs.mirrored(rotation[:, right]), rotation[:, left], atol=1e-12
        )


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.4, 0.4), st.floats(-0.2, 0.2), st.floats(0.08, 0.4))
def test_a_foot_within_reach_arrives_and_the_knee_bends_forward(x, y, z):
    target = np.array([x, -0.1 + y, z])
    hip = np.array([0.0, -FIGURE.half_stance, 0.9])
    if np.linalg.norm(target - hip) > 0.975 * FIGURE.leg:
        return
    pose = dataclasses.replace(straight_pose(), right_leg=FootTrack(target, np.eye(3)))
    position, rotation = solve(pose)
    np.testing.assert_allclose(position[0, SEGMENT["R_Foot"]], target, atol=1e-9)
    thigh, shank = (
        rotation[0, SEGMENT["R_UpperLeg"]],
        rotation[0, SEGMENT["R_LowerLeg"]],
    )
    knee = np.degrees(Rotation.from_matrix(thigh.T @ shank).as_rotvec())
    assert knee[1] > 0 and abs(knee[0]) < 1e-6 and abs(knee[2]) < 1e-6


def test_a_target_out_of_reach_stretches_the_arm_without_breaking_bones():
    track = HandTrack(reach(FIGURE, "right", 2.0, 0.0, 0.0))
    position, _ = solve(with_hands(straight_pose(), right=track))
    hand, shoulder = SEGMENT["R_Hand"], SEGMENT["R_UpperArm"]
    length = np.linalg.norm(position[0, hand] - position[0, shoulder])
    assert 0.99 * FIGURE.arm < length < FIGURE.arm


def test_sampled_figures_are_adults_of_both_sexes():
    figures = [sample_figure(np.random.default_rng(i)) for i in range(200)]
    statures = np.array([f.stature for f in figures])
    assert 1.4 < statures.min() < 1.60 and 1.78 < statures.max() < 2.0
    assert {f.sex for f in figures} == {"female", "male"}


def test_minimum_jerk_starts_and_ends_at_rest():
    time = np.linspace(-0.2, 1.2, 1401)
    step = curves.between(time, 0.0, 1.0)
    assert step[0] == 0.0 and step[-1] == 1.0
    np.testing.assert_allclose(np.gradient(step, time).max(), 1.875, rtol=1e-4)


def test_cycle_times_cover_the_clip_with_the_asked_variation():
    time = np.arange(0, 400, 0.01)
    starts = curves.cycle_times(np.random.default_rng(0), time, 1.1, 0.025)
    assert starts[1] < 0 and starts[-2] > time[-1]
    lengths = np.diff(starts)
    assert lengths.mean() == pytest.approx(1.1, rel=0.01)
    assert lengths.std() / lengths.mean() == pytest.approx(0.023, abs=0.004)


def test_smooth_noise_has_unit_variance_and_stays_in_band():
    time = np.arange(0, 600, 0.02)
    noise = curves.smooth_noise(np.random.default_rng(1), time, 0.5)
    assert noise.std() == pytest.approx(1.0, abs=0.12)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency = np.fft.rfftfreq(len(time), 0.02)
    assert power[frequency > 1.5].sum() < 0.01 * power.sum()


def test_ringing_pushes_first_with_the_asked_peak():
    time = np.arange(0, 1, 1e-4)
    track = curves.ringing(time, np.array([0.3]), 12.0, 1.0, 0.5)
    acceleration = np.gradient(np.gradient(track, time), time)
    assert acceleration.max() == pytest.approx(12.0, rel=0.05)
    assert time[acceleration.argmax()] - 0.3 < 0.01
    assert np.abs(track[time < 0.3]).max() == 0.0


def test_softening_keeps_a_steady_movement_steady():
    time = np.arange(100) / 120
    track = np.stack([2.0 * time, 1.0 - time], axis=-1)
    np.testing.assert_allclose(curves.softened(time, track, 0.02), track, atol=1e-12)
