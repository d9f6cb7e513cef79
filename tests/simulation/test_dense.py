"""Dense export: chunks join without a seam, and memory is bounded."""

import numpy as np
import pytest

from anymo_jax.body.placement import Placements
from anymo_jax.motion.recording import SegmentMotion
from anymo_jax.simulation import dense_signals, simulate_imu
from tests.simulation.motions import articulated, random_placements


@pytest.fixture
def body():
    position, rotation = articulated(np.arange(100) / 60, segments=23)
    motion = SegmentMotion(position, rotation, np.ones(100, bool), 60.0)
    segment, offset, frame = random_placements(60, 23)
    return motion, Placements(np.sort(segment), offset, frame)


@pytest.mark.parametrize("chunk", [1, 7, 50, 99, 100, 1000])
def test_chunks_join_to_the_whole_signal(body, chunk):
    motion, placements = body
    pieces = list(dense_signals(motion, placements, memory_bytes=chunk * 60 * 24))
    assert max(len(p) for p in pieces) <= chunk
    whole = simulate_imu(
        *(motion.position, motion.rotation),
        *(placements.segment, placements.offset, placements.frame),
        rate_hz=60.0,
    )
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=5e-3)


def test_a_frame_that_does_not_fit_is_an_error(body):
    with pytest.raises(ValueError, match=r"one frame of 60 placements, 1440 bytes"):
        next(dense_signals(*body, memory_bytes=1000))


def test_gaps_are_refused(body):
    motion, placements = body
    motion.valid[40] = False
    with pytest.raises(ValueError, match=r"split_at_gaps"):
        next(dense_signals(motion, placements))
