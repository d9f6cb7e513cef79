"""Our Qwen2 against PyTorch's in transformers: same random weights, same tokens."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from anymo_jax.language.generate import generate
from anymo_jax.language.qwen2 import (
    Qwen2,
    Qwen2Config,
    abstract_params,
    load_qwen2,
    qwen2_logits,
    read_config,
    save_qwen2,
)

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

VOCABULARY, CONTEXT = 97, 64
# By name: tied, query heads, key and value heads, width of a head.
MODELS = {"tied": (True, 4, 2, 8), "untied": (False, 6, 1, 16)}
HIDDEN = 32


def random_qwen2(tied, heads, kv_heads, head_dim, seed=0):
    """A PyTorch model whose biases and scales are random too."""
    torch.manual_seed(seed)
    config = transformers.Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5,
        rope_parameters={"rope_type": "default", "rope_theta": 5000.0},
        tie_word_embeddings=tied,
        attn_implementation="eager",
    )
    model = transformers.Qwen2ForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            middle = 1.0 if "norm" in name else 0.0
            # Layers outweigh the embedding, lest a tied model repeat its last token.
            parameter.normal_(middle, 0.15 if "embed" in name else 0.3)
    return model


@pytest.fixture(scope="module", params=MODELS)
def pair(request, tmp_path_factory):
    """A PyTorch model, its directory, and what `load_qwen2` makes of it."""
    model = random_qwen2(*MODELS[request.param])
    directory = tmp_path_factory.mktemp(request.param)
    # Many shards for one of them, a single file for the other.
    size = "20KB" if request.param == "tied" else "1GB"
    model.save_pretrained(directory, max_shard_size=size)
    return model, directory, *load_qwen2(directory)


def some_tokens(rows=3, length=11, seed=0):
    return np.random.default_rng(seed).integers(0, VOCABULARY, (rows, length))


def a_mask(side, rows=3, length=11):
    """Rows with 0, 3, 6, ... tokens of padding on a side."""
    padding = 3 * np.arange(rows)[:, None]
    steps = np.arange(length)[None]
    return steps >= padding if side == "left" else steps < length - padding


def their_logits(model, tokens, mask=None):
    mask = np.ones(tokens.shape, int) if mask is None else mask.astype(int)
    positions = np.maximum(mask.cumsum(axis=1) - 1, 0)
    with torch.no_grad():
        return model(
            torch.from_numpy(tokens),
            attention_mask=torch.from_numpy(mask),
            position_ids=torch.from_numpy(positions),
        ).logits


@functools.partial(jax.jit, static_argnames="config")
def our_logits(params, config, tokens, mask):
    model, variables = Qwen2(config), {"params": params}
    x = model.apply(variables, tokens, method="embed")
    hidden = model.apply(variables, x, mask)
    return model.apply(variables, hidden, method="logits")


def test_logits_equal_pytorchs(pair):
    model, _, params, config = pair
    tokens = some_tokens()
    expected = their_logits(model, tokens).numpy()
    assert expected.std() > 0.5
    found = qwen2_logits(params, config, tokens)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_logits_equal_pytorchs(pair, side):
    model, _, params, config = pair
    tokens, mask = some_tokens(), a_mask(side)
    expected = their_logits(model, tokens, mask).numpy()
    found = np.asarray(our_logits(params, config, tokens, mask))
    np.testing.assert_allclose(found[mask], expected[mask], rtol=0, atol=1e-4)


@pytest.mark.parametrize("pair", ["untied"], indirect=True)
def test_loss_and_gradients_equal_pytorchs(pair):
    model, _, params, config = pair
    tokens = some_tokens(seed=1)
    expected = model(torch.from_numpy(tokens), labels=torch.from_numpy(tokens)).loss
    model.zero_grad()
    expected.backward()

    def loss(params):
        every = jnp.ones(tokens.shape, bool)
        logits = our_logits(params, config, jnp.asarray(tokens), every)
        losses = optax.softmax_cross_entropy_with_integer_labels(
            logits[:, :-1], tokens[:, 1:]
        )
        return losses.mean()

    found, gradients = jax.jit(jax.value_and_grad(loss))(params)
    assert float(found) == pytest.approx(expected.item(), rel=1e-5)
    theirs = {name: p.grad.numpy() for name, p in model.named_parameters()}
    layers = gradients["layers"]
    ours = {
        "embed_tokens.weight": gradients["embedding"],
        "layers.1.mlp.down_proj.weight": layers["down"]["kernel"][1].T,
        "layers.0.input_layernorm.weight": layers["attention_norm"]["scale"][0],
        "layers.2.self_attn.v_proj.bias": layers["attention"]["value"]["bias"][2],
    }
    for name, gradient in ours.items():
        other = theirs[f"model.{name}"]
        gradient = np.asarray(gradient).reshape(other.shape)
        tolerance = 1e-4 * np.abs(other).max()
        np.testing.assert_allclose(gradient, other, rtol=1e-3, atol=tolerance)


def test_bfloat16_is_as_near_float32_as_pytorchs(tmp_path):
    """Roundings differ by kernel, so each is held against the same float32 logits.

    Both err by 1 per cent of the logits' deviation on average.
    """
    random_qwen2(*MODELS["tied"]).to(torch.bfloat16).save_pretrained(tmp_path)
    params, config = load_qwen2(tmp_path)
    assert config.dtype == "bfloat16" and params["embedding"].dtype == jnp.bfloat16
    tokens = some_tokens()
    opened = functools.partial(
        transformers.Qwen2ForCausalLM.from_pretrained,
        tmp_path,
        attn_implementation="eager",
    )
    exact, theirs = (
        their_logits(opened(dtype=dtype).eval(), tokens).float().numpy()
        for dtype in (torch.float32, torch.bfloat16)
    )
    ours = np.asarray(qwen2_logits(params, config, tokens))
    assert ours.dtype == np.float32
    error, peer = np.abs(ours - exact), np.abs(theirs - exact)
    assert 0 < error.mean() <= 1.2 * peer.mean()
    assert np.abs(ours - theirs).mean() <= 0.02 * exact.std()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.25 * exact.std())


def their_text(model, tokens, mask, stop, new):
    with torch.no_grad():
        return model.generate(
            torch.from_numpy(tokens),
            attention_mask=torch.from_numpy(mask.astype(int)),
            max_new_tokens=new,
            do_sample=False,
            eos_token_id=list(stop) or None,
            pad_token_id=stop[0] if stop else 0,
        ).numpy()


@pytest.mark.parametrize("pair", ["tied"], indirect=True)
def test_greedy_text_equals_transformers_token_for_token(pair):
    model, _, params, config = pair
    tokens, mask = some_tokens(), a_mask("left")
    free = their_text(model, tokens, mask, (), 20)
    new = free[:, tokens.shape[1] :]
    # Ends the first row early and leaves the last alone.
    stop = [int(token) for token in new[0] if token not in new[2]][:2]
    expected = their_text(model, tokens, mask, stop, 20)
    assert expected.shape == free.shape and (expected != free).any()
    found = generate(params, config, tokens, max_new_tokens=20, mask=mask, stop=stop)
    np.testing.assert_array_equal(found, expected)


def test_transformers_opens_what_we_write_and_gives_our_logits(tmp_path):
    config = Qwen2Config(
        vocab_size=VOCABULARY,
        hidden_size=HIDDEN,
        intermediate_size=40,
        layers=2,
        heads=4,
        kv_heads=2,
        head_dim=16,
        rope_theta=2000.0,
        norm_epsilon=1e-4,
        tie_embeddings=False,
        max_length=CONTEXT,
    )
    rng = np.random.default_rng(0)
    params = jax.tree.map(
        lambda leaf: rng.normal(0.1, 0.3, leaf.shape).astype(np.float32),
        abstract_params(config),
    )
    save_qwen2(
        tmp_path / "ours", params, config, shard_bytes=20_000, extra={"eos_token_id": 5}
    )
    model, told = transformers.Qwen2ForCausalLM.from_pretrained(
        tmp_path / "ours", output_loading_info=True
    )
    assert not any(told.values())
    assert model.dtype == torch.float32 and model.config.eos_token_id == 5
    tokens = some_tokens()
    expected = their_logits(model.eval(), tokens).numpy()
    found = qwen2_logits(params, config, tokens)
    assert expected.std() > 0.1
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_a_directory_goes_round_with_every_byte(pair, tmp_path):
    model, _, params, config = pair
    save_qwen2(tmp_path / "again", params, config)
    again = transformers.Qwen2ForCausalLM.from_pretrained(tmp_path / "again")
    theirs, ours = model.state_dict(), again.state_dict()
    assert theirs.keys() == ours.keys()
    for name, tensor in theirs.items():
        assert tensor.dtype == ours[name].dtype
        assert tensor.numpy().tobytes() == ours[name].numpy().tobytes(), name
    # Where it came from, and the dtype, which a model made in memory does not tell.
    apart = {"_name_or_path", "dtype"}
    theirs, ours = model.config.to_dict(), again.config.to_dict()
    told = theirs.keys() | ours.keys()
    assert not {key for key in told - apart if theirs.get(key) != ours.get(key)}
    assert read_config(tmp_path / "again") == config
