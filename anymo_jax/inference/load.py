"""From the folder of an instruction-tuned run to a model that answers."""

import os
import pathlib

import jax
import jax.numpy as jnp

from anymo_jax.inference.codes import Weights
from anymo_jax.inference.model import Model
from anymo_jax.inference.run import (
    TrainedRun,
    check_upstream,
    open_run,
    stage_config,
    upstream_folder,
)
from anymo_jax.inference.sizes import (
    Sizes,
    encoder_config,
    joint_config,
    language_config,
    tokenizer_config,
)
from anymo_jax.language.bert import SentenceEncoder, find_minilm
from anymo_jax.language.model import SENTENCES
from anymo_jax.language.text import TextTokenizer, load_text_tokenizer

_TEXT_TOKENIZER = "text_tokenizer"


def load(run: str | os.PathLike) -> Model:
    """A trained model, ready to answer.

    Args:
      run: folder of an instruction-tuned run. The encoder, tokenizer and motion-LM
        runs that it was trained on lie beside it, or where its configuration says.

    Raises:
      ValueError: where the folder holds no such run, or a run that it stands on is
        missing or another one; names it.
      CheckpointError: where a run has no best checkpoint, or no sound one.
      FileNotFoundError: where the sentence encoder that the run's texts go through is
        not installed, telling how to.
    """
    run = pathlib.Path(run)
    config = stage_config(run, "instruct")
    places = {
        stage: upstream_folder(run, config, stage)
        for stage in ("encoder", "tokenizer", "motion_lm")
    }
    sentences = _sentence_encoder(config)
    tuned = open_run(run, "instruct")
    first = stage_config(places["motion_lm"], "motion_lm")
    text = load_text_tokenizer(run / _TEXT_TOKENIZER)
    sizes, weights = _first_stages(tuned, places, first, text)
    weights = jax.tree.map(jnp.asarray, weights)
    return Model(config, sizes, weights, text, sentences)


def _first_stages(
    tuned: TrainedRun, places: dict, first: dict, text: TextTokenizer
) -> tuple[Sizes, Weights]:
    """Sizes and arrays of all models, the frozen stages checked against the run's."""
    opened = {name: open_run(places[name], name) for name in ("encoder", "tokenizer")}
    encoder, tokenizer = opened["encoder"], opened["tokenizer"]
    arrays = {
        "encoder": {"params": encoder.params["encoder"], **encoder.collections},
        "tokenizer": {"params": tokenizer.params, **tokenizer.collections},
    }
    for name, folder in places.items():
        if name in arrays:
            check_upstream(tuned, name, folder, arrays[name])
    signals = encoder_config(encoder.config)
    codes = tokenizer_config(tokenizer.config, signals)
    language = language_config(first, text, codes)
    joint = joint_config(tuned.config, language.qwen)
    sizes = Sizes(signals, codes, language, joint)
    return sizes, Weights(**arrays, language=tuned.params)


def _sentence_encoder(config) -> SentenceEncoder | None:
    if config["joint"]["tower"] != SENTENCES:
        return None
    return SentenceEncoder(config["joint"]["sentences"] or find_minilm())
