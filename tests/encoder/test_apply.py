"""The doors for users: numpy in and out, and errors that name the argument."""

import jax
import numpy as np
import pytest

from anymo_jax import encoder
from tests.encoder.cases import SMALL, latent, variables, views

PREDICTOR = encoder.PredictorConfig(layers=1, width=8, heads=2, max_length=12)


def test_latents_are_the_models():
    given = variables()
    signal, visible, valid = views()
    valid[0, :, 3:] = False
    length = np.array([24, 9, 20])
    found = encoder.encode(given, SMALL, signal, visible, length, channel_valid=valid)
    assert isinstance(found, np.ndarray)
    assert found.dtype == np.float32
    expected = latent(given, signal, visible, valid, length)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("cut", "told"),
    [
        (lambda s, v, n: (s[:, :, :22], v[:, :22], n), "visible has shape"),
        (lambda s, v, n: (s[..., :3], v, n), "signal has shape"),
        (lambda s, v, n: (s, v, n + 10), "length is .* from 1 to 24"),
        (lambda s, v, n: (s, v, n * 0), "length is .* from 1 to 24"),
    ],
)
def test_what_does_not_fit_is_named(cut, told):
    signal, visible, _ = views()
    length = np.array([24, 9, 20])
    with pytest.raises(ValueError, match=told):
        encoder.encode(variables(), SMALL, *cut(signal, visible, length))


def test_predictions_are_the_models():
    given = encoder.init_predictor(jax.random.key(0), PREDICTOR)
    z = np.random.default_rng(0).normal(size=(2, 6, 8)).astype(np.float32)
    length = np.array([6, 3])
    found = encoder.predict_full(given, PREDICTOR, z, length)
    assert isinstance(found, np.ndarray)
    model = encoder.TemporalPredictor(PREDICTOR)
    expected = jax.jit(model.apply)(given, z, length)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_latents_of_another_width_are_named():
    given = encoder.init_predictor(jax.random.key(0), PREDICTOR)
    with pytest.raises(ValueError, match="latents have width 9, expected 8"):
        encoder.predict_full(given, PREDICTOR, np.zeros((2, 6, 9), np.float32))
