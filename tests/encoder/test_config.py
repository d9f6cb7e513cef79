"""Configs refuse what cannot be, and count latent steps."""

import numpy as np
import pytest

from anymo_jax.encoder import EncoderConfig, PredictorConfig


def test_the_defaults_are_the_papers():
    config = EncoderConfig()
    assert config.latent_length(300) == 75
    assert config.width == 256
    assert config.nodes * config.features == 138
    assert hash(config) == hash(EncoderConfig())


def test_latent_steps_are_rounded_up():
    length = np.arange(1, 302)
    expected = -(-length // 4)
    np.testing.assert_array_equal(EncoderConfig().latent_length(length), expected)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"channels": (4, 4)}, "channels has 2 blocks and strides 10"),
        ({"channels": (), "strides": ()}, "at least one"),
        ({"kernel": 8}, "kernel=8"),
        ({"magnitudes": True, "in_channels": 3}, "in_channels=3"),
        ({"norm": "group"}, "norm='group' is none of batch, layer"),
        ({"norm_updates": "full"}, "norm_updates='full'"),
        ({"dtype": "float16"}, "dtype='float16'"),
        ({"message_passing": "sparse"}, "message_passing='sparse'"),
    ],
)
def test_an_impossible_encoder_is_refused(changed, told):
    with pytest.raises(ValueError, match=told):
        EncoderConfig(**changed)


def test_an_impossible_predictor_is_refused():
    with pytest.raises(ValueError, match="heads=7 do not divide width=256"):
        PredictorConfig(heads=7)
    with pytest.raises(ValueError, match="dtype='half'"):
        PredictorConfig(dtype="half")
