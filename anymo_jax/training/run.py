"""The steps of a run: dispatch, read late, log, validate, save, leave.

Step n is dispatched before the report of step n - 1 is read, so that the device never
waits for the host. A report that tells of a step not taken finds the state as it was
before that step, whatever was dispatched since (`training.step`).
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
import optax

from anymo_jax.training import nonfinite, sharding
from anymo_jax.training.feed import Feed
from anymo_jax.training.metrics import Record
from anymo_jax.training.options import CheckpointStore, FitOptions
from anymo_jax.training.profile import Profile
from anymo_jax.training.program import Program
from anymo_jax.training.progress import Stopwatch, Work, progress_line
from anymo_jax.training.state import TrainState
from anymo_jax.training.step import Report
from anymo_jax.training.task import OBJECTIVE, Variables
from anymo_jax.training.termination import SigtermNotice, Terminated


@dataclasses.dataclass
class Run:
    """A run under way.

    Attributes:
      program: compiled functions.
      options: steps and intervals.
      feed: batches.
      given: the task's given arrays on the mesh.
      work: what a step does, for the pace.
      checkpoints, validate, schedules, say: as `loop.fit` is given them.
      record: files of rows.
      profile: of chosen steps.
      notice: of SIGTERM.
      step: steps dispatched.
      state: after them.
    """

    program: Program
    options: FitOptions
    feed: Feed
    given: Any
    work: Work
    checkpoints: CheckpointStore | None
    validate: Callable[[Variables, int], Mapping[str, float]] | None
    schedules: Mapping[str, optax.Schedule]
    say: Callable[[str], None]
    record: Record
    profile: Profile
    notice: SigtermNotice
    step: int
    state: TrainState

    def __post_init__(self) -> None:
        """Starts the clock."""
        # The last step dispatched, while its report is still to be read.
        self.pending: tuple[int, Report] | None = None
        self.saved = self.step
        # Agreed by all processes, as it comes with a step's report.
        self.stop = False
        self.watch = Stopwatch(self.work, self.step, self.feed.waited)

    def to_the_end(self) -> None:
        """Takes the steps that are left; validates and saves where due.

        Raises:
          NonFiniteError: at a step that is not finite.
          Terminated: after SIGTERM.
        """
        while self.step < self.options.steps and not self.stop:
            self._advance()
            validates = self._due(self.options.validate_every)
            if validates or self._due(self.options.checkpoint_every):
                self._settle()
                # Who asked to stop should not wait for a validation.
                validates = validates and not self.stop
                with self.watch.excluded():
                    self._save(self._validated() if validates else None)
        self._settle()
        self._save(None)
        if self.checkpoints:
            self.checkpoints.wait()
        if self.stop:
            saved = (
                "saved" if self.checkpoints else "not saved: no checkpoints are kept"
            )
            raise Terminated(f"SIGTERM: left after step {self.step}, {saved}")

    def _due(self, every: int) -> bool:
        last = self.step == self.options.steps
        return last or (every > 0 and self.step % every == 0)

    def _advance(self) -> None:
        """Dispatches the next step, then reads the report of the one before."""
        step = self.step + 1
        batch = self.feed.take(step)
        stop = self.program.flag(self.notice.requested)
        with self.profile.step(step):
            self.state, report = self.program.step(self.state, self.given, batch, stop)
        self.step = step
        self._settle()
        self.pending = step, report
        self.profile.after(step, report)

    def _settle(self) -> None:
        """Reads the report still to be read, if any."""
        if self.pending is None:
            return
        step, report = self.pending
        self.pending = None
        report = jax.device_get(report)
        if not report.healthy:
            self._refuse(step)
        self.stop = self.stop or bool(report.stop)
        if step % self.options.log_every == 0 or step == self.options.steps:
            self._log(step, report)

    def _log(self, step: int, report: Report) -> None:
        means = {
            name: float(total) / float(count) if count else float("nan")
            for name, (total, count) in report.terms.items()
        }
        norms = {f"{name}_norm": float(norm) for name, norm in report.norms.items()}
        rates = {name: float(rate(step - 1)) for name, rate in self.schedules.items()}
        self.record.metrics(step, means | norms | rates)
        pace = self.watch.lap(step, self.feed.waited)
        self.record.timing(step, pace.figures())
        self.say(progress_line(step, self.options.steps, means[OBJECTIVE], pace))

    def _validated(self) -> Mapping[str, float] | None:
        if self.validate is None:
            return None
        figures = self.validate(self.state.variables, self.step)
        self.record.metrics(
            self.step, {f"validation/{name}": x for name, x in figures.items()}
        )
        told = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self.say(f"step {self.step}/{self.options.steps}  validation  {told}")
        return figures

    def _save(self, figures: Mapping[str, float] | None) -> None:
        """Saves the state of the last step, once."""
        if self.checkpoints and self.step != self.saved:
            self.checkpoints.save(self.step, self.state, self.feed.iterator, figures)
            self.saved = self.step

    def _refuse(self, step: int) -> None:
        """Saves the state before a step, the data set before its batch, and raises."""
        batch = self.feed.rewind(step)
        healthy = sharding.replicate(self.program.mesh, np.ones((), bool))
        self.state = dataclasses.replace(self.state, healthy=healthy)
        found = self.program.diagnose(self.state, self.given, batch)
        error = nonfinite.explain(step, *jax.device_get(found))
        try:
            self.step = step - 1
            self._save(None)
            if self.checkpoints:
                self.checkpoints.wait()
        except Exception as failure:
            raise error from failure
        raise error
