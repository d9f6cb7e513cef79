"""Averages over datasets, each counting once, and what may be chosen on which.

Options are chosen on development sets alone. Whoever chooses on a test set reports how
well he chose.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from anymo_jax.evaluation import recognition
from anymo_jax.evaluation.corrections import inverted_softmax
from anymo_jax.evaluation.embedded import Embedded
from anymo_jax.evaluation.pooling import RULES
from anymo_jax.evaluation.zero_shot import (
    Row,
    ZeroShotOptions,
    ZeroShotResult,
    window_scores,
)

DEVELOPMENT = ("motionsense", "umafall")
TEMPERATURES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
# What options are chosen by.
CRITERION = "f1_vocabulary"


def average(results: Sequence[ZeroShotResult]) -> dict[str, Row]:
    """Rows that every dataset has, averaged over datasets, each counting once.

    The datasets are fixed; intervals are over the people or windows drawn within each.

    Raises:
      ValueError: where there is no result.
    """
    if not results:
        raise ValueError("there is no dataset to average over")
    shared = [n for n in results[0].rows if all(n in r.rows for r in results)]
    return {name: _mean([result.rows[name] for result in results]) for name in shared}


def choose(data: Sequence[Embedded], options: ZeroShotOptions) -> ZeroShotOptions:
    """Pooling, then temperature, of the greatest mean macro-F1 on development sets.

    Args:
      data: any datasets; only those in `DEVELOPMENT` are looked at.
      options: the other options.

    Raises:
      ValueError: where there is no development set.
    """
    held = [one for one in data if one.dataset in DEVELOPMENT]
    if not held:
        raise ValueError(
            f"options are chosen on {' and '.join(DEVELOPMENT)} alone, and none of "
            "them is given: add one, or set the options yourself"
        )

    def criterion(score) -> float:
        return float(np.mean([_criterion(d, score(d)) for d in held]))

    def pooled(one: Embedded, rule: str):
        return window_scores(one.parts, one.texts, rule)

    rule = max(RULES, key=lambda rule: criterion(lambda d: pooled(d, rule)))
    temperature = max(
        TEMPERATURES,
        key=lambda t: criterion(lambda d: inverted_softmax(pooled(d, rule), t)),
    )
    return dataclasses.replace(options, pooling=rule, temperature=temperature)


def _criterion(data: Embedded, score) -> float:
    truth = data.label[data.parts.kept]
    counts = recognition.count(score, truth, np.zeros_like(truth))
    return float(recognition.figures(counts)[CRITERION][0])


def _mean(rows: Sequence[Row]) -> Row:
    names = rows[0].figures
    return Row(
        figures={n: float(np.mean([r.figures[n] for r in rows])) for n in names},
        draws={n: np.mean([r.draws[n] for r in rows], axis=0) for n in names},
        windows=sum(row.windows for row in rows),
        tied=float(np.mean([row.tied for row in rows])),
    )
