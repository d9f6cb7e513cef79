r"""IMU signals at placements on moving segments (paper, Eq. 2).

A sensor at offset r in a segment with origin p and rotation R sits at p + R r and is
turned by R F. Its specific force and angular rate are

    a = (R F)^T (d^2(p + R r)/dt^2 - g) = F^T (u + M r),  u = R^T (p'' - g), M = R^T R''
    w = (R F)^T Omega(R)                = F^T s,           s = R^T Omega(R)

so the motion enters through fifteen numbers per frame and segment (u, M, s), computed
once, and a placement is a constant 15 x 6 matrix applied to them. Nothing of shape
(T, P, 3, 3) ever exists.
"""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anymo_jax.geometry import derivative
from anymo_jax.geometry.derivative import CENTRAL, Differentiation

STANDARD_GRAVITY = (0.0, 0.0, -9.80665)
TERMS = 15

# Runs `(segment, count)` of consecutive placements on one segment.
Layout = tuple[tuple[int, int], ...]

# An accelerator's default product of float32 matrices keeps ten bits only.
_einsum = functools.partial(jnp.einsum, precision=jax.lax.Precision.HIGHEST)


def simulate_imu(
    position: Float[Array | np.ndarray, "T S 3"],
    rotation: Float[Array | np.ndarray, "T S 3 3"],
    segment: Int[Array | np.ndarray, "P"],
    offset: Float[Array | np.ndarray, "P 3"],
    frame: Float[Array | np.ndarray, "P 3 3"],
    *,
    rate_hz: float,
    gravity: tuple[float, float, float] = STANDARD_GRAVITY,
    differentiation: Differentiation = CENTRAL,
) -> Float[Array, "T P 6"]:
    """Noise-free IMU signals of P placements on S moving segments.

    Differentiable in everything but `segment`; jit, vmap and shard as you like. Fastest
    where `segment` is known at compile time (numpy, or outside jit) and the placements
    of one segment are contiguous.

    Args:
      position: (T, S, 3) m, segment origins in the world.
      rotation: (T, S, 3, 3) world from segment.
      segment: (P,) index of the segment that carries each placement.
      offset: (P, 3) m in the segment frame.
      frame: (P, 3, 3) segment from sensor.
      rate_hz: sampling rate of the motion and of the signal.
      gravity: (3,) m/s^2 in the world.
      differentiation: scheme of the time derivatives.

    Returns:
      (T, P, 6) in the sensor frame: specific force in m/s^2, angular rate in rad/s.
      At rest the force reads 9.80665 m/s^2 upwards.

    Raises:
      ValueError: for shapes that do not fit or a segment index out of range.
    """
    _check_shapes(position, rotation, segment, offset, frame)
    layout = placement_layout(segment, position.shape[1])
    position = place_on_device(position)
    rotation, offset, frame = (jnp.asarray(x) for x in (rotation, offset, frame))
    return _simulate(
        *(position, rotation, offset, frame),
        *(None if layout else jnp.asarray(segment), jnp.asarray(gravity)),
        rate_hz=float(rate_hz),
        how=differentiation,
        layout=layout,
    )


@functools.partial(jax.jit, static_argnames=("rate_hz", "how", "layout"))
def _simulate(
    position, rotation, offset, frame, segment, gravity, *, rate_hz, how, layout
):
    terms = motion_terms(position, rotation, rate_hz, gravity, how)
    if layout is None:
        return read_gathered(terms, segment, offset, frame)
    if len({count for _, count in layout}) == 1:
        return read_even(terms, layout, offset, frame)
    return read_grouped(terms.stacked, layout, offset, frame)


class MotionTerms(NamedTuple):
    """What the motion contributes to every signal, in each segment's frame.

    Attributes:
      force: (T, S, 3) m/s^2, specific force at the segment's origin, u.
      tangent: (T, S, 3, 3) 1/s^2, its change with the offset, M.
      spin: (T, S, 3) rad/s, s.
    """

    force: Array
    tangent: Array
    spin: Array

    @property
    def stacked(self) -> Float[Array, "T S 15"]:
        """The fifteen numbers side by side, the tangent row by row."""
        tangent = self.tangent.reshape(*self.force.shape[:2], 9)
        return jnp.concatenate([self.force, tangent, self.spin], axis=-1)


def place_on_device(position: Array | np.ndarray) -> Array:
    """Positions as a JAX array; those of the host about their place midway.

    No signal depends on where a motion takes place, but far from the origin float32 has
    too few digits for second differences; the host's own precision may have them.
    """
    if isinstance(position, np.ndarray):
        position = position - position[len(position) // 2]
    return jnp.asarray(position)


def motion_terms(
    position: Float[Array, "T S 3"],
    rotation: Float[Array, "T S 3 3"],
    rate_hz: float,
    gravity: Float[Array, "3"],
    how: Differentiation = CENTRAL,
) -> MotionTerms:
    """The terms of each segment at each frame."""
    with jax.named_scope("motion_terms"):
        middle = position.shape[0] // 2
        position = position - jax.lax.stop_gradient(position[middle][None])
        spin = derivative.angular_velocity(rotation, rate_hz, how)
        acceleration = derivative.second_derivative(position, rate_hz, how)
        turning = derivative.second_derivative(rotation, rate_hz, how)
        facing = derivative.prepare_rotations(rotation, rate_hz, how)
        felt = acceleration - gravity[None, None]
        # R^T times a vector and a matrix as sums, which fuse where products would not.
        force = sum(facing[..., j, :] * felt[..., j, None] for j in range(3))
        tangent = sum(
            facing[..., j, :, None] * turning[..., j, None, :] for j in range(3)
        )
        return MotionTerms(force, tangent, spin)


def placement_matrix(
    offset: Float[Array, "P 3"], frame: Float[Array, "P 3 3"]
) -> Float[Array, "P 15 6"]:
    """The constant map of each placement from the fifteen terms to its six channels."""
    lever = _einsum("pic,pj->pijc", frame, offset).reshape(-1, 9, 3)
    zeros = jnp.zeros((frame.shape[0], 12, 3), frame.dtype)
    force = jnp.concatenate([frame, lever, jnp.zeros_like(frame)], axis=1)
    rate = jnp.concatenate([zeros, frame], axis=1)
    return jnp.concatenate([force, rate], axis=-1)


def read_grouped(
    terms: Float[Array, "T S 15"],
    layout: Layout,
    offset: Float[Array, "P 3"],
    frame: Float[Array, "P 3 3"],
) -> Float[Array, "T P 6"]:
    """Signals where the placements come in runs `(segment, count)` of one segment."""
    matrix = placement_matrix(offset, frame)
    signals, start = [], 0
    for segment, count in layout:
        columns = matrix[start : start + count].transpose(1, 0, 2).reshape(TERMS, -1)
        signals.append(_einsum("tk,kc->tc", terms[:, segment], columns))
        start += count
    return jnp.concatenate(signals, axis=1).reshape(-1, start, 6)


def read_even(
    terms: MotionTerms,
    layout: Layout,
    offset: Float[Array, "P 3"],
    frame: Float[Array, "P 3 3"],
) -> Float[Array, "T P 6"]:
    """Signals where all runs are equally long, as in sampled views.

    There are few columns then, so sums beat products; and terms that stay apart, behind
    a barrier, are neither copied together nor computed twice.
    """
    runs, count = len(layout), layout[0][1]
    segments = [segment for segment, _ in layout]
    force, tangent, spin = jax.lax.optimization_barrier(terms)
    if segments != list(range(force.shape[1])):
        # Only where needed: a gather, even of everything, is slow.
        picked = np.array(segments)
        force, tangent, spin = force[:, picked], tangent[:, picked], spin[:, picked]
    offset = offset.reshape(1, runs, count, 3)
    frame = frame.reshape(1, runs, count, 3, 3)
    felt = [
        force[:, :, None, i]
        + sum(tangent[:, :, None, i, j] * offset[..., j] for j in range(3))
        for i in range(3)
    ]
    channels = [
        sum(frame[..., i, :] * vector[i][..., None] for i in range(3))
        for vector in (felt, [spin[:, :, None, i] for i in range(3)])
    ]
    return jnp.concatenate(channels, axis=-1).reshape(-1, runs * count, 6)


def read_gathered(
    terms: MotionTerms,
    segment: Int[Array, "P"],
    offset: Float[Array, "P 3"],
    frame: Float[Array, "P 3 3"],
) -> Float[Array, "T P 6"]:
    """Signals for placements in any order, known only when the program runs.

    Written out by component, so that the compiler fuses the gathers with the sums.
    """
    tangent = terms.tangent[:, segment]
    felt = [
        terms.force[:, segment, i]
        + sum(tangent[..., i, j] * offset[None, :, j] for j in range(3))
        for i in range(3)
    ]
    rate = [terms.spin[:, segment, i] for i in range(3)]
    channels = [
        sum(frame[None, :, i, c] * vector[i] for i in range(3))
        for vector in (felt, rate)
        for c in range(3)
    ]
    return jnp.stack(channels, axis=-1)


def placement_layout(segment, segments: int) -> Layout | None:
    """Runs `(segment, count)` of concrete indices; None where grouping cannot pay."""
    if isinstance(segment, jax.core.Tracer):
        return None
    segment = np.asarray(segment)
    if segment.size and not 0 <= segment.min() <= segment.max() < segments:
        raise ValueError(
            f"segment indices run from {segment.min()} to {segment.max()}, but the "
            f"motion has {segments} segments (0 to {segments - 1})"
        )
    starts = np.flatnonzero(np.diff(segment, prepend=-1))
    counts = np.diff(starts, append=segment.size)
    if starts.size > 4 * segments:
        return None
    return tuple(zip(segment[starts].tolist(), counts.tolist(), strict=True))


def _check_shapes(position, rotation, segment, offset, frame) -> None:
    """Raise a ValueError that names the first array whose shape does not fit."""
    frames, segments = np.shape(position)[:2] if np.ndim(position) == 3 else (-1, -1)
    count = np.shape(segment)[0] if np.ndim(segment) == 1 else -1
    wanted = {
        "position": (position, (frames, segments, 3), "(T, S, 3)"),
        "rotation": (rotation, (frames, segments, 3, 3), "(T, S, 3, 3)"),
        "segment": (segment, (count,), "(P,)"),
        "offset": (offset, (count, 3), "(P, 3)"),
        "frame": (frame, (count, 3, 3), "(P, 3, 3)"),
    }
    for name, (array, shape, meaning) in wanted.items():
        if np.shape(array) != shape:
            raise ValueError(
                f"{name} has shape {np.shape(array)}; expected {meaning} = {shape} "
                "with one example and no batch axis (use jax.vmap for many)"
            )
