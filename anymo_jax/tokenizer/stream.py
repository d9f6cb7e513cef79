"""Codes as one stream of tokens, on the host (paper, section 3.2).

    s = [k_11, ..., k_1G, k_21, ..., k_LG]

Codebook j (from 0) speaks the tokens j K to (j + 1) K - 1, so that a token tells its
codebook. A window of 75 latent steps and two codebooks is a stream of 150 tokens.
"""

import numpy as np
from jaxtyping import Int

# No token: stands beyond a window's length.
PADDING = -1


def interleave(
    codes: Int[np.ndarray, "*B L G"],
    entries: int,
    length: Int[np.ndarray, "..."] | None = None,
    padding: int = PADDING,
) -> Int[np.ndarray, "*B N"]:
    """Codes (*B, L, G) to tokens (*B, L G) int32, `padding` beyond G `length`.

    Args:
      codes: in [0, entries) within the length.
      entries: K of each codebook.
      length: (*B) valid steps of each window; all of them where it is left out.
      padding: the value beyond a window; not a token.

    Raises:
      ValueError: for codes out of range, lengths beyond L, a padding that is a token.
    """
    codes = np.asarray(codes)
    *batch, steps, codebooks = codes.shape
    valid = _valid(length, batch, steps)
    if 0 <= padding < entries * codebooks:
        raise ValueError(f"padding {padding} is a token; give a negative value")
    check_codes(np.where(valid[..., None], codes, 0), entries)
    tokens = codes + entries * np.arange(codebooks)
    tokens = np.where(valid[..., None], tokens, padding)
    return tokens.reshape(*batch, steps * codebooks).astype(np.int32)


def separate(
    tokens: Int[np.ndarray, "*B N"],
    entries: int,
    codebooks: int = 2,
    padding: int = PADDING,
) -> tuple[Int[np.ndarray, "*B L G"], Int[np.ndarray, "*B"]]:
    """Tokens back to codes (*B, L, G) int32, zero beyond the length, and lengths (*B).

    Raises:
      ValueError: for a stream that ends within a step, tokens out of range or of
        another codebook than their place says, or padding before the end.
    """
    tokens = np.asarray(tokens)
    *batch, count = tokens.shape
    if count % codebooks:
        raise ValueError(
            f"tokens has {count} entries a window, not a multiple of {codebooks} "
            "codebooks; give whole steps"
        )
    steps = tokens.reshape(*batch, count // codebooks, codebooks)
    is_token = steps != padding
    valid = is_token.all(axis=-1)
    if (is_token.any(axis=-1) != valid).any():
        raise ValueError("tokens ends a window within a step; pad whole steps")
    length = valid.sum(axis=-1)
    if (valid != _valid(length, batch, valid.shape[-1])).any():
        raise ValueError(
            "tokens has padding before a window's last token; move it last"
        )
    codes = np.where(valid[..., None], steps - entries * np.arange(codebooks), 0)
    wrong = (codes < 0) | (codes >= entries)
    if wrong.any():
        *where, step, codebook = (int(i) for i in np.argwhere(wrong)[0])
        first = entries * codebook
        raise ValueError(
            f"tokens{[*where, step * codebooks + codebook]} is "
            f"{steps[wrong][0]}, expected {first} to {first + entries - 1} there"
        )
    return codes.astype(np.int32), np.asarray(length, np.int32)


def check_codes(codes: Int[np.ndarray, "..."], entries: int) -> None:
    """Raises a ValueError that names the first code outside [0, entries)."""
    wrong = (codes < 0) | (codes >= entries)
    if wrong.any():
        where = [int(i) for i in np.argwhere(wrong)[0]]
        raise ValueError(
            f"codes{where} is {codes[wrong][0]}, expected 0 to {entries - 1}"
        )


def _valid(
    length: Int[np.ndarray, "..."] | None, batch: list[int], steps: int
) -> np.ndarray:
    if length is None:
        return np.ones((*batch, steps), bool)
    length = np.asarray(length)
    if length.shape != tuple(batch):
        raise ValueError(f"length has shape {length.shape}, expected {tuple(batch)}")
    if (length < 0).any() or (length > steps).any():
        raise ValueError(f"length goes beyond the {steps} steps, or below zero")
    return np.arange(steps) < length[..., None]
