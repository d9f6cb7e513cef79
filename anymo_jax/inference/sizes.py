"""Sizes of all models that a run is made of."""

import dataclasses

from anymo_jax.encoder import EncoderConfig
from anymo_jax.language.model import JointConfig, MotionLanguageConfig
from anymo_jax.tokenizer import TokenizerConfig


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
