"""Rotary positions: pairs of a head's channels turned by position x frequency.

Channel i of the first half pairs with channel i of the second, as in Qwen2:

    (a, b) -> (a cos t - b sin t, b cos t + a sin t),   t = position theta^(-2i / K)
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Int


def turns(
    positions: Int[Array, "B L"], head_dim: int, theta: float
) -> tuple[Float[Array, "B L K2"], Float[Array, "B L K2"]]:
    """Cosine and sine of every position at every frequency, float32."""
    exponents = jnp.arange(0, head_dim, 2, dtype=jnp.float32) / head_dim
    angles = positions[..., None].astype(jnp.float32) * theta ** -exponents[None, None]
    return jnp.cos(angles), jnp.sin(angles)


def rotate(
    x: Float[Array, "B L H K"],
    cosine: Float[Array, "#B L K2"],
    sine: Float[Array, "#B L K2"],
) -> Float[Array, "B L H K"]:
    """Queries or keys turned by their positions, in float32, given back as they came.

    A bfloat16 angle would be off by radians at a few hundred tokens.
    """
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    cosine, sine = cosine[:, :, None], sine[:, :, None]
    turned = (first * cosine - second * sine, second * cosine + first * sine)
    return jnp.concatenate(turned, axis=-1).astype(x.dtype)
