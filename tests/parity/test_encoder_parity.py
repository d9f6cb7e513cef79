"""Encoder and predictor against PyTorch: same random weights, same signals.

Tolerance: 1e-4 of the largest value, float32 on both sides.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax import encoder
from anymo_jax.encoder.graph import adjacency
from anymo_jax.encoder.state_dict import read_state_dict

torch = pytest.importorskip("torch")

from tests.parity import stgcn_torch as official  # noqa: E402

NARROW = (8, 8, 8, 8, 12, 12, 12, 16, 16, 16)


def close(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def arrays(module):
    return {key: value.numpy() for key, value in module.state_dict().items()}


def imported(module, folder, read=encoder.import_official):
    path = folder / "official.npz"
    np.savez(path, **arrays(module))
    return read(path)


def views(batch, frames, seed=0):
    """Signals of the size of real ones, and a few visible nodes."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=(batch, frames, 23, 6)) * 4 + 2
    visible = rng.random((batch, 23)) < 0.3
    return signal.astype(np.float32), visible


def run_torch(module, signal, visible):
    theirs = torch.from_numpy(signal).permute(0, 3, 1, 2)[..., None]
    with torch.no_grad():
        return module(theirs, torch.from_numpy(visible)).numpy()


@functools.partial(jax.jit, static_argnums=0)
def train_pass(config, variables, signal, visible):
    view = (signal, visible, None, None)
    return encoder.train_pass(config, variables, *view, sparse=True)


@pytest.fixture
def narrow():
    return official.randomise(official.STGCNEncoder(NARROW), 0).eval()


def test_the_graph_is_the_officials():
    np.testing.assert_array_equal(adjacency(), official.spatial_partitions())


def test_the_full_size_encoder(tmp_path):
    module = official.randomise(official.STGCNEncoder(), 0).eval()
    variables, config = imported(module, tmp_path)
    assert config == encoder.EncoderConfig()
    signal, visible = views(2, 40)
    found = encoder.encode(variables, config, signal, visible)
    assert found.shape == (2, 10, 256)
    close(found, run_torch(module, signal, visible))


@pytest.mark.parametrize("frames", [1, 33, 64])
def test_any_length(narrow, tmp_path, frames):
    variables, config = imported(narrow, tmp_path)
    signal, visible = views(3, frames)
    found = encoder.encode(variables, config, signal, visible)
    close(found, run_torch(narrow, signal, visible))


def test_in_training_and_the_running_averages_after_two_passes(narrow, tmp_path):
    variables, config = imported(narrow, tmp_path)
    narrow.train()
    for seed in (0, 1):
        signal, visible = views(3, 41, seed)
        latent, variables = train_pass(config, variables, signal, visible)
        close(latent, run_torch(narrow, signal, visible))
    path = tmp_path / "after.npz"
    encoder.export_official(path, variables, config)
    found = read_state_dict(path)
    for key, expected in arrays(narrow).items():
        if "running" in key:
            close(found[key], expected)


def test_gradients(narrow, tmp_path):
    variables, config = imported(narrow, tmp_path)
    narrow.train()
    signal, visible = views(3, 41)
    weight = np.random.default_rng(2).normal(size=(3, 11, 16)).astype(np.float32)

    def loss(params):
        given = {**variables, "params": params}
        latent, _ = train_pass(config, given, signal, visible)
        return jnp.sum(latent * weight)

    grads = jax.jit(jax.grad(loss))(variables["params"])
    theirs = torch.from_numpy(signal).permute(0, 3, 1, 2)[..., None]
    latent = narrow(theirs, torch.from_numpy(visible))
    torch.sum(latent * torch.from_numpy(weight)).backward()
    block = narrow.st_gcn_networks[4]
    # Edges that A does not have get no gradient in either.
    close(grads["block_4"]["graph"]["importance"], narrow.edge_importance[4].grad)
    conv = block.tcn[2].weight.grad[..., 0]
    close(grads["block_4"]["conv"]["kernel"], conv.permute(2, 1, 0))
    mix = block.gcn.conv.weight.grad.view(3, 12, 8)
    close(grads["block_4"]["graph"]["kernel"], mix.permute(0, 2, 1))
    close(grads["mask_token"], narrow.mask_token.grad)
    close(grads["data_norm"]["scale"].reshape(-1), narrow.data_bn.weight.grad)


@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_official_weights_return_bit_for_bit(narrow, tmp_path, suffix):
    variables, config = imported(narrow, tmp_path)
    path = tmp_path / f"again.{suffix}"
    encoder.export_official(path, variables, config)
    found = read_state_dict(path)
    expected = arrays(narrow)
    assert found.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key], err_msg=key)
    again, config_again = encoder.import_official(path)
    assert config_again == config
    jax.tree.map(np.testing.assert_array_equal, again, variables)


def test_another_normalisation_of_the_graph_is_taken_up(narrow, tmp_path):
    narrow.A.mul_(torch.linspace(0.5, 2, 23)[None, :, None])
    variables, config = imported(narrow, tmp_path)
    signal, visible = views(2, 20)
    found = encoder.encode(variables, config, signal, visible)
    close(found, run_torch(narrow, signal, visible))


def test_another_body_is_refused(narrow, tmp_path):
    narrow.A[1, 3, 22] = 0.5
    with pytest.raises(ValueError, match=r"A joins nodes 3 -> 22 in partition 1"):
        imported(narrow, tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s.pop("mask_token"), "missing: mask_token"),
        (lambda s: s.pop("A"), "missing: A"),
        (lambda s: s.update(head=np.zeros(3)), "unexpected: head"),
        (
            lambda s: s.update({"edge_importance.2": np.zeros((3, 22, 22))}),
            r"edge_importance.2 \(3, 22, 22\), expected \(3, 23, 23\)",
        ),
        (
            lambda s: s.pop("st_gcn_networks.4.residual.0.weight"),
            "missing: st_gcn_networks.4.residual.0.weight",
        ),
        (lambda s: s.clear(), "no encoder"),
    ],
)
def test_wrong_keys_are_named(narrow, tmp_path, change, told):
    state = arrays(narrow)
    change(state)
    np.savez(tmp_path / "odd.npz", **state)
    with pytest.raises(ValueError, match=rf"odd\.npz: .*{told}"):
        encoder.import_official(tmp_path / "odd.npz")


def test_counters_may_be_absent(narrow, tmp_path):
    state = {k: v for k, v in arrays(narrow).items() if "num_batches" not in k}
    np.savez(tmp_path / "bare.npz", **state)
    variables, _ = encoder.import_official(tmp_path / "bare.npz")
    jax.tree.map(
        np.testing.assert_array_equal, variables, imported(narrow, tmp_path)[0]
    )


@pytest.mark.parametrize(
    "changed", [{"norm": "layer"}, {"strides": (2,) * 10}, {"magnitudes": True}]
)
def test_an_encoder_of_another_kind_is_not_exported(tmp_path, changed):
    config = encoder.EncoderConfig(channels=NARROW, **changed)
    with pytest.raises(ValueError, match=f"official encoder has {next(iter(changed))}"):
        encoder.export_official(tmp_path / "x.npz", {}, config)


@pytest.mark.parametrize(("width", "layers"), [(256, 6), (64, 2)])
def test_the_predictor(tmp_path, width, layers):
    module = official.randomise(official.TemporalPredictor(width, layers), 1).eval()
    read = encoder.import_official_predictor
    variables, config = imported(module, tmp_path, read)
    assert config == encoder.PredictorConfig(layers=layers, width=width)
    latents = np.random.default_rng(0).normal(size=(3, 20, width)).astype(np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(latents)).numpy()
    close(encoder.predict_full(variables, config, latents), expected)


def test_predictor_weights_return_bit_for_bit(tmp_path):
    module = official.randomise(official.TemporalPredictor(64, 2), 1)
    read = encoder.import_official_predictor
    variables, config = imported(module, tmp_path, read)
    path = tmp_path / "again.safetensors"
    encoder.export_official_predictor(path, variables, config)
    found, expected = read_state_dict(path), arrays(module)
    assert found.keys() == expected.keys()
    for key in expected:
        np.testing.assert_array_equal(found[key], expected[key], err_msg=key)


def test_wrong_keys_of_a_predictor_are_named(tmp_path):
    state = arrays(official.TemporalPredictor(64, 2))
    del state["blocks.1.attn.in_proj_bias"]
    np.savez(tmp_path / "odd.npz", **state)
    with pytest.raises(ValueError, match=r"missing: blocks\.1\.attn\.in_proj_bias"):
        encoder.import_official_predictor(tmp_path / "odd.npz")
