"""The body: its kinematic tree, its surface, and where sensors may sit on it.

skeleton      the 23 segments of Xsens MVN
proportions   published segment proportions
surface       the skinned mesh in T-pose; `load`, `repose`: from a file
template      a body of our own, by stature, mass and sex
skinning      the surface posed by the segments
fit           the surface on a recording's own skeleton
placement     candidate placements (paper, Eq. 1)
check         what is wrong with a surface
view          what sensors on the body observe
"""

from anymo_jax.body.check import check_surface
from anymo_jax.body.fit import fit_surface
from anymo_jax.body.load import load_surface
from anymo_jax.body.placement import Placements, candidate_placements
from anymo_jax.body.skeleton import XSENS, Skeleton
from anymo_jax.body.skinning import skin
from anymo_jax.body.surface import BodySurface
from anymo_jax.body.template import default_surface

__all__ = [
    "XSENS",
    "BodySurface",
    "Placements",
    "Skeleton",
    "candidate_placements",
    "check_surface",
    "default_surface",
    "fit_surface",
    "load_surface",
    "skin",
]
