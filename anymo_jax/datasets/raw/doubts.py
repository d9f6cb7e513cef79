"""Checks of facts that no document settles: each says what it found, in words.

Units of a whole dataset are judged once more by `datasets.checks`, on windows; here are
only the choices that reading itself depends on.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int64

from anymo_jax.datasets.recording import FORCE, RATE, Stream, WearableRecording
from anymo_jax.datasets.units import GRAVITY, MOST_RATE, RATE_UNITS

# Some limb of a person who does more than sit turns this fast in the fastest
# thousandth of samples, rad/s.
_LEAST_RATE = 1.5
# Steps across cuts, against those beside them: 0.97 to 1.2 where one recording was cut
# up, 1.25 to 5 where the parts are minutes apart and something moves (real DSADS).
_SMOOTH = 1.25
# Magnitude of gravity, give or take what sensors' offsets and movement do to a median.
_NEAR_GRAVITY = (0.7 * GRAVITY, 1.4 * GRAVITY)
_FASTEST = 99.9


def rate_unit(
    values: Iterable[Float[np.ndarray, "_ 3"]], units: Sequence[str], where: str
) -> tuple[float, str]:
    """Unit of a gyroscope, by how fast people turn.

    The first of `units` in which the 99.9th percentile of the liveliest sensor lies
    between 1.5 and 40 rad/s: 86 to 2292 deg/s, or 1500 to 40000 mrad/s. Where nothing
    moved, the first of `units` stands, and the note says so.

    Returns:
      The factor to rad/s, and a note.

    Raises:
      ValueError: where it is too fast in every unit.
    """
    fastest = max(_fastest(some) for some in values)
    fits = [u for u in units if fastest * RATE_UNITS[u] <= MOST_RATE]
    if not fits:
        raise ValueError(
            f"{where}: the gyroscope's 99.9th percentile is {fastest:.4g}, too fast in "
            f"{' and '.join(units)}; columns may be shifted"
        )
    moved = [u for u in fits if fastest * RATE_UNITS[u] >= _LEAST_RATE]
    unit = (moved or fits)[0]
    how = "by its 99.9th percentile" if moved else "too little movement to tell"
    return RATE_UNITS[unit], f"gyroscope (unit in doubt) taken for {unit}: {how}"


def _fastest(values: Float[np.ndarray, "T 3"]) -> float:
    finite = np.abs(values[np.isfinite(values).all(axis=1)])
    return float(np.percentile(finite, _FASTEST)) if len(finite) else 0.0


def with_rate_unit(
    recording: WearableRecording, units: Sequence[str]
) -> WearableRecording:
    """A recording whose angular rates, still as in the file, are turned to rad/s."""
    rates = [stream.values for stream in recording.streams if stream.kind == RATE]
    factor, note = rate_unit(rates, units, recording.source)
    streams = tuple(
        dataclasses.replace(s, values=s.values * np.float32(factor))
        if s.kind == RATE
        else s
        for s in recording.streams
    )
    return noted(dataclasses.replace(recording, streams=streams), note)


def noted(recording: WearableRecording, *notes: str) -> WearableRecording:
    """A recording with further notes; empty ones are left out."""
    more = tuple(note for note in notes if note)
    return dataclasses.replace(recording, notes=recording.notes + more)


def is_continuous(
    parts: Float[np.ndarray, "P T C"], follows: Bool[np.ndarray, "_"]
) -> bool:
    """Whether parts that should follow each other do so without a gap.

    They do where the steps from a part's last sample to the next part's first are no
    larger than the steps before and after them.

    Args:
      parts: samples of each part.
      follows: (P - 1,) whether the next part should follow this one.
    """
    before, after = parts[:-1][follows], parts[1:][follows]
    # Channels of any unit count alike.
    usual = np.maximum(np.nanmean(np.abs(np.diff(parts, axis=1)), axis=(0, 1)), 1e-12)
    beside = [before[:, -1] - before[:, -2], after[:, 1] - after[:, 0]]
    across = np.nanmean(np.abs(after[:, 0] - before[:, -1]) / usual)
    return bool(across <= _SMOOTH * np.nanmean(np.abs(beside) / usual))


def force_first(values: Float[np.ndarray, "T 6"]) -> bool | None:
    """Whether the first three of six columns are the accelerometer's, in m/s^2.

    None where gravity is in neither half or in both.
    """
    first, second = (_is_gravity(half) for half in (values[:, :3], values[:, 3:]))
    return first if first != second else None


def _is_gravity(values: Float[np.ndarray, "T 3"]) -> bool:
    there = values[np.isfinite(values).all(axis=1)]
    typical = np.median(np.linalg.norm(there, axis=1)) if len(there) else 0.0
    return bool(_NEAR_GRAVITY[0] <= typical <= _NEAR_GRAVITY[1])


def liveliness(
    recordings: Iterable[WearableRecording], classes: Sequence[str]
) -> dict[str, float]:
    """How much the force varies in each class: median standard deviation, m/s^2."""
    spread: Mapping[int, list[float]] = {k: [] for k in range(len(classes))}
    for recording in recordings:
        forces = [s for s in recording.streams if s.kind == FORCE]
        for start, end, label in _labelled(recording):
            for stream in forces:
                inside = _between(stream, start, end)
                if len(inside) and label >= 0:
                    spread[label].append(float(np.nanstd(inside, axis=0).max()))
    return {classes[k]: float(np.median(v)) for k, v in spread.items() if v}


def _labelled(recording: WearableRecording) -> Iterable[tuple[float, float, int]]:
    spans = recording.spans
    return zip(
        spans.start.tolist(), spans.end.tolist(), spans.label.tolist(), strict=True
    )


def _between(stream: Stream, start: float, end: float) -> Float[np.ndarray, "_ 3"]:
    rows: Int64[np.ndarray, 2] = np.searchsorted(stream.time, [start, end])
    return stream.values[rows[0] : rows[1]]
