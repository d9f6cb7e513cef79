"""What the two language stages are trained on, and with which losses; static."""

import dataclasses
from collections.abc import Mapping

from anymo_jax.language.model import JointConfig, MotionLanguageConfig
from anymo_jax.motion.prepared import WINDOW
from anymo_jax.tokenizer.task import TokenizerRecipe

PROMPT, ROW = "prompt", "row"


@dataclasses.dataclass(frozen=True)
class MotionLMRecipe:
    """Motion-LM pre-training.

    Attributes:
      language: the model.
      source: how windows become code tokens.
      before, after: ids of the prompt around the codes; what comes after is learnt as
        the end of the answer.
      chunk: rows whose logits exist at once; 0 for the whole batch.

    Raises:
      ValueError: for a sequence longer than the context, or other codebooks than the
        tokenizer's.
    """

    language: MotionLanguageConfig
    source: TokenizerRecipe
    before: tuple[int, ...]
    after: tuple[int, ...]
    chunk: int = 0

    def __post_init__(self):
        _check_codebooks(self.language, self.source)
        fixed = len(self.before) + len(self.after)
        _check_length(self.language, self.source, fixed, "the motion-LM prompt")


@dataclasses.dataclass(frozen=True)
class InstructRecipe:
    """Contrastive instruction tuning.

    Attributes:
      language, joint: the model.
      source: how windows become code tokens.
      temperature: tau_ml; the paper's 0.05, the official script's 0.1.
      weight_answer, weight_text, weight_label: of the three losses; 0 leaves one out.
      diagonal: Eq. 5 to the letter: windows of one text are negatives, too.
      pooled_from: the sequence over whose code tokens a motion's vector is pooled:
        "prompt", one of its own as in the paper, or "row", the instruction row, which
        holds the same codes and is then the only one to be read.
      chunk: examples of the contrast encoded at once (gradient caching); 0 for all.
      answer_chunk: instruction rows read at once; 0 for all. Where vectors are pooled
        from them, they come in `chunk`.

    Raises:
      ValueError: for weights that are all zero or below, or stages that do not fit.
    """

    language: MotionLanguageConfig
    joint: JointConfig
    source: TokenizerRecipe
    temperature: float = 0.05
    weight_answer: float = 1.0
    weight_text: float = 2.0
    weight_label: float = 2.0
    diagonal: bool = False
    pooled_from: str = PROMPT
    chunk: int = 0
    answer_chunk: int = 0

    def __post_init__(self):
        if self.pooled_from not in (PROMPT, ROW):
            raise ValueError(
                f"pooled_from = {self.pooled_from!r}: give {PROMPT!r} or {ROW!r}"
            )
        weights = tuple(self.weights.values())
        if min(weights) < 0 or not sum(weights):
            raise ValueError(
                f"weights of answer, text and label are {weights}: give none below "
                "zero and one above"
            )
        if not self.temperature > 0:
            raise ValueError(f"temperature = {self.temperature}; give a positive one")
        _check_codebooks(self.language, self.source)

    @property
    def weights(self) -> dict[str, float]:
        """Weights of the losses by name."""
        return {
            "answer": self.weight_answer,
            "text": self.weight_text,
            "label": self.weight_label,
        }

    def longest(self, sizes: Mapping[str, int]) -> int:
        """Tokens of the longest prompt, given the sizes of `InstructionWindows`."""
        codes = 2 + longest_codes(self.source)
        row = sizes["row_before"] + sizes["row_after"] + sizes["answer"]
        prompts = (row, sizes["imu_before"] + sizes["imu_after"])
        return max(codes + max(prompts), self.joint.soft_prompt + sizes["narration"])


def _check_codebooks(language: MotionLanguageConfig, source: TokenizerRecipe) -> None:
    vocabulary, tokenizer = language.vocabulary, source.tokenizer
    known = (vocabulary.codebooks, vocabulary.entries)
    if known != (tokenizer.codebooks, tokenizer.entries):
        raise ValueError(
            f"the vocabulary has {known[0]} codebooks of {known[1]} codes, the "
            f"tokenizer {tokenizer.codebooks} of {tokenizer.entries}; they are not of "
            "one run"
        )


def longest_codes(source: TokenizerRecipe) -> int:
    """Code tokens of a window of full length."""
    return source.tokenizer.codebooks * source.encoder.latent_length(WINDOW)


def _check_length(
    language: MotionLanguageConfig, source: TokenizerRecipe, text: int, what: str
) -> None:
    """Refuses prompts that may exceed the context, before anything is compiled."""
    codes = longest_codes(source)
    longest = text + codes + 2
    if longest > language.qwen.max_length:
        raise ValueError(
            f"{what} has up to {longest} tokens, {codes} of them codes; the context "
            f"has max_length = {language.qwen.max_length}: give it more, or say less"
        )
