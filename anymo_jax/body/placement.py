"""Candidate sensor placements on the body surface (paper, Eq. 1 and A.2)."""

import dataclasses
from collections.abc import Iterator

import jax
import numpy as np
from jaxtyping import Float, Int

from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.skinning import segment_origins, segment_weights
from anymo_jax.body.surface import BodySurface

# Below this sine between an axis and the normal (0.06 degrees) the axis gives no
# direction in the surface.
_PARALLEL_SINE = 1e-3
# Frames summed at once, which bounds the memory of long recordings.
_CHUNK = 4096


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Placements:
    """Where sensors sit on the body, and how they are turned there.

    Candidates of one segment are contiguous. Offsets belong to a body and a recording
    and travel with it.

    Attributes:
      segment: (P,) int, segment index of each placement, ascending.
      offset: (P, 3) m, from the segment's origin, in the segment frame.
      frame: (P, 3, 3) segment from sensor; columns tangent, binormal, outward normal.
    """

    segment: jax.Array | np.ndarray
    offset: jax.Array | np.ndarray
    frame: jax.Array | np.ndarray


def candidate_placements(
    surface: BodySurface,
    position: jax.Array | np.ndarray | None = None,
    rotation: jax.Array | np.ndarray | None = None,
) -> Placements:
    """Every candidate placement of a body, and its offset in a recording.

    A vertex is a candidate of a segment if one of the segment's joints is among its two
    largest nonzero skinning weights (A.2). Its sensor frame has the outward normal as
    third column and, as first, the anatomical axis projected into the surface (Eq. 1);
    where the axis is within 0.06 degrees of the normal, the first of the global z, y
    and x axes that is not takes its place. Its offset is the time mean of
    R^T (m_v - p) over the surface posed by linear blend skinning, or that in T-pose.

    Args:
      surface: a body that passes `check_surface`.
      position: (T, 23, 3) m, segment origins in the world; valid frames only.
      rotation: (T, 23, 3, 3) world from segment, in the same frames.

    Returns:
      P placements, float64: segments ascending, within a segment vertices ascending.
      A segment that no vertex belongs to has none.

    Raises:
      ValueError: one of position and rotation is missing, their shapes disagree, there
        is no frame, or a value is not finite.
    """
    segment, vertex = candidate_vertices(surface)
    vertices = np.asarray(surface.vertices, np.float64)
    normals = vertex_normals(vertices, np.asarray(surface.faces))[vertex]
    _, axes = segment_axes(surface)
    frame = _surface_frames(normals, axes[segment])
    turn, shift = _mean_transforms(position, rotation, surface)
    weights = np.asarray(segment_weights(surface), np.float64)[vertex]
    origins = np.asarray(segment_origins(surface), np.float64)
    # Skinning is linear in the segments' motion, so the time mean passes inside it and
    # no posed vertex is ever needed.
    blended = np.einsum("ps,psij->pij", weights, turn[segment])
    carried = turn[segment] @ origins[None, :, :, None]
    offset = np.einsum("pij,pj->pi", blended, vertices[vertex])
    offset += np.einsum("ps,psi->pi", weights, shift[segment] - carried[..., 0])
    return Placements(segment=segment, offset=offset, frame=frame)


def candidate_vertices(
    surface: BodySurface,
) -> tuple[Int[np.ndarray, "P"], Int[np.ndarray, "P"]]:
    """Segment and vertex of each candidate placement, ordered by segment, then vertex.

    Of equal weights the joint that comes first in the surface counts as larger.
    """
    weights = np.asarray(surface.skinning)
    owner = np.asarray(surface.joint_segment)
    top = np.argsort(-weights, axis=1, kind="stable")[:, :2]
    nonzero = np.take_along_axis(weights, top, axis=1) > 0
    member = np.zeros((len(weights), len(XSENS)), bool)
    rows = np.broadcast_to(np.arange(len(weights))[:, None], top.shape)
    member[rows[nonzero], owner[top][nonzero]] = True
    segment, vertex = np.nonzero(member.T)
    return segment.astype(np.int32), vertex.astype(np.int32)


def vertex_normals(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]
) -> Float[np.ndarray, "V 3"]:
    """Outward unit normals of vertices: the sum of their faces' normals by area."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    doubled_area = np.cross(b - a, c - a)
    normals = _sum_over_corners(faces, doubled_area, len(vertices))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def segment_axes(
    surface: BodySurface,
) -> tuple[Float[np.ndarray, "23 3"], Float[np.ndarray, "23 3"]]:
    """Centroid and anatomical axis of each segment in T-pose.

    The centroid is the mean of the segment's candidate vertices, weighted by their
    skinning weight for the segment times a third of the area of their faces, so that
    it does not depend on how finely the surface is cut. The axis is a unit vector from
    it to the centroid of the nearest child segment that has candidates, going down the
    tree; where there is none, away from that of the nearest such parent. Among siblings
    the first in the skeleton's order counts (the pelvis looks to L5, T8 to the neck).

    Returns:
      Centroids in m, NaN for a segment without candidates, and axes.
    """
    segment, vertex = candidate_vertices(surface)
    vertices = np.asarray(surface.vertices, np.float64)
    faces = np.asarray(surface.faces)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    area = _sum_over_corners(faces, area[:, None], len(vertices))[:, 0]
    weight = np.asarray(segment_weights(surface), np.float64)[vertex, segment]
    weight = weight * area[vertex]
    total = np.bincount(segment, weight, len(XSENS))
    moment = np.zeros((len(XSENS), 3))
    np.add.at(moment, segment, weight[:, None] * vertices[vertex])
    present = total > 0
    centroids = np.full((len(XSENS), 3), np.nan)
    centroids[present] = moment[present] / total[present, None]
    return centroids, _axes(centroids, present)


def _sum_over_corners(
    faces: np.ndarray, values: np.ndarray, vertices: int
) -> np.ndarray:
    """Sum (V, K) over each vertex's faces of a value (F, K)."""
    corner = faces.ravel()
    columns = np.repeat(values, 3, axis=0).T
    return np.stack([np.bincount(corner, column, vertices) for column in columns], 1)


def _axes(centroids: np.ndarray, present: np.ndarray) -> np.ndarray:
    axes = np.tile([0.0, 0.0, 1.0], (len(XSENS), 1))
    for segment in np.flatnonzero(present).tolist():
        child = next((c for c in _descendants(segment) if present[c]), None)
        parent = next((p for p in _ancestors(segment) if present[p]), None)
        if child is not None:
            axis = centroids[child] - centroids[segment]
        elif parent is not None:
            axis = centroids[segment] - centroids[parent]
        else:
            continue
        length = np.linalg.norm(axis)
        if length > 0:
            axes[segment] = axis / length
    return axes


def _descendants(segment: int) -> Iterator[int]:
    """Children, then grandchildren and so on, each in the skeleton's order."""
    level = XSENS.children(segment)
    while level:
        yield from level
        level = tuple(c for s in level for c in XSENS.children(s))


def _ancestors(segment: int) -> Iterator[int]:
    while (segment := XSENS.parents[segment]) >= 0:
        yield segment


def _surface_frames(normals: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """Sensor frames (P, 3, 3) with columns tangent, binormal, normal (Eq. 1)."""
    tangent = np.zeros_like(normals)
    undecided = np.ones(len(normals), bool)
    for axis in (axes, *np.eye(3)[::-1]):
        along = np.sum(axis * normals, axis=1, keepdims=True)
        projected = axis - along * normals
        sine = np.linalg.norm(projected, axis=1)
        chosen = undecided & (sine > _PARALLEL_SINE)
        tangent[chosen] = projected[chosen] / sine[chosen, None]
        undecided &= ~chosen
    return np.stack([tangent, np.cross(normals, tangent), normals], axis=-1)


def _mean_transforms(
    position: np.ndarray | None, rotation: np.ndarray | None, surface: BodySurface
) -> tuple[np.ndarray, np.ndarray]:
    """Time means of R_i^T R_s (23, 23, 3, 3) and of R_i^T (p_s - p_i) (23, 23, 3)."""
    if position is None and rotation is None:
        position = np.asarray(segment_origins(surface), np.float64)[None]
        rotation = np.broadcast_to(np.eye(3), (1, len(XSENS), 3, 3))
    _check_motion(position, rotation)
    frames, count = len(position), len(XSENS)
    turn = np.zeros((3 * count, 3 * count))
    place = np.zeros((3 * count, count))
    for start in range(0, frames, _CHUNK):
        chunk = slice(start, start + _CHUNK)
        points = np.asarray(position[chunk], np.float64)
        # Far from the world's origin the differences would lose digits.
        points = points - points[:, :1]
        turns = np.asarray(rotation[chunk], np.float64)
        # Rows are times and world axes; columns are segments and their axes.
        columns = turns.transpose(0, 2, 1, 3).reshape(-1, 3 * count)
        turn += columns.T @ columns
        place += columns.T @ points.transpose(0, 2, 1).reshape(-1, count)
    turn = (turn / frames).reshape(count, 3, count, 3).transpose(0, 2, 1, 3)
    place = (place / frames).reshape(count, 3, count).transpose(0, 2, 1)
    own = place[np.arange(count), np.arange(count)]
    return turn, place - own[:, None]


def _check_motion(position: np.ndarray | None, rotation: np.ndarray | None) -> None:
    if position is None or rotation is None:
        raise ValueError("position and rotation must be given together")
    count = len(XSENS)
    if np.shape(position)[1:] != (count, 3) or not len(position):
        raise ValueError(
            f"position has shape {np.shape(position)}, expected (T, {count}, 3), T > 0"
        )
    if np.shape(rotation) != (len(position), count, 3, 3):
        raise ValueError(
            f"rotation has shape {np.shape(rotation)}, "
            f"expected {(len(position), count, 3, 3)}"
        )
    for name, values in (("position", position), ("rotation", rotation)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds values that are not finite")
