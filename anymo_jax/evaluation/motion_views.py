"""Held-out motion as wearable setups see it: one fixed view of every window.

Placements are drawn on the body's surface with device noise, as in training (A.2), at
the motion's own speed and never mirrored, whatever a run was trained with, so that runs
compare. Setup and visible nodes follow from the window's index alone.
"""

import functools
from collections.abc import Iterator

import jax
import numpy as np
from jaxtyping import Bool, Int

from anymo_jax.language.rows import RowOptions, window_told
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.simulation import load_priors
from anymo_jax.views import View, ViewOptions, VisibleNodes, body_tables
from anymo_jax.views.masks import draw_visible_nodes
from anymo_jax.views.paired import sparse_view_batch

PROCEDURAL, CAPTURED = "procedural", "captured"
# Nodes that carry a sensor: as in training (A.3), and all of them.
SETUPS = {"1 to 5 nodes": VisibleNodes(1, 5), "whole body": VisibleNodes(23, 23)}
# Windows simulated at once; one program, whatever is asked for.
BATCH = 32


class MotionViews:
    """Views and primary texts of windows of motion.

    Attributes:
      windows: of motion.
    """

    def __init__(self, windows: MotionWindows, *, seed: int = 0):
        """Keeps the windows; `seed` is of the drawn setups."""
        self.windows = windows
        self._key = jax.random.key(seed)
        self._given = body_tables(windows.segment, windows.frame), load_priors()
        self._see = jax.jit(functools.partial(sparse_view_batch, options=ViewOptions()))

    def texts(self, indices: Int[np.ndarray, "n"]) -> list[str]:
        """Primary text of each window, an actor marker put as "a person"; "" for none.

        What is told does not hang on the visible nodes.
        """
        return [self._text(self.windows.told(int(i))) for i in indices]

    def batches(
        self,
        indices: Int[np.ndarray, "n"],
        nodes: VisibleNodes | Bool[np.ndarray, "23"],
    ) -> Iterator[list[View]]:
        """Views of the windows, in order, some at a time.

        Args:
          indices: of windows.
          nodes: from which each window's visible nodes are drawn, or the nodes.
        """
        for first in range(0, len(indices), BATCH):
            real = indices[first : first + BATCH]
            padded = np.concatenate([real, np.repeat(real[-1:], BATCH - len(real))])
            rows = [self.windows[int(i)] | self._visible(int(i), nodes) for i in padded]
            batch = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
            seen = jax.device_get(self._see(self._key, batch, *self._given))
            yield [
                jax.tree.map(lambda x, i=i: np.asarray(x[i]), seen)
                for i in range(len(real))
            ]

    def _visible(self, index: int, nodes) -> dict[str, np.ndarray]:
        if isinstance(nodes, VisibleNodes):
            nodes = draw_visible_nodes(np.random.default_rng(index), nodes)
        return {"visible": np.asarray(nodes)}

    def _text(self, told) -> str:
        if not told["texts"] or not told["texts"][0].strip():
            return ""
        return window_told(told, {}, RowOptions()).texts[0]


def by_kind(windows: MotionWindows) -> dict[str, np.ndarray]:
    """Indices of procedural and of captured windows; a kind without any is left out."""
    kinds = {PROCEDURAL: ~windows.captured, CAPTURED: windows.captured}
    return {kind: np.flatnonzero(own) for kind, own in kinds.items() if own.any()}
