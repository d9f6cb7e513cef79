"""Causal self-attention with grouped heads, of real tokens without gaps between them.

Since no padding stands before a real token, causality alone keeps every real query off
the padding: no mask is made, and cuDNN's flash attention, which would turn a mask into
a bias of L x L values, skips the half that causality rules out.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from anymo_jax.language.qwen2.cache import store
from anymo_jax.language.qwen2.config import Qwen2Config
from anymo_jax.language.qwen2.rope import rotate, turns

# Widest head of cuDNN's flash attention on every architecture that has it.
_WIDEST_HEAD = 128
_AMPERE = 8.0

# Keys and values of one layer.
Stored = tuple[Float[Array, "B S H K"], Float[Array, "B S H K"]]


class Attention(nn.Module):
    """Queries, keys and values with biases, rotary positions, and a projection out."""

    config: Qwen2Config

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B L D"],
        start: Int[Array, "B"],
        stored: Stored | None,
        prompt: bool,
    ) -> tuple[Float[Array, "B L D"], Stored | None]:
        """Attended x and, where there is a cache, its layer with the new tokens.

        Args:
          x: normalised; real tokens first.
          start: tokens of each row before these.
          stored: this layer of the cache, None where there is none.
          prompt: no token comes before these in any row.
        """
        config = self.config
        query = self._heads("query", config.heads)(x)
        key = self._heads("key", config.kv_heads)(x)
        value = self._heads("value", config.kv_heads)(x)
        positions = start[:, None] + jnp.arange(x.shape[1])[None]
        angles = turns(positions, config.head_dim, config.rope_theta)
        query, key = rotate(query, *angles), rotate(key, *angles)
        if stored is not None:
            stored = (store(stored[0], key, start), store(stored[1], value, start))
        if prompt:
            attended = _attend_causally(query, key, value, config)
        else:
            attended = _attend_stored(query, *stored, positions)
        return self._out(attended), stored

    def _heads(self, name: str, heads: int) -> nn.DenseGeneral:
        box = nn.with_logical_partitioning
        return nn.DenseGeneral(
            (heads, self.config.head_dim),
            dtype=self.config.dtype,
            kernel_init=box(self.config.initializer, ("embed", "heads", None)),
            bias_init=box(nn.initializers.zeros, ("heads", None)),
            name=name,
        )

    def _out(self, attended: Float[Array, "B L H K"]) -> Float[Array, "B L D"]:
        return nn.DenseGeneral(
            self.config.hidden_size,
            axis=(-2, -1),
            use_bias=False,
            dtype=self.config.dtype,
            kernel_init=nn.with_logical_partitioning(
                self.config.initializer, ("heads", None, "embed")
            ),
            name="out",
        )(attended)


def implementation(config: Qwen2Config) -> str:
    """What computes attention here, "cudnn" or "xla", as `config.attention` asks."""
    if config.attention != "auto":
        return config.attention
    device = jax.devices()[0]
    if device.platform != "gpu" or "cuda" not in device.client.platform_version:
        return "xla"
    fits = config.head_dim % 8 == 0 and config.head_dim <= _WIDEST_HEAD
    newer = float(device.compute_capability) >= _AMPERE
    return "cudnn" if config.dtype == "bfloat16" and fits and newer else "xla"


def _attend_causally(
    query: Float[Array, "B L H K"],
    key: Float[Array, "B L H2 K"],
    value: Float[Array, "B L H2 K"],
    config: Qwen2Config,
) -> Float[Array, "B L H K"]:
    return jax.nn.dot_product_attention(
        query, key, value, is_causal=True, implementation=implementation(config)
    )


def _attend_stored(
    query: Float[Array, "B L H K"],
    keys: Float[Array, "B S H2 K"],
    values: Float[Array, "B S H2 K"],
    positions: Int[Array, "B L"],
) -> Float[Array, "B L H K"]:
    slots = jnp.arange(keys.shape[1])[None, None]
    seen = slots <= positions[..., None]
    # A step has one query: there is nothing for flash attention to save.
    return jax.nn.dot_product_attention(
        query, keys, values, mask=seen[:, None], implementation="xla"
    )
