"""BVH files: syntax (parser), kinematics, conventions, T-pose, and all as a loader."""

from anymo_jax.motion.bvh.conventions import CONVENTIONS, Convention
from anymo_jax.motion.bvh.loader import load_bvh
from anymo_jax.motion.bvh.parser import Bvh, read_bvh

__all__ = ["CONVENTIONS", "Bvh", "Convention", "load_bvh", "read_bvh"]
