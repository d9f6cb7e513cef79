"""How fast a run goes: examples per second, waiting for data, MFU, time left."""

import contextlib
import dataclasses
import time
from collections.abc import Iterator


@dataclasses.dataclass(frozen=True)
class Work:
    """What a step does.

    Attributes:
      examples: of a batch over all processes.
      ideal_seconds: s that the devices would need for a step's model operations at
        their peak; None where the peak is unknown.
    """

    examples: int
    ideal_seconds: float | None = None


@dataclasses.dataclass(frozen=True)
class Pace:
    """Wall-clock figures of an interval of steps.

    Attributes:
      seconds_per_step: s.
      examples_per_second: 1/s, over all processes.
      data_wait_share: of the time, spent in waiting for data, 0..1.
      mfu: model FLOP/s over the devices' peak, 0..1; None where that is unknown.
    """

    seconds_per_step: float
    examples_per_second: float
    data_wait_share: float
    mfu: float | None

    def figures(self) -> dict[str, float]:
        """What is known, by name."""
        known = dataclasses.asdict(self).items()
        return {name: value for name, value in known if value is not None}


class Stopwatch:
    """Wall-clock time of steps, without what is excluded."""

    def __init__(self, work: Work, step: int, waited: float):
        """Starts after a step, `waited` seconds having been spent on data so far."""
        self._work, self._step, self._waited = work, step, waited
        self._start = time.perf_counter()

    @contextlib.contextmanager
    def excluded(self) -> Iterator[None]:
        """Stops while entered, as for validation."""
        start = time.perf_counter()
        yield
        self._start += time.perf_counter() - start

    def lap(self, step: int, waited: float) -> Pace:
        """The pace since the last lap, to a later step."""
        now = time.perf_counter()
        elapsed = now - self._start
        seconds = elapsed / (step - self._step)
        ideal = self._work.ideal_seconds
        pace = Pace(
            seconds_per_step=seconds,
            examples_per_second=self._work.examples / seconds,
            data_wait_share=(waited - self._waited) / elapsed,
            mfu=None if ideal is None else ideal / seconds,
        )
        self._step, self._waited, self._start = step, waited, now
        return pace


def progress_line(step: int, steps: int, loss: float, pace: Pace) -> str:
    """A line for a person.

    Args:
      step: steps done.
      steps: in all.
      loss: mean objective since the last line.
      pace: of the same steps.
    """
    parts = [
        f"step {step}/{steps}",
        f"loss {loss:.4f}",
        f"{pace.examples_per_second:.4g} examples/s",
        f"data wait {pace.data_wait_share:.1%}",
    ]
    if pace.mfu is not None:
        parts.append(f"MFU {pace.mfu:.1%}")
    parts.append(f"{duration((steps - step) * pace.seconds_per_step)} left")
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """A time for a person: 42 s, 7 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
