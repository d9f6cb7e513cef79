"""Run folders of untrained models, as small as they come, for tests of inference."""

import dataclasses
import json
from typing import Any

import jax
import jax.numpy as jnp

from anymo_jax import tokenizer
from anymo_jax.encoder import init as init_encoder
from anymo_jax.encoder.settings import encoder_config
from anymo_jax.language import model
from anymo_jax.language.settings import (
    backbone_config,
    joint_config,
    language_config,
)
from anymo_jax.language.text_bpe import train_text_tokenizer
from anymo_jax.tokenizer.settings import tokenizer_config
from anymo_jax.training.checkpoint import Checkpoints
from anymo_jax.training.digest import one_digest
from anymo_jax.training.run_folder import CHECKPOINTS, open_run
from configs import encoder, instruct, motion_lm
from configs import tokenizer as tokenizer_recipe
from tests.experiments.test_language_stages import CHANGES

RECIPES = {
    "encoder": encoder,
    "tokenizer": tokenizer_recipe,
    "motion_lm": motion_lm,
    "instruct": instruct,
}


@dataclasses.dataclass(frozen=True)
class State:
    """What a checkpoint is to hold."""

    params: Any
    collections: Any
    step: Any = dataclasses.field(default_factory=lambda: jnp.int32(1))


def write_runs(home):
    """Four runs, of which one stands on the others; the folder of the last."""
    configs = {}
    for stage, recipe in RECIPES.items():
        config = recipe.get_config("tiny")
        config.update_from_flattened_dict(CHANGES[stage])
        named = {n: f"/elsewhere/{n}" for n in RECIPES if n in config.run}
        config.run.update({"folder": f"/elsewhere/{stage}", **named})
        configs[stage] = json.loads(config.to_json())
    text = train_text_tokenizer(["a person walks", "a person sits"], vocab_size=400)
    keys = iter(jax.random.split(jax.random.key(0), 4))
    signals = encoder_config(configs["encoder"])
    codes = tokenizer_config(configs["tokenizer"], signals.width)
    backbone = backbone_config(configs["motion_lm"], text)
    language = language_config(configs["motion_lm"], backbone, text, codes)
    joint = joint_config(configs["instruct"], backbone, None)
    first = init_encoder(next(keys), signals)
    second = tokenizer.init(next(keys), codes)
    params = model.init(next(keys), language, second["codebook"]["embedding"])
    params["joint"] = model.init_joint(next(keys), joint)
    configs["instruct"]["upstream"] = {
        "encoder": one_digest(first),
        "tokenizer": one_digest(second),
    }
    rest = {name: value for name, value in first.items() if name != "params"}
    states = {
        "encoder": State({"encoder": first["params"]}, rest),
        "tokenizer": State(second["params"], {"codebook": second["codebook"]}),
        "motion_lm": None,
        "instruct": State(params, {}),
    }
    for stage, state in states.items():
        folder = open_run(home / stage, configs[stage])
        if state is not None:
            with Checkpoints(folder / CHECKPOINTS, best="score") as checkpoints:
                checkpoints.save(1, state, metrics={"score": 1.0})
    text.save(home / "instruct" / "text_tokenizer")
    return home / "instruct"
