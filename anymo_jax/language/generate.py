"""Text from a Qwen2 model: a prompt in, one token after another out.

The prompt is read at once and its keys and values are kept; every further token is one
step of a loop on the device, which ends when each row has met a stop token. Prompts and
the room for new tokens are padded to powers of two, so that few programs are compiled.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from anymo_jax.language.qwen2.apply import check_tokens
from anymo_jax.language.qwen2.cache import Cache, init_cache
from anymo_jax.language.qwen2.config import Qwen2Config
from anymo_jax.language.qwen2.model import Qwen2
from anymo_jax.language.qwen2.sampling import Sampling, choose, make_sampling

_SMALLEST_BUCKET = 16


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class _State:
    """Between steps: tokens (B, room), how many are made, rows that have stopped."""

    tokens: jax.Array
    count: jax.Array
    stopped: jax.Array
    cache: Cache


def generate(
    params: Mapping,
    config: Qwen2Config,
    tokens: Int[np.ndarray | Array, "B L"],
    *,
    max_new_tokens: int,
    mask: Bool[np.ndarray | Array, "B L"] | None = None,
    embeddings: Float[np.ndarray | Array, "B L D"] | None = None,
    temperature: float = 0.0,
    top_p: float = 1.0,
    stop: Sequence[int] = (),
    key: Key[Array, ""] | None = None,
) -> Int[np.ndarray, "B n"]:
    """Continues prompts.

    Args:
      params, config: of a Qwen2 model.
      tokens: prompts.
      max_new_tokens: n, at least 1.
      mask: real tokens; the others are padding on the left. None where all are real.
      embeddings: what the model reads in place of the prompts' own embeddings, for IMU
        tokens and soft prompts; new tokens are embedded by the model.
      temperature: 0 takes the likeliest token; above it, tokens are drawn from
        softmax(logits / temperature).
      top_p: tokens are drawn from the likeliest whose probabilities first sum to this.
      stop: tokens that end a row.
      key: of the draws; needed where the temperature is above 0.

    Returns:
      (B, L + n) int32: the prompts as given and the new tokens. After its stop token a
      row is filled with the first of `stop`.

    Raises:
      ValueError: before any compute; names the argument that does not fit.
    """
    tokens = np.asarray(tokens)
    mask = np.ones(tokens.shape, bool) if mask is None else np.asarray(mask)
    _check_prompts(config, tokens, mask, embeddings)
    _check_room(config, mask, max_new_tokens)
    sampling = make_sampling(config.vocab_size, temperature, top_p, stop, key)
    tokens = tokens.astype(np.int32)
    # On the host, since padding on the device would be a program for every length.
    prompt = tokens if embeddings is None else np.asarray(embeddings)
    prompt, real = _bucketed(prompt, mask, config)
    room = _bucket(max_new_tokens, config)
    limit = jnp.int32(max_new_tokens)
    new = _generate(params, config, prompt, real, sampling, limit, room)
    return np.concatenate([tokens, np.asarray(new)[:, :max_new_tokens]], axis=1)


@functools.partial(jax.jit, static_argnames=("config", "room"))
def _generate(
    params: Mapping,
    config: Qwen2Config,
    prompt: Array,
    mask: Bool[Array, "B L"],
    sampling: Sampling,
    limit: Int[Array, ""],
    room: int,
) -> Int[Array, "B room"]:
    """New tokens of prompts, which are tokens (B, L) or embeddings (B, L, D)."""
    call = functools.partial(Qwen2(config).apply, {"params": params})

    def following(x, mask, cache):
        hidden, cache = call(x, mask, cache)
        return call(hidden[:, -1:], method="logits")[:, 0], cache

    def step(state: _State) -> _State:
        last = jax.lax.dynamic_slice_in_dim(state.tokens, state.count - 1, 1, axis=1)
        going = ~state.stopped[:, None]
        logits, cache = following(call(last, method="embed"), going, state.cache)
        return _extended(state, logits, cache, sampling)

    def goes_on(state: _State) -> Bool[Array, ""]:
        return (state.count < limit) & ~state.stopped.all()

    batch, length = mask.shape
    x = call(prompt, method="embed") if prompt.ndim == 2 else prompt
    logits, cache = following(x, mask, init_cache(config, batch, length + room))
    tokens = jnp.full((batch, room), sampling.pad)
    start = _State(tokens, jnp.int32(0), jnp.zeros(batch, bool), cache)
    first = _extended(start, logits, cache, sampling)
    return jax.lax.while_loop(goes_on, step, first).tokens


def _extended(
    state: _State, logits: Float[Array, "B V"], cache: Cache, sampling: Sampling
) -> _State:
    """The state with the tokens that follow."""
    chosen = choose(logits, sampling, state.count)
    chosen = jnp.where(state.stopped, sampling.pad, chosen)
    ends = (chosen[:, None] == sampling.stop[None]).any(axis=1)
    tokens = jax.lax.dynamic_update_slice_in_dim(
        state.tokens, chosen[:, None], state.count, axis=1
    )
    return _State(tokens, state.count + 1, state.stopped | ends, cache)


def _check_prompts(
    config: Qwen2Config,
    tokens: np.ndarray,
    mask: np.ndarray,
    embeddings: np.ndarray | Array | None,
) -> None:
    check_tokens(tokens, config)
    if mask.shape != tokens.shape or mask.dtype != bool:
        raise ValueError(
            f"mask is {mask.dtype} of shape {mask.shape}; expected bool of the shape "
            f"of tokens, {tokens.shape}"
        )
    if not mask[:, -1].all() or (mask[:, :-1] & ~mask[:, 1:]).any():
        raise ValueError(
            "mask has padding after a real token, or a row of padding; move the "
            "padding to the left and give each row a token"
        )
    expected = (*tokens.shape, config.hidden_size)
    if embeddings is not None and np.shape(embeddings) != expected:
        raise ValueError(
            f"embeddings has shape {np.shape(embeddings)}, expected {expected}"
        )


def _check_room(config: Qwen2Config, mask: np.ndarray, max_new_tokens: int) -> None:
    longest = int(mask.sum(axis=1).max())
    if longest > config.max_length:
        raise ValueError(
            f"a prompt has {longest} tokens, the context max_length="
            f"{config.max_length}; cut it"
        )
    if not 1 <= max_new_tokens <= config.max_length - longest:
        raise ValueError(
            f"max_new_tokens is {max_new_tokens}; expected at least 1, and after a "
            f"prompt of {longest} tokens at most {config.max_length - longest}, since "
            f"the context is max_length={config.max_length}"
        )


def _bucketed(
    prompt: np.ndarray, mask: np.ndarray, config: Qwen2Config
) -> tuple[np.ndarray, np.ndarray]:
    """Prompt and mask cut to the longest row, then padded on the left to a bucket."""
    longest = int(mask.sum(axis=1).max())
    prompt, mask = prompt[:, -longest:], mask[:, -longest:]
    left = _bucket(longest, config) - longest
    widths = [(0, 0), (left, 0)] + [(0, 0)] * (prompt.ndim - 2)
    return np.pad(prompt, widths), np.pad(mask, [(0, 0), (left, 0)])


def _bucket(size: int, config: Qwen2Config) -> int:
    """The power of two that holds `size`, at most the context."""
    power = 1 << (size - 1).bit_length()
    return min(max(power, _SMALLEST_BUCKET), config.max_length)
