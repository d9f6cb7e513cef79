"""What a run finds and says of held-out motion (Tables 2 and 3; A.6).

Captured and procedural motion, and each setup of `motion_views.SETUPS`, have figures of
their own. Captions are greedy and are compared with the primary text; beside them
stand the same captions, each against the text of another window: what words that suit
every window are worth.
"""

import dataclasses
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from anymo_jax.evaluation.captions import CaptionFigure, caption_figures
from anymo_jax.evaluation.motion_views import SETUPS, MotionViews, by_kind
from anymo_jax.evaluation.retrieval import DRAWS, SIZE, Retrieval, retrieval
from anymo_jax.motion.windows import MotionWindows

# As the paper has it (section 4).
CAPTION_TOKENS = 64


@runtime_checkable
class Speaker(Protocol):
    """A trained model, as retrieval and captioning ask it."""

    def embed_views(self, views: Sequence) -> Float[np.ndarray, "n D"]:
        """Unit vectors of views."""

    def embed_text(self, texts: Sequence[str]) -> Float[np.ndarray, "n D"]:
        """Unit vectors of descriptions."""

    def caption_views(self, views: Sequence, *, max_new_tokens: int) -> list[str]:
        """A sentence of each view."""


@dataclasses.dataclass(frozen=True)
class SpokenOptions:
    """How much is asked.

    Attributes:
      captions: windows of each kind and setup that are captioned; 0 for none.
      size, draws: of the pools of retrieval.
      bertscore: folder of deberta-xlarge-mnli; "" leaves BERTScore out.
      seed: of all draws.
    """

    captions: int = 128
    size: int = SIZE
    draws: int = DRAWS
    bertscore: str = ""
    seed: int = 0

    def __post_init__(self):
        if self.captions < 0 or self.captions == 1:
            raise ValueError(
                f"captions = {self.captions}: give 0 for none, or two and more"
            )


@dataclasses.dataclass(frozen=True)
class Spoken:
    """Figures of one kind of motion in one setup.

    Attributes:
      kind, setup: which.
      untold: windows that are left out, because no text tells of them.
      retrieval: both ways.
      clip: of each window that retrieval ranks.
      captions: figures; () where none was asked for.
      shuffled: the same of the captions against texts of other windows.
      said: the text and the caption of each captioned window.
    """

    kind: str
    setup: str
    untold: int
    retrieval: Retrieval
    clip: Int[np.ndarray, "W"]
    captions: tuple[CaptionFigure, ...]
    shuffled: tuple[CaptionFigure, ...]
    said: tuple[tuple[str, str], ...]


def evaluate_spoken(
    model: Speaker, windows: MotionWindows, options: SpokenOptions
) -> list[Spoken]:
    """Every kind of motion in every setup.

    Args:
      model: trained.
      windows: held out.
      options: how much is asked.

    Raises:
      ValueError: where a kind has fewer than two windows with a text.
    """
    views = MotionViews(windows, seed=options.seed)
    return [
        _evaluate(model, views, kind, setup, indices, options)
        for kind, indices in by_kind(windows).items()
        for setup in SETUPS
    ]


def _evaluate(model, views, kind, setup, indices, options) -> Spoken:
    texts = np.array(views.texts(indices))
    told = texts != ""
    indices, texts = indices[told], texts[told].tolist()
    if len(texts) < 2:
        raise ValueError(
            f"{len(texts)} {kind} windows have a text: retrieval needs two and more; "
            "hold out more clips when preparing the motion"
        )
    found = retrieval(
        _vectors(model, views, indices, setup),
        _text_vectors(model, texts),
        texts,
        size=min(options.size, len(texts)),
        draws=options.draws,
        seed=options.seed,
    )
    rng = np.random.default_rng(options.seed)
    chosen = rng.permutation(len(texts))[: options.captions]
    said = _captions(model, views, indices[chosen], setup)
    true = [texts[i] for i in chosen[: len(said)]]
    captions, shuffled = (
        tuple(caption_figures(said, t, options.bertscore)) if said else ()
        for t in (true, other_texts(true))
    )
    return Spoken(
        kind=kind,
        setup=setup,
        untold=int((~told).sum()),
        retrieval=found,
        clip=views.windows.clips[indices],
        captions=captions,
        shuffled=shuffled,
        said=tuple(zip(true, said, strict=True)) if said else (),
    )


def other_texts(texts: Sequence[str]) -> list[str]:
    """The texts in another order, none where an equal one was.

    Where one text is more than half of them, some must stay where they were.
    """
    if not texts:
        return []
    order = np.argsort(np.array(texts), kind="stable")
    most = np.unique(np.array(texts), return_counts=True)[1].max()
    other = np.empty(len(texts), object)
    other[order] = np.array(texts, object)[np.roll(order, -most)]
    return other.tolist()


def _vectors(model, views, indices, setup) -> np.ndarray:
    made = [model.embed_views(b) for b in views.batches(indices, SETUPS[setup])]
    return np.concatenate(made)


def _text_vectors(model, texts: list[str]) -> np.ndarray:
    distinct, which = np.unique(texts, return_inverse=True)
    return model.embed_text(distinct.tolist())[which]


def _captions(model, views, indices, setup) -> list[str]:
    said: list[str] = []
    for batch in views.batches(indices, SETUPS[setup]):
        said += model.caption_views(batch, max_new_tokens=CAPTION_TOKENS)
    return said
