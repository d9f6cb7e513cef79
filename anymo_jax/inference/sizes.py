"""What a run's configuration says of its models, as their frozen configs."""

import dataclasses
from collections.abc import Mapping

from anymo_jax.encoder import EncoderConfig
from anymo_jax.language.heads import HeadConfig
from anymo_jax.language.imu_embedding import ProjectorConfig
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.model import JointConfig, MotionLanguageConfig
from anymo_jax.language.pooler import PoolerConfig
from anymo_jax.language.qwen2 import Qwen2Config, read_config
from anymo_jax.language.text import TextTokenizer
from anymo_jax.tokenizer import TokenizerConfig
from anymo_jax.training.settings import build

_BACKBONE = (
    *("hidden_size", "intermediate_size", "layers", "heads", "kv_heads"),
    *("head_dim", "max_length", "initializer_range"),
)


@dataclasses.dataclass(frozen=True)
class Sizes:
    """All models from signals to the joint space; static.

    Attributes:
      encoder: signals to latents.
      tokenizer: latents to codes.
      language: codes and text to hidden states.
      joint: hidden states to the joint space.
    """

    encoder: EncoderConfig
    tokenizer: TokenizerConfig
    language: MotionLanguageConfig
    joint: JointConfig

    @property
    def longest_text(self) -> int:
        """Tokens of text that fit the context."""
        return self.language.qwen.max_length - self.joint.soft_prompt


def encoder_config(config: Mapping) -> EncoderConfig:
    """`EncoderConfig` of an encoder run's configuration.

    Raises:
      ValueError: naming the field that does not fit.
    """
    found = dict(config["encoder"], norm_updates=config["norm_updates"])
    return build(EncoderConfig, found, "config.encoder")


def tokenizer_config(config: Mapping, encoder: EncoderConfig) -> TokenizerConfig:
    """`TokenizerConfig` of a tokenizer run's configuration; errors likewise."""
    found = dict(config["tokenizer"], latent=encoder.width)
    return build(TokenizerConfig, found, "config.tokenizer")


def language_config(
    config: Mapping, text: TextTokenizer, tokenizer: TokenizerConfig
) -> MotionLanguageConfig:
    """`MotionLanguageConfig` of a motion-LM run's configuration.

    Args:
      config: of the run.
      text: tokenizer of its text.
      tokenizer: of motion.

    Raises:
      ValueError: naming the field, or what is missing in the backbone's directory.
    """
    qwen = _backbone(config["backbone"], text)
    return MotionLanguageConfig(
        qwen=qwen,
        vocabulary=ImuVocabulary(
            text.vocab_size, tokenizer.codebooks, tokenizer.entries
        ),
        projector=ProjectorConfig(
            width=qwen.hidden_size,
            code_width=tokenizer.code_width,
            hidden=config["projector_hidden"],
            scale=qwen.initializer_range,
        ),
    )


def joint_config(config: Mapping, qwen: Qwen2Config) -> JointConfig:
    """`JointConfig` of an instruction-tuned run's configuration."""
    options, width = config["joint"], qwen.hidden_size
    return JointConfig(
        pooler=PoolerConfig(
            width, latents=options["latents"], heads=options["heads"], dtype=qwen.dtype
        ),
        head=HeadConfig(width, joint=options["width"], residual=options["residual"]),
        soft_prompt=options["soft_prompt"],
        tower=options["tower"],
    )


def _backbone(options: Mapping, text: TextTokenizer) -> Qwen2Config:
    # Recomputing is for gradients, of which there are none here.
    numerics = {"dtype": options["dtype"], "remat": False}
    if options["directory"]:
        found = read_config(options["directory"])
        length = min(found.max_length, options["max_length"])
        return dataclasses.replace(found, max_length=length, **numerics)
    sizes = {name: options[name] for name in _BACKBONE}
    return Qwen2Config(vocab_size=text.vocab_size, **sizes, **numerics)
