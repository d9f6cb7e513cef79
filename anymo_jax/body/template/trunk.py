"""The left half of the trunk, the neck and the head.

Half-rings run from the front of the plane of symmetry over the side to its back. Their
breadths and depths are ANSUR II's, named in the tables, times a factor near one; where
literature gives no number (the factors between measured levels, the share of a depth
in front of the joints, the exponents of the outlines) the value was set by eye and held
against the profile of a MakeHuman body (CC0).
"""

import itertools
from typing import NamedTuple

import numpy as np

from anymo_jax.body.proportions import Proportions
from anymo_jax.body.template.mesh import ABSENT, HalfMesh, chain_weights, superellipse
from anymo_jax.body.template.sizes import Sizes

CHAIN = ("Pelvis", "L5", "L3", "T12", "T8", "Neck", "Head")
TRUNK_SPOKES = 20
HEAD_SPOKES = 24
# Places of a half-ring that the arm takes.
_HOLE = slice(4, 7)


class Level(NamedTuple):
    """A half-ring of the trunk.

    Attributes:
      front, side, back: height there, as a place along `_heights`: -1 the crotch, 0 the
        hip joints, 1 L5/S1, 2 L4/L3, 3 L1/T12, 4 T9/T8, 5 C7/T1, 6 C1/head.
      breadth, times: name of the measure, and factor on it.
      depth, deep: name of the measure, and factor on it.
      share: part of the depth in front of the joints.
      exponent: of the outline; 2 is an ellipse, more is boxier.
      chain: place along CHAIN for skinning; halves lie at joints.
      flesh: how far the girth factor counts; above 1 where fat is stored first.
    """

    front: float
    side: float
    back: float
    breadth: str
    times: float
    depth: str
    deep: float
    share: float
    exponent: float
    chain: float
    flesh: float = 1.0


_HIPS, _WAIST, _CHEST = "hip_breadth", "waist_breadth", "chest_breadth"
_SEAT, _BELLY, _BREAST = "buttock_depth", "waist_depth", "chest_depth"
_NECK = "neck_girth"

_BELOW_ARM = (
    Level(-0.25, -0.38, -0.55, _HIPS, 1.02, _SEAT, 0.94, 0.52, 2.5, 0),
    Level(0.40, 0.40, 0.40, _HIPS, 1.00, _SEAT, 1.00, 0.55, 2.5, 0),
    Level(0.98, 0.98, 0.98, _HIPS, 0.94, _BELLY, 1.00, 0.60, 2.5, 0.5, 1.1),
    Level(1.50, 1.50, 1.50, _WAIST, 0.98, _BELLY, 0.96, 0.66, 2.5, 1, 1.4),
    Level(2.15, 2.15, 2.15, _WAIST, 0.95, _BELLY, 0.95, 0.66, 2.5, 1.6, 1.4),
    Level(2.80, 2.80, 2.80, _CHEST, 1.05, _BREAST, 0.92, 0.65, 2.5, 2.4, 1.1),
    Level(3.30, 3.30, 3.30, _CHEST, 1.15, _BREAST, 0.98, 0.63, 2.5, 3, 0.9),
    Level(3.66, 3.66, 3.66, _CHEST, 1.24, _BREAST, 1.00, 0.61, 2.4, 3, 0.8),
    Level(4.00, 4.00, 4.00, _CHEST, 1.28, _BREAST, 0.98, 0.58, 2.3, 3.5, 0.8),
)
_AT_ARM = Level(4.44, 4.44, 4.44, _CHEST, 1.22, _BREAST, 0.86, 0.53, 2.3, 4, 0.8)
_ABOVE_ARM = (
    Level(4.70, 4.83, 4.84, _CHEST, 1.18, _BREAST, 0.66, 0.53, 2.0, 4, 0.7),
    Level(4.86, 4.96, 5.06, _CHEST, 0.82, _BREAST, 0.52, 0.60, 2.0, 4, 0.7),
    Level(5.00, 5.10, 5.36, _NECK, 0.44, _NECK, 0.31, 0.68, 2.0, 4.5, 0.8),
    Level(5.26, 5.38, 5.72, _NECK, 0.34, _NECK, 0.31, 0.72, 2.0, 5.5, 0.8),
)


class HeadLevel(NamedTuple):
    """A half-ring of the head.

    Attributes:
      front, side, back: height there, as a place along `_heights`: 6 the head's joint,
        7 the crown.
      breadth: factor on head breadth.
      ahead, behind: x from the head's centre, in head lengths.
      nose: how far the vertex in the plane of symmetry stands out, in head lengths.
    """

    front: float
    side: float
    back: float
    breadth: float
    ahead: float
    behind: float
    nose: float = 0.0


_HEAD = (
    HeadLevel(5.50, 5.58, 5.98, 0.72, 0.45, -0.38),
    HeadLevel(5.72, 5.80, 6.08, 0.79, 0.50, -0.40),
    HeadLevel(6.02, 6.04, 6.15, 0.86, 0.50, -0.43),
    HeadLevel(6.15, 6.17, 6.22, 0.92, 0.50, -0.46, 0.07),
    HeadLevel(6.27, 6.28, 6.31, 0.96, 0.50, -0.48, 0.05),
    HeadLevel(6.40, 6.40, 6.42, 1.00, 0.49, -0.50),
    HeadLevel(6.53, 6.53, 6.54, 1.00, 0.50, -0.50),
    HeadLevel(6.66, 6.66, 6.66, 0.97, 0.47, -0.49),
    HeadLevel(6.78, 6.78, 6.78, 0.88, 0.41, -0.45),
    HeadLevel(6.885, 6.885, 6.885, 0.71, 0.32, -0.36),
    HeadLevel(6.965, 6.965, 6.965, 0.42, 0.17, -0.22),
)
# The head's centre in front of the C1/head joint, in head lengths.
_HEAD_CENTRE = 0.11


class Openings(NamedTuple):
    """Loops of vertices left open for the limbs, in the limbs' own ring order."""

    arm: list[int]
    leg: list[int]


def build_trunk(
    mesh: HalfMesh, p: Proportions, measures: Sizes, girth: float
) -> Openings:
    """Adds the trunk, neck and head to a mesh; returns where the limbs begin.

    The arm's loop starts at the front and runs down, back and up; the leg's loop
    starts at the front, runs out and back, and returns under the crotch.
    """
    heights = _heights(p, measures)
    trunk = _Trunk(mesh, p, measures, girth, heights)
    below = [trunk.ring(level) for level in _BELOW_ARM]
    beside = trunk.ring(_AT_ARM, hole=True)
    above = [trunk.ring(level) for level in _ABOVE_ARM]
    rings = [*below, beside, *above, *trunk.head()]
    for lower, upper in itertools.pairwise(rings):
        mesh.stitch(lower, upper, closed=False)
    crown_x = p.head_joint_advance * measures.stature
    crown = np.array([[crown_x, 0.0, measures.stature]])
    mesh.cap(rings[-1], mesh.add(crown, chain_weights(CHAIN, 6))[0], closed=False)
    first, last = _HOLE.start - 1, _HOLE.stop
    arm = [beside[first], *below[-1][first : last + 1]]
    arm += [beside[last], *above[0][first : last + 1][::-1]]
    return Openings(arm=arm, leg=[*below[0], *trunk.crotch(below[0])])


def shoulder_shares(
    points: np.ndarray, p: Proportions, stature: float
) -> tuple[np.ndarray, np.ndarray]:
    """Shares (K,) of the shoulder in the trunk, then of the upper arm in both.

    The shoulder takes over from the trunk between the sternum's edge and the
    coracoid, and from the armpit upwards; the upper arm around its joint.
    """
    y = points[:, 1] / (stature * p.shoulder_half_breadth)
    drop = (p.shoulder_height - points[:, 2] / stature) / p.shoulder_half_breadth
    shoulder = _smoothstep(y, 0.35, 0.85) * _smoothstep(-drop, -0.40, 0.0)
    return shoulder, _smoothstep(y, 0.86, 1.42)


def _smoothstep(x: np.ndarray, start: float, end: float) -> np.ndarray:
    u = np.clip((x - start) / (end - start), 0, 1)
    return u * u * (3 - 2 * u)


def _heights(p: Proportions, measures: Sizes) -> np.ndarray:
    """Heights in m of the crotch, the spine's joints and the crown."""
    spine = np.array([0.0, *p.spine_fractions, 1.0])
    spine = p.lumbosacral_height + spine * (p.cervical_height - p.lumbosacral_height)
    head = p.cervical_height + p.head_joint_rise
    fractions = np.array([p.hip_height, *spine, head, 1.0])
    return np.array([measures.crotch_height, *(fractions * measures.stature)])


class _Trunk:
    def __init__(
        self,
        mesh: HalfMesh,
        p: Proportions,
        measures: Sizes,
        girth: float,
        heights: np.ndarray,
    ) -> None:
        self._mesh, self._p, self._measures = mesh, p, measures
        self._girth, self._heights = girth, heights

    def ring(self, level: Level, hole: bool = False) -> list[int]:
        flesh = 1 + level.flesh * (self._girth - 1)
        breadth = getattr(self._measures, level.breadth) * level.times * flesh
        depth = getattr(self._measures, level.depth) * level.deep * flesh
        front, back = level.share * depth, (1 - level.share) * depth
        angles = np.linspace(0, np.pi, TRUNK_SPOKES // 2 + 1)
        # The widest place lies mid-way between front and back.
        middle = 0.5 * (front - back)
        outline = superellipse(
            angles, (0.5 * depth, 0.5 * depth, 0.5 * breadth, 0), (level.exponent,) * 2
        )
        points = self._lift(outline + np.array([middle, 0]), level[:3], angles)
        weights = np.tile(chain_weights(CHAIN, level.chain), (len(points), 1))
        weights = self._with_shoulder(points, weights)
        if not hole:
            return self._mesh.add(points, weights)
        kept = np.r_[: _HOLE.start, _HOLE.stop : len(points)]
        places = np.full(len(points), ABSENT)
        places[kept] = self._mesh.add(points[kept], weights[kept])
        return places.tolist()

    def head(self) -> list[list[int]]:
        length, breadth = self._measures.head_length, self._measures.head_breadth
        stature = self._measures.stature
        centre = self._p.head_joint_advance * stature + _HEAD_CENTRE * length
        angles = np.linspace(0, np.pi, HEAD_SPOKES // 2 + 1)
        rings = []
        for level in _HEAD:
            middle = 0.5 * (level.ahead + level.behind) * length
            half = 0.5 * (level.ahead - level.behind) * length
            half_breadth = 0.5 * level.breadth * breadth
            outline = superellipse(angles, (half, half, half_breadth, 0), (2.0, 2.2))
            outline[:, 0] += centre + middle
            outline[0, 0] += level.nose * length
            points = self._lift(outline, level[:3], angles)
            rings.append(self._mesh.add(points, chain_weights(CHAIN, 6)))
        return rings

    def crotch(self, lowest: list[int]) -> list[int]:
        """Vertices in the plane of symmetry from the back to the front, at its foot."""
        front, back = self._mesh.points([lowest[0], lowest[-1]])
        bottom = self._heights[0]
        points = np.zeros((3, 3))
        points[:, 0] = back[0] + np.array([0.3, 0.55, 0.8]) * (front[0] - back[0])
        points[:, 2] = bottom + np.array([0.15, 0.0, 0.3]) * (back[2] - bottom)
        return self._mesh.add(points, chain_weights(CHAIN, 0))

    def _lift(
        self, outline: np.ndarray, places: tuple[float, ...], angles: np.ndarray
    ) -> np.ndarray:
        """Gives an outline (K, 2) its heights, which may differ front, side, back."""
        front, side, back = np.interp(places, np.arange(-1, 8), self._heights)
        cosine = np.cos(angles)
        height = side + np.where(cosine > 0, front - side, side - back) * cosine
        points = np.column_stack([outline, height])
        points[[0, -1], 1] = 0.0
        return points

    def _with_shoulder(self, points: np.ndarray, weights: np.ndarray) -> np.ndarray:
        shoulder, arm = shoulder_shares(points, self._p, self._measures.stature)
        weights = weights * ((1 - shoulder) * (1 - arm))[:, None]
        weights += np.outer(shoulder * (1 - arm), chain_weights(("L_Shoulder",), 0))
        return weights + np.outer(arm, chain_weights(("L_UpperArm",), 0))
