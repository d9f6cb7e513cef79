"""Measurements in processes of their own, so that none disturbs the next.

    isolated.measure("experiments.benchmarks.encoder:our_step", {"batch": 8})

runs the function in a fresh interpreter and returns the mapping that it returns. The
peak memory of one framework is then not that of the other, thread pools do not fight,
and a number of devices can be asked for.
"""

import importlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

_MARK = "measured: "
_STATUS = pathlib.Path("/proc/self/status")
_REFERENCES = pathlib.Path("/proc/self/clear_refs")


def measure(
    function: str, arguments: Mapping[str, Any], environment: Mapping[str, str] = {}
) -> dict[str, Any]:
    """What "module:function" returns for keyword arguments, in a new process.

    Returns:
      the mapping that it returns, or {"failed": the last line of its complaint}.
    """
    command = [sys.executable, "-m", __name__, function, json.dumps(dict(arguments))]
    done = subprocess.run(
        command,
        env=os.environ | dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.startswith(_MARK):
            return json.loads(line.removeprefix(_MARK))
    complaint = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
    return {"failed": complaint[-1]}


def forget_peak_memory() -> None:
    """Let the peak of the process's resident memory start from what it holds now."""
    if _REFERENCES.exists():
        _REFERENCES.write_text("5")


def peak_memory() -> int | None:
    """Most bytes resident since `forget_peak_memory`; None but on Linux."""
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text().splitlines():
        if line.startswith("VmHWM:"):
            return 1024 * int(line.split()[1])
    return None


def _main(function: str, arguments: str) -> None:
    module, name = function.split(":")
    found = getattr(importlib.import_module(module), name)(**json.loads(arguments))
    print(_MARK + json.dumps(found), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])
