"""The two language stages as stages of learning (paper, section 3.3, A.4).

Motion-LM pre-training reads streams of code tokens and learns the next token.
Contrastive instruction tuning adds answers to instructions and the joint space:

    L = w_CE L_CE + w_ITC L_ITC + w_label L_label

Both draw the code tokens of each window anew inside the step (`code_stream`).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from anymo_jax.language import model
from anymo_jax.language.code_stream import Frozen, draw_codes
from anymo_jax.language.forward import (
    AFTER,
    ANSWER,
    CLOSING,
    CODES,
    Reader,
    answers_and_vectors,
    brought,
    code_prompt,
    motion_vectors,
    prepare,
    row_losses,
    shared,
    text_vectors,
)
from anymo_jax.language.loss import contrastive_loss, label_loss, nearest_text
from anymo_jax.language.recipes import ROW, InstructRecipe, MotionLMRecipe
from anymo_jax.language.splice import splice
from anymo_jax.training.task import OBJECTIVE, Task, Variables


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
        reader = prepare(params, language, _codebook(frozen))
        return row_losses(reader, spliced, learnt, recipe.chunk), stream

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
        frozen, _ = given
        stream = draw_codes(recipe.source, frozen, batch, streams("views"))
        reader = _reader(recipe, variables.params, frozen)
        terms = _terms(recipe, reader, stream, batch)
        # Each loss is a mean over what it counts; the objective is their sum.
        weights = {name: w for name, w in recipe.weights.items() if name in terms}
        total = sum(weight * _mean(terms[name]) for name, weight in weights.items())
        terms[OBJECTIVE] = (total, jnp.float32(1.0))
        return terms, variables.collections

    def predict(variables, given, batch, streams):
        frozen, _ = given
        stream = draw_codes(recipe.source, frozen, batch, streams("views"))
        reader = _reader(recipe, variables.params, frozen)
        prompts = _contrastive_prompt(recipe, stream, batch)
        vectors = _text_vectors(recipe, reader, batch)
        vectors["imu"] = motion_vectors(reader, prompts, recipe.chunk)
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


def _terms(recipe: InstructRecipe, reader: Reader, stream, batch) -> dict:
    """The losses that the recipe has, and how often the nearest text is right."""
    contrasted = bool(recipe.weight_text or recipe.weight_label)
    row = _instruction_row(recipe, stream, batch)
    if recipe.pooled_from == ROW and contrasted:
        answer, imu = answers_and_vectors(reader, row, recipe.chunk)
    else:
        # What has no weight is not used below, and so not computed.
        answer = row_losses(reader, row, (ANSWER,), recipe.answer_chunk)
        prompt = _contrastive_prompt(recipe, stream, batch)
        imu = motion_vectors(reader, prompt, recipe.chunk)
    terms = {}
    if recipe.weight_answer:
        terms["answer"] = tuple(x.sum() for x in answer)
    if contrasted:
        vectors = {"imu": imu, **_text_vectors(recipe, reader, batch)}
        terms |= _contrasts(recipe, vectors, batch)
        terms["top1"] = nearest_text(vectors["imu"], vectors["text"], batch["text_id"])
    return terms


def _instruction_row(recipe, stream, batch):
    sides = brought(batch, "row_before"), brought(batch, "row_after")
    parts = code_prompt(recipe.language.vocabulary, stream, *sides)
    return splice([*parts, brought(batch, "answer")])


def _contrastive_prompt(recipe, stream, batch):
    sides = brought(batch, "imu_before"), brought(batch, "imu_after")
    return splice(code_prompt(recipe.language.vocabulary, stream, *sides))


def _text_vectors(recipe, reader: Reader, batch) -> dict[str, Array]:
    rows = {"text": "narration", "label": "label"}
    return {
        name: text_vectors(reader, batch, row, recipe.chunk)
        for name, row in rows.items()
    }


def _reader(recipe: InstructRecipe, params, frozen: Frozen) -> Reader:
    return prepare(params, recipe.language, _codebook(frozen), recipe.joint)


def _contrasts(recipe, vectors, batch) -> dict:
    """The contrastive losses that the recipe has."""
    terms = {}
    if recipe.weight_text:
        terms["text"] = contrastive_loss(
            *(vectors["imu"], vectors["text"]),
            temperature=recipe.temperature,
            texts=batch["text_id"],
            windows=batch["window"],
            diagonal=recipe.diagonal,
        )
    if recipe.weight_label:
        terms["label"] = label_loss(
            *(vectors["imu"], vectors["label"], batch["label_id"]),
            temperature=recipe.temperature,
        )
    return terms


def _mean(term) -> Array:
    total, count = term
    return total / jnp.maximum(count, 1)


def _codebook(frozen: Frozen) -> Array:
    return frozen.tokenizer["codebook"]["embedding"]
