"""How the next token is chosen: the likeliest, or a draw from all or from the nucleus.

The nucleus is the fewest likeliest tokens whose probabilities sum to top_p (Holtzman et
al. 2020, The Curious Case of Neural Text Degeneration).
"""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sampling:
    """How tokens are chosen and when a row ends.

    Attributes:
      key: of the draws.
      temperature: () above 0 where tokens are drawn.
      top_p: () probability of the nucleus.
      stop: (n,) int32, tokens that end a row.
      pad: () int32, what follows them.
      how: "greedy", "draw" or "nucleus"; static, since drawing from all tokens needs no
        sorted vocabulary.
    """

    key: jax.Array
    temperature: jax.Array
    top_p: jax.Array
    stop: jax.Array
    pad: jax.Array
    how: str = dataclasses.field(metadata={"static": True})


def make_sampling(
    vocab_size: int,
    temperature: float = 0.0,
    top_p: float = 1.0,
    stop: Sequence[int] = (),
    key: Key[Array, ""] | None = None,
) -> Sampling:
    """The sampling that these arguments of `generate` ask for.

    Raises:
      ValueError: names the argument that is out of range, or the key that is missing.
    """
    if not 0 <= temperature < float("inf"):
        raise ValueError(f"temperature is {temperature}; give 0 or more")
    if not 0 < top_p <= 1:
        raise ValueError(f"top_p is {top_p}; give more than 0 and at most 1")
    if temperature > 0 and key is None:
        raise ValueError(f"key is None, and temperature {temperature} draws; give one")
    beyond = [token for token in stop if not 0 <= token < vocab_size]
    if beyond:
        raise ValueError(
            f"stop has {beyond}, expected 0 to {vocab_size - 1} (vocab_size="
            f"{vocab_size}); encode them with this model's tokenizer"
        )
    how = "greedy" if temperature == 0 else "draw" if top_p == 1 else "nucleus"
    return Sampling(
        key=jax.random.key(0) if key is None else key,
        temperature=jnp.float32(temperature),
        top_p=jnp.float32(top_p),
        stop=jnp.asarray(list(stop), jnp.int32),
        pad=jnp.int32(stop[0] if len(stop) else 0),
        how=how,
    )


def choose(
    logits: Float[Array, "B V"], sampling: Sampling, count: Int[Array, ""]
) -> Int[Array, "B"]:
    """The next token of each row, int32.

    Args:
      logits: of the next token.
      sampling: of `make_sampling`.
      count: new tokens so far; every one has a key of its own.
    """
    if sampling.how == "greedy":
        return jnp.argmax(logits, axis=-1).astype(jnp.int32)
    key = jax.random.fold_in(sampling.key, count)
    logits = logits / sampling.temperature
    if sampling.how == "draw":
        return jax.random.categorical(key, logits).astype(jnp.int32)
    likeliest = jnp.argsort(-logits, axis=-1)
    logits = jnp.take_along_axis(logits, likeliest, axis=-1)
    probability = jax.nn.softmax(logits, axis=-1)
    before = jnp.cumsum(probability, axis=-1) - probability
    # The likeliest has nothing before it, so that one is left whatever top_p is.
    logits = jnp.where(before < sampling.top_p, logits, -jnp.inf)
    drawn = jax.random.categorical(key, logits)
    drawn = jnp.take_along_axis(likeliest, drawn[:, None], axis=-1)
    return drawn[:, 0].astype(jnp.int32)
