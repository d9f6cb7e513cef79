"""The written record of a run: JSON lines and TensorBoard scalars.

`metrics.jsonl` holds the curve: what the state and the data decide, so that the file of
a resumed run equals that of an uninterrupted one. `timing.jsonl` holds what the clock
and the machine decide. A number that is not finite is written as null.
"""

import json
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

METRICS = "metrics.jsonl"
TIMING = "timing.jsonl"
TENSORBOARD = "tensorboard"


class Record:
    """Appends rows to the files of a run's folder; a context manager."""

    def __init__(self, folder: str | os.PathLike, resumed: int, *, write: bool = True):
        """Opens the files, without the rows beyond the step that a run resumes from.

        Args:
          folder: of the run; made where missing.
          resumed: step that the run goes on from, 0 for a new one.
          write: False in all processes but one, where rows go nowhere.
        """
        self._write = write
        if not write:
            return
        # Imported here: with PyTorch installed it takes seconds.
        from tensorboardX import SummaryWriter

        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name in (METRICS, TIMING):
            drop_rows_beyond(folder / name, resumed)
        self._files = {
            name: (folder / name).open("a", encoding="utf-8")
            for name in (METRICS, TIMING)
        }
        self._summary = SummaryWriter(
            str(folder / TENSORBOARD), purge_step=resumed + 1 if resumed else None
        )

    def metrics(self, step: int, values: Mapping[str, float]) -> None:
        """One row of the curve."""
        self._row(METRICS, step, values)

    def timing(self, step: int, values: Mapping[str, float]) -> None:
        """One row of what the clock says."""
        self._row(TIMING, step, values)

    def _row(self, name, step, values):
        if not self._write or not values:
            return
        row: dict[str, Any] = {"step": step}
        row |= {k: float(v) if math.isfinite(v) else None for k, v in values.items()}
        file = self._files[name]
        file.write(json.dumps(row) + "\n")
        # A killed process loses nothing that it wrote before a checkpoint.
        file.flush()
        for key, value in values.items():
            self._summary.add_scalar(key, float(value), step)

    def close(self) -> None:
        """Closes all files."""
        if self._write:
            self._summary.close()
            for file in self._files.values():
                file.close()

    def __enter__(self) -> "Record":
        return self

    def __exit__(self, *_) -> None:
        self.close()


def read_rows(path: str | os.PathLike) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file, without a last one that was cut off.

    Raises:
      ValueError: for a broken row before the last.
    """
    path = pathlib.Path(path)
    if not path.exists():
        return []
    rows = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number < len(lines):
                raise ValueError(
                    f"{path}, line {number} is no JSON: {line[:80]!r}; repair or "
                    "remove the line"
                ) from error
    return rows


def drop_rows_beyond(path: str | os.PathLike, step: int) -> None:
    """Rewrites a file of rows without those of later steps, all or nothing."""
    path = pathlib.Path(path)
    if not path.exists():
        return
    kept = [row for row in read_rows(path) if row["step"] <= step]
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join(json.dumps(row) + "\n" for row in kept), "utf-8")
    os.replace(partial, path)
