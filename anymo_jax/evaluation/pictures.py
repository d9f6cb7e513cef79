"""Pictures of a report, each as the bytes of a PNG file, from plain values."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

DPI = 110
# Cells of greater tables are too small for numbers.
_NUMBERED = 20


def confusion_picture(name: str, classes: Sequence[str], counts: Sequence) -> bytes:
    """Per cent of each true class (rows) that was taken for each class."""
    counts = np.asarray(counts, float)
    windows = counts.sum(axis=1, keepdims=True)
    share = 100 * np.divide(
        counts, windows, out=np.zeros_like(counts), where=windows > 0
    )
    side = 2.6 + 0.42 * len(classes)
    figure = Figure(figsize=(side + 1.2, side), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=100)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_yticks(ticks, classes)
    axes.set(xlabel="predicted", ylabel="true", title=f"{name}: per cent of true class")
    if len(classes) <= _NUMBERED:
        for (row, column), value in np.ndenumerate(share):
            if value >= 0.5:
                colour = "white" if value > 55 else "black"
                given = {"ha": "center", "va": "center", "fontsize": 8}
                axes.text(column, row, f"{value:.0f}", color=colour, **given)
    figure.colorbar(shown, ax=axes, shrink=0.7)
    return _png(figure)


def radar_picture(series: Mapping[str, Mapping[str, float]]) -> bytes:
    """Shares on axes about a centre (Figure 1), all on one scale.

    Args:
      series: name -> axis -> share; the first has every axis, others may lack some.
    """
    axes_names = list(next(iter(series.values())))
    angle = np.linspace(0, 2 * np.pi, len(axes_names), endpoint=False)
    figure = Figure(figsize=(6.8, 5.6), layout="constrained")
    axes = figure.add_subplot(projection="polar")
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    most = 0.0
    for number, (name, values) in enumerate(series.items()):
        found = np.array([100 * values.get(axis, np.nan) for axis in axes_names])
        closed = np.append(found, found[:1])
        style = "-" if number == 0 else "--"
        axes.plot(np.append(angle, angle[:1]), closed, style, marker="o", label=name)
        if number == 0:
            axes.fill(angle, found, alpha=0.15)
        most = max(most, float(np.nanmax(found, initial=0)))
    axes.set_xticks(angle, [name.replace(" ", "\n", 1) for name in axes_names])
    axes.set_ylim(0, max(10.0, 1.1 * most))
    axes.tick_params(axis="x", pad=16, labelsize=9)
    axes.set_rlabel_position(180 / len(axes_names))
    figure.legend(loc="lower right", fontsize=8)
    figure.suptitle("per cent, one scale")
    return _png(figure)


def cloud_picture(name: str, classes: Sequence[str], cloud: Mapping) -> bytes:
    """Real and simulated windows on two axes, and the real ones by class."""
    point, real = np.asarray(cloud["point"], float), cloud["real"]
    label = np.asarray(cloud["label"], int)
    figure = Figure(figsize=(11.5, 5.0), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    left.scatter(*point[real:].T, s=9, alpha=0.6, label="simulated motion")
    left.scatter(*point[:real].T, s=9, alpha=0.6, label=name)
    left.legend(fontsize=8)
    left.set_title(f"real and simulated, mixing {100 * cloud['mixing']:.0f} % of 50 %")
    colours = colormaps["tab20"]
    right.scatter(*point[real:].T, s=6, color="0.85")
    for index, title in enumerate(classes):
        own = point[:real][label == index]
        if len(own):
            right.scatter(*own.T, s=11, color=colours(index % 20), label=title)
    right.set_title("real windows by class")
    right.legend(fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
    for axes in (left, right):
        axes.set_xlabel(f"component 1 ({100 * cloud['variance'][0]:.0f} %)")
    left.set_ylabel(f"component 2 ({100 * cloud['variance'][1]:.0f} %)")
    return _png(figure)


def codes_picture(sources: Mapping[str, Mapping]) -> bytes:
    """Share of each code, most used first, by codebook."""
    first = next(iter(sources.values()))
    figure = Figure(figsize=(5.2 * len(first["counts"]), 3.8), layout="constrained")
    panels = figure.subplots(1, len(first["counts"]), squeeze=False, sharey=True)[0]
    for book, axes in enumerate(panels):
        for name, use in sources.items():
            counts = np.sort(np.asarray(use["counts"][book], float))[::-1]
            share = 100 * counts[counts > 0] / counts.sum()
            axes.loglog(1 + np.arange(len(share)), share, label=name)
        entries = len(first["counts"][book])
        axes.axhline(100 / entries, color="0.6", ls=":", label="all alike")
        axes.set(title=f"codebook {book}", xlabel="code, most used first")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("per cent of steps")
    panels[0].legend(fontsize=8)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    kept = io.BytesIO()
    # Without the date and version that would make equal pictures differ.
    figure.savefig(kept, format="png", dpi=DPI, metadata={"Software": None})
    return kept.getvalue()
