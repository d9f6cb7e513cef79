"""How good latents are, on views that the training did not see.

Retrieval asks what Eq. 3 trains: does the prediction from a few sensors find the full
view of its own window among others? Alignment and uniformity are those of Wang and
Isola 2020. All are functions of arrays; pools are drawn on the host.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from anymo_jax.encoder.loss import info_nce, similarity, unit

POOL = 64


def draw_pools(
    clip: Int[np.ndarray, "W"], pools: int, *, size: int = POOL, seed: int = 0
) -> Int[np.ndarray, "R S"]:
    """Pools of windows to be told apart, each from `size` different clips.

    Args:
      clip: id of the clip of each window.
      pools: R.
      size: S, windows of a pool; chance is 1 / S.
      seed: of the draw.

    Raises:
      ValueError: where there are fewer clips than `size`.
    """
    names, which = np.unique(clip, return_inverse=True)
    if len(names) < size:
        raise ValueError(
            f"{len(names)} clips are too few for pools of {size}; hold out more clips, "
            "or name a smaller size (and its chance)"
        )
    windows = [np.flatnonzero(which == i) for i in range(len(names))]
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            [rng.choice(windows[i]) for i in rng.permutation(len(names))[:size]]
            for _ in range(pools)
        ]
    )


def retrieval_hits(
    predicted: Float[Array | np.ndarray, "W L D"],
    full: Float[Array | np.ndarray, "W L D"],
    length: Int[Array | np.ndarray, "W"],
    pools: Int[Array | np.ndarray, "R S"],
) -> Float[Array, "R S"]:
    """Whether each prediction of a pool finds its own window first, 1 or 0.

    Top-1 is the mean. A tie is no hit.

    Args:
      predicted: from sparse views, by `TemporalPredictor`.
      full: full-view latents of the same windows in another setup.
      length: valid latent steps.
      pools: indices of windows, as of `draw_pools`.
    """

    def one(pool: Int[Array, "S"]) -> Float[Array, "S"]:
        at = length[pool]
        score = similarity(predicted[pool], full[pool], at, at)
        return info_nce(score, temperature=1.0).top1

    predicted, full, length = (jnp.asarray(x) for x in (predicted, full, length))
    return jax.lax.map(one, jnp.asarray(pools))


def window_embedding(
    latent: Float[Array, "W L D"], length: Int[Array, "W"]
) -> Float[Array, "W D"]:
    """Unit vectors of the means over valid latent steps."""
    valid = jnp.arange(latent.shape[1])[None] < length[:, None]
    return unit(jnp.where(valid[..., None], latent, 0).sum(axis=1))


def alignment(x: Float[Array, "W D"], y: Float[Array, "W D"]) -> Float[Array, ""]:
    """Mean squared distance of matching unit vectors; 0 is perfect."""
    return jnp.mean(jnp.sum(jnp.square(x - y), axis=-1))


def uniformity(x: Float[Array, "W D"]) -> Float[Array, ""]:
    """log mean exp(-2 |x_i - x_j|^2) over pairs i < j of unit vectors.

    0 where all are one; about -4 where they spread evenly in many dimensions.
    """
    squared = 2 - 2 * _cosines(x, x)
    upper = jnp.triu(jnp.ones(squared.shape, bool), 1)
    total = jax.nn.logsumexp(jnp.where(upper, -2 * squared, -jnp.inf))
    return total - jnp.log(len(x) * (len(x) - 1) / 2)


def relative_distance(
    real: Float[Array, "W D"], simulated: Float[Array, "W D"]
) -> Float[Array, ""]:
    """Cosine distance of real to simulated latents of the same windows, over others.

    0 where a real sensor's latent is that of its simulation; 1 where it is no nearer
    than another window's simulation.

    Args:
      real, simulated: unit vectors of the same windows, at least two.
    """
    distance = 1 - _cosines(real, simulated)
    paired = jnp.diagonal(distance)
    windows = len(real)
    unpaired = (distance.sum() - paired.sum()) / (windows * (windows - 1))
    return paired.mean() / unpaired


def _cosines(x: Float[Array, "W D"], y: Float[Array, "V D"]) -> Float[Array, "W V"]:
    return jnp.matmul(x, y.T, precision=jax.lax.Precision.HIGHEST)
