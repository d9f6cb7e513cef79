"""Motion-LM pre-training, validated by the perplexity of held-out streams."""

import functools
from collections.abc import Mapping

import jax
import ml_collections
import numpy as np

from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.prompts import END
from anymo_jax.language.recipes import MotionLMRecipe
from anymo_jax.language.sayings import around_codes
from anymo_jax.language.settings import TEXT_TOKENIZER, language_config, save_words
from anymo_jax.language.task import motion_lm_task
from anymo_jax.language.templates import load_templates
from anymo_jax.language.text import TextTokenizer, load_text_tokenizer
from anymo_jax.language.validation import unigram_perplexity
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import Task, Variables
from anymo_jax.training.trained import open_trained
from experiments.stages.language import load_frozen, open_backbone
from experiments.stages.stage import BATCH, Stage, held_out_batches, open_motion


def build(config: ml_collections.ConfigDict) -> Stage:
    """The stage of a recipe of configs/motion_lm.py."""
    motion = open_motion(config.run.data)
    stages = load_frozen(config, motion.train)
    backbone = open_backbone(config, motion.train)
    sizes = stages.source.tokenizer
    language = language_config(config, backbone.config, backbone.text, sizes)
    before, after = prompt_ids(backbone.text)
    recipe = MotionLMRecipe(language, stages.source, before, after, config.chunk)
    task = motion_lm_task(recipe, stages.frozen, backbone.params)
    return Stage(
        task=task,
        train=motion.train,
        validate=Perplexity(
            task, language.vocabulary, motion.validation, config.validation.batches
        ),
        best="perplexity",
        best_mode="min",
        upstream={"motion": motion.digest, **stages.upstream},
        table=perplexity_table,
        keep=functools.partial(save_words, backbone.text, backbone.config),
    )


def prompt_ids(text: TextTokenizer) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Ids before and after the codes of the motion-LM prompt."""
    wording = load_templates().wording("motion_lm")
    sides = around_codes(wording.prompt + wording.answer + END)
    before, after = text.encode(list(sides))
    return tuple(before), tuple(after)


def load_motion_lm(run: str, step="best") -> tuple[dict, dict, TextTokenizer]:
    """Recipe, params {"qwen", "imu"} and text tokenizer of a trained run.

    Raises:
      ValueError, CheckpointError: as `open_trained`.
    """
    _, config, variables = open_trained(run, "motion_lm", step)
    text = load_text_tokenizer(f"{run}/{TEXT_TOKENIZER}")
    return config, variables.params, text


class Perplexity:
    """How well the next code of held-out streams is known."""

    def __init__(
        self,
        task: Task,
        vocabulary: ImuVocabulary,
        windows: MotionWindows,
        batches: int,
    ):
        """Takes so many batches of held-out windows from all over; 0 takes all."""
        self._task, self._vocabulary, self._windows = task, vocabulary, windows
        self._count = min(len(windows), batches * BATCH or len(windows))
        self._order = np.random.default_rng(0).permutation(len(windows))
        self._predict = jax.jit(self._score)

    def __call__(self, variables: Variables, step: int) -> dict[str, float]:
        """Perplexity of the codes, and of the same codes without any context."""
        loss, count, streams = 0.0, 0.0, []
        batches = held_out_batches(
            lambda i: self._windows[int(self._order[i])], self._count
        )
        for batch, new, number in batches:
            seen = self._predict(variables, self._task.given, batch, number)
            seen = jax.device_get(seen)
            loss += float(seen["loss"][new].sum(dtype=np.float64))
            count += float(seen["count"][new].sum(dtype=np.float64))
            pairs = zip(seen["codes"][new], seen["length"][new], strict=True)
            streams += [codes[:length] for codes, length in pairs]
        found = float(np.exp(loss / count))
        plain = unigram_perplexity(streams)
        placed = unigram_perplexity(streams, self._vocabulary.codebooks)
        return {
            "perplexity": found,
            "unigram": plain,
            "unigram_by_codebook": placed,
            "ratio": found / plain,
            "ratio_by_codebook": found / placed,
        }

    def _score(self, variables, given, batch, number):
        streams = StepStreams(jax.random.key(0), number)
        return self._task.predict(variables, given, batch, streams)


def perplexity_table(figures: Mapping[str, float]) -> str:
    """The figures as a person reads them."""
    rows = [
        ("next-token perplexity", "perplexity", "{:.2f}"),
        ("unigram perplexity", "unigram", "{:.2f}"),
        ("unigram, codebook known", "unigram_by_codebook", "{:.2f}"),
        ("of the unigram", "ratio", "{:.1%}"),
        ("of that, codebook known", "ratio_by_codebook", "{:.1%}"),
    ]
    lines = [f"{t:<26}{form.format(figures[n]):>9}" for t, n, form in rows]
    return "\n".join(["held-out streams", *lines])
