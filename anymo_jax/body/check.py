"""Defects of a body surface, found and named."""

import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface

# (1 micrometre)^2: below it a normal is rounding noise.
_SMALLEST_AREA_M2 = 1e-12
_WEIGHT_TOLERANCE = 1e-4
_EXAMPLES = 5


def check_surface(surface: BodySurface, name: str, *, closed: bool = True) -> None:
    """Refuses a surface that candidate placements cannot be drawn from.

    Args:
      surface: what to check.
      name: file or origin of the surface, for the message.
      closed: whether every edge must be shared by exactly two faces that run along it
        in opposite directions.

    Raises:
      ValueError: names every kind of defect found, with its count and first indices:
        wrong shapes, values that are not finite, face indices out of range,
        degenerate faces, unreferenced vertices, negative weights, weights whose sum
        is not one, open or non-manifold edges, segments without a joint.
    """
    problems = _shape_problems(surface)
    if not problems:
        problems = [*_joint_problems(surface), *_weight_problems(surface)]
        face_problems = _face_index_problems(surface)
        if not face_problems:
            face_problems = _mesh_problems(surface, closed)
        problems += face_problems
    if problems:
        raise ValueError(f"{name}: " + "; ".join(problems))


def face_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area (F,) in m^2 of each triangle."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def signed_volume(vertices: np.ndarray, faces: np.ndarray) -> float:
    """Volume in m^3 inside a closed mesh; positive where normals point outwards."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c)) / 6.0)


def _shape_problems(surface: BodySurface) -> list[str]:
    vertices, joints = len(surface.vertices), len(surface.joint_names)
    expected = {
        "vertices": (vertices, 3),
        "faces": (len(surface.faces), 3),
        "skinning": (vertices, joints),
        "rest_joints": (joints, 3),
        "joint_segment": (joints,),
    }
    problems = []
    for field, shape in expected.items():
        values = np.asarray(getattr(surface, field))
        if values.shape != shape:
            problems.append(f"{field} has shape {values.shape}, expected {shape}")
        elif not np.isfinite(values).all():
            problems.append(f"{field} holds values that are not finite")
    return problems


def _joint_problems(surface: BodySurface) -> list[str]:
    segment = np.asarray(surface.joint_segment)
    outside = np.flatnonzero((segment < 0) | (segment >= len(XSENS)))
    if len(outside):
        names = ", ".join(surface.joint_names[i] for i in outside[:_EXAMPLES])
        return [f"joints of no segment: {names}"]
    missing = sorted(set(range(len(XSENS))) - set(segment.tolist()))
    if missing:
        return [
            "segments without a joint: " + ", ".join(XSENS.names[i] for i in missing)
        ]
    return []


def _weight_problems(surface: BodySurface) -> list[str]:
    weights = np.asarray(surface.skinning, np.float64)
    negative = np.flatnonzero((weights < 0).any(axis=1))
    not_unit = np.flatnonzero(np.abs(weights.sum(axis=1) - 1) > _WEIGHT_TOLERANCE)
    return [
        *_named(negative, "vertices with negative skinning weights"),
        *_named(not_unit, "vertices whose skinning weights do not sum to one"),
    ]


def _face_index_problems(surface: BodySurface) -> list[str]:
    faces = np.asarray(surface.faces)
    outside = ((faces < 0) | (faces >= len(surface.vertices))).any(axis=1)
    return _named(np.flatnonzero(outside), "faces with a vertex index out of range")


def _mesh_problems(surface: BodySurface, closed: bool) -> list[str]:
    vertices = np.asarray(surface.vertices, np.float64)
    faces = np.asarray(surface.faces)
    areas = face_areas(vertices, faces)
    degenerate = np.flatnonzero(areas <= _SMALLEST_AREA_M2)
    unreferenced = np.setdiff1d(np.arange(len(vertices)), faces)
    problems = [
        *_named(degenerate, "degenerate faces"),
        *_named(unreferenced, "vertices in no face"),
    ]
    if closed:
        problems += _edge_problems(faces, len(vertices))
    return problems


def _edge_problems(faces: np.ndarray, vertices: int) -> list[str]:
    """In a closed surface each directed edge occurs once, as does its reverse."""
    start, end = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel()
    directed, counts = np.unique(
        start.astype(np.int64) * vertices + end, return_counts=True
    )
    reverse = (directed % vertices) * vertices + directed // vertices
    faulty = directed[(counts != 1) | ~np.isin(reverse, directed)]
    pairs = [f"{d // vertices}-{d % vertices}" for d in faulty[:_EXAMPLES]]
    if not len(faulty):
        return []
    return [f"{len(faulty)} open or non-manifold edges (first: {', '.join(pairs)})"]


def _named(indices: np.ndarray, what: str) -> list[str]:
    if not len(indices):
        return []
    return [
        f"{len(indices)} {what} (first: {', '.join(map(str, indices[:_EXAMPLES]))})"
    ]
