"""Sentence vectors that outlive a run: one safetensors file a model.

    keys      (n, 32) uint8     SHA-256 of each text as UTF-8
    vectors   (n, D) float32    its vector, of unit norm
    header    model: which files and arithmetic made them; content: SHA-256 of the above

The file is a cache in the strict sense: whatever is wrong with it, the vectors are
computed anew, with a warning that says why.
"""

import contextlib
import hashlib
import os
import pathlib
import tempfile
import warnings
from collections.abc import Mapping

import numpy as np
import safetensors
import safetensors.numpy

_KEY_BYTES = hashlib.sha256().digest_size


def key_of(text: str) -> bytes:
    """The name of a text in the cache.

    Raises:
      ValueError: for a lone surrogate, which is no text.
    """
    try:
        return hashlib.sha256(text.encode()).digest()
    except UnicodeEncodeError:
        raise ValueError(
            f"text {text!r} holds a lone surrogate, which no UTF-8 text has; remove it"
        ) from None


def read_cache(path: pathlib.Path, model: str, width: int) -> dict[bytes, np.ndarray]:
    """Vectors by `key_of` their text; none where there is no usable file.

    Args:
      path: of the file.
      model: digest of what computes the vectors; a cache of another is stale.
      width: D.
    """
    if not path.exists():
        return {}
    try:
        header, keys, vectors = _read(path)
        fault = _fault(header, keys, vectors, model, width)
    except (OSError, KeyError, safetensors.SafetensorError) as error:
        fault = f"damaged ({error})"
    if fault:
        message = f"{path}: the cache of text embeddings is {fault}; building it anew"
        warnings.warn(message, stacklevel=2)
        return {}
    return dict(zip(map(bytes, keys), vectors, strict=True))


def write_cache(
    path: pathlib.Path, model: str, vectors: Mapping[bytes, np.ndarray]
) -> None:
    """Writes a cache atomically: a reader sees all of it or the one before."""
    keys = np.frombuffer(b"".join(vectors), np.uint8).reshape(-1, _KEY_BYTES)
    rows = np.stack(list(vectors.values())).astype(np.float32)
    header = {"model": model, "content": _content(keys, rows)}
    data = safetensors.numpy.save({"keys": keys, "vectors": rows}, header)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own: two processes may share a cache, and the last one to end wins.
    handle, partial = tempfile.mkstemp(prefix=path.name, suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)
        raise


def _read(path: pathlib.Path) -> tuple[dict[str, str], np.ndarray, np.ndarray]:
    with safetensors.safe_open(path, "numpy") as file:
        header = file.metadata() or {}
        return header, file.get_tensor("keys"), file.get_tensor("vectors")


def _fault(header, keys, vectors, model: str, width: int) -> str | None:
    if header.get("content") != _content(keys, vectors):
        return "damaged (its checksum differs)"
    if header["model"] != model:
        return "stale (another model made it)"
    if keys.shape != (len(vectors), _KEY_BYTES) or vectors.shape[1:] != (width,):
        return f"damaged (keys {keys.shape}, vectors {vectors.shape})"
    return None


def _content(keys: np.ndarray, vectors: np.ndarray) -> str:
    return hashlib.sha256(keys.tobytes() + vectors.tobytes()).hexdigest()
