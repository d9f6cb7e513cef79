"""The left-right mirror image of a body with its sensors, in their signals.

With S = diag(1, -1, 1), the mirror image of a motion is p' = S p, R' = S R S, each
segment taking its counterpart's place (`motion.mirror`). The mirror image of a sensor
would be left-handed; its right-handed partner sits at r' = S r with frame F' = S F S:
the normal still points outwards, the tangent still along the segment, and the binormal
turns round. For such a sensor Eq. 2 gives, since gravity lies in the mirror's plane,

    a' = F'^T R'^T (d^2(p' + R' r')/dt^2 - g) = S a

and for the rate, an axial vector, w' = det(S) S w = -S w. So nothing is simulated anew:
the mirrored signal is the signal with its nodes exchanged and three signs turned. A
mirrored segment has its counterpart's candidates, however many each side has.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.body.skeleton import XSENS

_SIGNS = np.array([1, -1, 1, -1, 1, -1], np.float32)


def mirror_signal(signal: Float[Array, "T 23 *K 6"]) -> Float[Array, "T 23 *K 6"]:
    """Signals of the mirrored body at the mirrored placements."""
    # Whole sides change places: slices fuse where a gather would be slow.
    parts = [signal[:, first:last] for first, last in _runs(XSENS.mirrored)]
    return jnp.concatenate(parts, axis=1) * _SIGNS.reshape(
        (1,) * (signal.ndim - 1) + (6,)
    )


def _runs(order: tuple[int, ...]) -> list[tuple[int, int]]:
    """An order of indices as its runs `(first, last)` of consecutive ones."""
    breaks = np.flatnonzero(np.diff(order, prepend=-2) != 1).tolist()
    ends = [*breaks[1:], len(order)]
    return [(order[a], order[b - 1] + 1) for a, b in zip(breaks, ends, strict=True)]
