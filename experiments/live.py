"""Answers to a stream of rows while it runs: `experiments.predict --stdin`.

One line for each window on standard output, for people or as JSON; what is odd, and the
summary, on standard error. Ends cleanly at the end of input, at Ctrl-C, and where the
reader of its output goes away.

Latency is the time from reading the row that completes a window to its printed answer.
The real-time factor is the share of the stream's own time that was spent on answering:
below one the machine keeps up.
"""

import dataclasses
import json
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TextIO

import numpy as np

from anymo_jax.datasets.labelled import LONGEST, node_window
from anymo_jax.inference import Model
from anymo_jax.inference.rows import RowReader
from anymo_jax.inference.scores import abstain_score, label_scores
from anymo_jax.inference.stream import StreamWindow, StreamWindows


@dataclasses.dataclass
class Listener:
    """Reads lines, prints answers, keeps the times.

    Attributes:
      model: of `load`.
      labels: among which is chosen.
      reader: of the stream's lines.
      every_s: seconds from answer to answer.
      as_json: one JSON object a line.
      caption: also describe each window.
      out, err: where answers, and what is odd, go.
      latency: seconds of each answer.
    """

    model: Model
    labels: Sequence[str]
    reader: RowReader
    every_s: float = 1.0
    as_json: bool = False
    caption: bool = False
    out: TextIO = dataclasses.field(default_factory=lambda: sys.stdout)
    err: TextIO = dataclasses.field(default_factory=lambda: sys.stderr)
    latency: list[float] = dataclasses.field(default_factory=list)

    def listen(self, lines: Iterable[str]) -> None:
        """Answer until the lines end.

        Raises:
          ValueError: naming what is wrong with the stream, and the remedy.
        """
        self._windows: StreamWindows | None = None
        self._labels = self.model.embed_labels(self.labels)
        try:
            for line in lines:
                self._take(self.reader.line(line))
            self._take(self.reader.end())
        except (KeyboardInterrupt, BrokenPipeError):
            # Whoever listens has heard enough.
            pass
        self._summary()

    def tell(self, told: str) -> None:
        """A remark on standard error."""
        print(f"! {told}", file=self.err, flush=True)

    def _take(self, rows) -> None:
        for row in rows:
            if self._windows is None:
                self._begin()
            start = time.perf_counter()
            if (window := self._windows.row(row)) is not None:
                self._answer(window, start)

    def _begin(self) -> None:
        """Compiles for one window, so that the first answer need not wait for it."""
        sites, nodes = self.reader.sites, self.reader.nodes
        self._windows = StreamWindows(sites, nodes, self.every_s, self.tell)
        nothing = node_window(np.zeros((LONGEST, len(nodes), 6), np.float32), nodes)
        self.model.embed_views([nothing])
        if self.caption:
            self.model.caption_views([nothing])
        print(f"listening to {', '.join(sites)}", file=self.err, flush=True)

    def _answer(self, window: StreamWindow, start: float) -> None:
        vector = self.model.embed_views([window.view])
        scores = label_scores(vector, self._labels, self.model.temperature)[0]
        caption = self.model.caption_views([window.view])[0] if self.caption else ""
        order = np.argsort(-scores, kind="stable")
        ranked = [(self.labels[i], float(scores[i])) for i in order]
        spent = time.perf_counter() - start
        told = self._json if self.as_json else self._line
        text = told(window, ranked, abstain_score(scores), caption, spent)
        print(text, file=self.out, flush=True)
        self.latency.append(time.perf_counter() - start)

    def _json(self, window, ranked, abstain, caption, spent) -> str:
        told = {
            "time_s": round(window.end, 3),
            "seconds": round(window.seconds, 3),
            "ranked": [{"label": label, "score": score} for label, score in ranked],
            "abstain": abstain,
            "latency_ms": round(1e3 * spent, 2),
        }
        return json.dumps(told | ({"caption": caption} if self.caption else {}))

    def _line(self, window, ranked, abstain, caption, spent) -> str:
        best = "  ".join(f"{label} {score:.1%}" for label, score in ranked[:3])
        said = f"  {caption!r}" if self.caption else ""
        return (
            f"{window.end:9.1f} s  {best}  abstain {abstain:.2f}  "
            f"({1e3 * spent:.0f} ms){said}"
        )

    def _summary(self) -> None:
        windows = self._windows
        print(
            f"{windows.rows if windows else 0} rows, {self.reader.broken} broken, "
            f"{windows.repeated if windows else 0} repeated; "
            f"{len(self.latency)} answers",
            file=self.err,
        )
        if not self.latency:
            print("a second of rows is the least for an answer", file=self.err)
            return
        middle, late = 1e3 * np.percentile(self.latency, [50, 95])
        share = sum(self.latency) / max(windows.seconds, 1e-9)
        print(
            f"latency p50 {middle:.0f} ms, p95 {late:.0f} ms; real-time factor "
            f"{share:.3f} of {windows.seconds:.1f} s",
            file=self.err,
        )
        if share > 1:
            wanted = self.every_s * share * 1.2
            self.tell(f"too slow to keep up: ask less often, --every_s={wanted:.1f}")
