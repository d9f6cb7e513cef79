"""A profiler trace of chosen steps."""

import contextlib
import os
import pathlib
from collections.abc import Iterator
from typing import Any

import jax

FOLDER = "profile"


class Profile:
    """Traces the steps first to last, both included, into `folder`/profile."""

    def __init__(self, folder: str | os.PathLike, steps: tuple[int, int] | None):
        """Steps count from 1; None traces nothing.

        Raises:
          ValueError: unless 1 <= first <= last.
        """
        if steps is not None and not 1 <= steps[0] <= steps[1]:
            raise ValueError(
                f"profile = {steps}: give the first and the last step, from 1 on"
            )
        self._folder = str(pathlib.Path(folder) / FOLDER)
        self._first, self._last = steps or (0, 0)
        self._running = False

    @contextlib.contextmanager
    def step(self, step: int) -> Iterator[None]:
        """Around the dispatch of a step, which a trace then shows by its number."""
        if self._first <= step <= self._last and not self._running:
            jax.profiler.start_trace(self._folder)
            self._running = True
        with jax.profiler.StepTraceAnnotation("step", step_num=step):
            yield

    def after(self, step: int, result: Any) -> None:
        """Ends the trace once the last step's result is there."""
        if self._running and step >= self._last:
            jax.block_until_ready(result)
            self.close()

    def close(self) -> None:
        """Ends a trace that still runs."""
        if self._running:
            self._running = False
            jax.profiler.stop_trace()
