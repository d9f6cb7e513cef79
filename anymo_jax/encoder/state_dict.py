"""PyTorch state dicts as files: reading, checking and writing them, never pickles.

A state dict is a flat mapping of dotted keys to arrays in PyTorch's layouts. It comes
as `.npz` (NumPy, read with allow_pickle=False) or `.safetensors`. What a key means is
the business of the module that asks for it.
"""

import lzma
import pathlib
import zipfile
import zlib
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import safetensors
import safetensors.numpy

_LISTED = 8


def read_state_dict(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """Reads every array of an `.npz` or `.safetensors` file.

    Floating types of two bytes (float16, bfloat16) and float64 become float32;
    integers stay as they are.

    Raises:
      ValueError: names the file and what is wrong with it: absent, of another kind,
        damaged, pickled, or holding values that are neither numbers nor finite.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix == ".npz":
        arrays = _read_npz(path)
    elif path.suffix == ".safetensors":
        arrays = _read_safetensors(path)
    else:
        raise ValueError(
            f"{path}: expected .npz or .safetensors; save the state dict as one of them"
        )
    return {key: _as_number(path, key, array) for key, array in arrays.items()}


def write_state_dict(
    path: str | pathlib.Path, arrays: Mapping[str, np.ndarray]
) -> None:
    """Writes arrays by key to an `.npz` or `.safetensors` file, by its suffix.

    Raises:
      ValueError: for another suffix.
    """
    path = pathlib.Path(path)
    # Safetensors writes the buffer as it lies, so a transposed view must be laid out.
    arrays = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".safetensors":
        safetensors.numpy.save_file(arrays, path)
    else:
        raise ValueError(f"{path}: name the file .npz or .safetensors")


def check_keys(
    found: Mapping[str, np.ndarray],
    wanted: Mapping[str, tuple[int, ...]],
    path: str | pathlib.Path,
    optional: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
) -> None:
    """Holds the keys and shapes of a state dict against those of a model.

    Args:
      found: arrays by key, as `read_state_dict` gives them.
      wanted: shapes by key, all of which must be there.
      path: where the arrays come from, for the error.
      optional: shapes by key that may be there, such as counters nobody reads.

    Raises:
      ValueError: lists the keys that are missing, unexpected, or of another shape.
    """
    missing = [key for key in wanted if key not in found]
    known = {**wanted, **optional}
    unexpected = [key for key in found if key not in known]
    shaped = [
        f"{key} {found[key].shape}, expected {tuple(shape)}"
        for key, shape in known.items()
        if key in found and found[key].shape != tuple(shape)
    ]
    faults = {"missing": missing, "unexpected": unexpected, "mis-shaped": shaped}
    told = [f"{name}: {_listed(keys)}" for name, keys in faults.items() if keys]
    if told:
        raise ValueError(
            f"{path}: not the state dict of this model; " + "; ".join(told)
        )


def _listed(keys: list[str]) -> str:
    more = len(keys) - _LISTED
    return ", ".join(keys[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _read_npz(path: pathlib.Path) -> dict[str, np.ndarray]:
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not an .npz file, or one cut short")
    arrays = {}
    with np.load(path, allow_pickle=False) as file:
        for key in file.files:
            try:
                arrays[key] = file[key]
            except ValueError as error:
                raise ValueError(
                    f"{path}: {key}: {error}; save it as plain arrays"
                ) from None
            except (OSError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError):
                raise ValueError(
                    f"{path}: {key} is damaged; copy the file anew"
                ) from None
    return arrays


def _read_safetensors(path: pathlib.Path) -> dict[str, np.ndarray]:
    try:
        return safetensors.numpy.load_file(path)
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path}: not a .safetensors file, or one cut short: {error}"
        ) from None


def _as_number(path: pathlib.Path, key: str, array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "iu":
        return array
    try:
        # Covers bfloat16, whose kind NumPy does not know.
        array = array.astype(np.float32, casting="same_kind")
    except TypeError:
        raise ValueError(
            f"{path}: {key} has type {array.dtype}, expected numbers"
        ) from None
    if not np.isfinite(array).all():
        raise ValueError(f"{path}: {key} holds values that are not finite")
    return array
