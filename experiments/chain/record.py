"""pipeline.json: what a working directory holds, and how it came to be."""

import json
import os
import pathlib
import platform
from collections.abc import Mapping
from typing import Any

from anymo_jax.training.run_folder import origin

RECORD = "pipeline.json"
FORMAT = 1


class Record:
    """What is known of each stage, in a file that is whole at any moment.

    A stage's entry holds `state` ("running", "unfinished" or "done"), `reads` (digests
    of what it was made from, by stage), `made` (the digest of what it left), `seconds`
    in all its calls and `core_seconds` over all cores, which other work on the machine
    changes little, `headline`, `command` and `set_aside` (folders of former runs).
    """

    def __init__(self, home: pathlib.Path):
        """Reads the record of a working directory; an empty one where there is none.

        Raises:
          ValueError: where there is one that cannot be read.
        """
        self._path = home / RECORD
        self._told: dict[str, Any] = {"format": FORMAT, "stages": {}}
        if self._path.exists():
            self._told = self._read()

    def begin(self, config: Mapping, command: str) -> None:
        """Notes a call: its configuration, and by what and where it runs."""
        code = origin()
        # Stages run elsewhere than this process, which keeps off accelerators.
        del code["backend"]
        self._told |= {
            "config": dict(config),
            "command": command,
            "origin": code,
            "machine": machine(),
        }
        self._write()

    def stage(self, name: str) -> Mapping[str, Any]:
        """The entry of a stage; {} where it never ran."""
        return self._told["stages"].get(name, {})

    def note(self, name: str, **facts: Any) -> None:
        """Puts facts into a stage's entry, on disk before it returns."""
        self._told["stages"][name] = dict(self.stage(name)) | facts
        self._write()

    def _read(self) -> dict[str, Any]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            if told["format"] != FORMAT or not isinstance(told["stages"], dict):
                raise ValueError(f"format {told['format']} where {FORMAT} is read")
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{self._path} cannot be read ({error!r}): remove it, and each stage "
                "tells by itself whether it fits what it was made from"
            ) from None
        return told

    def _write(self) -> None:
        partial = self._path.with_name(f"{RECORD}.tmp")
        partial.write_text(json.dumps(self._told, indent=1) + "\n", encoding="utf-8")
        os.replace(partial, self._path)


def machine() -> dict[str, Any]:
    """Processor, cores that may be used, and memory in GB where it is told."""
    cores = getattr(os, "sched_getaffinity", None)
    found = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(cores(0)) if cores else os.cpu_count(),
    }
    if "SC_PHYS_PAGES" in os.sysconf_names:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        found["memory_gb"] = round(size / 1e9, 1)
    return found


def _processor() -> str:
    listed = pathlib.Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()
