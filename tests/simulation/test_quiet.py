"""Quiet windows: the noise that was put in comes out, and motion does not."""

import numpy as np
import pytest

from anymo_jax.simulation.quiet import QuietRule, estimate_noise, quiet_frames

STD = np.array([0.02, 0.03, 0.025, 0.002, 0.003, 0.0025])
BIAS = np.array([0.01, -0.02, 0.005])


def at_rest(rng, rate, seconds, gravity=(0.0, 0.0, 9.80665), bias=BIAS):
    """A still sensor: gravity, gyroscope bias, white noise."""
    true = np.concatenate([gravity, bias])
    return true + STD * rng.normal(size=(int(rate * seconds), 6))


def moving(rng, rate, seconds):
    """A walk's worth of motion at 2 Hz, on top of rest."""
    times = np.arange(int(rate * seconds)) / rate
    swing = np.sin(2 * np.pi * 2 * times[:, None] + np.arange(6))
    return at_rest(rng, rate, seconds) + swing * np.array([3, 3, 3, 1, 1, 1])


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("rate", [20.0, 50.0, 100.0])
def test_a_resting_sensor_gives_its_noise_back(rate, order):
    runs = [at_rest(np.random.default_rng(i), rate, 20_000 / rate) for i in range(4)]
    noise = estimate_noise(runs, rate, QuietRule(order=order))
    np.testing.assert_allclose(noise.white_std, STD, rtol=0.07)
    np.testing.assert_allclose(noise.density, STD / np.sqrt(rate / 2), rtol=0.07)
    np.testing.assert_allclose(noise.whiteness, 1, atol=0.06)
    np.testing.assert_allclose(noise.rate_bias, BIAS, atol=3e-4)
    assert noise.force_excess < 0.01


def test_percentiles_of_raw_samples_would_read_low():
    """Why thresholds act on the smoothed signal: they would cut the noise itself."""
    run = at_rest(np.random.default_rng(0), 100.0, 800, bias=np.zeros(3))
    wide = {"rate_range": np.inf, "force_range": np.inf}
    raw = estimate_noise([run], 100.0, QuietRule(smoothing_s=0.0, **wide))
    assert (raw.white_std[3:] < 0.75 * STD[3:]).all()
    smooth = estimate_noise([run], 100.0)
    np.testing.assert_allclose(smooth.white_std, STD, rtol=0.05)


def test_quiet_frames_leave_the_motion_out():
    rng = np.random.default_rng(0)
    run = np.concatenate([at_rest(rng, 50.0, 60), moving(rng, 50.0, 60)])
    (quiet,) = quiet_frames([run], 50.0)
    assert quiet[:3000].sum() > 300
    # A frame of smoothing may lean across the border.
    assert not quiet[3010:].any()
    noise = estimate_noise([run], 50.0)
    np.testing.assert_allclose(noise.white_std, STD, rtol=0.1)


def test_a_recording_without_rest_is_refused():
    run = moving(np.random.default_rng(0), 50.0, 60)
    assert not np.concatenate(quiet_frames([run], 50.0)).any()
    with pytest.raises(ValueError, match="never rests"):
        estimate_noise([run], 50.0)


def test_sway_inflates_first_differences_more_and_lowers_whiteness():
    rng = np.random.default_rng(0)
    times = np.arange(100 * 300) / 100
    sway = np.sin(2 * np.pi * 8 * times)[:, None] * (STD > 0.01) * 0.1
    run = at_rest(rng, 100.0, 300) + sway
    first = estimate_noise([run], 100.0, QuietRule(order=1))
    second = estimate_noise([run], 100.0)
    assert (first.white_std[:3] > 1.15 * second.white_std[:3]).all()
    assert (first.whiteness[:3] < 0.87).all()
    np.testing.assert_allclose(first.whiteness[3:], 1, atol=0.05)


def test_a_missing_gyroscope_leaves_the_accelerometer():
    run = at_rest(np.random.default_rng(0), 50.0, 300)
    run[:, 3:] = np.nan
    noise = estimate_noise([run], 50.0)
    np.testing.assert_allclose(noise.white_std[:3], STD[:3], rtol=0.07)
    assert np.isnan(noise.white_std[3:]).all()


def test_samples_around_a_missing_one_are_not_quiet():
    run = at_rest(np.random.default_rng(0), 50.0, 60)
    run[1000, 0] = np.nan
    (quiet,) = quiet_frames([run], 50.0)
    assert not quiet[995:1005].any()
    assert quiet[1050:].any()


def test_rounding_of_the_file_is_taken_out_and_reported():
    step = np.array([2.0**-5] * 3 + [2.0**-8] * 3)
    run = np.rint(at_rest(np.random.default_rng(0), 100.0, 600) / step) * step
    noise = estimate_noise([run], 100.0)
    np.testing.assert_allclose(noise.resolution, step)
    np.testing.assert_allclose(noise.white_std, STD, rtol=0.05)


def test_force_bias_needs_several_postures():
    rng = np.random.default_rng(0)
    true = np.array([0.2, -0.1, 0.15])
    postures = 9.80665 * np.vstack([np.eye(3), -np.eye(3)]) + true
    runs = [at_rest(rng, 50.0, 60, gravity=posture) for posture in postures]
    # Keep all postures: the percentile would keep those of the median magnitude.
    rule = QuietRule(force_percentile=100.0)
    noise = estimate_noise(runs, 50.0, rule)
    np.testing.assert_allclose(noise.force_bias, true, atol=0.01)
    assert noise.force_excess == pytest.approx(np.sqrt(np.mean(true**2)), rel=0.05)
    alone = estimate_noise(runs[:1], 50.0, rule)
    assert np.isnan(alone.force_bias).all()
    assert alone.force_excess == pytest.approx(0.2, abs=0.03)


def test_a_noiseless_sensor_is_clipped_to_the_plausible_range():
    still = np.tile([0.0, 0, 9.8, 0, 0, 0], (500, 1))
    noise = estimate_noise([still], 50.0)
    np.testing.assert_array_equal(noise.white_std, [0.002] * 3 + [0.001] * 3)


@pytest.mark.parametrize(
    ("runs", "rate", "message"),
    [
        ([], 50.0, "no runs"),
        ([np.zeros((10, 3))], 50.0, r"run 0 has shape \(10, 3\)"),
        ([np.zeros((10, 6))], 0.0, "must be positive"),
    ],
)
def test_bad_input_is_named(runs, rate, message):
    with pytest.raises(ValueError, match=message):
        quiet_frames(runs, rate)
