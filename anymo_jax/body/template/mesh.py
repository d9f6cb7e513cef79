"""A mirror-symmetric closed mesh, put together from rings of vertices.

Only the left half (y >= 0) is built: tubes of rings, open at the plane of symmetry for
the trunk and closed for the limbs. Vertices on that plane have y = 0 exactly and are
shared by both halves, so the mirrored whole is watertight by construction.
"""

import itertools
from collections.abc import Sequence

import numpy as np

from anymo_jax.body.skeleton import XSENS

# Marks a place of a ring that a hole has taken.
ABSENT = -1


def superellipse(
    angles: np.ndarray,
    half_axes: tuple[float, float, float, float],
    exponents: tuple[float, float],
) -> np.ndarray:
    """Points (K, 2) of a closed curve |u/a|^n + |v/b|^n = 1 in its plane.

    Args:
      angles: (K,) parameter in rad; 0 on +u, pi/2 on +v.
      half_axes: lengths towards +u, -u, +v, -v.
      exponents: n on the +u half and on the -u half; 2 is an ellipse, more is boxier.
    """
    cosine, sine = np.cos(angles), np.sin(angles)
    power = 2.0 / np.where(cosine >= 0, exponents[0], exponents[1])
    along = np.where(cosine >= 0, half_axes[0], half_axes[1])
    across = np.where(sine >= 0, half_axes[2], half_axes[3])
    u = along * np.sign(cosine) * np.abs(cosine) ** power
    v = across * np.sign(sine) * np.abs(sine) ** power
    # cos(pi/2) is 6e-17, which a small power blows up.
    u[np.abs(cosine) < 1e-12] = 0.0
    v[np.abs(sine) < 1e-12] = 0.0
    return np.stack([u, v], axis=1)


def chain_weights(chain: Sequence[str], coordinate: float) -> np.ndarray:
    """Skinning weights (23,) at a place along a chain of segments.

    A whole number is a place on that segment of the chain alone; 0.5 is half-way
    between the first and the second.
    """
    weights = np.zeros(len(XSENS))
    lower = min(int(coordinate), len(chain) - 1)
    share = coordinate - lower
    weights[XSENS.index(chain[lower])] = 1 - share
    if share > 0:
        weights[XSENS.index(chain[lower + 1])] = share
    return weights


class HalfMesh:
    """The left half of a body under construction."""

    def __init__(self) -> None:
        self._vertices: list[np.ndarray] = []
        self._weights: list[np.ndarray] = []
        self._faces: list[tuple[int, int, int]] = []

    def add(self, points: np.ndarray, weights: np.ndarray) -> list[int]:
        """Adds points (K, 3) with weights (23,) or (K, 23); returns their indices."""
        first = len(self._vertices)
        self._vertices += list(points)
        self._weights += list(np.broadcast_to(weights, (len(points), len(XSENS))))
        return list(range(first, len(self._vertices)))

    def points(self, indices: Sequence[int]) -> np.ndarray:
        """Positions (K, 3) of vertices."""
        return np.array([self._vertices[i] for i in indices])

    def stitch(self, first: Sequence[int], second: Sequence[int], closed: bool) -> None:
        """Joins two rings, of any counts, by a strip of triangles.

        Outside is where the first ring, seen with the second above it, runs to the
        right. Places marked ABSENT leave a hole; then both counts must be equal.
        """
        if len(first) == len(second):
            self._stitch_quads(first, second, closed)
            return
        loops = (
            [(*first, first[0]), (*second, second[0])] if closed else [first, second]
        )
        i = j = 0
        last_i, last_j = len(loops[0]) - 1, len(loops[1]) - 1
        while i < last_i or j < last_j:
            if j == last_j or (i < last_i and (i + 1) * last_j <= (j + 1) * last_i):
                self._faces.append((loops[0][i], loops[0][i + 1], loops[1][j]))
                i += 1
            else:
                self._faces.append((loops[0][i], loops[1][j + 1], loops[1][j]))
                j += 1

    def _stitch_quads(
        self, first: Sequence[int], second: Sequence[int], closed: bool
    ) -> None:
        following = range(1, len(first) + 1) if closed else range(1, len(first))
        for b in following:
            a, b = b - 1, b % len(first)
            corners = first[a], first[b], second[b], second[a]
            if ABSENT in corners:
                continue
            p = self.points(corners)
            # The shorter diagonal keeps the triangles from folding.
            if np.linalg.norm(p[0] - p[2]) <= np.linalg.norm(p[1] - p[3]):
                triangles = ((0, 1, 2), (0, 2, 3))
            else:
                triangles = ((0, 1, 3), (1, 2, 3))
            self._faces += [tuple(corners[k] for k in t) for t in triangles]

    def cap(self, ring: Sequence[int], pole: int, closed: bool) -> None:
        """Closes a ring by a fan of triangles to a pole above it."""
        loop = (*ring, ring[0]) if closed else ring
        self._faces += [(a, b, pole) for a, b in itertools.pairwise(loop)]

    def mirrored(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The whole body: vertices (V, 3), faces (F, 3), weights (V, 23)."""
        vertices, weights = np.array(self._vertices), np.array(self._weights)
        faces = np.array(self._faces, np.int32)
        paired = np.flatnonzero(vertices[:, 1] != 0)
        partner = np.arange(len(vertices))
        partner[paired] = len(vertices) + np.arange(len(paired))
        right = vertices[paired] * [1.0, -1.0, 1.0]
        right_weights = weights[paired][:, list(XSENS.mirrored)]
        return (
            np.concatenate([vertices, right]),
            np.concatenate([faces, partner[faces[:, ::-1]]]).astype(np.int32),
            np.concatenate([weights, right_weights]),
        )
