"""A trained model as users call it.

    model = anymo_jax.load("runs/demo")
    model.classify(imu, sites=["right wrist"], rate_hz=50.0, labels=["run", "sit"])

Arrays go in and come out as numpy. A recording longer than 5 s is cut into windows of
5 s, and what is asked of it is answered from all of them. Those that are classified or
tokenized follow each other, those that are embedded or captioned overlap by half.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32, Int32

from anymo_jax.inference.answering import Answering, check_labels, check_texts
from anymo_jax.inference.answers import ChoiceScores, ChoiceSide
from anymo_jax.inference.captions import CAPTION_TOKENS, CaptionSide
from anymo_jax.inference.codes import Weights
from anymo_jax.inference.recording import OVERLAP, recording_views
from anymo_jax.inference.sizes import Sizes
from anymo_jax.inference.texts import TextSide
from anymo_jax.inference.views import ViewSide
from anymo_jax.language.bert import SentenceEncoder
from anymo_jax.language.templates import load_templates
from anymo_jax.language.text import TextTokenizer


class Model(Answering):
    """Classifies, captions, embeds and tokenizes recordings of worn sensors.

    Attributes:
      sizes: of all models.
    """

    def __init__(
        self,
        config: Mapping,
        sizes: Sizes,
        weights: Weights,
        tokenizer: TextTokenizer,
        sentences: SentenceEncoder | None = None,
    ):
        """Joins what `load` reads.

        Args:
          config: of an instruction-tuned run.
          sizes, weights: of all models.
          tokenizer: of the language model's text.
          sentences: the frozen sentence encoder, where texts go through one.
        """
        super().__init__(config)
        self.sizes = sizes
        self._captions: CaptionSide | None = None
        self._choices: ChoiceSide | None = None
        self._weights, self._tokenizer = weights, tokenizer
        self._views = ViewSide(sizes, weights, tokenizer)
        self._texts = TextSide(sizes, weights, tokenizer, sentences)

    def caption(self, imu: np.ndarray, *, sites: Sequence[str], rate_hz: float) -> str:
        """A sentence that describes a recording; greedy, at most 64 tokens.

        Of a recording of several windows it is that of the most typical one: the one
        whose vector is nearest to the mean of all. Errors as `classify` and
        `caption_views`.
        """
        views = recording_views(imu, sites, rate_hz, overlap=OVERLAP)
        if len(views) > 1:
            vectors = self.embed_views(views)
            views = [views[int(np.argmax(vectors @ vectors.mean(axis=0)))]]
        return self.caption_views(views)[0]

    def embed_text(self, texts: Sequence[str]) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of descriptions, such as "a person walks upstairs".

        Raises:
          ValueError: for an empty text, one that holds markup, or one that is too long.
        """
        check_texts(texts, "texts")
        soft = self.sizes.joint.soft_prompt > 0
        word = load_templates().narration_text
        return self._texts([word(text, soft_prompt=soft) for text in texts])

    def tokenize(
        self, imu: np.ndarray, *, sites: Sequence[str], rate_hz: float
    ) -> Int32[np.ndarray, "L"]:
        """Code tokens: both codebooks in turn, the second one's offset by its size.

        Windows follow each other without overlap: two tokens for every four samples
        at 60 Hz. Errors as `classify`.
        """
        views = recording_views(imu, sites, rate_hz, overlap=0)
        return np.concatenate(self._views.streams(views))

    def embed_views(self, views: Sequence) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of views on the body graph.

        Args:
          views: each a `View` or whatever has its fields: signal (300, 23, 6), visible
            (23,), channel_valid (23, 6) and length ().

        Raises:
          ValueError: for a view of another shape or without a sensor, naming it.
        """
        return self._views.vectors(views)

    def caption_views(
        self, views: Sequence, *, max_new_tokens: int = CAPTION_TOKENS
    ) -> list[str]:
        """A sentence of each view, greedy; views as of `embed_views`.

        Raises:
          ValueError: as `embed_views`; where the run was trained without answers.
        """
        self._check_answers("caption")
        if self._captions is None:
            given = (self.sizes, self._weights, self._tokenizer)
            self._captions = CaptionSide(*given, self._views)
        return self._captions(views, max_new_tokens)

    def tokenize_views(self, views: Sequence) -> list[Int32[np.ndarray, "_"]]:
        """Code tokens of views, as `tokenize` numbers them; views as `embed_views`."""
        return self._views.streams(views)

    def latent_views(self, views: Sequence) -> Float32[np.ndarray, "n D"]:
        """The encoder's latents of views, averaged over time; as `embed_views`."""
        return self._views.latents(views)

    def choose_views(
        self, views: Sequence, labels: Sequence[str], *, seed: int = 0
    ) -> ChoiceScores:
        """Log-likelihoods of labels as answers to a multiple choice.

        Args:
          views: as of `embed_views`.
          labels: all of them are offered at every view.
          seed: of the orders in which they are.

        Raises:
          ValueError: as `embed_views` and `classify`; where the run was trained without
            answers, or the options do not fit the context.
        """
        check_labels(labels)
        self._check_answers("choose")
        if self._choices is None:
            given = (self.sizes, self._weights, self._tokenizer)
            self._choices = ChoiceSide(*given, self._views)
        return self._choices(views, labels, seed)

    def _check_answers(self, what: str) -> None:
        if not self.config["weights"]["answer"]:
            raise ValueError(
                f"the run was trained with weights.answer = 0 and cannot {what}; load "
                "one that was trained to answer"
            )

    def embed_labels(
        self, labels: Sequence[str], prompt: str | None = None
    ) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of activity names.

        Args:
          labels: such as "walking upstairs".
          prompt: how they are worded; None takes the run's `label_prompt`.

        Raises:
          ValueError: as `embed_text`, and for a wording that is none.
        """
        check_texts(labels, "labels")
        word, choice = load_templates().label_text, prompt or self.label_prompt
        return self._texts([word(label, choice) for label in labels])
