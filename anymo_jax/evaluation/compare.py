"""Two runs on the same windows: figures side by side, and intervals of the difference.

The bootstrap is paired: in every draw both runs are scored on the same people, or on
the same windows where people are not known; of retrieval, on the same clips. What both
runs find easy or hard then cancels, and the interval is of the difference alone.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from anymo_jax.evaluation import recognition
from anymo_jax.evaluation.bootstrap import SUBJECTS, WINDOWS, interval, resample
from anymo_jax.evaluation.retrieval import WAYS
from anymo_jax.language.validation import retrieval_figures

AVERAGE = "average"


@dataclasses.dataclass(frozen=True)
class Difference:
    """One figure of two runs.

    Attributes:
      first, second: shares.
      draws: second - first in each draw, (R,).
      low, high: of the middle 95 per cent of the draws.
    """

    first: float
    second: float
    draws: Float[np.ndarray, "R"]

    @property
    def value(self) -> float:
        """How much the second run has more."""
        return self.second - self.first

    @property
    def limits(self) -> tuple[float, float]:
        """Where the middle 95 per cent of the draws lie."""
        return interval(self.draws)


@dataclasses.dataclass(frozen=True)
class Compared:
    """Differences by figure.

    Attributes:
      over, units: what was drawn, and how many there are.
      figures: by name.
    """

    over: str
    units: int
    figures: Mapping[str, Difference]


def compare_recognition(
    first: Mapping, second: Mapping, classes: int, *, resamples: int = 1000, seed=0
) -> Compared:
    """Recognition figures of two runs on one dataset.

    Args:
      first, second: "window", "label", "subject" (N,) and "best" (N, 2), the two labels
        ranked first, as `experiments.evaluate` writes them.
      classes: C.
      resamples, seed: of the bootstrap.

    Raises:
      ValueError: where the windows are not the same.
    """
    for name in ("window", "label", "subject"):
        if list(first[name]) != list(second[name]):
            raise ValueError(
                f"the runs were not scored on the same windows ({name} differs); "
                "evaluate both on the same file"
            )
    label, subject = np.array(first["label"], int), np.array(first["subject"], int)
    people = bool((subject >= 0).all()) and len(np.unique(subject)) > 1
    group = subject if people else np.arange(len(label))
    group = np.unique(group, return_inverse=True)[1]
    tables = [
        group_counts(label, np.array(one["best"], int), group, classes)
        for one in (first, second)
    ]
    # Of one seed, the same groups are drawn for both.
    drawn = [
        recognition.figures(
            resample(t, people=True, resamples=resamples, seed=seed).counts
        )
        for t in tables
    ]
    own = [recognition.figures(table.sum(axis=0)) for table in tables]
    return Compared(
        over=SUBJECTS if people else WINDOWS,
        units=int(group.max()) + 1,
        figures={
            name: Difference(
                float(own[0][name]),
                float(own[1][name]),
                drawn[1][name] - drawn[0][name],
            )
            for name in recognition.FIGURES
        },
    )


def group_counts(
    label: Int[np.ndarray, "N"],
    best: Int[np.ndarray, "N 2"],
    group: Int[np.ndarray, "N"],
    classes: int,
) -> Float[np.ndarray, "G C C 2"]:
    """`recognition.count` of each group, from the two labels ranked first."""
    counts = np.zeros((int(group.max()) + 1, classes, classes, 2))
    hit = (best == label[:, None]).any(axis=1).astype(int)
    np.add.at(counts, (group, label, best[:, 0], hit), 1.0)
    return counts


def compare_retrieval(
    first: Mapping, second: Mapping, *, resamples: int = 1000, seed: int = 0
) -> Compared:
    """Retrieval among all windows of two runs on the same motion.

    Args:
      first, second: "clip" (W,) and the ranks (W,) of either way.
      resamples, seed: of the bootstrap, which draws clips.

    Raises:
      ValueError: where the windows are not the same.
    """
    if list(first["clip"]) != list(second["clip"]):
        raise ValueError(
            "the runs were not scored on the same motion; evaluate both on one folder"
        )
    clip = np.unique(np.array(first["clip"]), return_inverse=True)[1]
    units = int(clip.max()) + 1
    rng = np.random.default_rng(seed)
    weight = rng.multinomial(units, np.full(units, 1 / units), size=resamples)
    weight = weight[:, clip] / weight[:, clip].sum(axis=1, keepdims=True)
    figures = {}
    for way in WAYS:
        ranks = [np.array(one[way], int) for one in (first, second)]
        own = [retrieval_figures(rank) for rank in ranks]
        hits = [_hits(rank) for rank in ranks]
        for name in own[0]:
            draws = weight @ (hits[1][name] - hits[0][name])
            figures[f"{way}/{name}"] = Difference(own[0][name], own[1][name], draws)
    return Compared("clips", units, figures)


def average_compared(found: Mapping[str, Compared]) -> Compared:
    """The mean over datasets, each counting once and drawn for itself."""
    every = list(found.values())
    figures = {}
    for name in every[0].figures:
        own = [one.figures[name] for one in every]
        figures[name] = Difference(
            float(np.mean([d.first for d in own])),
            float(np.mean([d.second for d in own])),
            np.mean([d.draws for d in own], axis=0),
        )
    return Compared("the units of each", sum(one.units for one in every), figures)


def _hits(rank: Int[np.ndarray, "W"]) -> dict[str, Float[np.ndarray, "W"]]:
    found = {f"r{k}": (rank <= k).astype(float) for k in (1, 5, 10)}
    return found | {"mrr": 1 / rank}
