"""Bodies for tests: strings of beads, and mesh files in a pose of our choosing."""

import dataclasses
import functools

import numpy as np
from scipy.spatial.transform import Rotation

from anymo_jax.body.proportions import rest_joints
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.skinning import segment_origins, segment_weights
from anymo_jax.body.surface import BodySurface
from anymo_jax.body.template import default_surface

OCTAHEDRON = np.array(
    [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], float
)
_OCTANTS = np.array(
    [
        *([0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4]),
        *([2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]),
    ]
)


def beads(radius_m: float = 0.02) -> BodySurface:
    """A closed octahedron around each joint of the default skeleton, rigidly skinned.

    Vertex normals are exactly the axes, so a bead's vertex on the axis of its segment
    has a normal parallel to it.
    """
    joints = rest_joints()
    count = len(XSENS)
    return BodySurface(
        vertices=(joints[:, None] + radius_m * OCTAHEDRON).reshape(-1, 3),
        faces=(np.arange(count)[:, None, None] * 6 + _OCTANTS).reshape(-1, 3),
        skinning=np.repeat(np.eye(count), 6, axis=0),
        rest_joints=joints,
        joint_names=XSENS.names,
        joint_segment=tuple(range(count)),
    )


def forward_kinematics(
    origins: np.ndarray, turns: dict[str, Rotation]
) -> tuple[np.ndarray, np.ndarray]:
    """Origins (23, 3) and rotations (23, 3, 3) after turning joints one by one."""
    position = origins.copy()
    rotation = np.tile(np.eye(3), (len(XSENS), 1, 1))
    for segment, (name, parent) in enumerate(
        zip(XSENS.names, XSENS.parents, strict=True)
    ):
        if parent >= 0:
            offset = origins[segment] - origins[parent]
            position[segment] = position[parent] + rotation[parent] @ offset
            rotation[segment] = rotation[parent]
        if name in turns:
            rotation[segment] = rotation[segment] @ turns[name].as_matrix()
    return position, rotation


def pose(
    surface: BodySurface, position: np.ndarray, rotation: np.ndarray
) -> np.ndarray:
    """Skinned vertices (T, V, 3) in float64, straight from the definition."""
    weights, origins = segment_weights(surface), segment_origins(surface)
    local = np.asarray(surface.vertices)[:, None] - origins
    moved = np.einsum("tsij,vsj->tvsi", rotation, local) + position[:, None]
    return np.einsum("vs,tvsi->tvi", weights, moved)


def random_motion(
    surface: BodySurface, frames: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth articulated motion away from the world's origin."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, frames)
    poses = []
    phase, size = rng.uniform(0, 2 * np.pi, (2, len(XSENS), 3))
    for t in time:
        turns = {
            name: Rotation.from_rotvec(0.1 * size[i] * np.sin(2 * np.pi * t + phase[i]))
            for i, name in enumerate(XSENS.names)
        }
        poses.append(forward_kinematics(segment_origins(surface), turns))
    position, rotation = (np.array(track) for track in zip(*poses, strict=True))
    return position + [4.0, -7.0, 0.5] + time[:, None, None], rotation


def _euler(axes, *degrees):
    return Rotation.from_euler(axes, degrees, degrees=True)


# Arms down, elbows bent, legs apart and turned out, soles flat.
A_POSE = {
    "L_UpperArm": _euler("x", -48),
    "R_UpperArm": _euler("x", 48),
    "L_Forearm": _euler("z", -30),
    "R_Forearm": _euler("z", 30),
    "L_UpperLeg": _euler("xz", 6, 10),
    "R_UpperLeg": _euler("xz", -6, -10),
    "L_Foot": _euler("x", -6),
    "R_Foot": _euler("x", 6),
}
_SEGMENT_JOINTS = {
    "Pelvis": "Hips",
    "L5": "LowerBack",
    "L3": "Spine",
    "T8": "Spine1",
    "Neck": "Neck",
    "Head": "Head",
}
for _side, _long in (("R", "Right"), ("L", "Left")):
    _SEGMENT_JOINTS |= {
        f"{_side}_{segment}": f"{_long}{joint}"
        for segment, joint in {
            "Shoulder": "Shoulder",
            "UpperArm": "Arm",
            "Forearm": "ForeArm",
            "Hand": "Hand",
            "UpperLeg": "UpLeg",
            "LowerLeg": "Leg",
            "Foot": "Foot",
            "Toe": "ToeBase",
        }.items()
    }


@functools.cache
def body() -> BodySurface:
    """The default body."""
    return default_surface()


def mesh_arrays(turns: dict[str, Rotation]) -> dict[str, np.ndarray]:
    """Arrays of a mesh file: the default body posed, on the joints of the CMU rig.

    It has no joint for T12, whose weights go to that of L3, and one for each thumb.
    """
    surface = body()
    position, rotation = forward_kinematics(rest_joints(), turns)
    vertices = pose(surface, position[None], rotation[None])[0]
    weights = np.asarray(surface.skinning).copy()
    t12, l3 = XSENS.index("T12"), XSENS.index("L3")
    weights[:, l3] += weights[:, t12]
    kept = [i for i in range(len(XSENS)) if i != t12]
    names = [_SEGMENT_JOINTS[XSENS.names[i]] for i in kept]
    parents = [
        kept.index(l3 if p == t12 else p) if (p := XSENS.parents[i]) >= 0 else -1
        for i in kept
    ]
    weights, joints = weights[:, kept], position[kept]
    for side, sign in (("R", -1), ("L", 1)):
        hand = kept.index(XSENS.index(f"{side}_Hand"))
        thumb = weights[:, hand] * _is_thumb(surface, sign)
        weights[:, hand] -= thumb
        weights = np.column_stack([weights, thumb])
        joints = np.vstack([joints, thumb @ vertices / thumb.sum()])
        names.append(f"{side}Thumb")
        parents.append(hand)
    return {
        "verts": vertices[:, [1, 2, 0]],
        "faces": np.asarray(surface.faces),
        "joint_names": np.array(names, dtype="U32"),
        "parents": np.array(parents),
        "joints": joints[:, [1, 2, 0]],
        "weights": weights,
    }


def _is_thumb(surface: BodySurface, sign: int) -> np.ndarray:
    """1 for the vertices of the thumb, which lie in front of the palm's edge."""
    vertices = np.asarray(surface.vertices)
    wrist = surface.rest_joints[XSENS.index("L_Hand"), 1]
    return ((sign * vertices[:, 1] > wrist) & (vertices[:, 0] > 0.047)).astype(float)


def replaced(surface: BodySurface, **arrays: np.ndarray) -> BodySurface:
    """A copy of a surface with some fields replaced."""
    return dataclasses.replace(surface, **arrays)
