"""From the folder of an instruction-tuned run to a model that answers."""

import dataclasses
import os
import pathlib

import jax
import jax.numpy as jnp

from anymo_jax.encoder.settings import encoder_config
from anymo_jax.encoder.task import encoder_variables
from anymo_jax.inference.codes import Weights
from anymo_jax.inference.control import ControlModel
from anymo_jax.inference.model import Model
from anymo_jax.inference.sizes import Sizes
from anymo_jax.language.bert import SentenceEncoder, find_minilm
from anymo_jax.language.model import SENTENCES
from anymo_jax.language.settings import (
    TEXT_TOKENIZER,
    backbone_config,
    control_config,
    joint_config,
    language_config,
)
from anymo_jax.language.text import TextTokenizer, load_text_tokenizer
from anymo_jax.tokenizer.settings import tokenizer_config
from anymo_jax.tokenizer.task import tokenizer_variables
from anymo_jax.training.run_folder import CONFIG, read_config
from anymo_jax.training.settings import given
from anymo_jax.training.trained import (
    TrainedRun,
    check_upstream,
    open_trained,
    stage_config,
    upstream_folder,
)

STAGE, CONTROL = "instruct", "control"


def load(run: str | os.PathLike) -> Model | ControlModel:
    """A trained model, ready to answer.

    Args:
      run: folder of an instruction-tuned run, or the folder that holds it under the
        name "instruct". The encoder, tokenizer and motion-LM runs that it was trained
        on lie beside it, or where its configuration says. The folder of a control run
        gives a model that classifies and embeds, and cannot caption or tokenize.

    Raises:
      ValueError: where the folder holds no such run, or a run that it stands on is
        missing or another one; names it.
      CheckpointError: where a run has no best checkpoint, or no sound one.
      FileNotFoundError: where the sentence encoder that the run's texts go through is
        not installed, telling how to.
    """
    run = find_run(run)
    if read_config(run).get("stage") == CONTROL:
        return _load_control(run)
    config = stage_config(run, STAGE)
    places = {
        stage: upstream_folder(run, config, stage)
        for stage in ("encoder", "tokenizer", "motion_lm")
    }
    sentences = _sentence_encoder(config)
    tuned = open_trained(run, STAGE)
    text = load_text_tokenizer(run / TEXT_TOKENIZER)
    sizes, weights = _all_models(tuned, places, text, sentences)
    weights = jax.tree.map(jnp.asarray, weights)
    return Model(config, sizes, weights, text, sentences)


def _load_control(run: pathlib.Path) -> ControlModel:
    opened = open_trained(run, CONTROL)
    sentences = _sentence_encoder(opened.config)
    place = upstream_folder(run, opened.config, "encoder")
    encoder = open_trained(place, "encoder")
    arrays = encoder_variables(encoder.variables)
    check_upstream(opened, "encoder", place, arrays)
    signals = encoder_config(encoder.config)
    heads = control_config(opened.config, signals.width, sentences)
    arrays, params = jax.tree.map(jnp.asarray, (arrays, opened.variables.params))
    return ControlModel(opened.config, (signals, arrays), (heads, params), sentences)


def find_run(place: str | os.PathLike) -> pathlib.Path:
    """The folder of a run: the place itself, or the last stage's folder in it.

    Raises:
      ValueError: where neither is a run's folder.
    """
    place = pathlib.Path(place)
    folders = (place, place / STAGE)
    for folder in folders:
        if (folder / CONFIG).is_file():
            return folder
    raise ValueError(
        f"{place} is no run: neither {folders[0] / CONFIG} nor {folders[1] / CONFIG} "
        "is there. Name the folder of an instruction-tuned run, or the one that holds "
        f"it as {STAGE!r}; configs/{STAGE}.py trains one"
    )


def _all_models(
    tuned: TrainedRun,
    places: dict,
    text: TextTokenizer,
    sentences: SentenceEncoder | None,
) -> tuple[Sizes, Weights]:
    """Sizes and arrays of all models, the frozen stages checked against the run's."""
    encoder = open_trained(places["encoder"], "encoder")
    tokenizer = open_trained(places["tokenizer"], "tokenizer")
    arrays = {
        "encoder": encoder_variables(encoder.variables),
        "tokenizer": tokenizer_variables(tokenizer.variables),
    }
    for name, found in arrays.items():
        check_upstream(tuned, name, places[name], found)
    first = stage_config(places["motion_lm"], "motion_lm")
    signals = encoder_config(encoder.config)
    codes = tokenizer_config(tokenizer.config, signals.width)
    backbone = backbone_config(first, text, tuned.folder)
    # Recomputing is for gradients, of which there are none here.
    backbone = dataclasses.replace(backbone, remat=False)
    sizes = Sizes(
        encoder=signals,
        tokenizer=codes,
        language=language_config(first, backbone, text, codes),
        joint=joint_config(tuned.config, backbone, sentences),
    )
    return sizes, Weights(**arrays, language=tuned.variables.params)


def _sentence_encoder(config) -> SentenceEncoder | None:
    if given(config, "joint.tower") != SENTENCES:
        return None
    return SentenceEncoder(given(config, "joint.sentences") or find_minilm())
