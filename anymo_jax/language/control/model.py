"""From latents of a window and from a sentence's vector to one space, nothing between.

h_imu  = unit( W2 gelu( W1 [mean; std] ) )   of the frozen encoder's latents in time
h_text = unit( W t )                          t of a frozen sentence encoder
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from anymo_jax.encoder.loss import unit
from anymo_jax.language.heads import HeadConfig, TextHead


@dataclasses.dataclass(frozen=True)
class ControlConfig:
    """Sizes of both heads.

    Attributes:
      latent: width of the encoder's latents.
      sentence: width of the sentence encoder's vectors.
      hidden: of the motion's head.
      joint: width of the joint space.

    Raises:
      ValueError: names the field that is out of range.
    """

    latent: int
    sentence: int
    hidden: int = 512
    joint: int = 256

    def __post_init__(self):
        for field in dataclasses.fields(self):
            if getattr(self, field.name) < 1:
                raise ValueError(
                    f"{field.name} is {getattr(self, field.name)}; give at least 1"
                )

    @property
    def text_head(self) -> HeadConfig:
        """The text's head, that of instruction tuning."""
        return HeadConfig(self.sentence, joint=self.joint, residual=0.0)


class LatentHead(nn.Module):
    """A window's latents, pooled over time, to the joint space."""

    config: ControlConfig

    @nn.compact
    def __call__(
        self,
        latent: Float[Array | np.ndarray, "B L D"],
        length: Int[Array | np.ndarray, "B"],
    ) -> Float[Array, "B J"]:
        """Unit vectors; latent steps beyond `length` do not count."""
        pooled = mean_and_std(latent, length)
        hidden = nn.gelu(nn.Dense(self.config.hidden, name="hidden")(pooled))
        return unit(nn.Dense(self.config.joint, use_bias=False, name="joint")(hidden))


def mean_and_std(
    latent: Float[Array | np.ndarray, "B L D"], length: Int[Array | np.ndarray, "B"]
) -> Float[Array, "B E"]:
    """Mean and standard deviation over the valid steps, side by side, E = 2 D."""
    valid = (jnp.arange(latent.shape[1])[None] < length[:, None])[..., None]
    count = jnp.maximum(length, 1)[:, None].astype(jnp.float32)
    mean = jnp.sum(jnp.where(valid, latent, 0), axis=1) / count
    squares = jnp.where(valid, (latent - mean[:, None]) ** 2, 0)
    # The slope of a root at zero is infinite.
    std = jnp.sqrt(jnp.sum(squares, axis=1) / count + 1e-6)
    return jnp.concatenate([mean, std], axis=-1)


def init_control(key: Key[Array, ""], config: ControlConfig) -> dict:
    """Fresh {"imu_head", "text_head"}."""
    for_imu, for_text = jax.random.split(key)
    latent, length = jnp.zeros((1, 1, config.latent)), jnp.ones(1, jnp.int32)
    text = jnp.zeros((1, config.sentence))
    params = {
        "imu_head": LatentHead(config).init(for_imu, latent, length)["params"],
        "text_head": TextHead(config.text_head).init(for_text, text)["params"],
    }
    return nn.meta.unbox(params)


def motion_vectors(
    params: dict,
    config: ControlConfig,
    latent: Float[Array | np.ndarray, "B L D"],
    length: Int[Array | np.ndarray, "B"],
) -> Float[Array, "B J"]:
    """Unit vectors of windows from the encoder's latents and their valid steps."""
    return LatentHead(config).apply({"params": params["imu_head"]}, latent, length)


def sentence_vectors(
    params: dict, config: ControlConfig, sentences: Float[Array | np.ndarray, "B S"]
) -> Float[Array, "B J"]:
    """Unit vectors of texts from those of the sentence encoder."""
    head = TextHead(config.text_head)
    return head.apply({"params": params["text_head"]}, jnp.asarray(sentences))


def control_axes(config: ControlConfig) -> dict:
    """Logical axes like the params: all of it is small, and whole everywhere."""
    params = jax.eval_shape(lambda: init_control(jax.random.key(0), config))
    return jax.tree.map(lambda leaf: (None,) * len(leaf.shape), params)
