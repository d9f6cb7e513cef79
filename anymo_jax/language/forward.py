"""What both language stages compute of a batch: prompts, answers, joint vectors.

Rows of the code tokens are projected once a step and serve all its sequences. What is
encoded in chunks keeps the memory of one chunk (`gradient_cache`).
"""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array

from anymo_jax.language import imu_embedding, model
from anymo_jax.language.code_stream import CodeStream
from anymo_jax.language.gradient_cache import encode_in_chunks
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.loss import next_token_losses
from anymo_jax.language.model import SHARED, JointConfig, MotionLanguageConfig
from anymo_jax.language.splice import Part, Spliced, splice

# Places of the code tokens, the closing boundary, what follows, and the answer among
# the parts of a prompt.
CODES, CLOSING, AFTER, ANSWER = 2, 3, 4, 5


def code_prompt(
    vocabulary: ImuVocabulary, stream: CodeStream, before: Part, after: Part
) -> list[Part]:
    """Text, boundary, codes, boundary, text: the parts of a prompt, in that order."""
    batch = len(stream.count)
    return [
        before,
        shared((vocabulary.begin,), batch),
        (stream.codes + vocabulary.first_code, stream.count),
        shared((vocabulary.end,), batch),
        after,
    ]


def shared(ids: tuple[int, ...], batch: int) -> Part:
    """Ids that all rows of a batch have, as a part."""
    row = jnp.asarray(ids, jnp.int32).reshape(1, -1)
    tokens = jnp.broadcast_to(row, (batch, row.shape[1]))
    return tokens, jnp.full(batch, row.shape[1], jnp.int32)


def brought(batch: Mapping, name: str) -> Part:
    """Rows that a batch brings with their lengths, as a part."""
    return batch[name], batch[f"{name}_length"]


def row_losses(
    params: dict,
    language: MotionLanguageConfig,
    codebook: Array,
    spliced: Spliced,
    learnt: tuple[int, ...],
    chunk: int,
) -> tuple[Array, Array]:
    """Next-token losses (B,) of each row over the learnt parts, and their counts (B,).

    Args:
      params: of `model.init`.
      language: static.
      codebook: (G, K, C).
      spliced: sequences.
      learnt: indices of the parts whose tokens are targets.
      chunk: rows whose logits exist at once; 0 for all.
    """
    rows = imu_embedding.input_rows(params["imu"], language.projector, codebook)

    def losses(spliced: Spliced) -> tuple[Array, Array]:
        embeddings = model.embed(params, language, rows, spliced.tokens)
        hidden = model.states(params, language, embeddings, spliced.part >= 0)
        logits = model.logits(params, language, hidden)
        weights = sum((spliced.part == part).astype(jnp.float32) for part in learnt)
        return next_token_losses(logits, spliced.tokens, weights)

    return encode_in_chunks(losses, spliced, chunk=chunk or len(spliced.length))


def joint_vectors(
    params: dict,
    language: MotionLanguageConfig,
    joint: JointConfig,
    codebook: Array,
    stream: CodeStream,
    batch: Mapping,
    chunk: int,
) -> dict[str, Array]:
    """Unit vectors {"imu", "text", "label"}, (B, J) each.

    Args:
      params: of both stages.
      language, joint: static.
      codebook: (G, K, C).
      stream: of the windows.
      batch: of `source.InstructionWindows`.
      chunk: examples encoded at once; 0 for all.
    """
    rows = imu_embedding.input_rows(params["imu"], language.projector, codebook)
    sides = brought(batch, "imu_before"), brought(batch, "imu_after")

    def motion(spliced: Spliced) -> Array:
        embeddings = model.embed(params, language, rows, spliced.tokens)
        hidden = model.states(params, language, embeddings, spliced.part >= 0)
        codes = spliced.part == CODES
        return model.joint_imu(params["joint"], joint, hidden, embeddings, codes)

    def text(inputs: tuple[Array, Array, Array]) -> Array:
        tokens, length, span = inputs
        place = jnp.arange(tokens.shape[1])[None]
        pooled = (place >= span[:, :1]) & (place < span[:, 1:])
        embeddings = model.embed(params, language, rows, tokens)
        mask = place < length[:, None]
        return model.joint_text(params, language, joint, embeddings, mask, pooled)

    chunk = chunk or len(stream.count)
    prompt = splice(code_prompt(language.vocabulary, stream, *sides))
    vectors = {"imu": encode_in_chunks(motion, prompt, chunk=chunk)}
    for name, row in (("text", "narration"), ("label", "label")):
        if joint.tower == SHARED:
            inputs = (*brought(batch, row), batch[f"{row}_span"])
            inputs = jax.tree.map(jnp.asarray, inputs)
            vectors[name] = encode_in_chunks(text, inputs, chunk=chunk)
        else:
            given = batch[f"{row}_vector"]
            vectors[name] = model.joint_sentences(params["joint"], joint, given)
    return vectors
