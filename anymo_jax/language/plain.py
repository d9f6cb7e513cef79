"""A trained language model as a plain Qwen2 that knows motion tokens by their ids.

The projected code vectors are baked into rows of the embedding, the head is untied, and
the text tokenizer takes the new tokens: transformers opens the directory and gives our
logits, with "<imu_bos>", "<imu_0000>", ... as words of its vocabulary.
"""

import dataclasses
import pathlib
import shutil

import jax
import numpy as np
from jaxtyping import Array, Float

from anymo_jax.language.imu_embedding import export_rows
from anymo_jax.language.model import MotionLanguageConfig
from anymo_jax.language.qwen2 import Qwen2Config, save_qwen2
from anymo_jax.language.text import TextTokenizer


def plain_model(
    params: dict,
    language: MotionLanguageConfig,
    codebooks: Float[Array | np.ndarray, "G K C"],
) -> tuple[dict, Qwen2Config]:
    """Params and sizes of the plain model, on the host.

    Args:
      params: {"qwen", "imu"} and more, as either language stage trains them.
      language: their sizes.
      codebooks: of the tokenizer.
    """
    qwen = jax.device_get(params["qwen"])
    embedding, head = export_rows(
        language.vocabulary,
        params["imu"],
        language.projector,
        codebooks,
        np.asarray(qwen["embedding"]),
        np.asarray(qwen["head"]) if "head" in qwen else None,
    )
    config = dataclasses.replace(
        language.qwen, vocab_size=len(embedding), tie_embeddings=False
    )
    return {**qwen, "embedding": embedding, "head": head}, config


def save_plain(
    directory: str | pathlib.Path,
    params: dict,
    language: MotionLanguageConfig,
    codebooks: Float[Array | np.ndarray, "G K C"],
    text: TextTokenizer,
) -> None:
    """Writes model and tokenizer as one Hugging Face directory, whole or not at all.

    Args:
      directory: absent.
      params, language, codebooks: as of `plain_model`.
      text: tokenizer of the text, without the new tokens.

    Raises:
      ValueError: before anything is written, where the directory is there, or the
        tokenizer is not the one of the model.
    """
    directory = pathlib.Path(directory)
    if directory.exists():
        raise ValueError(f"{directory} is there already; remove it or choose another")
    vocabulary = language.vocabulary
    if text.vocab_size != vocabulary.text:
        raise ValueError(
            f"the tokenizer has {text.vocab_size} tokens, the model was trained with "
            f"{vocabulary.text}; give the one of its run"
        )
    extended = text.with_tokens(vocabulary.names())
    plain, config = plain_model(params, language, codebooks)
    partial = directory.with_name(f".{directory.name}.unfinished")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        extra = {"eos_token_id": text.end, "pad_token_id": text.pad}
        save_qwen2(partial, plain, config, extra=extra)
        extended.save(partial)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
