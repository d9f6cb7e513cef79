"""Windows in arrays, as recordings of one span each."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int

from anymo_jax.datasets.recording import FORCE, RATE, Spans, Stream, WearableRecording

_HALVES = {FORCE: slice(0, 3), RATE: slice(3, 6)}


def window_recordings(
    signal: Float[np.ndarray, "R S 6"],
    offsets: Int[np.ndarray, "_"],
    label: Int[np.ndarray, "N"],
    sites: Sequence[tuple[str, int]],
    rate_hz: float,
    *,
    subject: Sequence[str],
    split: str,
    source: str,
    first: int = 0,
    notes: tuple[str, ...] = (),
) -> Iterator[WearableRecording]:
    """One recording of each window, whose clock starts at its first sample.

    Args:
      signal: windows one after the other, m/s^2 and rad/s, NaN where not measured.
      offsets: (N + 1,) rows of each.
      label: (N,) class of each.
      sites: name and node of each sensor.
      rate_hz: of the samples.
      subject: name of each window's person, "" where unknown.
      split: of all of them.
      source: of the array; a window is told by its number behind it.
      first: number of the first window.
      notes: that hold for the whole array; told with its first window.
    """
    signal = np.asarray(signal, np.float32)
    ticks = np.arange(np.diff(offsets).max(initial=0)) / rate_hz
    measured = ~np.isnan(signal)
    for index, (start, stop) in enumerate(itertools.pairwise(offsets)):
        time = ticks[: stop - start]
        streams = tuple(
            Stream(site, node, kind, time, signal[start:stop, column, half])
            for column, (site, node) in enumerate(sites)
            for kind, half in _HALVES.items()
            if measured[start:stop, column, half].any()
        )
        name = f"{source}#{first + index}"
        if not streams:
            # Nothing was measured: told as such, it is dropped and counted.
            site, node = sites[0]
            nothing = np.full((len(time), 3), np.nan, np.float32)
            streams = (Stream(site, node, FORCE, time, nothing),)
        end = np.array([len(time) / rate_hz])
        spans = Spans(np.zeros(1), end, label[index : index + 1].astype(np.int64))
        said = () if index else notes
        yield WearableRecording(streams, spans, subject[index], split, name, said)
