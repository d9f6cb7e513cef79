"""Streams on the 60 Hz grid: nothing folds, is invented, or bends by jitter."""

import numpy as np
import pytest

from anymo_jax.datasets.resample import Job, resample_streams

GAP = 0.25


def resampled(time, values, count, start=0.0, gap_s=GAP):
    return resample_streams(
        [Job(time, values.astype(np.float32), start, count)], gap_s
    )[0]


def tone(time, hz):
    wave = 9.8 + np.sin(2 * np.pi * hz * time)
    return np.stack([wave, 2 * wave, -wave], axis=1)


@pytest.mark.parametrize(
    "rate_hz, hz", [(20, 3), (25, 4), (50, 10), (100, 10), (1000, 15)]
)
def test_what_both_rates_carry_passes(rate_hz, hz):
    time = np.arange(8 * rate_hz) / rate_hz
    made = resampled(time, tone(time, hz), 470)
    grid = np.arange(470) / 60
    error = np.abs(made - tone(grid, hz))[30:-30]
    assert error.max() < 0.04


@pytest.mark.parametrize("rate_hz, hz", [(100, 40), (200, 61), (250, 59), (1000, 119)])
def test_what_60_hz_cannot_carry_is_gone(rate_hz, hz):
    time = np.arange(8 * rate_hz) / rate_hz
    made = resampled(time, tone(time, hz), 470)
    # Gravity stays, the tone is 50 dB down; taken as it comes it would be 1.
    assert np.abs(made[30:-30, 0] - 9.8).max() < 0.004


def test_a_constant_stays_what_it_is_at_any_rate():
    for rate_hz in (20, 64, 100, 333, 1000):
        time = np.arange(3 * rate_hz) / rate_hz
        made = resampled(time, np.full((len(time), 3), -9.81), 175)
        np.testing.assert_allclose(made, -9.81, atol=2e-3)


def test_jitter_does_not_bend_the_signal():
    rng = np.random.default_rng(0)
    time = np.arange(400) / 50 + rng.uniform(-0.006, 0.006, 400)
    made = resampled(time, tone(time, 4), 470, start=0.02)
    grid = 0.02 + np.arange(470) / 60
    assert np.nanmax(np.abs(made - tone(grid, 4))[10:-10]) < 0.05


def test_a_sample_delivered_twice_does_not_make_the_spline_swing():
    time = np.arange(400) / 50
    time[200] = time[199] + 1e-6
    values = tone(time, 1)
    values[200] += 0.5
    made = resampled(time, values, 470)
    assert np.abs(made - tone(np.arange(470) / 60, 1)).max() < 0.1


def test_no_value_across_a_gap_nor_outside_the_samples():
    time = np.concatenate([np.arange(100) / 50, 3.0 + np.arange(100) / 50])
    made = resampled(time, tone(time, 1), 400, start=-0.5)
    grid = -0.5 + np.arange(400) / 60
    measured = ((grid >= 0) & (grid <= 1.98)) | ((grid >= 3) & (grid <= 4.98))
    np.testing.assert_array_equal(np.isfinite(made).all(axis=1), measured)


def test_missing_rows_are_gaps_and_short_ones_are_bridged():
    time = np.arange(400) / 50
    values = tone(time, 1)
    values[100:103, 1] = np.nan
    values[200:240] = np.nan
    made = resampled(time, values, 478)
    grid = np.arange(478) / 60
    missing = (grid > time[199]) & (grid < time[240])
    np.testing.assert_array_equal(np.isnan(made).any(axis=1), missing)
    near = (grid > time[98]) & (grid < time[104])
    assert np.abs(made - tone(grid, 1))[near].max() < 0.01


def test_streams_of_equal_stamps_are_as_if_alone():
    rng = np.random.default_rng(0)
    time = np.arange(128) / 50
    jobs = [
        Job(time + shift, rng.normal(size=(128, 3)).astype(np.float32), shift, 153)
        for shift in (0.0, 0.0, 7.0)
    ]
    jobs[1].values[5] = np.nan
    together = resample_streams(jobs, GAP)
    for job, made in zip(jobs, together, strict=True):
        np.testing.assert_allclose(made, resample_streams([job], GAP)[0], atol=1e-6)


def test_a_stretch_of_a_sample_or_none_of_the_grid_is_read():
    # Five milliseconds at 1 kHz: one sample of the grid at most.
    time = 1.0 + np.arange(5) / 1000
    made = resampled(time, np.full((5, 3), 9.81), 100)
    np.testing.assert_allclose(made[60], 9.81, atol=1e-4)
    assert np.isnan(np.delete(made, 60, axis=0)).all()
    assert np.isnan(resampled(time + 0.005, np.full((5, 3), 9.81), 100)).all()
