"""Pictures of bodies, placements and signals."""

import pathlib

import matplotlib
import numpy as np

from anymo_jax.body.placement import Placements
from anymo_jax.body.skeleton import XSENS
from anymo_jax.body.surface import BodySurface

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

_AXES = ("x", "y", "z")
_VIEWS = (("front", 8, 15), ("side", 8, -75), ("back", 8, 195))
_FRAMES_DRAWN = 60
_FRAME_LENGTH_M = 0.05


def draw_body(path: pathlib.Path, surface: BodySurface, placements: Placements) -> None:
    """The body in T-pose, candidates coloured by segment, some sensor frames drawn."""
    origins = np.asarray(surface.rest_joints)[
        [surface.joint_segment.index(s) for s in range(len(XSENS))]
    ]
    segment = np.asarray(placements.segment)
    point = origins[segment] + np.asarray(placements.offset)
    colours = plt.get_cmap("gist_rainbow")(np.linspace(0, 1, len(XSENS)))
    colours = colours[np.random.default_rng(3).permutation(len(XSENS))]
    figure = plt.figure(figsize=(15, 6.4))
    for column, (name, elevation, azimuth) in enumerate(_VIEWS):
        axes = figure.add_subplot(1, 3, column + 1, projection="3d")
        _draw_mesh(axes, surface)
        axes.scatter(*point.T, c=colours[segment], s=5, depthshade=False)
        _draw_frames(axes, point, np.asarray(placements.frame))
        axes.view_init(elevation, azimuth)
        axes.set_proj_type("ortho")
        axes.set_box_aspect((1, 1.9, 1.8), zoom=1.5)
        axes.set(xlim=(-0.5, 0.5), ylim=(-0.95, 0.95), zlim=(-0.08, 1.8), title=name)
        axes.set_axis_off()
    handles = [
        plt.Line2D(
            [], [], marker="o", ls="", color=c, label=f"{n} {np.sum(segment == i)}"
        )
        for i, (n, c) in enumerate(zip(XSENS.names, colours, strict=True))
    ]
    figure.legend(handles=handles, ncol=8, loc="lower center", fontsize=8)
    figure.suptitle(f"{len(segment)} candidate placements on 23 segments")
    figure.subplots_adjust(0, 0.1, 1, 0.92, 0, 0)
    _save(figure, path)


def draw_traces(path: pathlib.Path, title: str, rate_hz: float, signals: dict) -> None:
    """Specific force and angular rate of named sensors; signals maps name to (T, 6)."""
    figure, grid = plt.subplots(
        2, len(signals), figsize=(4.6 * len(signals), 5.2), sharex=True, squeeze=False
    )
    for column, (name, signal) in enumerate(signals.items()):
        times = np.arange(len(signal)) / rate_hz
        for row, unit in enumerate(("specific force, m/s$^2$", "angular rate, rad/s")):
            axes = grid[row, column]
            for axis in range(3):
                values = np.asarray(signal)[:, 3 * row + axis]
                axes.plot(times, values, lw=0.9, label=_AXES[axis])
            axes.grid(alpha=0.3)
            if column == 0:
                axes.set_ylabel(unit)
        grid[0, column].set_title(name)
        grid[1, column].set_xlabel("s")
    grid[0, 0].legend(loc="upper right", ncol=3, fontsize=8)
    figure.suptitle(title)
    figure.tight_layout()
    _save(figure, path)


def draw_spectra(path: pathlib.Path, title: str, panels: dict) -> None:
    """Power spectral densities; panels maps a title to {name: (frequency, density)}."""
    figure, row = plt.subplots(
        1, len(panels), figsize=(4.6 * len(panels), 3.8), squeeze=False
    )
    for axes, (name, curves) in zip(row[0], panels.items(), strict=True):
        for label, (frequency, density) in curves.items():
            axes.semilogy(frequency, density, lw=1.1, label=label)
        axes.set(title=name, xlabel="Hz")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    row[0, 0].set_ylabel("of |force|, (m/s$^2$)$^2$/Hz")
    figure.suptitle(title)
    figure.tight_layout()
    _save(figure, path)


def _draw_mesh(axes, surface: BodySurface) -> None:
    corners = np.asarray(surface.vertices)[np.asarray(surface.faces)]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normal /= np.linalg.norm(normal, axis=1, keepdims=True) + 1e-12
    shade = 0.78 + 0.14 * normal[:, 0] + 0.06 * normal[:, 2]
    colours = np.repeat(np.clip(shade, 0, 1)[:, None], 3, axis=1)
    axes.add_collection3d(Poly3DCollection(corners, facecolors=colours))


def _draw_frames(axes, point: np.ndarray, frame: np.ndarray) -> None:
    """Tangent red, binormal green, normal blue, of evenly picked placements."""
    picked = np.linspace(0, len(point) - 1, _FRAMES_DRAWN).astype(int)
    for axis, colour in enumerate(("red", "green", "blue")):
        arrow = _FRAME_LENGTH_M * frame[picked, :, axis]
        start, end = point[picked], point[picked] + arrow
        for a, b in zip(start, end, strict=True):
            axes.plot(*np.stack([a, b], 1), color=colour, lw=0.9)


def _save(figure, path: pathlib.Path) -> None:
    figure.savefig(path, dpi=110)
    plt.close(figure)
