"""Views to sentences: the narration prompt, answered greedily."""

from collections.abc import Sequence

import numpy as np

from anymo_jax.inference.batches import MOST
from anymo_jax.inference.codes import Weights
from anymo_jax.inference.sizes import Sizes
from anymo_jax.inference.views import ViewSide
from anymo_jax.language.generate import generate
from anymo_jax.language.plain import plain_model
from anymo_jax.language.prompts import END
from anymo_jax.language.rows import NARRATION
from anymo_jax.language.text import TextTokenizer

# As the paper has it (section 4).
CAPTION_TOKENS = 64


class CaptionSide:
    """Sentences of views."""

    def __init__(
        self, sizes: Sizes, weights: Weights, tokenizer: TextTokenizer, views: ViewSide
    ):
        """Bakes code tokens into the language model's tables.

        Args:
          sizes, weights: of all models.
          tokenizer: of the language model's text.
          views: gives code streams and prompts.
        """
        self._sizes, self._tokenizer, self._views = sizes, tokenizer, views
        self._params, self._config = plain_model(
            weights.language, sizes.language, weights.codebook
        )

    def __call__(self, views: Sequence, tokens: int = CAPTION_TOKENS) -> list[str]:
        """A sentence of each view; what is no text in an answer is left out.

        Args:
          views: as `ViewSide.vectors` takes them.
          tokens: written at most.

        Raises:
          ValueError: for a view that is none, or where the context has no room.
        """
        streams = self._views.streams(views)
        prompts = [
            self._prompt(view, codes)
            for view, codes in zip(views, streams, strict=True)
        ]
        found: list[str] = []
        for first in range(0, len(prompts), MOST):
            found += self._written(prompts[first : first + MOST], tokens)
        return found

    def _prompt(self, view, codes: np.ndarray) -> np.ndarray:
        vocabulary = self._sizes.language.vocabulary
        before, after = self._views.prompt(view.visible, NARRATION)
        middle = vocabulary.first_code + codes
        parts = [before, [vocabulary.begin], middle, [vocabulary.end], after]
        return np.concatenate(parts).astype(np.int32)

    def _written(self, prompts: list[np.ndarray], count: int) -> list[str]:
        text = self._tokenizer
        longest = max(map(len, prompts))
        tokens = np.full((len(prompts), longest), text.pad, np.int32)
        mask = np.zeros(tokens.shape, bool)
        for row, prompt in enumerate(prompts):
            tokens[row, longest - len(prompt) :] = prompt
            mask[row, longest - len(prompt) :] = True
        answers = generate(
            *(self._params, self._config, tokens),
            max_new_tokens=count,
            mask=mask,
            stop=(text.id_of(END),),
        )[:, longest:]
        rows = [[i for i in row if i < text.vocab_size] for row in answers.tolist()]
        return [text.decode(row, markup=False).strip() for row in rows]
