"""Derivatives on closed-form motion: values, measured order, response, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from anymo_jax.geometry import derivative
from anymo_jax.geometry.derivative import Differentiation

SCHEMES = {
    "central": Differentiation("central"),
    "repeated": Differentiation("repeated"),
    "bandlimited": Differentiation("bandlimited", cutoff_hz=14.0),
}


def closed_form(times):
    """A position, its velocity and acceleration; all below 1 Hz."""
    w = np.array([2.0, 3.0, 1.0])
    angle = w * times[:, None] + np.array([0.0, 1.0, 2.0])
    return np.sin(angle), w * np.cos(angle), -(w**2) * np.sin(angle)


def turning(times):
    vector = np.stack([np.sin(2 * times), 0.7 * np.cos(3 * times), 2 * times], -1)
    return Rotation.from_rotvec(vector)


def errors(scheme, rate, quantity):
    """Largest error inside 2 s of motion sampled at `rate`, in float64.

    The inside leaves out what the smoother's own ends disturb, half a second.
    """
    times = np.arange(int(2 * rate) + 1) / rate
    position, velocity, acceleration = closed_form(times)
    step = 1e-5
    spin = (turning(times - step).inv() * turning(times + step)).as_rotvec()
    with jax.enable_x64(True):
        how = SCHEMES[scheme]
        if quantity == "velocity":
            found = derivative.first_derivative(jnp.array(position), rate, how)
            error = found - velocity
        elif quantity == "acceleration":
            found = derivative.second_derivative(jnp.array(position), rate, how)
            error = found - acceleration
        else:
            matrices = jnp.array(turning(times).as_matrix())
            found = derivative.angular_velocity(matrices, rate, how)
            error = found - spin / (2 * step)
    inside = slice(int(0.5 * rate), -int(0.5 * rate))
    return np.abs(np.asarray(error))[inside].max()


@pytest.mark.parametrize("quantity", ["velocity", "acceleration", "spin"])
@pytest.mark.parametrize(("scheme", "order"), [("central", 2), ("repeated", 2)])
def test_order_of_convergence(scheme, order, quantity):
    rates = np.array([30.0, 60.0, 120.0])
    found = [errors(scheme, rate, quantity) for rate in rates]
    slope = -np.polyfit(np.log(rates), np.log(found), 1)[0]
    assert slope == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("quantity", ["velocity", "acceleration", "spin"])
def test_fourth_order_of_the_band_limited_scheme(quantity, monkeypatch):
    """With the cut-off far above the motion only the stencil's error is left."""
    monkeypatch.setitem(SCHEMES, "bandlimited", Differentiation("bandlimited", 9.9))
    rates = np.array([20.0, 40.0])
    found = [errors("bandlimited", rate, quantity) for rate in rates]
    slope = -np.polyfit(np.log(rates), np.log(found), 1)[0]
    assert slope == pytest.approx(4, abs=0.5)
    assert errors("bandlimited", 60.0, quantity) < errors("central", 60.0, quantity) / 5


@pytest.mark.parametrize("scheme", ["central", "bandlimited"])
def test_ends_are_of_the_same_order_as_the_inside(scheme):
    """A parabola is differenced exactly by one-sided stencils of second order."""
    times = np.arange(40) / 60
    parabola = jnp.array(1 + 2 * times + 3 * times**2, jnp.float32)[:, None]
    how = Differentiation(scheme, cutoff_hz=20.0)
    velocity = derivative.first_derivative(parabola, 60.0, how)[:, 0]
    acceleration = derivative.second_derivative(parabola, 60.0, how)[:, 0]
    np.testing.assert_allclose(velocity, 2 + 6 * times, atol=2e-3)
    np.testing.assert_allclose(acceleration, 6, atol=0.05)


def test_constant_turn_is_exact():
    times = np.arange(30) / 60
    axis = np.array([1.0, -2.0, 0.5])
    for speed in (1e-4, 1.0, 40.0):
        vector = times[:, None] * axis * speed
        matrices = jnp.array(Rotation.from_rotvec(vector).as_matrix(), jnp.float32)
        found = derivative.angular_velocity(matrices, 60.0)
        np.testing.assert_allclose(found, np.tile(axis * speed, (30, 1)), rtol=2e-3)


def test_band_limited_scheme_suppresses_noise():
    """White noise of 0.1 mm, at 240 Hz: 9.4 m/s^2 RMS by plain differences."""
    noise = 1e-4 * np.random.default_rng(0).normal(size=(480, 1)).astype(np.float32)
    plain = derivative.second_derivative(jnp.array(noise), 240.0)
    quiet = derivative.second_derivative(
        jnp.array(noise), 240.0, Differentiation("bandlimited", 15.0)
    )
    assert np.std(plain) == pytest.approx(1e-4 * np.sqrt(6) * 240**2, rel=0.1)
    assert np.std(quiet) < np.std(plain) / 40


def test_response_of_the_two_stencils_at_a_sixth_of_the_rate():
    """The documented attenuation: sinc^2(f/rate) compact, sinc^2(2f/rate) repeated."""
    rate, frequency = 60.0, 10.0
    times = np.arange(120) / rate
    wave = jnp.array(np.sin(2 * np.pi * frequency * times), jnp.float32)[:, None]
    true = (2 * np.pi * frequency) ** 2
    for scheme, width in (("central", 1), ("repeated", 2)):
        found = derivative.second_derivative(wave, rate, Differentiation(scheme))
        kept = np.abs(found[20:-20]).max() / true
        expected = np.sinc(width * frequency / rate) ** 2
        assert kept == pytest.approx(expected * np.abs(wave[20:-20]).max(), rel=0.01)


def test_gradients_are_finite_for_a_body_at_rest():
    still = jnp.tile(jnp.eye(3), (10, 1, 1))
    gradient = jax.grad(lambda m: derivative.angular_velocity(m, 60.0)[:, 2].sum())
    assert np.isfinite(gradient(still)).all()
    assert np.abs(gradient(still)).max() > 1


def test_errors():
    with pytest.raises(ValueError, match=r"central, repeated, bandlimited"):
        Differentiation("cubic")
    with pytest.raises(ValueError, match=r"too short to difference"):
        derivative.second_derivative(jnp.zeros((3, 1)), 60.0)
    with pytest.raises(ValueError, match=r"half the sampling rate, 30 Hz"):
        how = Differentiation("bandlimited", cutoff_hz=31.0)
        derivative.first_derivative(jnp.zeros((20, 1)), 60.0, how)
    with pytest.raises(ValueError, match=r"cut it into windows"):
        how = Differentiation("bandlimited", cutoff_hz=15.0)
        derivative.first_derivative(jnp.zeros((5000, 1)), 60.0, how)
