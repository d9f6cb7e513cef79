"""`simulate_imu` against an independent float64 implementation of Eq. 2 in SciPy.

The reference walks each sensor's own trajectory through the world: no per-segment
terms, rotations as quaternions, everything in float64.
"""

import numpy as np
import pytest
from scipy.interpolate import make_interp_spline
from scipy.spatial.transform import Rotation

from anymo_jax.geometry.derivative import Differentiation
from anymo_jax.simulation import simulate_imu
from tests.simulation.motions import articulated, random_placements

GRAVITY = np.array([0.0, 0.0, -9.80665])


def sensor_trajectory(position, rotation, segment, offset, frame, index):
    turn = Rotation.from_matrix(rotation[:, segment[index]])
    place = position[:, segment[index]] + turn.apply(offset[index])
    return place, turn * Rotation.from_matrix(frame[index])


def reference(position, rotation, segment, offset, frame, rate):
    """Signals of the inner frames (T - 2, P, 6) by central differences."""
    signals = []
    for index in range(len(segment)):
        place, turn = sensor_trajectory(
            position, rotation, segment, offset, frame, index
        )
        acceleration = (place[2:] - 2 * place[1:-1] + place[:-2]) * rate**2
        force = turn[1:-1].inv().apply(acceleration - GRAVITY)
        spin = (turn[:-2].inv() * turn[2:]).as_rotvec() * rate / 2
        signals.append(np.concatenate([force, spin], -1))
    return np.stack(signals, 1)


def relative_rms(found, expected):
    return np.sqrt(np.mean((found - expected) ** 2) / np.mean(expected**2))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("ordered", [True, False])
def test_parity_with_scipy(seed, ordered):
    position, rotation = articulated(np.arange(300) / 60, seed=seed)
    segment, offset, frame = random_placements(40, 5, seed)
    if ordered:
        segment = np.sort(segment)
    expected = reference(position, rotation, segment, offset, frame, 60.0)
    found = simulate_imu(
        *(x.astype(np.float32) for x in (position, rotation)),
        *(segment, offset.astype(np.float32), frame.astype(np.float32)),
        rate_hz=60.0,
    )
    assert found.dtype == np.float32
    for channels in (slice(0, 3), slice(3, 6)):
        error = relative_rms(found[1:-1, :, channels], expected[..., channels])
        assert error < 1e-4


def test_band_limited_signals_approach_the_truth():
    """The truth being the derivatives of a spline through 2 kHz samples."""
    fine, rate = 1920, 240.0
    position, rotation = articulated(np.arange(3 * fine) / fine)
    segment, offset, frame = random_placements(6, 5)
    truth = []
    for index in range(6):
        place, turn = sensor_trajectory(
            position, rotation, segment, offset, frame, index
        )
        spline = make_interp_spline(np.arange(len(place)) / fine, place, k=5)
        force = spline(np.arange(len(place)) / fine, nu=2) - GRAVITY
        spin = (turn[:-2].inv() * turn[2:]).as_rotvec() * fine / 2
        truth.append(
            np.concatenate([turn[1:-1].inv().apply(force[1:-1]), spin], axis=-1)
        )
    truth = np.stack(truth, 1)[7::8]
    how = Differentiation("bandlimited", cutoff_hz=20.0)
    found = simulate_imu(
        *(position[::8], rotation[::8], segment, offset, frame),
        rate_hz=rate,
        differentiation=how,
    )
    inside = slice(60, -60)
    assert relative_rms(found[1:][inside], truth[: len(found) - 1][inside]) < 1e-3
