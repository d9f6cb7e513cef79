"""BVH: syntax and its errors, kinematics, conventions against a second conversion."""

import itertools

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.bvh.conventions import (
    CMU_MOTIONBUILDER,
    CONVENTIONS,
    Convention,
)
from anymo_jax.motion.bvh.kinematics import joint_poses
from anymo_jax.motion.bvh.loader import load_bvh
from anymo_jax.motion.bvh.parser import read_bvh
from anymo_jax.motion.check import check_motion
from anymo_jax.motion.pack import load_pack
from tests.motion.figures import SEGMENT_JOINTS, Y_UP, Figure, smooth_motion

ORDERS = ["".join(order) for order in itertools.permutations("XYZ")]
Z_UP = np.eye(3)
Z_UP_FACING_MINUS_Y = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
CMU_UNIT = 0.0254 / 0.45


def write(tmp_path, text, name="motion.bvh"):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return path


def still(frames=3):
    """A figure's text, standing in T-pose."""
    figure = Figure()
    local = np.tile(np.eye(3), (frames, len(figure.names), 1, 1))
    return figure.text(local, np.tile([0.0, 0.0, 0.98], (frames, 1)))


def angle_between(first, second):
    """Angles in degrees between two arrays of rotation matrices."""
    relative = np.swapaxes(first, -1, -2) @ second
    rotation = Rotation.from_matrix(relative.reshape(-1, 3, 3))
    return np.rad2deg(rotation.magnitude()).reshape(relative.shape[:-2])


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(
    ("positions", "unit", "axes"),
    [
        (False, 0.01, Y_UP),
        (True, 0.001, Z_UP),
        (True, CMU_UNIT, Z_UP_FACING_MINUS_Y),
        (False, 1.0, Y_UP),
    ],
)
def test_round_trip(tmp_path, order, positions, unit, axes):
    """Any rotation order, channel layout, unit and up axis gives the same motion."""
    figure = Figure(order, positions, unit, axes)
    local, root = smooth_motion(figure, 40, seed=ORDERS.index(order))
    path = write(tmp_path, figure.text(local, root))
    recording = load_bvh(path, metres_per_unit=unit)
    position, rotation = figure.poses(local, root)
    check_motion(recording.motion, "round trip")
    assert recording.motion.rate_hz == 100.0
    assert recording.motion.valid.all()
    for segment, joint in SEGMENT_JOINTS.items():
        i, j = XSENS.index(segment), figure.names.index(joint)
        found = recording.motion.rotation[:, i]
        np.testing.assert_allclose(found, rotation[:, j], atol=1e-7)
        # Two neck joints are one segment; the pelvis begins between the hips.
        if segment not in ("Pelvis", "Neck", "Head", "L5"):
            found = recording.motion.position[:, i]
            np.testing.assert_allclose(found, position[:, j], atol=2e-3)
    hips = [figure.names.index(f"{side}UpLeg") for side in ("Left", "Right")]
    middle = position[:, hips].mean(axis=1)
    np.testing.assert_allclose(recording.motion.position[:, 0], middle, atol=1e-7)


@pytest.mark.parametrize("order", ORDERS)
def test_euler_angles_are_intrinsic(tmp_path, order):
    """The first channel's rotation stands leftmost in the product."""
    figure = Figure(order)
    local, root = smooth_motion(figure, 2, seed=3)
    bvh = read_bvh(write(tmp_path, figure.text(local, root)))
    _, rotation = joint_poses(bvh)
    product = np.eye(3)
    for axis, degrees in zip(order, bvh.frames[0, 3:6], strict=True):
        a, s, c = "XYZ".index(axis), *_sine_cosine(degrees)
        b, d = (a + 1) % 3, (a + 2) % 3
        turn = np.eye(3)
        turn[b, b] = turn[d, d] = c
        turn[d, b], turn[b, d] = s, -s
        product = product @ turn
    np.testing.assert_allclose(rotation[0, 0], product, atol=1e-9)


def _sine_cosine(degrees):
    return np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))


def test_rest_pose_need_not_be_the_t_pose(tmp_path):
    """Splayed legs and hanging arms are turned; the T-pose gives the identity."""
    turns = {}
    for word, sign in (("Left", 1), ("Right", -1)):
        splay = Rotation.from_euler("x", sign * 20, degrees=True).as_matrix()
        hang = Rotation.from_euler("x", -sign * 90, degrees=True).as_matrix()
        turns |= {f"{word}UpLeg": splay, f"{word}Arm": hang}
    figure = Figure("ZXY", rest_turns=turns)
    local, root = smooth_motion(figure, 30)
    local[0] = np.eye(3)
    path = write(tmp_path, figure.text(local, root))
    motion = load_bvh(path).motion
    np.testing.assert_allclose(
        motion.rotation[0], np.tile(np.eye(3), (23, 1, 1)), atol=1e-7
    )
    _, rotation = figure.poses(local, root)
    for segment, joint in SEGMENT_JOINTS.items():
        found = motion.rotation[:, XSENS.index(segment)]
        wanted = rotation[:, figure.names.index(joint)]
        np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_line_ends_and_abbreviated_numbers(tmp_path):
    """CRLF, 'Frame Time: .0083333' and tabs read as LF, 0.0083333 and blanks."""
    text = still().replace("Frame Time: 0.01", "Frame Time:\t.0083333")
    motion = load_bvh(write(tmp_path, text.replace("\n", "\r\n"))).motion
    assert motion.rate_hz == 120.0
    assert len(motion.valid) == 3


def test_rate_is_not_rounded_away(tmp_path):
    text = still().replace("Frame Time: 0.01", "Frame Time: 0.0334")
    assert load_bvh(write(tmp_path, text)).motion.rate_hz == pytest.approx(1 / 0.0334)


def test_namespaces_and_texts_beside(tmp_path):
    text = still().replace("JOINT ", "JOINT actor:").replace("ROOT ", "ROOT actor:")
    path = write(tmp_path, text)
    path.with_suffix(".txt").write_text("a person stands\n\nstanding still\n")
    recording = load_bvh(path)
    assert recording.texts == ("a person stands", "standing still")
    assert recording.facts["convention"] == CMU_MOTIONBUILDER.name
    assert float(recording.facts["stature_m"]) == pytest.approx(1.54 / 0.896, abs=1e-3)


def test_unit_is_inferred_where_the_convention_leaves_it_open(tmp_path):
    open_unit = Convention("open", CMU_MOTIONBUILDER.segments, None)
    for unit in (1.0, 0.01, 0.001, 0.0254, CMU_UNIT):
        figure = Figure(metres_per_unit=unit)
        local, root = smooth_motion(figure, 5)
        path = write(tmp_path, figure.text(local, root))
        recording = load_bvh(path, convention=open_unit)
        assert float(recording.facts["metres_per_unit"]) == pytest.approx(unit)
    figure = Figure(metres_per_unit=0.1)
    path = write(tmp_path, figure.text(*smooth_motion(figure, 5)))
    with pytest.raises(ValueError, match=r"17\.19 units tall.*metres_per_unit"):
        load_bvh(path, convention=open_unit)


def test_body_of_the_wrong_height_is_refused(tmp_path):
    figure = Figure(metres_per_unit=0.01)
    path = write(tmp_path, figure.text(*smooth_motion(figure, 3)))
    with pytest.raises(ValueError, match=r"is 9\.7 m tall, not 1\.4 to 2\.1 m"):
        load_bvh(path)  # centimetres read in CMU's unit
    load_bvh(path, metres_per_unit=0.01)


def test_unknown_skeleton(tmp_path):
    path = write(tmp_path, still().replace("LeftToeBase", "LeftFlipper"))
    with pytest.raises(ValueError, match=r"unknown skeleton.*LeftFlipper") as error:
        load_bvh(path)
    assert "which also has LeftToeBase" in str(error.value)
    assert "Convention of your own" in str(error.value)
    with pytest.raises(ValueError, match="no joint LeftToeBase, which the convention"):
        load_bvh(path, convention=CMU_MOTIONBUILDER)


LINES = still().splitlines()
FIRST_FRAME = LINES.index("MOTION") + 3
HIP_HEIGHT = LINES[FIRST_FRAME].split()[1]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda t: "", r"line 0: the file ends where HIERARCHY"),
        (lambda t: t.replace("HIERARCHY", "SKELETON"), r"line 1: .*begins with"),
        (lambda t: t.replace("ROOT Hips", "JOINT Hips"), r"line 2: expected ROOT"),
        (lambda t: t.replace("ROOT Hips", "ROOT"), r"line 2: 'ROOT' names no joint"),
        (lambda t: t.replace("{", "", 1), r"line 4: expected '\{'"),
        (lambda t: t.replace("}", "", 9), r"line \d+: 'MOTION' has no place"),
        (lambda t: t[: t.index("MOTION") - 20], r"the end of the block|no OFFSET"),
        (lambda t: t.replace("LeftLeg", "LeftFoot"), r"'LeftFoot' stands twice"),
        (lambda t: t.replace("Zrotation", "Wrotation", 1), r"line 5: unknown channel"),
        (lambda t: t.replace("CHANNELS 6", "CHANNELS 7"), r"line 5: CHANNELS must"),
        (lambda t: t.replace("Yrotation", "Zrotation", 1), r"line 5: .*stands twice"),
        (lambda t: t.replace("OFFSET", "OFSET", 1), r"line 4: 'OFSET .* no place"),
        (lambda t: t.replace("    OFFSET", "    # OFFSET", 1), r"no place|no OFFSET"),
        (lambda t: t.replace("OFFSET 0.0", "OFFSET x", 1), r"line 4: OFFSET: could"),
        (lambda t: t.replace("OFFSET", "OFFSET 1", 1), r"line 4: OFFSET needs 3"),
        (lambda t: t.replace("MOTION", "MOTIONS"), r"expected MOTION"),
        (lambda t: t.replace("Frames: 3", "Frames: x"), r"expected 'Frames:'"),
        (lambda t: t.replace("Frames: 3", "Frames: 0"), r"the motion is empty"),
        (lambda t: t.replace("Frames: 3", "Frames: 2"), r"more frames than"),
        (lambda t: t.replace("Frames: 3", "Frames: 4"), r"ends after 3 frames"),
        (lambda t: t.replace("Frame Time: 0.01", "Frame Time: 0"), r"positive"),
        (lambda t: t.replace("Frame Time: 0.01", "Frame Time: -1"), r"positive"),
        (lambda t: t.replace("Frame Time: 0.01", "Frame Time: nan"), r"not finite"),
        (
            lambda t: t.replace("Frame Time: 0.01", "Fps: 100"),
            r"expected 'Frame Time:'",
        ),
        (lambda t: t[: t.index("MOTION") + 6], r"the file ends where 'Frames:'"),
        (lambda t: t[:-300], r"frame 2 needs 72 values, found"),
        (lambda t: t.replace(HIP_HEIGHT, "nan", 1), r"frame 0 holds .*not finite"),
        (lambda t: t.replace(HIP_HEIGHT, "inf", 1), r"frame 0 holds .*not finite"),
        (lambda t: t.replace(HIP_HEIGHT, "9,8", 1), r"frame 0: could not convert"),
    ],
)
def test_faulty_files_are_refused_by_file_and_line(tmp_path, edit, message):
    path = write(tmp_path, edit(still()), "faulty.bvh")
    with pytest.raises(ValueError, match=message) as error:
        read_bvh(path)
    assert f"{path}, line " in str(error.value)


def test_line_of_a_short_frame_is_named(tmp_path):
    lines = list(LINES)
    lines[FIRST_FRAME + 1] = " ".join(lines[FIRST_FRAME + 1].split()[:-1])
    path = write(tmp_path, "\n".join(lines))
    # Lines count from one.
    wanted = rf"line {FIRST_FRAME + 2}: frame 1 needs 72 values, found 71"
    with pytest.raises(ValueError, match=wanted):
        read_bvh(path)


def test_binary_file(tmp_path):
    path = tmp_path / "image.bvh"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(ValueError, match="not a text file"):
        read_bvh(path)


def test_a_rest_pose_along_no_axes_is_refused(tmp_path):
    slanted = Rotation.from_euler("x", 45, degrees=True).as_matrix() @ Y_UP
    figure = Figure(metres_per_unit=CMU_UNIT, axes=slanted)
    path = write(tmp_path, figure.text(*smooth_motion(figure, 3)))
    with pytest.raises(ValueError, match="does not stand upright"):
        load_bvh(path)


def test_every_convention_names_all_segments_once():
    for convention in CONVENTIONS:
        assert set(convention.segments) == set(XSENS.names)
    for first, second in itertools.combinations(CONVENTIONS, 2):
        assert not first.joints <= second.joints
        assert not second.joints <= first.joints


# Raw file, pack, trial, first frame of the pack's trial in the file, frames per frame.
SAME_TRIALS = [
    ("cmu_motionbuilder_02_01_walk", "cmu", "02_01", 1, 2),
    ("cmu_motionbuilder_06_09_basketball", "cmu", "06_09", 1, 2),
    ("cmu_3dsmax_131_01_hop", "cmu", "131_01", 1, 2),
    ("cmu_daz_02_02_walk", "cmu", "02_02", 7, 2),
    ("cmu_daz_09_03_run", "cmu", "09_03", 7, 2),
    ("bandai_dataset-1_walk_normal_001", "bandai_a", "bn1_walk_normal_001", 0, 1),
    (
        "bandai_dataset-2_raise-up-right-hand_active_026",
        "bandai_b",
        "bn2_raise-up-right-hand_active_026",
        0,
        1,
    ),
]
RAW = [name for name, *_ in SAME_TRIALS]


def load_raw(data_dir, name):
    if name.startswith("gaittoolbox"):
        return load_bvh(data_dir / "imu" / f"{name}.bvh")
    return load_bvh(data_dir / "mocap" / "raw" / f"{name}.bvh")


ALL_FILES = [*RAW, "gaittoolbox_S02_walk_xsens"]


@pytest.mark.data
@pytest.mark.parametrize(("name", "pack", "trial", "first", "step"), SAME_TRIALS)
def test_two_conversions_of_one_trial_agree(data_dir, name, pack, trial, first, step):
    """Rotations to 0.01 degrees (measured: 0.0033), origins to 5 mm in the median.

    Feet differ more: MotionBuilder's 02_01 turns its hip joints about the pelvis,
    which the pack holds fixed (3 cm), and the packs' Daz figure has longer feet (2 cm).
    """
    raw = load_raw(data_dir, name).motion
    recordings = load_pack(data_dir / "mocap" / f"{pack}.npz")
    index = [recordings.trial_id(i) for i in range(len(recordings))].index(trial)
    packed = recordings[index].motion
    frames = slice(first, first + step * len(packed.valid), step)
    angles = angle_between(raw.rotation[frames], packed.rotation)
    assert angles.max() < 0.01
    distance = np.linalg.norm(raw.position[frames] - packed.position, axis=-1)
    assert np.median(distance) < 0.005
    assert distance.max() < 0.035


@pytest.mark.data
@pytest.mark.parametrize("name", ALL_FILES)
def test_real_files_give_sound_bodies(data_dir, name):
    recording = load_raw(data_dir, name)
    motion = recording.motion
    check_motion(motion, name)
    assert 1.4 <= float(recording.facts["stature_m"]) <= 2.1
    bones = motion.position[:, 1:] - motion.position[:, list(XSENS.parents[1:])]
    lengths = np.linalg.norm(bones, axis=-1)
    assert np.ptp(lengths, axis=0).max() < 1e-3
    assert lengths.min() > 0.01
    height = motion.position[motion.valid][..., 2]
    assert (height[:, XSENS.index("Head")] > height[:, 0]).all()
    # On average the left side lies to the left of the right, in the pelvis's frame.
    local = np.einsum(
        "tji,tnj->tni",
        motion.rotation[:, 0],
        motion.position - motion.position[:, :1],
    )[motion.valid].mean(axis=0)
    for part in ("UpperArm", "Hand", "UpperLeg", "Foot"):
        left, right = XSENS.index(f"L_{part}"), XSENS.index(f"R_{part}")
        assert local[left, 1] > local[right, 1]
    for side in "RL":
        toe, foot = XSENS.index(f"{side}_Toe"), XSENS.index(f"{side}_Foot")
        assert local[toe, 0] > local[foot, 0]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "invalid", "limbs_to_degrees"),
    [
        ("cmu_motionbuilder_06_09_basketball", 1, 9.0),
        ("cmu_daz_02_02_walk", 7, 18.0),
        ("cmu_daz_09_03_run", 7, 18.0),
        ("gaittoolbox_S02_walk_xsens", 1, 12.0),
    ],
)
def test_t_poses_before_the_take(data_dir, name, invalid, limbs_to_degrees):
    """Converters' T-poses are close to ours, and are marked invalid.

    MotionBuilder's lifts the arms by 8 degrees; Daz's rest pose bends the elbows by 18,
    which its first frame repeats; MVN's T-pose tilts the pelvis by 6.
    """
    motion = load_raw(data_dir, name).motion
    assert not motion.valid[:invalid].any()
    first = motion.rotation[0]
    limbs = [i for i, n in enumerate(XSENS.names) if n[:2] in ("R_", "L_")]
    angles = angle_between(np.tile(first[:1], (len(limbs), 1, 1)), first[limbs])
    assert angles.max() < limbs_to_degrees
    position = motion.position[0] @ first[0]
    left = position[XSENS.index("L_Hand")] - position[XSENS.index("L_UpperArm")]
    assert left[1] > 0.9 * np.linalg.norm(left)


@pytest.mark.data
def test_walkers_walk_forwards(data_dir):
    """The pelvis moves along its own +X in every walk and run."""
    for name in ("cmu_motionbuilder_02_01_walk", "cmu_daz_02_02_walk", RAW[4], RAW[5]):
        motion = load_raw(data_dir, name).motion
        velocity = np.diff(motion.position[motion.valid, 0], axis=0)
        forward = motion.rotation[motion.valid][:-1, 0, :, 0]
        along = np.sum(velocity * forward, axis=-1)
        assert along.mean() > 0.9 * np.linalg.norm(velocity, axis=-1).mean()
