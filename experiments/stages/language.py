"""What both language stages stand on: frozen stages, a backbone, the data's words."""

import dataclasses
import pathlib
from collections.abc import Mapping

import numpy as np

from anymo_jax.language.code_stream import Frozen
from anymo_jax.language.imu_embedding import ProjectorConfig
from anymo_jax.language.imu_vocabulary import ImuVocabulary
from anymo_jax.language.model import MotionLanguageConfig
from anymo_jax.language.prompts import SITES
from anymo_jax.language.qwen2 import Qwen2Config, load_qwen2, read_config
from anymo_jax.language.sites import site_phrase
from anymo_jax.language.templates import load_templates
from anymo_jax.language.text import TextTokenizer, load_text_tokenizer
from anymo_jax.language.text_bpe import train_text_tokenizer
from anymo_jax.motion.mirror import mirror_text
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.simulation import load_priors
from anymo_jax.tokenizer import TokenizerConfig
from anymo_jax.tokenizer.task import TokenizerRecipe
from anymo_jax.views import VisibleNodes, body_tables
from anymo_jax.views.masks import draw_visible_nodes
from experiments.stages.encoder import load_encoder
from experiments.stages.stage import digest, view_options
from experiments.stages.tokenizer import load_tokenizer

TEXT_TOKENIZER = "text_tokenizer"


@dataclasses.dataclass(frozen=True)
class FrozenStages:
    """Trained encoder and tokenizer, ready to give code tokens.

    Attributes:
      source: sizes and views.
      frozen: arrays.
      upstream: digests by name.
    """

    source: TokenizerRecipe
    frozen: Frozen
    upstream: Mapping[str, str]


def load_frozen(config, windows: MotionWindows) -> FrozenStages:
    """The frozen stages that a recipe's `run` names.

    Raises:
      ValueError: where a folder holds no run of its stage, or they do not fit.
    """
    trained, encoder = load_encoder(config.run.encoder)
    sizes, tokenizer = load_tokenizer(config.run.tokenizer, trained.encoder.width)
    return FrozenStages(
        source=TokenizerRecipe(
            encoder=trained.encoder,
            tokenizer=sizes,
            views=view_options(config.views),
            fixed_views=config.views.fixed,
        ),
        frozen=Frozen(
            encoder=encoder,
            tokenizer=tokenizer,
            body=body_tables(windows.segment, windows.frame),
            priors=load_priors(),
        ),
        upstream={"encoder": digest(encoder), "tokenizer": digest(tokenizer)},
    )


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A language model and its words.

    Attributes:
      config: of the model.
      text: tokenizer of its text.
      params: to start from; None starts at random.
    """

    config: Qwen2Config
    text: TextTokenizer
    params: dict | None


def open_backbone(options: Mapping, windows: MotionWindows) -> Backbone:
    """A pretrained backbone from its directory, or a random one of the given sizes.

    Args:
      options: a recipe's `backbone`; with "text_tokenizer", the folder of one, where
        a trained run is opened again: the captions of other motion make another.
      windows: whose captions a text tokenizer is trained on otherwise.

    Raises:
      ValueError: naming what is missing or wrong in the directory, or the size.
    """
    if options["directory"]:
        params, _ = load_qwen2(options["directory"])
        text = load_text_tokenizer(options["directory"])
        return Backbone(backbone_config(options, text), text, params)
    if kept := options.get("text_tokenizer"):
        text = load_text_tokenizer(kept)
    else:
        text = train_text_tokenizer(captions(windows), vocab_size=options["vocab_size"])
    return Backbone(backbone_config(options, text), text, None)


def backbone_config(options: Mapping, text: TextTokenizer) -> Qwen2Config:
    """Sizes of a recipe's backbone, from its directory or from the recipe."""
    numerics = {"dtype": options["dtype"], "remat": options["remat"]}
    if options["directory"]:
        found = read_config(options["directory"])
        length = min(found.max_length, options["max_length"])
        return dataclasses.replace(found, max_length=length, **numerics)
    names = (
        *("hidden_size", "intermediate_size", "layers", "heads", "kv_heads"),
        *("head_dim", "max_length", "initializer_range"),
    )
    sizes = {name: options[name] for name in names}
    return Qwen2Config(vocab_size=text.vocab_size, **sizes, **numerics)


def captions(windows: MotionWindows) -> list[str]:
    """What a text tokenizer learns from: what training will say.

    Texts and labels of the clips, their mirror images, and for each clip one wording of
    a prompt with some sites in it: prompts are most of what is read.
    """
    found, rng = [], np.random.default_rng(0)
    wordings = [w for own in load_templates().wordings.values() for w in own]
    for number, index in enumerate(windows.first_windows.tolist()):
        told = windows.told(index)
        texts = [*told["texts"], told["label"]]
        found += [*texts, *map(mirror_text, texts)]
        wording = wordings[number % len(wordings)]
        sites = site_phrase(draw_visible_nodes(rng, VisibleNodes()))
        found.append(wording.prompt.replace(SITES, sites) + wording.answer)
    return [text for text in found if text]


def language_config(
    config: Mapping,
    backbone: Qwen2Config,
    text: TextTokenizer,
    tokenizer: TokenizerConfig,
) -> MotionLanguageConfig:
    """Sizes of the model that joins a backbone and the codes of a tokenizer.

    Args:
      config: a recipe of configs/motion_lm.py.
      backbone, text: the language model's.
      tokenizer: of motion.
    """
    return MotionLanguageConfig(
        qwen=backbone,
        vocabulary=ImuVocabulary(
            text.vocab_size, tokenizer.codebooks, tokenizer.entries
        ),
        projector=ProjectorConfig(
            width=backbone.hidden_size,
            code_width=tokenizer.code_width,
            hidden=config["projector_hidden"],
            scale=backbone.initializer_range,
        ),
    )


def save_text_tokenizer(text: TextTokenizer, folder: pathlib.Path) -> None:
    """Into a run's folder, where the next stage and users look for it."""
    text.save(folder / TEXT_TOKENIZER)
