"""Views and options to how likely the language model holds each option to be (A.4).

The question is the multiple choice of instruction tuning, in its first wording. Options
stand in another order at every view, so that a liking for some key favours no label.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from anymo_jax.inference.codes import Weights
from anymo_jax.inference.sizes import Sizes
from anymo_jax.inference.views import ViewSide
from anymo_jax.language.answer_scores import answer_log_likelihood
from anymo_jax.language.choices import option_keys
from anymo_jax.language.plain import plain_model
from anymo_jax.language.prompts import END, fill
from anymo_jax.language.rows import MULTIPLE_CHOICE
from anymo_jax.language.sayings import around_codes
from anymo_jax.language.sites import site_phrase
from anymo_jax.language.splice import padded
from anymo_jax.language.templates import load_templates
from anymo_jax.language.text import TextTokenizer

# Prompts at once; each is answered in as many ways as there are options.
_BATCH = 16


class ChoiceScores(NamedTuple):
    """Log-likelihoods of options, in the order of the labels as given.

    Attributes:
      key: (n, C) of "key:", the beginning of an answer.
      answer: (n, C) of "key: label" and the token that closes it.
    """

    key: Float[np.ndarray, "n C"]
    answer: Float[np.ndarray, "n C"]


class ChoiceSide:
    """Scores of options."""

    def __init__(
        self, sizes: Sizes, weights: Weights, tokenizer: TextTokenizer, views: ViewSide
    ):
        """Bakes code tokens into the language model's tables; as `CaptionSide`."""
        self._sizes, self._tokenizer, self._views = sizes, tokenizer, views
        self._params, self._config = plain_model(
            weights.language, sizes.language, weights.codebook
        )

    def __call__(
        self, views: Sequence, labels: Sequence[str], seed: int = 0
    ) -> ChoiceScores:
        """Scores of each label at each view.

        Args:
          views: as `ViewSide.vectors` takes them.
          labels: offered, all of them at every view.
          seed: of the orders in which they are offered.

        Raises:
          ValueError: for a view that is none, or where the context has no room.
        """
        rng = np.random.default_rng(seed)
        orders = [rng.permutation(len(labels)) for _ in views]
        streams = self._views.streams(views)
        key, answer = (np.zeros((len(views), len(labels))) for _ in range(2))
        for first in range(0, len(views), _BATCH):
            some = range(first, min(first + _BATCH, len(views)))
            offered = [_offered([labels[i] for i in orders[v]]) for v in some]
            prompts = [
                self._prompt(views[v].visible, streams[v], options)
                for v, options in zip(some, offered, strict=True)
            ]
            found, keyed = self._scores(prompts, offered)
            for v, row, count in zip(some, found, keyed, strict=True):
                answer[v, orders[v]] = row.sum(axis=1)
                inside = np.arange(row.shape[1]) < np.array(count)[:, None]
                key[v, orders[v]] = np.where(inside, row, 0).sum(axis=1)
        return ChoiceScores(key, answer)

    def _prompt(self, visible, codes: np.ndarray, options: list[str]) -> np.ndarray:
        vocabulary = self._sizes.language.vocabulary
        wording = load_templates().wording(MULTIPLE_CHOICE)
        asked = fill(wording.prompt, choices="\n".join(options))
        sides = around_codes(asked, site_phrase(np.asarray(visible)))
        before, after = self._tokenizer.encode(list(sides))
        middle = vocabulary.first_code + codes
        parts = [before, [vocabulary.begin], middle, [vocabulary.end], after]
        return np.concatenate(parts).astype(np.int32)

    def _scores(self, prompts, offered) -> tuple[np.ndarray, list[list[int]]]:
        """Log probabilities of answers' tokens, and how many of them say the key."""
        text = self._tokenizer
        longest = -(-max(map(len, prompts)) // 32) * 32
        tokens = np.full((_BATCH, longest), text.pad, np.int32)
        mask = np.zeros(tokens.shape, bool)
        # What fills the batch up is the last prompt again.
        for row, prompt in enumerate([*prompts, *prompts[-1:] * _BATCH][:_BATCH]):
            tokens[row, longest - len(prompt) :] = prompt
            mask[row, longest - len(prompt) :] = True
        answers, length, keyed = self._answers(
            [*offered, *offered[-1:] * _BATCH][:_BATCH]
        )
        found = answer_log_likelihood(
            self._params, self._config, tokens, mask, answers, length
        )
        return found[: len(prompts)], keyed[: len(prompts)]

    def _answers(self, offered):
        text, end = self._tokenizer, self._tokenizer.id_of(END)
        said = load_templates().wording(MULTIPLE_CHOICE).answer
        rows, keyed = [], []
        for options in offered:
            keys = [f"{option.partition(':')[0]}:" for option in options]
            told = text.encode([fill(said, text=o) for o in options], markup=False)
            begun = text.encode(keys, markup=False)
            for option, row, key in zip(options, told, begun, strict=True):
                if row[: len(key)] != key:
                    raise ValueError(
                        f"the text tokenizer joins the key of {option!r} with what "
                        "follows it, so that keys cannot be scored: score answers"
                    )
            rows += [[*row, end] for row in told]
            keyed.append([len(key) for key in begun])
        shape = len(offered), len(offered[0])
        most = -(-max(map(len, rows)) // 8) * 8
        answers, length = padded(rows, most)
        return answers.reshape(*shape, most), length.reshape(shape), keyed


def _offered(labels: Sequence[str]) -> list[str]:
    keys = option_keys(len(labels))
    return [f"{key}: {label}" for key, label in zip(keys, labels, strict=True)]
