"""The BERT encoder in Flax and the unit vectors of sentences.

    x = norm(words + positions + type 0)                      [embed, then __call__]
    layers x ( x = norm(x + attention(x)); x = norm(x + mlp(x)) )      post-norm
    vector = pool(x over the real tokens), to unit norm        [embed_texts]

Devlin et al., 2019, https://arxiv.org/abs/1810.04805; pooling: Reimers and Gurevych,
2019, https://arxiv.org/abs/1908.10084. There is no dropout: the tower is a frozen or
lightly tuned reader of labels and captions.
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from anymo_jax.language.bert.config import ACTIVATIONS, BertConfig

_KERNEL = nn.initializers.normal(0.02)
# As PyTorch's normalize: below it a vector counts as zero.
_SMALLEST_NORM = 1e-12


class Bert(nn.Module):
    """Token states of texts. Callers pass embeddings, so that others may be put in."""

    config: BertConfig

    def setup(self):
        config = self.config
        table = functools.partial(
            nn.Embed, features=config.hidden_size, dtype=config.compute_dtype
        )
        self.words = table(
            config.vocab_size, embedding_init=_axes(_KERNEL, "vocab", "embed")
        )
        embedding_init = _axes(_KERNEL, None, "embed")
        self.positions = table(config.max_length, embedding_init=embedding_init)
        self.types = table(config.types, embedding_init=embedding_init)
        self.norm = _layer_norm(config, "norm")
        # One compiled layer for all of them; its parameters gain a leading axis.
        self.layers = nn.scan(
            Layer,
            variable_axes={"params": 0},
            split_rngs={"params": True},
            in_axes=nn.broadcast,
            length=config.layers,
            metadata_params={nn.PARTITION_NAME: None},
        )(config)

    def embed(self, tokens: Int[Array, "B L"]) -> Float[Array, "B L D"]:
        """Word embeddings, without positions."""
        return self.words(tokens)

    def __call__(
        self, embeddings: Float[Array, "B L D"], mask: Bool[Array, "B L"]
    ) -> Float[Array, "B L D"]:
        """States of the last layer, float32.

        Args:
          embeddings: of tokens, or whatever stands in their place.
          mask: real tokens. Positions count these alone, and only these are attended
            to; the states elsewhere mean nothing.

        Raises:
          ValueError: for more tokens than there are learned positions.
        """
        length, longest = mask.shape[1], self.config.max_length
        if length > longest:
            raise ValueError(
                f"{length} tokens are more than the max_length={longest} learned "
                "positions; cut the texts"
            )
        position = jnp.maximum(jnp.cumsum(mask, axis=1) - 1, 0)
        kind = jnp.zeros_like(position)
        x = embeddings + self.positions(position) + self.types(kind)
        x = self.norm(x).astype(self.config.compute_dtype)
        x, _ = self.layers(x, mask)
        return x.astype(jnp.float32)

    def states(
        self, tokens: Int[Array, "B L"], mask: Bool[Array, "B L"]
    ) -> Float[Array, "B L D"]:
        """States of the last layer for tokens."""
        return self(self.embed(tokens), mask)


class Layer(nn.Module):
    """norm(x + attention(x)), then norm(x + mlp(x))."""

    config: BertConfig

    @nn.compact
    def __call__(self, x: Float[Array, "B L D"], mask: Bool[Array, "B L"]):
        """A layer's output, and None for the scan to collect."""
        config = self.config
        attended = Attention(config, name="attention")(x, mask)
        x = _layer_norm(config, "attention_norm")(x + attended).astype(x.dtype)
        h = _dense(config.intermediate_size, ("embed", "mlp"), x.dtype, "mlp_in")(x)
        h = jax.nn.gelu(h, approximate=ACTIVATIONS[config.activation])
        h = _dense(config.hidden_size, ("mlp", "embed"), x.dtype, "mlp_out")(h)
        return _layer_norm(config, "mlp_norm")(x + h).astype(x.dtype), None


class Attention(nn.Module):
    """Multi-head self-attention over the real tokens."""

    config: BertConfig

    @nn.compact
    def __call__(
        self, x: Float[Array, "B L D"], mask: Bool[Array, "B L"]
    ) -> Float[Array, "B L D"]:
        """Attended x."""
        heads = (self.config.heads, self.config.hidden_size // self.config.heads)
        query, key, value = (
            nn.DenseGeneral(
                heads,
                dtype=x.dtype,
                kernel_init=_axes(_KERNEL, "embed", "heads", None),
                bias_init=_axes(nn.initializers.zeros, "heads", None),
                name=name,
            )(x)
            for name in ("query", "key", "value")
        )
        attended = jax.nn.dot_product_attention(
            query, key, value, mask=mask[:, None, None]
        )
        return nn.DenseGeneral(
            self.config.hidden_size,
            axis=(-2, -1),
            dtype=x.dtype,
            kernel_init=_axes(_KERNEL, "heads", None, "embed"),
            bias_init=_axes(nn.initializers.zeros, "embed"),
            name="out",
        )(attended)


def init_bert(key: Key[Array, ""], config: BertConfig) -> dict:
    """Fresh parameters, plain dicts of float32 arrays; layers are stacked."""
    return nn.meta.unbox(_boxed(key, config))


def bert_axes(config: BertConfig) -> dict:
    """Logical axes like the parameters: a name or None per dimension."""
    boxed = jax.eval_shape(lambda: _boxed(jax.random.key(0), config))
    is_box = lambda leaf: isinstance(leaf, nn.meta.AxisMetadata)  # noqa: E731
    return jax.tree.map(lambda box: box.names, boxed, is_leaf=is_box)


@functools.partial(jax.jit, static_argnames="config")
def embed_texts(
    params: dict,
    config: BertConfig,
    tokens: Int[Array | np.ndarray, "B L"],
    mask: Bool[Array | np.ndarray, "B L"],
) -> Float[Array, "B D"]:
    """Vectors of unit norm, one a text.

    Args:
      params: of `load_bert` or `init_bert`.
      config: static.
      tokens: ids, special tokens included; anything where not real.
      mask: real tokens, on either side. A row without any gives zeros.

    Raises:
      ValueError: for more tokens than there are learned positions.
    """
    states = Bert(config).apply({"params": params}, tokens, mask, method="states")
    real = mask.astype(jnp.float32)
    if config.pooling == "cls":
        first = jnp.argmax(real, axis=1)
        real = real * jax.nn.one_hot(first, mask.shape[1])
    total = jnp.einsum("bld,bl->bd", states, real)
    pooled = total / jnp.maximum(real.sum(axis=1), 1)[:, None]
    square = jnp.sum(jnp.square(pooled), axis=1, keepdims=True)
    return pooled * jax.lax.rsqrt(jnp.maximum(square, _SMALLEST_NORM**2))


@functools.partial(jax.jit, static_argnames="config")
def _boxed(key: Array, config: BertConfig) -> dict:
    tokens = jnp.zeros((1, 1), jnp.int32)
    variables = Bert(config).init(key, tokens, jnp.ones((1, 1), bool), method="states")
    return variables["params"]


def _axes(init, *names):
    return nn.with_logical_partitioning(init, names)


def _layer_norm(config: BertConfig, name: str) -> nn.LayerNorm:
    return nn.LayerNorm(
        epsilon=config.norm_epsilon,
        dtype=jnp.float32,
        use_fast_variance=False,
        scale_init=_axes(nn.initializers.ones, "embed"),
        bias_init=_axes(nn.initializers.zeros, "embed"),
        name=name,
    )


def _dense(width: int, names: tuple[str, str], dtype, name: str) -> nn.Dense:
    return nn.Dense(
        width,
        dtype=dtype,
        kernel_init=_axes(_KERNEL, *names),
        bias_init=_axes(nn.initializers.zeros, names[1]),
        name=name,
    )
