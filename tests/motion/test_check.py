"""What `check_motion` lets through and what it names."""

import dataclasses

import numpy as np
import pytest

from anymo_jax.motion.check import check_motion
from anymo_jax.motion.recording import SegmentMotion


def motion(frames=5, rate_hz=60.0):
    return SegmentMotion(
        position=np.zeros((frames, 23, 3)),
        rotation=np.tile(np.eye(3), (frames, 23, 1, 1)),
        valid=np.ones(frames, bool),
        rate_hz=rate_hz,
    )


def changed(field, index, value):
    array = getattr(motion(), field).copy()
    array[index] = value
    return dataclasses.replace(motion(), **{field: array})


def test_a_sound_motion_passes():
    check_motion(motion(), "a walk")
    check_motion(changed("valid", slice(2, 5), False), "a walk")


@pytest.mark.parametrize(
    ("faulty", "message"),
    [
        (changed("position", (3, 6, 0), np.nan), "frame 3, segment Head: a position"),
        (changed("rotation", (1, 0, 0, 0), np.inf), "frame 1, segment Pelvis: a rot"),
        (changed("rotation", (2, 14), 0.0), "frame 2, segment L_Hand: .*orthonormal"),
        (changed("rotation", (2, 14), 1.01 * np.eye(3)), "L_Hand: .*orthonormal"),
        (changed("rotation", (4, 7), -np.eye(3)), "segment R_Shoulder: .*mirror"),
        (changed("valid", slice(1, 5), False), "1 of 5 frames are valid; two"),
        (motion(1), "1 of 1 frames are valid"),
        (motion(rate_hz=0.0), "rate must be positive, found 0"),
        (motion(rate_hz=float("nan")), "rate must be positive, found nan"),
        (
            dataclasses.replace(motion(), position=np.zeros((5, 22, 3))),
            r"position has shape \(5, 22, 3\), not \(5, 23, 3\)",
        ),
        (
            dataclasses.replace(motion(), rotation=np.zeros((4, 23, 3, 3))),
            r"rotation has shape \(4, 23, 3, 3\)",
        ),
    ],
)
def test_faults_are_named(faulty, message):
    with pytest.raises(ValueError, match=f"^a walk.*{message}"):
        check_motion(faulty, "a walk")


def test_tolerance_of_float32():
    """Rounding to float32 is no fault, a thousandth of a turn is none either."""
    single = dataclasses.replace(
        motion(), rotation=motion().rotation.astype(np.float32) * np.float32(1.0002)
    )
    check_motion(single, "a walk")
