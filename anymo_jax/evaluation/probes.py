"""Linear probes: how much a few labelled windows of other people add (few-shot).

A logistic regression (scikit-learn, L2, C = 1, features standardised by the training
windows) on frozen features, of which there are two kinds:

    latents   the encoder's latents, averaged over nodes and time
    joint     the unit vectors that zero-shot recognition compares with labels

In every draw the people are split anew: none is in training and test alike. k windows
of each class are drawn from the training people, all of them for "full"; a class with
fewer gives what it has. Figures are means over draws, intervals hold the middle 95 per
cent of the draws. Fine-tuning is not part of this.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from anymo_jax.evaluation import recognition
from anymo_jax.evaluation.bootstrap import interval

FULL = "full"
FIGURES = ("accuracy", "f1_occurring", "recall_at_2")


@dataclasses.dataclass(frozen=True)
class ProbeOptions:
    """What is drawn.

    Attributes:
      shots: k.
      draws: splits of the people for each k.
      full_draws: the same with all windows of the training people; 0 for none.
      test_share: of the people, at least one.
      seed: of the draws.
    """

    shots: tuple[int, ...] = (1, 2, 3, 5, 10)
    draws: int = 20
    full_draws: int = 5
    test_share: float = 0.3
    seed: int = 0

    def __post_init__(self):
        if not 0 < self.test_share < 1 or self.draws < 1 or min(self.shots) < 1:
            raise ValueError(
                f"shots {self.shots}, draws {self.draws}, test share "
                f"{self.test_share}: give positive numbers, and a share below 1"
            )


@dataclasses.dataclass(frozen=True)
class ProbeRow:
    """Figures at one k.

    Attributes:
      draws: how many splits.
      figures: means by name.
      limits: where the middle 95 per cent of the draws lie.
    """

    draws: int
    figures: Mapping[str, float]
    limits: Mapping[str, tuple[float, float]]


def probe(
    features: Float[np.ndarray, "N D"],
    label: Int[np.ndarray, "N"],
    subject: Int[np.ndarray, "N"],
    classes: int,
    options: ProbeOptions,
) -> dict[str, ProbeRow]:
    """Rows by k, and "full".

    Args:
      features: of windows.
      label: of each, below `classes`.
      subject: of each; -1 where unknown.
      classes: size of the vocabulary.
      options: what is drawn.

    Raises:
      ValueError: where people are unknown or fewer than two, and without scikit-learn.
    """
    people = np.unique(subject)
    if people.min() < 0 or len(people) < 2:
        raise ValueError(
            "people are unknown or there is one alone, so that none can be kept apart "
            "for testing: leave the probes of this dataset out"
        )
    fit = _regression()
    rows = {}
    for shots in (*options.shots, None):
        draws = options.full_draws if shots is None else options.draws
        if not draws:
            continue
        rng = np.random.default_rng([options.seed, shots or 0])
        found = [
            _draw(fit, features, label, subject, classes, shots, options, rng)
            for _ in range(draws)
        ]
        values = {n: np.array([one[n] for one in found]) for n in FIGURES}
        rows[FULL if shots is None else str(shots)] = ProbeRow(
            draws=draws,
            figures={n: float(v.mean()) for n, v in values.items()},
            limits={n: interval(v) for n, v in values.items()},
        )
    return rows


def split_people(
    subject: Int[np.ndarray, "N"], share: float, rng: np.random.Generator
) -> np.ndarray:
    """Which windows (N,) are of the people drawn for testing, at least one of them."""
    people = rng.permutation(np.unique(subject))
    count = min(max(1, round(share * len(people))), len(people) - 1)
    return np.isin(subject, people[:count])


def few_of_each(
    label: Int[np.ndarray, "N"],
    allowed: np.ndarray,
    shots: int | None,
    rng: np.random.Generator,
) -> Int[np.ndarray, "n"]:
    """Indices of `shots` allowed windows of each class, or of all of them."""
    chosen = []
    for own in np.unique(label[allowed]):
        windows = rng.permutation(np.flatnonzero(allowed & (label == own)))
        chosen.append(windows[:shots])
    return np.sort(np.concatenate(chosen))


def _draw(fit, features, label, subject, classes, shots, options, rng) -> dict:
    test = split_people(subject, options.test_share, rng)
    train = few_of_each(label, ~test, shots, rng)
    known = np.unique(label[train])
    # A class of the test that no training person has cannot be said.
    score = np.full((int(test.sum()), classes), -np.inf)
    if len(known) == 1:
        score[:, known[0]] = 0.0
    else:
        score[:, known] = fit(features[train], label[train], features[test])
    score = np.where(np.isfinite(score), score, -1e9)
    counts = recognition.count(score, label[test], np.zeros(len(score), int))
    return {n: float(recognition.figures(counts[0])[n]) for n in FIGURES}


def _regression():
    """(train features, labels, test features) -> log probabilities, sorted classes."""
    try:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    except ModuleNotFoundError:
        raise ValueError(
            "probes need scikit-learn, which is not installed: pip install "
            "'anymo_jax[probes]', or leave --probes out"
        ) from None

    def fit(x, y, test):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        # What is impossible in floating point is the least likely, not -inf.
        return np.log(np.maximum(model.fit(x, y).predict_proba(test), 1e-300))

    return fit
