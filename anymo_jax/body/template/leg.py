"""The left leg and foot.

Rings run from the front outwards, back and inwards. Girths are ANSUR II's times a
factor; the depth of a section in front of the joints and the outline of the foot have
no number there and were set by eye, held against a MakeHuman body (CC0).
"""

import itertools
from typing import NamedTuple

import numpy as np

from anymo_jax.body.proportions import Proportions
from anymo_jax.body.template.mesh import HalfMesh, chain_weights, superellipse
from anymo_jax.body.template.sizes import Sizes

CHAIN = ("Pelvis", "L_UpperLeg", "L_LowerLeg", "L_Foot", "L_Toe")
_SPOKES = 12
_ANGLES = np.deg2rad(np.arange(-30, 330, 30))
# The root meets the trunk's lowest half-ring, eleven vertices from the front around the
# side to the back, and the crotch's three.
_ROOT_ANGLES = np.deg2rad([*np.linspace(-35, 215, 11), 242.5, 270, 297.5])


class Level(NamedTuple):
    """A level ring of the thigh or shank.

    Attributes:
      place: along the leg: 0 the hip joint, 1 the knee, 2 the ankle.
      girth, times: name of the measure, and factor on it.
      slimness: breadth over depth of the outline.
      forward: centre in front of the joints, as a part of the ring's radius.
      outward: centre outside the joints, as a part of the ring's radius.
      chain: place along CHAIN for skinning.
      flesh: how far the girth factor counts, 0 to 1.
    """

    place: float
    girth: str
    times: float
    slimness: float
    forward: float
    outward: float
    chain: float
    flesh: float = 1.0


_LEG = (
    Level(0.21, "thigh_girth", 0.98, 0.85, 0.12, 0.0, 0.4),
    Level(0.33, "thigh_girth", 0.95, 0.87, 0.14, 0.0, 0.8),
    Level(0.46, "thigh_girth", 0.91, 0.90, 0.14, 0.0, 1),
    Level(0.60, "thigh_girth", 0.85, 0.90, 0.12, 0.0, 1),
    Level(0.74, "thigh_girth", 0.77, 0.90, 0.08, 0.0, 1),
    Level(0.87, "lower_thigh_girth", 1.02, 0.92, 0.0, 0.0, 1),
    Level(0.96, "lower_thigh_girth", 0.98, 0.88, -0.15, 0.0, 1.3),
    Level(1.05, "lower_thigh_girth", 0.96, 0.88, -0.30, 0.0, 1.7),
    Level(1.16, "calf_girth", 0.97, 0.92, -0.50, 0.05, 2),
    Level(1.28, "calf_girth", 1.01, 0.95, -0.58, 0.08, 2),
    Level(1.40, "calf_girth", 0.99, 0.95, -0.58, 0.10, 2),
    Level(1.52, "calf_girth", 0.88, 0.95, -0.58, 0.10, 2),
    Level(1.64, "calf_girth", 0.76, 0.90, -0.55, 0.08, 2),
    Level(1.76, "ankle_girth", 1.08, 0.86, -0.50, 0.05, 2, 0.7),
    Level(1.86, "ankle_girth", 1.02, 0.86, -0.42, 0.03, 2, 0.6),
)


class FootLevel(NamedTuple):
    """A ring of the foot, in a plane that turns from level to upright around the heel.

    Attributes:
      top: x from the heel in foot lengths, z in ankle heights, of the ring's top.
      bottom: the same of its bottom; z = 0 is the ground.
      breadth: in foot breadths.
      chain: place along CHAIN for skinning.
    """

    top: tuple[float, float]
    bottom: tuple[float, float]
    breadth: float
    chain: float


_FOOT = (
    FootLevel((0.365, 1.42), (0.065, 1.50), 0.66, 2.35),
    FootLevel((0.395, 1.28), (0.015, 0.92), 0.70, 2.75),
    FootLevel((0.42, 1.18), (0.01, 0.25), 0.68, 3),
    FootLevel((0.445, 1.09), (0.11, 0.0), 0.68, 3),
    FootLevel((0.485, 1.00), (0.25, 0.0), 0.70, 3),
    FootLevel((0.53, 0.90), (0.38, 0.0), 0.75, 3),
    FootLevel((0.575, 0.80), (0.49, 0.0), 0.82, 3),
    FootLevel((0.625, 0.70), (0.58, 0.0), 0.89, 3),
    FootLevel((0.68, 0.60), (0.66, 0.0), 0.96, 3.3),
    FootLevel((0.75, 0.50), (0.74, 0.0), 1.00, 3.7),
    FootLevel((0.83, 0.42), (0.83, 0.0), 0.96, 4),
    FootLevel((0.90, 0.34), (0.90, 0.0), 0.86, 4),
    FootLevel((0.96, 0.27), (0.96, 0.0), 0.66, 4),
    FootLevel((0.99, 0.22), (0.99, 0.02), 0.38, 4),
)


def build_leg(
    mesh: HalfMesh,
    opening: list[int],
    p: Proportions,
    measures: Sizes,
    girth: float,
) -> None:
    """Adds the left leg and foot to a mesh, from the trunk's opening downwards."""
    rings = [opening]
    for number, level in enumerate(_LEG):
        angles = _ROOT_ANGLES if number == 0 else _ANGLES
        rings.append(_leg_ring(mesh, level, angles, p, measures, girth))
    rings += [_foot_ring(mesh, level, p, measures) for level in _FOOT]
    for upper, lower in itertools.pairwise(rings):
        # Rings turn the other way round than the tube runs.
        mesh.stitch(upper[::-1], lower[::-1], closed=True)
    foot, ankle = p.foot * measures.stature, p.ankle_height * measures.stature
    hip = p.hip_half_breadth * measures.stature
    tip = np.array([[(1 - p.heel_fraction) * foot, hip, 0.11 * ankle]])
    pole = mesh.add(tip, chain_weights(CHAIN, 4))[0]
    mesh.cap(rings[-1][::-1], pole, closed=True)


def _leg_ring(
    mesh: HalfMesh,
    level: Level,
    angles: np.ndarray,
    p: Proportions,
    measures: Sizes,
    girth: float,
) -> list[int]:
    stature = measures.stature
    flesh = 1 + level.flesh * (girth - 1)
    radius = getattr(measures, level.girth) * level.times * flesh / (2 * np.pi)
    deep = radius * np.sqrt(2 / (1 + level.slimness**2))
    broad = deep * level.slimness
    joints = np.array([p.hip_height, p.knee_height, p.ankle_height]) * stature
    y = p.hip_half_breadth * stature + level.outward * radius
    centre = [level.forward * radius, y, np.interp(level.place, range(3), joints)]
    # Thick thighs press against each other and spread outwards instead.
    inner = min(broad, 0.95 * y)
    half_axes = (deep, deep, broad + (broad - inner), inner)
    outline = superellipse(angles, half_axes, (2.0, 2.0))
    points = np.array(centre) + np.column_stack([outline, np.zeros(len(angles))])
    return mesh.add(points, chain_weights(CHAIN, level.chain))


def _foot_ring(
    mesh: HalfMesh, level: FootLevel, p: Proportions, measures: Sizes
) -> list[int]:
    stature = measures.stature
    unit = np.array([p.foot * stature, p.ankle_height * stature])
    heel = np.array([p.heel_fraction * p.foot * stature, 0.0])
    top, bottom = (np.array(end) * unit - heel for end in (level.top, level.bottom))
    centre, reach = 0.5 * (top + bottom), 0.5 * (top - bottom)
    broad = 0.5 * level.breadth * measures.foot_breadth
    half_axes = (1.0, 1.0, broad, broad)
    # A boxier lower half makes a flat sole.
    outline = superellipse(_ANGLES, half_axes, (2.0, 3.0))
    points = np.empty((_SPOKES, 3))
    points[:, [0, 2]] = centre + outline[:, :1] * reach
    points[:, 1] = p.hip_half_breadth * stature + outline[:, 1]
    return mesh.add(points, chain_weights(CHAIN, level.chain))
