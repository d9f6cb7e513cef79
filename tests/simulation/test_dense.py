"""Dense export: chunks join without a seam, and memory is bounded."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.body.placement import Placements
from anymo_jax.motion.recording import SegmentMotion
from anymo_jax.simulation import dense_signals, imu, kernel, simulate_imu
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


@pytest.mark.parametrize("frames", [64, 100, 130])
def test_the_gpu_kernel_computes_the_same(frames):
    """Interpreted here; on a GPU, `make test-gpu` runs the compiled kernel."""
    terms, layout, offset, frame = dense_inputs(frames)
    assert kernel.fits(layout, frames)
    found = kernel.read_grouped(terms, layout, offset, frame, interpret=True)
    expected = imu.read_grouped(terms, layout, offset, frame)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.gpu
def test_the_compiled_gpu_kernel_keeps_float32_accuracy():
    terms, layout, offset, frame = dense_inputs(4096)
    found = kernel.read_grouped(terms, layout, offset, frame)
    matrix = np.asarray(imu.placement_matrix(offset, frame), np.float64)
    segment = np.repeat([s for s, _ in layout], [n for _, n in layout])
    terms = np.asarray(terms, np.float64)[:, segment]
    expected = np.einsum("tpk,pkc->tpc", terms, matrix)
    assert np.abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("chunk", [70, 100, 1000])
def test_chunks_of_the_kernel_join_too(monkeypatch, chunk):
    """The export as it runs on a GPU, its kernel interpreted."""
    _, layout, offset, frame = dense_inputs(1)
    position, rotation = articulated(np.arange(150) / 60, segments=23)
    motion = SegmentMotion(position, rotation, np.ones(150, bool), 60.0)
    segment = np.repeat([s for s, _ in layout], [n for _, n in layout])
    placements = Placements(segment, offset, frame)
    expected = np.concatenate(list(dense_signals(motion, placements)))
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    interpreted = functools.partial(kernel.read_grouped, interpret=True)
    monkeypatch.setattr(kernel, "read_grouped", interpreted)
    pieces = list(dense_signals(motion, placements, memory_bytes=chunk * 165 * 24))
    assert len(pieces) == -(-150 // chunk)
    np.testing.assert_allclose(np.concatenate(pieces), expected, atol=5e-3)


def test_placements_out_of_order_are_refused(body):
    motion, _ = body
    shuffled = np.random.default_rng(0).permutation(23).repeat(10)
    many = Placements(
        np.tile(shuffled, 10), np.zeros((2300, 3)), np.tile(np.eye(3), (2300, 1, 1))
    )
    with pytest.raises(ValueError, match=r"sort them by segment"):
        next(dense_signals(motion, many))


def test_small_runs_do_not_fit_the_kernel():
    assert not kernel.fits(((0, 21), (1, 30)), 100)
    assert not kernel.fits(((0, 30), (1, 30)), 63)


def dense_inputs(frames):
    layout = ((0, 35), (1, 22), (2, 108))
    rng = np.random.default_rng(0)
    terms = jnp.asarray(rng.normal(size=(frames, 3, 15)), jnp.float32)
    _, offset, frame = random_placements(165, 3)
    return terms, layout, *(jnp.asarray(x, jnp.float32) for x in (offset, frame))
