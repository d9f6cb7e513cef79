"""Rows of instruction and contrastive tuning from what is told of a window (A.4).

Per window, in the paper: three narration rows, three multiple-choice rows and six
contrastive rows. A narration row asks what the person does and is answered by one of
the window's texts; a multiple-choice row offers up to 35 labels and is answered by
"key: label"; a contrastive row pairs the window with one positive text and its label.

Prompts keep their marks for the code tokens and for the visible locations (see
`prompts`). Where captions depend on the visible nodes, draw these on the host and give
them to `window_told`; where they are drawn in the step, make the rows of both
`Told`s (nodes that see the action and nodes that do not) and choose there by
`sites.seeing_nodes`.
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
# Table 4, and what each leaves out of the rows.
ABLATIONS = ("none", "no_multiple_choice", "no_label", "no_narration", "no_contrastive")


@dataclasses.dataclass(frozen=True)
class RowOptions:
    """How many rows a window gives, and of what.

    Attributes:
      narration, multiple_choice, contrastive: rows of each kind per window; a window
        without a label has narration rows in place of multiple-choice ones.
      choices: options of a multiple-choice row at most; as many as there are labels
        where there are fewer.
      augmentations: texts beside the primary one that are used at most.
      ablation: one of `ABLATIONS`. "no_multiple_choice" puts narration rows in place of
        the multiple-choice ones; "no_label" and "no_narration" leave that text of the
        contrastive rows empty; "no_contrastive" makes no contrastive row.
      posture_captions: tell the posture alone where the visible nodes cannot see the
        action (`sites.told_of_view`).
    """

    narration: int = 3
    multiple_choice: int = 3
    contrastive: int = 6
    choices: int = 35
    augmentations: int = 5
    ablation: str = "none"
    posture_captions: bool = False

    def __post_init__(self):
        if self.ablation not in ABLATIONS:
            raise ValueError(
                f"rows.ablation = {self.ablation!r}; choose one of "
                f"{', '.join(ABLATIONS)}"
            )
        for name in ("narration", "multiple_choice", "contrastive", "augmentations"):
            if getattr(self, name) < 0:
                raise ValueError(f"rows.{name} = {getattr(self, name)} is below zero")
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


@dataclasses.dataclass(frozen=True)
class ContrastiveRow:
    """A prompt of the IMU side and what it belongs to.

    Attributes:
      prompt: in chat markup, with the marks for code tokens and sites.
      narration: positive text, bare; "" where the narration loss is off.
      label: activity name, bare; "" where there is none or the label loss is off.
    """

    prompt: str
    narration: str
    label: str


@dataclasses.dataclass(frozen=True)
class WindowRows:
    """All rows of a window.

    Attributes:
      instruction: narration rows, then multiple-choice rows.
      contrastive: contrastive rows.
    """

    instruction: tuple[InstructionRow, ...]
    contrastive: tuple[ContrastiveRow, ...]


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


def window_rows(
    told: Told,
    labels: Sequence[str],
    templates: Templates,
    options: RowOptions,
    rng: np.random.Generator,
) -> WindowRows:
    """The rows of one window, a function of what `rng` draws.

    Args:
      told: of `window_told`.
      labels: vocabulary of the multiple choice, distinct (`labels.distinct_labels`).
      templates: wordings, drawn anew for each row.
      options: how many rows.
      rng: for instance of (seed, epoch, window).
    """
    chosen = options.multiple_choice
    if options.ablation == "no_multiple_choice" or not told.label:
        chosen = 0
    narrated = options.narration + options.multiple_choice - chosen
    instruction = [
        *_narration_rows(told, narrated, templates, rng),
        *(
            multiple_choice_row(
                *(told.label, labels, templates),
                choices=options.choices,
                rng=rng,
                wording_rng=rng,
            )
            for _ in range(chosen)
        ),
    ]
    return WindowRows(
        tuple(instruction), tuple(_contrastive_rows(told, templates, options, rng))
    )


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


def check_narrations(narrations: Sequence[str]) -> None:
    """Refuses a batch for the narration loss in which a text is empty.

    An empty text would be pooled over no token, and be the positive of its window.

    Raises:
      ValueError: naming the places in the batch.
    """
    empty = [i for i, text in enumerate(narrations) if not text.strip()]
    if empty:
        raise ValueError(
            f"narrations: {len(empty)} of {len(narrations)} texts of the batch are "
            f"empty, at {empty[:8]}; leave windows without a text out, or turn the "
            "narration loss off (rows.ablation = 'no_narration')"
        )


def _narration_rows(told, count, templates, rng) -> list[InstructionRow]:
    """The primary text first, then augmentations; all again where they do not do."""
    others = [told.texts[1 + i] for i in rng.permutation(len(told.texts) - 1)]
    texts = [told.texts[0], *others]
    return [narration_row(texts[i % len(texts)], templates, rng) for i in range(count)]


def _contrastive_rows(told, templates, options, rng) -> list[ContrastiveRow]:
    """Rows whose positive text is the primary one or one augmentation, evenly."""
    if options.ablation == "no_contrastive":
        return []
    rows = []
    for _ in range(options.contrastive):
        narration, label = draw_positive(told.texts, rng), told.label
        if options.ablation == "no_narration":
            narration = ""
        if options.ablation == "no_label":
            label = ""
        wording = templates.wording("contrastive_imu", rng)
        rows.append(ContrastiveRow(wording.prompt, narration, label))
    return rows


def draw_positive(texts: Sequence[str], rng: np.random.Generator) -> str:
    """A positive text, drawn from the primary one and one augmentation."""
    if len(texts) == 1 or rng.random() < 0.5:
        return texts[0]
    return texts[1 + int(rng.integers(len(texts) - 1))]
