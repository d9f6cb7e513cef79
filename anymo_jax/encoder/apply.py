"""Latents for users: numpy in, numpy out, compiled once per shape.

Parameters may come from `official` or from a checkpoint of our own.
"""

import functools
from collections.abc import Mapping

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anymo_jax.encoder.config import EncoderConfig, PredictorConfig
from anymo_jax.encoder.model import STGCNEncoder
from anymo_jax.encoder.predictor import TemporalPredictor


def encode(
    variables: Mapping,
    config: EncoderConfig,
    signal: Float[np.ndarray | Array, "B T N C"],
    visible: Bool[np.ndarray | Array, "B N"],
    length: Int[np.ndarray | Array, "B"] | None = None,
    *,
    channel_valid: Bool[np.ndarray | Array, "B N C"] | None = None,
) -> Float[np.ndarray, "B L D"]:
    """Latents of sparse or full views, zero beyond their valid steps.

    Args:
      variables: {"params": ..., "batch_stats": ...}.
      config: of the encoder.
      signal: m/s^2 and rad/s at 60 Hz; anything at nodes that are not visible.
      visible: nodes that carry a sensor.
      length: valid frames, 1 to T; None for all.
      channel_valid: channels that a node's sensor has; None for all.

    Raises:
      ValueError: names the argument whose shape or values do not fit.
    """
    batch, nodes = np.shape(signal)[0], config.nodes
    expected = {"visible": (visible, (batch, nodes))}
    expected["signal"] = (
        signal,
        (batch, np.shape(signal)[1], nodes, config.in_channels),
    )
    if channel_valid is not None:
        shape = (batch, nodes, config.in_channels)
        expected["channel_valid"] = (channel_valid, shape)
    for name, (array, shape) in expected.items():
        if np.shape(array) != shape:
            raise ValueError(f"{name} has shape {np.shape(array)}, expected {shape}")
    _check_length(length, batch, np.shape(signal)[1])
    signal = np.asarray(signal, np.float32)
    view = (signal, np.asarray(visible), channel_valid, length)
    return np.asarray(_encode(dict(variables), config, *view))


def predict_full(
    variables: Mapping,
    config: PredictorConfig,
    latents: Float[np.ndarray | Array, "B L D"],
    length: Int[np.ndarray | Array, "B"] | None = None,
) -> Float[np.ndarray, "B L D"]:
    """Full-view latents predicted from those of sparse views.

    Args:
      variables: {"params": ...}.
      config: of the predictor.
      latents: as of `encode`.
      length: valid latent steps, 1 to L; None for all.

    Raises:
      ValueError: names the argument whose shape or values do not fit.
    """
    shape = np.shape(latents)
    if shape[2] != config.width:
        raise ValueError(f"latents have width {shape[2]}, expected {config.width}")
    _check_length(length, *shape[:2])
    latents = np.asarray(latents, np.float32)
    return np.asarray(_predict(dict(variables), config, latents, length))


def _check_length(length, batch: int, longest: int) -> None:
    if length is None:
        return
    length = np.asarray(length)
    if length.shape != (batch,) or length.min() < 1 or length.max() > longest:
        raise ValueError(f"length is {length}, expected ({batch},) from 1 to {longest}")


@functools.partial(jax.jit, static_argnames="config")
def _encode(variables, config, signal, visible, channel_valid, length):
    model = STGCNEncoder(config)
    return model.apply(variables, signal, visible, channel_valid, length)


@functools.partial(jax.jit, static_argnames="config")
def _predict(variables, config, latents, length):
    return TemporalPredictor(config).apply(variables, latents, length)
