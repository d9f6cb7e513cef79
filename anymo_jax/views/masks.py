"""Which nodes of a sparse view carry a sensor, and which channels it has (A.3)."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from anymo_jax.views.options import NODES, VisibleNodes

_RATE = np.arange(6) >= 3


def visible_nodes(key: Array, nodes: VisibleNodes) -> Bool[Array, "23"]:
    """Nodes drawn without replacement, their number uniform; or every node.

    Weighted draws are successive: each next node is drawn among those left with a
    chance in proportion to its weight, by the largest of log weights plus Gumbel noise.
    """
    with jax.named_scope("views/masks"):
        number, which = jax.random.split(key)
        count = jax.random.randint(number, (), nodes.lowest, nodes.highest + 1)
        if nodes.full:
            every = jax.random.bernoulli(jax.random.fold_in(number, 1), nodes.full)
            count = jnp.where(every, NODES, count)
        score = jax.random.gumbel(which, (NODES,))
        if nodes.weights is not None:
            score = score + jnp.log(jnp.array(nodes.weights, jnp.float32))
        rank = jnp.sum(score[None, :] > score[:, None], axis=1)
        return rank < count


def draw_visible_nodes(
    rng: np.random.Generator, nodes: VisibleNodes
) -> Bool[np.ndarray, "23"]:
    """The same draw on the host, for a text that names the visible nodes."""
    if nodes.full and rng.random() < nodes.full:
        return np.ones(NODES, bool)
    count = rng.integers(nodes.lowest, nodes.highest + 1)
    weights = np.ones(NODES) if nodes.weights is None else np.asarray(nodes.weights)
    chosen = rng.choice(NODES, count, replace=False, p=weights / weights.sum())
    return np.isin(np.arange(NODES), chosen)


def present_channels(key: Array, drop_gyroscope: float) -> Bool[Array, "23 6"]:
    """Channels of a view whose sensors all lack a gyroscope with a probability."""
    everything = jnp.ones((NODES, 6), bool)
    if not drop_gyroscope:
        return everything
    dropped = jax.random.bernoulli(key, drop_gyroscope)
    return everything & ~(dropped & jnp.asarray(_RATE))[None]


def with_magnitudes(
    signal: Float[Array, "*B T 23 6"], channel_valid: Bool[Array, "*B 23 6"]
) -> tuple[Float[Array, "*B T 23 8"], Bool[Array, "*B 23 8"]]:
    """The six channels and the magnitudes of force and rate beside them.

    Magnitudes do not depend on how a sensor is turned. One is valid where its three
    components are; its gradient at zero is zero.
    """
    force, rate = _norm(signal[..., :3]), _norm(signal[..., 3:])
    valid = [
        channel_valid[..., part].all(axis=-1, keepdims=True)
        for part in (slice(0, 3), slice(3, 6))
    ]
    return (
        jnp.concatenate([signal, force, rate], axis=-1),
        jnp.concatenate([channel_valid, *valid], axis=-1),
    )


def _norm(vector: Float[Array, "*B 3"]) -> Float[Array, "*B 1"]:
    squared = jnp.sum(vector**2, axis=-1, keepdims=True)
    zero = squared == 0
    return jnp.where(zero, 0.0, jnp.sqrt(jnp.where(zero, 1.0, squared)))
