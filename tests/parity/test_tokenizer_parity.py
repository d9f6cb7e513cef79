"""The tokenizer against PyTorch: same random weights, same latents, lengths apart."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax import tokenizer
from anymo_jax.tokenizer import codes as codes_module
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.model import project

torch = pytest.importorskip("torch")

from tests.parity.pqvae_torch import random_pqvae  # noqa: E402

PAPER = TokenizerConfig()
SMALL = TokenizerConfig(
    latent=24,
    bottleneck=12,
    codebooks=3,
    entries=40,
    decoder_width=16,
    kernel=5,
    dilations=(1, 2),
)


def save(model, path):
    """The state dict as .npz, with the official code's two counters."""
    state = {key: value.numpy() for key, value in model.state_dict().items()}
    counter = np.zeros(len(state["quantizer.embedding"]), np.int64)
    for name in ("last", "total"):
        state[f"quantizer.{name}_dead_code_replacements"] = counter
    np.savez(path, **state)
    return path


@pytest.fixture(scope="module", params=[PAPER, SMALL], ids=["paper", "small"])
def pair(request, tmp_path_factory):
    """A PyTorch model, and what `import_official` makes of its state dict."""
    model = random_pqvae(request.param)
    path = save(model, tmp_path_factory.mktemp("official") / "tokenizer.npz")
    variables, config = tokenizer.import_official(path)
    return model, variables, config


def random_latents(config, batch=3, steps=21, seed=0):
    return np.random.default_rng(seed).normal(size=(batch, steps, config.latent))


def test_sizes_are_read_from_shapes(pair):
    model, _, config = pair
    expected = PAPER if model.quantizer.embedding.shape[0] == 2 else SMALL
    assert config == expected


def test_codes_equal_pytorchs_away_from_near_ties(pair):
    model, variables, config = pair
    latents = random_latents(config).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(latents))[1].numpy()
    found = tokenizer.encode_codes(variables, config, latents)
    chunks = project(variables["params"], config, jnp.asarray(latents))
    chunks = np.asarray(chunks, np.float64)[..., None, :]
    embedding = np.asarray(variables["codebook"]["embedding"], np.float64)
    nearest = np.sort(((chunks - embedding) ** 2).sum(axis=-1), axis=-1)
    clear = nearest[..., 1] - nearest[..., 0] > 1e-4 * nearest[..., 0]
    assert clear.mean() > 0.95
    np.testing.assert_array_equal(found[clear], expected[clear])
    assert len(np.unique(found)) > 20


def test_decoded_latents_equal_pytorchs(pair):
    model, variables, config = pair
    rng = np.random.default_rng(1)
    codes = rng.integers(0, config.entries, (2, 19, config.codebooks))
    with torch.no_grad():
        vectors = [
            e[c] for e, c in zip(model.quantizer.embedding, codes.T, strict=True)
        ]
        vectors = torch.cat(vectors, dim=-1).transpose(0, 1)
        expected = model.decoder(vectors).numpy()
    found = tokenizer.decode_codes(variables, config, codes)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.std())


def test_loss_and_gradients_pass_straight_through_as_pytorchs(pair):
    model, variables, config = pair
    latents = random_latents(config, seed=2).astype(np.float32)
    model.zero_grad()
    _, _, expected = model(torch.from_numpy(latents))
    expected.backward()
    length = jnp.full(len(latents), latents.shape[1])

    def loss(params):
        found = tokenizer.tokenize(
            params, variables["codebook"], config, jnp.asarray(latents), length
        )
        total, count = tokenizer.tokenizer_loss(jnp.asarray(latents), found, config)[
            "loss"
        ]
        return total / count

    found, gradients = jax.jit(jax.value_and_grad(loss))(variables["params"])
    assert float(found) == pytest.approx(expected.item(), rel=1e-5)
    pairs = {
        "projection/dense/kernel": "pre_quant.1.weight",
        "projection/norm/scale": "pre_quant.0.weight",
        "decoder/block_1/conv1/kernel": "decoder.blocks.1.conv1.weight",
        "decoder/out_norm/bias": "decoder.out_norm.bias",
    }
    theirs = {name: p.grad.numpy() for name, p in model.named_parameters()}
    for ours, official in pairs.items():
        gradient = gradients
        for name in ours.split("/"):
            gradient = gradient[name]
        gradient, other = np.asarray(gradient).T, theirs[official]
        tolerance = 1e-4 * np.abs(other).max()
        np.testing.assert_allclose(gradient, other, rtol=1e-4, atol=tolerance)


def test_a_padded_window_equals_pytorchs_whole_one(pair):
    """PyTorch knows no lengths: each window is given to it alone, cut."""
    model, variables, config = pair
    rng = np.random.default_rng(3)
    lengths = np.array([5, 13, 8])
    codes = rng.integers(0, config.entries, (3, 13, config.codebooks))
    found = codes_module.decode_codes(variables, config, codes, lengths)
    for window, length, latent in zip(codes, lengths, found, strict=True):
        with torch.no_grad():
            parts = zip(model.quantizer.embedding, window[:length].T, strict=True)
            expected = model.decoder(torch.cat([e[c] for e, c in parts], -1)[None])
        scale = expected.std().item()
        np.testing.assert_allclose(
            latent[:length], expected[0].numpy(), rtol=1e-4, atol=1e-4 * scale
        )
        assert not latent[length:].any()
