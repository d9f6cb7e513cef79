"""Latents to codes and codes to latents, for users: any sizes, few compiled shapes.

Steps are encoded each by itself, so windows are laid end to end and padded to a bucket.
Windows are decoded whole, padded to a bucket in number and in steps, with lengths.
"""

import functools

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.model import decode, project, valid_steps
from anymo_jax.tokenizer.quantizer import code_vectors, nearest_codes
from anymo_jax.tokenizer.stream import check_codes

# Steps and windows that run at once; more are taken in turns.
_STEPS = 16384
_WINDOWS = 256


def encode_codes(
    variables: dict,
    config: TokenizerConfig,
    latents: Float[np.ndarray | Array, "..."],
) -> Int[np.ndarray, "B L G"]:
    """Codes of latents (B, L, D), each step by itself, int32 in [0, entries).

    Steps beyond a window's length get codes as well; cut them by its length.

    Raises:
      ValueError: for latents of another width, or not finite.
    """
    latents = np.asarray(latents, np.float32)
    if latents.ndim != 3 or latents.shape[-1] != config.latent:
        raise ValueError(
            f"latents has shape {latents.shape}, expected (B, L, {config.latent})"
        )
    if not np.isfinite(latents).all():
        raise ValueError("latents has values that are not finite; mend the encoder's")
    steps = latents.reshape(-1, config.latent)
    codes = np.empty((len(steps), config.codebooks), np.int32)
    for part in _parts(len(steps), _STEPS):
        padded = _padded(steps[part], (_bucket(len(steps[part]), _STEPS),))
        codes[part] = _encode(variables, config, padded)[: len(steps[part])]
    return codes.reshape(*latents.shape[:2], config.codebooks)


def decode_codes(
    variables: dict,
    config: TokenizerConfig,
    codes: Int[np.ndarray | Array, "..."],
    length: Int[np.ndarray | Array, "..."] | None = None,
) -> Float[np.ndarray, "B L D"]:
    """Latents of codes (B, L, G), float32, zero beyond `length` (B), if there is one.

    Raises:
      ValueError: for codes that the codebooks do not have, or lengths outside 1 to L.
    """
    codes = np.asarray(codes)
    if codes.ndim != 3 or codes.shape[-1] != config.codebooks:
        raise ValueError(
            f"codes has shape {codes.shape}, expected (B, L, {config.codebooks})"
        )
    batch, steps, _ = codes.shape
    length = np.full(batch, steps) if length is None else np.asarray(length)
    if length.shape != (batch,) or (length < 1).any() or (length > steps).any():
        raise ValueError(f"length is {length}, expected ({batch},) from 1 to {steps}")
    check_codes(codes[np.arange(steps) < length[:, None]], config.entries)
    latents = np.empty((batch, steps, config.latent), np.float32)
    for part in _parts(batch, _WINDOWS):
        shape = (_bucket(len(codes[part]), _WINDOWS), _bucket(steps))
        padded = _padded(codes[part].astype(np.int32), shape)
        # A window of padding has one step, for its statistics to exist.
        valid = _padded(length[part].astype(np.int32), shape[:1], 1)
        result = _decode(variables, config, padded, valid)
        latents[part] = result[: len(codes[part]), :steps]
    return latents


@functools.partial(jax.jit, static_argnames="config")
def _encode(
    variables: dict, config: TokenizerConfig, steps: Float[Array, "M D"]
) -> Int[Array, "M G"]:
    chunks = project(variables["params"], config, steps[:, None])
    return nearest_codes(chunks, variables["codebook"]["embedding"])[:, 0]


@functools.partial(jax.jit, static_argnames="config")
def _decode(
    variables: dict,
    config: TokenizerConfig,
    codes: Int[Array, "B L G"],
    length: Int[Array, "B"],
) -> Float[Array, "B L D"]:
    vectors = code_vectors(codes, variables["codebook"]["embedding"])
    valid = valid_steps(length, codes.shape[1])
    return decode(variables["params"], config, vectors, valid)


def _bucket(count: int, most: int | None = None) -> int:
    """The next size of 1, 2, 3, 4, 6, 8, 12, 16, ...; at most a third is padding."""
    power = 1 << (count - 1).bit_length()
    size = power * 3 // 4 if power >= 4 and count <= power * 3 // 4 else power
    return size if most is None else min(size, most)


def _parts(count: int, most: int) -> list[slice]:
    return [slice(i, min(i + most, count)) for i in range(0, count, most)]


def _padded(array: np.ndarray, shape: tuple[int, ...], value: int = 0) -> np.ndarray:
    """Grows the leading axes to `shape`."""
    widths = [(0, n - m) for n, m in zip(shape, array.shape, strict=False)]
    rest = [(0, 0)] * (array.ndim - len(widths))
    return np.pad(array, widths + rest, constant_values=value)
