"""What may be said of windows of motion, and how (A.4, Tables 4 and 10)."""

import dataclasses
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool

from anymo_jax.language.choices import check_vocabulary
from anymo_jax.language.labels import LabelVocabulary, normalise_label
from anymo_jax.language.prompts import IMU, SITES, TextPrompt, fill
from anymo_jax.language.rows import (
    InstructionRow,
    RowOptions,
    instruction_row,
    window_told,
)
from anymo_jax.language.sites import Told, seeing_nodes
from anymo_jax.language.templates import Templates, load_templates
from anymo_jax.motion.mirror import mirror_text
from anymo_jax.motion.windows import MotionWindows

NO_LABEL = -1


@dataclasses.dataclass(frozen=True)
class Sayings:
    """Texts, labels and wordings.

    Attributes:
      options: rows of a window.
      labels: distinct labels of the multiple choice.
      vocabulary: classes that labels are taken from; None takes them as they are told.
      paraphrases: further texts of a text.
      label_prompt: wording of labels (Table 10).
      soft_prompt: whether narrations have the learned tokens in front.
      templates: wordings.
    """

    options: RowOptions
    labels: tuple[str, ...]
    vocabulary: LabelVocabulary | None = None
    paraphrases: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)
    label_prompt: str = "learned"
    soft_prompt: bool = True
    templates: Templates = dataclasses.field(default_factory=load_templates)

    def __post_init__(self):
        check_vocabulary(self.labels)

    def narration(self, text: str) -> TextPrompt:
        """A text as the contrastive branch reads it."""
        return self.templates.narration_text(text, soft_prompt=self.soft_prompt)

    def label(self, label: str) -> TextPrompt:
        """A label likewise."""
        return self.templates.label_text(label, self.label_prompt)

    def told(
        self, told: Mapping, visible: Bool[np.ndarray, "23"], mirrored: bool
    ) -> Told:
        """Texts and label of a view of a window, of which the clip is told."""
        return window_told(
            *(told, self.paraphrases, self.options),
            vocabulary=self.vocabulary,
            visible=visible,
            mirrored=mirrored,
        )

    def instruction(self, told: Told, rng: np.random.Generator) -> InstructionRow:
        """An instruction row of a window."""
        return instruction_row(told, self.labels, self.templates, self.options, rng)


def everything_said(
    windows: MotionWindows, sayings: Sayings
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All narrations and all labels that can be said of windows, sorted.

    Mirror images and postures are among them.

    Raises:
      ValueError: for a clip without a text.
    """
    texts, labels = set(), set(sayings.labels)
    for index in windows.first_windows.tolist():
        told = windows.told(index)
        for mirrored in (False, True):
            for visible in _kinds_of_view(told["facts"], mirrored):
                said = sayings.told(told, visible, mirrored)
                texts.update(said.texts)
                labels.update({said.label} - {""})
    return tuple(sorted(texts)), tuple(sorted(labels))


def _kinds_of_view(facts: Mapping[str, str], mirrored: bool) -> list[np.ndarray]:
    """All nodes, and those that do not see the action, where there are any."""
    if mirrored:
        facts = {name: mirror_text(value) for name, value in facts.items()}
    blind = ~seeing_nodes(facts)
    everything = np.ones_like(blind)
    return [everything, blind] if blind.any() else [everything]


def around_codes(prompt: str, phrase: str = "") -> tuple[str, str]:
    """What stands before and after the code tokens of a prompt.

    Args:
      prompt: with the mark of the code tokens, and perhaps that of the sites.
      phrase: the sites in words.

    Raises:
      ValueError: for a prompt without the mark of the code tokens.
    """
    if SITES in prompt:
        prompt = fill(prompt, sites=phrase)
    before, mark, after = prompt.partition(IMU)
    if not mark:
        raise ValueError(f"the prompt {prompt!r} has no {IMU}")
    return before, after


def text_identity(text: str) -> int:
    """An id of 31 bits that equal texts share."""
    return zlib.crc32(text.strip().lower().encode()) & 0x7FFFFFFF


def label_identity(label: str) -> int:
    """An id that equal normalised labels share; -1 where there is none."""
    return text_identity(normalise_label(label)) if label else NO_LABEL
