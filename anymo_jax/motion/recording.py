"""The nouns of the motion room: a body in motion, and a recording of one."""

import dataclasses
from collections.abc import Mapping

import jax
import numpy as np
from jaxtyping import Array, Bool, Float

from anymo_jax.body.skeleton import XSENS


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

    position: Float[Array, "T 23 3"]
    rotation: Float[Array, "T 23 3 3"]
    valid: Bool[Array, "T"]
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
