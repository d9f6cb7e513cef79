"""Device noise: statistics against the priors, options one by one, determinism."""

import dataclasses
import functools
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from anymo_jax.simulation import noise
from anymo_jax.simulation.noise import WHITE_ONLY, DeviceModel
from anymo_jax.simulation.noise_priors import load_priors
from anymo_jax.simulation.quiet import estimate_noise
from experiments import estimate_noise as estimate_noise_table

RATE = 60.0
PRIORS = load_priors()
REST = jnp.tile(jnp.array([0.0, 0.0, 9.80665, 0.0, 0.0, 0.0]), (3000, 1))


def read(key, model, signal=REST, count=None, priors=PRIORS):
    """Readings (and devices) of one placement, or of `count` independent ones."""

    def one(key):
        sample, add = jax.random.split(key)
        device = noise.sample_device(sample, priors, model)
        return noise.apply_device(add, device, signal, RATE), device

    key = jax.random.key(key)
    return one(key) if count is None else jax.vmap(one)(jax.random.split(key, count))


def draw(key, model, count):
    """`count` devices, leaves stacked."""
    one = functools.partial(noise.sample_device, priors=PRIORS, model=model)
    return jax.vmap(one)(jax.random.split(jax.random.key(key), count))


@pytest.mark.parametrize("prior", range(len(PRIORS.names)), ids=PRIORS.names)
def test_a_resting_sensor_gives_the_prior_back(prior):
    """Point of acceptance: within 10 per cent, through the quiet-window estimator."""
    only = dataclasses.replace(
        PRIORS,
        density=PRIORS.density[prior : prior + 1],
        bias_std=PRIORS.bias_std[prior : prior + 1],
        names=PRIORS.names[prior : prior + 1],
    )
    readings, _ = read(0, DeviceModel(), count=64, priors=only)
    found = [estimate_noise([np.asarray(r, np.float64)], RATE) for r in readings]
    density = np.mean([f.density for f in found], axis=0).reshape(2, 3).mean(axis=1)
    np.testing.assert_allclose(density, only.density[0], rtol=0.1)
    rate_bias = np.std([f.rate_bias for f in found])
    assert rate_bias == pytest.approx(float(only.bias_std[0, 1]), rel=0.2)


def test_white_only_has_no_bias_and_a_white_spectrum():
    readings, device = read(1, WHITE_ONLY, count=200)
    assert device.bias is None
    error = np.asarray(readings) - np.asarray(REST)
    std = error.std(axis=1)
    expected = np.asarray(device.density) * np.sqrt(RATE / 2)
    np.testing.assert_allclose(std, expected, rtol=0.08)
    power = np.abs(np.fft.rfft(error / expected[:, None], axis=1)) ** 2
    bands = power[:, 1:-1].mean(axis=(0, 2))[:1400].reshape(14, 100).mean(axis=1)
    np.testing.assert_allclose(bands / bands.mean(), 1, atol=0.02)


def test_noise_is_independent_across_placements_channels_and_time():
    readings, _ = read(2, WHITE_ONLY, count=8)
    error = np.asarray(readings) - np.asarray(REST)
    error = error.transpose(0, 2, 1).reshape(48, -1)
    correlation = np.corrcoef(error) - np.eye(48)
    assert np.abs(correlation).max() < 0.1
    lagged = [np.corrcoef(e[1:], e[:-1])[0, 1] for e in error]
    assert np.abs(lagged).max() < 0.1


def test_priors_are_drawn_half_and_half_and_stds_spread_by_a_fifth():
    device = draw(3, WHITE_ONLY, 4000)
    share = np.bincount(np.asarray(device.prior), minlength=2) / 4000
    np.testing.assert_allclose(share, 0.5, atol=0.03)
    for prior in range(2):
        chosen = device.density[device.prior == prior].reshape(-1, 2, 3)
        relative = chosen / PRIORS.density[prior][None, :, None]
        assert float(relative[:, 0].mean()) == pytest.approx(1, abs=0.02)
        assert float(relative[:, 0].std()) == pytest.approx(0.2, abs=0.02)


def test_stds_are_clipped_at_60_hz():
    model = dataclasses.replace(WHITE_ONLY, least_std=0.01, most_std=0.02, spread=1.0)
    device = draw(4, model, 300)
    std = np.asarray(device.density) * np.sqrt(30)
    assert std.min() == pytest.approx(0.01, rel=1e-5)
    assert std.max() == pytest.approx(0.02, rel=1e-5)


def test_white_noise_grows_with_the_bandwidth():
    device = noise.sample_device(jax.random.key(0), PRIORS, WHITE_ONLY)
    slow, fast = (
        noise.apply_device(jax.random.key(1), device, REST, rate) - REST
        for rate in (25.0, 100.0)
    )
    np.testing.assert_allclose(fast, 2 * slow, atol=2e-6)


def test_same_key_same_reading_other_key_other_reading():
    model = DeviceModel(bias_walk=(0.01, 0.001), clock_jitter_s=1e-3)
    np.testing.assert_array_equal(read(7, model)[0], read(7, model)[0])
    assert not np.array_equal(read(7, model)[0], read(8, model)[0])


def test_bias_is_constant_and_has_the_priors_std():
    device = draw(5, DeviceModel(), 2000)
    for prior in range(2):
        bias = device.bias[device.prior == prior].reshape(-1, 2, 3)
        std = np.asarray(bias).std(axis=(0, 2))
        np.testing.assert_allclose(std, PRIORS.bias_std[prior], rtol=0.06)
    key = jax.random.key(0)
    plain = noise.apply_device(key, strip(device, "bias"), REST, RATE)
    with_bias = noise.apply_device(key, strip(device), REST, RATE)
    np.testing.assert_allclose(
        with_bias - plain, jnp.tile(device.bias[0], (3000, 1)), atol=3e-6
    )


def strip(device, *fields):
    """First device of a batch, some effects switched off."""
    first = jax.tree.map(lambda leaf: leaf[0], device)
    return dataclasses.replace(first, **dict.fromkeys(fields))


def test_bias_walk_grows_with_the_root_of_time():
    walk = jnp.array([0.02] * 3 + [0.003] * 3)
    keys = jax.random.split(jax.random.key(0), 400)
    still = jnp.zeros((601, 6))
    tracks = jax.vmap(lambda k: noise.add_bias_walk(k, still, walk, RATE))(keys)
    np.testing.assert_array_equal(tracks[:, 0], 0)
    np.testing.assert_allclose(tracks[:, 150].std(0), walk * np.sqrt(2.5), rtol=0.15)
    np.testing.assert_allclose(tracks[:, 600].std(0), walk * np.sqrt(10), rtol=0.15)


def test_response_scales_and_misaligns_each_sensor():
    model = dataclasses.replace(
        WHITE_ONLY, scale_error=(0.01, 0.02), misalignment=(0.003, 0.005)
    )
    device = draw(6, model, 3000)
    error = np.asarray(device.response) - np.eye(3)
    diagonal = np.eye(3, dtype=bool)
    for kind, (scale, angle) in enumerate([(0.01, 0.003), (0.02, 0.005)]):
        assert error[:, kind, diagonal].std() == pytest.approx(scale, rel=0.05)
        assert error[:, kind, ~diagonal].std() == pytest.approx(angle, rel=0.05)
    signal = jax.random.normal(jax.random.key(0), (50, 6))
    read_out = noise.distort(signal, device.response[0])
    force = signal[:, :3] @ device.response[0, 0].T
    rate = signal[:, 3:] @ device.response[0, 1].T
    np.testing.assert_allclose(read_out, jnp.hstack([force, rate]), atol=1e-5)


def test_saturation_clips_at_the_range_in_g_and_rad_per_s():
    model = dataclasses.replace(WHITE_ONLY, force_range_g=2.0, rate_range=4.0)
    readings, _ = read(0, model, signal=100 * jnp.sin(jnp.arange(600.0)).reshape(-1, 6))
    assert float(jnp.abs(readings[:, :3]).max()) == pytest.approx(2 * 9.80665)
    assert float(jnp.abs(readings[:, 3:]).max()) == pytest.approx(4.0)
    model = dataclasses.replace(WHITE_ONLY, rate_range=4.0)
    readings, _ = read(0, model, signal=jnp.full((20, 6), 50.0))
    assert float(readings[:, :3].min()) > 49


def test_quantisation_levels():
    model = dataclasses.replace(WHITE_ONLY, force_step=0.05)
    readings = np.asarray(read(0, model)[0])
    levels = readings[:, :3] / 0.05
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    assert len(np.unique(readings[:, 3])) > 1000
    signal = jnp.array([[0.26, -0.26, 0.24, 0.26, -0.26, 0.24]])
    step = jnp.array([0.5, 0.5, 0.5, 0.0, 0.0, 0.0])
    rounded = noise.quantise(signal, step)
    np.testing.assert_allclose(rounded[0], [0.5, -0.5, 0.0, 0.26, -0.26, 0.24])


def test_clock_jitter_moves_the_samples_of_a_slope_and_not_of_rest():
    slope = jnp.arange(600.0)[:, None] / RATE * jnp.ones((1, 6))
    read_at = noise.jitter_clock(jax.random.key(0), slope, jnp.float32(2e-3), RATE)
    late = np.asarray(read_at - slope)[1:-1]
    assert late.std() == pytest.approx(2e-3, rel=0.1)
    # All channels of one sample are read at the same instant.
    np.testing.assert_allclose(late, late[:, :1] * np.ones((1, 6)), atol=2e-5)
    rest = noise.jitter_clock(jax.random.key(0), REST[:600], jnp.float32(2e-3), RATE)
    np.testing.assert_allclose(rest, REST[:600], atol=1e-5)


EVERYTHING = DeviceModel(
    bias_walk=(0.01, 0.001),
    scale_error=(0.01, 0.01),
    misalignment=(0.01, 0.01),
    force_range_g=16.0,
    rate_range=35.0,
    clock_jitter_s=1e-4,
)


@pytest.mark.parametrize("frequency", [1.0, 5.0, 14.0, 25.0])
def test_a_slow_device_keeps_what_its_rate_can_hold(frequency):
    """Against SciPy: sampled at 20 Hz behind its own filter, and back at 60 Hz."""
    time = np.arange(600) / RATE
    wave = np.sin(2 * np.pi * frequency * time + 0.3)
    signal = jnp.asarray(np.repeat(wave[:, None], 6, axis=1), jnp.float32)
    kept = np.asarray(noise.limit_band(signal, jnp.float32(20.0), RATE))[60:-60, 0]
    slow = scipy.signal.resample_poly(wave, 1, 3)
    expected = scipy.signal.resample_poly(slow, 3, 1)[60:-60]
    np.testing.assert_allclose(kept, expected, atol=0.03)
    fast = np.asarray(noise.limit_band(signal, jnp.float32(200.0), RATE))[60:-60, 0]
    np.testing.assert_allclose(fast, wave[60:-60], atol=1e-3)


def test_own_rates_are_drawn_alike_in_each_octave():
    model = dataclasses.replace(WHITE_ONLY, own_rate_hz=(20.0, 80.0))
    rates = np.asarray(draw(0, model, 4000).own_rate)
    assert rates.min() >= 20 and rates.max() <= 80
    assert np.mean(rates < 40) == pytest.approx(0.5, abs=0.03)
    assert np.unique(rates).size > 3900


@pytest.mark.parametrize("rates", [(0.0, 20.0), (30.0, 20.0)])
def test_own_rates_are_a_range_above_zero(rates):
    with pytest.raises(ValueError, match="own_rate_hz"):
        DeviceModel(own_rate_hz=rates)


def test_a_slow_device_reads_less_noise():
    slow = dataclasses.replace(WHITE_ONLY, own_rate_hz=(20.0, 20.0))
    readings = [np.asarray(read(3, model, count=32)[0]) for model in (WHITE_ONLY, slow)]
    full, left = (reading.std(axis=1).mean() for reading in readings)
    # White noise to 9 of 30 Hz.
    assert left / full == pytest.approx(np.sqrt(9 / 30), abs=0.03)


def test_everything_works_under_jit_vmap_and_grad():
    model = EVERYTHING

    @jax.jit
    def loss(signal, key):
        sample, add = jax.random.split(key)
        device = noise.sample_device(sample, PRIORS, model)
        return jnp.sum(noise.apply_device(add, device, signal, RATE) ** 2)

    keys = jax.random.split(jax.random.key(0), 4)
    signals = jnp.tile(REST[None, :100], (4, 1, 1))
    gradient = jax.vmap(jax.grad(loss))(signals, keys)
    assert gradient.shape == signals.shape
    assert bool(jnp.isfinite(gradient).all())
    assert bool((jnp.abs(gradient[..., 2]) > 1).all())


def test_the_device_itself_has_gradients():
    device = noise.sample_device(jax.random.key(0), PRIORS, DeviceModel())

    def loss(density, bias):
        changed = dataclasses.replace(device, density=density, bias=bias)
        reading = noise.apply_device(jax.random.key(1), changed, REST, RATE)
        return jnp.mean((reading - REST) ** 2)

    by_density, by_bias = jax.grad(loss, (0, 1))(device.density, device.bias)
    # The variance per channel is density^2 rate / 2, a sixth of it in the mean.
    expected = 2 * device.density * RATE / 2 / 6
    np.testing.assert_allclose(by_density, expected, rtol=0.25, atol=2e-4)
    np.testing.assert_allclose(by_bias, device.bias / 3, rtol=0.1, atol=1e-3)


def test_a_batched_signal_is_refused():
    device = noise.sample_device(jax.random.key(0), PRIORS)
    with pytest.raises(ValueError, match=r"\(2, 5, 6\); expected \(T, 6\)"):
        noise.apply_device(jax.random.key(1), device, jnp.zeros((2, 5, 6)), RATE)


def test_the_shipped_table_has_two_plausible_priors():
    assert PRIORS.names == ("research_grade", "consumer")
    std = np.asarray(PRIORS.density) * np.sqrt(30)
    assert (std[1] > std[0]).all()
    assert ((std > [0.002, 0.001]) & (std < 0.15)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("priors"), "KeyError"),
        (lambda t: t["priors"][0]["gyroscope"].pop("density"), "'density'"),
        (lambda t: t["priors"][0]["gyroscope"].update(density=-1.0), "density > 0"),
        (lambda t: t["priors"].clear(), "density > 0|IndexError"),
    ],
)
def test_a_broken_table_is_named(tmp_path, change, message):
    kinds = ("accelerometer", "gyroscope")
    entry = {kind: {"density": 0.1, "bias_std": 0.0} for kind in kinds}
    table = {"priors": [{"name": "one", **entry}]}
    path = tmp_path / "table.json"
    path.write_text(json.dumps(table))
    assert load_priors(path).names == ("one",)
    change(table)
    path.write_text(json.dumps(table))
    with pytest.raises(ValueError, match=message) as raised:
        load_priors(path)
    assert str(path) in str(raised.value)


@pytest.mark.data
def test_the_shipped_table_is_what_the_estimator_writes(data_dir):
    priors = estimate_noise_table.estimate_priors(data_dir / "imu", data_dir / "har")
    for index, prior in enumerate(priors):
        for column, kind in enumerate(("accelerometer", "gyroscope")):
            shipped = float(PRIORS.density[index, column])
            assert prior[kind]["density"] == pytest.approx(shipped, rel=0.01)
    # The kick has no still second; a percentile alone would have found frames in it.
    rejected = {entry["source"] for entry in priors[0]["rejected"]}
    assert "xsens_andy_kicking" in rejected
