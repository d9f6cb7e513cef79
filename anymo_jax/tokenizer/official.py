"""Tokenizers from and to the official state dict.

Keys and layouts: `MotionPQVAE` of the official code. PyTorch keeps Linear weights as
(out, in) and Conv1d weights as (out, in, kernel); ours are the exact reverse.
"""

import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from anymo_jax.encoder.state_dict import check_keys, read_state_dict, write_state_dict
from anymo_jax.tokenizer.config import TokenizerConfig
from anymo_jax.tokenizer.model import init

_MODULES = {
    "projection/norm": "pre_quant.0",
    "projection/dense": "pre_quant.1",
    "decoder/in_norm": "decoder.in_norm",
    "decoder/in_proj": "decoder.in_proj",
    "decoder/out_norm": "decoder.out_norm",
    "decoder/out_proj": "decoder.out_proj",
}
# Counters that the official code keeps beside the codebooks and nobody reads.
_COUNTERS = ("last_dead_code_replacements", "total_dead_code_replacements")


def import_official(path: str | pathlib.Path) -> tuple[dict, TokenizerConfig]:
    """Variables and config from an official state dict, .npz or .safetensors.

    Sizes come from the shapes. What shapes do not tell is the paper's: dilations double
    from block to block, and the rates of the codebooks are the config's defaults.

    Returns:
      {"params": ..., "codebook": ...} as of `model.init`, and the config.

    Raises:
      ValueError: names the file, and every key that is missing, unexpected or of
        another shape.
    """
    found = read_state_dict(path)
    try:
        config = _infer(found)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    keys = _keys(config)
    shapes = traverse_util.flatten_dict(_shapes(config), sep="/")
    wanted = {keys[name]: leaf.shape for name, leaf in shapes.items()}
    wanted = {key: _turned(key, shape) for key, shape in wanted.items()}
    counters = {f"quantizer.{name}": (config.codebooks,) for name in _COUNTERS}
    check_keys(found, wanted, path, optional=counters)
    arrays = {
        name: jnp.asarray(_transposed(keys[name], found[keys[name]]), jnp.float32)
        for name in shapes
    }
    return traverse_util.unflatten_dict(arrays, sep="/"), config


def export_official(
    path: str | pathlib.Path, variables: dict, config: TokenizerConfig
) -> None:
    """Writes variables as an official state dict, the inverse of `import_official`.

    The official code's counters of replaced codes are left out; load the file there
    with strict=False.
    """
    keys = _keys(config)
    leaves = traverse_util.flatten_dict(variables, sep="/")
    arrays = {
        keys[name]: _transposed(keys[name], np.asarray(leaf, np.float32))
        for name, leaf in leaves.items()
    }
    write_state_dict(path, arrays)


def _shapes(config: TokenizerConfig) -> dict:
    return jax.eval_shape(lambda: init(jax.random.key(0), config))


def _keys(config: TokenizerConfig) -> dict[str, str]:
    """Official key of each of our leaves."""
    keys = {}
    for name in traverse_util.flatten_dict(_shapes(config), sep="/"):
        group, _, rest = name.partition("/")
        module, _, leaf = rest.rpartition("/")
        if group == "codebook":
            keys[name] = f"quantizer.{rest}"
            continue
        block = re.fullmatch(r"decoder/block_(\d+)/(\w+)", module)
        official = "decoder.blocks.{}.{}".format(*block.groups()) if block else ""
        leaf = "bias" if leaf == "bias" else "weight"
        keys[name] = f"{official or _MODULES[module]}.{leaf}"
    return keys


def _turned(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape if key.startswith("quantizer.") else shape[::-1]


def _transposed(key: str, array: np.ndarray) -> np.ndarray:
    return array if key.startswith("quantizer.") else array.T


def _infer(found: dict[str, np.ndarray]) -> TokenizerConfig:
    """Sizes from shapes; those of keys that are missing or odd are the paper's."""
    default = TokenizerConfig()

    def shape(key: str, *otherwise: int) -> tuple[int, ...]:
        given = found[key].shape if key in found else ()
        return given if len(given) == len(otherwise) else otherwise

    codebooks, entries, width = shape(
        "quantizer.embedding", default.codebooks, default.entries, default.code_width
    )
    conv = "decoder.blocks.0.conv1.weight"
    channels, _, kernel = shape(
        conv, default.decoder_width, default.decoder_width, default.kernel
    )
    numbered = (re.match(r"decoder\.blocks\.(\d+)\.", key) for key in found)
    blocks = {match[1] for match in numbered if match}
    return TokenizerConfig(
        latent=shape("pre_quant.0.weight", default.latent)[0],
        bottleneck=codebooks * width,
        codebooks=codebooks,
        entries=entries,
        decoder_width=channels,
        kernel=kernel,
        dilations=tuple(2**i for i in range(len(blocks) or len(default.dilations))),
    )
