"""What every motion must satisfy before anything is simulated from it."""

import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.motion.recording import SegmentMotion

# Largest entry of |R^T R - I|: float32 matrices reach 1e-6, a matrix of Euler-angle
# averages or a scaled one is far beyond.
ORTHONORMAL_TOLERANCE = 1e-3


def check_motion(motion: SegmentMotion, name: str) -> None:
    """Refuse a motion that cannot be simulated.

    Checks shapes, a positive rate, at least two valid frames, finite values in every
    frame (invalid ones too, since filters read their neighbours), and rotations that
    are orthonormal to `ORTHONORMAL_TOLERANCE` and right-handed.

    Args:
      motion: the motion to check.
      name: what messages call it, such as a file or a trial.

    Raises:
      ValueError: names the motion, the field, and the first frame and segment at fault.
    """
    position = np.asarray(motion.position)
    rotation = np.asarray(motion.rotation)
    valid = np.asarray(motion.valid)
    count, segments = len(valid), len(XSENS)
    for field, array, shape in (
        ("position", position, (count, segments, 3)),
        ("rotation", rotation, (count, segments, 3, 3)),
        ("valid", valid, (count,)),
    ):
        if array.shape != shape:
            raise ValueError(f"{name}: {field} has shape {array.shape}, not {shape}")
    if not motion.rate_hz > 0:
        raise ValueError(f"{name}: the rate must be positive, found {motion.rate_hz}")
    if valid.sum() < 2:
        raise ValueError(
            f"{name}: {valid.sum()} of {count} frames are valid; two are needed to "
            "know a velocity"
        )
    _check_frames(~np.isfinite(position).all(axis=-1), name, "a position is not finite")
    _check_frames(
        ~np.isfinite(rotation).all(axis=(-2, -1)), name, "a rotation is not finite"
    )
    gram = np.swapaxes(rotation, -1, -2) @ rotation
    skewed = np.abs(gram - np.eye(3)).max(axis=(-2, -1)) > ORTHONORMAL_TOLERANCE
    _check_frames(skewed, name, "a rotation matrix is not orthonormal")
    _check_frames(np.linalg.det(rotation) < 0, name, "a rotation matrix is a mirror")


def _check_frames(at_fault: np.ndarray, name: str, fault: str) -> None:
    """Raise for the first (frame, segment) that is marked."""
    if at_fault.any():
        frame, segment = np.argwhere(at_fault)[0]
        raise ValueError(
            f"{name}, frame {frame}, segment {XSENS.names[segment]}: {fault}"
        )
