"""Packs: the format, its errors, and kinematics against a plain recursion."""

import pickle
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.check import check_motion
from anymo_jax.motion.pack import load_pack
from anymo_jax.motion.recording import Recording
from tests.motion.figures import SEGMENT_JOINTS, Figure, smooth_motion

FIGURE = Figure()
TO_PACK = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
TRIALS = ((30, 30.0, 0), (50, 60.0, 1))


def fields():
    """Two trials of the figure, the second on a skeleton that lost its thorax."""
    tpose = np.stack([FIGURE.tpose, _without_thorax(FIGURE.tpose)])
    quat, root = [], []
    for seed, (frames, _, _) in enumerate(TRIALS):
        local, path = smooth_motion(FIGURE, frames, seed)
        _, rotation = FIGURE.poses(local, path)
        turned = TO_PACK @ rotation @ TO_PACK.T
        turned = Rotation.from_matrix(turned.reshape(-1, 3, 3))
        quat.append(turned.as_quat(scalar_first=True).reshape(frames, -1, 4))
        root.append(path @ TO_PACK.T)
    counts = [frames for frames, _, _ in TRIALS]
    valid = np.ones(sum(counts), bool)
    valid[10:13] = False
    return {
        "quat": np.round(np.concatenate(quat) * 32767).astype(np.int16),
        "root": np.concatenate(root).astype(np.float32),
        "start": np.cumsum([0, *counts]),
        "fps": np.array([rate for _, rate, _ in TRIALS], np.float32),
        "skel": np.array([skeleton for _, _, skeleton in TRIALS], np.int32),
        "tpose": (tpose @ TO_PACK.T).astype(np.float32),
        "joint_names": np.array(FIGURE.names),
        "parents": np.array(FIGURE.parents, np.int32),
        "trial_id": np.array(["01_01", "02_01"]),
        "text": np.array(["a person stretches", ""]),
        "label": np.array(["stretch", ""]),
        "subject": np.array(["one", "two"]),
        "source": np.array(["here", "there"]),
        "valid": valid,
    }


def _without_thorax(tpose):
    """Neck and shoulders in one point with Spine1, as in CMU's conversions."""
    tpose = tpose.copy()
    names, parents = FIGURE.names, FIGURE.parents
    for joint in ("Neck", "LeftShoulder", "RightShoulder"):
        first = names.index(joint)
        shift = tpose[names.index("Spine1")] - tpose[first]
        moved = {first}
        for i, parent in enumerate(parents):
            if parent in moved:
                moved.add(i)
        tpose[list(moved)] += shift
    return tpose


def saved(tmp_path, **changes):
    path = tmp_path / "pack.npz"
    np.savez(path, **(fields() | changes))
    return path


def plain_kinematics(pack, trial, thorax=0.0):
    """The format's own recursion, written out: positions (T, J, 3), Z up."""
    rows = slice(*pack["start"][trial : trial + 2])
    tpose = pack["tpose"][pack["skel"][trial]].astype(float)
    names = list(pack["joint_names"])
    rotation = Rotation.from_quat(
        pack["quat"][rows].reshape(-1, 4).astype(float), scalar_first=True
    )
    rotation = rotation.as_matrix().reshape(-1, len(names), 3, 3)
    position = np.zeros((*rotation.shape[:2], 3))
    position[:, 0] = pack["root"][rows]
    for joint, parent in enumerate(pack["parents"]):
        if parent < 0:
            continue
        bone = tpose[joint] - tpose[parent]
        if thorax and names[joint] in ("Neck", "LeftShoulder", "RightShoulder"):
            spine1, spine = names.index("Spine1"), names.index("Spine")
            bone = bone + tpose[spine1] - tpose[spine]
        for frame in range(len(position)):
            moved = rotation[frame, parent] @ bone
            position[frame, joint] = position[frame, parent] + moved
    return position @ TO_PACK, TO_PACK.T @ rotation @ TO_PACK


def test_a_pack_is_a_lazy_sequence_of_recordings(tmp_path):
    pack = load_pack(saved(tmp_path))
    assert isinstance(pack, Sequence) and len(pack) == 2
    first = pack[0]
    assert isinstance(first, Recording)
    assert first.texts == ("a person stretches",)
    assert (first.label, first.subject) == ("stretch", "one")
    assert first.source.endswith("pack.npz:01_01")
    assert first.facts["trial_id"] == "01_01" == pack.trial_id(0)
    assert first.motion.rate_hz == 30.0
    assert pack[-1].texts == ()
    assert [r.facts["trial_id"] for r in pack] == ["01_01", "02_01"]
    with pytest.raises(IndexError, match="2 trials, no trial 2"):
        pack[2]


@pytest.mark.parametrize(("trial", "thorax"), [(0, 0.0), (1, 0.12)])
def test_origins_and_turns(tmp_path, trial, thorax):
    """Joints stand where the format's recursion puts them, thorax bone included."""
    path = saved(tmp_path)
    motion = load_pack(path)[trial].motion
    position, rotation = plain_kinematics(fields(), trial, thorax)
    for segment, joint in SEGMENT_JOINTS.items():
        i, j = XSENS.index(segment), FIGURE.names.index(joint)
        np.testing.assert_allclose(motion.rotation[:, i], rotation[:, j], atol=1e-12)
        if segment not in ("Pelvis", "Neck", "Head"):
            np.testing.assert_allclose(motion.position[:, i], position[:, j], atol=1e-6)
    facts = load_pack(path)[trial].facts
    assert float(facts["thorax_m"]) == pytest.approx(thorax, abs=1e-3)


def test_bad_frames_of_the_pack_stay_bad(tmp_path):
    pack = load_pack(saved(tmp_path))
    assert np.flatnonzero(~pack[0].motion.valid).tolist() == [10, 11, 12]
    assert pack[1].motion.valid.all()


def zero_quaternion(pack):
    pack["quat"][37, 5] = 0
    return {"quat": pack["quat"]}


def long_quaternion(pack):
    pack["quat"][3, 0] = (32767, 32767, 0, 0)
    return {"quat": pack["quat"]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (zero_quaternion, "trial 02_01, frame 7, joint Neck1: .* norm 0, not 1"),
        (long_quaternion, r"trial 01_01, frame 3, joint Hips: .* norm 1\.41"),
        (lambda p: {"quat": p["quat"][:, :22]}, r"field quat is int16\[80, 22, 4\]"),
        (lambda p: {"quat": p["quat"] / 32767.0}, "field quat is float64"),
        (lambda p: {"root": p["root"][1:]}, r"field root is float32\[79, 3\]"),
        (lambda p: {"root": p["root"] + np.nan}, "field root must be finite"),
        (lambda p: {"start": p["start"][::-1].copy()}, "field start must rise"),
        (lambda p: {"start": np.array([0, 0, 80])}, "no empty trial"),
        (lambda p: {"start": np.array([0, 30, 70])}, "number of rows"),
        (lambda p: {"fps": np.zeros(2)}, "field fps must be positive"),
        (lambda p: {"skel": np.array([0, 2])}, "field skel must index"),
        (lambda p: {"parents": p["parents"][::-1].copy()}, "field parents must be"),
        (lambda p: {"joint_names": np.char.lower(p["joint_names"])}, "must hold Head"),
        (lambda p: {"valid": p["valid"].astype(int)}, "field valid is int64"),
        (lambda p: {"text": np.array(["one"])}, r"field text is <U3\[1\]"),
        (lambda p: {"tpose": p["tpose"] + np.inf}, "field tpose must be finite"),
    ],
)
def test_faulty_fields_are_named(tmp_path, change, message):
    path = saved(tmp_path, **change(fields()))
    with pytest.raises(ValueError, match=message) as error:
        load_pack(path)
    assert str(path) in str(error.value)


def test_a_missing_field_is_named(tmp_path):
    pack = fields()
    del pack["valid"], pack["skel"]
    path = tmp_path / "pack.npz"
    np.savez(path, **pack)
    with pytest.raises(ValueError, match="no field skel, valid"):
        load_pack(path)


def test_pickles_are_never_loaded(tmp_path):
    path = saved(tmp_path, text=np.array(["a", None], dtype=object))
    with pytest.raises(ValueError, match="holds pickled objects; save plain arrays"):
        load_pack(path)
    path.write_bytes(pickle.dumps(fields()))
    with pytest.raises(ValueError, match="not a motion pack"):
        load_pack(path)
    path.write_text("no archive at all")
    with pytest.raises(ValueError, match="not a motion pack"):
        load_pack(path)


def test_a_dwarf_is_refused(tmp_path):
    pack = fields()
    path = saved(tmp_path, tpose=0.5 * pack["tpose"])
    with pytest.raises(ValueError, match=r"pack.npz:01_01: the body is .* m tall"):
        load_pack(path)[0]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "trials", "statures"),
    [
        ("cmu", 207, (1.60, 1.74)),
        ("bandai_a", 1538, (1.50, 1.52)),
        ("bandai_b", 1537, (1.50, 1.52)),
    ],
)
def test_real_packs(data_dir, name, trials, statures):
    """Every fortieth trial: sound, rigid, upright, left at the left."""
    pack = load_pack(data_dir / "mocap" / f"{name}.npz")
    assert len(pack) == trials
    for index in range(0, len(pack), 40):
        recording = pack[index]
        motion = recording.motion
        check_motion(motion, recording.source)
        assert recording.texts
        assert statures[0] < float(recording.facts["stature_m"]) < statures[1]
        bones = motion.position[:, 1:] - motion.position[:, list(XSENS.parents[1:])]
        lengths = np.linalg.norm(bones, axis=-1)
        assert np.ptp(lengths, axis=0).max() < 1e-3
        assert lengths.min() > 0.01
        relative = motion.position - motion.position[:, :1]
        local = np.einsum("tji,tnj->tni", motion.rotation[:, 0], relative)
        left, right = XSENS.index("L_UpperLeg"), XSENS.index("R_UpperLeg")
        assert (local[:, left, 1] > local[:, right, 1]).all()
        up = motion.position[:, XSENS.index("Head"), 2] - motion.position[:, 0, 2]
        assert np.median(up) > 0.4


@pytest.mark.data
def test_real_walkers_walk_forwards(data_dir):
    pack = load_pack(data_dir / "mocap" / "cmu.npz")
    walks = [i for i in range(len(pack)) if "test_walking" in pack.trial_id(i)]
    assert len(walks) > 10
    for index in walks:
        motion = pack[index].motion
        velocity = np.diff(motion.position[:, 0, :2], axis=0)
        forward = motion.rotation[:-1, 0, :2, 0]
        assert np.sum(velocity * forward, axis=-1).mean() > 0
