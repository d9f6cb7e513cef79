"""Signals at every candidate placement of a recording, streamed in bounded memory."""

import functools
from collections.abc import Iterator

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.body.placement import Placements
from anymo_jax.geometry.derivative import CENTRAL, Differentiation
from anymo_jax.motion.recording import SegmentMotion
from anymo_jax.simulation import imu, kernel

BYTES_PER_SAMPLE = 6 * 4
_BLOCK = 64
# Longer than twice any stencil, so that its second half is free of its own start.
_TAIL = 16


def dense_signals(
    motion: SegmentMotion,
    placements: Placements,
    *,
    memory_bytes: int = 2**28,
    gravity: tuple[float, float, float] = imu.STANDARD_GRAVITY,
    differentiation: Differentiation = CENTRAL,
) -> Iterator[Float[Array, "t P 6"]]:
    """Chunks of consecutive frames whose concatenation is the whole signal (T, P, 6).

    The motion terms of the whole recording are made first (60 bytes per segment and
    frame), so a chunk's borders leave no trace in the signal.

    Args:
      motion: a motion without gaps.
      placements: where the sensors sit.
      memory_bytes: largest size of one chunk.
      gravity: m/s^2 in the world.
      differentiation: scheme of the time derivatives.

    Raises:
      ValueError: where the motion has invalid frames (split it at its gaps first), or
        a single frame does not fit in `memory_bytes`.
    """
    if not np.asarray(motion.valid).all():
        raise ValueError(
            "the motion has invalid frames; split it first, with "
            "motion.recording.split_at_gaps"
        )
    frame_bytes = placements.segment.shape[0] * BYTES_PER_SAMPLE
    chunk = memory_bytes // frame_bytes
    if chunk < 1:
        raise ValueError(
            f"memory_bytes={memory_bytes} is less than one frame of "
            f"{placements.segment.shape[0]} placements, {frame_bytes} bytes"
        )
    layout = imu.placement_layout(placements.segment, motion.position.shape[1])
    if layout is None:
        raise ValueError(
            "the placements of one segment are not contiguous; sort them by segment"
        )
    frames = motion.position.shape[0]
    on_gpu = jax.default_backend() == "gpu" and kernel.fits(layout, min(chunk, frames))
    terms = _padded_terms(motion, jnp.asarray(gravity), differentiation)
    read = kernel.read_grouped if on_gpu else _read_grouped
    offset, frame = jnp.asarray(placements.offset), jnp.asarray(placements.frame)
    for start in range(0, frames, chunk):
        stop = min(start + chunk, frames)
        # Every chunk has one length, so the last one may begin before its own start.
        begin = max(0, min(start, len(terms) - chunk))
        signal = read(_rows(terms, begin, begin + chunk), layout, offset, frame)
        yield _rows(signal, start - begin, stop - begin)


def _rows(array: Array, start: int, stop: int) -> Array:
    """Rows of an array; the array itself, uncopied, where these are all."""
    if start == 0 and stop >= len(array):
        return array
    return array[start:stop]


def _padded_terms(motion, gravity, how) -> Float[Array, "T S 15"]:
    """Terms of a recording, padded at the end to a whole number of blocks.

    Recordings of many lengths then share few compiled programs. The last frame, whose
    differences are one-sided, is taken from the recording's own end.
    """
    position = imu.place_on_device(motion.position)
    rotation = jnp.asarray(motion.rotation)
    make = functools.partial(_terms, gravity, rate_hz=motion.rate_hz, how=how)
    frames = position.shape[0]
    padding = -frames % _BLOCK
    if padding == 0 or frames < _TAIL or how.scheme == "bandlimited":
        return make(position, rotation)
    tail = make(position[-_TAIL:], rotation[-_TAIL:])
    position, rotation = (
        jnp.concatenate([x, jnp.repeat(x[-1:], padding, axis=0)])
        for x in (position, rotation)
    )
    return _with_tail(make(position, rotation), tail, frames)


@functools.partial(jax.jit, static_argnames=("rate_hz", "how"))
def _terms(gravity, position, rotation, *, rate_hz, how):
    return imu.motion_terms(position, rotation, rate_hz, gravity, how).stacked


@functools.partial(jax.jit, donate_argnums=0)
def _with_tail(terms, tail, frames):
    """Terms whose frames up to `frames` end as the tail does."""
    half = _TAIL // 2
    return jax.lax.dynamic_update_slice(terms, tail[half:], (frames - half, 0, 0))


_read_grouped = jax.jit(imu.read_grouped, static_argnums=1)
