"""A Qwen2 model as pure functions: fresh parameters, their axes and sizes, logits.

Parameters are a plain dict:

    embedding (V, D), head (V, D) unless tied, norm/scale (D,)
    layers/attention/{query,key,value}/{kernel (N, D, H, K), bias (N, H, K)}
    layers/attention/out/kernel (N, H, K, D)
    layers/{gate,up}/kernel (N, D, F), layers/down/kernel (N, F, D)
    layers/{attention_norm,mlp_norm}/scale (N, D)
"""

import functools
import math
from collections.abc import Mapping

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from anymo_jax.language.qwen2.config import Qwen2Config
from anymo_jax.language.qwen2.model import Qwen2


@functools.partial(jax.jit, static_argnames=("config", "dtype"))
def init(key: Key[Array, ""], config: Qwen2Config, dtype: str = "float32") -> dict:
    """Fresh parameters in a dtype: normal of deviation 0.02, biases 0, scales 1."""
    params = nn.meta.unbox(_boxed(key, config))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), params)


def axes(config: Qwen2Config) -> dict:
    """Logical axes like the params: embed, heads, mlp, vocab, layers, or None."""
    boxed = jax.eval_shape(lambda: _boxed(jax.random.key(0), config))
    return jax.tree.map(
        lambda box: box.names,
        boxed,
        is_leaf=lambda leaf: isinstance(leaf, nn.meta.AxisMetadata),
    )


def abstract_params(config: Qwen2Config, dtype: str = "float32") -> dict:
    """Shapes and dtypes like the params, without any array."""
    return jax.eval_shape(lambda: init(jax.random.key(0), config, dtype))


def bytes_per_device(
    config: Qwen2Config, parts: Mapping[str, int], dtype: str = "bfloat16"
) -> int:
    """Bytes of parameters that one device holds.

    Args:
      config: of the model.
      parts: by logical axis, the devices it is divided over; an axis that is absent,
        or that they do not divide, is whole on every device.
      dtype: of the parameters.
    """

    def size(leaf, names):
        divided = [parts.get(name, 1) for name in names]
        local = [
            n // p if n % p == 0 else n
            for n, p in zip(leaf.shape, divided, strict=True)
        ]
        return math.prod(local) * leaf.dtype.itemsize

    sizes = jax.tree.map(size, abstract_params(config, dtype), axes(config))
    return sum(jax.tree.leaves(sizes))


def qwen2_logits(
    params: Mapping, config: Qwen2Config, tokens: Int[np.ndarray | Array, "B L"]
) -> Float[Array, "B L V"]:
    """Scores of the token after each, float32; every token is real.

    Raises:
      ValueError: for tokens beyond the vocabulary, or more than the context has.
    """
    check_tokens(tokens, config)
    if np.shape(tokens)[1] > config.max_length:
        raise ValueError(
            f"tokens has {np.shape(tokens)[1]} a row, more than "
            f"max_length={config.max_length}; cut them"
        )
    return _logits(params, config, jnp.asarray(tokens))


def check_tokens(tokens: Int[np.ndarray | Array, "B L"], config: Qwen2Config) -> None:
    """Refuses tokens that have no row in the embedding.

    Raises:
      ValueError: names the range found and the one expected.
    """
    tokens = np.asarray(tokens)
    if tokens.ndim != 2 or not tokens.size:
        raise ValueError(
            f"tokens has shape {tokens.shape}; give (B, L) with at least one token"
        )
    low, high = tokens.min(), tokens.max()
    if low < 0 or high >= config.vocab_size:
        raise ValueError(
            f"tokens range from {low} to {high}, expected 0 to "
            f"{config.vocab_size - 1} (vocab_size={config.vocab_size}); encode them "
            "with this model's tokenizer"
        )


@functools.partial(jax.jit, static_argnames="config")
def _logits(params: Mapping, config: Qwen2Config, tokens: Array) -> Array:
    model, variables = Qwen2(config), {"params": params}
    embeddings = model.apply(variables, tokens, method="embed")
    mask = jnp.ones(tokens.shape, bool)
    hidden = model.apply(variables, embeddings, mask)
    return model.apply(variables, hidden, method="logits")


def _boxed(key: Array, config: Qwen2Config) -> dict:
    embeddings = jnp.zeros((1, 1, config.hidden_size))
    return Qwen2(config).init(key, embeddings, jnp.ones((1, 1), bool))["params"]
