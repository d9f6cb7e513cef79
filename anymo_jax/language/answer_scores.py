"""How likely a Qwen2 model holds given answers to be, token by token.

The prompt is read once; its keys and values are then shared by all answers to it.
"""

import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from anymo_jax.language.qwen2.apply import check_tokens
from anymo_jax.language.qwen2.cache import Cache, init_cache
from anymo_jax.language.qwen2.config import Qwen2Config
from anymo_jax.language.qwen2.model import Qwen2


def answer_log_likelihood(
    params: Mapping,
    config: Qwen2Config,
    tokens: Int[np.ndarray, "B L"],
    mask: Bool[np.ndarray, "B L"],
    answers: Int[np.ndarray, "B C A"],
    length: Int[np.ndarray, "B C"],
) -> Float[np.ndarray, "B C A"]:
    """Log probability of each token of each answer, given prompt and tokens before it.

    Args:
      params, config: of a Qwen2 model.
      tokens: prompts, padded on the left.
      mask: real tokens of the prompts.
      answers: C answers to each prompt, padded on the right.
      length: real tokens of each answer, at least one; beyond it the result is zero.

    Raises:
      ValueError: for tokens that the model has not, padding on the right of a prompt,
        an answer without a token, or more tokens than the context has.
    """
    for rows in (tokens, answers.reshape(-1, answers.shape[2])):
        check_tokens(rows, config)
    if not mask[:, -1].all() or (mask[:, :-1] & ~mask[:, 1:]).any():
        raise ValueError("mask: move the padding of prompts to the left")
    if not ((length >= 1) & (length <= answers.shape[2])).all():
        raise ValueError(f"length: give 1 to {answers.shape[2]} tokens to every answer")
    longest = int((mask.sum(axis=1)[:, None] + length).max())
    if longest > config.max_length:
        raise ValueError(
            f"prompt and answer have {longest} tokens, the context has max_length = "
            f"{config.max_length}: offer fewer or shorter answers"
        )
    found = _scores(params, config, *map(np.asarray, (tokens, mask, answers, length)))
    return np.asarray(found)


@functools.partial(jax.jit, static_argnames="config")
def _scores(
    params: Mapping,
    config: Qwen2Config,
    tokens: Int[Array, "B L"],
    mask: Bool[Array, "B L"],
    answers: Int[Array, "B C A"],
    length: Int[Array, "B C"],
) -> Float[Array, "B C A"]:
    call = functools.partial(Qwen2(config).apply, {"params": params})
    batch, choices, count = answers.shape
    # One slot for each token of a row, and those of an answer's padding.
    cache = init_cache(config, batch, tokens.shape[1] + count)
    hidden, cache = call(call(tokens, method="embed"), mask, cache)
    last = jnp.repeat(hidden[:, -1:], choices, axis=0)
    said = answers.reshape(batch * choices, count)
    real = jnp.arange(count)[None] < length.reshape(-1, 1)
    if count > 1:
        cache = _shared(cache, choices)
        following, _ = call(call(said[:, :-1], method="embed"), real[:, :-1], cache)
        last = jnp.concatenate([last, following], axis=1)

    def one(step):
        # A step at a time: the logits of all would not fit a large vocabulary.
        state, token = step
        logits = call(state[:, None], method="logits")[:, 0]
        chosen = jnp.take_along_axis(logits, token[:, None], axis=1)[:, 0]
        return chosen - jax.nn.logsumexp(logits, axis=1)

    steps = jnp.swapaxes(last, 0, 1), said.T
    found = jnp.where(real, jax.lax.map(one, steps).T, 0.0)
    return found.reshape(batch, choices, count)


def _shared(cache: Cache, choices: int) -> Cache:
    """The cache of each prompt, once for each of its answers."""
    return Cache(
        jnp.repeat(cache.keys, choices, axis=1),
        jnp.repeat(cache.values, choices, axis=1),
        jnp.repeat(cache.length, choices),
    )
