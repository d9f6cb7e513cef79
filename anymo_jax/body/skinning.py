"""Linear blend skinning of a body's surface by its 23 segments.

    m_v = sum_s w_vs (R_s (v - o_s) + p_s),

with w_vs the vertex's weights summed over the joints of a segment, o_s the segment's
origin in T-pose, R_s and p_s its rotation and origin in the world.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface


def segment_weights(surface: BodySurface) -> Float[Array | np.ndarray, "V 23"]:
    """Skinning weights of each vertex, summed over the joints of each segment."""
    owner = np.asarray(surface.joint_segment)[:, None] == np.arange(len(XSENS))
    return surface.skinning @ owner.astype(surface.skinning.dtype)


def segment_origins(surface: BodySurface) -> Float[Array | np.ndarray, "23 3"]:
    """T-pose origin in m of each segment: the rest position of its first joint."""
    first = [surface.joint_segment.index(s) for s in range(len(XSENS))]
    return surface.rest_joints[np.array(first)]


def skin(
    surface: BodySurface,
    position: Float[Array, "23 3"],
    rotation: Float[Array, "23 3 3"],
) -> Float[Array, "V 3"]:
    """Vertices in m of the surface in one pose; `jax.vmap` over poses for many.

    Args:
      surface: the body in T-pose.
      position: segment origins in the world, m.
      rotation: world from segment.
    """
    weights = jnp.asarray(segment_weights(surface))
    origins = jnp.asarray(segment_origins(surface))
    # An accelerator's default precision would move vertices by centimetres.
    exact = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)
    shift = position - exact("sij,sj->si", rotation, origins)
    blended = exact("vs,sij->vij", weights, rotation)
    turned = exact("vij,vj->vi", blended, surface.vertices)
    return turned + exact("vs,si->vi", weights, shift)
