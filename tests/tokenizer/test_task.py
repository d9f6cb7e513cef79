"""The tokenizer's stage of learning: frozen encoder, moving codebooks, golden step."""

import dataclasses

import jax
import numpy as np
import optax
import pytest

from anymo_jax.encoder import model as encoder_model
from anymo_jax.encoder.config import EncoderConfig
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.task import TokenizerRecipe, tokenizer_task
from anymo_jax.training.random import StepStreams
from anymo_jax.training.task import OBJECTIVE, Variables
from anymo_jax.views import ViewOptions
from tests.views.bodies import BODY, PRIORS, batch, moving_window

ENCODER = EncoderConfig(channels=(4, 8), strides=(2, 2))
RECIPE = TokenizerRecipe(
    tokenizer=TokenizerConfig(
        latent=8, bottleneck=4, entries=16, decoder_width=8, dilations=(1,)
    ),
    encoder=ENCODER,
    views=ViewOptions(device=None),
)


@pytest.fixture(scope="module")
def motion():
    lengths = (300, 300, 240, 61, 300, 180, 299, 120)
    return batch([moving_window(n, index=i) for i, n in enumerate(lengths)])


@pytest.fixture(scope="module")
def task():
    encoder = encoder_model.init(jax.random.key(3), ENCODER)
    return tokenizer_task(RECIPE, encoder, BODY, PRIORS)


@pytest.fixture(scope="module")
def step(task):
    """(variables, given, windows, number) -> (objective, collections), gradient."""

    @jax.jit
    def step(variables, given, windows, number):
        def objective(params):
            streams = StepStreams(jax.random.key(0), number)
            state = Variables(params, variables.collections)
            terms, after = task.loss(state, given, windows, streams)
            total, count = terms[OBJECTIVE]
            return total / count, after

        return jax.value_and_grad(objective, has_aux=True)(variables.params)

    return step


def test_golden_first_step(task, step, motion):
    """Yesterday's numbers; when to refresh them: see tests/encoder/test_task.py."""
    variables = task.init(jax.random.key(0), task.given)
    (value, _), gradient = step(variables, task.given, motion, 0)
    assert float(value) == pytest.approx(0.5251, rel=1e-3)
    assert float(optax.tree.norm(gradient)) == pytest.approx(1.433, rel=2e-2)


def test_codebooks_move_and_the_loss_falls_without_a_gradient_to_them(
    task, step, motion
):
    state = task.init(jax.random.key(0), task.given)
    optimiser = optax.adam(1e-2)
    moments = optimiser.init(state.params)
    assert "codebook" not in jax.tree_util.keystr(
        jax.tree_util.tree_leaves_with_path(state.params)[0][0]
    )
    losses, first = [], state.collections["codebook"]["embedding"]
    for number in range(60):
        (value, after), gradient = step(state, task.given, motion, number)
        change, moments = optimiser.update(gradient, moments)
        state = Variables(optax.apply_updates(state.params, change), after)
        losses.append(float(value))
    assert not np.allclose(state.collections["codebook"]["embedding"], first)
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:3])


def test_codebooks_are_the_same_on_every_device_and_for_any_number(task, step, motion):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    everywhere = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    variables = task.init(jax.random.key(0), task.given)
    (alone, one), _ = step(variables, task.given, motion, 0)
    placed = jax.device_put((variables, task.given), everywhere)
    (spread, eight), _ = step(*placed, jax.device_put(motion, rows), 0)
    assert float(spread) == pytest.approx(float(alone), rel=1e-5)
    for name, leaf in eight["codebook"].items():
        copies = [np.asarray(shard.data) for shard in leaf.addressable_shards]
        for copy in copies:
            np.testing.assert_array_equal(copy, copies[0])
        np.testing.assert_allclose(leaf, one["codebook"][name], rtol=1e-4, atol=1e-5)


def test_prediction_codes_valid_steps(task, motion):
    variables = task.init(jax.random.key(0), task.given)
    streams = StepStreams(jax.random.key(0), 0)
    predict = jax.jit(lambda *given: task.predict(*given, streams))
    seen = predict(variables, task.given, motion)
    assert seen.codes.shape == (8, 75, 2)
    np.testing.assert_array_equal(seen.length, -(-motion["length"] // 4))
    beyond = np.arange(75)[None] >= seen.length[:, None]
    assert (np.asarray(seen.latent)[beyond] == 0).all()


def test_another_width_than_the_encoders_is_refused():
    with pytest.raises(ValueError, match=r"tokenizer\.latent = 256 is not .* 8"):
        dataclasses.replace(RECIPE, tokenizer=TokenizerConfig())
