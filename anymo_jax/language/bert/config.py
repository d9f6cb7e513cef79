"""What a BERT sentence encoder is, read from the files of its directory.

config.json                 the encoder, as Hugging Face transformers writes it
modules.json                what follows it   } these three as sentence-transformers
1_Pooling/config.json       how token states become one vector  } writes them;
sentence_bert_config.json   the longest text  } a plain BERT directory has none
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

import jax.numpy as jnp

# Hugging Face's name of an activation -> whether it is the tanh approximation.
ACTIVATIONS = {"gelu": False, "gelu_new": True, "gelu_pytorch_tanh": True}
POOLINGS = ("mean", "cls")
_NEEDED = {
    "vocab_size": "vocab_size",
    "hidden_size": "hidden_size",
    "intermediate_size": "intermediate_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "max_length": "max_position_embeddings",
}
# What older configs leave out, with the value it then has.
_FIXED = {
    "model_type": ("bert", "bert"),
    "position_embedding_type": ("absolute", "absolute"),
    "is_decoder": (False, False),
    "add_cross_attention": (False, False),
}
_LEGACY = "pooling_mode_"
_LEGACY_POOLINGS = {"cls_token": "cls", "mean_tokens": "mean"}


@dataclasses.dataclass(frozen=True)
class BertConfig:
    """A post-norm Transformer encoder and how its states become one vector.

    Attributes:
      vocab_size: V, rows of the word embedding.
      hidden_size: D.
      intermediate_size: width of the feed-forward layers.
      layers: Transformer layers.
      heads: H; they divide `hidden_size`.
      max_length: learned positions, the longest input in tokens.
      types: token types; text is of type 0 throughout.
      norm_epsilon: of every LayerNorm.
      activation: 'gelu' is exact, 'gelu_new' and 'gelu_pytorch_tanh' approximate it.
      pooling: 'mean' over the real tokens, or 'cls', the first of them.
      max_tokens: where texts are cut, special tokens included.
      lowercase: texts are lowered before they reach the tokenizer.
      dtype: of the computation; parameters, normalisation and vectors stay float32.
    """

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    max_length: int
    types: int = 2
    norm_epsilon: float = 1e-12
    activation: str = "gelu"
    pooling: str = "mean"
    max_tokens: int = 512
    lowercase: bool = False
    dtype: str = "float32"

    def __post_init__(self):
        sizes = (*_NEEDED, "types", "max_tokens")
        for field in sizes:
            if getattr(self, field) < 1:
                raise ValueError(f"{field}={getattr(self, field)}; it is at least 1")
        if self.hidden_size % self.heads:
            raise ValueError(
                f"heads={self.heads} do not divide hidden_size={self.hidden_size}"
            )
        if self.max_tokens > self.max_length:
            raise ValueError(
                f"max_tokens={self.max_tokens} is more than the max_length="
                f"{self.max_length} learned positions; lower it"
            )
        _check_choice(self, "activation", tuple(ACTIVATIONS))
        _check_choice(self, "pooling", POOLINGS)
        _check_choice(self, "dtype", ("float32", "bfloat16"))

    @property
    def compute_dtype(self):
        """`dtype` as JAX knows it."""
        return jnp.dtype(self.dtype)


def read_config(directory: str | pathlib.Path) -> BertConfig:
    """The config of a Hugging Face or sentence-transformers directory.

    Where there is no modules.json, vectors are pooled by the mean; where there is no
    sentence_bert_config.json, texts may be as long as there are positions. Vectors
    have unit norm whether or not modules.json normalises them.

    Raises:
      ValueError: names the file, the field and what is supported instead.
    """
    directory = pathlib.Path(directory)
    path = directory / "config.json"
    encoder = _read_json(path, dict)
    _check_fixed(path, encoder)
    missing = [name for name in _NEEDED.values() if name not in encoder]
    if missing:
        raise ValueError(f"{path}: no {', '.join(missing)}; copy the file anew")
    fields = {field: encoder[name] for field, name in _NEEDED.items()}
    fields["types"] = encoder.get("type_vocab_size", 2)
    fields["norm_epsilon"] = encoder.get("layer_norm_eps", 1e-12)
    fields["activation"] = encoder.get("hidden_act", "gelu")
    fields["pooling"] = _read_pooling(directory)
    try:
        return BertConfig(**fields, **_read_text_limits(directory, fields))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _check_fixed(path: pathlib.Path, encoder: Mapping) -> None:
    for field, (supported, default) in _FIXED.items():
        value = encoder.get(field, default)
        if value != supported:
            raise ValueError(
                f"{path}: {field}={value!r} is not supported, only {supported!r}; "
                "choose an encoder-only BERT with absolute positions"
            )


def _read_pooling(directory: pathlib.Path) -> str:
    path = directory / "modules.json"
    if not path.is_file():
        return "mean"
    pooling = "mean"
    for module in _read_json(path, list):
        kind = module["type"].rsplit(".", 1)[-1]
        if kind == "Pooling":
            pooling = _pooling_of(directory / module["path"] / "config.json")
        elif kind == "Transformer" and module["path"]:
            raise ValueError(
                f"{path}: the encoder lies in {module['path']!r}; load the directory "
                "with a current sentence-transformers and save it again"
            )
        elif kind not in ("Transformer", "Normalize"):
            raise ValueError(
                f"{path}: module {kind} is not supported, only Transformer, Pooling "
                "and Normalize; choose a model without it"
            )
    return pooling


def _pooling_of(path: pathlib.Path) -> str:
    fields = _read_json(path, dict)
    # Files before sentence-transformers 6 hold a switch per mode.
    switched = [
        _LEGACY_POOLINGS.get(name.removeprefix(_LEGACY), name)
        for name, on in fields.items()
        if name.startswith(_LEGACY) and on
    ]
    modes = fields.get("pooling_mode", switched)
    modes = [modes] if isinstance(modes, str) else list(modes)
    if len(modes) != 1 or modes[0] not in POOLINGS:
        raise ValueError(
            f"{path}: pooling {' and '.join(modes) or 'of no mode'} is not supported, "
            f"only one of {', '.join(POOLINGS)}"
        )
    return modes[0]


def _read_text_limits(directory: pathlib.Path, fields: Mapping) -> dict:
    """The longest text and its case, and a refusal of prompts put before each text."""
    path = directory / "config_sentence_transformers.json"
    if path.is_file() and _read_json(path, dict).get("default_prompt_name"):
        raise ValueError(
            f"{path}: default_prompt_name puts a prompt before each text, which is not "
            "supported; choose a model without one"
        )
    path = directory / "sentence_bert_config.json"
    limits = _read_json(path, dict) if path.is_file() else {}
    return {
        "max_tokens": limits.get("max_seq_length") or fields["max_length"],
        "lowercase": bool(limits.get("do_lower_case", False)),
    }


def _read_json(path: pathlib.Path, kind: type):
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ValueError(
            f"{path}: no such file; give a Hugging Face directory of a BERT"
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not JSON ({error}); copy the file anew") from error
    if not isinstance(found, kind):
        raise ValueError(f"{path}: holds no {kind.__name__}; copy the file anew")
    return found


def _check_choice(config: BertConfig, field: str, choices: tuple[str, ...]) -> None:
    value = getattr(config, field)
    if value not in choices:
        raise ValueError(f"{field}={value!r} is none of {', '.join(choices)}")
