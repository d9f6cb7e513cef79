"""The left arm with a mitten of a hand, held out level with the palm down.

Rings run from the front down, back and up. Girths are ANSUR II's times a factor; girths
at the shoulder and elbow and the outline of the hand have no number there and were set
by eye, held against a MakeHuman body (CC0).
"""

import itertools
from typing import NamedTuple

import numpy as np

from anymo_jax.body.proportions import Proportions
from anymo_jax.body.template.mesh import ABSENT, HalfMesh, chain_weights, superellipse
from anymo_jax.body.template.sizes import Sizes
from anymo_jax.body.template.trunk import shoulder_shares

CHAIN = ("L_UpperArm", "L_Forearm", "L_Hand")
_SPOKES = 12


class Level(NamedTuple):
    """A ring of the arm.

    Attributes:
      place: along the arm: 0 the shoulder joint, 1 the elbow, 2 the wrist.
      girth, times: name of the measure, and factor on it.
      flatness: height over depth of the outline.
      rise: centre above the joints, as a part of the ring's radius.
      chain: place along CHAIN for skinning.
      flesh: how far the girth factor counts, 0 to 1.
    """

    place: float
    girth: str
    times: float
    flatness: float
    rise: float
    chain: float
    flesh: float = 1.0


_ARM = (
    Level(0.05, "biceps_girth", 1.26, 1.02, -0.26, 0),
    Level(0.14, "biceps_girth", 1.14, 1.00, -0.12, 0),
    Level(0.25, "biceps_girth", 1.05, 0.98, -0.04, 0),
    Level(0.39, "biceps_girth", 0.98, 0.96, 0.0, 0),
    Level(0.56, "biceps_girth", 0.93, 0.93, 0.0, 0),
    Level(0.73, "biceps_girth", 0.88, 0.93, 0.0, 0),
    Level(0.92, "forearm_girth", 0.94, 0.95, 0.0, 0.3),
    Level(1.05, "forearm_girth", 0.96, 1.0, 0.0, 0.7),
    Level(1.18, "forearm_girth", 0.98, 1.0, 0.0, 1),
    Level(1.32, "forearm_girth", 0.95, 1.0, 0.0, 1),
    Level(1.46, "forearm_girth", 0.86, 0.97, 0.0, 1),
    Level(1.59, "forearm_girth", 0.76, 0.92, 0.0, 1),
    Level(1.71, "wrist_girth", 1.14, 0.85, 0.0, 1, 0.8),
    Level(1.82, "wrist_girth", 1.04, 0.80, 0.0, 1, 0.6),
    Level(1.93, "wrist_girth", 1.00, 0.72, 0.0, 1.3, 0.5),
    Level(2.03, "wrist_girth", 1.00, 0.68, 0.0, 1.7, 0.4),
)


class HandLevel(NamedTuple):
    """A ring of the hand.

    Attributes:
      place: from the wrist, 0, to the tip of the middle finger, 1.
      breadth: factor on hand breadth.
      thickness: as a part of hand breadth.
      forward: centre in front of the wrist, in hand breadths.
    """

    place: float
    breadth: float
    thickness: float
    forward: float


_HAND = (
    HandLevel(0.14, 0.84, 0.40, 0.02),
    HandLevel(0.34, 0.98, 0.34, 0.0),
    HandLevel(0.48, 1.00, 0.29, -0.02),
    HandLevel(0.60, 0.96, 0.24, -0.02),
    HandLevel(0.73, 0.90, 0.21, -0.02),
    HandLevel(0.85, 0.78, 0.18, -0.02),
    HandLevel(0.95, 0.50, 0.13, -0.02),
)
# Places of the palm's rings that the thumb takes: either side of the front.
_THUMB_HOLE = (_SPOKES - 1, 0, 1)
# The thumb's rings: distance along it and radius, in hand breadths.
_THUMB = ((0.20, 0.125), (0.42, 0.120), (0.62, 0.115), (0.80, 0.080))
_THUMB_TIP = 0.86
_THUMB_DIRECTION = np.array([0.62, 0.75, -0.22])


def build_arm(
    mesh: HalfMesh,
    opening: list[int],
    p: Proportions,
    measures: Sizes,
    girth: float,
) -> None:
    """Adds the left arm and hand to a mesh, from the trunk's opening outwards."""
    previous = opening
    for level in _ARM:
        ring = _arm_ring(mesh, level, p, measures, girth)
        mesh.stitch(previous, ring, closed=True)
        previous = ring
    _build_hand(mesh, previous, p, measures)


def _arm_ring(
    mesh: HalfMesh, level: Level, p: Proportions, measures: Sizes, girth: float
) -> list[int]:
    stature = measures.stature
    flesh = 1 + level.flesh * (girth - 1)
    radius = getattr(measures, level.girth) * level.times * flesh / (2 * np.pi)
    shoulder, elbow = p.shoulder_half_breadth, p.shoulder_half_breadth + p.upper_arm
    ends = np.array([shoulder, elbow, elbow + p.forearm, elbow + p.forearm + p.hand])
    y = float(np.interp(level.place, range(4), ends)) * stature
    centre = np.array([0.0, y, p.shoulder_height * stature + level.rise * radius])
    # Half-axes whose mean square is the radius's give an ellipse of nearly that girth.
    deep = radius * np.sqrt(2 / (1 + level.flatness**2))
    points = _ring(centre, deep, deep * level.flatness, 2.0)
    weights = np.tile(chain_weights(CHAIN, level.chain), (len(points), 1))
    shoulder_share, arm_share = shoulder_shares(points, p, stature)
    trunk = np.outer(1 - shoulder_share, chain_weights(("T8",), 0))
    trunk += np.outer(shoulder_share, chain_weights(("L_Shoulder",), 0))
    weights = arm_share[:, None] * weights + (1 - arm_share)[:, None] * trunk
    return mesh.add(points, weights)


def _build_hand(
    mesh: HalfMesh, wrist: list[int], p: Proportions, measures: Sizes
) -> None:
    breadth, length = measures.hand_breadth, p.hand * measures.stature
    reach = p.shoulder_half_breadth + p.upper_arm + p.forearm
    origin = measures.stature * np.array([0.0, reach, p.shoulder_height])
    weights = chain_weights(("L_Hand",), 0)
    rings = [wrist]
    for level in _HAND:
        centre = origin + np.array([level.forward * breadth, level.place * length, 0.0])
        half = 0.5 * level.breadth * breadth
        points = _ring(centre, half, 0.5 * level.thickness * breadth, 2.4)
        rings.append(mesh.add(points, weights))
    for number, (inner, outer) in enumerate(itertools.pairwise(rings)):
        if number == 1:
            _stitch_around_thumb(mesh, inner, outer)
        else:
            mesh.stitch(inner, outer, closed=True)
    tip = mesh.add(origin[None] + [[-0.02 * breadth, length, 0.0]], weights)[0]
    mesh.cap(rings[-1], tip, closed=True)
    _build_thumb(mesh, rings[1], rings[2], breadth)


def _stitch_around_thumb(mesh: HalfMesh, inner: list[int], outer: list[int]) -> None:
    order = [*range(_THUMB_HOLE[-1], _SPOKES), ABSENT]
    first = [inner[i] for i in order[:-1]]
    second = [outer[i] for i in order[:-1]]
    mesh.stitch(first, second, closed=False)


def _build_thumb(
    mesh: HalfMesh, inner: list[int], outer: list[int], breadth: float
) -> None:
    """A tube out of the hole in the palm's front edge."""
    up, front, down = _THUMB_HOLE
    loop = [inner[up], inner[front], inner[down], outer[down], outer[front], outer[up]]
    root = mesh.points(loop).mean(axis=0)
    axis = _THUMB_DIRECTION / np.linalg.norm(_THUMB_DIRECTION)
    across = np.cross([0.0, 0.0, 1.0], axis)
    across /= np.linalg.norm(across)
    above = np.cross(axis, across)
    weights = chain_weights(("L_Hand",), 0)
    # The loop runs, seen along the thumb, from above on the wrist's side downwards.
    angles = np.deg2rad([135, 180, 225, 315, 360, 405])
    previous = loop
    for along, radius in _THUMB:
        outline = np.outer(np.cos(angles), across) + np.outer(np.sin(angles), above)
        points = root + breadth * (along * axis + radius * outline)
        ring = mesh.add(points, weights)
        mesh.stitch(previous, ring, closed=True)
        previous = ring
    tip = mesh.add((root + breadth * _THUMB_TIP * axis)[None], weights)[0]
    mesh.cap(previous, tip, closed=True)


def _ring(centre: np.ndarray, deep: float, high: float, exponent: float) -> np.ndarray:
    """A ring around the arm: from the front down, back and up."""
    angles = np.linspace(0, 2 * np.pi, _SPOKES, endpoint=False)
    outline = superellipse(angles, (deep, deep, high, high), (exponent, exponent))
    points = np.tile(centre, (_SPOKES, 1))
    points[:, 0] += outline[:, 0]
    points[:, 2] -= outline[:, 1]
    return points
