"""Allan deviation against closed forms; its fit on long streams of known noise."""

import numpy as np
import pytest

from anymo_jax.simulation.allan import allan_deviation, fit_allan

RATE = 100.0
WHITE, INSTABILITY, WALK = 2e-3, 3e-4, 1e-4


def flicker(rng, count, instability):
    """Noise with the two-sided spectrum B^2 / (2 pi f), by shaping white noise."""
    frequency = np.fft.rfftfreq(count, 1 / RATE)
    frequency[0] = frequency[1]
    gain = np.sqrt(instability**2 / (2 * np.pi * frequency) * RATE)
    return np.fft.irfft(np.fft.rfft(rng.normal(size=count)) * gain, count)


def still_sensor(seed, hours, white=0.0, instability=0.0, walk=0.0):
    rng = np.random.default_rng(seed)
    count = int(hours * 3600 * RATE)
    signal = 0.02 + white * np.sqrt(RATE) * rng.normal(size=count)
    signal += flicker(rng, count, instability)
    return signal + walk / np.sqrt(RATE) * np.cumsum(rng.normal(size=count))


@pytest.mark.parametrize(
    ("noise", "expected"),
    [
        ({"white": WHITE}, lambda tau: WHITE / np.sqrt(tau)),
        ({"walk": WALK}, lambda tau: WALK * np.sqrt(tau / 3)),
        ({"instability": INSTABILITY}, lambda tau: INSTABILITY * 0.664 + 0 * tau),
    ],
    ids=["white", "random walk", "flicker"],
)
def test_follows_the_closed_form(noise, expected):
    curve = allan_deviation(still_sensor(0, hours=2, **noise), RATE)
    # Discrete samples follow the continuous law from some ten samples on; averages
    # over more than a 300th of the stream scatter by over 10 per cent.
    trusted = (curve.tau >= 0.1) & (curve.tau <= 24)
    error = curve.deviation[trusted] / expected(curve.tau[trusted]) - 1
    assert np.abs(error).max() < 0.15
    assert np.abs(error).mean() < 0.04


def test_equals_the_definition():
    signal = np.random.default_rng(1).normal(size=50)
    curve = allan_deviation(signal, 10.0, points=5)
    for tau, deviation in zip(curve.tau, curve.deviation, strict=True):
        m = round(tau * 10)
        means = np.convolve(signal, np.ones(m) / m, mode="valid")
        expected = np.sqrt(np.mean((means[m:] - means[:-m]) ** 2) / 2)
        np.testing.assert_allclose(deviation, expected, rtol=1e-9)


def test_a_linear_drift_reads_rate_times_tau():
    curve = allan_deviation(0.3 * np.arange(1000) / RATE, RATE)
    np.testing.assert_allclose(curve.deviation, 0.3 * curve.tau / np.sqrt(2), rtol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_fit_recovers_the_noise_of_long_streams(seed):
    noise = {"white": WHITE, "instability": INSTABILITY, "walk": WALK}
    fit = fit_allan(allan_deviation(still_sensor(seed, hours=6, **noise), RATE))
    assert fit.white == pytest.approx(WHITE, rel=0.01)
    assert fit.instability == pytest.approx(INSTABILITY, rel=0.5)
    assert fit.random_walk == pytest.approx(WALK, rel=0.2)
    assert fit.misfit < 1.5
    assert {"white", "random_walk"} <= set(fit.supported)


@pytest.mark.parametrize("seed", range(3))
def test_fit_recovers_instability_where_it_shows(seed):
    noise = {"white": WHITE, "instability": INSTABILITY, "walk": 0.0}
    fit = fit_allan(allan_deviation(still_sensor(seed, hours=6, **noise), RATE))
    assert fit.instability == pytest.approx(INSTABILITY, rel=0.1)
    assert fit.supported == ("white", "instability")


@pytest.mark.parametrize("seed", range(5))
def test_short_streams_support_white_noise_only(seed):
    fit = fit_allan(allan_deviation(still_sensor(seed, 0.01, white=WHITE), RATE))
    assert fit.supported == ("white",)
    assert fit.white == pytest.approx(WHITE, rel=0.05)
    assert fit.density == pytest.approx(WHITE * np.sqrt(2), rel=0.05)


@pytest.mark.parametrize(
    ("signal", "message"),
    [
        (np.zeros((100, 3)), "one channel"),
        (np.zeros(8), "at least 9"),
        (np.append(np.zeros(20), np.nan), "not finite"),
    ],
)
def test_bad_signals_are_refused(signal, message):
    with pytest.raises(ValueError, match=message):
        allan_deviation(signal, RATE)


def test_other_noise_shows_as_misfit():
    vibration = 0.02 * np.sin(2 * np.pi * 0.8 * np.arange(100_000) / RATE)
    signal = still_sensor(0, hours=1 / 3.6, white=WHITE) + vibration
    assert fit_allan(allan_deviation(signal, RATE)).misfit > 5


def test_a_constant_signal_has_no_noise_to_fit():
    with pytest.raises(ValueError, match="no noise"):
        fit_allan(allan_deviation(np.ones(100), RATE))
