"""Zero-shot recognition (A.5): rows of figures, with intervals, for one dataset.

A window's score of a label is the cosine of their vectors, pooled over the window's
parts. The first row is the model's; each other row changes one thing, and is named by
it. Transductive rows see all windows at once and are marked.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from anymo_jax.evaluation import corrections, recognition
from anymo_jax.evaluation.bootstrap import intervals, resample
from anymo_jax.evaluation.embedded import Embedded, Parts
from anymo_jax.evaluation.pooling import MEAN, RULES, pool_parts

MODEL, CHANCE, MAJORITY = "model", "chance", "majority"
INVERTED, CENTRED = "inverted softmax", "centred"
TRANSDUCTIVE = (INVERTED, CENTRED)
# Ends the name of a row whose labels are worded otherwise.
PROMPT = " prompt"


@dataclasses.dataclass(frozen=True)
class ZeroShotOptions:
    """How scores become rows.

    Attributes:
      pooling: rule of the first row, one of `pooling.RULES`.
      temperature: of the inverted softmax.
      resamples, confidence, seed: of the bootstrap.
    """

    pooling: str = MEAN
    temperature: float = corrections.TEMPERATURE
    resamples: int = 1000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self):
        if self.pooling not in RULES:
            raise ValueError(f"pooling = {self.pooling!r}: choose one of {RULES}")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence = {self.confidence}: give one as 0.95")


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
      figures: `recognition.FIGURES` by name, shares.
      draws: the same of each table drawn by the bootstrap, (R,).
      windows: how many the figures are of.
      tied: share of windows whose best score several classes have; 0 for baselines.
    """

    figures: Mapping[str, float]
    draws: Mapping[str, Float[np.ndarray, "R"]]
    windows: int
    tied: float = 0.0


@dataclasses.dataclass(frozen=True)
class ZeroShotResult:
    """One dataset's rows.

    Attributes:
      dataset, classes, flags: as in `Embedded`.
      windows, dropped: scored; left out because no sensor is in them.
      parts: that were read.
      over, units: what intervals are over, and how many there are.
      rows: by name; `MODEL`, the corrections, `CHANCE`, `MAJORITY`, and more.
      sites: rows of single sensors, by the dataset's own word.
      by_class: of `recognition.class_figures`, for `MODEL`.
      confusion: (C, C) true by predicted, for `MODEL`.
    """

    dataset: str
    classes: tuple[str, ...]
    flags: tuple[str, ...]
    windows: int
    dropped: int
    parts: int
    over: str
    units: int
    rows: Mapping[str, Row]
    sites: Mapping[str, Row]
    by_class: Mapping[str, Float[np.ndarray, "C"]]
    confusion: Float[np.ndarray, "C C"]


def evaluate(
    data: Embedded,
    options: ZeroShotOptions,
    further: Mapping[str, Float[np.ndarray, "N C"]] | None = None,
) -> ZeroShotResult:
    """Rows of one dataset.

    Args:
      data: its vectors.
      options: how scores become rows.
      further: scores of the windows that have a part, by the name of another row.
    """
    parts = data.parts
    counts, tied = {}, {}
    for name, score in (_scores(data, options) | dict(further or {})).items():
        counts[name] = _count(data, parts, score)
        tied[name] = recognition.tied_share(score)
    people = _people(data, parts)
    drawn = {n: _resample(c, people, options) for n, c in counts.items()}
    rows = {name: _row(counts[name], drawn[name].counts, tied[name]) for name in counts}
    model = counts[MODEL].sum(axis=0)
    rows |= _baselines(model, drawn[MODEL].counts)
    return ZeroShotResult(
        dataset=data.dataset,
        classes=data.classes,
        flags=data.flags,
        windows=len(parts.kept),
        dropped=data.total - len(parts.kept),
        parts=len(parts.window),
        over=drawn[MODEL].over,
        units=drawn[MODEL].units,
        rows=rows,
        sites={s: _site(data, p, options) for s, p in data.sites.items()},
        by_class=recognition.class_figures(model),
        confusion=recognition.confusion(model),
    )


def window_scores(
    parts: Parts, texts: Float[np.ndarray, "C D"], rule: str
) -> Float[np.ndarray, "N C"]:
    """Pooled cosines of windows and labels."""
    return pool_parts(parts.vector @ texts.T, parts.window, rule)


def row_intervals(
    row: Row, confidence: float = 0.95
) -> Mapping[str, tuple[float, float]]:
    """Confidence interval of each figure."""
    return intervals(row.draws, confidence)


def _scores(data: Embedded, options: ZeroShotOptions) -> dict[str, np.ndarray]:
    """Scores of each row of the model."""
    rule = options.pooling
    scores = {MODEL: window_scores(data.parts, data.texts, rule)}
    for other in RULES:
        if other != rule and len(data.parts.window) > len(data.parts.kept):
            scores[f"{other} of parts"] = window_scores(data.parts, data.texts, other)
    for name, texts in data.prompts.items():
        scores[f"{name}{PROMPT}"] = window_scores(data.parts, texts, rule)
    scores[INVERTED] = corrections.inverted_softmax(scores[MODEL], options.temperature)
    about = dataclasses.replace(
        data.parts, vector=corrections.centred(data.parts.vector)
    )
    scores[CENTRED] = window_scores(about, corrections.centred(data.texts), rule)
    return scores


def _people(data: Embedded, parts: Parts) -> bool:
    return bool((data.subject[parts.kept] >= 0).all())


def _count(data: Embedded, parts: Parts, score) -> np.ndarray:
    """Counts of each person; of all windows in one table where one is unknown."""
    subject = data.subject[parts.kept]
    if not _people(data, parts):
        subject = np.zeros_like(subject)
    group = np.unique(subject, return_inverse=True)[1]
    return recognition.count(score, data.label[parts.kept], group)


def _resample(counts, people: bool, options: ZeroShotOptions):
    return resample(
        counts, people=people, resamples=options.resamples, seed=options.seed
    )


def _row(counts, draws, tied: float = 0.0) -> Row:
    """A row from tables by group (G, C, C, 2) and drawn ones (R, C, C, 2)."""
    table = counts.sum(axis=0)
    figures = {k: float(v) for k, v in recognition.figures(table).items()}
    return Row(figures, recognition.figures(draws), round(table.sum()), tied)


def _baselines(model, draws) -> dict[str, Row]:
    """Chance and majority on the same windows and the same draws."""
    windows, drawn = model.sum(axis=(1, 2)), draws.sum(axis=(2, 3))
    order = np.argsort(-windows, kind="stable")
    made = {
        CHANCE: recognition.chance_counts,
        MAJORITY: lambda w: recognition.majority_counts(w, order),
    }
    return {n: _row(make(windows)[None], make(drawn)) for n, make in made.items()}


def _site(data: Embedded, parts: Parts, options: ZeroShotOptions) -> Row:
    score = window_scores(parts, data.texts, options.pooling)
    counts = _count(data, parts, score)
    drawn = _resample(counts, _people(data, parts), options)
    return _row(counts, drawn.counts, recognition.tied_share(score))
