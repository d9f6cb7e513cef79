"""Sizes and config.json, old keys and new, and what is refused."""

import json

import pytest

from anymo_jax.language.qwen2 import PRESETS, Qwen2Config, preset, read_config
from anymo_jax.language.qwen2.config_file import write_config

# As published with Qwen2.5-0.5B.
PUBLISHED = {
    "architectures": ["Qwen2ForCausalLM"],
    "attention_dropout": 0.0,
    "bos_token_id": 151643,
    "eos_token_id": 151643,
    "hidden_act": "silu",
    "hidden_size": 896,
    "initializer_range": 0.02,
    "intermediate_size": 4864,
    "max_position_embeddings": 32768,
    "max_window_layers": 24,
    "model_type": "qwen2",
    "num_attention_heads": 14,
    "num_hidden_layers": 24,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "sliding_window": 32768,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 151936,
}


def put(directory, **changes):
    """Writes the published config.json with keys changed; None removes a key."""
    fields = {**PUBLISHED, **changes}
    fields = {key: value for key, value in fields.items() if value is not None}
    (directory / "config.json").write_text(json.dumps(fields))
    return directory


def test_the_published_file_is_the_preset(tmp_path):
    assert read_config(put(tmp_path)) == PRESETS["0.5b"]


def test_new_rope_keys_say_the_same(tmp_path):
    new = {"rope_type": "default", "rope_theta": 1000000.0}
    changed = put(tmp_path, rope_theta=None, rope_parameters=new, dtype="bfloat16")
    assert read_config(changed) == PRESETS["0.5b"]


def test_absent_keys_are_transformers_defaults(tmp_path):
    absent = dict.fromkeys(["rope_theta", "num_key_value_heads", "tie_word_embeddings"])
    config = read_config(put(tmp_path, **absent, torch_dtype="float32"))
    assert (config.rope_theta, config.kv_heads, config.head_dim) == (10000.0, 14, 64)
    assert not config.tie_embeddings and config.dtype == "float32"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_goes_through_its_file(tmp_path, name):
    config = preset(name, rope_theta=12345.0)
    write_config(tmp_path, config, config.dtype, {"eos_token_id": 7})
    assert read_config(tmp_path) == config
    assert json.loads((tmp_path / "config.json").read_text())["eos_token_id"] == 7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, "model_type is 'llama', expected 'qwen2'"),
        ({"use_sliding_window": True, "max_window_layers": 20}, "sliding window"),
        ({"layer_types": ["sliding_attention"] * 24}, "sliding window"),
        ({"rope_scaling": {"type": "yarn", "factor": 4.0}}, "yarn.*'default'"),
        ({"rope_parameters": {"rope_type": "linear"}}, "linear.*'default'"),
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"attention_dropout": 0.1}, "attention_dropout"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"hidden_size": None}, "hidden_size is None"),
        ({"num_key_value_heads": 3}, "multiple of kv_heads=3"),
        ({"torch_dtype": "int8"}, "dtype is 'int8'"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, dict) else "",
)
def test_what_is_not_supported_is_refused_by_name(tmp_path, changes, message):
    with pytest.raises(ValueError, match=f"config.json: .*{message}"):
        read_config(put(tmp_path, **changes))


def test_a_window_that_no_layer_uses_is_none(tmp_path):
    used_by_none = {"use_sliding_window": True, "max_window_layers": 24}
    assert read_config(put(tmp_path, **used_by_none)) == PRESETS["0.5b"]


@pytest.mark.parametrize("text", ["", "[1]", '{"model_type": '])
def test_a_file_that_is_no_json_object_is_refused(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"config.json: .*JSON"):
        read_config(tmp_path)


def test_a_directory_without_config_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"config.json: no such file"):
        read_config(tmp_path)


def test_extra_keys_may_not_contradict(tmp_path):
    with pytest.raises(ValueError, match="vocab_size"):
        write_config(tmp_path, PRESETS["tiny"], "float32", {"vocab_size": 3})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("vocab_size", 0), ("layers", 0), ("kv_heads", 3), ("head_dim", 7)],
        *[("dtype", "float16"), ("attention", "flash"), ("rope_theta", 0.0)],
        *[("attention", "cudnn"), ("max_length", 0), ("norm_epsilon", -1.0)],
    ],
)
def test_a_field_out_of_range_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        preset("tiny", **{field: value})


def test_an_unknown_preset_names_those_there_are():
    with pytest.raises(ValueError, match=r"'9b'; give one of .*0\.5b"):
        preset("9b")


def test_a_config_is_hashable_as_jit_needs():
    assert hash(preset("tiny")) == hash(Qwen2Config(**vars(preset("tiny"))))
