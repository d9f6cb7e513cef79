"""Rows as they come to windows of the last five seconds, one every second.

A window ends at the newest row and begins up to 5 s before it; the first is given when
a second has been measured. Time that stands still drops the row; time that goes back,
or leaps by more than a window, begins anew.
"""

import collections
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Int64

from anymo_jax.body.view import View
from anymo_jax.datasets.evidence import grid_evidence
from anymo_jax.datasets.labelled import (
    LONGEST,
    RATE_HZ,
    SHORTEST,
    node_window,
)
from anymo_jax.datasets.recording import KINDS
from anymo_jax.datasets.resample import Job, resample_streams
from anymo_jax.datasets.units import GRAVITY, suspect_moving, suspect_rate
from anymo_jax.inference.rows import SOURCE, Row

WINDOW_S = LONGEST / RATE_HZ
# Rows before the window from which its first samples are interpolated.
_BEFORE_S = 0.5
_GAP_S = 0.25
_SHORT_S = SHORTEST / RATE_HZ


class StreamWindow(NamedTuple):
    """A window of a stream.

    Attributes:
      end: seconds on the stream's clock, of its newest sample.
      seconds: its length.
      view: on the body graph.
    """

    end: float
    seconds: float
    view: View


class StreamWindows:
    """Cuts a stream into windows.

    Attributes:
      rows: taken in.
      repeated: rows left out whose time is that of the row before.
      restarts: how often time went back or leapt.
      seconds: of the stream so far.
    """

    def __init__(
        self,
        sites: tuple[str, ...],
        nodes: Int64[np.ndarray, "S"],
        every_s: float = 1.0,
        tell: Callable[[str], None] = lambda told: None,
    ):
        """Takes the sensors' sites and nodes.

        Args:
          sites: own words of each sensor's site, for what is told.
          nodes: (S,) index in `XSENS` of each.
          every_s: seconds of the stream from window to window, above zero.
          tell: is told of what is odd.

        Raises:
          ValueError: for an interval that is none.
        """
        if not every_s > 0:
            raise ValueError(f"every_s is {every_s}; give seconds above zero")
        self._sites, self._nodes = sites, nodes
        self._every, self._tell = every_s, tell
        self._kept: collections.deque[Row] = collections.deque()
        self._first = self._due = math.nan
        self._judged = False
        self.rows = self.repeated = self.restarts = 0
        self.seconds = 0.0

    def row(self, row: Row) -> StreamWindow | None:
        """The window that a row completes, if it does.

        Raises:
          ValueError: where the stream's units cannot be, with the remedy.
        """
        if self._kept:
            step = row.time - self._kept[-1].time
            if step == 0:
                self.repeated += 1
                return None
            if step < 0 or step > WINDOW_S:
                self._restart(step)
            else:
                self.seconds += step
        if not self._kept:
            self._first, self._due = row.time, row.time + max(self._every, _SHORT_S)
        self.rows += 1
        self._kept.append(row)
        while row.time - self._kept[0].time > WINDOW_S + _BEFORE_S:
            self._kept.popleft()
        # Stamps in float seconds are never exact.
        if row.time < self._due - 1e-6:
            return None
        late = (row.time - self._due) / self._every
        self._due += self._every * (math.floor(late + 1e-5) + 1)
        return self._window(row.time)

    def _restart(self, step: float) -> None:
        self.restarts += 1
        what = f"went back by {-step:.3g} s" if step < 0 else f"leapt by {step:.3g} s"
        self._tell(f"time {what} after row {self.rows}: begun anew")
        self._kept.clear()

    def _window(self, end: float) -> StreamWindow | None:
        whole = math.floor((end - self._first) * RATE_HZ + 1e-4) + 1
        count = min(whole, LONGEST)
        signal = self._on_grid(end - (count - 1) / RATE_HZ, count)
        self._judge(signal, count == LONGEST)
        view = node_window(signal, self._nodes)
        if not view.visible.any():
            self._tell(f"{end:.1f} s: no sensor has four fifths of its samples")
            return None
        return StreamWindow(end, count / RATE_HZ, view)

    def _on_grid(self, start: float, count: int) -> Float32[np.ndarray, "T S 6"]:
        time = np.array([row.time for row in self._kept])
        values = np.stack([row.values for row in self._kept])
        sensors = values.shape[1]
        halves = values.reshape(len(values), 2 * sensors, 3)
        gap = max(_GAP_S, 1.5 * float(np.median(np.diff(time))))
        jobs = [Job(time, halves[:, i], start, count) for i in range(2 * sensors)]
        return np.stack(resample_streams(jobs, gap), axis=1).reshape(count, sensors, 6)

    def _judge(self, signal: Float32[np.ndarray, "T S 6"], whole: bool) -> None:
        """Refuses units that cannot be; once, at a whole window, tells of doubts."""
        if self._judged:
            return
        self._judged = whole
        for sensor, site in enumerate(self._sites):
            if whole:
                self._tell_dead(signal[:, sensor], site)
            force = np.linalg.norm(signal[:, sensor, :3], axis=1)
            force = force[np.isfinite(force)]
            if len(force):
                typical = float(np.median(force))
                told = f"{site}: force of median {typical:.3g} m/s^2"
                self._weigh(told, "force", suspect_moving(typical), stop=True)
            rate = signal[:, sensor, 3:]
            if not np.isfinite(rate).any():
                continue
            top = float(np.nanpercentile(np.abs(rate), 99.9))
            told = f"{site}: rate of up to {top:.3g} rad/s"
            size = suspect_rate(top, math.nan, math.nan, 0.0)
            self._weigh(told, "rate", size, stop=True)
            if whole and size is None:
                turn = grid_evidence(signal[:, sensor], np.array([0, len(signal)]))[1]
                turned = (turn.turn_slope, turn.turn_correlation, turn.turning_seconds)
                self._weigh(told, "rate", suspect_rate(top, *turned), stop=False)

    def _tell_dead(self, signal: Float32[np.ndarray, "T 6"], site: str) -> None:
        """Tells of axes that never change: dead, or no sensor's."""
        spread = np.ptp(signal, axis=0)
        names = [f"{kind} {axis}" for kind in KINDS for axis in "xyz"]
        if dead := [n for n, s in zip(names, spread, strict=True) if s < 1e-6]:
            self._tell(
                f"{site}: {', '.join(dead)} never changes in {WINDOW_S:g} s: a dead "
                "sensor or another column; name the columns of the others"
            )

    def _weigh(self, told: str, kind: str, suspicion, stop: bool) -> None:
        """Ends the stream over what has a remedy, tells the rest once."""
        if suspicion is None:
            return
        remedy = _remedy(kind, suspicion.factor)
        if stop and suspicion.factor is not None:
            raise ValueError(f"{SOURCE}: {told}: {suspicion.what}; {remedy}")
        if self._judged:
            self._tell(f"{told}: {suspicion.what}; {remedy}")


def _remedy(kind: str, factor: float | None) -> str:
    """Which flag mends it."""
    units = {
        ("force", GRAVITY): "force:g",
        ("force", GRAVITY / 1000): "force:mg",
        ("rate", math.pi / 180): "rate:deg/s",
    }
    if factor is None:
        return "check which columns are read"
    if (kind, factor) in units:
        return f"say its unit, as in units={units[kind, factor]}"
    return f"send SI units: multiply by {factor:.6g}"
