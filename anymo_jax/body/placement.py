"""Candidate sensor placements on the body surface (paper, Eq. 1 and A.2)."""

import dataclasses

import jax
import numpy as np


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
