"""Every recipe of configs/ becomes the dataclasses and the model that it names."""

import jax
import pytest

from anymo_jax.encoder import model as encoder_model
from anymo_jax.encoder.predictor import init_predictor
from anymo_jax.encoder.settings import encoder_recipe
from anymo_jax.tokenizer import model as tokenizer_model
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.training.optimiser import OptimiserOptions, make_optimiser
from anymo_jax.training.settings import SettingsError, build
from anymo_jax.views.settings import view_options
from configs import encoder, tokenizer
from experiments.stages.stage import build_stage
from experiments.train import fit_options

VARIANTS = ("tiny", "small", "paper")


def size(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("stage", [encoder, tokenizer], ids=["encoder", "tokenizer"])
def test_training_options_of_every_variant_fit(stage, variant):
    config = stage.get_config(variant)
    options = fit_options(config, steps=config.steps or 1000)
    assert options.steps >= 50 and options.ema_decay is None
    chosen = build(OptimiserOptions, config.optimiser, "config.optimiser")
    make_optimiser(chosen, options.steps)
    view_options(config)


def test_the_papers_recipe_is_the_papers():
    config = encoder.get_config("paper")
    recipe = encoder_recipe(config)
    params = jax.eval_shape(
        lambda key: (
            encoder_model.init(key, recipe.encoder)["params"],
            init_predictor(key, recipe.predictor)["params"],
        ),
        jax.random.key(0),
    )
    # The official layout's own count (reference: its state dict), buffers left out.
    assert size(params[0]) == pytest.approx(3.07e6, rel=0.01)
    assert recipe.encoder.latent_length(300) == 75
    assert (recipe.temperature, recipe.objective) == (0.1, "predictive")
    assert (config.batch_size, config.epochs, config.steps) == (64, 10, 0)
    assert config.optimiser.learning_rate == 3e-4
    views = recipe.views
    assert (views.visible.lowest, views.visible.highest) == (1, 5)
    assert (views.mounting.in_plane_deg, views.mounting.tilt_deg) == (180, 10)
    assert views.mirror == 0 and views.tempo is None

    config = tokenizer.get_config("paper")
    chosen = build(TokenizerConfig, dict(config.tokenizer), "config.tokenizer")
    assert chosen == TokenizerConfig()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_tokenizer_fits_the_encoder_of_its_variant(variant):
    latent = encoder_recipe(encoder.get_config(variant)).encoder.width
    settings = dict(tokenizer.get_config(variant).tokenizer, latent=latent)
    config = build(TokenizerConfig, settings, "config.tokenizer")
    made = jax.eval_shape(
        lambda key: tokenizer_model.init(key, config), jax.random.key(0)
    )
    assert made["codebook"]["embedding"].shape[:2] == (2, config.entries)


def test_misspelt_and_impossible_values_are_refused_by_name():
    config = encoder.get_config("tiny")
    with config.unlocked():
        config.encoder.chanels = (8,)
    with pytest.raises(SettingsError, match=r"config\.encoder\.chanels"):
        encoder_recipe(config)
    config = encoder.get_config("tiny")
    config.views.mounting = "sideways"
    with pytest.raises(ValueError, match=r"mounting = 'sideways'.*surface"):
        encoder_recipe(config)
    config.stage = "poetry"
    with pytest.raises(ValueError, match=r"config\.stage = 'poetry'"):
        build_stage(config)
    config = encoder.get_config("tiny")
    config.run.profile = "ten"
    with pytest.raises(ValueError, match=r"profile = 'ten'"):
        fit_options(config, 10)
