"""Placements recovered: exactly from exact data, sensibly from noisy, honestly else."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from anymo_jax.geometry.derivative import Differentiation
from anymo_jax.simulation import fit, simulate_imu
from anymo_jax.simulation.fit import fit_placement, predict_imu
from anymo_jax.simulation.lag import estimate_lag, undelay
from experiments import sim_to_real

RATE = 100.0
OFFSET = np.array([0.03, -0.05, -0.22])
FRAME = Rotation.from_euler("zyx", [70, -20, 130], degrees=True).as_matrix()
BIASES = np.array([0.08, -0.05, 0.1, 0.01, -0.02, 0.005])


def swinging(seconds=6.0, amount=1.0, rate=RATE, delay=0.0):
    """A limb that swings, twists and travels; (T, 3) and (T, 3, 3)."""
    times = np.arange(int(seconds * rate)) / rate - delay
    angles = amount * np.stack(
        [
            0.9 * np.sin(2 * np.pi * 1.1 * times),
            0.5 * np.sin(2 * np.pi * 0.7 * times + 1),
            0.4 * np.sin(2 * np.pi * 1.7 * times + 2),
        ],
        axis=1,
    )
    rotation = Rotation.from_euler("xyz", angles).as_matrix()
    bounce = 0.03 * amount * np.sin(2 * np.pi * 2.2 * times)
    position = np.stack([1.2 * times, 0.1 * angles[:, 0], 1 + bounce], axis=1)
    return position, rotation


def sensor_of(position, rotation, offset=OFFSET, frame=FRAME, rate=RATE, **how):
    signal = simulate_imu(
        *(position[:, None], rotation[:, None], np.array([0])),
        *(offset[None], frame[None]),
        rate_hz=rate,
        **how,
    )
    return np.asarray(signal, np.float64)[:, 0]


def degrees_between(a, b):
    return np.degrees(Rotation.from_matrix(a.T @ b).magnitude())


def test_recovers_a_placement_exactly_without_noise():
    motion = swinging()
    found = fit_placement(sensor_of(*motion) + BIASES, *motion, rate_hz=RATE)
    np.testing.assert_allclose(found.offset, OFFSET, atol=1e-3)
    assert degrees_between(found.frame, FRAME) < 0.1
    np.testing.assert_allclose(found.force_bias, BIASES[:3], atol=0.01)
    np.testing.assert_allclose(found.rate_bias, BIASES[3:], atol=1e-3)
    assert found.force_residual < 0.02
    assert found.rate_residual < 1e-3
    assert found.condition < 10


@settings(max_examples=20, deadline=None)
@given(
    st.tuples(*[st.floats(-0.3, 0.3)] * 3),
    st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: np.linalg.norm(q) > 0.1),
)
def test_recovers_any_placement(offset, quaternion):
    frame = Rotation.from_quat(quaternion).as_matrix()
    motion = swinging(seconds=3.0)
    imu = sensor_of(*motion, offset=np.array(offset), frame=frame)
    found = fit_placement(imu, *motion, rate_hz=RATE)
    np.testing.assert_allclose(found.offset, offset, atol=1e-3)
    assert degrees_between(found.frame, frame) < 0.1


@pytest.mark.parametrize("seed", range(3))
def test_noise_leaves_errors_that_its_standard_errors_announce(seed):
    motion = swinging(seconds=10.0)
    noise = np.random.default_rng(seed).normal(size=(1000, 6))
    imu = sensor_of(*motion) + BIASES + noise * np.repeat([0.3, 0.02], 3)
    found = fit_placement(imu, *motion, rate_hz=RATE)
    np.testing.assert_allclose(found.offset, OFFSET, atol=0.01)
    assert degrees_between(found.frame, FRAME) < 0.3
    assert found.force_residual == pytest.approx(0.3, rel=0.1)
    assert found.rate_residual == pytest.approx(0.02, rel=0.1)
    scaled = np.abs(found.offset - OFFSET) / found.offset_std
    assert scaled.max() < 4
    assert found.offset_std.max() < 0.01


def test_standard_errors_are_calibrated():
    motion = swinging(seconds=4.0)
    clean = sensor_of(*motion)
    scaled = []
    for seed in range(60):
        noise = np.random.default_rng(seed).normal(size=clean.shape)
        imu = clean + noise * np.repeat([0.5, 0.05], 3)
        found = fit_placement(imu, *motion, rate_hz=RATE)
        turn = Rotation.from_matrix(FRAME.T @ found.frame).as_rotvec()
        scaled.append(np.r_[found.offset - OFFSET, turn])
        scaled[-1] /= np.r_[found.offset_std, found.frame_std]
    assert 0.7 < np.std(scaled) < 1.2


def test_real_band_limits_fit_alike_on_both_sides():
    how = Differentiation("bandlimited", cutoff_hz=10.0)
    motion = swinging()
    imu = sensor_of(*motion, differentiation=how) + BIASES
    found = fit_placement(imu, *motion, rate_hz=RATE, differentiation=how)
    np.testing.assert_allclose(found.offset, OFFSET, atol=1e-3)
    assert degrees_between(found.frame, FRAME) < 0.1


def test_hardly_any_motion_warns_and_gives_no_wild_offset():
    motion = swinging(amount=2e-4)
    noise = np.random.default_rng(0).normal(size=(600, 6)) * np.repeat([0.05, 0.01], 3)
    with pytest.warns(UserWarning, match="hardly turns the segment"):
        found = fit_placement(sensor_of(*motion) + noise, *motion, rate_hz=RATE)
    assert np.linalg.norm(found.offset) < 0.2
    assert found.offset_std.max() > 0.1


def test_a_segment_that_stands_still_leaves_all_but_the_tilt_open():
    position, rotation = np.zeros((300, 3)), np.tile(np.eye(3), (300, 1, 1))
    noise = np.random.default_rng(0).normal(size=(300, 6)) * np.repeat([0.02, 0.002], 3)
    imu = sensor_of(position, rotation) + noise
    with pytest.warns(UserWarning, match="uncertain by 20 cm"):
        found = fit_placement(imu, position, rotation, rate_hz=RATE)
    assert np.linalg.norm(found.offset) < 1e-3
    # Gravity is along Z: the sensor sees its direction, not the turn about it.
    np.testing.assert_allclose(found.frame[2], FRAME[2], atol=0.01)
    assert found.frame_std.max() > 1


def test_a_hinge_leaves_the_offset_along_its_axis_open():
    angle = np.sin(2 * np.pi * np.arange(600) / RATE)
    rotation = Rotation.from_rotvec(angle[:, None] * [1.0, 0, 0]).as_matrix()
    position = np.zeros((600, 3))
    imu = sensor_of(position, rotation)
    with pytest.warns(UserWarning, match="uncertain by 20 cm"):
        found = fit_placement(imu, position, rotation, rate_hz=RATE)
    np.testing.assert_allclose(found.offset[1:], OFFSET[1:], atol=2e-3)
    assert abs(found.offset[0]) < 0.01
    assert found.offset_std[0] == pytest.approx(0.2, rel=0.05)
    assert found.condition > 1e4


def test_predicts_what_the_simulator_does():
    motion = swinging()
    found = fit_placement(sensor_of(*motion) + BIASES, *motion, rate_hz=RATE)
    other = swinging(amount=0.6)
    predicted = predict_imu(found, *other, rate_hz=RATE)
    again = sensor_of(*other, offset=found.offset, frame=found.frame)
    np.testing.assert_allclose(predicted, again + BIASES, atol=0.03)


def test_without_offset_the_sensor_sits_at_the_segments_origin():
    motion = swinging()
    imu = sensor_of(*motion, offset=np.zeros(3))
    found = fit_placement(imu, *motion, rate_hz=RATE, fit_offset=False)
    np.testing.assert_array_equal(found.offset, 0)
    np.testing.assert_array_equal(found.offset_std, 0)
    assert degrees_between(found.frame, FRAME) < 0.1


def test_a_stated_acceleration_replaces_the_positions():
    position, rotation = swinging()
    imu = sensor_of(position, rotation)
    acceleration = np.gradient(np.gradient(position, axis=0), axis=0) * RATE**2
    nowhere = np.zeros_like(position)
    given = dict(rate_hz=RATE, acceleration=acceleration)
    found = fit_placement(imu, nowhere, rotation, **given)
    np.testing.assert_allclose(found.offset, OFFSET, atol=0.01)
    with_zeros = fit_placement(imu, nowhere, rotation, rate_hz=RATE)
    assert np.linalg.norm(with_zeros.offset - OFFSET) > 0.02


@pytest.mark.parametrize("lag", [-0.043, 0.0, 0.0175])
def test_a_lag_of_the_sensors_clock_is_found(lag):
    """To a fraction of a sample, on turns that do not repeat."""
    motion = swinging()
    imu = sensor_of(*swinging(delay=lag))
    found = fit_placement(imu, *motion, rate_hz=RATE, largest_lag_s=0.1)
    assert found.lag_s == pytest.approx(lag, abs=5e-4)
    np.testing.assert_allclose(found.offset, OFFSET, atol=5e-3)
    undone = undelay(imu, found.lag_s, RATE)[10:-10]
    np.testing.assert_allclose(undone, sensor_of(*motion)[10:-10], atol=0.1)


def test_lags_that_cannot_be_found_are_refused():
    still = np.ones((100, 3))
    with pytest.raises(ValueError, match="too few to look for a lag of 1 s"):
        estimate_lag(still, still, RATE, 1.0)
    with pytest.raises(ValueError, match="never varies"):
        estimate_lag(still, still, RATE, 0.1)
    turns = np.cumsum(np.random.default_rng(0).normal(size=(300, 3)), axis=0)
    with pytest.raises(ValueError, match="correlate best at the bound"):
        estimate_lag(np.roll(turns, 20, axis=0), turns, RATE, 0.1)


def test_a_fit_that_does_not_settle_is_refused(monkeypatch):
    motion = swinging(seconds=3.0)
    monkeypatch.setattr(fit, "_MOST_STEPS", 1)
    with pytest.raises(ValueError, match="no convergence in 1 steps"):
        fit_placement(sensor_of(*motion), *motion, rate_hz=RATE)


def bad(**changes):
    position, rotation = swinging(seconds=1.0)
    inputs = {"imu": sensor_of(position, rotation)}
    inputs |= {"position": position, "rotation": rotation}
    return inputs | changes


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (bad(imu=np.zeros((100, 5))), r"imu has shape \(100, 5\)"),
        (bad(position=np.zeros((99, 3))), r"position has shape \(99, 3\)"),
        (bad(rotation=np.zeros((100, 4))), r"rotation has shape"),
        (bad(acceleration=np.zeros((1, 3))), r"acceleration has shape"),
        (bad(imu=np.full((100, 6), np.nan)), "imu has values that are not finite"),
        ({k: v[:8] for k, v in bad().items()}, "8 frames to fit are too few"),
    ],
)
def test_bad_input_is_named(inputs, message):
    with pytest.raises(ValueError, match=message):
        fit_placement(**inputs, rate_hz=RATE)


def test_fields_say_what_they_hold():
    motion = swinging(seconds=2.0)
    found = fit_placement(sensor_of(*motion), *motion, rate_hz=RATE)
    shapes = {
        f.name: np.shape(getattr(found, f.name)) for f in dataclasses.fields(found)
    }
    vectors = ("offset", "force_bias", "rate_bias", "offset_std", "frame_std")
    assert all(shapes[name] == (3,) for name in vectors)
    assert shapes["frame"] == (3, 3)
    np.testing.assert_allclose(found.frame.T @ found.frame, np.eye(3), atol=1e-12)


@pytest.mark.data
def test_simulated_signals_match_real_sensors(data_dir):
    """Held-out scores; figures a little below those measured when this was written.

    Of the kick an independent in-sample measurement gave a median correlation of 0.94
    for acceleration and 0.999 for angular rate, and 0.79 for the left forearm without
    its offset. Rises need no change here; a fall is a defect.
    """
    scores, rows = {}, {}
    for comparison in sim_to_real.load_comparisons(data_dir / "imu"):
        found, _ = sim_to_real.evaluate(comparison)
        rows[comparison.name] = {row["sensor"]: row for row in found}
        scores[comparison.name] = sim_to_real.median(found)
    assert scores["kick"]["offset"]["force_r"] > 0.93
    assert scores["kick"]["offset"]["rate_r"] > 0.999
    assert rows["kick"]["LeftForeArm"]["offset"]["force_r"] > 0.92
    assert rows["kick"]["LeftForeArm"]["no_offset"]["force_r"] < 0.80
    assert scores["kick_stated"]["offset"]["force_r_centred"] > 0.99
    assert scores["walk"]["offset"]["force_r"] > 0.95
    assert scores["walk"]["no_offset"]["force_r"] < 0.90
    assert scores["walk_slow"]["offset"]["force_r_centred"] > 0.9
    lags = [row["offset"]["lag_s"] for row in rows["walk"].values()]
    assert 0.005 < min(lags) <= max(lags) < 0.03
    # Nobody told the fit that the sensors of both arms are worn alike.
    for name in ("UpperArm", "ForeArm", "Hand", "Shoulder"):
        right, left = (
            np.array(rows["kick_stated"][side + name]["offset"]["fitted_offset_m"])
            for side in ("Right", "Left")
        )
        np.testing.assert_allclose(left, right * [1, -1, 1], atol=0.008)
