"""Qwen2 as a Hugging Face directory that transformers opens.

The directory is written beside its place and renamed, so that a part of a model never
stands under its name.
"""

import dataclasses
import json
import math
import pathlib
import shutil
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
import safetensors.numpy
from flax import traverse_util

from anymo_jax.language.qwen2.apply import abstract_params
from anymo_jax.language.qwen2.config import Qwen2Config
from anymo_jax.language.qwen2.config_file import write_config
from anymo_jax.language.qwen2.layout import EMBEDDING, HEAD, Place, places
from anymo_jax.language.qwen2.shards import DTYPES, INDEX, SINGLE


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows to write in place of those of the embedding or of the head.

    Attributes:
      start: token of the first.
      values: (n, D).
    """

    start: int
    values: np.ndarray | jax.Array


def save_qwen2(
    directory: str | pathlib.Path,
    params: Mapping,
    config: Qwen2Config,
    *,
    embedding_rows: Rows | None = None,
    head_rows: Rows | None = None,
    extra: Mapping[str, Any] | None = None,
    shard_bytes: int = 5_000_000_000,
) -> None:
    """Writes a model in the layout that `load_qwen2` reads, values and dtype as given.

    Tokens whose embedding a model computes, such as IMU codes, are baked into rows. In
    a tied model either kind of rows unties the head: the table that was both is written
    as each of them.

    Args:
      directory: absent or empty; tokenizer files are the caller's to add.
      params: as of `load_qwen2`.
      config: of the model.
      embedding_rows: of the input embedding alone.
      head_rows: of the head alone.
      extra: further keys of config.json, such as "eos_token_id".
      shard_bytes: no file is larger, unless a single tensor is.

    Raises:
      ValueError: before anything is written, where the directory holds files, the
        params are not those of the config, are of mixed dtypes or lie on other
        processes' devices, or rows do not fit the vocabulary.
    """
    directory = pathlib.Path(directory)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise ValueError(f"{directory} holds files; remove them or choose another")
    leaves, dtype = _checked(params, config)
    rows = {EMBEDDING: embedding_rows, HEAD: head_rows}
    rows = {name: given for name, given in rows.items() if given is not None}
    for name, given in rows.items():
        _check_rows(name, given, config)
    if rows and config.tie_embeddings:
        config = dataclasses.replace(config, tie_embeddings=False)
        leaves["head"] = leaves["embedding"]
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.with_name(f".{directory.name}.partial")
    # One may be left from a writer that was killed.
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        _write_tensors(partial, leaves, places(config), dtype, rows, shard_bytes)
        write_config(partial, config, dtype.name, extra)
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _checked(params: Mapping, config: Qwen2Config) -> tuple[dict[str, Any], np.dtype]:
    """Leaves by path and their dtype."""
    leaves = traverse_util.flatten_dict(dict(params), sep="/")
    wanted = traverse_util.flatten_dict(abstract_params(config), sep="/")
    found = {name: np.shape(leaf) for name, leaf in leaves.items()}
    expected = {name: leaf.shape for name, leaf in wanted.items()}
    if found != expected:
        differ = sorted(
            f"{name} {found.get(name)}, expected {expected.get(name)}"
            for name in found.keys() | expected.keys()
            if found.get(name) != expected.get(name)
        )
        raise ValueError(f"params are not those of the config: {'; '.join(differ)}")
    dtypes = {np.dtype(leaf.dtype) for leaf in leaves.values()}
    names = {dtype.name for dtype in dtypes}
    if len(names) > 1 or not names <= set(DTYPES.values()):
        raise ValueError(
            f"params have the dtypes {sorted(names)}, expected one of "
            f"{list(DTYPES.values())}; cast them"
        )
    for name, leaf in leaves.items():
        if isinstance(leaf, jax.Array) and not leaf.is_fully_addressable:
            raise ValueError(
                f"{name} lies on other processes' devices too; gather the params first"
            )
    return leaves, dtypes.pop()


def _check_rows(tensor: str, rows: Rows, config: Qwen2Config) -> None:
    shape = np.shape(rows.values)
    fits = len(shape) == 2 and shape[1] == config.hidden_size
    if not fits or rows.start < 0 or rows.start + shape[0] > config.vocab_size:
        raise ValueError(
            f"rows for {tensor} of shape {shape} from {rows.start} do not fit "
            f"(vocab_size, hidden_size) = ({config.vocab_size}, {config.hidden_size})"
        )


def _write_tensors(
    directory: pathlib.Path,
    leaves: Mapping[str, Any],
    tensors: list[Place],
    dtype: np.dtype,
    rows: Mapping[str, Rows],
    shard_bytes: int,
) -> None:
    shards = _dealt(tensors, dtype.itemsize, shard_bytes)
    names = [SINGLE]
    if len(shards) > 1:
        names = [
            f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors"
            for i in range(len(shards))
        ]
    for name, shard in zip(names, shards, strict=True):
        arrays = {place.tensor: _tensor(leaves, place, rows, dtype) for place in shard}
        # Transformers refuses a file that does not say what wrote it.
        safetensors.numpy.save_file(arrays, directory / name, {"format": "pt"})
        # The library makes files that their owner alone may read.
        (directory / name).chmod(directory.stat().st_mode & 0o666)
    if len(shards) > 1:
        files = {
            place.tensor: name
            for name, shard in zip(names, shards, strict=True)
            for place in shard
        }
        size = sum(_size(place, dtype.itemsize) for place in tensors)
        index = {"metadata": {"total_size": size}, "weight_map": files}
        (directory / INDEX).write_text(json.dumps(index, indent=2, sort_keys=True))


def _dealt(tensors: list[Place], itemsize: int, limit: int) -> list[list[Place]]:
    """Tensors in order, by the file that each goes to."""
    shards: list[list[Place]] = []
    room = -1
    for place in tensors:
        size = _size(place, itemsize)
        if size > room:
            shards.append([])
            room = limit
        shards[-1].append(place)
        room -= size
    return shards


def _size(place: Place, itemsize: int) -> int:
    return math.prod(place.shape) * itemsize


def _tensor(
    leaves: Mapping[str, Any], place: Place, rows: Mapping[str, Rows], dtype: np.dtype
) -> np.ndarray:
    leaf = leaves[place.leaf]
    tensor = place.write(np.asarray(leaf if place.layer is None else leaf[place.layer]))
    if place.tensor in rows:
        given = rows[place.tensor]
        values = np.asarray(given.values).astype(dtype)
        tensor = tensor.copy()
        tensor[given.start : given.start + len(values)] = values
    return tensor
