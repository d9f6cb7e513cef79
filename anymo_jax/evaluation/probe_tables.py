"""Linear probes of datasets, as Markdown and JSON."""

from collections.abc import Mapping

from anymo_jax.evaluation.probes import FIGURES, ProbeRow

# Dataset -> kind of features -> k -> row; or why there is none.
Probed = Mapping[str, Mapping[str, Mapping[str, ProbeRow]] | str]
_HEADS = ("Accuracy", "F1 (present or predicted)", "R@2")
_NOTE = (
    "Logistic regression on frozen features of windows, per cent: k windows of each "
    "class from training people, tested on people that are not among them. Means over "
    "draws, with the middle 95 per cent of the draws in brackets. Latents are the "
    "encoder's, averaged over nodes and time; joint vectors are those that zero-shot "
    "recognition compares with labels. Fine-tuning is not done."
)


def probes_markdown(found: Probed) -> str:
    """A table for each dataset, or why it has none."""
    page = ["## Few-shot and full-shot linear probes", _NOTE]
    for dataset, kinds in found.items():
        page.append(f"### {dataset}")
        page.append(kinds if isinstance(kinds, str) else _table(kinds))
    return "\n\n".join(page) + "\n"


def probes_json(found: Probed) -> dict:
    """Every number."""
    return {
        dataset: {"missing": kinds}
        if isinstance(kinds, str)
        else {
            kind: {k: _row_json(row) for k, row in rows.items()}
            for kind, rows in kinds.items()
        }
        for dataset, kinds in found.items()
    }


def _row_json(row: ProbeRow) -> dict:
    figures = {
        n: {"value": row.figures[n], "low": row.limits[n][0], "high": row.limits[n][1]}
        for n in FIGURES
    }
    return {"draws": row.draws, **figures}


def _table(kinds: Mapping[str, Mapping[str, ProbeRow]]) -> str:
    lines = [f"| features | k | draws | {' | '.join(_HEADS)} |"]
    lines.append("|---|" + "---:|" * (2 + len(_HEADS)))
    for kind, rows in kinds.items():
        for shots, row in rows.items():
            cells = (
                f"{100 * row.figures[n]:.1f} [{100 * row.limits[n][0]:.1f}, "
                f"{100 * row.limits[n][1]:.1f}]"
                for n in FIGURES
            )
            lines.append(f"| {kind} | {shots} | {row.draws} | {' | '.join(cells)} |")
    return "\n".join(lines)
