"""Skinned meshes from files, turned to the project's axes and to T-pose."""

import dataclasses
import lzma
import pathlib
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from anymo_jax.body.check import check_surface
from anymo_jax.body.repose import to_t_pose
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface

_FIELDS = {
    "verts": "float",
    "faces": "integer",
    "joint_names": "text",
    "parents": "integer",
    "joints": "float",
    "weights": "float",
}
_KINDS = {"float": "f", "integer": "iu", "text": "U"}
_SIDES = {"R": ("R", "Right"), "L": ("L", "Left")}
# Joint names of MakeHuman's CMU rig.
_SEGMENT_OF_JOINT = {
    "Hips": "Pelvis",
    "LowerBack": "L5",
    "Spine": "L3",
    "Spine1": "T8",
    "Neck": "Neck",
    "Neck1": "Neck",
    "Head": "Head",
}
for _side, (_short, _long) in _SIDES.items():
    _SEGMENT_OF_JOINT |= {
        f"{_long}Shoulder": f"{_side}_Shoulder",
        f"{_long}Arm": f"{_side}_UpperArm",
        f"{_long}ForeArm": f"{_side}_Forearm",
        f"{_long}Hand": f"{_side}_Hand",
        f"{_long}FingerBase": f"{_side}_Hand",
        f"{_long}HandFinger1": f"{_side}_Hand",
        f"{_short}Thumb": f"{_side}_Hand",
        f"{_short}HipJoint": "Pelvis",
        f"{_long}UpLeg": f"{_side}_UpperLeg",
        f"{_long}Leg": f"{_side}_LowerLeg",
        f"{_long}Foot": f"{_side}_Foot",
        f"{_long}ToeBase": f"{_side}_Toe",
    }


def load_surface(
    path: str | pathlib.Path, segment_of_joint: Mapping[str, str] | None = None
) -> BodySurface:
    """Reads a skinned mesh from an .npz file and brings it into T-pose.

    The file holds `verts` (V, 3) and `joints` (J, 3) in metres with y up, z forward
    and x to the left, `faces` (F, 3), `joint_names` (J), `parents` (J, -1 for the
    root) and `weights` (V, J), in any rest pose. Linear blend skinning with the mesh's
    own joints levels the arms with the palms down, straightens the legs and points
    the feet forward; the soles then stand at z = 0 under the pelvis at x = y = 0.

    A skeleton with a joint for L3 and one for T8 but none for T12 gets one half-way
    between, and the weights of L3 pass over to it smoothly along the spine.

    Args:
      path: the .npz file.
      segment_of_joint: segment name of each joint name; MakeHuman's CMU rig by
        default. A hand needs a joint with "thumb" in its name.

    Returns:
      The surface, arrays float64 and int32. Its first joint of a segment is the
      segment's origin.

    Raises:
      ValueError: names the file and what is wrong with it: not an npz, pickled, keys
        missing, wrong shapes or types, values not finite, joints or segments that the
        other side does not know, defects named by `check_surface`.
    """
    path = pathlib.Path(path)
    arrays = _read(path)
    names = [str(n) for n in arrays["joint_names"]]
    table = _SEGMENT_OF_JOINT if segment_of_joint is None else segment_of_joint
    segment = _segments(path, names, table)
    if XSENS.index("T12") not in segment:
        segment = _with_t12(path, arrays, names, segment)
    surface = BodySurface(
        vertices=_to_z_up(arrays["verts"]),
        faces=arrays["faces"].astype(np.int32),
        skinning=arrays["weights"].astype(np.float64),
        rest_joints=_to_z_up(arrays["joints"]),
        joint_names=tuple(names),
        joint_segment=tuple(segment),
    )
    check_surface(surface, str(path))
    # Weights rounded in the file sum to one within 1e-4 only.
    total = surface.skinning.sum(axis=1, keepdims=True)
    surface = dataclasses.replace(surface, skinning=surface.skinning / total)
    try:
        surface = to_t_pose(surface, arrays["parents"])
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    check_surface(surface, f"{path} in T-pose")
    return surface


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not an .npz file, or one cut short")
    with np.load(path, allow_pickle=False) as file:
        missing = [key for key in _FIELDS if key not in file.files]
        if missing:
            raise ValueError(f"{path}: missing {', '.join(missing)}")
        keys = [*_FIELDS, "up"] if "up" in file.files else [*_FIELDS]
        arrays = {key: _read_array(path, file, key) for key in keys}
    up = str(arrays.pop("up", "y"))
    if up != "y":
        raise ValueError(f"{path}: up is {up!r}, expected 'y'")
    _check_arrays(path, arrays)
    return arrays


def _read_array(path: pathlib.Path, file: np.lib.npyio.NpzFile, key: str) -> np.ndarray:
    try:
        return file[key]
    except ValueError as error:
        raise ValueError(f"{path}: {key}: {error}; save it without pickles") from None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError) as error:
        raise ValueError(f"{path}: {key} is damaged: {error}") from error


def _check_arrays(path: pathlib.Path, arrays: dict[str, np.ndarray]) -> None:
    vertices, joints = len(arrays["verts"]), arrays["joint_names"].size
    shapes = {
        "verts": (vertices, 3),
        "faces": (len(arrays["faces"]), 3),
        "joint_names": (joints,),
        "parents": (joints,),
        "joints": (joints, 3),
        "weights": (vertices, joints),
    }
    for key, kind in _FIELDS.items():
        values = arrays[key]
        if values.dtype.kind not in _KINDS[kind]:
            raise ValueError(f"{path}: {key} has type {values.dtype}, expected {kind}")
        if values.shape != shapes[key]:
            raise ValueError(
                f"{path}: {key} has shape {values.shape}, expected {shapes[key]}"
            )
        if kind == "float" and not np.isfinite(values).all():
            raise ValueError(f"{path}: {key} holds values that are not finite")
    parents = arrays["parents"]
    if parents[0] != -1 or np.any(parents[1:] < 0) or np.any(parents >= range(joints)):
        raise ValueError(f"{path}: parents must be one root, -1, then earlier joints")


def _segments(
    path: pathlib.Path, names: list[str], table: Mapping[str, str]
) -> list[int]:
    unknown = [name for name in names if name not in table]
    if unknown:
        raise ValueError(
            f"{path}: joint_names has joints of no known segment: "
            f"{', '.join(unknown)}; give `segment_of_joint`"
        )
    segment = [XSENS.index(table[name]) for name in names]
    missing = set(range(len(XSENS))) - set(segment) - {XSENS.index("T12")}
    if missing:
        listed = ", ".join(XSENS.names[i] for i in sorted(missing))
        raise ValueError(f"{path}: joint_names has no joint for {listed}")
    return segment


def _with_t12(
    path: pathlib.Path,
    arrays: dict[str, np.ndarray],
    names: list[str],
    segment: list[int],
) -> list[int]:
    """Adds a joint of T12 half-way between those of L3 and T8, in place.

    Of each weight of the L3 joint, the share 3u^2 - 2u^3 goes to T12, where u runs
    from 0 at the L3 joint to 1 at the T8 joint.
    """
    lower, upper = segment.index(XSENS.index("L3")), segment.index(XSENS.index("T8"))
    start, end = arrays["joints"][lower], arrays["joints"][upper]
    along = end - start
    squared = float(along @ along)
    if squared == 0:
        raise ValueError(
            f"{path}: {names[lower]} and {names[upper]} coincide, no room for T12"
        )
    u = np.clip((arrays["verts"] - start) @ along / squared, 0, 1)
    given = arrays["weights"][:, lower] * (u * u * (3 - 2 * u))
    weights = arrays["weights"].copy()
    weights[:, lower] -= given
    arrays["weights"] = np.column_stack([weights, given])
    arrays["joints"] = np.vstack([arrays["joints"], 0.5 * (start + end)])
    arrays["parents"] = np.append(arrays["parents"], lower)
    names.append("T12")
    return [*segment, XSENS.index("T12")]


def _to_z_up(points: np.ndarray) -> np.ndarray:
    """From x left, y up, z forward to x forward, y left, z up."""
    return points[:, [2, 0, 1]].astype(np.float64)
