"""A contrastive batch larger than memory: gradient caching (Gao et al., 2021; A.4).

A batch is encoded in chunks by a scan over `jax.checkpoint`, which keeps the embeddings
alone and encodes each chunk once more on the way back. The contrastive terms see all
embeddings at once; the gradient is that of the whole batch.

    embeddings = encode_in_chunks(encode, inputs, chunk=32, key=key)     (B, D)
    loss       = contrast(embeddings, ...)

Randomness replays by itself, for the keys are arguments of what is recomputed. Every
example has a key of its own, folded from its place in the batch, so that neither the
size of the chunks nor the number of devices changes a draw.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Key


def encode_in_chunks(
    encode: Callable[..., Any],
    inputs: Any,
    *,
    chunk: int,
    key: Key[Array, ""] | None = None,
) -> Any:
    """What `encode` gives for the whole batch, at the memory of a chunk.

    Chunk i of n holds the examples i, i + n, i + 2n, ...: a batch that is sharded along
    B has a part of each chunk on every device, and no input moves between devices. That
    takes a chunk that the devices divide; a smaller one is correct, and leaves devices
    idle.

    Args:
      encode: (inputs (C, ...)) -> pytree of (C, ...), or with a key (inputs, keys (C,))
        -> the same. Example by example: nothing of one may depend on another, and each
        draws from its own key. It closes over the params and may do so over tracers.
      inputs: pytree of arrays (B, ...).
      chunk: C, examples encoded at once; B encodes plainly and recomputes nothing.
      key: of all examples, or None where nothing is drawn.

    Returns:
      pytree of arrays (B, ...): embeddings, or sums of a loss for each example.

    Raises:
      ValueError: for inputs of different B, or a chunk that does not divide B.
    """
    batch = _batch_of(inputs)
    if chunk < 1 or batch % chunk:
        divisors = [c for c in range(1, batch + 1) if batch % c == 0]
        raise ValueError(
            f"chunk {chunk} does not divide the batch of {batch} examples; give one "
            f"of {divisors}"
        )
    arguments = (inputs,) if key is None else (inputs, example_keys(key, batch))
    if chunk == batch:
        return encode(*arguments)
    # Within a scan nothing can be merged with its recomputation, and the barriers that
    # else prevent it cost time.
    recomputed = jax.checkpoint(encode, prevent_cse=False)
    with jax.named_scope("encode_in_chunks"):
        chunks = jax.tree.map(lambda x: _dealt(x, chunk), arguments)
        _, out = jax.lax.scan(lambda _, part: (None, recomputed(*part)), None, chunks)
        return jax.tree.map(_gathered, out)


def example_keys(key: Key[Array, ""], batch: int) -> Key[Array, "B"]:
    """One key for each example, by its place in the batch."""
    return jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(batch))


def _batch_of(inputs: Any) -> int:
    sizes = sorted({x.shape[0] for x in jax.tree.leaves(inputs)})
    if len(sizes) != 1:
        raise ValueError(
            f"inputs have the batch sizes {sizes}; give arrays with one common leading "
            "axis"
        )
    return sizes[0]


def _dealt(x: Array, chunk: int) -> Array:
    """(B, ...) to (n, C, ...); the axis that a mesh holds becomes C, unmoved."""
    return jnp.moveaxis(x.reshape(chunk, -1, *x.shape[1:]), 1, 0)


def _gathered(x: Array) -> Array:
    """(n, C, ...) back to (B, ...)."""
    return jnp.moveaxis(x, 0, 1).reshape(-1, *x.shape[2:])
