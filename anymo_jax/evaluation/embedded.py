"""A labelled dataset as a model sees it: unit vectors of parts and of labels.

All that a zero-shot table needs is computed from these, so that a model is asked once.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from anymo_jax.body.view import View
from anymo_jax.datasets.labelled import LabelledWindows
from anymo_jax.language.choices import check_vocabulary
from anymo_jax.language.templates import LABEL_PROMPTS

# Fixed wordings of Table 10; a run's own is that of its first row.
PROMPTS = tuple(name for name in LABEL_PROMPTS if name != "learned")
# Parts handed over at once: 42 MB of signal.
AT_ONCE = 256


@runtime_checkable
class Embedder(Protocol):
    """A trained model, as evaluation asks it."""

    def embed_views(self, parts: Sequence[View]) -> Float[np.ndarray, "n D"]:
        """Unit vectors of parts of windows."""

    def embed_labels(
        self, labels: Sequence[str], prompt: str | None = None
    ) -> Float[np.ndarray, "n D"]:
        """Unit vectors of activity labels, in the run's wording or one of `PROMPTS`."""


@dataclasses.dataclass(frozen=True)
class Parts:
    """Vectors of the parts of some windows.

    Attributes:
      vector: (P, D) unit norm.
      window: (P,) which of the windows in `kept` each is of, from 0.
      kept: (N,) indices of the windows that have a part; the others show no sensor.
    """

    vector: Float[np.ndarray, "P D"]
    window: Int[np.ndarray, "P"]
    kept: Int[np.ndarray, "N"]


@dataclasses.dataclass(frozen=True)
class Embedded:
    """One dataset.

    Attributes:
      dataset: name.
      classes: the vocabulary.
      flags: warnings that travel with the data.
      total: windows of the file.
      label, subject: (total,) as in `LabelledWindows`.
      parts: of all its sensors together.
      sites: of each sensor alone, by the dataset's own word; {} where not asked for.
      texts: (C, D) vectors of the labels in the run's own wording.
      prompts: the same in each of `PROMPTS`; {} where not asked for.
    """

    dataset: str
    classes: tuple[str, ...]
    flags: tuple[str, ...]
    total: int
    label: Int[np.ndarray, "_"]
    subject: Int[np.ndarray, "_"]
    parts: Parts
    sites: Mapping[str, Parts]
    texts: Float[np.ndarray, "C D"]
    prompts: Mapping[str, Float[np.ndarray, "C D"]]


def embed_dataset(
    model: Embedder,
    windows: LabelledWindows,
    *,
    prompts: bool = False,
    per_site: bool = False,
) -> Embedded:
    """A dataset's vectors.

    Args:
      model: trained.
      windows: the dataset.
      prompts: whether labels are embedded in the prompts of Table 10, too.
      per_site: whether each sensor is shown alone, too; a dataset with one has no such
        rows.

    Raises:
      ValueError: naming the dataset, where its vocabulary is none, no window shows a
        sensor, or a model's vectors are not of unit norm.
    """
    try:
        check_vocabulary(windows.classes)
    except ValueError as error:
        raise ValueError(f"dataset {windows.dataset}: field classes: {error}") from None
    nodes = dict(zip(windows.sites, windows.node.tolist(), strict=True))
    alone = nodes if per_site and len(nodes) > 1 else {}
    sites = {site: _embed(model, windows, node) for site, node in alone.items()}
    named = f"dataset {windows.dataset}: labels"
    texts = _unit(model.embed_labels(windows.classes), named)
    worded = {
        name: _unit(model.embed_labels(windows.classes, name), named)
        for name in (PROMPTS if prompts else ())
    }
    return Embedded(
        dataset=windows.dataset,
        classes=windows.classes,
        flags=windows.flags,
        total=len(windows),
        label=windows.label,
        subject=windows.subject,
        parts=_embed(model, windows, None),
        sites={site: parts for site, parts in sites.items() if len(parts.kept)},
        texts=texts,
        prompts=worded,
    )


def only_node(part: View, node: int) -> View | None:
    """A part as one of its sensors sees it; None where that one is absent."""
    if not part.visible[node]:
        return None
    alone = np.zeros_like(part.visible)
    alone[node] = True
    signal = np.where(alone[:, None], part.signal, np.float32(0))
    return View(signal, alone, part.channel_valid & alone[:, None], part.length)


def window_parts(
    windows: LabelledWindows, node: int | None = None
) -> Iterator[tuple[int, View]]:
    """Index of the window and part, in order; of one sensor alone where it is named."""
    for index in range(len(windows)):
        for part in windows.views(index):
            shown = part if node is None else only_node(part, node)
            if shown is not None:
                yield index, shown


def _embed(model, windows, node) -> Parts:
    name = f"dataset {windows.dataset}: windows"
    found, index, waiting = [], [], []
    for window, part in window_parts(windows, node):
        index.append(window)
        waiting.append(part)
        if len(waiting) == AT_ONCE:
            found.append(_unit(model.embed_views(waiting), name))
            waiting = []
    if waiting:
        found.append(_unit(model.embed_views(waiting), name))
    if not found and node is None:
        raise ValueError(
            f"{name} show no sensor: all miss more than a fifth of every channel"
        )
    kept, window = np.unique(np.array(index, int), return_inverse=True)
    return Parts(np.concatenate(found) if found else np.zeros((0, 0)), window, kept)


def _unit(vectors, what: str) -> np.ndarray:
    vectors = np.asarray(vectors, np.float64)
    norm = np.linalg.norm(vectors, axis=1)
    wrong = np.flatnonzero(~(np.abs(norm - 1) < 1e-2))
    if len(wrong):
        raise ValueError(
            f"{what}: vector {wrong[0]} has norm {norm[wrong[0]]:.3g} where 1 is "
            "wanted; the run may have diverged: look at its metrics, or train it again"
        )
    return vectors
