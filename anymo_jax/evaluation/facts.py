"""What a report says of where its figures come from: versions, revision, hardware."""

import importlib.metadata
import os
import pathlib
import platform
import subprocess

import jax

import anymo_jax

PACKAGES = (
    *("jax", "jaxlib", "flax", "numpy", "scipy", "safetensors", "tokenizers"),
    *("transformers", "matplotlib", "scikit-learn", "sacrebleu", "rouge-score", "nltk"),
)


def facts() -> dict:
    """Versions of what is installed, git revision, machine and devices."""
    devices = jax.devices()
    return {
        "anymo_jax": anymo_jax.__version__,
        "revision": revision(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "hardware": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count(),
            "memory_gb": _memory_gb(),
            "devices": [f"{d.platform} {d.device_kind}" for d in devices],
        },
    }


def revision() -> str:
    """Commit of the code, with "changed" where files differ from it."""
    folder = pathlib.Path(anymo_jax.__file__).parents[1]

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *words],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    try:
        if pathlib.Path(git("rev-parse", "--show-toplevel")) != folder.resolve():
            return "unknown: not run from a clone"
        commit = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--untracked-files=no")
        return f"{commit}, changed" if changed else commit
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not run from a clone"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    named = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return named[0] if named else platform.processor() or "unknown"


def _memory_gb() -> float | None:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None
    return round(total / 1e9, 1)
