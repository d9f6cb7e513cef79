"""What every dataset must satisfy before its windows are written.

A recording's streams are checked one by one for form (`check_recording`); units, axes
and columns are judged on all of a dataset's evidence together (`judge`), since one
window may be all somersaults. A fault is an error with its remedy; only where it is a
matter of units, and only if asked (`units=auto`), the signal is rescaled.
"""

import dataclasses
import math
from collections.abc import Mapping

import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets import histogram
from anymo_jax.datasets.evidence import SensorEvidence
from anymo_jax.datasets.labelled import RATE_HZ
from anymo_jax.datasets.recording import (
    FORCE,
    KINDS,
    RATE,
    SPLITS,
    DatasetFacts,
    WearableRecording,
)
from anymo_jax.datasets.resample import measured_rate
from anymo_jax.datasets.units import (
    LEAST_TURN_CORRELATION,
    STILL_RANGE,
    suspect_moving,
    suspect_rate,
    suspect_still,
)

# A day and a half: stamps that span more are in another unit, or broken.
_LONGEST_S = 36 * 3600.0
# Slower than this, the gap limit of a quarter of a second cuts every step.
_SLOWEST_HZ, _FASTEST_HZ = 8.0, 4000.0
_RATE_TOLERANCE = 0.1
# Still time that a verdict needs, and the part of it that may lie outside the range:
# devices differ, and a shaken table is not still.
_STILL_SAMPLES = 3 * RATE_HZ
_MOST_OUTSIDE = 0.2
# Turning that tells whether force and rate belong together.
_LEAST_TURNING_S = 5.0
# An axis that never changes in this many samples is dead or is no sensor's.
_CONSTANT_SAMPLES = 200


@dataclasses.dataclass(frozen=True)
class Finding:
    """A fault of one sensor.

    Attributes:
      site: its site.
      kind: `FORCE` or `RATE`.
      message: what was found.
      factor: that mends it, or None.
    """

    site: str
    kind: str
    message: str
    factor: float | None


def check_recording(recording: WearableRecording, facts: DatasetFacts) -> None:
    """Refuse a recording whose form is wrong.

    Raises:
      ValueError: naming the recording's files, the stream and the field.
    """
    source = recording.source
    if recording.split not in SPLITS:
        raise ValueError(f"{source}: split {recording.split!r} is none of {SPLITS}")
    if not recording.streams:
        raise ValueError(f"{source}: no streams; nothing was measured")
    seen = set()
    for stream in recording.streams:
        name = f"{source}: {stream.kind} of {stream.site}"
        if stream.site not in facts.nodes or stream.kind not in KINDS:
            raise ValueError(f"{name}: {facts.name} has no such sensor")
        if (stream.site, stream.kind) in seen:
            raise ValueError(f"{name} is given twice; a device has one of each kind")
        seen.add((stream.site, stream.kind))
        if stream.node != facts.nodes[stream.site] or not 0 <= stream.node < len(XSENS):
            raise ValueError(f"{name}: node {stream.node} is not that of the site")
        _check_stream(stream, name)
    _check_spans(recording, facts)


def _check_stream(stream, name: str) -> None:
    time, values = stream.time, stream.values
    if time.ndim != 1 or values.shape != (len(time), 3):
        raise ValueError(
            f"{name}: time is {list(time.shape)} and values {list(values.shape)}, "
            "expected (T,) and (T, 3)"
        )
    if not len(time):
        raise ValueError(f"{name}: no samples")
    if not np.isfinite(time).all() or (np.diff(time) <= 0).any():
        raise ValueError(f"{name}: time stamps must be finite and rise strictly")
    if np.isinf(values).any():
        row = int(np.argwhere(np.isinf(values))[0, 0])
        raise ValueError(f"{name}: sample {row} is infinite")
    if (rate := measured_rate(time)) > _FASTEST_HZ:
        raise ValueError(
            f"{name}: {rate:.3g} samples per second, which no worn sensor has; check "
            "the rate, or the unit of the time stamps"
        )
    if time[-1] - time[0] > _LONGEST_S:
        raise ValueError(
            f"{name}: stamps span {(time[-1] - time[0]) / 3600:.0f} h; give the unit "
            "of time, or split the file into recordings"
        )


def _check_spans(recording: WearableRecording, facts: DatasetFacts) -> None:
    spans, source = recording.spans, recording.source
    if not len(spans.start) == len(spans.end) == len(spans.label):
        raise ValueError(
            f"{source}: spans have starts, ends and labels of other counts"
        )
    if len(spans.text) not in (0, len(spans.start)):
        raise ValueError(
            f"{source}: {len(spans.text)} texts of {len(spans.start)} spans"
        )
    if not (np.isfinite(spans.start) & np.isfinite(spans.end)).all():
        raise ValueError(f"{source}: a span's start or end is not finite")
    if (spans.end <= spans.start).any():
        raise ValueError(f"{source}: a span ends before it starts")
    top = len(facts.vocabulary.classes)
    if ((spans.label < -1) | (spans.label >= top)).any():
        raise ValueError(f"{source}: a label is outside -1 to {top - 1}")


def judge(
    evidence: Mapping[tuple[str, str], SensorEvidence], rate_hz: float
) -> list[Finding]:
    """Faults of units, columns and rates that the evidence of a dataset shows.

    Args:
      evidence: by site and kind.
      rate_hz: the nominal rate, NaN where none is known.
    """
    found = []
    for (site, kind), sensor in evidence.items():
        if not sensor.samples or not np.isfinite(sensor.low).any():
            continue
        for message, factor in _faults(sensor, kind, rate_hz):
            found.append(Finding(site, kind, message, factor))
    return found


def _faults(sensor: SensorEvidence, kind: str, rate_hz: float):
    """Messages and factors of one sensor."""
    axes = [a for a, same in zip("xyz", sensor.low == sensor.high, strict=True) if same]
    if axes and sensor.samples >= _CONSTANT_SAMPLES:
        value = sensor.low["xyz".index(axes[0])] + 0.0
        yield (
            f"axis {', '.join(axes)} is {value:g} throughout {sensor.samples} samples: "
            "a dead sensor or another column; correct the columns, or leave the sensor "
            "out (of a table: name the columns of the others)",
            None,
        )
        return
    measured = sensor.rate_hz
    if measured < _SLOWEST_HZ:
        yield (
            f"{measured:.3g} samples per second; at least {_SLOWEST_HZ:g} are needed",
            None,
        )
    elif abs(measured / rate_hz - 1) > _RATE_TOLERANCE:
        yield (
            f"{measured:.4g} samples per second where {rate_hz:g} are expected; check "
            "the unit of the time stamps and the rate",
            None,
        )
    yield from _force_faults(sensor) if kind == FORCE else _rate_faults(sensor)


def _force_faults(sensor: SensorEvidence):
    still = sensor.still
    if still.sum() < _STILL_SAMPLES:
        typical = histogram.percentile(sensor.magnitude, 50)
        suspicion = None if math.isnan(typical) else suspect_moving(typical)
        what = f"median magnitude {typical:.3g} m/s^2, nothing still"
    else:
        typical = histogram.percentile(still, 50)
        suspicion = suspect_still(typical)
        what = f"still magnitude {typical:.4g} m/s^2 where 9.81 is expected"
        outside = 1 - _share_between(still, *STILL_RANGE)
        if suspicion is None and outside > _MOST_OUTSIDE:
            yield (
                f"the still magnitude of {outside:.0%} of the time lies outside "
                f"{STILL_RANGE[0]:g} to {STILL_RANGE[1]:g} m/s^2: recordings of "
                "several units are mixed, or gravity was removed from some",
                None,
            )
    if suspicion:
        yield f"{what}: {suspicion.what}", suspicion.factor


def _rate_faults(sensor: SensorEvidence):
    top = histogram.percentile(sensor.magnitude, 99.9)
    slope, correlation = sensor.turn_slope, sensor.turn_correlation
    if suspicion := suspect_rate(top, slope, correlation, sensor.turning_seconds):
        yield (
            f"99.9th percentile {top:.3g} rad/s, turning of gravity against it "
            f"{slope:.2g} (correlation {correlation:.2f}): {suspicion.what}",
            suspicion.factor,
        )


def doubts(evidence: Mapping[tuple[str, str], SensorEvidence]) -> list[str]:
    """What is odd but may be so: told in the card, refused by nobody."""
    told = []
    for (site, kind), sensor in evidence.items():
        turned = kind == RATE and sensor.turning_seconds >= _LEAST_TURNING_S
        if turned and sensor.turn_correlation < LEAST_TURN_CORRELATION:
            told.append(
                f"{site}: gravity does not turn as the gyroscope says (correlation "
                f"{sensor.turn_correlation:.2f}): columns may be shifted, or the two "
                "sensors not share their axes or their clock"
            )
    return told


def _share_between(counts, low: float, high: float) -> float:
    """Share of a histogram's values within a range."""
    first, last = (histogram.count(np.array([v])).argmax() for v in (low, high))
    return float(counts[first : last + 1].sum() / counts.sum())
