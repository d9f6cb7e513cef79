"""Codebooks that follow the data by moving averages, and what happens to unused codes.

With n_k the chunks that chose code k in the batch and s_k their sum (van den Oord et
al., "Neural discrete representation learning", 2017, appendix A.1; paper, A.3):

    N_k <- decay N_k + (1 - decay) n_k          m_k <- decay m_k + (1 - decay) s_k
    e_k  = m_k / ((N_k + eps) / (sum N + K eps) * sum N)

then each code with N_k below `dead_below` of the mean size becomes a chunk of the
batch: e_k = m_k = that chunk, N_k = max(mean, 1).

A codebook is a dict of arrays: embedding (G, K, C), cluster_size (G, K), embed_avg
(G, K, C), all float32. Under jit on a sharded batch the sums run over all devices, and
every device computes the same codebook.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Key

from anymo_jax.tokenizer.config import TokenizerConfig

Codebook = dict[str, Array]


def init_codebook(key: Key[Array, ""], config: TokenizerConfig) -> Codebook:
    """Normal draws of unit expected length and no usage yet, as the official code.

    The first update replaces nearly all of them by chunks of the batch, because hardly
    any is the nearest of one. The official code counts the draws themselves in the
    moving sums while the sizes start at zero, so that the first average of a used code
    is off by up to decay / (1 - decay) times its draw. With "means" the sums start at
    zero as well: on clustered data (256 codes, 2,000 chunks a step) the squared error
    was 0.28 against 0.38 after 5 steps, 0.20 against 0.21 after 300.
    """
    shape = (config.codebooks, config.entries, config.code_width)
    embedding = jax.random.normal(key, shape) / jnp.sqrt(config.code_width)
    counted = embedding if config.start == "official" else jnp.zeros(shape)
    return _codebook(embedding, jnp.zeros(shape[:2]), counted)


def update_codebook(
    codebook: Codebook,
    chunks: Float[Array, "M G C"],
    codes: Int[Array, "M G"],
    valid: Bool[Array, "M"],
    key: Key[Array, ""],
    config: TokenizerConfig,
) -> Codebook:
    """The codebook after one batch: moving averages, then dead codes replaced.

    Args:
      codebook: before the batch.
      chunks: projected latents that were quantised.
      codes: what they were quantised to.
      valid: chunks that count; the others lie beyond their window's length.
      key: draws the chunks that replace dead codes.
      config: decay, laplace, dead_below.
    """
    with jax.named_scope("update_codebook"):
        chunks = jax.lax.stop_gradient(chunks).astype(jnp.float32)
        keys = jax.random.split(key, config.codebooks)
        one = functools.partial(_update_one, config=config)
        axes = (0, 1, 1, None, 0)
        return jax.vmap(one, in_axes=axes)(codebook, chunks, codes, valid, keys)


def _update_one(
    codebook: Codebook,
    chunks: Float[Array, "M C"],
    codes: Int[Array, "M"],
    valid: Bool[Array, "M"],
    key: Key[Array, ""],
    config: TokenizerConfig,
) -> Codebook:
    chosen, summed = _accumulate(chunks, codes, valid, config.entries)
    size = config.decay * codebook["cluster_size"] + (1 - config.decay) * chosen
    total = config.decay * codebook["embed_avg"] + (1 - config.decay) * summed
    mean = total / _smoothed(size, config.laplace)[:, None]
    # Where no chunk ever came there is no mean; it shows with dead_below = 0 only.
    embedding = jnp.where((size > 0)[:, None], mean, codebook["embedding"])
    drawn, any_valid = _draw(key, chunks, valid, config.entries)
    dead = (size < config.dead_below * jnp.mean(size)) & any_valid
    # The nth dead code takes the nth draw, so that no chunk serves twice needlessly.
    fresh = drawn[jnp.maximum(jnp.cumsum(dead) - 1, 0)]
    return _codebook(
        jnp.where(dead[:, None], fresh, embedding),
        jnp.where(dead, jnp.maximum(jnp.mean(size), 1), size),
        jnp.where(dead[:, None], fresh, total),
    )


def _accumulate(
    chunks: Float[Array, "M C"],
    codes: Int[Array, "M"],
    valid: Bool[Array, "M"],
    entries: int,
) -> tuple[Float[Array, "K"], Float[Array, "K C"]]:
    """How many valid chunks chose each code, and their sum.

    On a CPU, at 76,800 chunks and 2,048 codes, the product with one-hot rows took 60
    times as long as this scatter.
    """
    weight = valid.astype(chunks.dtype)
    # Selected, not multiplied: what lies beyond a window's length need not be finite.
    chunks = jnp.where(valid[:, None], chunks, 0)
    chosen = jax.ops.segment_sum(weight, codes, entries)
    return chosen, jax.ops.segment_sum(chunks, codes, entries)


def _smoothed(size: Float[Array, "K"], laplace: float) -> Float[Array, "K"]:
    """Laplace smoothing that keeps the total; above zero even for an empty codebook."""
    total = jnp.sum(size)
    smoothed = (size + laplace) / (total + len(size) * laplace) * total
    return jnp.maximum(smoothed, max(laplace, jnp.finfo(size.dtype).tiny))


def _draw(
    key: Key[Array, ""],
    chunks: Float[Array, "M C"],
    valid: Bool[Array, "M"],
    count: int,
) -> tuple[Float[Array, "K C"], Bool[Array, ""]]:
    """`count` random valid chunks, distinct while they last; whether there is one."""
    rank = jnp.where(valid, jax.random.uniform(key, valid.shape), -1)
    _, order = jax.lax.top_k(rank, min(count, len(valid)))
    found = jnp.sum(valid)
    available = jnp.clip(found, 1, len(order))
    return chunks[order[jnp.arange(count) % available]], found > 0


def _codebook(embedding: Array, size: Array, total: Array) -> Codebook:
    return {"embedding": embedding, "cluster_size": size, "embed_avg": total}
