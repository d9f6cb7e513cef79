"""Token sequences put together from parts whose lengths are known in the step alone.

How many code tokens a window has hangs on its change of tempo, which is drawn inside
the jitted step. A prompt is therefore a list of parts, each a padded row of tokens and
its length, and is laid end to end here.
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

Tokens = Int[Array | np.ndarray, "B _"]
Lengths = Int[Array | np.ndarray, "B"]
Part = tuple[Tokens, Lengths]


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Spliced:
    """Sequences of one batch, padded at their end.

    Attributes:
      tokens: (B, L) int32, zero beyond the length.
      part: (B, L) int32, index of the part that a token comes from; -1 beyond.
      length: (B,) int32.
      sizes: tokens that each part can come to; static.
    """

    tokens: jax.Array | np.ndarray
    part: jax.Array | np.ndarray
    length: jax.Array | np.ndarray
    sizes: tuple[int, ...] = dataclasses.field(metadata={"static": True})


def splice(parts: Sequence[Part], size: int | None = None) -> Spliced:
    """Parts end to end.

    Args:
      parts: tokens (B, P_i) and lengths (B,), 0 to P_i, of each part.
      size: L; None takes what the parts can come to.

    Raises:
      ValueError: for a size that the parts can exceed.
    """
    most = sum(tokens.shape[1] for tokens, _ in parts)
    size = most if size is None else size
    if size < most:
        raise ValueError(
            f"parts of up to {most} tokens do not fit {size}; shorten the texts or the "
            "windows, or allow longer sequences"
        )
    batch = len(parts[0][1])
    tokens = jnp.zeros((batch, size), jnp.int32)
    origin = jnp.full((batch, size), -1, jnp.int32)
    start = jnp.zeros(batch, jnp.int32)
    row = jnp.arange(batch)[:, None]
    for index, (part, length) in enumerate(parts):
        place = jnp.arange(part.shape[1])[None]
        # Out of bounds, and so dropped, where the part has no token.
        target = jnp.where(place < length[:, None], start[:, None] + place, size)
        tokens = tokens.at[row, target].set(part.astype(jnp.int32), mode="drop")
        origin = origin.at[row, target].set(index, mode="drop")
        start = start + length
    return Spliced(tokens, origin, start, tuple(p.shape[1] for p, _ in parts))


def padded(rows: Sequence[Sequence[int]], size: int | None = None) -> Part:
    """Rows of ids as one part: (B, P) int32 and (B,) int32.

    Args:
      rows: ids of each example.
      size: P; None takes the longest row.

    Raises:
      ValueError: for a row longer than `size`.
    """
    lengths = np.array([len(row) for row in rows], np.int32)
    longest = int(lengths.max(initial=0))
    size = longest if size is None else size
    if longest > size:
        raise ValueError(
            f"row {int(lengths.argmax())} has {longest} tokens, more than {size}; "
            "shorten the text, or allow more tokens"
        )
    part = np.zeros((len(rows), size), np.int32)
    for i, row in enumerate(rows):
        part[i, : len(row)] = row
    return part, lengths
