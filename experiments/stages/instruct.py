"""Contrastive instruction tuning, validated by retrieval and captions."""

import functools

import ml_collections
import numpy as np

from anymo_jax.language.bert import SentenceEncoder, find_minilm
from anymo_jax.language.directions import direction_pairs
from anymo_jax.language.hard_negatives import HardNegativeOrder
from anymo_jax.language.labels import (
    LabelVocabulary,
    count_labels,
    distinct_labels,
    frequent_labels,
    label_vocabulary,
)
from anymo_jax.language.model import SENTENCES, SHARED
from anymo_jax.language.paraphrase.rules import paraphrase
from anymo_jax.language.paraphrase.store import read_paraphrases
from anymo_jax.language.recipes import InstructRecipe
from anymo_jax.language.rows import RowOptions
from anymo_jax.language.sayings import Sayings, everything_said
from anymo_jax.language.settings import (
    backbone_config,
    joint_config,
    language_config,
    save_words,
)
from anymo_jax.language.source import InstructionWindows, prompts_of
from anymo_jax.language.task import instruct_task
from anymo_jax.language.templates import load_templates
from anymo_jax.motion.mirror import mirror_text
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.training.digest import one_digest
from anymo_jax.training.settings import build as build_settings
from experiments.stages.language import load_frozen
from experiments.stages.motion_lm import load_motion_lm
from experiments.stages.spoken import Spoken
from experiments.stages.stage import Motion, Stage, open_motion

# Rows of Table 4, and the losses that each leaves out.
ABLATIONS = {
    "none": (),
    "no_label": ("weight_label",),
    "no_narration": ("weight_text",),
    "no_contrastive": ("weight_label", "weight_text"),
    "no_multiple_choice": (),
}


def build(config: ml_collections.ConfigDict) -> Stage:
    """The stage of a recipe of configs/instruct.py."""
    check_label_prompt(config)
    motion = open_motion(config.run.data)
    stages = load_frozen(config, motion.train)
    first, params, text = load_motion_lm(config.run.motion_lm)
    backbone = backbone_config(first, text, config.run.motion_lm)
    language = language_config(first, backbone, text, stages.source.tokenizer)
    encoder = open_sentences(config)
    recipe = InstructRecipe(
        language=language,
        joint=joint_config(config, backbone, encoder),
        source=stages.source,
        temperature=config.temperature,
        **weights(config),
        diagonal=config.diagonal,
        pooled_from=config.pooled_from,
        chunk=config.chunk,
        answer_chunk=config.answer_chunk,
    )
    sayings = sayings_of(config, motion, encoder)
    vectors = None
    if config.joint.tower == SENTENCES:
        vectors = sentence_vectors(encoder, motion, sayings)
    train, held_out = (
        InstructionWindows(windows, text, sayings, stages.source.views, vectors)
        for windows in (motion.train, motion.validation)
    )
    longest = recipe.longest(train.sizes)
    if longest > backbone.max_length:
        raise ValueError(
            f"prompts have up to {longest} tokens, the backbone's context has "
            f"max_length = {backbone.max_length}: give it more in the motion LM's "
            "recipe, or fewer config.rows.choices"
        )
    task = instruct_task(recipe, stages.frozen, params)
    spoken = Spoken(task, recipe, held_out, motion, config.validation)
    return Stage(
        task=task,
        train=train,
        validate=spoken,
        best="mrr",
        best_mode="max",
        upstream={
            "motion": motion.digest,
            **stages.upstream,
            "motion_lm": one_digest(params),
        },
        table=spoken.table,
        order=hard_negatives(config, motion.train),
        keep=functools.partial(save_words, text, backbone),
    )


def hard_negatives(config, windows: MotionWindows):
    """An order in which labels that differ in direction alone meet; None for none.

    Raises:
      ValueError: where a share is asked for and no two labels are opposites.
    """
    share = config.rows.hard_negatives
    if not share:
        return None
    told = [windows.told(index)["label"] for index in windows.first_windows.tolist()]
    labels, group = np.unique(told, return_inverse=True)
    pairs = direction_pairs(labels.tolist())
    if not len(pairs):
        raise ValueError(
            f"config.rows.hard_negatives = {share}: no two labels of this motion "
            "differ in direction alone; give 0"
        )
    _, clip = np.unique(windows.clips, return_inverse=True)
    return functools.partial(_order, group[clip], pairs, share)


def _order(group, pairs, share: float, batch_size: int, seed: int) -> HardNegativeOrder:
    return HardNegativeOrder(group, pairs, batch_size, share=share, seed=seed)


def weights(config) -> dict[str, float]:
    """Weights of the losses, less those that the ablation leaves out (Table 4)."""
    if config.ablation not in ABLATIONS:
        raise ValueError(
            f"config.ablation = {config.ablation!r}: choose one of "
            f"{', '.join(ABLATIONS)}"
        )
    found = {f"weight_{name}": value for name, value in config.weights.items()}
    return found | dict.fromkeys(ABLATIONS[config.ablation], 0.0)


def check_label_prompt(config) -> None:
    """Refuses labels behind learned tokens of which there are none.

    Raises:
      ValueError: naming both fields.
    """
    if config.joint.tower != SHARED or config.joint.soft_prompt:
        return
    if load_templates().label_text("label", config.label_prompt).soft_prompt:
        raise ValueError(
            f"config.label_prompt = {config.label_prompt!r} puts learned tokens before "
            "a label, and config.joint.soft_prompt = 0 has none: give it some, or take "
            "a fixed wording such as 'bare'"
        )


def row_options(config) -> RowOptions:
    """Proportion of the rows, the ablation's choice of them included."""
    rows = dict(config.rows)
    del rows["hard_negatives"]
    if config.ablation == "no_multiple_choice":
        # As many rows as ever: narrations take the place.
        rows["multiple_choice"] = 0
    return build_settings(RowOptions, rows, "config.rows")


def open_sentences(config) -> SentenceEncoder | None:
    """The frozen sentence encoder, where the recipe reads one.

    Raises:
      ValueError: naming what is missing, and how to get it.
    """
    if config.joint.tower != SENTENCES and not config.labels.cluster:
        return None
    cache = config.run.sentence_cache or None
    return SentenceEncoder(config.joint.sentences or find_minilm(), cache=cache)


def sayings_of(config, motion: Motion, encoder: SentenceEncoder | None) -> Sayings:
    """Texts, labels and wordings of a recipe; the encoder finds labels of one class."""
    if config.paraphrases:
        others = read_paraphrases(config.paraphrases)
    else:
        # Of a mirrored view they are mirrored with the text.
        texts = _primary_texts(motion.train) | _primary_texts(motion.validation)
        others = {text: paraphrase(text) for text in sorted(texts)}
    labels = [told["label"] for told in _told(motion.train) if told["label"]]
    labels = sorted([*labels, *map(mirror_text, labels)])
    vocabulary = None
    if config.labels.cluster:
        vocabulary = label_classes(config.labels, labels, encoder)
        labels = list(vocabulary.counts)
    return Sayings(
        options=row_options(config),
        labels=distinct_labels(labels),
        vocabulary=vocabulary,
        paraphrases=others,
        label_prompt=config.label_prompt,
        soft_prompt=config.joint.soft_prompt > 0,
    )


def label_classes(
    options, labels: list[str], encoder: SentenceEncoder
) -> LabelVocabulary:
    """Classes of the labels of all training clips and their mirror images (A.4)."""
    counts = count_labels(labels)
    vectors = encoder(frequent_labels(counts, options["least"]))
    return label_vocabulary(
        counts, vectors, least=options["least"], threshold=options["cluster"]
    )


def sentence_vectors(encoder: SentenceEncoder, motion: Motion, sayings: Sayings):
    """Vectors of all that can be said, by text."""
    prompts = set()
    for windows in (motion.train, motion.validation):
        prompts.update(prompts_of(*everything_said(windows, sayings), sayings))
    ordered = sorted(prompts)
    return dict(zip(ordered, encoder(ordered), strict=True))


def _told(windows: MotionWindows):
    return (windows.told(index) for index in windows.first_windows.tolist())


def _primary_texts(windows: MotionWindows) -> set[str]:
    return {told["texts"][0] for told in _told(windows) if told["texts"]}
