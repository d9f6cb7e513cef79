"""The folder of a run: which configuration made it, and by which code.

`config.json` is written when the run begins. A run is continued only with a
configuration that says the same, save for fields that change no result; one that left
no checkpoint and no curve yet, because it was refused for its data or mesh or stopped
before its first step, may begin with another.
"""

import importlib.metadata
import json
import os
import pathlib
import platform
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from anymo_jax import __version__
from anymo_jax.training.manifest import differences
from anymo_jax.training.metrics import METRICS
from anymo_jax.training.saved import agreed

CONFIG = "config.json"
CHECKPOINTS = "checkpoints"
FORMAT = 1
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "grain", "numpy")


class RunFolderError(ValueError):
    """A folder is not that of this run; the message says what differs."""


def open_run(
    folder: str | os.PathLike, config: Any, free: Sequence[str] = ("run",)
) -> pathlib.Path:
    """Begins a run in a folder, or makes sure that one may go on there.

    Call it on all processes alike; the first one writes.

    Args:
      folder: made where missing.
      config: nested mapping of plain values, or a ConfigDict.
      free: dotted names of fields, or of mappings of them, that may differ from the
        run's first configuration, as they change no result: paths, logging, mesh.

    Returns:
      The folder.

    Raises:
      RunFolderError: naming the fields that differ; or where the folder holds other
        things and no run, or a damaged configuration.
    """
    folder = pathlib.Path(folder)
    config = _plain(config)
    failure = None
    try:
        old = read_config(folder) if (folder / CONFIG).exists() else None
        if old is not None and _has_results(folder):
            check_run(folder, config, free)
        elif old != config:
            _begin(folder, config)
    except (RunFolderError, OSError) as error:
        failure = error
    if not agreed(failure is None):
        raise failure or RunFolderError(f"{folder}: refused by another process")
    return folder


def check_run(
    folder: str | os.PathLike, config: Any, free: Sequence[str] = ("run",)
) -> None:
    """Makes sure that the run of a folder is of this configuration; writes nothing.

    Args:
      folder: of a run.
      config: as in `open_run`.
      free: likewise.

    Raises:
      RunFolderError: naming the fields that differ, or where no run began.
    """
    old, new = read_config(folder), _plain(config)
    lines = differences(_bound(old, free), _bound(new, free))
    if lines:
        raise RunFolderError(
            f"{folder} holds a run of another configuration; then -> now:\n  "
            + "\n  ".join(lines)
            + "\nGo on with the old values, or choose a new folder"
        )


def read_config(folder: str | os.PathLike) -> dict[str, Any]:
    """The configuration that a run began with.

    Raises:
      RunFolderError: where there is none, or it cannot be read.
    """
    return _read(pathlib.Path(folder))["config"]


def read_origin(folder: str | os.PathLike) -> dict[str, Any]:
    """Versions and revision of the code that began a run.

    Raises:
      RunFolderError: where there are none.
    """
    return _read(pathlib.Path(folder))["origin"]


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """Values of a nested mapping by their dotted names; an empty mapping is a value."""
    flat = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _read(folder):
    path = folder / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != FORMAT or not {"config", "origin"} <= content.keys():
            raise ValueError(f"format {content['format']} where {FORMAT} is read")
    except FileNotFoundError:
        raise RunFolderError(f"{path} is missing: no run began there") from None
    except (ValueError, KeyError, TypeError) as error:
        raise RunFolderError(
            f"{path} cannot be read ({error!r}): repair it, or use a new folder"
        ) from None
    return content


def _plain(config):
    """The configuration as JSON would give it back: tuples are lists."""
    config = config.to_dict() if hasattr(config, "to_dict") else config
    try:
        return json.loads(json.dumps(config))
    except TypeError as error:
        raise RunFolderError(
            f"a config holds plain values only, numbers, strings, lists and mappings: "
            f"{error}"
        ) from None


def _bound(config, free):
    return {n: value for n, value in flatten(config).items() if not _under(n, free)}


def _under(field, names):
    return any(field == name or field.startswith(f"{name}.") for name in names)


def _has_results(folder):
    """Whether steps left anything; what stands there before the first is no result."""
    files = [folder / METRICS, *(folder / CHECKPOINTS).rglob("*")]
    return any(p.stat().st_size for p in files if p.is_file())


def _begin(folder, config):
    strangers = sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []
    strangers = [name for name in strangers if not name.startswith((".", CONFIG))]
    if strangers and not (folder / CONFIG).exists():
        raise RunFolderError(
            f"{folder} holds {', '.join(strangers[:5])}, but no {CONFIG}: it is not a "
            "run's folder. Choose a new or an empty one"
        )
    if jax.process_index() != 0:
        return
    folder.mkdir(parents=True, exist_ok=True)
    content = {"format": FORMAT, "config": config, "origin": origin()}
    partial = folder / f"{CONFIG}.tmp"
    partial.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, folder / CONFIG)


def origin() -> dict[str, str | None]:
    """Versions and revision of the code that runs, and its backend."""
    return {
        "anymo_jax": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in _PACKAGES},
        "backend": jax.default_backend(),
        "git": _revision(),
    }


def _revision():
    """Commit of the code, "+" for changes to it; None outside a repository."""
    here = pathlib.Path(__file__).parent
    try:
        run = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.strip()
