"""Qwen2 (2 and 2.5) in Flax, from and to Hugging Face directories.

config        sizes, and those of Qwen2.5
config_file   config.json
model         the decoder: embeddings and a mask in, hidden states out
attention     grouped heads, flash attention where there is one
rope          rotary positions
cache         keys and values of the tokens so far
sampling      how the next token is chosen
apply         parameters, their logical axes and bytes; logits
layout        where each parameter lies in a checkpoint
shards        safetensors files, opened and checked
load, save    directories in and out
"""

from anymo_jax.language.qwen2.apply import (
    abstract_params,
    axes,
    bytes_per_device,
    init,
    qwen2_logits,
)
from anymo_jax.language.qwen2.cache import Cache, init_cache
from anymo_jax.language.qwen2.config import PRESETS, Qwen2Config, preset
from anymo_jax.language.qwen2.config_file import read_config
from anymo_jax.language.qwen2.load import load_qwen2
from anymo_jax.language.qwen2.model import Qwen2
from anymo_jax.language.qwen2.save import Rows, save_qwen2

__all__ = [
    "PRESETS",
    "Cache",
    "Qwen2",
    "Qwen2Config",
    "Rows",
    "abstract_params",
    "axes",
    "bytes_per_device",
    "init",
    "init_cache",
    "load_qwen2",
    "preset",
    "qwen2_logits",
    "read_config",
    "save_qwen2",
]
