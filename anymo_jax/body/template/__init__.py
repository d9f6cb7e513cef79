"""The project's own template body, built by code from published measures."""

import functools

import numpy as np

from anymo_jax.body.check import signed_volume
from anymo_jax.body.proportions import Proportions, proportions, rest_joints
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface
from anymo_jax.body.template.arm import build_arm
from anymo_jax.body.template.leg import build_leg
from anymo_jax.body.template.mesh import HalfMesh
from anymo_jax.body.template.sizes import Sizes, sizes
from anymo_jax.body.template.trunk import build_trunk

# Whole body with air in the lungs, kg/m^3.
_DENSITY = 1000.0
# Middle of the World Health Organization's normal range, 18.5 to 25 kg/m^2.
_DEFAULT_BMI = 21.75
_LEAST_BMI, _LARGEST_BMI = 12.0, 50.0
_MASS_ITERATIONS = 6


def default_surface(
    *, stature_m: float = 1.75, mass_kg: float | None = None, sex: str = "male"
) -> BodySurface:
    """A skinned, watertight body of given stature, mass and sex in T-pose.

    Segment lengths are those of `proportions`; breadths, depths and girths those of
    `template.sizes`, times one girth factor that gives the closed surface the body's
    mass at 1000 kg/m^3. Head, hands and feet keep their sizes. At the mean mass of the
    surveyed men (85.5 kg) and women (67.8 kg) the factor is 1.06 and 1.03.

    The surface is symmetric left to right, has the same topology and skinning for
    every body, and one joint per segment, its origin. The number of candidate
    placements per segment follows table 5 of the paper.

    Args:
      stature_m: body height in m, 0.5 to 2.5.
      mass_kg: body mass in kg; None for a body mass index of 21.75 kg/m^2.
      sex: "male" or "female".

    Raises:
      ValueError: an unknown sex, or a stature or body mass index out of range.
    """
    joints = rest_joints(stature_m, sex)
    mass = _DEFAULT_BMI * stature_m**2 if mass_kg is None else mass_kg
    if not _LEAST_BMI <= mass / stature_m**2 <= _LARGEST_BMI:
        raise ValueError(
            f"mass_kg {mass:g} at {stature_m:g} m is a body mass index outside "
            f"{_LEAST_BMI:g} to {_LARGEST_BMI:g} kg/m^2"
        )
    p, measures = proportions(sex), sizes(stature_m, sex)
    faces, weights = _topology()
    girth = 1.0
    for _ in range(_MASS_ITERATIONS):
        vertices, _, _ = _build(p, measures, girth)
        # Volume grows nearly as the square of the girths, so this converges fast.
        girth *= float(np.sqrt(mass / (_DENSITY * signed_volume(vertices, faces))))
    return BodySurface(
        vertices=vertices,
        faces=faces,
        skinning=weights,
        rest_joints=joints,
        joint_names=XSENS.names,
        joint_segment=tuple(range(len(XSENS))),
    )


@functools.cache
def _topology() -> tuple[np.ndarray, np.ndarray]:
    """Faces and skinning weights of every body: those of the default one."""
    _, faces, weights = _build(proportions("male"), sizes(1.75, "male"), girth=0.92)
    faces.flags.writeable = weights.flags.writeable = False
    return faces, weights


def _build(
    p: Proportions, measures: Sizes, girth: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mesh = HalfMesh()
    openings = build_trunk(mesh, p, measures, girth)
    build_arm(mesh, openings.arm, p, measures, girth)
    build_leg(mesh, openings.leg, p, measures, girth)
    return mesh.mirrored()
