"""A vocabulary of activity labels from free-form ones (paper, A.4).

    normalise -> count equal ones -> cluster the frequent -> one name per cluster

The paper has a language model name the clusters and people review them; here a rule
does, offline: the label that the others contain, or else all of them with slashes.

Clusters are made by complete linkage (`scipy.cluster.hierarchy`): every two labels of a
cluster then have the cosine similarity that is asked for. Average linkage asks it of
the mean only, so that long chains of labels grow together; and only complete linkage
keeps two labels apart for certain that must not meet, such as "walking upstairs" and
"walking downstairs", which sentence encoders put at 0.87 (reference/evidence.md).
"""

import collections
import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from anymo_jax.language.directions import directions

_APOSTROPHES = re.compile(r"['’]")
_PUNCTUATION = re.compile(r"[\W_]+")
_ARTICLES = re.compile(r"^(?:(?:a|an|the)\s+)+(?=\w)")
# Further than any cosine distance, which is at most 2.
_APART = 4.0


@functools.lru_cache(maxsize=1 << 16)
def normalise_label(label: str) -> str:
    """Lower case; no punctuation, leading article or extra space (A.4).

    Applied twice it changes nothing more.
    """
    words = _PUNCTUATION.sub(" ", _APOSTROPHES.sub("", label.lower())).strip()
    return _ARTICLES.sub("", words)


def distinct_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels of which no two are equal when normalised, the first of each; no empty."""
    first: dict[str, str] = {}
    for label in labels:
        key = normalise_label(label)
        if key:
            first.setdefault(key, label)
    return tuple(first.values())


def count_labels(labels: Iterable[str]) -> dict[str, int]:
    """How often each normalised label occurs, the most frequent first; "" is left out.

    Ties stand in alphabetical order, so that the order of the labels does not matter.
    """
    counts = collections.Counter(map(normalise_label, labels))
    del counts[""]
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def frequent_labels(counts: Mapping[str, int], least: int = 5) -> tuple[str, ...]:
    """The labels that are clustered, in the order of `counts`: embed these."""
    return tuple(label for label, count in counts.items() if count >= least)


@dataclasses.dataclass(frozen=True)
class LabelVocabulary:
    """Classes of labels.

    Attributes:
      classes: class of each normalised label that was clustered.
      counts: examples of each class, the most frequent first.
      rare: labels that were too rare to be clustered; they have no class.
    """

    classes: Mapping[str, str]
    counts: Mapping[str, int]
    rare: tuple[str, ...] = ()

    def class_of(self, label: str) -> str:
        """Class of a label as it was written, "" where it has none."""
        return self.classes.get(normalise_label(label), "")

    def table(self) -> str:
        """One line per class: its examples, its name, the labels in it."""
        members = collections.defaultdict(list)
        for label, name in self.classes.items():
            members[name].append(label)
        lines = [
            f"{count:>8}  {name}  ({', '.join(members[name])})"
            for name, count in self.counts.items()
        ]
        head = f"{len(self.counts)} classes of {len(self.classes)} labels"
        return "\n".join([f"{head}, {len(self.rare)} too rare", *lines])


def label_vocabulary(
    counts: Mapping[str, int],
    embeddings: Float[np.ndarray, "N D"],
    *,
    least: int = 5,
    threshold: float = 0.85,
    names: int = 5,
) -> LabelVocabulary:
    """Classes of the frequent labels.

    Args:
      counts: of `count_labels`.
      embeddings: (N, D) unit norm, of `frequent_labels(counts, least)` in that order.
      least: examples that a label needs.
      threshold: cosine similarity that every two labels of a class have.
      names: labels that a class's name holds at most, the most frequent ones.

    Raises:
      ValueError: where the embeddings do not fit the labels or are not of unit norm.
    """
    labels = frequent_labels(counts, least)
    classes, totals = {}, collections.Counter()
    for cluster in cluster_labels(labels, embeddings, threshold):
        members = [labels[i] for i in cluster]
        name = class_name(members, names)
        classes |= dict.fromkeys(members, name)
        totals[name] += sum(counts[label] for label in members)
    order = sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    rare = tuple(label for label in counts if label not in classes)
    return LabelVocabulary(classes, dict(order), rare)


def cluster_labels(
    labels: Sequence[str], embeddings: Float[np.ndarray, "N D"], threshold: float = 0.85
) -> list[Int[np.ndarray, "_"]]:
    """Indices of the labels of each cluster, each label in exactly one.

    Labels that say different directions are never in one cluster.

    Raises:
      ValueError: as `label_vocabulary`.
    """
    _check_embeddings(labels, embeddings)
    if len(labels) < 2:
        return [np.arange(len(labels))] if labels else []
    distance = np.clip(1.0 - embeddings @ embeddings.T, 0.0, 2.0)
    said = [directions(label) for label in labels]
    group = np.array([said.index(one) for one in said])
    distance[group[:, None] != group[None, :]] = _APART
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="complete")
    # A similarity of exactly the threshold, as rounding leaves it, is similar enough.
    number = fcluster(tree, 1.0 - threshold + 1e-6, criterion="distance")
    return [np.flatnonzero(number == n) for n in np.unique(number)]


def class_name(members: Sequence[str], names: int = 5) -> str:
    """One name for labels of one meaning, the most frequent of them first.

    A label that contains another one says less simply what that one says, and is left
    out; what remains is joined by slashes, `names` of them at most.
    """
    simple = [
        label
        for label in members
        if not any(_contains(label, other) for other in members)
    ]
    return " / ".join(simple[:names])


def _contains(label: str, other: str) -> bool:
    """Whether a label has the words of another, shorter one in a row."""
    return label != other and f" {other} " in f" {label} "


def _check_embeddings(labels, embeddings) -> None:
    if len(embeddings) != len(labels):
        raise ValueError(
            f"embeddings are of {len(embeddings)} labels where {len(labels)} are to be "
            "clustered: embed what frequent_labels gives, in its order"
        )
    norms = np.linalg.norm(embeddings, axis=1)
    wrong = np.flatnonzero(~(np.abs(norms - 1) < 1e-3))
    if len(wrong):
        raise ValueError(
            f"embeddings[{wrong[0]}] has norm {norms[wrong[0]]:.3g}: divide each by "
            "its norm"
        )
