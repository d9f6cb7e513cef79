"""Smoothing and resampling: response, aliasing, staying on SO(3), gaps."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from anymo_jax.geometry import resampling, smoothing


def amplitude(track):
    """Amplitude of a sine in the middle of a track."""
    middle = track[len(track) // 4 : -len(track) // 4]
    return np.sqrt(2) * np.std(middle)


@pytest.mark.parametrize("frequency", [2.0, 10.0, 15.0, 25.0])
@pytest.mark.parametrize("order", [3, 5])
def test_smoothing_has_the_documented_response(frequency, order):
    rate, cutoff = 100.0, 10.0
    times = np.arange(2000) / rate
    wave = np.sin(2 * np.pi * frequency * times)[:, None]
    found = amplitude(smoothing.smooth(wave, rate, cutoff, order))
    ratio = np.sin(np.pi * frequency / rate) / np.sin(np.pi * cutoff / rate)
    assert found == pytest.approx(1 / (1 + ratio ** (2 * order)), rel=0.01, abs=1e-4)


def test_smoothing_is_zero_phase_and_keeps_lines():
    line = np.linspace(-3, 5, 200)[:, None]
    np.testing.assert_allclose(smoothing.smooth(line, 60.0, 6.0), line, atol=1e-9)
    impulse = np.zeros((201, 1))
    impulse[100] = 1
    found = smoothing.smooth(impulse, 60.0, 6.0)[:, 0]
    np.testing.assert_allclose(found, found[::-1], atol=1e-12)


def test_matrix_and_banded_smoothers_agree():
    track = np.random.default_rng(0).normal(size=(80, 2, 3))
    matrix = smoothing.smoothing_matrix(80, 60.0, 9.0)
    expected = np.tensordot(matrix, track, axes=1)
    np.testing.assert_allclose(smoothing.smooth(track, 60.0, 9.0), expected, atol=1e-10)


@pytest.mark.parametrize(("rate", "target"), [(30, 60), (240, 60), (100, 60), (60, 60)])
def test_resampling_follows_the_motion(rate, target):
    times = np.arange(5 * rate) / rate
    found = resampling.resample(np.sin(2 * np.pi * times)[:, None], rate, target)
    new_times = np.arange(len(found)) / target
    assert new_times[-1] <= times[-1] + 1e-9 < new_times[-1] + 1 / target
    # Inside, what the anti-alias filter takes at 1 Hz is below 1e-6.
    error = np.abs(found[:, 0] - np.sin(2 * np.pi * new_times))
    assert error[30:-30].max() < 1e-4
    assert error.max() < 5e-3


def test_downsampling_does_not_alias():
    """A 50 Hz vibration would fold to 10 Hz at 60 Hz; so it does unfiltered."""
    times = np.arange(2400) / 240
    vibration = np.sin(2 * np.pi * 50 * times)[:, None]
    assert amplitude(vibration[::4]) > 0.9
    assert amplitude(resampling.resample(vibration, 240.0, 60.0)) < 2e-3


def test_upsampled_rotations_stay_rotations_and_follow():
    def motion(times):
        wave = [np.sin(3 * times), np.cos(2 * times), 4 * times]
        return Rotation.from_rotvec(np.stack(wave, -1))

    times = np.arange(90) / 30
    matrices = motion(times).as_matrix()[:, None]
    found = resampling.resample_rotations(matrices, 30.0, 60.0)[:, 0]
    expected = motion(np.arange(len(found)) / 60)
    angle = (Rotation.from_matrix(found).inv() * expected).magnitude()
    np.testing.assert_allclose(
        found @ found.transpose(0, 2, 1),
        np.tile(np.eye(3), (len(found), 1, 1)),
        atol=1e-9,
    )
    assert angle.max() < 2e-3
    assert angle[10:-10].max() < 1e-4


def test_signs_of_quaternions_do_not_matter():
    rotations = Rotation.from_rotvec(np.linspace(0, 6, 60)[:, None] * np.eye(3)[2])
    quaternion = rotations.as_quat() * np.random.default_rng(0).choice([-1, 1], (60, 1))
    continuous = resampling.continuous_signs(quaternion)
    assert np.sum(continuous[1:] * continuous[:-1], -1).min() > 0.99


def test_device_interpolation_agrees_with_scipys_natural_spline():
    from scipy.interpolate import CubicSpline

    track = np.random.default_rng(0).normal(size=(50, 2)).cumsum(0)
    times = np.linspace(-1, 50, 77)
    spline = CubicSpline(np.arange(50), track, bc_type="natural")
    expected = spline(np.clip(times, 0, 49))
    found = jax.jit(resampling.interpolate)(
        jnp.array(track, jnp.float32), jnp.array(times, jnp.float32)
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_device_interpolation_of_rotations():
    vector = np.stack([np.sin(np.arange(40) / 9), np.arange(40) / 8, np.zeros(40)], -1)
    rotations = jnp.array(Rotation.from_rotvec(vector).as_matrix(), jnp.float32)
    at_samples = resampling.interpolate_rotations(rotations, jnp.arange(40.0))
    np.testing.assert_allclose(at_samples, rotations, atol=1e-5)
    between = resampling.interpolate_rotations(rotations, jnp.arange(39) + 0.5)
    gram = jnp.swapaxes(between, -1, -2) @ between
    np.testing.assert_allclose(gram, np.tile(np.eye(3), (39, 1, 1)), atol=1e-5)


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 5))
def test_valid_runs_cover_exactly_the_long_stretches(valid, shortest):
    valid = np.array(valid, bool)
    runs = resampling.valid_runs(valid, shortest)
    covered = np.zeros(len(valid), bool)
    for run in runs:
        assert valid[run].all()
        assert run.stop - run.start >= shortest
        assert run.start == 0 or not valid[run.start - 1]
        assert run.stop == len(valid) or not valid[run.stop]
        covered[run] = True
    if shortest == 1:
        np.testing.assert_array_equal(covered, valid)


def test_errors():
    with pytest.raises(ValueError, match=r"rates must be positive"):
        resampling.resample(np.zeros((10, 1)), 0.0, 60.0)
    with pytest.raises(ValueError, match=r"too short to resample"):
        resampling.resample(np.zeros((5, 1)), 30.0, 60.0)
    with pytest.raises(ValueError, match=r"too short to smooth"):
        smoothing.smooth(np.zeros((3, 1)), 30.0, 6.0)
    with pytest.raises(ValueError, match=r"too short to interpolate"):
        resampling.interpolate(jnp.zeros((2, 1)), jnp.zeros(1))
