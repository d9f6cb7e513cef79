"""Write a trained language model as a Hugging Face directory.

    python -m experiments.export --run=runs/instruct-tiny --out=exported

The run is one of motion-LM pre-training or of instruction tuning. Transformers opens
what is written, model and tokenizer, motion tokens among its words; poolers and heads
of the joint space have no place there and stay in the run.
"""

import sys

from absl import app, flags, logging

from anymo_jax.language.plain import save_plain
from anymo_jax.language.settings import (
    TEXT_TOKENIZER,
    backbone_config,
    language_config,
)
from anymo_jax.language.text import load_text_tokenizer
from anymo_jax.training.run_folder import read_config
from anymo_jax.training.saved import CheckpointError
from anymo_jax.training.trained import open_trained
from experiments.places import define_places, given_places
from experiments.stages.encoder import load_encoder
from experiments.stages.tokenizer import load_tokenizer

_STAGES = ("motion_lm", "instruct")


def main(argv: list[str]) -> None:
    """Export, or say in a line what is wrong."""
    if len(argv) > 1:
        raise app.UsageError(f"unknown argument {argv[1]!r}")
    logging.set_verbosity(logging.WARNING)
    given = flags.FLAGS
    try:
        export(given.run, given.out, **given_places())
    except (ValueError, CheckpointError, OSError) as error:
        sys.exit(f"export: {error}")
    print(given.out)


def export(run: str, out: str, **places: str) -> None:
    """Writes the best checkpoint of a run.

    Args:
      run: folder of a run of a language stage.
      out: directory to write, absent.
      **places: what the run reads, by the names of `PLACES`; "" takes the run's own.

    Raises:
      ValueError: where run or place is not there or of another stage, or `out` is.
      CheckpointError: where a run has no sound checkpoint.
    """
    config = read_config(run)
    if config.get("stage") not in _STAGES:
        raise ValueError(
            f"{run} is a run of stage {config.get('stage')!r}: only those of "
            f"{' and '.join(_STAGES)} hold a language model"
        )
    variables = open_trained(run, config["stage"]).variables
    read = config["run"] | {name: place for name, place in places.items() if place}
    first = config
    if config["stage"] == "instruct":
        first = read_config(read["motion_lm"])
    text = load_text_tokenizer(f"{run}/{TEXT_TOKENIZER}")
    encoder, _ = load_encoder(read["encoder"])
    sizes, tokenizer = load_tokenizer(read["tokenizer"], encoder.encoder.width)
    backbone = backbone_config(first, text, run)
    language = language_config(first, backbone, text, sizes)
    codebooks = tokenizer["codebook"]["embedding"]
    save_plain(out, variables.params, language, codebooks, text)


def _define_flags() -> None:
    flags.DEFINE_string("run", None, "Run of a language stage.", required=True)
    flags.DEFINE_string("out", None, "Directory to write.", required=True)
    define_places()


if __name__ == "__main__":
    _define_flags()
    app.run(main)
