"""Qwen2 from a Hugging Face directory, straight to the devices that hold its parts."""

import dataclasses
import functools
import pathlib
from typing import Any

import jax
import numpy as np
from flax import traverse_util

from anymo_jax.language.qwen2.apply import abstract_params
from anymo_jax.language.qwen2.config import Qwen2Config
from anymo_jax.language.qwen2.config_file import (
    CONFIG_NAME,
    read_config,
    read_fields,
    stored_dtype,
)
from anymo_jax.language.qwen2.layout import EMBEDDING, Place, places
from anymo_jax.language.qwen2.shards import Shards, check_tensors, open_shards


def load_qwen2(
    directory: str | pathlib.Path, *, sharding: Any = None, dtype: str | None = None
) -> tuple[dict, Qwen2Config]:
    """Parameters and config of a Qwen2 or Qwen2.5 model.

    A device reads the part of each tensor that it holds; at most one parameter (one
    kernel of all layers) lies on the host at a time.

    Args:
      directory: config.json and model.safetensors, or shards with their index.
      sharding: where parameters shall lie: a sharding for all of them, or a tree of
        them like `abstract_params` of the config (`read_config`); None for the
        default device.
      dtype: "float32" or "bfloat16", of the parameters and of the arithmetic; None
        keeps what is stored.

    Returns:
      The parameters, as in `apply`, and the config. To compute in another dtype than
      the parameters have, replace the config's.

    Raises:
      ValueError: before any value is read, where the config is not supported, or
        files or tensors are missing, unexpected, or of another shape or dtype; names
        the file, the tensor, what was found and what was expected.
    """
    directory = pathlib.Path(directory)
    config = read_config(directory)
    if dtype is not None:
        config = dataclasses.replace(config, dtype=dtype)
    with open_shards(directory) as shards:
        tensors = places(config)
        stored = _stored_dtype(directory, shards)
        check_tensors(shards, tensors, None if dtype else stored)
        if dtype is None and stored == "bfloat16":
            config = dataclasses.replace(config, dtype=stored)
        leaves: dict[str, list[Place]] = {}
        for place in tensors:
            leaves.setdefault(place.leaf, []).append(place)
        where = _by_leaf(sharding, config)
        params = {
            leaf: _read_leaf(shards, stack, where[leaf], dtype)
            for leaf, stack in leaves.items()
        }
    return traverse_util.unflatten_dict(params, sep="/"), config


def _stored_dtype(directory: pathlib.Path, shards: Shards) -> str | None:
    """Type that tensors should have: config.json's, else that of the embedding."""
    named = stored_dtype(read_fields(directory / CONFIG_NAME))
    known = named is None and EMBEDDING in shards.files
    return shards.dtype(EMBEDDING) if known else named


def _by_leaf(sharding: Any, config: Qwen2Config) -> dict[str, jax.sharding.Sharding]:
    shapes = abstract_params(config)
    if sharding is None:
        sharding = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
    if isinstance(sharding, jax.sharding.Sharding):
        sharding = jax.tree.map(lambda _: sharding, shapes)
    if jax.tree.structure(sharding) != jax.tree.structure(shapes):
        raise ValueError(
            f"sharding has the structure {jax.tree.structure(sharding)}, expected that "
            f"of the parameters, {jax.tree.structure(shapes)}"
        )
    return traverse_util.flatten_dict(sharding, sep="/")


def _read_leaf(
    shards: Shards,
    stack: list[Place],
    sharding: jax.sharding.Sharding,
    dtype: str | None,
) -> jax.Array:
    """A parameter from its tensors, one of each layer where layers are stacked."""
    first = stack[0]
    dtype = np.dtype(jax.numpy.dtype(dtype or shards.dtype(first.tensor)))

    def tensor(place: Place, index: tuple[slice, ...]) -> np.ndarray:
        found = place.read(functools.partial(shards.read, place.tensor), index)
        return found.astype(dtype, copy=False)

    def part(index: tuple[slice, ...]) -> np.ndarray:
        if first.layer is None:
            return tensor(first, index)
        return np.stack([tensor(place, index[1:]) for place in stack[index[0]]])

    # Devices that hold the same part share one copy on the host.
    @functools.cache
    def cached(bounds: tuple[tuple[int | None, int | None], ...]) -> np.ndarray:
        return part(tuple(slice(*bound) for bound in bounds))

    shape = first.shape if first.layer is None else (len(stack), *first.shape)
    return jax.make_array_from_callback(
        shape,
        sharding,
        lambda index: cached(tuple((s.start, s.stop) for s in index)),
        dtype=dtype,
    )
