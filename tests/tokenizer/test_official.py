"""Official weights in and out, and which files are refused how."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from anymo_jax import tokenizer
from anymo_jax.encoder.state_dict import read_state_dict
from tests.tokenizer.small import CONFIG, variables

# Names and shapes of official-checkpoint.md at the sizes of CONFIG.
LAYOUT = {
    "pre_quant.0.weight": (12,),
    "pre_quant.1.weight": (8, 12),
    "quantizer.embedding": (2, 24, 4),
    "quantizer.cluster_size": (2, 24),
    "quantizer.embed_avg": (2, 24, 4),
    "decoder.in_norm.bias": (8,),
    "decoder.in_proj.weight": (16, 8, 1),
    "decoder.blocks.1.norm2.weight": (16,),
    "decoder.blocks.1.conv2.weight": (16, 16, 3),
    "decoder.out_norm.weight": (16,),
    "decoder.out_proj.weight": (12, 16, 1),
    "decoder.out_proj.bias": (12,),
}


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_round_trip_is_exact(tmp_path, suffix):
    given, path = variables(), tmp_path / f"tokenizer{suffix}"
    tokenizer.export_official(path, given, CONFIG)
    found, config = tokenizer.import_official(path)
    assert config == CONFIG
    assert jax.tree.structure(found) == jax.tree.structure(given)
    jax.tree.map(np.testing.assert_array_equal, found, given)
    assert all(leaf.dtype == jnp.float32 for leaf in jax.tree.leaves(found))


def test_keys_and_shapes_are_the_official_ones(tmp_path):
    tokenizer.export_official(tmp_path / "t.npz", variables(), CONFIG)
    arrays = read_state_dict(tmp_path / "t.npz")
    assert {key: arrays[key].shape for key in LAYOUT} == LAYOUT
    # Two layers before, three buffers, six of the decoder's own and two blocks of four.
    assert len(arrays) == 4 + 3 + 8 + 2 * 8


def test_every_fault_is_listed_at_once(tmp_path):
    tokenizer.export_official(tmp_path / "t.npz", variables(), CONFIG)
    arrays = read_state_dict(tmp_path / "t.npz")
    del arrays["decoder.blocks.1.norm2.bias"]
    arrays["decoder.extra"] = np.zeros(3, np.float32)
    arrays["pre_quant.1.weight"] = arrays["pre_quant.1.weight"].T
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(ValueError) as caught:
        tokenizer.import_official(tmp_path / "t.npz")
    told = str(caught.value)
    assert "missing: decoder.blocks.1.norm2.bias" in told
    assert "unexpected: decoder.extra" in told
    assert "pre_quant.1.weight (12, 8), expected (8, 12)" in told
    assert "t.npz" in told


@pytest.mark.parametrize("key", ["quantizer.embedding", "pre_quant.0.weight"])
def test_a_file_without_the_keys_of_its_sizes_says_so(tmp_path, key):
    tokenizer.export_official(tmp_path / "t.npz", variables(), CONFIG)
    arrays = read_state_dict(tmp_path / "t.npz")
    del arrays[key]
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(ValueError, match=f"missing: {key}"):
        tokenizer.import_official(tmp_path / "t.npz")


def test_a_width_no_tokenizer_can_have_names_the_file(tmp_path):
    config = dataclasses.replace(CONFIG, kernel=3)
    tokenizer.export_official(tmp_path / "t.npz", variables(), config)
    arrays = read_state_dict(tmp_path / "t.npz")
    arrays["decoder.blocks.0.conv1.weight"] = np.zeros((16, 16, 4), np.float32)
    np.savez(tmp_path / "t.npz", **arrays)
    with pytest.raises(ValueError, match=r"t\.npz: kernel is 4"):
        tokenizer.import_official(tmp_path / "t.npz")
