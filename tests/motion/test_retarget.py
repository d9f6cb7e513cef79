"""From joints to segments: origins, blends, bone lengths, height."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.bvh.conventions import CMU_JOINTS
from anymo_jax.motion.recording import joint_offsets
from anymo_jax.motion.retarget import (
    JointMotion,
    between,
    check_stature,
    estimate_stature,
    hold_bone_lengths,
    retarget,
    tpose_origins,
)
from tests.motion.figures import SEGMENT_JOINTS, Figure, smooth_motion

FIGURE = Figure()


def joints_of(local, root, rate_hz=60.0):
    position, rotation = FIGURE.poses(local, root)
    return JointMotion(tuple(FIGURE.names), FIGURE.tpose, position, rotation, rate_hz)


def standing():
    local = np.tile(np.eye(3), (3, len(FIGURE.names), 1, 1))
    return joints_of(local, np.tile(FIGURE.tpose[0], (3, 1)))


def lengths(position):
    bones = position[:, 1:] - position[:, list(XSENS.parents[1:])]
    return np.linalg.norm(bones, axis=-1)


def test_t_pose_gives_identity_and_left_is_left():
    motion = retarget(standing(), CMU_JOINTS, "figure")
    np.testing.assert_array_equal(motion.rotation, np.tile(np.eye(3), (3, 23, 1, 1)))
    hand, other = motion.position[0, [XSENS.index("L_Hand"), XSENS.index("R_Hand")]]
    assert hand[1] == pytest.approx(0.72) and other[1] == pytest.approx(-0.72)
    toe, foot = motion.position[0, [XSENS.index("L_Toe"), XSENS.index("L_Foot")]]
    assert toe[0] > foot[0]


def test_pelvis_begins_between_the_hips():
    motion = retarget(standing(), CMU_JOINTS, "figure")
    hips = [XSENS.index("R_UpperLeg"), XSENS.index("L_UpperLeg")]
    middle = motion.position[0, hips].mean(axis=0)
    np.testing.assert_allclose(motion.position[0, 0], middle, atol=1e-12)


def test_joints_keep_their_places_and_turns():
    joints = joints_of(*smooth_motion(FIGURE, 50))
    motion = retarget(joints, CMU_JOINTS, "figure")
    for segment, joint in SEGMENT_JOINTS.items():
        i, j = XSENS.index(segment), FIGURE.names.index(joint)
        np.testing.assert_array_equal(motion.rotation[:, i], joints.rotation[:, j])
        if segment not in ("Pelvis", "Neck", "Head"):
            np.testing.assert_allclose(
                motion.position[:, i], joints.position[:, j], atol=1e-12
            )
    assert np.ptp(lengths(motion.position), axis=0).max() < 1e-12


def test_two_neck_joints_become_one_bone():
    """The head stays on the line to the source's, at the neck's T-pose length."""
    joints = joints_of(*smooth_motion(FIGURE, 50, seed=1))
    motion = retarget(joints, CMU_JOINTS, "figure")
    neck, head = XSENS.index("Neck"), XSENS.index("Head")
    bone = motion.position[:, head] - motion.position[:, neck]
    wanted = joints.position[:, FIGURE.names.index("Head")] - motion.position[:, neck]
    off = np.linalg.norm(np.cross(bone, wanted), axis=-1)
    assert off.max() < 1e-12
    moved = np.linalg.norm(bone - wanted, axis=-1)
    assert 0 < moved.max() < 0.01


def test_t12_turns_half_way():
    joints = joints_of(*smooth_motion(FIGURE, 20, seed=2))
    motion = retarget(joints, CMU_JOINTS, "figure")
    l3, t12, t8 = (
        Rotation.from_matrix(motion.rotation[:, XSENS.index(name)])
        for name in ("L3", "T12", "T8")
    )
    whole = (l3.inv() * t8).magnitude()
    np.testing.assert_allclose((l3.inv() * t12).magnitude(), whole / 2, atol=1e-9)
    np.testing.assert_allclose((t12.inv() * t8).magnitude(), whole / 2, atol=1e-9)


def test_rules_with_fractions():
    rules = dict(CMU_JOINTS) | {"T12": between("Spine", "Spine1", 0.25)}
    origins = tpose_origins(standing(), rules)
    spine, spine1 = (
        FIGURE.tpose[FIGURE.names.index(name)] for name in ("Spine", "Spine1")
    )
    np.testing.assert_allclose(
        origins[XSENS.index("T12")], 0.75 * spine + 0.25 * spine1
    )


def test_joint_offsets_are_the_t_pose():
    motion = retarget(standing(), CMU_JOINTS, "figure")
    origins = tpose_origins(standing(), CMU_JOINTS)
    offsets = joint_offsets(motion)[1:]
    np.testing.assert_allclose(offsets, origins[1:] - origins[list(XSENS.parents[1:])])


@given(st.integers(0, 2**32 - 1))
def test_bone_lengths_are_held(seed):
    """Whatever the source does, lengths are the T-pose's, directions its own."""
    rng = np.random.default_rng(seed)
    position = rng.normal(size=(4, 23, 3))
    tpose = rng.normal(size=(23, 3))
    held = hold_bone_lengths(position, tpose)
    wanted = lengths(tpose[None])
    np.testing.assert_allclose(lengths(held), np.tile(wanted, (4, 1)), rtol=1e-9)
    parents = list(XSENS.parents[1:])
    before = position[:, 1:] - position[:, parents]
    after = held[:, 1:] - held[:, parents]
    assert (np.sum(before * after, axis=-1) > 0).all()
    np.testing.assert_allclose(np.cross(before, after), 0, atol=1e-9)


def test_lengths_that_are_right_are_left_alone():
    origins = tpose_origins(standing(), CMU_JOINTS)
    turn = Rotation.random(5, random_state=0).as_matrix()
    position = np.einsum("tij,nj->tni", turn, origins)
    np.testing.assert_allclose(hold_bone_lengths(position, origins), position)


def test_stature():
    origins = tpose_origins(standing(), CMU_JOINTS)
    assert estimate_stature(origins) == pytest.approx(1.54 / 0.896)
    check_stature(origins, "figure")
    for scale, height in ((0.7, "1.2"), (1.3, "2.23")):
        with pytest.raises(ValueError, match=f"^figure: the body is {height} m tall"):
            check_stature(scale * origins, "figure")


def test_invalid_frames_of_the_source_stay_invalid():
    joints = joints_of(*smooth_motion(FIGURE, 50))
    valid = np.ones(50, bool)
    valid[20:25] = False
    motion = retarget(joints, CMU_JOINTS, "figure", valid=valid)
    np.testing.assert_array_equal(motion.valid, valid)
