"""Windows with what is asked and said of them, as token rows of fixed shapes (A.4).

Visible nodes and mirroring are drawn here, on the host, because the words hang on them:
the view is then made of what was drawn. Each draw of a window gives one instruction row
and one contrastive row; over an epoch the kinds come in the proportion of `RowOptions`.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from anymo_jax.language.prompts import END, TextPrompt, fill
from anymo_jax.language.rows import draw_positive, narration_row
from anymo_jax.language.sayings import (
    Sayings,
    around_codes,
    everything_said,
    label_identity,
    text_identity,
)
from anymo_jax.language.sites import SITE_WORDS, site_phrase
from anymo_jax.language.splice import padded
from anymo_jax.language.text import TextTokenizer
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.views.masks import draw_visible_nodes
from anymo_jax.views.options import ViewOptions, VisibleNodes

ROWS = ("row_before", "row_after", "imu_before", "imu_after")
# Longest key of a choice, of two letters.
_KEYED = "zz: {}"


class InstructionWindows:
    """Windows of motion with an instruction row and a contrastive row.

    An example is one of `MotionWindows` and, in fixed shapes:

      visible (23,), mirrored (): what the view is to show
      row_before, row_after, answer: tokens around the codes of the instruction row, and
        its answer with the closing token
      imu_before, imu_after: tokens around the codes of the contrastive prompt
      narration, label: tokens of the positive text and of the label; *_span (2,) the
        first token to pool and the one after the last; *_prompted () whether the soft
        prompt stands before it
      text_id, label_id: equal for equal primary texts and labels; label_id -1 for none
      *_length (): tokens of each of those rows

    With sentence vectors, "narration_vector" and "label_vector" (S,) replace the tokens
    of both.

    Attributes:
      windows: of motion.
      tokenizer: of text.
      sizes: tokens of the longest row of each kind, over all that can be drawn.
    """

    def __init__(
        self,
        windows: MotionWindows,
        tokenizer: TextTokenizer,
        sayings: Sayings,
        views: ViewOptions,
        vectors: Mapping[str, np.ndarray] | None = None,
    ):
        """Measures what can be said, so that all rows of a kind have one length.

        Args:
          windows: of motion.
          tokenizer: of text.
          sayings: what may be said.
          views: of which visible nodes and mirroring are drawn.
          vectors: of a sentence encoder, by text, for `prompts_of` what can be said.

        Raises:
          ValueError: for a window without a text, a text without a vector.
        """
        self.windows, self.tokenizer = windows, tokenizer
        self._sayings, self._views, self._vectors = sayings, views, vectors
        texts, labels = everything_said(windows, sayings)
        if vectors is not None:
            check_vectors(prompts_of(texts, labels, sayings), vectors)
        self.sizes = self._measure(texts, labels)

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.windows)

    def __repr__(self) -> str:
        """Names what is served; a loader's checkpoint is compared by it."""
        return f"InstructionWindows({self.windows!r})"

    def draw(self, index: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """A training example."""
        sayings = self._sayings
        visible = draw_visible_nodes(rng, self._views.visible)
        mirrored = bool(rng.random() < self._views.mirror)
        told = sayings.told(self.windows.told(index), visible, mirrored)
        row = sayings.instruction(told, rng)
        prompt = sayings.templates.wording("contrastive_imu", rng).prompt
        narration = draw_positive(told.texts, rng)
        spoken = self._spoken(told, row, prompt, narration, visible)
        return self._example(index, visible, mirrored, spoken)

    def fixed(self, index: int, nodes: VisibleNodes) -> dict[str, np.ndarray]:
        """The example of evaluation: primary text, first wording, nodes by index."""
        sayings = self._sayings
        visible = draw_visible_nodes(np.random.default_rng(index), nodes)
        told = sayings.told(self.windows.told(index), visible, False)
        row = narration_row(told.texts[0], sayings.templates)
        prompt = sayings.templates.wording("contrastive_imu").prompt
        spoken = self._spoken(told, row, prompt, told.texts[0], visible)
        return self._example(index, visible, False, spoken)

    def _spoken(self, told, row, prompt, narration, visible) -> dict:
        """The strings of an example, and their ids, by name."""
        phrase, label = site_phrase(visible), told.label
        sides = around_codes(row.prompt, phrase) + around_codes(prompt, phrase)
        return dict(zip(ROWS, sides, strict=True)) | {
            "answer": row.target,
            "narration": self._sayings.narration(narration),
            "label": self._sayings.label(label) if label else None,
            "text_id": np.int32(text_identity(told.texts[0])),
            "label_id": np.int32(label_identity(label)),
        }

    def _example(self, index, visible, mirrored, spoken) -> dict[str, np.ndarray]:
        example = self.windows[index] | {
            "visible": visible,
            "mirrored": np.bool_(mirrored),
            "text_id": spoken["text_id"],
            "label_id": spoken["label_id"],
        }
        for name in ROWS:
            example |= self._row(name, self._ids(spoken[name], markup=True))
        # What a text says is never markup; the token that closes it is.
        answer = self._ids(spoken["answer"]) + self._ids(END, markup=True)
        example |= self._row("answer", answer)
        for name in ("narration", "label"):
            example |= self._pooled(name, spoken[name])
        return example

    def _pooled(self, name: str, prompt: TextPrompt | None) -> dict[str, np.ndarray]:
        """A text as its tower reads it; of an absent one nothing is pooled."""
        if self._vectors is not None:
            return {f"{name}_vector": self._vector(prompt)}
        prompt = prompt or TextPrompt("", "")
        parts = (prompt.before, prompt.content, prompt.after)
        before, content, after = map(self._ids, parts)
        tokens = before + content + after or [self.tokenizer.pad]
        span = np.array([len(before), len(before) + len(content)], np.int32)
        return self._row(name, tokens) | {
            f"{name}_span": span,
            f"{name}_prompted": np.bool_(prompt.soft_prompt),
        }

    def _vector(self, prompt: TextPrompt | None) -> np.ndarray:
        """The sentence vector of a text; zeros of an absent one."""
        if prompt is None:
            return np.zeros_like(next(iter(self._vectors.values())))
        return self._vectors[prompt.text]

    def _row(self, name: str, ids: Sequence[int]) -> dict[str, np.ndarray]:
        tokens, length = padded([ids], self.sizes[name])
        return {name: tokens[0], f"{name}_length": length[0]}

    def _ids(self, text: str, markup: bool = False) -> list[int]:
        return self.tokenizer.encode([text], markup=markup)[0]

    def _measure(self, texts: Sequence[str], labels: Sequence[str]) -> dict[str, int]:
        sayings = self._sayings
        phrase, choices = self._longest_phrase(), self._longest_choices(labels)
        sizes = {}
        for kind, roles in (
            ("row", ("narration", "multiple_choice")),
            ("imu", ("contrastive_imu",)),
        ):
            both = [
                around_codes(_offering(wording.prompt, choices), phrase)
                for role in roles
                for wording in sayings.templates.wordings[role]
            ]
            for side, name in enumerate(("before", "after")):
                ways = [pair[side] for pair in both]
                sizes[f"{kind}_{name}"] = self._longest(ways, markup=True)
        keyed = [_KEYED.format(label) for label in labels]
        closing = self._longest([END], markup=True)
        sizes["answer"] = self._longest([*texts, *keyed]) + closing
        for name, own, wording in (
            ("narration", texts, sayings.narration),
            ("label", labels, sayings.label),
        ):
            prompts = map(wording, own)
            parts = [(p.before, p.content, p.after) for p in prompts]
            lengths = [sum(len(self._ids(part)) for part in p) for p in parts]
            sizes[name] = max(1, *lengths) if lengths else 1
        return sizes

    def _longest(self, texts: Iterable[str], markup: bool = False) -> int:
        rows = self.tokenizer.encode(list(texts), markup=markup)
        return max(map(len, rows), default=0)

    def _longest_phrase(self) -> str:
        """As many sites as can be visible, those of the most tokens."""
        lengths = [len(self._ids(f" {words}")) for words in SITE_WORDS]
        most = np.argsort(lengths)[-self._views.visible.highest :]
        return site_phrase(np.isin(np.arange(len(lengths)), most))

    def _longest_choices(self, labels: Sequence[str]) -> str:
        longest = sorted(labels, key=lambda label: -len(self._ids(label)))
        chosen = longest[: self._sayings.options.choices]
        return "\n".join(_KEYED.format(label) for label in chosen) or "none"


def prompts_of(
    texts: Iterable[str], labels: Iterable[str], sayings: Sayings
) -> tuple[str, ...]:
    """What a sentence encoder is to embed, of `everything_said`, sorted."""
    prompts = [*map(sayings.narration, texts), *map(sayings.label, labels)]
    return tuple(sorted({prompt.text for prompt in prompts}))


def check_vectors(texts: Iterable[str], vectors: Mapping[str, np.ndarray]) -> None:
    """Refuses sentence vectors that leave a text out.

    Raises:
      ValueError: naming such a text.
    """
    missing = [text for text in texts if text not in vectors]
    if missing:
        raise ValueError(
            f"{len(missing)} texts have no sentence vector, such as {missing[0]!r}; "
            "embed all that `prompts_of` names"
        )


def _offering(prompt: str, choices: str) -> str:
    return fill(prompt, choices=choices) if "{choices}" in prompt else prompt
