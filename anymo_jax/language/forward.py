"""What both language stages compute of a batch: prompts, answers, joint vectors.

Rows of the code tokens are projected once a step and serve all its sequences. What is
encoded in chunks keeps the memory of one chunk (`gradient_cache`).
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from anymo_jax.language import imu_embedding, model
from anymo_jax.language.code_stream import CodeStream
from anymo_jax.language.gradient_cache import encode_in_chunks
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.loss import learnt_tokens, token_losses
from anymo_jax.language.model import SHARED, JointConfig, MotionLanguageConfig
from anymo_jax.language.splice import Part, Spliced

# Places of the code tokens, the closing boundary, what follows, and the answer among
# the parts of a prompt.
CODES, CLOSING, AFTER, ANSWER = 2, 3, 4, 5


class Reader(NamedTuple):
    """The model as it reads the sequences of one step.

    Attributes:
      params: of both stages.
      language, joint: static sizes; no `joint` in the first stage.
      rows: (N, D) of the boundaries and the code tokens.
    """

    params: dict
    language: MotionLanguageConfig
    joint: JointConfig | None
    rows: Array


def prepare(
    params: dict,
    language: MotionLanguageConfig,
    codebook: Float[Array, "G K C"],
    joint: JointConfig | None = None,
) -> Reader:
    """The model with its code tokens projected, once a step."""
    rows = imu_embedding.input_rows(params["imu"], language.projector, codebook)
    return Reader(params, language, joint, rows)


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
    reader: Reader, spliced: Spliced, learnt: tuple[int, ...], chunk: int
) -> tuple[Float[Array, "B"], Float[Array, "B"]]:
    """Losses of each row over the tokens of the learnt parts, and their counts.

    Args:
      reader: of `prepare`.
      spliced: sequences.
      learnt: indices of the parts whose tokens are targets.
      chunk: rows that are read at once; 0 for all.
    """

    def losses(spliced: Spliced) -> tuple[Array, Array]:
        _, hidden = _read(reader, spliced)
        return _losses(reader, hidden, spliced, learnt)

    return encode_in_chunks(losses, spliced, chunk=chunk or len(spliced.length))


def motion_vectors(reader: Reader, spliced: Spliced, chunk: int) -> Float[Array, "B J"]:
    """Unit vectors of prompts, pooled over their code tokens; arguments likewise."""

    def vectors(spliced: Spliced) -> Array:
        return _pooled(reader, *_read(reader, spliced), spliced)

    return encode_in_chunks(vectors, spliced, chunk=chunk or len(spliced.length))


def answers_and_vectors(
    reader: Reader, spliced: Spliced, chunk: int
) -> tuple[tuple[Array, Array], Float[Array, "B J"]]:
    """`row_losses` of answers and `motion_vectors`, of rows that are read once."""

    def both(spliced: Spliced) -> tuple[tuple[Array, Array], Array]:
        embeddings, hidden = _read(reader, spliced)
        losses = _losses(reader, hidden, spliced, (ANSWER,))
        return losses, _pooled(reader, embeddings, hidden, spliced)

    return encode_in_chunks(both, spliced, chunk=chunk or len(spliced.length))


def text_vectors(
    reader: Reader, batch: Mapping, name: str, chunk: int
) -> Float[Array, "B J"]:
    """Unit vectors of a batch's texts.

    Args:
      reader: of `prepare`.
      batch: of `source.InstructionWindows`.
      name: "narration" or "label".
      chunk: texts encoded at once; 0 for all.
    """
    params, language, joint, rows = reader
    if joint.tower != SHARED:
        return model.joint_sentences(params["joint"], joint, batch[f"{name}_vector"])

    def vectors(inputs: tuple[Array, Array, Array, Array]) -> Array:
        tokens, length, span, prompted = inputs
        place = jnp.arange(tokens.shape[1])[None]
        pooled = (place >= span[:, :1]) & (place < span[:, 1:])
        embeddings = model.embed(params, language, rows, tokens)
        mask = place < length[:, None]
        return model.joint_text(
            *(params, language, joint, embeddings, mask, pooled, prompted)
        )

    extra = batch[f"{name}_span"], batch[f"{name}_prompted"]
    inputs = jax.tree.map(jnp.asarray, (*brought(batch, name), *extra))
    return encode_in_chunks(vectors, inputs, chunk=chunk or len(inputs[0]))


def _read(reader: Reader, spliced: Spliced) -> tuple[Array, Array]:
    """What goes into the backbone and what comes out."""
    params, language, _, rows = reader
    embeddings = model.embed(params, language, rows, spliced.tokens)
    return embeddings, model.states(params, language, embeddings, spliced.part >= 0)


def _losses(
    reader: Reader, hidden: Array, spliced: Spliced, learnt: tuple[int, ...]
) -> tuple[Array, Array]:
    wanted = jnp.isin(spliced.part, jnp.asarray(learnt))
    size = sum(spliced.sizes[part] for part in learnt)
    states, targets, real = learnt_tokens(hidden, spliced.tokens, wanted, size)
    logits = model.logits(reader.params, reader.language, states)
    return token_losses(logits, targets, real)


def _pooled(
    reader: Reader, embeddings: Array, hidden: Array, spliced: Spliced
) -> Array:
    codes = spliced.part == CODES
    joint = reader.params["joint"]
    return model.joint_imu(joint, reader.joint, hidden, embeddings, codes)
