import numpy as np
import pytest

from anymo_jax.body.proportions import (
    proportions,
    rest_joints,
    segment_ends,
    segment_lengths,
)
from anymo_jax.body.skeleton import XSENS

BODIES = [(1.75, "male"), (1.63, "female"), (1.5, "female"), (1.95, "male")]


@pytest.mark.parametrize(("stature", "sex"), BODIES)
def test_joints_stand_in_t_pose(stature, sex):
    joints = dict(zip(XSENS.names, rest_joints(stature, sex), strict=True))
    np.testing.assert_allclose(joints["Pelvis"][:2], 0)
    column = ["Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head"]
    heights = [joints[name][2] for name in column]
    assert np.all(np.diff(heights) > 0.02 * stature)
    arm = np.array([joints[f"L_{n}"] for n in ("UpperArm", "Forearm", "Hand")])
    np.testing.assert_allclose(arm[:, [0, 2]], arm[:1, [0, 2]].repeat(3, 0))
    leg = np.array([joints[f"L_{n}"] for n in ("UpperLeg", "LowerLeg", "Foot")])
    np.testing.assert_allclose(leg[:, :2], leg[:1, :2].repeat(3, 0))
    assert joints["L_Toe"][0] > joints["L_Foot"][0]
    assert joints["L_Hand"][1] > 0 > joints["R_Hand"][1]


@pytest.mark.parametrize(("stature", "sex"), BODIES)
def test_joints_are_symmetric_and_scale_with_stature(stature, sex):
    joints = rest_joints(stature, sex)
    mirrored = joints[list(XSENS.mirrored)] * [1, -1, 1]
    np.testing.assert_array_equal(joints, mirrored)
    np.testing.assert_allclose(joints / stature, rest_joints(1.0, sex), atol=1e-15)


@pytest.mark.parametrize("sex", ["male", "female"])
def test_span_and_stature_follow_from_the_segments(sex):
    ends = segment_ends(1.7, sex)
    span = ends[XSENS.index("L_Hand"), 1] - ends[XSENS.index("R_Hand"), 1]
    # ANSUR II: span over stature 1.032 for men, 1.022 for women.
    assert 1.01 < span / 1.7 < 1.045
    assert ends[XSENS.index("Head"), 2] == 1.7
    assert np.all(segment_lengths(1.7, sex) > 0.02)


def test_thigh_and_shank_are_near_drillis_and_contini():
    lengths = segment_lengths(1.0, "male")
    assert lengths[XSENS.index("L_UpperLeg")] == pytest.approx(0.245, abs=0.01)
    assert lengths[XSENS.index("L_LowerLeg")] == pytest.approx(0.246, abs=0.01)
    assert lengths[XSENS.index("L_UpperArm")] == pytest.approx(0.162, abs=0.01)


def test_foot_runs_from_heel_to_toe_tip():
    p = proportions("male")
    joints, ends = rest_joints(1.0, "male"), segment_ends(1.0, "male")
    ankle, tip = joints[XSENS.index("L_Foot"), 0], ends[XSENS.index("L_Toe"), 0]
    assert tip - (ankle - p.heel_fraction * p.foot) == pytest.approx(p.foot)


def test_unknown_sex_and_absurd_stature_are_refused():
    with pytest.raises(ValueError, match="sex must be one of"):
        rest_joints(1.7, "unknown")
    with pytest.raises(ValueError, match="stature_m"):
        rest_joints(175.0)
