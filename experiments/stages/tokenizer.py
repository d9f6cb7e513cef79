"""Tokenizer training on a frozen encoder, validated by the figures of Table 6."""

from collections.abc import Mapping

import jax
import ml_collections

from anymo_jax.motion.windows import MotionWindows
from anymo_jax.simulation import load_priors
from anymo_jax.tokenizer import Diagnostics, TokenizerConfig
from anymo_jax.tokenizer.settings import tokenizer_config
from anymo_jax.tokenizer.task import (
    TokenizerRecipe,
    tokenizer_task,
    tokenizer_variables,
)
from anymo_jax.training.digest import one_digest
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import Task, Variables
from anymo_jax.training.trained import open_trained
from anymo_jax.views import body_tables
from anymo_jax.views.settings import view_options
from experiments.stages.encoder import load_encoder
from experiments.stages.stage import BATCH, Stage, held_out_batches, open_motion


def build(config: ml_collections.ConfigDict) -> Stage:
    """The stage of a recipe of configs/tokenizer.py."""
    motion = open_motion(config.run.data)
    trained, encoder = load_encoder(config.run.encoder)
    recipe = TokenizerRecipe(
        tokenizer=tokenizer_config(config, trained.encoder.width),
        encoder=trained.encoder,
        views=view_options(config),
        fixed_views=config.views.fixed,
    )
    body = body_tables(motion.train.segment, motion.train.frame)
    task = tokenizer_task(recipe, encoder, body, load_priors())
    return Stage(
        task=task,
        train=motion.train,
        validate=Codes(task, recipe, motion.validation, config.validation.batches),
        best="error",
        best_mode="min",
        upstream={"motion": motion.digest, "encoder": one_digest(encoder)},
        table=codebook_table,
    )


def load_tokenizer(run: str, latent: int, step="best") -> tuple[TokenizerConfig, dict]:
    """Config and variables {"params", "codebook"} of a trained run.

    Args:
      run: folder.
      latent: width of the encoder that it was trained on.
      step: of the checkpoint.

    Raises:
      ValueError, CheckpointError: as `open_trained`.
    """
    _, config, variables = open_trained(run, "tokenizer", step)
    found = tokenizer_config(config, latent)
    return found, tokenizer_variables(variables)


class Codes:
    """How held-out windows use the codebooks, one sparse view each."""

    def __init__(
        self, task: Task, recipe: TokenizerRecipe, windows: MotionWindows, batches: int
    ):
        """Takes the first `batches` batches of held-out windows; 0 takes all."""
        self._task, self._config, self._windows = task, recipe.tokenizer, windows
        self._count = min(len(windows), batches * BATCH or len(windows))
        self._predict = jax.jit(self._code)

    def __call__(self, variables: Variables, step: int) -> dict[str, float]:
        """Figures of Table 6 by name, and the relative reconstruction error."""
        found = Diagnostics(self._config)
        batches = held_out_batches(self._windows.__getitem__, self._count)
        for batch, new, number in batches:
            seen = self._predict(variables, self._task.given, batch, number)
            seen = jax.tree.map(lambda x, new=new: x[new], jax.device_get(seen))
            found.add_codes(seen.codes, seen.length)
            found.add_reconstruction(seen.latent, seen.reconstruction, seen.length)
        return found.report().flat()

    def _code(self, variables, given, batch, number):
        streams = StepStreams(jax.random.key(0), number)
        return self._task.predict(variables, given, batch, streams)


def codebook_table(figures: Mapping[str, float]) -> str:
    """Table 6, a column per codebook."""
    books = sorted({name.split("/")[0] for name in figures if "/" in name})
    rows = [
        ("used codes", "used", "{:,.0f}"),
        ("usage rate", "usage", "{:.2%}"),
        ("dead-code ratio", "dead", "{:.2%}"),
        ("perplexity", "perplexity", "{:,.1f}"),
        ("top-1 code mass", "top1", "{:.2%}"),
        ("top-10 code mass", "top10", "{:.2%}"),
    ]
    lines = [f"{'held-out windows':<22}" + "".join(f"{b:>12}" for b in books)]
    for title, name, form in rows:
        cells = (form.format(figures[f"{book}/{name}"]) for book in books)
        lines.append(f"{title:<22}" + "".join(f"{cell:>12}" for cell in cells))
    lines.append(f"{'sequence collision':<22}{figures['collision']:>12.2%}")
    lines.append(f"{'reconstruction error':<22}{figures['error']:>12.3f} of variance")
    return "\n".join(lines)
