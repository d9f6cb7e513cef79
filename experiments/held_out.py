"""Labelled windows of procedural performers that no training saw.

They stand in where there is no real recording: a watch on the right forearm and a phone
at the right thigh are simulated, placed and turned anew for every window, with the
noise of such devices. Bodies and performances are unseen; activities, wordings and the
simulator are those of training, so that figures on them say nothing of real sensors.
"""

from collections.abc import Iterator

import jax
import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.labelled import RATE_HZ, LabelledWindows
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.simulation import WHITE_ONLY, load_priors
from anymo_jax.views import ViewOptions, body_tables, sparse_view_batch

DATASET = "procedural held out"
SITES = {"watch on the right wrist": "R_Forearm", "phone at the thigh": "R_UpperLeg"}
NOTE = (
    "simulated windows of procedural performers that are held out; the activities are "
    "those of training"
)
# Windows simulated at once.
_BATCH = 64


def held_out_windows(data: str, seed: int = 0) -> LabelledWindows:
    """Every held-out procedural window of prepared folders, as two devices see it.

    Args:
      data: comma-separated prepared folders.
      seed: of places, orientations and noise.

    Returns:
      Windows whose classes are the activities among them, with their primary texts.

    Raises:
      ValueError: where a folder is not prepared, or holds out no procedural clip.
    """
    windows = MotionWindows([name.strip() for name in data.split(",")], split=_SPLIT)
    index = [int(i) for i in np.flatnonzero(~windows.captured)]
    told = [windows.told(i) for i in index]
    if not index:
        raise ValueError(
            f"{data} holds out no procedural clip: prepare some "
            "(--config.procedural, --config.held_out_subjects), or name --windows"
        )
    signals = [s for batch in _simulated(windows, index, seed) for s in batch]
    classes = tuple(dict.fromkeys(one["label"] for one in told))
    subjects = tuple(dict.fromkeys(one["subject"] for one in told))
    sources = tuple(dict.fromkeys(one["source"] for one in told))
    return LabelledWindows(
        signal=np.concatenate(signals),
        offsets=np.cumsum([0, *map(len, signals)], dtype=np.int64),
        node=np.array(_nodes(), np.int64),
        label=_numbers(classes, told, "label"),
        subject=_numbers(subjects, told, "subject"),
        split=np.full(len(index), -1, np.int64),
        recording=_numbers(sources, told, "source"),
        start=_starts(windows, index),
        classes=classes,
        own=classes,
        sites=tuple(SITES),
        subjects=subjects,
        splits=(),
        sources=sources,
        texts=tuple(one["texts"][0] for one in told),
        dataset=DATASET,
        flags=(NOTE,),
        card={"title": DATASET, "seed": seed, "sites": SITES},
    )


_SPLIT = "validation"


def _nodes() -> list[int]:
    return [XSENS.index(name) for name in SITES.values()]


def _numbers(names: tuple[str, ...], told: list, field: str) -> np.ndarray:
    number = {name: i for i, name in enumerate(names)}
    return np.array([number[one[field]] for one in told], np.int64)


def _starts(windows: MotionWindows, index: list[int]) -> np.ndarray:
    """(N,) seconds of the windows before each one of its own clip."""
    begun: dict[int, float] = {}
    starts = []
    for i in index:
        clip = int(windows.clips[i])
        starts.append(begun.get(clip, 0.0))
        begun[clip] = starts[-1] + float(windows.lengths[i]) / RATE_HZ
    return np.array(starts, np.float64)


def _simulated(
    windows: MotionWindows, index: list[int], seed: int
) -> Iterator[list[np.ndarray]]:
    """Signals (T, 2, 6) of windows in batches, cut to their lengths."""
    body = body_tables(windows.segment, windows.frame)
    options = ViewOptions(device=WHITE_ONLY)
    key, priors = jax.random.key(seed), load_priors()
    # One program: the last batch repeats its last window.
    see = jax.jit(lambda batch: sparse_view_batch(key, batch, body, priors, options))
    for first in range(0, len(index), _BATCH):
        chosen = index[first : first + _BATCH]
        rows = [windows[i] for i in chosen + chosen[-1:] * (_BATCH - len(chosen))]
        batch = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
        seen = jax.device_get(see(batch))
        pairs = zip(seen.signal, seen.length, strict=True)
        yield [s[:length, _nodes()] for s, length in pairs][: len(chosen)]
