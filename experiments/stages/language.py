"""What both language stages stand on: frozen stages, a backbone, the data's words."""

import dataclasses
from collections.abc import Mapping

import numpy as np

from anymo_jax.language.code_stream import Frozen
from anymo_jax.language.prompts import SITES
from anymo_jax.language.qwen2 import Qwen2Config, load_qwen2
from anymo_jax.language.settings import backbone_config
from anymo_jax.language.sites import site_phrase
from anymo_jax.language.templates import load_templates
from anymo_jax.language.text import TextTokenizer, load_text_tokenizer
from anymo_jax.language.text_bpe import train_text_tokenizer
from anymo_jax.motion.mirror import mirror_text
from anymo_jax.motion.windows import MotionWindows
from anymo_jax.simulation import load_priors
from anymo_jax.tokenizer.task import TokenizerRecipe
from anymo_jax.training.digest import one_digest
from anymo_jax.views import VisibleNodes, body_tables
from anymo_jax.views.masks import draw_visible_nodes
from anymo_jax.views.settings import view_options
from experiments.stages.encoder import load_encoder
from experiments.stages.tokenizer import load_tokenizer


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
            views=view_options(config),
            fixed_views=config.views.fixed,
        ),
        frozen=Frozen(
            encoder=encoder,
            tokenizer=tokenizer,
            body=body_tables(windows.segment, windows.frame),
            priors=load_priors(),
        ),
        upstream={"encoder": one_digest(encoder), "tokenizer": one_digest(tokenizer)},
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


def open_backbone(config: Mapping, windows: MotionWindows) -> Backbone:
    """A pretrained backbone from its directory, or a random one of the given sizes.

    Args:
      config: a recipe of configs/motion_lm.py; with "text_tokenizer", the folder of
        one, in its `backbone`, where a trained run is opened again: the captions of
        other motion make another.
      windows: whose captions a text tokenizer is trained on otherwise.

    Raises:
      ValueError: naming what is missing or wrong in the directory, or the size.
    """
    options = config["backbone"]
    if options["directory"]:
        params, _ = load_qwen2(options["directory"])
        text = load_text_tokenizer(options["directory"])
        return Backbone(backbone_config(config, text), text, params)
    if kept := options.get("text_tokenizer"):
        text = load_text_tokenizer(kept)
    else:
        text = train_text_tokenizer(captions(windows), vocab_size=options["vocab_size"])
    return Backbone(backbone_config(config, text), text, None)


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
