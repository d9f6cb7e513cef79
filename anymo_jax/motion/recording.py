"""The nouns of the motion room: a body in motion, and a recording of one."""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.geometry.resampling import resample, resample_rotations, valid_runs

# How the source of a clip of the procedural library begins.
PROCEDURAL = "procedural:"


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class SegmentMotion:
    """Positions and orientations of the 23 segments over time.

    Attributes:
      position: (T, 23, 3) m, segment origins in the world, Z up.
      rotation: (T, 23, 3, 3) world from segment.
      valid: (T,) False where the capture failed; nothing is differentiated across.
      rate_hz: sampling rate in Hz (static).
    """

    position: jax.Array | np.ndarray
    rotation: jax.Array | np.ndarray
    valid: jax.Array | np.ndarray
    rate_hz: float = dataclasses.field(metadata={"static": True})


@dataclasses.dataclass(frozen=True)
class SensorStreams:
    """Real IMU signals recorded with a motion, on the motion's clock.

    Attributes:
      names: name of each sensor as its file gives it.
      segment: (S,) int, index of the segment each sensor is strapped to.
      imu: (T, S, 6) specific force in m/s^2 then angular rate in rad/s, each in its
        sensor's own frame; NaN where not measured.
    """

    names: tuple[str, ...]
    segment: np.ndarray
    imu: np.ndarray


@dataclasses.dataclass(frozen=True)
class Recording:
    """One recording on the host, never traced.

    Attributes:
      motion: the body's motion, arrays as numpy float64 or float32.
      texts: descriptions, the primary one first; empty where there is none.
      label: activity name, "" where there is none.
      subject: name of the person, "" where unknown.
      source: where the recording comes from (file, pack and trial, generator).
      sensors: real IMU streams recorded with the motion, if any.
      facts: further facts by name (posture wording, tempo, licence, ...).
    """

    motion: SegmentMotion
    texts: tuple[str, ...] = ()
    label: str = ""
    subject: str = ""
    source: str = ""
    sensors: SensorStreams | None = None
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)


def joint_offsets(motion: SegmentMotion) -> np.ndarray:
    """T-pose offset (23, 3) m of each segment's origin from its parent's origin.

    Mean over valid frames of R_parent^T (p_child - p_parent); the root's is zero. The
    bone lengths are the norms of these.
    """
    valid = np.asarray(motion.valid)
    position = np.asarray(motion.position, np.float64)[valid]
    rotation = np.asarray(motion.rotation, np.float64)[valid]
    parents = np.array(XSENS.parents[1:])
    difference = position[:, 1:] - position[:, parents]
    local = np.einsum("tnji,tnj->tni", rotation[:, parents], difference)
    return np.concatenate([np.zeros((1, 3)), local.mean(axis=0)])


def split_at_gaps(motion: SegmentMotion, shortest: int = 1) -> list[SegmentMotion]:
    """The stretches without an invalid frame, of at least `shortest` frames each."""
    return [
        dataclasses.replace(
            motion,
            position=motion.position[run],
            rotation=motion.rotation[run],
            valid=motion.valid[run],
        )
        for run in valid_runs(np.asarray(motion.valid), shortest)
    ]


def resample_motion(
    motion: SegmentMotion, rate_hz: float, cutoff_hz: float | None = None
) -> SegmentMotion:
    """A motion without gaps at another rate, anti-aliased, on the host.

    Args:
      motion: all frames valid, at least six.
      rate_hz: rate wanted.
      cutoff_hz: low-pass asked for besides the anti-alias filter.

    Raises:
      ValueError: for invalid frames (split them off first) or too few frames.
    """
    if not np.all(motion.valid):
        raise ValueError("cannot resample across invalid frames; use split_at_gaps")
    rates = motion.rate_hz, rate_hz, cutoff_hz
    position = resample(np.asarray(motion.position), *rates)
    rotation = resample_rotations(np.asarray(motion.rotation), *rates)
    return SegmentMotion(position, rotation, np.ones(len(position), bool), rate_hz)
