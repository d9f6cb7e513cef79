"""From pooled states to the joint space of motion and text (section 3.3).

    h_text = unit( W pooled )
    h_imu  = unit( W pooled + r V norm(mean over code tokens of g(e)) )

g(e) is the projected vector of a code token, as it enters the language model. This
residual ("lightly incorporates averaged projected code-token embeddings") keeps the
fine motion that the codebook tells; the official code has r = 0.5 and an RMSNorm and a
linear map for it. Each modality has a head of its own. Everything here is float32: it
is one vector an example, and a temperature of 0.05 magnifies what half precision loses.
"""

import dataclasses
import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Key

from anymo_jax.encoder.loss import unit
from anymo_jax.language.pooler import masked_mean

_KERNEL = nn.initializers.lecun_normal()


@dataclasses.dataclass(frozen=True)
class HeadConfig:
    """Sizes of the projection heads.

    Attributes:
      width: D, of the pooled states and the code embeddings.
      joint: width of the joint space; neither paper nor official notes tell it.
      residual: r, weight of the code embeddings on the IMU's side; 0 leaves the
        residual and its parameters out.
      norm_epsilon: of the residual's RMSNorm.

    Raises:
      ValueError: names the field that is out of range.
    """

    width: int
    joint: int = 512
    residual: float = 0.5
    norm_epsilon: float = 1e-6

    def __post_init__(self):
        for name in ("width", "joint"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.residual < 0:
            raise ValueError(f"residual is {self.residual}; give 0 or more")


class TextHead(nn.Module):
    """Pooled text to the joint space; narrations and labels share it."""

    config: HeadConfig

    @nn.compact
    def __call__(self, pooled: Float[Array, "B D"]) -> Float[Array, "B J"]:
        """Unit vectors; zeros stay zeros."""
        return unit(_dense(self.config, "projection")(pooled.astype(jnp.float32)))


class ImuHead(nn.Module):
    """Pooled IMU prompt, and the mean of its code embeddings, to the joint space."""

    config: HeadConfig

    @nn.compact
    def __call__(
        self,
        pooled: Float[Array, "B D"],
        embeddings: Float[Array, "B L D"],
        is_code: Bool[Array, "B L"],
    ) -> Float[Array, "B J"]:
        """Unit vectors; zeros stay zeros.

        Args:
          pooled: of the prompt's states.
          embeddings: input embeddings of the prompt, projected codes among them.
          is_code: which of them are code tokens.
        """
        config = self.config
        joint = _dense(config, "projection")(pooled.astype(jnp.float32))
        if config.residual:
            norm = nn.RMSNorm(
                epsilon=config.norm_epsilon,
                scale_init=nn.with_logical_partitioning(nn.initializers.ones, (None,)),
                name="residual_norm",
            )
            codes = _dense(config, "residual")(norm(masked_mean(embeddings, is_code)))
            joint = joint + config.residual * codes
        return unit(joint)


def init_heads(key: Key[Array, ""], config: HeadConfig) -> dict:
    """Fresh params {"imu": ..., "text": ...}, plain dicts of arrays."""
    return nn.meta.unbox(_boxed(key, config))


def head_axes(config: HeadConfig) -> dict:
    """Logical axes like the params, a tuple each."""
    boxed = jax.eval_shape(lambda: _boxed(jax.random.key(0), config))
    return jax.tree.map(tuple, nn.get_partition_spec(boxed))


@functools.partial(jax.jit, static_argnames="config")
def _boxed(key: Array, config: HeadConfig) -> dict:
    for_imu, for_text = jax.random.split(key)
    pooled = jnp.zeros((1, config.width))
    codes = (pooled[:, None], jnp.ones((1, 1), bool))
    return {
        "imu": ImuHead(config).init(for_imu, pooled, *codes)["params"],
        "text": TextHead(config).init(for_text, pooled)["params"],
    }


def _dense(config: HeadConfig, name: str) -> nn.Dense:
    # The joint axis is whole everywhere: the contrast takes products along it.
    return nn.Dense(
        config.joint,
        use_bias=False,
        kernel_init=nn.with_logical_partitioning(_KERNEL, ("embed", None)),
        name=name,
    )
