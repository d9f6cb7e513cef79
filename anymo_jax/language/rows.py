"""What is told of a window, and instruction rows made of it (A.4).

A narration row asks what the person does and is answered by one of the window's texts;
a multiple-choice row offers up to 35 labels and is answered by "key: label". The paper
has three of each per window, and six pairs of the window with one positive text.

Prompts keep their marks for the code tokens and for the visible locations (see
`prompts`).
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool

from anymo_jax.language.choices import draw_options, option_keys
from anymo_jax.language.labels import LabelVocabulary
from anymo_jax.language.paraphrase.clause import rewrite_actor
from anymo_jax.language.prompts import fill
from anymo_jax.language.sites import Told, told_of_view
from anymo_jax.language.templates import Templates
from anymo_jax.motion.mirror import mirror_text

NARRATION = "narration"
MULTIPLE_CHOICE = "multiple_choice"


@dataclasses.dataclass(frozen=True)
class RowOptions:
    """In which proportion windows give rows, and of what.

    Attributes:
      narration, multiple_choice: rows of either kind per window; a window without a
        label has narration rows in place of multiple-choice ones.
      choices: options of a multiple-choice row at most; as many as there are labels
        where there are fewer.
      augmentations: texts beside the primary one that are used at most.
      posture_captions: tell the posture alone where the visible nodes cannot see the
        action (`sites.told_of_view`).
    """

    narration: int = 3
    multiple_choice: int = 3
    choices: int = 35
    augmentations: int = 5
    posture_captions: bool = False

    def __post_init__(self):
        for name in ("narration", "multiple_choice", "augmentations"):
            if getattr(self, name) < 0:
                raise ValueError(f"rows.{name} = {getattr(self, name)} is below zero")
        if not self.narration + self.multiple_choice:
            raise ValueError("rows.narration and rows.multiple_choice are both zero")
        if self.choices < 2:
            raise ValueError(f"rows.choices = {self.choices}: a choice needs two")


@dataclasses.dataclass(frozen=True)
class InstructionRow:
    """A prompt and what is to be said.

    Attributes:
      task: NARRATION or MULTIPLE_CHOICE.
      prompt: in chat markup, with the marks for code tokens and sites.
      target: the answer, without the `prompts.END` that closes it.
    """

    task: str
    prompt: str
    target: str


def window_told(
    told: Mapping,
    paraphrases: Mapping[str, Sequence[str]],
    options: RowOptions,
    *,
    vocabulary: LabelVocabulary | None = None,
    visible: Bool[np.ndarray, "23"] | None = None,
    mirrored: bool = False,
) -> Told:
    """Texts and label of a window: the primary text, then up to five augmentations.

    A clip's further texts come first, paraphrases of the primary one fill up. An actor
    marker "C" is put as "a person".

    Args:
      told: of the window's clip (`PreparedMotion.window_told`).
      paraphrases: of each text, as `paraphrase.read_paraphrases` gives them.
      options: of the rows.
      vocabulary: classes to take labels from; None keeps them as they are told.
      visible: (23,) nodes of the view, where captions depend on them.
      mirrored: whether the view is the clip's mirror image; its words then are, too.

    Raises:
      ValueError: for a clip without a text, or `posture_captions` without `visible`.
    """
    texts, label, facts = told["texts"], told["label"], told["facts"]
    if not texts or not texts[0].strip():
        raise ValueError(
            f"{told.get('source', 'a clip')}: texts are empty; leave windows without "
            "a text out of the language stages"
        )
    texts = [*texts, *paraphrases.get(texts[0], ())]
    texts = [rewrite_actor(text) for text in texts]
    if mirrored:
        texts, label = [mirror_text(text) for text in texts], mirror_text(label)
        facts = {name: mirror_text(value) for name, value in facts.items()}
    if vocabulary is not None:
        label = vocabulary.class_of(label)
    if options.posture_captions:
        if visible is None:
            raise ValueError("posture_captions: needs the visible nodes of the view")
        texts, label = told_of_view(texts, label, facts, visible)
    return Told(tuple(dict.fromkeys(texts))[: 1 + options.augmentations], label)


def instruction_row(
    told: Told,
    labels: Sequence[str],
    templates: Templates,
    options: RowOptions,
    rng: np.random.Generator,
) -> InstructionRow:
    """A narration or a multiple choice, in the proportion of the options.

    Args:
      told: of `window_told`.
      labels: vocabulary of the multiple choice, distinct (`labels.distinct_labels`).
      templates: wordings, drawn anew for each row.
      options: of the rows.
      rng: draws everything.
    """
    share = options.multiple_choice / (options.narration + options.multiple_choice)
    if rng.random() < share and told.label:
        return multiple_choice_row(
            *(told.label, labels, templates),
            choices=options.choices,
            rng=rng,
            wording_rng=rng,
        )
    return narration_row(draw_positive(told.texts, rng), templates, rng)


def narration_row(
    text: str, templates: Templates, rng: np.random.Generator | None = None
) -> InstructionRow:
    """A narration row; without `rng` in the wording of evaluation."""
    wording = templates.wording(NARRATION, rng)
    return InstructionRow(NARRATION, wording.prompt, fill(wording.answer, text=text))


def multiple_choice_row(
    label: str,
    labels: Sequence[str],
    templates: Templates,
    *,
    choices: int = 35,
    rng: np.random.Generator,
    wording_rng: np.random.Generator | None = None,
) -> InstructionRow:
    """A multiple-choice row.

    Args:
      label: the true one; in the options it is spelt as here.
      labels: distinct labels to draw the others from.
      templates: wordings.
      choices: options at most.
      rng: draws the other options and the order.
      wording_rng: draws the wording; None takes that of evaluation.
    """
    options = draw_options(label, labels, choices, rng)
    keys = option_keys(len(options))
    offered = [f"{key}: {o}" for key, o in zip(keys, options, strict=True)]
    wording = templates.wording(MULTIPLE_CHOICE, wording_rng)
    return InstructionRow(
        MULTIPLE_CHOICE,
        fill(wording.prompt, choices="\n".join(offered)),
        fill(wording.answer, text=offered[options.index(label)]),
    )


def draw_positive(texts: Sequence[str], rng: np.random.Generator) -> str:
    """A positive text, drawn from the primary one and one augmentation."""
    if len(texts) == 1 or rng.random() < 0.5:
        return texts[0]
    return texts[1 + int(rng.integers(len(texts) - 1))]
