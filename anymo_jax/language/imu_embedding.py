"""The vectors of the IMU vocabulary: input rows, head rows, and their export.

    input row of code (j, k) = g(e_jk),   g: C -> 512 -> D with exact GELU (section 3.3)

The codebook is frozen and the projector g is trained, so that rows of the input table
are computed as the model runs. The text head of the language model stays as it is, tied
or not; the new ids have head rows of their own, which start as the input rows and are
trained. `export_rows` bakes all of it into two plain tables.
"""

import dataclasses
import functools
from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from anymo_jax.language.imu_vocabulary import BOUNDARIES, ImuVocabulary

_KERNEL = nn.initializers.lecun_normal()


@dataclasses.dataclass(frozen=True)
class ProjectorConfig:
    """Sizes of the projector g; the defaults are the official ones.

    Attributes:
      width: D, of the language model.
      code_width: C, of a code vector.
      hidden: width between its two layers.
      scale: root mean square that the projected rows start with, about that of a
        pretrained embedding table; None leaves what the plain initialisation gives.

    Raises:
      ValueError: names the field that is out of range.
    """

    width: int
    code_width: int = 64
    hidden: int = 512
    scale: float | None = 0.02

    def __post_init__(self):
        for name in ("width", "code_width", "hidden"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; give at least 1")
        if self.scale is not None and self.scale <= 0:
            raise ValueError(f"scale is {self.scale}; give a positive one, or None")


class Projector(nn.Module):
    """Linear, exact GELU, linear; float32, for the table is small and gets baked."""

    config: ProjectorConfig

    @nn.compact
    def __call__(self, vectors: Float[Array, "*B C"]) -> Float[Array, "*B D"]:
        """Code vectors in the language model's space."""
        hidden = _dense(self.config.hidden, (None, "mlp"), "hidden")(vectors)
        hidden = nn.gelu(hidden, approximate=False)
        return _dense(self.config.width, ("mlp", "embed"), "out")(hidden)


def init_imu(
    key: Key[Array, ""],
    vocabulary: ImuVocabulary,
    config: ProjectorConfig,
    codebooks: Float[Array | np.ndarray, "G K C"],
) -> dict:
    """Fresh params {"projector", "boundary" (2, D), "head" (N, D)}.

    Raises:
      ValueError: where the codebooks are not those of vocabulary and config.
    """
    expected = (vocabulary.codebooks, vocabulary.entries, config.code_width)
    if codebooks.shape != expected:
        raise ValueError(
            f"codebooks have shape {codebooks.shape}, expected {expected} by the "
            "vocabulary's codebooks and entries and the projector's code_width"
        )
    for_projector, for_boundary = jax.random.split(key)
    projector = nn.meta.unbox(_boxed(for_projector, config))
    if config.scale is not None:
        projector = _scaled(projector, config, jnp.asarray(codebooks))
    shape = (len(BOUNDARIES), config.width)
    boundary = (config.scale or 0.02) * jax.random.normal(for_boundary, shape)
    params = {"projector": projector, "boundary": boundary}
    return {**params, "head": input_rows(params, config, codebooks)}


def imu_axes(config: ProjectorConfig) -> dict:
    """Logical axes like the params, a tuple each."""
    boxed = jax.eval_shape(lambda: _boxed(jax.random.key(0), config))
    return {
        "projector": jax.tree.map(tuple, nn.get_partition_spec(boxed)),
        "boundary": (None, "embed"),
        "head": ("vocab", "embed"),
    }


def input_rows(
    params: dict,
    config: ProjectorConfig,
    codebooks: Float[Array | np.ndarray, "G K C"],
) -> Float[Array, "N D"]:
    """Input embeddings of the new ids in order, float32; no gradient to the codebooks.

    Once a step serves all its sequences. Head rows start as these.
    """
    vectors = jax.lax.stop_gradient(jnp.asarray(codebooks))
    vectors = vectors.reshape(-1, vectors.shape[-1])
    projected = Projector(config).apply({"params": params["projector"]}, vectors)
    return jnp.concatenate([params["boundary"], projected])


def embed(
    vocabulary: ImuVocabulary,
    tokens: Int[Array, "B L"],
    lookup: Callable[[Array], Array],
    rows: Float[Array, "N D"],
) -> Float[Array, "B L D"]:
    """Input embeddings of text and IMU tokens, in the dtype of the lookup.

    Args:
      vocabulary: static.
      tokens: ids; one beyond the vocabulary becomes NaN, rather than another token.
      lookup: (B, L) text ids -> (B, L, D), the language model's own embedding.
      rows: of `input_rows`.
    """
    is_new = tokens >= vocabulary.text
    text = lookup(jnp.where(is_new, 0, tokens))
    index = jnp.where(is_new, tokens - vocabulary.text, 0)
    imu = jnp.take(rows.astype(text.dtype), index, axis=0, mode="fill")
    return jnp.where(is_new[..., None], imu, text)


def imu_logits(
    head: Float[Array, "N D"], hidden: Float[Array, "B L D"]
) -> Float[Array, "B L N"]:
    """Logits of the new ids alone, float32, multiplied in the dtype of `hidden`.

    For a loss over IMU tokens only, whose targets are then `tokens - text`.
    """
    head = head.astype(hidden.dtype)
    return jnp.einsum("bld,nd->bln", hidden, head, preferred_element_type=jnp.float32)


def all_logits(
    vocabulary: ImuVocabulary,
    text_logits: Float[Array, "B L V"],
    head: Float[Array, "N D"],
    hidden: Float[Array, "B L D"],
) -> Float[Array, "B L W"]:
    """Logits of text and new ids, float32; rows that pad the text table fall away.

    Raises:
      ValueError: for fewer text logits than text tokens.
    """
    vocabulary.check_text_rows(text_logits.shape[-1])
    text = text_logits[..., : vocabulary.text].astype(jnp.float32)
    return jnp.concatenate([text, imu_logits(head, hidden)], axis=-1)


def export_rows(
    vocabulary: ImuVocabulary,
    params: dict,
    config: ProjectorConfig,
    codebooks: Float[Array | np.ndarray, "G K C"],
    embedding: np.ndarray,
    head: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Embedding and head table of a plain language model, untied, on the host.

    Args:
      vocabulary, params, config, codebooks: of the trained model.
      embedding: (V, D) text rows, V at least `text`; its dtype is kept.
      head: (V, D) text rows of an untied head; None where it was tied.

    Returns:
      two arrays (total, D); padding rows of the text tables fall away.

    Raises:
      ValueError: for fewer text rows than text tokens.
    """
    head = embedding if head is None else head
    new = (input_rows(params, config, codebooks), params["head"])
    tables = []
    for text, rows in zip((embedding, head), new, strict=True):
        vocabulary.check_text_rows(len(text))
        rows = np.asarray(rows).astype(text.dtype)
        tables.append(np.concatenate([text[: vocabulary.text], rows]))
    return tables[0], tables[1]


@functools.partial(jax.jit, static_argnames="config")
def _boxed(key: Array, config: ProjectorConfig) -> dict:
    return Projector(config).init(key, jnp.zeros((1, config.code_width)))["params"]


def _scaled(projector: dict, config: ProjectorConfig, codebooks: Array) -> dict:
    """The projector whose rows have the root mean square `scale`; biases are zero."""
    rows = Projector(config).apply({"params": projector}, codebooks)
    gain = config.scale / jnp.sqrt(jnp.mean(jnp.square(rows)))
    out = projector["out"]
    return {**projector, "out": {**out, "kernel": gain * out["kernel"]}}


def _dense(features: int, names: tuple[str | None, str], name: str) -> nn.Dense:
    box = nn.with_logical_partitioning
    return nn.Dense(
        features,
        # What is baked must be what ran, on whatever device.
        precision=jax.lax.Precision.HIGHEST,
        kernel_init=box(_KERNEL, names),
        bias_init=box(nn.initializers.zeros, names[1:]),
        name=name,
    )
