"""What recipes of both language stages, or their runs' config.json, say of models."""

import dataclasses
import os
import pathlib
from typing import Any

from anymo_jax.language.bert import SentenceEncoder
from anymo_jax.language.control import ControlConfig
from anymo_jax.language.heads import HeadConfig
from anymo_jax.language.imu_embedding import ProjectorConfig
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.model import JointConfig, MotionLanguageConfig
from anymo_jax.language.pooler import PoolerConfig
from anymo_jax.language.qwen2 import Qwen2Config, read_config
from anymo_jax.language.qwen2.config_file import CONFIG_NAME, write_config
from anymo_jax.language.text import TextTokenizer
from anymo_jax.tokenizer import TokenizerConfig
from anymo_jax.training.settings import given

# Of a run's folder.
TEXT_TOKENIZER = "text_tokenizer"
_BACKBONE = (
    *("hidden_size", "intermediate_size", "layers", "heads", "kv_heads"),
    *("head_dim", "max_length", "initializer_range"),
)


def save_words(
    text: TextTokenizer, backbone: Qwen2Config, folder: str | os.PathLike
) -> None:
    """What a run keeps of its backbone: the text tokenizer, and the sizes beside it.

    Args:
      text, backbone: the language model's.
      folder: of the run.
    """
    place = pathlib.Path(folder) / TEXT_TOKENIZER
    text.save(place)
    write_config(place, backbone, "float32")


def backbone_config(
    config: Any, text: TextTokenizer, run: str | os.PathLike | None = None
) -> Qwen2Config:
    """Sizes of the backbone, from its directory or from the recipe itself.

    Args:
      config: of configs/motion_lm.py.
      text: tokenizer of the backbone's text.
      run: folder of a run on that backbone, which keeps the sizes: the directory need
        not be there any more. Runs of before `save_words` kept none.

    Raises:
      ValueError: naming the field, or what is missing in the backbone's directory.
    """
    numerics = {name: given(config, f"backbone.{name}") for name in ("dtype", "remat")}
    if directory := given(config, "backbone.directory"):
        kept = None if run is None else pathlib.Path(run) / TEXT_TOKENIZER
        known = kept is not None and (kept / CONFIG_NAME).is_file()
        found = read_config(kept if known else directory)
        length = min(found.max_length, given(config, "backbone.max_length"))
        return dataclasses.replace(found, max_length=length, **numerics)
    sizes = {name: given(config, f"backbone.{name}") for name in _BACKBONE}
    return Qwen2Config(vocab_size=text.vocab_size, **sizes, **numerics)


def language_config(
    config: Any,
    backbone: Qwen2Config,
    text: TextTokenizer,
    tokenizer: TokenizerConfig,
) -> MotionLanguageConfig:
    """Sizes of the model that joins a backbone and the codes of a tokenizer.

    Args:
      config: of configs/motion_lm.py.
      backbone, text: the language model's.
      tokenizer: of motion.

    Raises:
      ValueError: naming the field that is missing, or what does not fit.
    """
    return MotionLanguageConfig(
        qwen=backbone,
        vocabulary=ImuVocabulary(
            text.vocab_size, tokenizer.codebooks, tokenizer.entries
        ),
        projector=ProjectorConfig(
            width=backbone.hidden_size,
            code_width=tokenizer.code_width,
            hidden=given(config, "projector_hidden"),
            scale=backbone.initializer_range,
        ),
    )


def joint_config(
    config: Any, backbone: Qwen2Config, encoder: SentenceEncoder | None
) -> JointConfig:
    """Sizes of poolers and heads.

    Args:
      config: of configs/instruct.py.
      backbone: the language model's.
      encoder: of sentences, where the run reads one.

    Raises:
      ValueError: naming the field that is missing, or what does not fit.
    """
    width = backbone.hidden_size
    sizes = {} if encoder is None else {"sentence_width": encoder.config.hidden_size}
    return JointConfig(
        pooler=PoolerConfig(
            width,
            latents=given(config, "joint.latents"),
            heads=given(config, "joint.heads"),
            dtype=backbone.dtype,
        ),
        head=HeadConfig(
            width,
            joint=given(config, "joint.width"),
            residual=given(config, "joint.residual"),
        ),
        soft_prompt=given(config, "joint.soft_prompt"),
        tower=given(config, "joint.tower"),
        **sizes,
    )


def control_config(
    config: Any, latent: int, sentences: SentenceEncoder
) -> ControlConfig:
    """Sizes of the control's heads.

    Args:
      config: of configs/control.py.
      latent: width of the encoder's latents.
      sentences: the frozen sentence encoder.

    Raises:
      ValueError: naming the field that is missing, or what does not fit.
    """
    return ControlConfig(
        latent=latent,
        sentence=sentences.config.hidden_size,
        hidden=given(config, "joint.hidden"),
        joint=given(config, "joint.width"),
    )
