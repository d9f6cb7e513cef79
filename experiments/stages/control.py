"""The control without tokens and language model, validated by retrieval."""

import ml_collections

from anymo_jax.language.control.task import ControlRecipe, control_task
from anymo_jax.language.described import DescribedWindows
from anymo_jax.language.settings import control_config
from anymo_jax.simulation import load_priors
from anymo_jax.training.digest import one_digest
from anymo_jax.views import body_tables
from anymo_jax.views.settings import view_options
from experiments.stages.encoder import load_encoder
from experiments.stages.instruct import (
    hard_negatives,
    open_sentences,
    sayings_of,
    sentence_vectors,
)
from experiments.stages.spoken import Spoken
from experiments.stages.stage import Stage, open_motion


def build(config: ml_collections.ConfigDict) -> Stage:
    """The stage of a recipe of configs/control.py.

    Raises:
      ValueError: for the learned label prompt, which no frozen tower can read, and
        whatever else does not fit.
      FileNotFoundError: where the sentence encoder is not installed.
    """
    if config.label_prompt == "learned":
        raise ValueError(
            "config.label_prompt = 'learned': a frozen sentence encoder reads no "
            "learned tokens; choose bare, person, imu or activity"
        )
    motion = open_motion(config.run.data)
    trained, encoder = load_encoder(config.run.encoder)
    sentences = open_sentences(config)
    recipe = ControlRecipe(
        heads=control_config(config, trained.encoder.width, sentences),
        encoder=trained.encoder,
        views=view_options(config),
        fixed_views=config.views.fixed,
        temperature=config.temperature,
        weight_text=config.weights.text,
        weight_label=config.weights.label,
        diagonal=config.diagonal,
    )
    sayings = sayings_of(config, motion, sentences)
    vectors = sentence_vectors(sentences, motion, sayings)
    train, held_out = (
        DescribedWindows(windows, sayings, recipe.views, vectors)
        for windows in (motion.train, motion.validation)
    )
    body = body_tables(motion.train.segment, motion.train.frame)
    task = control_task(recipe, encoder, body, load_priors())
    spoken = Spoken(task, recipe, held_out, motion, config.validation)
    return Stage(
        task=task,
        train=train,
        validate=spoken,
        best="mrr",
        best_mode="max",
        upstream={"motion": motion.digest, "encoder": one_digest(encoder)},
        table=spoken.table,
        order=hard_negatives(config, motion.train),
    )
