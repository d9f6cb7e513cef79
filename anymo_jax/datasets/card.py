"""The card of a prepared dataset: what it holds, where from, and what was checked."""

import collections
from collections.abc import Mapping, Sequence

import numpy as np

from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets import histogram
from anymo_jax.datasets.checks import Finding
from anymo_jax.datasets.evidence import SensorEvidence
from anymo_jax.datasets.labelled import RATE_HZ, LabelledWindows
from anymo_jax.datasets.recording import FORCE, KINDS, RATE, DatasetFacts

_SHOWN_NOTES = 12
_SI = {FORCE: "m/s^2", RATE: "rad/s"}


def make_card(
    facts: DatasetFacts,
    windows: LabelledWindows,
    evidence: Mapping[tuple[str, str], SensorEvidence],
    findings: Sequence[Finding],
    options: Mapping,
) -> dict:
    """Everything a reader of the windows should know, as plain JSON values.

    Args:
      facts: of the dataset.
      windows: all of it, with `recordings`, `dropped` and `notes` in its card.
      evidence: by site and kind, of the signal as it was read.
      findings: faults whose factors were applied.
      options: how signals became windows.
    """
    lengths = np.diff(windows.offsets) / RATE_HZ
    seconds = float(lengths.sum())
    factors = {(f.site, f.kind): f.factor for f in findings}
    return dict(windows.card) | {
        "dataset": facts.name,
        "title": facts.title,
        "licence": facts.licence,
        "citation": facts.citation,
        "homepage": facts.homepage,
        "flags": list(windows.flags),
        "windows": len(windows),
        "hours": seconds / 3600,
        "window_seconds": [float(q) for q in np.percentile(lengths, [0, 50, 100])],
        "subjects": len(set(windows.subject.tolist()) - {-1}),
        "classes": _counts(windows.label, windows.classes),
        "splits": _counts(windows.split, windows.splits),
        "options": dict(options),
        "nominal_rate_hz": facts.rate_hz,
        "rescaled": [f"{f.kind} of {f.site}: {f.message}" for f in findings],
        "sensors": {
            site: _sensor(windows, column, evidence, factors)
            for column, site in enumerate(windows.sites)
        },
    }


def _counts(codes, names) -> dict[str, int]:
    counted = collections.Counter(codes.tolist())
    return {name: counted[code] for code, name in enumerate(names)}


def _sensor(windows, column, evidence, factors) -> dict:
    """Facts of one site, in SI units, whatever was read."""
    site = windows.sites[column]
    told: dict = {"node": XSENS.names[windows.node[column]]}
    for place, kind in enumerate(KINDS):
        sensor = evidence.get((site, kind))
        if sensor is None:
            continue
        factor = factors.get((site, kind)) or 1.0
        values = windows.signal[:, column, 3 * place : 3 * place + 3]
        told[kind] = {
            "rate_hz": sensor.rate_hz,
            "range": [
                float(sensor.low.min() * factor),
                float(sensor.high.max() * factor),
            ],
            "clipped": sensor.clipped_share,
            "noise_std": sensor.noise_std * factor,
            "missing": float(np.isnan(values).any(axis=1).mean()),
        }
        if kind == FORCE:
            told[kind]["still"] = histogram.percentile(sensor.still, 50) * factor
            told[kind]["still_hours"] = float(sensor.still.sum() / RATE_HZ / 3600)
        else:
            top = histogram.percentile(sensor.magnitude, 99.9)
            told[kind]["percentile_99_9"] = top * factor
            told[kind]["turn_slope"] = sensor.turn_slope / factor
            told[kind]["turn_correlation"] = sensor.turn_correlation
    return told


def render_card(card: Mapping) -> str:
    """A card as text."""
    low, middle, high = card["window_seconds"]
    lines = [
        f"{card['title']} ({card['dataset']})",
        f"  {card['windows']} windows of {low:.2f} to {high:.2f} s (median "
        f"{middle:.2f} s), {card['hours']:.2f} h, from {card['recordings']} recordings",
        f"  {card['subjects'] or 'unknown'} subjects; {len(card['classes'])} classes; "
        f"{_joined(card['splits']) or 'no official split'}",
        f"  licence: {card['licence']}",
        f"  cite: {card['citation']}",
        f"  from: {card['homepage']}",
        *(f"  ! {flag}" for flag in card["flags"]),
        "",
        *_sensor_table(card["sensors"]),
        "",
        "classes: " + _joined(card["classes"], every=True),
    ]
    for title in ("dropped", "notes"):
        if card[title]:
            lines.append(f"{title}:")
            lines += _listed(card[title])
    lines += [f"rescaled {said}" for said in card["rescaled"]]
    return "\n".join(lines)


def _sensor_table(sensors: Mapping) -> list[str]:
    columns = ("Hz", "still", "range", "clipped", "noise", "missing", "turn")
    lines = [f"{'site':<21} {'node':<11}{'':<6}" + "".join(f"{c:>11}" for c in columns)]
    for site, told in sensors.items():
        for kind in KINDS:
            if kind not in told:
                lines.append(f"{site:<21} {told['node']:<11}{kind:<6}{'none':>11}")
                continue
            cells = "".join(f"{cell:>11}" for cell in _cells(told[kind], kind))
            lines.append(f"{site:<21} {told['node']:<11}{kind:<6}{cells}")
    lines += [
        "still: median magnitude at rest, m/s^2; range: greatest reading, m/s^2 and "
        "rad/s; clipped:",
        "samples in flat tops; noise: standard deviation in still moments; turn: "
        "gravity's turning",
        "against the gyroscope (correlation), near 1 if units and axes agree.",
    ]
    return lines


def _cells(sensor: Mapping, kind: str) -> list[str]:
    still = f"{sensor['still']:.2f}" if kind == FORCE else ""
    turn = ""
    if kind == RATE:
        turn = f"{sensor['turn_slope']:.2f}({sensor['turn_correlation']:.2f})"
    return [
        f"{sensor['rate_hz']:.2f}",
        still,
        f"{max(map(abs, sensor['range'])):.4g}",
        f"{sensor['clipped']:.2%}" if sensor["clipped"] else "no",
        f"{sensor['noise_std']:.4f}",
        f"{sensor['missing']:.1%}",
        turn,
    ]


def _joined(counts: Mapping[str, int], every: bool = False) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.items() if n or every)


def _listed(counts: Mapping[str, int]) -> list[str]:
    most = sorted(counts.items(), key=lambda item: -item[1])
    lines = [f"  {n} x {said}" for said, n in most[:_SHOWN_NOTES]]
    if len(most) > _SHOWN_NOTES:
        lines.append(f"  ... and {len(most) - _SHOWN_NOTES} more kinds")
    return lines
