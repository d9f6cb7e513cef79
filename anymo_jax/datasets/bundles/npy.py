"""Arrays from npy and npz files that may be damaged; nothing is unpickled."""

import io
import pathlib
from collections.abc import Sequence

import numpy as np


def read_npy(source: pathlib.Path | bytes, name: str) -> np.ndarray:
    """The array of an npy file.

    Args:
      source: the file, or its content.
      name: what an error calls it.

    Raises:
      ValueError: where it is no such file, or a damaged one.
    """
    try:
        content = source if isinstance(source, bytes) else source.read_bytes()
        array = np.load(io.BytesIO(content), allow_pickle=False)
    # A damaged header or archive fails in as many ways as there are parsers on the way.
    except Exception as error:
        raise ValueError(f"{name}: not a readable npy array: {_why(error)}") from None
    if not isinstance(array, np.ndarray):
        raise ValueError(
            f"{name}: not a readable npy array: it is an archive of several"
        )
    return array


def read_npz(path: pathlib.Path, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Those arrays of an npz file that are there; errors as `read_npy`."""
    try:
        # Opened here, since a damaged archive would be left open.
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            return {name: file[name] for name in names if name in file.files}
    except Exception as error:
        raise ValueError(f"{path}: not a readable npz file: {_why(error)}") from None


def _why(error: Exception) -> str:
    said = str(error) or type(error).__name__
    return "it holds pickled objects" if "pickle" in said else said[:200]
