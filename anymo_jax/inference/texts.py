"""Texts to the joint space, by the tower that the run was trained with."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from anymo_jax.inference.batches import batches, bucket, joined
from anymo_jax.inference.codes import Weights, text_vectors
from anymo_jax.inference.sizes import Sizes
from anymo_jax.language.bert import SentenceEncoder
from anymo_jax.language.prompts import TextPrompt
from anymo_jax.language.splice import padded
from anymo_jax.language.text import TextTokenizer

_SHORTEST = 16


class TextSide:
    """Unit vectors of texts, each computed once."""

    def __init__(
        self,
        sizes: Sizes,
        weights: Weights,
        tokenizer: TextTokenizer,
        sentences: SentenceEncoder | None,
    ):
        """Keeps what is given.

        Args:
          sizes, weights: of all models.
          tokenizer: of the backbone's text.
          sentences: the frozen sentence encoder; None where texts go through the
            backbone.
        """
        self._sizes, self._weights = sizes, weights
        self._tokenizer, self._sentences = tokenizer, sentences
        self._known: dict[TextPrompt, np.ndarray] = {}

    def __call__(self, prompts: Sequence[TextPrompt]) -> Float32[np.ndarray, "n D"]:
        """Vectors in the order of the prompts.

        Raises:
          ValueError: for a text longer than the context, or one that is to stand behind
            learned tokens that the run has none of.
        """
        new = [p for p in dict.fromkeys(prompts) if p not in self._known]
        rows = self._sentence_rows(new) if self._sentences else self._token_rows(new)
        found = []
        for index in batches(len(new)):
            batch = {name: rows[name][index] for name in rows}
            vectors = text_vectors(self._sizes, self._weights, batch)
            found.append(np.asarray(vectors))
        width = self._sizes.joint.head.joint
        self._known |= dict(zip(new, joined(found, len(new), width), strict=True))
        known = [self._known[prompt] for prompt in prompts]
        return np.array(known, np.float32).reshape(-1, width)

    def _sentence_rows(self, prompts: list[TextPrompt]) -> dict[str, np.ndarray]:
        return {"text_vector": self._sentences([prompt.text for prompt in prompts])}

    def _token_rows(self, prompts: list[TextPrompt]) -> dict[str, np.ndarray]:
        rows, spans = [], []
        for prompt in prompts:
            parts = (prompt.before, prompt.content, prompt.after)
            # What a text says is never markup.
            before, content, after = self._tokenizer.encode(list(parts), markup=False)
            rows.append(before + content + after)
            spans.append([len(before), len(before) + len(content)])
            self._check_prompt(prompt)
            if len(rows[-1]) > self._sizes.longest_text:
                raise ValueError(
                    f"the text {prompt.content[:40]!r}... has {len(rows[-1])} tokens, "
                    f"more than the context's {self._sizes.longest_text}: shorten it"
                )
        longest = bucket(max(map(len, rows), default=1), _SHORTEST)
        tokens, length = padded(rows, min(longest, self._sizes.longest_text))
        span = np.array(spans, np.int32).reshape(-1, 2)
        prompted = np.array([prompt.soft_prompt for prompt in prompts], bool)
        return {
            "text": tokens,
            "text_length": length,
            "text_span": span,
            "text_prompted": prompted,
        }

    def _check_prompt(self, prompt: TextPrompt) -> None:
        if prompt.soft_prompt and not self._sizes.joint.soft_prompt:
            raise ValueError(
                f"the text {prompt.content[:40]!r} is to stand behind learned tokens, "
                "but the run was trained with joint.soft_prompt = 0: name a fixed "
                "wording, such as label_prompt 'bare'"
            )
