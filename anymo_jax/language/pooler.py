"""From the states of a span of tokens to one vector: latent attention (section 3.3).

    h  = x + Attention(query = norm(x), key and value = norm(latents))
    h  = h + SwiGLU(norm(h))
    out = mean of h over the span

The pooler of NV-Embed (Lee et al., "NV-Embed", 2024, section 3.1) with the sizes of
AnyMo: the states ask, a learned dictionary of latents answers, and the mean comes last.
As there, norms stand before each part and on the latents, residuals go around both
parts, and no projection has a bias. Two things are read into AnyMo's few words: the
width of the feed-forward part is twice the states' ("FF x 2"), and the width of a head
is D / H. One token's output depends on no other token, so that what lies outside the
span reaches nothing.
"""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

_KERNEL = nn.initializers.lecun_normal()
_LATENTS = nn.initializers.normal(0.02)
_DTYPES = ("float32", "bfloat16")


@dataclasses.dataclass(frozen=True)
class PoolerConfig:
    """Sizes of a latent-attention pooler; the defaults are AnyMo's.

    Attributes:
      width: D, of the states.
      latents: vectors in the dictionary.
      heads: H, of the attention; divides the width.
      feed_forward: hidden width of the SwiGLU part, in widths D.
      norm_epsilon: of every RMSNorm.
      dtype: of the arithmetic; norms and the mean are float32.

    Raises:
      ValueError: names the field that is out of range.
    """

    width: int
    latents: int = 128
    heads: int = 8
    feed_forward: int = 2
    norm_epsilon: float = 1e-6
    dtype: str = "float32"

    def __post_init__(self):
        for name in ("width", "latents", "heads", "feed_forward"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.width % self.heads:
            raise ValueError(
                f"heads {self.heads} do not divide the width {self.width}; give a "
                "divisor"
            )
        if self.dtype not in _DTYPES:
            raise ValueError(f"dtype is {self.dtype!r}; give one of {_DTYPES}")


class LatentAttentionPooler(nn.Module):
    """States of tokens to one vector for each example."""

    config: PoolerConfig

    @nn.compact
    def __call__(
        self, states: Float[Array, "B L D"], span: Bool[Array, "B L"]
    ) -> Float[Array, "B D"]:
        """Pooled states, float32; zeros for an example whose span is empty.

        Args:
          states: of the last layer.
          span: tokens to pool: the code tokens of an IMU prompt, the words of a text.
        """
        config = self.config
        box = nn.with_logical_partitioning
        shape = (config.latents, config.width)
        latents = self.param("latents", box(_LATENTS, (None, "embed")), shape)
        x = states.astype(config.dtype)
        attention = CrossAttention(config, name="attention")
        x = x + attention(
            _rms_norm(config, "norm_states")(x),
            _rms_norm(config, "norm_latents")(latents),
        )
        x = x + SwiGLU(config, name="mlp")(_rms_norm(config, "norm_mlp")(x))
        return masked_mean(x, span)


class CrossAttention(nn.Module):
    """Every token attends to all latents."""

    config: PoolerConfig

    @nn.compact
    def __call__(
        self, x: Float[Array, "B L D"], latents: Float[Array, "M D"]
    ) -> Float[Array, "B L D"]:
        """What the latents answer."""
        config = self.config
        heads, width = config.heads, config.width // config.heads
        asked = _dense((heads, width), config, ("embed", "heads", None), "query")(x)
        names = ("embed", None, "heads", None)
        both = _dense((2, heads, width), config, names, "key_value")(latents)
        # The same for every example; a batch axis that is shared keeps B where it is.
        key, value = (
            jnp.broadcast_to(both[None, :, i], (len(x), *both[:, i].shape))
            for i in range(2)
        )
        answer = jax.nn.dot_product_attention(asked, key, value)
        out = _dense(config.width, config, ("heads", None, "embed"), "out", (-2, -1))
        return out(answer)


class SwiGLU(nn.Module):
    """down( silu(gate(x)) * up(x) ) (Shazeer, "GLU variants", 2020)."""

    config: PoolerConfig

    @nn.compact
    def __call__(self, x: Float[Array, "B L D"]) -> Float[Array, "B L D"]:
        """The same width again."""
        config = self.config
        hidden = config.feed_forward * config.width
        gate = _dense(hidden, config, ("embed", "mlp"), "gate")(x)
        up = _dense(hidden, config, ("embed", "mlp"), "up")(x)
        down = _dense(config.width, config, ("mlp", "embed"), "down")
        return down(nn.silu(gate) * up)


def masked_mean(
    states: Float[Array, "B L D"], span: Bool[Array, "B L"]
) -> Float[Array, "B D"]:
    """Mean over the span, float32; zeros, and no gradient, where it is empty."""
    # Selected, not multiplied: what lies outside the span need not be finite.
    chosen = jnp.where(span[..., None], states.astype(jnp.float32), 0)
    count = jnp.sum(span, axis=1, dtype=jnp.float32)
    return jnp.sum(chosen, axis=1) / jnp.maximum(count, 1)[:, None]


def init_pooler(key: Key[Array, ""], config: PoolerConfig) -> dict:
    """Fresh params, plain dicts of arrays."""
    return nn.meta.unbox(_boxed(key, config))


def pooler_axes(config: PoolerConfig) -> dict:
    """Logical axes like the params, a tuple each."""
    boxed = jax.eval_shape(lambda: _boxed(jax.random.key(0), config))
    return jax.tree.map(tuple, nn.get_partition_spec(boxed))


@functools.partial(jax.jit, static_argnames="config")
def _boxed(key: Array, config: PoolerConfig) -> dict:
    states, span = jnp.zeros((1, 1, config.width)), jnp.ones((1, 1), bool)
    return LatentAttentionPooler(config).init(key, states, span)["params"]


def _rms_norm(config: PoolerConfig, name: str) -> nn.RMSNorm:
    return nn.RMSNorm(
        epsilon=config.norm_epsilon,
        dtype=config.dtype,
        scale_init=nn.with_logical_partitioning(nn.initializers.ones, (None,)),
        name=name,
    )


def _dense(
    features: int | tuple[int, ...],
    config: PoolerConfig,
    names: tuple[str | None, ...],
    name: str,
    axis: int | tuple[int, ...] = -1,
) -> nn.DenseGeneral:
    return nn.DenseGeneral(
        features,
        axis=axis,
        use_bias=False,
        dtype=config.dtype,
        kernel_init=nn.with_logical_partitioning(_KERNEL, names),
        name=name,
    )
