"""Prepared packs of many trials: one .npz of quaternions on the CMU skeleton.

The format: joints y up in metres, T-pose facing +z; `quat` int16 (N, 23, 4) wxyz times
32767, global rotations relative to T-pose; `root` (N, 3) m, the hips; `start` (M + 1)
rows of the M trials; `fps` and `skel` (M); `tpose` (S, 23, 3) m; `joint_names` and
`parents` (23); `trial_id`, `text`, `label`, `subject`, `source` (M); `valid` (N).
"""

import os
import pickle
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from anymo_jax.motion.bvh.conventions import CMU_JOINTS, CMU_MOTIONBUILDER
from anymo_jax.motion.recording import Recording
from anymo_jax.motion.retarget import (
    JointMotion,
    check_stature,
    retarget,
    tpose_origins,
)

# Rows: forward, left, up of a body that faces +z with y up.
_WORLD_FROM_PACK = np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
_QUAT_SCALE = 32767
# Rounding to int16 moves a norm by 3e-5; beyond this it is no rotation.
_NORM_TOLERANCE = 0.01
_TEXT_FIELDS = ("trial_id", "text", "label", "subject", "source")
_FIELDS = (
    *("quat", "root", "start", "fps", "skel", "tpose", "joint_names", "parents"),
    *("valid", *_TEXT_FIELDS),
)


class Pack(Sequence):
    """The recordings of one pack, held in memory in the pack's compact form."""

    def __init__(self, path: str | os.PathLike):
        self.path = str(path)
        self._arrays = _read_arrays(self.path)
        _check_fields(self._arrays, self.path)
        _check_quaternions(self._arrays, self.path)
        self._tpose, self._thorax = _with_thorax(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays["trial_id"])

    def text(self, index: int) -> str:
        """Description of a trial, without making its recording."""
        return str(self._arrays["text"][index])

    def trial_id(self, index: int) -> str:
        """Name of a trial, without making its recording."""
        return str(self._arrays["trial_id"][index])

    def __getitem__(self, index: int) -> Recording:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.path} has {len(self)} trials, no trial {index}")
        arrays, index = self._arrays, index % len(self)
        text = {field: str(arrays[field][index]) for field in _TEXT_FIELDS}
        name = f"{self.path}:{text['trial_id']}"
        skeleton = int(arrays["skel"][index])
        joints = self._joints(index, skeleton)
        motion = retarget(
            joints, CMU_JOINTS, name, valid=arrays["valid"][self._rows(index)]
        )
        stature = check_stature(tpose_origins(joints, CMU_JOINTS), name)
        return Recording(
            motion=motion,
            texts=(text["text"],) if text["text"] else (),
            label=text["label"],
            subject=text["subject"],
            source=name,
            facts={
                "trial_id": text["trial_id"],
                "origin": text["source"],
                "stature_m": f"{stature:.3f}",
                "thorax_m": f"{self._thorax[skeleton]:.3f}",
            },
        )

    def _rows(self, index: int) -> slice:
        return slice(*map(int, self._arrays["start"][index : index + 2]))

    def _joints(self, index: int, skeleton: int) -> JointMotion:
        """Forward kinematics of one trial, turned to Z up."""
        quat = self._arrays["quat"][self._rows(index)].astype(np.float64)
        rotation = Rotation.from_quat(quat.reshape(-1, 4), scalar_first=True)
        rotation = rotation.as_matrix().reshape(*quat.shape[:2], 3, 3)
        tpose = self._tpose[skeleton]
        position = np.empty((*quat.shape[:2], 3))
        position[:, 0] = self._arrays["root"][self._rows(index)]
        for joint, parent in enumerate(self._arrays["parents"][1:], start=1):
            bone = rotation[:, parent] @ (tpose[joint] - tpose[parent])
            position[:, joint] = position[:, parent] + bone
        turn = _WORLD_FROM_PACK
        return JointMotion(
            names=tuple(map(str, self._arrays["joint_names"])),
            tpose=tpose @ turn.T,
            position=position @ turn.T,
            rotation=turn @ rotation @ turn.T,
            rate_hz=float(self._arrays["fps"][index]),
        )


def load_pack(path: str | os.PathLike) -> Pack:
    """Open a pack; its recordings are made when they are indexed.

    Origins are those of the pack's joints, with what `retarget` says of the Pelvis and
    of bone lengths. Of joints that coincide in T-pose: L5 begins at the CMU root joint,
    10 cm above the Pelvis's origin. Where Spine1, Neck and both shoulders are one point
    (CMU's own skeletons) a converter dropped the thorax bone; it is put back, as long
    as the bone below it and along it in T-pose, carried by T8 (see
    `bvh.conventions.CMU_MOTIONBUILDER`). Neck, arms and head then stand 11 cm above
    the pack's joints, rotations stay. `facts["thorax_m"]` names the length.

    Raises:
      ValueError: no pack, a pickled one, or a field of the wrong shape, type or
        content; names file, field, and trial and frame where there is one.
    """
    return Pack(path)


def _read_arrays(path: str) -> dict[str, np.ndarray]:
    """All members of the archive, without ever unpickling."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            missing = [field for field in _FIELDS if field not in archive]
            if missing:
                raise ValueError(f"no field {', '.join(missing)}")
            return {field: archive[field] for field in _FIELDS}
    except (ValueError, zipfile.BadZipFile, pickle.UnpicklingError, EOFError) as error:
        reason = "it holds pickled objects" if "pickle" in str(error) else error
        raise ValueError(
            f"{path}: not a motion pack: {reason}; save plain arrays with np.savez"
        ) from None


def _check_fields(arrays: Mapping[str, np.ndarray], path: str) -> None:
    rows, trials = len(arrays["quat"]), len(arrays["trial_id"])
    joints, skeletons = len(arrays["joint_names"]), len(arrays["tpose"])
    expected = {
        "quat": ("i", (rows, joints, 4)),
        "root": ("f", (rows, 3)),
        "valid": ("b", (rows,)),
        "start": ("iu", (trials + 1,)),
        "fps": ("fiu", (trials,)),
        "skel": ("iu", (trials,)),
        "tpose": ("f", (skeletons, joints, 3)),
        "joint_names": ("U", (joints,)),
        "parents": ("i", (joints,)),
        **{field: ("U", (trials,)) for field in _TEXT_FIELDS},
    }
    for field, (kinds, shape) in expected.items():
        array = arrays[field]
        if array.dtype.kind not in kinds or array.shape != shape:
            raise ValueError(
                f"{path}: field {field} is {array.dtype}{list(array.shape)}, expected "
                f"kind {kinds!r} and shape {list(shape)}"
            )
    _check_contents(arrays, path)


def _check_contents(arrays: Mapping[str, np.ndarray], path: str) -> None:
    start, parents = arrays["start"], arrays["parents"]
    names = set(map(str, arrays["joint_names"]))
    needed = frozenset().union(*(rule.joints for rule in CMU_JOINTS.values()))
    faults = {
        "start": start[0] != 0
        or start[-1] != len(arrays["quat"])
        or (np.diff(start) < 1).any(),
        "fps": not (np.isfinite(arrays["fps"]) & (arrays["fps"] > 0)).all(),
        "skel": not np.isin(arrays["skel"], np.arange(len(arrays["tpose"]))).all(),
        "root": not np.isfinite(arrays["root"]).all(),
        "tpose": not np.isfinite(arrays["tpose"]).all(),
        "parents": parents[0] != -1
        or not all(0 <= p < i for i, p in enumerate(parents[1:], start=1)),
        "joint_names": not needed <= names,
    }
    rules = {
        "start": "must rise from 0 to the number of rows, with no empty trial",
        "fps": "must be positive",
        "skel": "must index the rows of tpose",
        "root": "must be finite",
        "tpose": "must be finite",
        "parents": "must be -1 for the first joint and precede every other joint",
        "joint_names": f"must hold {', '.join(sorted(needed))}",
    }
    for field, fault in faults.items():
        if fault:
            raise ValueError(f"{path}: field {field} {rules[field]}")


def _check_quaternions(arrays: Mapping[str, np.ndarray], path: str) -> None:
    """Refuse zero and unnormalised quaternions, by trial and frame."""
    norm = np.linalg.norm(arrays["quat"].astype(np.float32), axis=-1) / _QUAT_SCALE
    at_fault = np.argwhere(np.abs(norm - 1) > _NORM_TOLERANCE)
    if len(at_fault):
        row, joint = at_fault[0]
        trial = np.searchsorted(arrays["start"], row, side="right") - 1
        raise ValueError(
            f"{path}: trial {arrays['trial_id'][trial]}, frame "
            f"{row - arrays['start'][trial]}, joint {arrays['joint_names'][joint]}: "
            f"the quaternion has norm {norm[row, joint]:.3g}, not 1"
        )


def _with_thorax(
    arrays: Mapping[str, np.ndarray],
) -> tuple[Float[np.ndarray, "S 23 3"], Float[np.ndarray, "S"]]:
    """T-poses with the lost thorax bone put back, and its length (0 if not lost)."""
    names, parents = list(arrays["joint_names"]), arrays["parents"]
    upper, below = names.index("Spine1"), names.index("Spine")
    lost = [names.index(joint) for joint in CMU_MOTIONBUILDER.lost_offsets]
    tpose = arrays["tpose"].astype(np.float64)
    thorax = np.zeros(len(tpose))
    for skeleton, pose in enumerate(tpose):
        if not all(np.array_equal(pose[joint], pose[upper]) for joint in lost):
            continue
        bone = pose[upper] - pose[below]
        moved = set(lost)
        for joint, parent in enumerate(parents):
            if parent in moved:
                moved.add(joint)
        pose[list(moved)] += bone
        thorax[skeleton] = np.linalg.norm(bone)
    return tpose, thorax
