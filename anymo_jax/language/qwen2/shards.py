"""The tensors of a Hugging Face directory, in one safetensors file or in many.

Headers alone are read when a directory is opened; a tensor's values, or a part of them,
when they are asked for.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import safetensors

from anymo_jax.language.qwen2.config_file import read_fields
from anymo_jax.language.qwen2.layout import HEAD, Place, Slices

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"

# Safetensors' names of the types that weights may have.
DTYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_LISTED = 8


@dataclasses.dataclass(frozen=True)
class Shards:
    """Open files and what they hold.

    Attributes:
      directory: where they lie.
      files: by tensor, the name of its file.
      slices: by tensor, a lazy array with `get_shape`, `get_dtype` and indexing.
    """

    directory: pathlib.Path
    files: Mapping[str, str]
    slices: Mapping[str, Any]

    def read(self, tensor: str, part: Slices) -> np.ndarray:
        """A part of a tensor."""
        return self.slices[tensor][part]

    def dtype(self, tensor: str) -> str:
        """Type of a tensor, as NumPy names it where weights may have it."""
        stored = self.slices[tensor].get_dtype()
        return DTYPES.get(stored, stored)


@contextlib.contextmanager
def open_shards(directory: str | pathlib.Path) -> Iterator[Shards]:
    """Opens every safetensors file of a directory for as long as the context lasts.

    Raises:
      ValueError: names the file that is missing or damaged, or the tensor that is not
        in the file that the index names.
    """
    directory = pathlib.Path(directory)
    indexed = _weight_map(directory)
    names = sorted(set(indexed.values())) if indexed is not None else [SINGLE]
    with contextlib.ExitStack() as stack:
        files, slices = {}, {}
        for name in names:
            shard = stack.enter_context(_open(directory, name))
            for tensor in shard.keys():  # noqa: SIM118, no mapping
                if tensor in files:
                    raise ValueError(
                        f"{directory}: {tensor} is in both {files[tensor]} and {name}; "
                        "copy the directory anew"
                    )
                files[tensor], slices[tensor] = name, shard.get_slice(tensor)
        for tensor, name in (indexed or {}).items():
            if files.get(tensor) != name:
                raise ValueError(
                    f"{directory / name}: no tensor {tensor}, which {INDEX} says is "
                    "here; copy the file anew"
                )
        yield Shards(directory, files, slices)


def check_tensors(shards: Shards, places: list[Place], dtype: str | None) -> None:
    """Holds tensors against those of a model, by name, shape and type.

    Args:
      shards: open files.
      places: every tensor of the model.
      dtype: that all must have; None for any of float32, bfloat16 and float16.

    Raises:
      ValueError: lists the tensors that are missing, unexpected, or of another shape
        or type, each with its file, what was found and what was expected.
    """
    wanted = {place.tensor: place for place in places}
    extra = [name for name in shards.files if name not in wanted]
    faults = [
        ("missing", [name for name in wanted if name not in shards.files]),
        ("unexpected", [f"{shards.files[name]}: {name}" for name in extra]),
        ("of another shape", list(_misshapen(shards, wanted))),
        ("of another dtype", list(_mistyped(shards, wanted, dtype))),
    ]
    told = [f"{fault}: {_listed(names)}" for fault, names in faults if names]
    if HEAD in extra:
        told.append(
            f"{HEAD} is here although config.json ties the head to the embedding; set "
            "tie_word_embeddings to false there to read it"
        )
    if told:
        raise ValueError(
            f"{shards.directory}: not the tensors that config.json asks for; "
            + "; ".join(told)
        )


def _misshapen(shards: Shards, wanted: Mapping[str, Place]) -> Iterator[str]:
    for name in wanted.keys() & shards.files.keys():
        found, expected = (
            tuple(shards.slices[name].get_shape()),
            wanted[name].stored_shape,
        )
        if found != expected:
            yield f"{shards.files[name]}: {name} {found}, expected {expected}"


def _mistyped(
    shards: Shards, wanted: Mapping[str, Place], dtype: str | None
) -> Iterator[str]:
    expected = [dtype] if dtype is not None else list(DTYPES.values())
    for name in wanted.keys() & shards.files.keys():
        found = shards.dtype(name)
        if found not in expected:
            told = " or ".join(expected)
            yield f"{shards.files[name]}: {name} {found}, expected {told}"


def _listed(names: list[str]) -> str:
    names, more = sorted(names), len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _weight_map(directory: pathlib.Path) -> dict[str, str] | None:
    """By tensor the name of its file, None where there is one file for all."""
    path = directory / INDEX
    # As transformers does: one file for all goes before an index.
    if (directory / SINGLE).is_file() or not path.is_file():
        return None
    indexed = read_fields(path).get("weight_map")
    if not isinstance(indexed, dict) or not indexed:
        raise ValueError(f"{path}: expected a weight_map; copy the file anew")
    for name in indexed.values():
        if not isinstance(name, str) or pathlib.PurePath(name).name != name:
            raise ValueError(f"{path}: {name!r} is not the name of a file beside it")
    return indexed


def _open(directory: pathlib.Path, name: str):
    path = directory / name
    if not path.is_file():
        asked = f"which {INDEX} names" if name != SINGLE else f"and no {INDEX}"
        raise ValueError(
            f"{path}: no such file, {asked}; copy it from where the model came from"
        )
    try:
        return safetensors.safe_open(path, framework="numpy")
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path}: not a .safetensors file, or one cut short: {error}; copy it anew"
        ) from None
