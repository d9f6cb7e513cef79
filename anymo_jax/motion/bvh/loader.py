"""BVH files as Recordings."""

import dataclasses
import os
import pathlib

import numpy as np

from anymo_jax.motion.bvh.conventions import Convention, detect_convention
from anymo_jax.motion.bvh.kinematics import joint_poses
from anymo_jax.motion.bvh.parser import Bvh, read_bvh
from anymo_jax.motion.bvh.tpose import file_axes, tpose_positions, tpose_rotations
from anymo_jax.motion.recording import Recording
from anymo_jax.motion.retarget import (
    MAX_STATURE,
    MIN_STATURE,
    JointMotion,
    estimate_stature,
    retarget,
    tpose_origins,
)

# Metres, centimetres, millimetres, inches, and CMU's inches times 0.45: their ratios
# exceed that of the tallest to the shortest adult, so at most one can fit.
_USUAL_UNITS = (1.0, 0.01, 0.001, 0.0254, 0.0254 / 0.45)


def load_bvh(
    path: str | os.PathLike,
    *,
    convention: Convention | None = None,
    metres_per_unit: float | None = None,
) -> Recording:
    """Read a BVH file as a recording of the 23 segments.

    Rotation orders, channel layouts and up axes are the file's own. Texts come from a
    file of the same name with the ending .txt, one description per line, if there is
    one. Frames before a jump and around a glitch, such as a T-pose that a converter
    put before the take, keep their place and are marked invalid.

    Args:
      path: the file.
      convention: what its joints mean; found from their names where not given.
      metres_per_unit: its length unit, where it is not the convention's.

    Raises:
      ValueError: a fault of the file (names the line), an unknown skeleton, or a body
        that is not 1.4 to 2.1 m tall.
    """
    path = pathlib.Path(path)
    bvh = _without_namespaces(read_bvh(path))
    convention = convention or detect_convention(bvh.names, bvh.path)
    if missing := convention.joints - frozenset(bvh.names):
        raise ValueError(
            f"{path}: no joint {', '.join(sorted(missing))}, which the convention "
            f"{convention.name!r} needs"
        )
    bvh = _with_lost_offsets(bvh, convention)
    joints = _to_tpose_frames(bvh, convention)
    unit = metres_per_unit or convention.metres_per_unit
    unit = unit or _unit_of(joints, convention, bvh.path)
    joints = dataclasses.replace(
        joints, tpose=joints.tpose * unit, position=joints.position * unit
    )
    stature = estimate_stature(tpose_origins(joints, convention.segments))
    return Recording(
        motion=retarget(joints, convention.segments, bvh.path),
        texts=_texts_beside(path),
        source=str(path),
        facts={
            "convention": convention.name,
            "metres_per_unit": f"{unit:.6g}",
            "stature_m": f"{stature:.3f}",
        },
    )


def _without_namespaces(bvh: Bvh) -> Bvh:
    """Some exporters write "actor1:Hips" for Hips."""
    names = tuple(name.rpartition(":")[2] for name in bvh.names)
    return (
        bvh if len(set(names)) < len(names) else dataclasses.replace(bvh, names=names)
    )


def _with_lost_offsets(bvh: Bvh, convention: Convention) -> Bvh:
    """Put back the bones that the convention's converter dropped."""
    offsets = bvh.offsets.copy()
    for joint, model in convention.lost_offsets.items():
        index = bvh.names.index(joint)
        if not offsets[index].any():
            offsets[index] = bvh.offsets[bvh.names.index(model)]
    return dataclasses.replace(bvh, offsets=offsets)


def _to_tpose_frames(bvh: Bvh, convention: Convention) -> JointMotion:
    """The joints with their T-pose as reference, Z up, still in file units."""
    position, rotation = joint_poses(bvh)
    reference = tpose_rotations(bvh, convention)
    tpose = tpose_positions(bvh, reference)
    axes = file_axes(bvh, convention, tpose)
    from_tpose = rotation @ np.swapaxes(reference, -1, -2)
    return JointMotion(
        names=bvh.names,
        tpose=tpose @ axes.T,
        position=position @ axes.T,
        rotation=axes @ from_tpose @ axes.T,
        rate_hz=_rate_hz(bvh.frame_time_s),
    )


def _rate_hz(frame_time_s: float) -> float:
    """Frames per second; a whole number where the file only rounded its inverse."""
    rate = 1 / frame_time_s
    whole = float(round(rate))
    return whole if abs(rate - whole) < 1e-4 * rate else rate


def _unit_of(joints: JointMotion, convention: Convention, path: str) -> float:
    """The usual unit in which the T-pose has an adult's height."""
    height = estimate_stature(tpose_origins(joints, convention.segments))
    for unit in _USUAL_UNITS:
        if MIN_STATURE <= height * unit <= MAX_STATURE:
            return unit
    raise ValueError(
        f"{path}: the body is {height:.4g} units tall, which is no adult's height in "
        "metres, centimetres, millimetres or inches; give metres_per_unit"
    )


def _texts_beside(path: pathlib.Path) -> tuple[str, ...]:
    texts = path.with_suffix(".txt")
    if not texts.is_file():
        return ()
    lines = texts.read_text(encoding="utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip())
