"""Parts of a dataset joined to one, and what is done to the whole."""

import collections
import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from anymo_jax.datasets.evidence import SensorEvidence
from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.datasets.recording import KINDS


def gather_evidence(
    parts: Iterable[LabelledWindows],
) -> dict[tuple[str, str], SensorEvidence]:
    """Sum of the evidence of parts, by site and kind."""
    evidence: dict = collections.defaultdict(SensorEvidence)
    for part in parts:
        for name, told in part.card["evidence"].items():
            site, _, kind = name.rpartition("|")
            evidence[site, kind].add(SensorEvidence.from_json(told))
    return dict(evidence)


def join(parts: Sequence[LabelledWindows]) -> LabelledWindows:
    """Parts of one dataset as one, their names coded anew and their cards summed."""
    subjects = sorted({name for part in parts for name in part.subjects})
    place = {name: i for i, name in enumerate(subjects)}
    # The last entry stands for -1, an unknown subject.
    coded = [np.array([*(place[n] for n in p.subjects), -1], np.int64) for p in parts]
    firsts = np.cumsum([0, *(len(p.sources) for p in parts)])
    rows = np.cumsum([0, *(len(p.signal) for p in parts)])
    dropped, notes = collections.Counter(), collections.Counter()
    for part in parts:
        dropped.update(part.card["dropped"])
        notes.update(part.card["notes"])
    card = {
        "recordings": sum(part.card["recordings"] for part in parts),
        "dropped": dict(dropped),
        "notes": dict(notes),
    }

    def joined(pieces):
        return np.concatenate(list(pieces))

    return dataclasses.replace(
        parts[0],
        signal=joined(p.signal for p in parts),
        offsets=joined(
            [np.zeros(1, np.int64)]
            + [p.offsets[1:] + r for p, r in zip(parts, rows, strict=False)]
        ),
        label=joined(p.label for p in parts),
        subject=joined(c[p.subject] for p, c in zip(parts, coded, strict=True)),
        split=joined(p.split for p in parts),
        recording=joined(p.recording + f for p, f in zip(parts, firsts, strict=False)),
        start=joined(p.start for p in parts),
        subjects=tuple(subjects),
        sources=tuple(source for part in parts for source in part.sources),
        texts=tuple(text for part in parts for text in part.texts),
        card=card,
    )


def rescaled(
    windows: LabelledWindows, factors: Mapping[tuple[str, str], float]
) -> LabelledWindows:
    """Windows with the sensors named by site and kind multiplied by factors."""
    signal = windows.signal.copy() if factors else windows.signal
    for (site, kind), factor in factors.items():
        first = 3 * KINDS.index(kind)
        signal[:, windows.sites.index(site), first : first + 3] *= np.float32(factor)
    return dataclasses.replace(windows, signal=signal)


def without_unmeasured(windows: LabelledWindows) -> LabelledWindows:
    """Windows without the columns of sites that none of them has."""
    kept = [
        column
        for column in range(len(windows.sites))
        if not np.isnan(windows.signal[:, column]).all()
    ]
    if len(kept) == len(windows.sites):
        return windows
    return dataclasses.replace(
        windows,
        signal=windows.signal[:, kept],
        node=windows.node[kept],
        sites=tuple(windows.sites[column] for column in kept),
    )
