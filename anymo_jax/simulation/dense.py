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
    if not np.all(motion.valid):
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
    terms = _terms(
        *(jnp.asarray(imu.centred(motion.position)), jnp.asarray(motion.rotation)),
        *(jnp.asarray(gravity), motion.rate_hz, differentiation),
    )
    offset, frame = jnp.asarray(placements.offset), jnp.asarray(placements.frame)
    layout = imu.placement_layout(placements.segment, terms.shape[1])
    # The last chunk is aligned to the recording's end so that one shape is compiled.
    frames = terms.shape[0]
    read = _reader(layout, min(chunk, frames))
    for start in range(0, frames, chunk):
        begin = max(0, min(start, frames - chunk))
        signal = read(terms[begin : begin + chunk], layout, offset, frame)
        yield signal[start - begin :]


@functools.partial(jax.jit, static_argnums=(3, 4))
def _terms(position, rotation, gravity, rate_hz, how):
    return imu.motion_terms(position, rotation, rate_hz, gravity, how)


_read_grouped = jax.jit(imu.read_grouped, static_argnums=1)


def _reader(layout, frames):
    """The GPU kernel where there is one and the tiles fit, else XLA's own."""
    if layout is None:
        raise ValueError(
            "the placements of one segment are not contiguous; sort them by segment"
        )
    if jax.default_backend() == "gpu" and kernel.fits(layout, frames):
        return kernel.read_grouped
    return _read_grouped
