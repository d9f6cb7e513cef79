"""Qwen2 (2 and 2.5): a decoder of pre-norm layers, as a Flax module.

    x = x + attention(norm(x))
    x = x + down(silu(gate(norm(x))) * up(norm(x)))

Layers are one scanned layer with stacked parameters. Callers pass embeddings, so that
IMU tokens and soft prompts can stand between words.

Inside, the real tokens of a row come first, whatever padding it has outside. Positions
then count real tokens, padding on the left equals padding on the right, and causality
is all the mask there is.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from anymo_jax.language.qwen2.attention import Attention, Stored
from anymo_jax.language.qwen2.cache import Cache
from anymo_jax.language.qwen2.config import Qwen2Config


class Qwen2(nn.Module):
    """Token embedding, layers, final norm and head."""

    config: Qwen2Config

    def setup(self):
        config = self.config
        table = nn.with_logical_partitioning(config.initializer, ("vocab", "embed"))
        shape = (config.vocab_size, config.hidden_size)
        self.embedding = self.param("embedding", table, shape)
        if not config.tie_embeddings:
            self.head = self.param("head", table, shape)
        self.layers = _scanned(config)(config)
        self.norm = _norm(config)

    def embed(self, tokens: Int[Array, "B L"]) -> Float[Array, "B L D"]:
        """Rows of the token embedding, in the dtype of the arithmetic."""
        return self.embedding[tokens].astype(self.config.dtype)

    def __call__(
        self,
        embeddings: Float[Array, "B L D"],
        mask: Bool[Array, "B L"],
        cache: Cache | None = None,
    ) -> Float[Array, "B L D"] | tuple[Float[Array, "B L D"], Cache]:
        """Hidden states after the final norm, float32, zero where the mask is.

        Args:
          embeddings: of tokens, or what stands for them.
          mask: real tokens; the others may stand anywhere and take no part.
          cache: tokens before these; every row has L slots left.

        Returns:
          The hidden states; with a cache also the cache that holds these tokens.

        Raises:
          ValueError: for more tokens than the context has.
        """
        length = embeddings.shape[1]
        if length > self.config.max_length:
            raise ValueError(
                f"{length} tokens are more than max_length={self.config.max_length}; "
                "cut them"
            )
        x = jnp.where(mask[..., None], embeddings, 0).astype(self.config.dtype)
        order = _real_first(mask)
        x, cache = self._decode(_take(x, order), mask, cache)
        hidden = self.norm(_take(x, jnp.argsort(order, axis=1)))
        hidden = jnp.where(mask[..., None], hidden, 0)
        return hidden if cache is None else (hidden, cache)

    def logits(self, hidden: Float[Array, "B L D"]) -> Float[Array, "B L V"]:
        """Scores of every next token, float32."""
        config = self.config
        head = self.embedding if config.tie_embeddings else self.head
        return jnp.einsum(
            "bld,vd->blv",
            hidden.astype(config.dtype),
            head.astype(config.dtype),
            preferred_element_type=jnp.float32,
        )

    def _decode(
        self, x: Float[Array, "B L D"], mask: Bool[Array, "B L"], cache: Cache | None
    ) -> tuple[Float[Array, "B L D"], Cache | None]:
        if cache is None:
            start = jnp.zeros(len(x), jnp.int32)
            return self.layers(x, start, None, True)[0], None
        stored = (cache.keys, cache.values)
        x, stored = self.layers(x, cache.length, stored, cache.empty)
        return x, Cache(*stored, length=cache.length + mask.sum(1, dtype=jnp.int32))


class Layer(nn.Module):
    """Attention and a gated MLP, each around a residual."""

    config: Qwen2Config

    @nn.compact
    def __call__(
        self,
        x: Float[Array, "B L D"],
        start: Int[Array, "B"],
        stored: Stored | None,
        prompt: bool,
    ) -> tuple[Float[Array, "B L D"], Stored | None]:
        """A layer's output and its part of the cache; arguments as of `Attention`."""
        config = self.config
        attended, stored = Attention(config, name="attention")(
            _norm(config, "attention_norm")(x), start, stored, prompt
        )
        x = x + attended
        h = _norm(config, "mlp_norm")(x)
        gate = _dense(config, config.intermediate_size, ("embed", "mlp"), "gate")(h)
        up = _dense(config, config.intermediate_size, ("embed", "mlp"), "up")(h)
        down = _dense(config, config.hidden_size, ("mlp", "embed"), "down")
        return x + down(nn.silu(gate) * up), stored


def _scanned(config: Qwen2Config):
    """The stack of layers as one module; arguments as of `Layer`."""
    layer = Layer
    if config.remat:
        # Within a scan there is nothing that common subexpressions could undo.
        layer = nn.remat(Layer, prevent_cse=False, static_argnums=(4,))
    return nn.scan(
        layer,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        in_axes=(nn.broadcast, 0, nn.broadcast),
        length=config.layers,
        metadata_params={nn.PARTITION_NAME: "layers"},
    )


def _real_first(mask: Bool[Array, "B L"]) -> Int[Array, "B L"]:
    """By row, the indices of real tokens in order, then those of the others."""
    return jnp.argsort(~mask, axis=1, stable=True)


def _take(x: Float[Array, "B L D"], order: Int[Array, "B L"]) -> Float[Array, "B L D"]:
    """Tokens of each row in another order.

    Told that nothing repeats, the compiler needs no atomics in the backward pass.
    """
    if x.shape[1] == 1:
        return x

    def row(x, order):
        return x.at[order].get(unique_indices=True, mode="promise_in_bounds")

    return jax.vmap(row)(x, order)


def _norm(config: Qwen2Config, name: str | None = None) -> nn.RMSNorm:
    """x / rms(x) times a scale, float32 in and out; what follows casts."""
    return nn.RMSNorm(
        epsilon=config.norm_epsilon,
        dtype=jnp.float32,
        scale_init=nn.with_logical_partitioning(nn.initializers.ones, ("embed",)),
        name=name,
    )


def _dense(
    config: Qwen2Config, width: int, names: tuple[str, str], name: str
) -> nn.Dense:
    return nn.Dense(
        width,
        use_bias=False,
        dtype=config.dtype,
        kernel_init=nn.with_logical_partitioning(config.initializer, names),
        name=name,
    )
