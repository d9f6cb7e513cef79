"""Flags for what a run reads: prepared motion, and the runs of earlier stages.

A recipe names them in its `run`; the flags name them anew where they lie elsewhere.
"""

from collections.abc import Mapping

import ml_collections
from absl import flags

# So that --help lists them with the flags of the command that takes them.
flags.disclaim_key_flags()

# By the name of the flag, which is the recipe's too.
PLACES = {
    "data": "Prepared folders, comma-separated.",
    "encoder": "Encoder run that later stages read.",
    "tokenizer": "Tokenizer run that the language stages read.",
    "motion_lm": "Motion-LM run that instruction tuning reads.",
}


def define_places() -> None:
    """Defines a flag for each of `PLACES`; "" leaves the recipe's own."""
    for name, told in PLACES.items():
        flags.DEFINE_string(name, "", told)


def given_places() -> dict[str, str]:
    """What the flags say, by name."""
    return {name: flags.FLAGS[name].value for name in PLACES}


def set_places(config: ml_collections.ConfigDict, places: Mapping[str, str]) -> None:
    """Puts places into a recipe's `run`; "" leaves one as it is.

    Raises:
      ValueError: for a place that the recipe's stage does not read.
    """
    for name, place in places.items():
        if place and name not in config.run:
            raise ValueError(f"stage {config.stage!r} reads no {name}: leave it out")
        if place:
            config.run[name] = place
