"""From sparse-view latents to full-view latents, and a head for the ablation.

The predictor q of section 3.2: a pre-norm Transformer over latent steps with learned
positions, exact GELU, and a final norm and projection (paper, section A.2).
"""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from anymo_jax.encoder.config import PredictorConfig
from anymo_jax.encoder.norm import EPSILON

_KERNEL = nn.initializers.xavier_uniform()


class TemporalPredictor(nn.Module):
    """Transformer from the latents of a sparse view to those of a full one."""

    config: PredictorConfig

    @nn.compact
    def __call__(
        self,
        latent: Float[Array | np.ndarray, "B L D"],
        length: Int[Array | np.ndarray, "B"] | None = None,
    ) -> Float[Array, "B L D"]:
        """Predicted latents, float32, zero beyond `length`.

        Args:
          latent: of sparse views.
          length: valid latent steps, at least 1; None for all. Steps beyond it are
            attended to by none.

        Raises:
          ValueError: for more steps than there are learned positions.
        """
        config, dtype = self.config, self.config.compute_dtype
        steps = latent.shape[1]
        if steps > config.max_length:
            raise ValueError(
                f"{steps} latent steps are more than max_length={config.max_length} "
                "learned positions; cut the windows, or train with a larger max_length"
            )
        valid = (
            None
            if length is None
            else jnp.arange(steps)[None] < jnp.asarray(length)[:, None]
        )
        positions = self.param(
            "positions",
            nn.with_logical_partitioning(nn.initializers.normal(0.02), (None, "embed")),
            (config.max_length, config.width),
        )
        x = jnp.asarray(latent, dtype) + positions[None, :steps].astype(dtype)
        make = nn.remat(PredictorBlock) if config.remat else PredictorBlock
        for i in range(config.layers):
            x = make(config, name=f"block_{i}")(x, valid)
        x = _layer_norm(dtype, "norm")(x)
        x = _dense(config.width, dtype, (None, "embed"), "head")(x).astype(jnp.float32)
        return x if valid is None else jnp.where(valid[..., None], x, 0)


class PredictorBlock(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    config: PredictorConfig

    @nn.compact
    def __call__(
        self, x: Float[Array, "B L D"], valid: Bool[Array, "B L"] | None
    ) -> Float[Array, "B L D"]:
        """A block's output."""
        config, dtype = self.config, x.dtype
        x = x + Attention(config, name="attention")(
            _layer_norm(dtype, "norm1")(x), valid
        )
        h = _layer_norm(dtype, "norm2")(x)
        h = _dense(config.mlp * config.width, dtype, ("embed", "mlp"), "mlp_in")(h)
        h = jax.nn.gelu(h, approximate=False)
        return x + _dense(config.width, dtype, ("mlp", "embed"), "mlp_out")(h)


class Attention(nn.Module):
    """Multi-head self-attention over the valid steps."""

    config: PredictorConfig

    @nn.compact
    def __call__(
        self, x: Float[Array, "B L D"], valid: Bool[Array, "B L"] | None
    ) -> Float[Array, "B L D"]:
        """Attended x."""
        heads, box = self.config.heads, nn.with_logical_partitioning
        joined = nn.DenseGeneral(
            (3, heads, self.config.width // heads),
            dtype=x.dtype,
            kernel_init=box(_KERNEL, ("embed", None, "heads", None)),
            bias_init=box(nn.initializers.zeros, (None, "heads", None)),
            name="query_key_value",
        )(x)
        query, key, value = (joined[:, :, i] for i in range(3))
        mask = None if valid is None else valid[:, None, None]
        attended = jax.nn.dot_product_attention(query, key, value, mask=mask)
        attended = attended.reshape(*x.shape)
        return _dense(self.config.width, x.dtype, ("mlp", "embed"), "out")(attended)


class ProjectionHead(nn.Module):
    """Two-layer perceptron of the full-view contrastive ablation (Table 4, A.8)."""

    width: int

    @nn.compact
    def __call__(self, latent: Float[Array, "B L D"]) -> Float[Array, "B L D"]:
        """Projected latents, step by step; zero steps do not stay zero."""
        x = _dense(self.width, latent.dtype, ("embed", "mlp"), "hidden")(latent)
        x = jax.nn.gelu(x, approximate=False)
        return _dense(self.width, latent.dtype, ("mlp", "embed"), "out")(x)


def init_predictor(key: Key[Array, ""], config: PredictorConfig) -> dict:
    """Fresh variables {"params": ...}, plain dicts of arrays."""
    return nn.meta.unbox(_boxed(TemporalPredictor(config), key, config.width))


def predictor_axes(config: PredictorConfig) -> dict:
    """Logical axes like the params: one name ("embed", "mlp") or None each."""
    return _axes(TemporalPredictor(config), config.width)


def init_head(key: Key[Array, ""], width: int) -> dict:
    """Fresh variables {"params": ...} of the projection head."""
    return nn.meta.unbox(_boxed(ProjectionHead(width), key, width))


def head_axes(width: int) -> dict:
    """Logical axes like the params of the projection head."""
    return _axes(ProjectionHead(width), width)


@functools.partial(jax.jit, static_argnames=("module", "width"))
def _boxed(module: nn.Module, key: Array, width: int) -> dict:
    return module.init(key, jnp.zeros((1, 1, width)))


def _axes(module: nn.Module, width: int) -> dict:
    boxed = jax.eval_shape(lambda: _boxed(module, jax.random.key(0), width))["params"]
    return jax.tree.map(
        lambda box: box.names,
        boxed,
        is_leaf=lambda x: isinstance(x, nn.meta.AxisMetadata),
    )


def _layer_norm(dtype, name: str) -> nn.LayerNorm:
    box = nn.with_logical_partitioning
    return nn.LayerNorm(
        epsilon=EPSILON,
        dtype=dtype,
        scale_init=box(nn.initializers.ones, ("embed",)),
        bias_init=box(nn.initializers.zeros, ("embed",)),
        name=name,
    )


def _dense(width: int, dtype, names: tuple[str | None, str], name: str) -> nn.Dense:
    box = nn.with_logical_partitioning
    return nn.Dense(
        width,
        dtype=dtype,
        kernel_init=box(_KERNEL, names),
        bias_init=box(nn.initializers.zeros, names[1:]),
        name=name,
    )
