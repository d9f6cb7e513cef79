"""Keys and values of the tokens so far, so that a new token attends without them.

Rows are stored without gaps: slot i holds the i-th real token of its row, whatever
padding the prompt came with.
"""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from anymo_jax.language.qwen2.config import Qwen2Config


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Cache:
    """Keys and values by layer.

    Attributes:
      keys: (N, B, S, H', K), N layers, S slots, H' key and value heads; turned by
        their positions already.
      values: (N, B, S, H', K).
      length: (B,) int32, slots in use of each row.
      empty: nothing is stored in any row; a static fact, which lets a prompt attend to
        itself alone.
    """

    keys: jax.Array
    values: jax.Array
    length: jax.Array
    empty: bool = dataclasses.field(default=False, metadata={"static": True})

    @property
    def slots(self) -> int:
        """S, tokens that fit a row."""
        return self.keys.shape[2]


def init_cache(config: Qwen2Config, batch: int, slots: int) -> Cache:
    """An empty cache.

    Args:
      config: of the model.
      batch: B.
      slots: S; at least the real tokens of the longest row, plus the width of the last
        call's padding.
    """
    shape = (config.layers, batch, slots, config.kv_heads, config.head_dim)
    zeros = jnp.zeros(shape, config.dtype)
    return Cache(zeros, zeros, jnp.zeros(batch, jnp.int32), empty=True)


def store(
    stored: Float[Array, "B S H K"],
    new: Float[Array, "B L H K"],
    start: Int[Array, "B"],
) -> Float[Array, "B S H K"]:
    """`new` written at slots start to start + L of each row of one layer."""

    def row(stored, new, start):
        return jax.lax.dynamic_update_slice_in_dim(stored, new, start, axis=0)

    return jax.vmap(row)(stored, new, start)
