"""Hugging Face directories: round trips, sharded reading, and what is refused."""

import dataclasses
import json
import re
import shutil

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy

from anymo_jax.language.qwen2 import (
    Rows,
    abstract_params,
    axes,
    load_qwen2,
    preset,
    save_qwen2,
)
from anymo_jax.language.qwen2.layout import places
from anymo_jax.language.qwen2.shards import Shards
from anymo_jax.training import sharding

TIED = preset(
    "tiny", vocab_size=40, hidden_size=16, intermediate_size=24, layers=3, head_dim=8
)
UNTIED = dataclasses.replace(TIED, tie_embeddings=False)
UP = "model.layers.1.mlp.up_proj.weight"


def random_params(config, dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: rng.normal(size=leaf.shape).astype(jnp.dtype(dtype)),
        abstract_params(config),
    )


def tensors_of(directory):
    """Every tensor of a directory, whichever file it is in."""
    found = {}
    for path in sorted(directory.glob("*.safetensors")):
        found |= safetensors.numpy.load_file(path)
    return found


def assert_same(found, expected):
    def same(a, b):
        assert a.dtype == b.dtype and a.shape == b.shape
        assert np.asarray(a).tobytes() == np.asarray(b).tobytes()

    jax.tree.map(same, found, expected)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("config", [TIED, UNTIED], ids=["tied", "untied"])
@pytest.mark.parametrize("shard_bytes", [4000, 10**9])
def test_what_is_written_is_read_byte_for_byte(tmp_path, config, dtype, shard_bytes):
    config = dataclasses.replace(config, dtype=dtype)
    params = random_params(config, dtype)
    save_qwen2(tmp_path / "model", params, config, shard_bytes=shard_bytes)
    found, told = load_qwen2(tmp_path / "model")
    assert told == config
    assert_same(found, params)
    files = list((tmp_path / "model").glob("*.safetensors"))
    assert (len(files) > 3) == (shard_bytes == 4000)
    assert not [path for path in tmp_path.iterdir() if path.name != "model"]
    assert len({path.stat().st_mode for path in (tmp_path / "model").iterdir()}) == 1


def test_the_layout_is_pytorchs(tmp_path):
    params = random_params(UNTIED)
    save_qwen2(tmp_path / "model", params, UNTIED)
    found, layers = tensors_of(tmp_path / "model"), params["layers"]
    query = layers["attention"]["query"]["kernel"][2]
    expected = {
        "model.layers.2.self_attn.q_proj.weight": query.reshape(16, 4 * 8).T,
        "model.layers.0.self_attn.o_proj.weight": (
            layers["attention"]["out"]["kernel"][0].reshape(4 * 8, 16).T
        ),
        "model.layers.1.self_attn.k_proj.bias": (
            layers["attention"]["key"]["bias"][1].ravel()
        ),
        UP: layers["up"]["kernel"][1].T,
        "lm_head.weight": params["head"],
        "model.norm.weight": params["norm"]["scale"],
    }
    assert found.keys() == {place.tensor for place in places(UNTIED)}
    assert len(found) == 3 + 12 * UNTIED.layers
    for name, tensor in expected.items():
        np.testing.assert_array_equal(found[name], tensor)


def test_a_device_reads_its_part_alone(tmp_path, monkeypatch):
    params = random_params(UNTIED)
    save_qwen2(tmp_path / "model", params, UNTIED)
    read, values = Shards.read, []

    def counted(self, tensor, part):
        found = read(self, tensor, part)
        values.append(found.size)
        return found

    monkeypatch.setattr(Shards, "read", counted)
    mesh = sharding.make_mesh(sharding.MeshShape(data=2, fsdp=2, tensor=2))
    where = sharding.params_sharding(mesh, abstract_params(UNTIED), axes(UNTIED))
    found, _ = load_qwen2(tmp_path / "model", sharding=where)
    assert_same(found, params)
    jax.tree.map(lambda leaf, at: leaf.sharding == at or pytest.fail(), found, where)
    # Copies over the data axis are read once; no value is read twice.
    assert sum(values) == sum(leaf.size for leaf in jax.tree.leaves(params))
    assert max(values) == params["embedding"].size // 4


def test_any_division_of_axes_is_read_right(tmp_path):
    """Across heads and within them, with layers apart, which RULES never asks for."""
    params = random_params(UNTIED)
    save_qwen2(tmp_path / "model", params, UNTIED)
    mesh = sharding.make_mesh(sharding.MeshShape(data=1, fsdp=4, tensor=2))
    kinds = {4: (None, None, "tensor", "fsdp"), 3: (None, "tensor", "fsdp")}
    where = jax.tree.map(
        lambda leaf: jax.sharding.NamedSharding(
            mesh, jax.sharding.PartitionSpec(*kinds.get(leaf.ndim, ()))
        ),
        abstract_params(UNTIED),
    )
    assert_same(load_qwen2(tmp_path / "model", sharding=where)[0], params)


@pytest.mark.parametrize("stored", ["float32", "bfloat16", "float16"])
def test_a_dtype_may_be_asked_for(tmp_path, stored):
    params = random_params(TIED, stored)
    save_qwen2(tmp_path / "model", params, TIED)
    everywhere = sharding.replicated(sharding.make_mesh(sharding.MeshShape()))
    found, config = load_qwen2(
        tmp_path / "model", dtype="bfloat16", sharding=everywhere
    )
    assert config.dtype == "bfloat16"
    assert_same(found, jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params))
    assert found["embedding"].sharding == everywhere
    kept, config = load_qwen2(tmp_path / "model")
    assert_same(kept, params)
    assert config.dtype == ("bfloat16" if stored == "bfloat16" else "float32")


def test_baked_rows_untie_the_head(tmp_path):
    params = random_params(TIED)
    baked = np.random.default_rng(5).normal(size=(7, 16)).astype(np.float32)
    save_qwen2(tmp_path / "model", params, TIED, embedding_rows=Rows(30, baked))
    found, config = load_qwen2(tmp_path / "model")
    assert config == UNTIED
    expected = params["embedding"].copy()
    expected[30:37] = baked
    np.testing.assert_array_equal(found["embedding"], expected)
    np.testing.assert_array_equal(found["head"], params["embedding"])
    assert_same(found["layers"], params["layers"])


def test_rows_of_an_untied_head_are_its_own(tmp_path):
    params = random_params(UNTIED)
    rows = Rows(0, np.ones((2, 16), np.float32))
    save_qwen2(tmp_path / "model", params, UNTIED, head_rows=rows)
    found = load_qwen2(tmp_path / "model")[0]
    np.testing.assert_array_equal(found["embedding"], params["embedding"])
    np.testing.assert_array_equal(found["head"][:2], 1)
    np.testing.assert_array_equal(found["head"][2:], params["head"][2:])


@pytest.fixture
def sharded(tmp_path):
    """A directory of many shards, and the shard that holds `UP`."""
    save_qwen2(tmp_path / "model", random_params(TIED), TIED, shard_bytes=4000)
    index = json.loads((tmp_path / "model/model.safetensors.index.json").read_text())
    return tmp_path / "model", tmp_path / "model" / index["weight_map"][UP]


def change(path, edit):
    tensors = safetensors.numpy.load_file(path)
    edit(tensors)
    safetensors.numpy.save_file(tensors, path, {"format": "pt"})


def test_a_missing_shard_is_named(sharded):
    directory, shard = sharded
    shard.unlink()
    with pytest.raises(ValueError, match=f"{shard.name}: no such file, which .*index"):
        load_qwen2(directory)


def test_a_directory_without_weights_is_refused(sharded):
    directory, _ = sharded
    for path in directory.glob("model*"):
        path.unlink()
    with pytest.raises(ValueError, match=r"model.safetensors: no such file, and no"):
        load_qwen2(directory)


@pytest.mark.parametrize("keep", [0, 100, -10])
def test_a_shard_cut_short_is_named(sharded, keep):
    directory, shard = sharded
    shard.write_bytes(shard.read_bytes()[:keep])
    with pytest.raises(ValueError, match=f"{shard.name}: .*cut short.*copy it anew"):
        load_qwen2(directory)


def test_a_tensor_that_the_index_misplaces_is_named(sharded):
    directory, shard = sharded
    change(shard, lambda tensors: tensors.pop(UP))
    message = f"{shard.name}: no tensor {re.escape(UP)}"
    with pytest.raises(ValueError, match=message):
        load_qwen2(directory)


def test_an_index_may_not_point_elsewhere(sharded):
    directory, _ = sharded
    path = directory / "model.safetensors.index.json"
    path.write_text(path.read_text().replace("model-00001", "../model-00001"))
    with pytest.raises(ValueError, match="is not the name of a file beside it"):
        load_qwen2(directory)


def test_a_tensor_that_is_in_two_files_is_named(sharded):
    directory, shard = sharded
    other = next(p for p in sorted(directory.glob("*.safetensors")) if p != shard)
    change(other, lambda tensors: tensors.update({UP: np.zeros((24, 16), np.float32)}))
    with pytest.raises(ValueError, match=f"{re.escape(UP)} is in both"):
        load_qwen2(directory)


def single(tmp_path, edit, config=TIED, **changes):
    """A directory of one file, with its tensors and its config.json edited."""
    directory = tmp_path / "model"
    save_qwen2(directory, random_params(config), config)
    change(directory / "model.safetensors", edit)
    path = directory / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return directory


def half(tensors):
    tensors[UP] = tensors[UP].astype(ml_dtypes.bfloat16)


def whole_numbers(tensors):
    tensors[UP] = tensors[UP].astype(np.int8)


def turned(tensors):
    tensors[UP] = np.ascontiguousarray(tensors[UP].T)


@pytest.mark.parametrize(
    ("edit", "changes", "dtype", "message"),
    [
        (lambda t: t.pop(UP), {}, None, f"missing: {UP}"),
        (
            lambda t: t.update(odd=t[UP] + 1),
            {},
            None,
            "unexpected: model.safetensors: odd",
        ),
        (turned, {}, None, rf"{UP} \(16, 24\), expected \(24, 16\)"),
        (half, {}, None, f"model.safetensors: {UP} bfloat16, expected float32"),
        (whole_numbers, {}, "float32", f"{UP} I8, expected float32 or bfloat16"),
        (lambda t: None, {"torch_dtype": "bfloat16"}, None, "float32, expected bfl"),
        (lambda t: None, {"vocab_size": 41}, None, r"\(40, 16\), expected \(41, 16\)"),
        (lambda t: None, {"num_hidden_layers": 4}, None, r"missing: model.layers.3.*"),
        (lambda t: None, {"num_hidden_layers": 2}, None, "and 4 more"),
        (lambda t: None, {"model_type": "qwen3"}, None, "model_type is 'qwen3'"),
        (lambda t: None, {}, "int8", "dtype is 'int8'"),
    ],
)
def test_tensors_that_do_not_fit_are_named(tmp_path, edit, changes, dtype, message):
    directory = single(tmp_path, edit, **changes)
    with pytest.raises(ValueError, match=message):
        load_qwen2(directory, dtype=dtype)


def test_a_head_beside_a_tied_embedding_is_refused(tmp_path):
    directory = single(tmp_path, lambda tensors: None, UNTIED, tie_word_embeddings=True)
    with pytest.raises(ValueError, match="tie_word_embeddings to false"):
        load_qwen2(directory)


def test_a_sharding_of_another_tree_is_refused(sharded):
    mesh = sharding.make_mesh(sharding.MeshShape())
    with pytest.raises(ValueError, match="sharding has the structure"):
        load_qwen2(sharded[0], sharding={"embedding": sharding.replicated(mesh)})


def test_a_config_without_dtype_takes_the_embeddings(tmp_path):
    save_qwen2(tmp_path / "model", random_params(TIED, "bfloat16"), TIED)
    path = tmp_path / "model" / "config.json"
    fields = json.loads(path.read_text())
    del fields["torch_dtype"]
    path.write_text(json.dumps(fields))
    params, config = load_qwen2(tmp_path / "model")
    assert params["embedding"].dtype == jnp.bfloat16 and config.dtype == "bfloat16"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"config": UNTIED}, r"head None, expected \(40, 16\)"),
        ({"params": random_params(TIED, "float64")}, "float64.*cast them"),
        ({"embedding_rows": Rows(38, np.zeros((3, 16)))}, "embed_tokens.*from 38"),
        ({"head_rows": Rows(0, np.zeros((3, 15)))}, "lm_head.*do not fit"),
        ({"extra": {"vocab_size": 3}}, "extra repeats"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, arguments, message):
    arguments = {"params": random_params(TIED), "config": TIED, **arguments}
    with pytest.raises(ValueError, match=message):
        save_qwen2(tmp_path / "model", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_directory_with_files_is_not_written_over(sharded):
    before = tensors_of(sharded[0])
    with pytest.raises(ValueError, match="holds files"):
        save_qwen2(sharded[0], random_params(TIED, seed=1), TIED)
    assert_same(tensors_of(sharded[0]), before)


def test_what_a_killed_writer_left_is_in_nobodys_way(tmp_path):
    (tmp_path / ".model.partial").mkdir()
    (tmp_path / ".model.partial" / "model.safetensors").write_text("half")
    (tmp_path / "model").mkdir()
    save_qwen2(tmp_path / "model", random_params(TIED), TIED)
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    shutil.rmtree(tmp_path / "model")
    assert not list(tmp_path.iterdir())
