"""Options of a multiple-choice question: which labels, in what order, by what key."""

from collections.abc import Sequence

import numpy as np

from anymo_jax.language.labels import distinct_labels, normalise_label


def option_keys(count: int) -> list[str]:
    """Keys a, b, ..., z, aa, ab, ..."""
    keys = []
    for number in range(1, count + 1):
        key = ""
        while number:
            number, digit = divmod(number - 1, 26)
            key = chr(ord("a") + digit) + key
        keys.append(key)
    return keys


def draw_options(
    label: str, labels: Sequence[str], choices: int, rng: np.random.Generator
) -> list[str]:
    """The true label and others of the vocabulary in any order, none of them twice."""
    own = normalise_label(label)
    others = [other for other in labels if normalise_label(other) != own]
    drawn = rng.permutation(len(others))[: choices - 1]
    options = [label, *(others[i] for i in drawn)]
    return [options[i] for i in rng.permutation(len(options))]


def check_vocabulary(labels: Sequence[str]) -> None:
    """Refuses a vocabulary of which two labels are equal when normalised.

    Raises:
      ValueError: naming the label.
    """
    kept = set(distinct_labels(labels))
    seen: set[str] = set()
    for label in labels:
        if label not in kept or label in seen:
            raise ValueError(
                f"labels: {label!r} is empty or equal to another one when normalised; "
                "use labels.distinct_labels"
            )
        seen.add(label)
