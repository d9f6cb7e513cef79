"""Results as Markdown for people and as plain values for JSON.

Figures are shares in JSON and per cent in Markdown, intervals in brackets.
"""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np

from anymo_jax.evaluation import published
from anymo_jax.evaluation.averages import DEVELOPMENT
from anymo_jax.evaluation.recognition import FIGURES
from anymo_jax.evaluation.zero_shot import (
    MODEL,
    PROMPT,
    TRANSDUCTIVE,
    Row,
    ZeroShotOptions,
    ZeroShotResult,
    row_intervals,
)

_HEADS = {
    "accuracy": "Accuracy",
    "f1_present": "F1 (present)",
    "f1_occurring": "F1 (present or predicted)",
    "f1_vocabulary": "F1 (vocabulary)",
    "recall_at_2": "R@2",
}
_NOTE = (
    "Per cent, with {level:g} per cent intervals. Macro-F1 is averaged over classes "
    "that have windows (present), that have windows or predictions (scikit-learn's "
    "default), or that could be chosen (vocabulary). Rows marked transductive see all "
    "unlabelled windows of the test at once. Chance orders the classes at random; "
    "majority says the most frequent class, which it is told."
)


def role(dataset: str) -> str:
    """Whether options may be chosen on a dataset."""
    return "development" if dataset in DEVELOPMENT else "test"


def markdown(
    results: Sequence[ZeroShotResult],
    mean: Mapping[str, Row],
    options: ZeroShotOptions,
) -> str:
    """A page: averages, the published figures beside them, each dataset."""
    names = ", ".join(result.dataset for result in results)
    page = [
        "# Zero-shot recognition",
        _wrapped(_NOTE.format(level=100 * options.confidence)),
        f"Parts of windows are pooled by their {options.pooling}; the inverted softmax "
        f"has temperature {options.temperature:g}.",
    ]
    if len(results) > 1:
        page += [
            f"## Average of {len(results)} datasets",
            f"{names}; each counts once.",
            rows_table(mean, options.confidence),
        ]
    page += _beside_published(results)
    page += _prompts(mean)
    for result in results:
        page += _dataset(result, options.confidence)
    return "\n\n".join(page) + "\n"


def rows_table(rows: Mapping[str, Row], confidence: float = 0.95) -> str:
    """Figures of rows with their intervals."""
    lines = [_line(["", *(_HEADS[name] for name in FIGURES)]), _rule(len(FIGURES))]
    for name, row in rows.items():
        limits = row_intervals(row, confidence)
        cells = [
            f"{100 * row.figures[f]:.1f} [{100 * limits[f][0]:.1f}, "
            f"{100 * limits[f][1]:.1f}]"
            for f in FIGURES
        ]
        mark = " (transductive)" if name in TRANSDUCTIVE else ""
        lines.append(_line([name + mark, *cells]))
    return "\n".join(lines)


def classes_table(result: ZeroShotResult) -> str:
    """Figures of each class, and what it is most often taken for instead."""
    heads = ["class", "windows", "precision", "recall", "F1", "R@2", "taken for"]
    lines = [_line(heads), _rule(len(heads) - 1)]
    found = result.by_class
    for i, name in enumerate(result.classes):
        shares = [
            f"{100 * found[k][i]:.1f}"
            for k in ("precision", "recall", "f1", "recall_at_2")
        ]
        windows = f"{found['windows'][i]:.0f}"
        lines.append(_line([name, windows, *shares, _taken_for(result, i)]))
    return "\n".join(lines)


def published_table(result: ZeroShotResult) -> str:
    """Rows of Table 1 and ours; "" where Table 1 does not have the dataset."""
    theirs = published.table1(result.dataset)
    if not theirs:
        return ""
    lines = [_line(["", "Accuracy", "F1", "R@2"]), _rule(3)]
    for method, row in theirs.items():
        cells = [f"{row[metric]:.1f}" for metric in published.METRICS]
        lines.append(_line([f"{method} (published)", *cells]))
    lines.append(_line(["this run", *_ours(result.rows[MODEL])]))
    return "\n".join(lines)


def as_json(
    results: Sequence[ZeroShotResult], mean: Mapping[str, Row], confidence: float
) -> dict:
    """Every number, as plain values."""
    return {
        "average": _rows_json(mean, confidence),
        "datasets": {
            result.dataset: {
                "role": role(result.dataset),
                "flags": list(result.flags),
                "windows": result.windows,
                "dropped": result.dropped,
                "parts": result.parts,
                "intervals_over": result.over,
                "units": result.units,
                "rows": _rows_json(result.rows, confidence),
                "sites": _rows_json(result.sites, confidence),
                "classes": list(result.classes),
                "by_class": {k: v.tolist() for k, v in result.by_class.items()},
                "confusion": result.confusion.astype(int).tolist(),
                "published_per_cent": published.table1(result.dataset),
            }
            for result in results
        },
        "published": {
            "source": published.source(),
            "average_per_cent": published.average([r.dataset for r in results]),
            "prompts_per_cent": published.table10(),
        },
    }


def _rows_json(rows: Mapping[str, Row], confidence: float) -> dict:
    made = {}
    for name, row in rows.items():
        limits = row_intervals(row, confidence)
        figures = {
            f: {"value": row.figures[f], "low": limits[f][0], "high": limits[f][1]}
            for f in FIGURES
        }
        facts = {"windows": row.windows, "tied": row.tied}
        made[name] = {**figures, **facts, "transductive": name in TRANSDUCTIVE}
    return made


def _beside_published(results: Sequence[ZeroShotResult]) -> list[str]:
    shown = [(result, published_table(result)) for result in results]
    shown = [(result, table) for result, table in shown if table]
    if not shown:
        return []
    page = ["## Beside the published figures", f"Published: {published.source()}."]
    for result, table in shown:
        name = published.published_name(result.dataset)
        page.append(f"### {result.dataset}")
        if not published.is_whole(result.dataset):
            page.append(
                f"Published figures are of the whole of {name}, of which this is a "
                "part: a hint, no comparison."
            )
        if len(result.classes) != published.classes(name):
            page.append(
                f"Published with {published.classes(name)} classes, here with "
                f"{len(result.classes)}: no comparison."
            )
        page.append(table)
    return page


def _prompts(mean: Mapping[str, Row]) -> list[str]:
    """Table 10 and our rows of it, where there are any."""
    ours = {n: row for n, row in mean.items() if n.endswith(PROMPT)}
    if not ours:
        return []
    lines = [_line(["", "Accuracy", "F1", "R@2"]), _rule(3)]
    for name, row in published.table10().items():
        cells = [f"{row[metric]:.1f}" for metric in published.METRICS]
        lines.append(_line([f"{name}{PROMPT} (published, other datasets)", *cells]))
    for name, row in {MODEL: mean[MODEL], **ours}.items():
        lines.append(_line([f"{name} (this run)", *_ours(row)]))
    return ["## Prompts", "\n".join(lines)]


def _ours(row: Row) -> list[str]:
    """Our figures that stand in the published columns."""
    columns = ("accuracy", "f1_occurring", "recall_at_2")
    return [f"{100 * row.figures[column]:.1f}" for column in columns]


def _dataset(result: ZeroShotResult, confidence: float) -> list[str]:
    facts = [
        f"A {role(result.dataset)} set of {len(result.classes)} classes: "
        f"{result.windows} windows in {result.parts} parts; intervals over "
        f"{result.units} {result.over}."
    ]
    if result.dropped:
        facts.append(f"{result.dropped} windows without a sensor are left out.")
    tied = result.rows[MODEL].tied
    if tied:
        facts.append(f"Of {100 * tied:.1f} per cent, two labels score best alike.")
    facts += [f"Note: {flag}." for flag in result.flags]
    page = [f"## {result.dataset}", _wrapped(" ".join(facts))]
    page.append(rows_table(result.rows, confidence))
    if result.sites:
        page += ["Each sensor alone:", rows_table(result.sites, confidence)]
    return [*page, classes_table(result)]


def _taken_for(result: ZeroShotResult, index: int) -> str:
    wrong = result.confusion[index].copy()
    wrong[index] = 0
    most = int(np.argmax(wrong))
    if not wrong[most]:
        return ""
    share = 100 * wrong[most] / result.by_class["windows"][index]
    return f"{result.classes[most]} {share:.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _rule(columns: int) -> str:
    return "|---|" + "---:|" * columns


def _wrapped(text: str) -> str:
    return textwrap.fill(text, 88)
