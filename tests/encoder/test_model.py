"""The encoder: what reaches a latent and what must not."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from anymo_jax import encoder
from tests.encoder.cases import SMALL, latent, train_pass, variables, views

LAYER = dataclasses.replace(SMALL, norm="layer")
CLOSE = {"rtol": 1e-4, "atol": 1e-5}


def padded(signal, frames, value):
    """Signals with `frames` more frames of a value."""
    widths = ((0, 0), (0, frames), (0, 0), (0, 0))
    return np.pad(signal, widths, constant_values=value)


@pytest.mark.parametrize("config", [SMALL, LAYER], ids=["batch", "layer"])
@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("frames", [16, 17])
def test_padding_changes_nothing(config, train, frames):
    given = variables(config)
    signal, visible, valid = views(frames=frames)
    length = np.full(3, frames)
    alone = latent(given, signal, visible, valid, length, config=config, train=train)
    longer = padded(signal, 9, np.nan)
    found = latent(given, longer, visible, valid, length, config=config, train=train)
    steps = config.latent_length(frames)
    assert alone.shape[1] == steps
    np.testing.assert_allclose(found[:, :steps], alone, **CLOSE)
    np.testing.assert_array_equal(found[:, steps:], 0)


def test_padding_moves_no_average_and_no_gradient():
    given = variables()
    signal, visible, valid = views(frames=17)
    length = np.full(3, 17)

    def loss(params, signal):
        now = {**given, "params": params}
        z, moved = train_pass(now, signal, visible, valid, length)
        return jnp.sum(jnp.square(z)), moved["batch_stats"]

    grad = jax.grad(loss, has_aux=True)
    alone, longer = (
        grad(given["params"], x) for x in (signal, padded(signal, 8, np.nan))
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3),
        alone,
        longer,
    )


def test_windows_of_different_length_keep_their_latents():
    given = variables()
    signal, visible, valid = views(frames=24)
    length = np.array([24, 9, 16])
    together = latent(given, signal, visible, valid, length)
    for i, n in enumerate(length):
        one = slice(i, i + 1)
        alone = latent(given, signal[one, :n], visible[one], valid[one], None)
        steps = SMALL.latent_length(n)
        np.testing.assert_allclose(together[i, :steps], alone[0], **CLOSE)
        np.testing.assert_array_equal(together[i, steps:], 0)


def test_hidden_nodes_never_matter_at_inference():
    given = variables()
    signal, visible, valid = views()
    unknown = np.where(visible[:, None, :, None], signal, np.nan)
    found = latent(given, unknown, visible, valid, None)
    np.testing.assert_array_equal(found, latent(given, signal, visible, valid, None))


def test_in_training_the_input_statistics_know_hidden_nodes():
    """As in the official code; documented in `encoder.model`."""
    given = variables()
    signal, visible, valid = views()
    visible[:, 5] = False
    _, before = train_pass(given, signal, visible, valid, None)
    other = signal + 10 * (np.arange(23) == 5)[None, None, :, None].astype(np.float32)
    _, after = train_pass(given, other, visible, valid, None)
    moved = [v["batch_stats"]["data_norm"]["mean"] for v in (before, after)]
    np.testing.assert_allclose((moved[1] - moved[0])[5], 1.0, rtol=1e-3)
    assert np.delete(moved[1] - moved[0], 5, axis=0).max() == 0


@pytest.mark.parametrize("train", [False, True])
def test_a_channel_that_a_sensor_lacks_is_the_mask_tokens(train):
    given = variables()
    signal, visible, valid = views()
    visible[:, 3] = True
    full = latent(given, signal, visible, valid, None, train=train)
    # A new array: a computation under way may still read the old one.
    fewer = valid.copy()
    fewer[0, 3, 3:] = False
    lacking = latent(given, signal, visible, fewer, None, train=train)
    assert np.abs(lacking - full).max() > 1e-3
    unknown = signal.copy()
    unknown[0, :, 3, 3:] = np.nan
    again = latent(given, unknown, visible, fewer, None, train=train)
    np.testing.assert_array_equal(again, lacking)


def test_the_mask_token_stands_for_hidden_nodes():
    given = variables()
    signal, visible, valid = views()
    other = jax.tree.map(lambda x: x, given)
    other["params"]["mask_token"] = given["params"]["mask_token"] + 1
    found, moved = (latent(v, signal, visible, valid, None) for v in (given, other))
    assert np.abs(found - moved).max() > 1e-3
    everything = np.ones_like(visible)
    found, moved = (latent(v, signal, everything, valid, None) for v in (given, other))
    np.testing.assert_array_equal(found, moved)
    # And for a channel that a visible sensor lacks.
    fewer = valid.copy()
    fewer[:, 3, 5] = False
    found, moved = (latent(v, signal, everything, fewer, None) for v in (given, other))
    assert np.abs(found - moved).max() > 1e-3


def test_running_averages_are_pytorchs():
    given = variables()
    signal, visible, valid = views(frames=10)
    length = np.array([10, 4, 7])
    _, after = train_pass(given, signal, visible, valid, length)
    seen = np.concatenate([x[:n] for x, n in zip(signal, length, strict=True)])
    old, new = (v["batch_stats"]["data_norm"] for v in (given, after))
    mean = 0.9 * old["mean"][:, 0] + 0.1 * seen.mean(axis=0)
    var = 0.9 * old["var"][:, 0] + 0.1 * seen.var(axis=0, ddof=1)
    np.testing.assert_allclose(new["mean"][:, 0], mean, rtol=1e-5)
    np.testing.assert_allclose(new["var"][:, 0], var, rtol=1e-5)


@pytest.mark.parametrize(
    ("updates", "sparse", "moves"),
    [
        ("all", False, True),
        ("all", True, True),
        ("sparse", True, True),
        ("sparse", False, False),
    ],
)
def test_which_passes_move_the_averages(updates, sparse, moves):
    config = dataclasses.replace(SMALL, norm_updates=updates)
    given = variables(config)
    view = (*views(), None)
    found, after = train_pass(given, *view, config=config, sparse=sparse)
    changed = jax.tree.map(lambda a, b: bool((a != b).any()), given, after)
    assert not any(jax.tree.leaves(changed["params"]))
    assert set(jax.tree.leaves(changed["batch_stats"])) == {moves}
    # Its own statistics normalise a pass either way.
    np.testing.assert_allclose(
        found, latent(given, *view, config=config, train=True), **CLOSE
    )


def test_a_norm_without_statistics_is_the_same_in_training():
    given = variables(LAYER)
    assert given.keys() == {"params"}
    view = (*views(), None)
    found, after = train_pass(given, *view, config=LAYER)
    assert after.keys() == {"params"}
    np.testing.assert_allclose(found, latent(given, *view, config=LAYER), **CLOSE)


@pytest.mark.parametrize("norm", ["batch", "layer"])
def test_bfloat16_computes_near_float32(norm):
    config = dataclasses.replace(SMALL, norm=norm)
    half = dataclasses.replace(config, dtype="bfloat16")
    given = variables(config)
    view = (*views(), np.array([24, 13, 20]))
    expected, _ = train_pass(given, *view, config=config)
    found, after = train_pass(given, *view, config=half)
    assert found.dtype == jnp.float32
    assert {x.dtype for x in jax.tree.leaves(after)} == {jnp.dtype("float32")}
    assert 0 < np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_recomputing_blocks_changes_nothing():
    remat = dataclasses.replace(SMALL, remat=True)
    given = variables()
    view = (*views(), np.array([24, 13, 20]))

    def loss(params, config):
        z, after = train_pass({**given, "params": params}, *view, config=config)
        return jnp.sum(jnp.square(z)), after["batch_stats"]

    plain, again = (
        jax.value_and_grad(loss, has_aux=True)(given["params"], c)
        for c in (SMALL, remat)
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3),
        plain,
        again,
    )
    text = str(jax.make_jaxpr(lambda p: loss(p, remat))(given["params"]))
    assert "remat" in text or "checkpoint" in text


def test_messages_and_products_give_one_latent():
    given = variables()
    view = (*views(), None)
    dense, messages = (
        latent(given, *view, config=dataclasses.replace(SMALL, message_passing=form))
        for form in ("dense", "jraph")
    )
    np.testing.assert_allclose(dense, messages, rtol=1e-5, atol=1e-5)


def test_magnitudes_enter_beside_the_channels():
    config = dataclasses.replace(SMALL, magnitudes=True)
    given = variables(config)
    assert given["params"]["mask_token"].shape == (8,)
    signal, visible, valid = views()
    visible[:] = True
    found = latent(given, signal, visible, valid, None, config=config)
    # Only the magnitudes are left, and they do not change with an axis's sign.
    params = given["params"]
    params["data_norm"]["scale"] = params["data_norm"]["scale"].at[..., :6].set(0)
    plain, turned = (
        latent(given, x, visible, valid, None, config=config)
        for x in (signal, signal * np.float32([1, -1, -1, -1, -1, 1]))
    )
    np.testing.assert_allclose(plain, turned, **CLOSE)
    assert np.abs(found - plain).max() > 1e-3


@pytest.mark.parametrize("config", [SMALL, LAYER], ids=["batch", "layer"])
def test_axes_name_every_dimension(config):
    params = variables(config)["params"]
    axes = encoder.axes(config)
    jax.tree.map(lambda p, names: check_names(p.shape, names), params, axes)
    assert axes["block_2"]["conv"]["kernel"] == ("kernel", "embed", "mlp")


def check_names(shape, names):
    assert isinstance(names, tuple)
    assert len(names) == len(shape)


def test_edge_importance_is_an_option():
    config = dataclasses.replace(SMALL, edge_importance=False)
    learned, view = variables(), (*views(), None)
    plain = jax.tree.map(lambda x: x, learned)
    for i in range(3):
        del plain["params"][f"block_{i}"]["graph"]["importance"]
        # It starts from one, which changes nothing.
        learned["params"][f"block_{i}"]["graph"]["importance"] = jnp.ones((3, 23, 23))
    assert jax.tree.structure(plain) == jax.tree.structure(variables(config))
    found = latent(plain, *view, config=config)
    np.testing.assert_allclose(found, latent(learned, *view), **CLOSE)


def test_fresh_variables_start_neutral():
    fresh = encoder.init(jax.random.key(0), SMALL)
    params = fresh["params"]
    np.testing.assert_array_equal(params["block_0"]["graph"]["importance"], 1)
    np.testing.assert_array_equal(params["mask_token"], 0)
    np.testing.assert_array_equal(fresh["batch_stats"]["data_norm"]["var"], 1)
    assert np.abs(params["block_2"]["conv"]["kernel"]).max() <= 1 / np.sqrt(5 * 6)


def test_statistics_are_global_over_devices():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    given = variables()
    signal, visible, valid = views(batch=8)
    # Devices see windows apart in size and length: local statistics would differ.
    signal *= np.arange(1, 9, dtype=np.float32)[:, None, None, None]
    view = (signal, visible, valid, np.arange(17, 25))
    expected = train_pass(given, *view)
    sharding = NamedSharding(mesh, PartitionSpec("data"))
    found = train_pass(
        jax.device_put(given, NamedSharding(mesh, PartitionSpec())),
        *(jax.device_put(x, sharding) for x in view),
    )
    assert len(found[0].sharding.device_set) == 8
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4),
        found,
        expected,
    )
