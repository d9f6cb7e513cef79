"""Where arrays live: the mesh, one table of logical axes, and what follows from both.

Models name the axes of their parameters; `RULES` says which mesh axes carry them. The
compiler does the rest: axis types are Auto, so that a sum over the batch is global.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import optax
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec

AXES = ("data", "fsdp", "tensor")

# Where an array lies can be told of a mesh whose devices are not there.
AnyMesh = Mesh | AbstractMesh

# Logical axis -> mesh axes. An axis that is not named here is replicated.
RULES: dict[str, tuple[str, ...]] = {
    "batch": ("data", "fsdp"),
    "embed": ("fsdp",),
    "mlp": ("tensor",),
    "heads": ("tensor",),
    "vocab": ("tensor",),
    "channels": ("tensor",),
}


class MeshError(ValueError):
    """Devices, mesh and batch do not fit each other."""


@dataclasses.dataclass(frozen=True)
class MeshShape:
    """Devices along each mesh axis.

    Attributes:
      data: copies of the parameters, each with its part of the batch; -1 takes the
        devices that the others leave.
      fsdp: parts of the parameters, each with its part of the batch.
      tensor: parts of the parameters that share their part of the batch.
    """

    data: int = -1
    fsdp: int = 1
    tensor: int = 1


def make_mesh(shape: MeshShape, devices: Sequence[jax.Device] | None = None) -> Mesh:
    """The mesh (data, fsdp, tensor) over the devices; None takes all of them.

    Raises:
      MeshError: where the shape does not use exactly these devices.
    """
    devices = jax.devices() if devices is None else list(devices)
    rest = shape.fsdp * shape.tensor
    if shape.fsdp < 1 or shape.tensor < 1 or (shape.data < 1 and shape.data != -1):
        raise MeshError(f"{shape}: give positive numbers, or data=-1 for the rest")
    data = len(devices) // rest if shape.data == -1 else shape.data
    if data * rest != len(devices) or data < 1:
        raise MeshError(
            f"{shape} does not fit {len(devices)} devices: data x fsdp x tensor must "
            "be their number; change the mesh, or leave data=-1 where fsdp x tensor "
            "divides them"
        )
    return jax.make_mesh(
        (data, shape.fsdp, shape.tensor),
        AXES,
        axis_types=(AxisType.Auto,) * len(AXES),
        devices=devices,
    )


def spec(
    mesh: AnyMesh, shape: tuple[int, ...], axes: tuple[str | None, ...]
) -> PartitionSpec:
    """Mesh axes of each dimension of an array, by `RULES`.

    A dimension that its mesh axes do not divide is replicated.

    Raises:
      ValueError: unless there is one logical axis per dimension, or where two
        dimensions ask for one mesh axis.
    """
    if len(axes) != len(shape):
        raise ValueError(f"axes {axes} do not name the dimensions of shape {shape}")
    parts: list[tuple[str, ...] | None] = []
    for size, axis in zip(shape, axes, strict=True):
        names = RULES.get(axis, ()) if axis else ()
        divides = size % math.prod(mesh.shape[n] for n in names) == 0
        parts.append(names if names and divides else None)
    used = [name for names in parts if names for name in names]
    if len(set(used)) < len(used):
        raise ValueError(f"axes {axes} put two dimensions on one mesh axis of {used}")
    return PartitionSpec(*parts)


def replicated(mesh: AnyMesh) -> NamedSharding:
    """Every device holds all of it."""
    return NamedSharding(mesh, PartitionSpec())


def params_sharding(mesh: AnyMesh, params: Any, axes: Any | None) -> Any:
    """Shardings like the params: by their logical axes, or replicated where None."""
    if axes is None:
        return jax.tree.map(lambda _: replicated(mesh), params)
    return jax.tree.map(
        lambda leaf, names: NamedSharding(mesh, spec(mesh, leaf.shape, names)),
        params,
        axes,
    )


def optimiser_sharding(
    mesh: AnyMesh, optimiser: optax.GradientTransformation, state: Any, params: Any
) -> Any:
    """Shardings like the optimiser's state: its copies of the params lie as they do.

    Args:
      mesh: the mesh.
      optimiser: the transformation.
      state: its state; abstract arrays will do.
      params: the shardings of the params.
    """

    def as_param(leaf, where):
        # Params that a part of the optimiser leaves alone have no leaf in its state.
        return leaf if isinstance(leaf, optax.MaskedNode) else where

    return optax.tree_map_params(
        optimiser,
        as_param,
        state,
        params,
        transform_non_params=lambda _: replicated(mesh),
        is_leaf=lambda leaf: isinstance(leaf, optax.MaskedNode),
    )


def replicate(mesh: Mesh, tree: Any) -> Any:
    """Host or device arrays, equal in every process, copied to every device."""
    return jax.device_put(tree, replicated(mesh))


def batch_sharding(mesh: Mesh) -> NamedSharding:
    """The leading axis over data and fsdp."""
    return NamedSharding(mesh, PartitionSpec(RULES["batch"]))


def check_batch(mesh: Mesh, size: int) -> None:
    """Refuses a batch that cannot be dealt out to the devices in equal parts.

    Args:
      mesh: the mesh.
      size: B, examples over all processes.

    Raises:
      MeshError: where B does not divide over data x fsdp, or where processes would have
        to load the same rows.
    """
    parts = mesh.shape["data"] * mesh.shape["fsdp"]
    if size % parts:
        raise MeshError(
            f"a batch of {size} examples does not divide over data x fsdp = {parts} "
            "devices; make the batch size a multiple, or use fewer devices"
        )
    rows = {
        (device.process_index, index[0].start or 0)
        for device, index in batch_sharding(mesh).devices_indices_map((size,)).items()
    }
    if len(rows) > parts:
        raise MeshError(
            f"the tensor axis of {mesh.shape['tensor']} devices reaches over several "
            "processes, which would need the same examples; keep it within a process"
        )


def global_batch(mesh: Mesh, batch: Any) -> Any:
    """Global arrays from this process's part of a batch.

    Args:
      mesh: the mesh.
      batch: pytree of host arrays (b, ...); b = B / number of processes.
    """
    sharding = batch_sharding(mesh)
    return jax.tree.map(
        lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)),
        batch,
    )


def memory_table(state: Any) -> str:
    """Lines that tell the size of a state's parts, in all and on each device.

    Args:
      state: dataclass of pytrees of arrays that say where they live; abstract will do.
    """
    rows = []
    for field in dataclasses.fields(state):
        leaves = jax.tree.leaves(getattr(state, field.name))
        if not leaves or all(leaf.ndim == 0 for leaf in leaves):
            continue
        values = sum(leaf.size for leaf in leaves)
        total = sum(leaf.size * leaf.dtype.itemsize for leaf in leaves)
        local = sum(
            math.prod(leaf.sharding.shard_shape(leaf.shape)) * leaf.dtype.itemsize
            for leaf in leaves
        )
        rows.append(
            f"{field.name:<12} {values:>14,} values {total / 1e6:>10.1f} MB "
            f"{local / 1e6:>10.1f} MB a device"
        )
    return "\n".join(rows)
