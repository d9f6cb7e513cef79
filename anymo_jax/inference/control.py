"""A trained control run: vectors of recordings and texts, no tokens, no captions."""

import functools
from collections.abc import Mapping, Sequence

import jax
import numpy as np
from jaxtyping import Array, Float, Float32

from anymo_jax.body.view import View
from anymo_jax.encoder import STGCNEncoder
from anymo_jax.encoder.config import EncoderConfig
from anymo_jax.inference.answering import Answering, check_texts
from anymo_jax.inference.batches import batches, joined
from anymo_jax.inference.codes import mean_latents
from anymo_jax.inference.views import view_batches
from anymo_jax.language import control
from anymo_jax.language.bert import SentenceEncoder
from anymo_jax.language.control import ControlConfig
from anymo_jax.language.templates import load_templates

_NO_LANGUAGE = (
    "a control run has no tokens and no language model: leave captions, choices and "
    "codes out, or name an instruction-tuned run"
)


class ControlModel(Answering):
    """Classifies and embeds recordings, as `Model` does.

    Attributes:
      config: of the run.
      temperature: by which cosines are divided before the softmax over labels.
      label_prompt: how labels are worded, one of `language.templates.LABEL_PROMPTS`.
    """

    def __init__(
        self,
        config: Mapping,
        encoder: tuple[EncoderConfig, dict],
        heads: tuple[ControlConfig, dict],
        sentences: SentenceEncoder,
    ):
        """Joins what `load` reads.

        Args:
          config: of a control run.
          encoder: sizes and variables of the frozen encoder.
          heads: sizes and params of the control.
          sentences: the frozen sentence encoder.
        """
        super().__init__(config)
        self._encoder, self._heads, self._sentences = encoder, heads, sentences

    def embed_views(self, views: Sequence[View]) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of views on the body graph.

        Raises:
          ValueError: for a view of another shape or without a sensor, naming it.
        """
        sizes, params = self._heads
        found = [
            np.asarray(_vectors(self._encoder[0], sizes, self._encoder[1], params, b))
            for b in view_batches(views)
        ]
        return joined(found, len(views), sizes.joint)

    def latent_views(self, views: Sequence[View]) -> Float32[np.ndarray, "n E"]:
        """Latents of views, averaged over time; arguments and errors likewise."""
        config, variables = self._encoder
        found = [
            np.asarray(mean_latents(config, variables, b)) for b in view_batches(views)
        ]
        return joined(found, len(views), config.width)

    def embed_text(self, texts: Sequence[str]) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of descriptions.

        Raises:
          ValueError: for an empty text, or one that holds markup.
        """
        check_texts(texts, "texts")
        word = load_templates().narration_text
        return self._said([word(text, soft_prompt=False).text for text in texts])

    def embed_labels(
        self, labels: Sequence[str], prompt: str | None = None
    ) -> Float32[np.ndarray, "n D"]:
        """Unit vectors of activity names; `prompt` None takes the run's own wording.

        Raises:
          ValueError: as `embed_text`, and for a wording that is none.
        """
        check_texts(labels, "labels")
        word, choice = load_templates().label_text, prompt or self.label_prompt
        return self._said([word(label, choice).text for label in labels])

    def caption_views(self, views: Sequence[View], **options) -> list[str]:
        """Refused: captions need a language model.

        Raises:
          ValueError: always.
        """
        raise ValueError(_NO_LANGUAGE)

    def tokenize_views(self, views: Sequence[View]) -> list[np.ndarray]:
        """Refused: there are no tokens.

        Raises:
          ValueError: always.
        """
        raise ValueError(_NO_LANGUAGE)

    def choose_views(self, views: Sequence[View], *given, **options):
        """Refused: choices need a language model.

        Raises:
          ValueError: always.
        """
        raise ValueError(_NO_LANGUAGE)

    def _said(self, texts: list[str]) -> np.ndarray:
        sizes, params = self._heads
        vectors = np.asarray(self._sentences(texts))
        found = [
            np.asarray(_texts(sizes, params, vectors[index]))
            for index in batches(len(texts))
        ]
        return joined(found, len(texts), sizes.joint)


@functools.partial(jax.jit, static_argnames=("encoder", "heads"))
def _vectors(
    encoder: EncoderConfig, heads: ControlConfig, variables, params, view: View
) -> Float[Array, "B J"]:
    seen = (view.signal, view.visible, view.channel_valid, view.length)
    latent = STGCNEncoder(encoder).apply(variables, *seen)
    steps = encoder.latent_length(view.length)
    return control.motion_vectors(params, heads, latent, steps)


@functools.partial(jax.jit, static_argnames="heads")
def _texts(heads: ControlConfig, params, vectors) -> Float[Array, "B J"]:
    return control.sentence_vectors(params, heads, vectors)
