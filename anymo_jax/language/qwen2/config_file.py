"""config.json of a Hugging Face directory, read and written.

What it says beyond the sizes (sliding windows, scaled rotary positions, quantisation)
is refused where it would change a result, never passed over.
"""

import json
import pathlib
from collections.abc import Mapping
from typing import Any

from anymo_jax.language.qwen2.config import Qwen2Config

CONFIG_NAME = "config.json"

# Field of `Qwen2Config` -> key of config.json; these have no default there.
_SIZES = {
    "vocab_size": "vocab_size",
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "max_length": "max_position_embeddings",
}
# What transformers takes where a key is absent.
_DEFAULT_THETA, _DEFAULT_EPSILON = 10000.0, 1e-6
_DEFAULT_RANGE = 0.02
_STORED = ("float32", "bfloat16", "float16")


def read_config(directory: str | pathlib.Path) -> Qwen2Config:
    """The config of a Hugging Face Qwen2 directory; its dtype is that of the weights.

    Weights in float16 compute in float32, whose range holds them.

    Raises:
      ValueError: names the file, the key and what to do, where the file is absent or
        no JSON, a size is missing, or the model needs what is not supported.
    """
    path = pathlib.Path(directory) / CONFIG_NAME
    fields = read_fields(path)
    try:
        _check_supported(fields)
        sizes = {ours: _size(fields, key) for ours, key in _SIZES.items()}
        heads = sizes["heads"]
        dtype = stored_dtype(fields)
        return Qwen2Config(
            **sizes,
            kv_heads=fields.get("num_key_value_heads") or heads,
            head_dim=fields.get("head_dim") or sizes["hidden_size"] // heads,
            rope_theta=_rope_theta(fields),
            norm_epsilon=fields.get("rms_norm_eps", _DEFAULT_EPSILON),
            initializer_range=fields.get("initializer_range", _DEFAULT_RANGE),
            tie_embeddings=bool(fields.get("tie_word_embeddings", False)),
            dtype="bfloat16" if dtype == "bfloat16" else "float32",
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def read_fields(path: pathlib.Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
      ValueError: where there is none.
    """
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"{path}: no such file; give the directory of a Hugging Face model"
        ) from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"{path}: not JSON: {error}; copy the file anew") from None
    if not isinstance(fields, dict):
        raise ValueError(f"{path}: expected a JSON object")
    return fields


def stored_dtype(fields: Mapping[str, Any]) -> str | None:
    """Dtype of the weights as config.json tells it, None where it does not.

    Raises:
      ValueError: for one that is not supported.
    """
    named = fields.get("dtype") or fields.get("torch_dtype")
    if named is None:
        return None
    if named not in _STORED:
        raise ValueError(f"dtype is {named!r}; expected one of {_STORED}")
    return named


def config_fields(config: Qwen2Config, dtype: str) -> dict[str, Any]:
    """What config.json says of a model whose weights are stored in `dtype`."""
    return {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        **{key: getattr(config, ours) for ours, key in _SIZES.items()},
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm_epsilon,
        "initializer_range": config.initializer_range,
        "tie_word_embeddings": config.tie_embeddings,
        # Transformers 5 reads the second, its elder siblings the first.
        "rope_theta": config.rope_theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "attention_dropout": 0.0,
        "use_sliding_window": False,
        "torch_dtype": dtype,
    }


def write_config(
    directory: str | pathlib.Path,
    config: Qwen2Config,
    dtype: str,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Writes config.json; `extra` adds keys, such as "eos_token_id".

    Raises:
      ValueError: where `extra` contradicts what the config says.
    """
    fields = config_fields(config, dtype)
    clash = sorted(set(extra or {}) & set(fields))
    if clash:
        raise ValueError(
            f"extra repeats {clash}, which the config tells; leave them out"
        )
    text = json.dumps({**fields, **(extra or {})}, indent=2, sort_keys=True)
    (pathlib.Path(directory) / CONFIG_NAME).write_text(text + "\n", encoding="utf-8")


def _size(fields: Mapping[str, Any], key: str) -> int:
    if not isinstance(fields.get(key), int):
        raise ValueError(f"{key} is {fields.get(key)!r}; expected a whole number")
    return fields[key]


def _check_supported(fields: Mapping[str, Any]) -> None:
    if fields.get("model_type") != "qwen2":
        raise ValueError(
            f"model_type is {fields.get('model_type')!r}, expected 'qwen2'; give the "
            "directory of a Qwen2 or Qwen2.5 model"
        )
    for key, supported in (("hidden_act", "silu"), ("attention_dropout", 0)):
        if fields.get(key, supported) != supported:
            raise ValueError(f"{key} is {fields[key]!r}; only {supported} is supported")
    if fields.get("quantization_config"):
        raise ValueError(
            "quantization_config is given; give a directory with unquantised weights"
        )
    if _slides(fields):
        raise ValueError(
            "layers attend through a sliding window, which is not supported; set "
            "use_sliding_window to false if contexts stay within the window"
        )


def _slides(fields: Mapping[str, Any]) -> bool:
    kinds = fields.get("layer_types")
    if kinds is not None:
        return any(kind != "full_attention" for kind in kinds)
    if not fields.get("use_sliding_window") or fields.get("sliding_window", 0) is None:
        return False
    return fields.get("max_window_layers", 28) < _size(fields, "num_hidden_layers")


def _rope_theta(fields: Mapping[str, Any]) -> float:
    """Base of the rotary positions, from the old keys or the new one."""
    rope = fields.get("rope_parameters") or fields.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default" or any(isinstance(value, dict) for value in rope.values()):
        raise ValueError(
            f"rotary positions are {rope}; only rope_type 'default' is supported: "
            "remove the scaling if contexts stay within the original length"
        )
    return float(rope.get("rope_theta", fields.get("rope_theta", _DEFAULT_THETA)))
