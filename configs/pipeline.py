r"""All stages in a row, from motion to answers: the recipes, and where data comes from.

    python -m experiments.pipeline --config=configs/pipeline.py:tiny --workdir=runs/demo
    python -m experiments.pipeline --config=configs/pipeline.py:small \
        --workdir=runs/small --config.prepare.packs='MOCAP/*.npz' \
        --config.prepare.splits=MOCAP/splits.json \
        --config.windows=HAR/motionsense.safetensors,HAR/umafall.safetensors

:tiny    the procedural library alone; under ten minutes on two cores
:small   the library beside the captures that are named; about two hours on two cores
:paper   captures only; name the MVNX folders of Nymeria by --config.prepare.mvnx

Every value of a stage's recipe can be given as --config.STAGE.name=value. Where motion
and runs lie is no part of it: the pipeline says so.
"""

import ml_collections

from configs import encoder, instruct, motion_lm, prepare, tokenizer

_STAGES = {
    "encoder": encoder,
    "tokenizer": tokenizer,
    "motion_lm": motion_lm,
    "instruct": instruct,
}
_PLACES = ("folder", "data", "encoder", "tokenizer", "motion_lm")


def get_config(variant: str = "tiny") -> ml_collections.ConfigDict:
    """The recipes of a variant: tiny, small or paper."""
    config = ml_collections.ConfigDict()
    config.variant = variant
    # Files of experiments.prepare_har on which the trained model is scored, comma-
    # separated; "" makes such windows from procedural performers that are held out.
    config.windows = ""
    config.prepare = prepare.get_config(variant)
    for name, module in _STAGES.items():
        recipe = module.get_config(variant)
        for place in _PLACES:
            if place in recipe.run:
                del recipe.run[place]
        config[name] = recipe
    config.evaluation = evaluation(variant)
    return config


def evaluation(variant: str) -> ml_collections.ConfigDict:
    """How the trained model is looked at; see experiments.appraise."""
    options = ml_collections.ConfigDict()
    # Draws of the bootstrap.
    options.resamples = 1000
    # Held-out motions of which captions are written, 0 for none.
    options.captions = {"tiny": 6, "small": 12, "paper": 24}[variant]
    options.caption_tokens = 64
    options.seed = 0
    return options
