"""Bytes that a device holds while the language model learns; no device is needed.

The model is the first language stage's: Qwen2 and the rows of the IMU vocabulary.
Weights, gradients and AdamW's moments are float32 and lie as `training.sharding.RULES`
say; their bytes are those of abstract arrays. Activations are a formula, for layers
that are computed again in the backward pass and flash attention, which keeps no scores.
With b = B / (data fsdp) rows at once, t = tensor and a bytes of a number:

    inputs of the N layers     a N b L D
    one layer at a time        a b L (4 D + (2 (H + H2) K + 3 F) / t)
    scores of all V tokens     4 * 2 b L V / t, with their gradient
"""

import dataclasses
import functools
from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import AbstractMesh, AxisType

from anymo_jax.language import model
from anymo_jax.language.imu_embedding import ProjectorConfig
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.model import MotionLanguageConfig
from anymo_jax.language.qwen2 import preset
from anymo_jax.training import sharding
from anymo_jax.training.sharding import AXES, MeshShape

SIZES = ("0.5b", "7b")
MESHES = (
    MeshShape(1, 1, 1),
    MeshShape(8, 1, 1),
    MeshShape(1, 8, 1),
    MeshShape(2, 2, 2),
    MeshShape(1, 4, 2),
)


@dataclasses.dataclass(frozen=True)
class Held:
    """Bytes on one device.

    Attributes:
      model: its name.
      mesh: of all devices.
      params, gradients, moments: of the state.
      activations: by the formula above.
    """

    model: str
    mesh: MeshShape
    params: int
    gradients: int
    moments: int
    activations: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.params + self.gradients + self.moments + self.activations


def run(batch: int = 8, length: int = 256) -> dict:
    """Count everything; rows at once over all devices, and tokens of each.

    Raises:
      MeshError: for a batch that some mesh cannot deal out.
    """
    rows = [
        held(size, motion_language(size), mesh, batch, length)
        for size in SIZES
        for mesh in MESHES
    ]
    return {"batch": batch, "length": length, "held": rows}


def report(result: dict) -> str:
    """The bytes as a person reads them, a line of a Markdown table each."""
    head = ("model", "data x fsdp x tensor", "weights", "gradients", "AdamW")
    lines = [
        f"GB on each device, {result['batch']} rows of {result['length']} tokens",
        "",
        "| " + " | ".join((*head, "activations", "sum")) + " |",
        "|---" * (len(head) + 2) + "|",
        *_lines(result["held"]),
    ]
    return "\n".join(lines)


def motion_language(size: str) -> MotionLanguageConfig:
    """The first language stage around a preset of Qwen2, at the paper's sizes."""
    qwen = preset(size, remat=True)
    vocabulary = ImuVocabulary(qwen.vocab_size)
    return MotionLanguageConfig(qwen, vocabulary, ProjectorConfig(qwen.hidden_size))


def held(
    name: str, language: MotionLanguageConfig, shape: MeshShape, batch: int, length: int
) -> Held:
    """What a device holds of a model.

    Args:
      name: of the model.
      language: its sizes.
      shape: of the mesh; every axis is given.
      batch: B, rows that all devices read at once.
      length: L, tokens of a row.

    Raises:
      MeshError: where the batch does not divide over data x fsdp.
    """
    parts = shape.data * shape.fsdp
    if batch % parts:
        raise sharding.MeshError(
            f"a batch of {batch} rows does not divide over data x fsdp = {parts}; give "
            "a multiple"
        )
    mesh = AbstractMesh(
        dataclasses.astuple(shape), AXES, axis_types=(AxisType.Auto,) * len(AXES)
    )
    params = _abstract_params(language)
    where = sharding.params_sharding(mesh, params, model.axes(language))
    optimiser = optax.adamw(1e-4)
    moments = jax.eval_shape(optimiser.init, params)
    laid = sharding.optimiser_sharding(mesh, optimiser, moments, where)
    weights = _local_bytes(params, where)
    return Held(
        *(name, shape),
        params=weights,
        gradients=weights,
        moments=_local_bytes(moments, laid),
        activations=activation_bytes(language, shape.tensor, batch // parts, length),
    )


def activation_bytes(
    language: MotionLanguageConfig, tensor: int, rows: int, length: int
) -> int:
    """The formula above, for rows and tokens that are on one device at once."""
    qwen = language.qwen
    heads = 2 * (qwen.heads + qwen.kv_heads) * qwen.head_dim
    inner = (heads + 3 * qwen.intermediate_size) // tensor
    numbers = (qwen.layers + 4) * qwen.hidden_size + inner
    scores = 2 * language.vocabulary.total // tensor
    size = jnp.dtype(qwen.dtype).itemsize
    return rows * length * (size * numbers + np.dtype(np.float32).itemsize * scores)


@functools.cache
def _abstract_params(language: MotionLanguageConfig) -> dict:
    vocabulary = language.vocabulary
    codebooks = jax.ShapeDtypeStruct(
        (vocabulary.codebooks, vocabulary.entries, language.projector.code_width),
        jnp.float32,
    )
    return jax.eval_shape(
        lambda given: model.init(jax.random.key(0), language, given), codebooks
    )


def _local_bytes(tree: Any, where: Any) -> int:
    """Bytes that one device holds of arrays that lie somewhere."""
    sizes = jax.tree.map(
        lambda leaf, at: (
            int(np.prod(at.shard_shape(leaf.shape), dtype=np.int64))
            * leaf.dtype.itemsize
        ),
        tree,
        where,
    )
    return sum(jax.tree.leaves(sizes))


def _lines(rows: Iterable[Held]) -> Iterable[str]:
    for one in rows:
        parts = (one.params, one.gradients, one.moments, one.activations, one.total)
        numbers = " | ".join(f"{part / 1e9:.2f}" for part in parts)
        mesh = " x ".join(map(str, dataclasses.astuple(one.mesh)))
        yield f"| {one.model} | {mesh} | {numbers} |"
