"""The two language stages as stages of learning (paper, section 3.3, A.4).

Motion-LM pre-training reads streams of code tokens and learns the next token.
Contrastive instruction tuning adds answers to instructions and the joint space:

    L = w_CE L_CE + w_ITC L_ITC + w_label L_label

Both draw the code tokens of each window anew inside the step (`code_stream`).
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from anymo_jax.language import model
from anymo_jax.language.code_stream import Frozen, draw_codes
from anymo_jax.language.forward import (
    AFTER,
    ANSWER,
    CLOSING,
    CODES,
    brought,
    code_prompt,
    joint_vectors,
    row_losses,
    shared,
)
from anymo_jax.language.loss import contrastive_loss, label_loss
from anymo_jax.language.model import JointConfig, MotionLanguageConfig
from anymo_jax.language.splice import splice
from anymo_jax.motion.prepared import WINDOW
from anymo_jax.tokenizer.task import TokenizerRecipe
from anymo_jax.training.task import OBJECTIVE, Task, Variables


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
      chunk: examples of the contrast encoded at once (gradient caching); 0 for all.
      answer_chunk: rows whose logits exist at once; 0 for all.

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
    chunk: int = 0
    answer_chunk: int = 0

    def __post_init__(self):
        weights = self.weight_answer, self.weight_text, self.weight_label
        if min(weights) < 0 or not sum(weights):
            raise ValueError(
                f"weights of answer, text and label are {weights}: give none below "
                "zero and one above"
            )
        if not self.temperature > 0:
            raise ValueError(f"temperature = {self.temperature}; give a positive one")
        _check_codebooks(self.language, self.source)

    def longest(self, sizes: Mapping[str, int]) -> int:
        """Tokens of the longest prompt, given the sizes of `InstructionWindows`."""
        codes = 2 + longest_codes(self.source)
        row = sizes["row_before"] + sizes["row_after"] + sizes["answer"]
        prompts = (row, sizes["imu_before"] + sizes["imu_after"])
        return max(codes + max(prompts), self.joint.soft_prompt + sizes["narration"])


def motion_lm_task(
    recipe: MotionLMRecipe, frozen: Frozen, qwen: dict | None = None
) -> Task:
    """The first stage; batches are those of `motion.windows.MotionWindows`.

    Args:
      recipe: sizes and prompt.
      frozen: encoder and tokenizer.
      qwen: params of a backbone to start from; None starts at random.

    `predict` gives {"loss", "count"} (B,) of the code tokens alone, and the streams:
    {"codes" (B, G L), "length" (B,)}.
    """

    language = recipe.language

    def losses(params, given, batch, streams, learnt):
        frozen, _ = given
        stream = draw_codes(recipe.source, frozen, batch, streams("views"))
        sides = (
            shared(ids, len(stream.count)) for ids in (recipe.before, recipe.after)
        )
        spliced = splice(code_prompt(language.vocabulary, stream, *sides))
        codebook = _codebook(frozen)
        found = row_losses(params, language, codebook, spliced, learnt, recipe.chunk)
        return found, stream

    def loss(variables, given, batch, streams):
        learnt = (CODES, CLOSING, AFTER)
        (total, count), _ = losses(variables.params, given, batch, streams, learnt)
        return {OBJECTIVE: (total.sum(), count.sum())}, variables.collections

    def predict(variables, given, batch, streams):
        (total, count), stream = losses(
            variables.params, given, batch, streams, (CODES,)
        )
        found = {"loss": total, "count": count}
        return found | {"codes": stream.codes, "length": stream.count}

    def init(key, given):
        frozen, qwen = given
        return Variables(model.init(key, recipe.language, _codebook(frozen), qwen), {})

    return Task(
        init=init,
        loss=loss,
        predict=predict,
        axes=lambda: model.axes(language),
        given=(frozen, qwen),
    )


def instruct_task(
    recipe: InstructRecipe, frozen: Frozen, pretrained: dict | None = None
) -> Task:
    """The second stage; batches are those of `source.InstructionWindows`.

    Args:
      recipe: sizes and losses.
      frozen: encoder and tokenizer.
      pretrained: {"qwen", "imu"} of the first stage; None starts at random.

    `predict` gives {"imu", "text", "label"} (B, J) unit vectors and the streams, as the
    first stage does.
    """

    def loss(variables, given, batch, streams):
        params, (frozen, _) = variables.params, given
        stream = draw_codes(recipe.source, frozen, batch, streams("views"))
        terms, total = {}, 0.0
        if recipe.weight_answer:
            with jax.named_scope("answer"):
                answer = _answer_loss(recipe, params, frozen, stream, batch)
            terms["answer"] = answer
            total += recipe.weight_answer * _mean(answer)
        if recipe.weight_text or recipe.weight_label:
            vectors = _vectors(recipe, params, frozen, stream, batch)
            for name, weight, term in _contrasts(recipe, vectors, batch):
                terms[name] = term
                total += weight * _mean(term)
            terms["top1"] = _top1(vectors["imu"], vectors["text"], batch["text_id"])
        # Each loss is a mean over what it counts; the objective is their sum.
        terms[OBJECTIVE] = (total, jnp.float32(1.0))
        return terms, variables.collections

    def predict(variables, given, batch, streams):
        frozen, _ = given
        stream = draw_codes(recipe.source, frozen, batch, streams("views"))
        vectors = _vectors(recipe, variables.params, frozen, stream, batch)
        return vectors | {"codes": stream.codes, "length": stream.count}

    def init(key, given):
        frozen, pretrained = given
        for_model, for_joint = jax.random.split(key)
        params = pretrained
        if params is None:
            params = model.init(for_model, recipe.language, _codebook(frozen))
        joint = model.init_joint(for_joint, recipe.joint)
        return Variables({**params, "joint": joint}, {})

    def axes():
        joint = model.joint_axes(recipe.joint)
        return {**model.axes(recipe.language), "joint": joint}

    return Task(
        init=init, loss=loss, predict=predict, axes=axes, given=(frozen, pretrained)
    )


def _answer_loss(recipe, params, frozen, stream, batch):
    language = recipe.language
    sides = brought(batch, "row_before"), brought(batch, "row_after")
    parts = code_prompt(language.vocabulary, stream, *sides)
    spliced = splice([*parts, brought(batch, "answer")])
    codebook, chunk = _codebook(frozen), recipe.answer_chunk
    losses, counts = row_losses(params, language, codebook, spliced, (ANSWER,), chunk)
    return losses.sum(), counts.sum()


def _vectors(recipe, params, frozen, stream, batch) -> dict[str, Array]:
    sizes = recipe.language, recipe.joint
    return joint_vectors(params, *sizes, _codebook(frozen), stream, batch, recipe.chunk)


def _contrasts(recipe, vectors, batch):
    """Name, weight and term of the contrastive losses that the recipe has."""
    if recipe.weight_text:
        term = contrastive_loss(
            *(vectors["imu"], vectors["text"]),
            temperature=recipe.temperature,
            texts=batch["text_id"],
            windows=batch["window"],
            diagonal=recipe.diagonal,
        )
        yield "text", recipe.weight_text, term
    if recipe.weight_label:
        term = label_loss(
            *(vectors["imu"], vectors["label"], batch["label_id"]),
            temperature=recipe.temperature,
        )
        yield "label", recipe.weight_label, term


def _top1(imu: Array, text: Array, text_id: Array | np.ndarray):
    """How many windows are nearest to a text that is theirs."""
    text_id = jnp.asarray(text_id)
    nearest = jnp.argmax(imu @ text.T, axis=1)
    right = text_id[nearest] == text_id
    return jnp.sum(right, dtype=jnp.float32), jnp.float32(len(right))


def _mean(term) -> Array:
    total, count = term
    return total / jnp.maximum(count, 1)


def _codebook(frozen: Frozen) -> Array:
    return frozen.tokenizer["codebook"]["embedding"]


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
