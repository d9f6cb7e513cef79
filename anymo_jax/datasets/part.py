"""A few recordings turned into labelled windows, with the evidence of their signals."""

import collections
import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from anymo_jax.datasets.checks import check_recording
from anymo_jax.datasets.evidence import SensorEvidence, grid_evidence, native_evidence
from anymo_jax.datasets.labelled import RATE_HZ, LabelledWindows
from anymo_jax.datasets.recording import (
    FORCE,
    KINDS,
    RATE,
    SPLITS,
    DatasetFacts,
    WearableRecording,
)
from anymo_jax.datasets.resample import Job, resample_streams
from anymo_jax.datasets.windows import Cuts, cut_windows


@dataclasses.dataclass(frozen=True)
class WindowOptions:
    """How signals become windows.

    Attributes:
      gap_s: stamps further apart than this are a gap, which is NaN and not bridged.
      most_missing: share of a window's samples that may be missing in all sensors at
        once; windows above are dropped and counted.
    """

    gap_s: float = 0.25
    most_missing: float = 0.2

    def __post_init__(self):
        if not (self.gap_s > 0 and 0 <= self.most_missing < 1):
            raise ValueError(
                f"gap_s={self.gap_s} must be positive and most_missing="
                f"{self.most_missing} in [0, 1)"
            )


DEFAULTS = WindowOptions()
# A window that the dataset itself has cut ends at its last sample, up to a period of
# its own rate before its end.
_END_SAMPLES = RATE_HZ / 10


def make_part(
    recordings: Sequence[WearableRecording], facts: DatasetFacts, options: WindowOptions
) -> LabelledWindows:
    """Windows of some recordings, in order; what was found stands in the card.

    All of the dataset's sites have a column, measured or not. The card holds
    `recordings`, `dropped` (counts by reason), `notes` (counts by wording) and
    `evidence` (by "site|kind", as `SensorEvidence.to_json`).

    Raises:
      ValueError: for a recording whose form is wrong, naming it.
    """
    for recording in recordings:
        check_recording(recording, facts)
    cuts = [cut_windows(r.spans, facts.protocol) for r in recordings]
    signals = _on_grid(recordings, cuts, facts, options)
    dropped, notes = collections.Counter(), collections.Counter()
    pieces, rows = [], collections.defaultdict(list)
    for index, (recording, cut) in enumerate(zip(recordings, cuts, strict=True)):
        notes.update(recording.notes)
        dropped.update(cut.dropped)
        for place in range(len(cut.start)):
            piece, reason = _piece(signals[index], recording, cut, place, options)
            if reason:
                dropped[reason] += 1
                continue
            pieces.append(piece)
            span = cut.span[place]
            rows["recording"].append(index)
            rows["label"].append(recording.spans.label[span])
            rows["start"].append(cut.start[place])
            rows["text"] += recording.spans.text[span : span + 1]
    windows = _gather(recordings, facts, pieces, rows)
    card = {
        "recordings": len(recordings),
        "dropped": dict(dropped),
        "notes": dict(notes),
        "evidence": _evidence(recordings, windows),
    }
    return dataclasses.replace(windows, card=card)


def _clock(recording: WearableRecording) -> tuple[float, int]:
    """Time of the grid's first sample, and the number of its samples."""
    start = min(stream.time[0] for stream in recording.streams)
    end = max(stream.time[-1] for stream in recording.streams)
    return float(start), math.floor((end - start) * RATE_HZ + 1e-4) + 1


def _on_grid(recordings, cuts, facts, options) -> list[np.ndarray]:
    """(T, S, 6) signal of each recording; none is made of one without windows."""
    sites = list(facts.nodes)
    jobs, places = [], []
    signals = []
    for index, (recording, cut) in enumerate(zip(recordings, cuts, strict=True)):
        if not len(cut.start):
            signals.append(np.empty((0, len(sites), 6), np.float32))
            continue
        start, count = _clock(recording)
        signals.append(np.full((count, len(sites), 6), np.nan, np.float32))
        for stream in recording.streams:
            jobs.append(Job(stream.time, stream.values, start, count))
            places.append((index, sites.index(stream.site), stream.kind))
    for (index, site, kind), made in zip(
        places, resample_streams(jobs, options.gap_s), strict=True
    ):
        first = 3 * KINDS.index(kind)
        signals[index][:, site, first : first + 3] = made
    return signals


def _piece(signal, recording, cut: Cuts, place: int, options: WindowOptions):
    """One window, without the samples at its ends that no sensor has; or why not."""
    start = min(stream.time[0] for stream in recording.streams)
    first = math.ceil((cut.start[place] - start) * RATE_HZ - 1e-4)
    count = round((cut.end[place] - cut.start[place]) * RATE_HZ)
    piece = signal[max(first, 0) : max(first + count, 0)]
    there = ~np.isnan(piece).all(axis=(1, 2))
    if not there.any():
        return None, "windows without any sample"
    measured = np.flatnonzero(there)
    if count - len(measured) > options.most_missing * count + _END_SAMPLES:
        share = f"{options.most_missing:.0%}"
        return None, f"windows with over {share} missing in all sensors"
    return piece[measured[0] : measured[-1] + 1], ""


def _gather(recordings, facts: DatasetFacts, pieces, rows) -> LabelledWindows:
    subjects = sorted({r.subject for r in recordings} - {""})
    subject = [subjects.index(r.subject) if r.subject else -1 for r in recordings]
    split = [SPLITS.index(r.split) - 1 for r in recordings]
    owner = np.array(rows["recording"], np.int64)
    sites = tuple(facts.nodes)
    empty = np.empty((0, len(sites), 6), np.float32)
    return LabelledWindows(
        signal=np.concatenate([empty, *pieces]),
        offsets=np.cumsum([0, *map(len, pieces)], dtype=np.int64),
        node=np.array(list(facts.nodes.values()), np.int64),
        label=np.array(rows["label"], np.int64),
        subject=np.array(subject, np.int64)[owner],
        split=np.array(split, np.int64)[owner],
        recording=owner,
        start=np.array(rows["start"], np.float64),
        classes=facts.vocabulary.classes,
        own=facts.vocabulary.own,
        sites=sites,
        subjects=tuple(subjects),
        splits=SPLITS[1:],
        sources=tuple(r.source for r in recordings),
        texts=tuple(rows["text"]),
        dataset=facts.name,
        flags=facts.flags,
        card={},
    )


def _evidence(recordings, windows: LabelledWindows) -> dict[str, dict]:
    by_sensor = collections.defaultdict(list)
    for recording in recordings:
        for stream in recording.streams:
            by_sensor[stream.site, stream.kind].append(stream)
    found = {}
    for column, site in enumerate(windows.sites):
        grid = dict.fromkeys(KINDS, SensorEvidence())
        if len(windows):
            signal = windows.signal[:, column]
            force, rate = grid_evidence(signal, windows.offsets)
            grid = {FORCE: force, RATE: rate}
        for kind in KINDS:
            if streams := by_sensor.get((site, kind)):
                evidence = native_evidence(streams)
                evidence.add(grid[kind])
                found[f"{site}|{kind}"] = evidence.to_json()
    return found
