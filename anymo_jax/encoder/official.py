"""Encoders and predictors from and to the official state dicts.

Keys and layouts are those of `official_layout`; keys must match exactly.

Shapes do not tell everything: the official encoder halves time in blocks 4 and 7, and
the official predictor has eight heads.
"""

import pathlib
import re
from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from flax import traverse_util

from anymo_jax.encoder.config import EncoderConfig, PredictorConfig
from anymo_jax.encoder.graph import PARTITIONS, adjacency
from anymo_jax.encoder.official_layout import Leaf, encoder_leaves, predictor_leaves
from anymo_jax.encoder.state_dict import check_keys, read_state_dict, write_state_dict

_STRIDED = (4, 7)
_COUNTER = "num_batches_tracked"


def import_official(path: str | pathlib.Path) -> tuple[dict, EncoderConfig]:
    """Encoder variables and config from a state dict, .npz or .safetensors.

    Adjacency weights `A` that differ from the body graph's are taken up by the edge
    importance, which leaves the function as it was.

    Returns:
      {"params": ..., "batch_stats": ...}, float32, and the config.

    Raises:
      ValueError: names the file, and every key that is missing, unexpected or of
        another shape; or an adjacency with edges that the body does not have.
    """
    found = read_state_dict(path)
    config = _infer_encoder(found, path)
    leaves = list(encoder_leaves(config))
    wanted = {leaf.key: leaf.shape for leaf in leaves}
    wanted["A"] = adjacency().shape
    check_keys(found, wanted, path, optional=_counters(wanted))
    ratio = _ratio(found["A"], path)
    for i in range(len(config.channels)):
        found[f"edge_importance.{i}"] = found[f"edge_importance.{i}"] * ratio
    return _inward(leaves, found), config


def export_official(
    path: str | pathlib.Path, variables: Mapping, config: EncoderConfig
) -> None:
    """Writes an encoder as an official state dict, the inverse of `import_official`.

    Raises:
      ValueError: names the field of a config that the official encoder does not have.
    """
    official = EncoderConfig(
        channels=config.channels,
        strides=_strides(len(config.channels)),
        in_channels=config.in_channels,
        kernel=config.kernel,
    )
    for field in ("strides", "magnitudes", "edge_importance", "norm"):
        if getattr(config, field) != getattr(official, field):
            raise ValueError(
                f"the official encoder has {field}={getattr(official, field)!r}, not "
                f"{getattr(config, field)!r}; save this one as a checkpoint instead"
            )
    leaves = list(encoder_leaves(config))
    arrays = _outward(leaves, variables)
    counters = {key: np.zeros((), np.int64) for key in _counters(arrays)}
    write_state_dict(path, {"A": adjacency(), **arrays, **counters})


def import_official_predictor(
    path: str | pathlib.Path,
) -> tuple[dict, PredictorConfig]:
    """Predictor variables {"params": ...} and config from a state dict.

    Raises:
      ValueError: as `import_official`.
    """
    found = read_state_dict(path)
    config = _infer_predictor(found, path)
    leaves = list(predictor_leaves(config))
    check_keys(found, {leaf.key: leaf.shape for leaf in leaves}, path)
    return _inward(leaves, found), config


def export_official_predictor(
    path: str | pathlib.Path, variables: Mapping, config: PredictorConfig
) -> None:
    """Writes a predictor as an official state dict, .npz or .safetensors.

    Raises:
      ValueError: for another number of heads than the official eight.
    """
    if config.heads != PredictorConfig.heads:
        raise ValueError(
            f"the official predictor has {PredictorConfig.heads} heads, not "
            f"{config.heads}; save this one as a checkpoint instead"
        )
    write_state_dict(path, _outward(list(predictor_leaves(config)), variables))


def _inward(leaves: list[Leaf], found: Mapping[str, np.ndarray]) -> dict:
    ours = {
        leaf.path: jnp.asarray(leaf.inward(found[leaf.key]), jnp.float32)
        for leaf in leaves
    }
    return traverse_util.unflatten_dict(ours, sep="/")


def _outward(leaves: list[Leaf], variables: Mapping) -> dict[str, np.ndarray]:
    ours = traverse_util.flatten_dict(dict(variables), sep="/")
    return {
        leaf.key: leaf.outward(np.asarray(ours[leaf.path], np.float32))
        for leaf in leaves
    }


def _ratio(found: np.ndarray, path) -> np.ndarray:
    """Factor (3, 23, 23) of an adjacency over ours, 1 where neither has an edge."""
    ours = adjacency()
    foreign = np.argwhere((ours == 0) & (found != 0))
    if len(foreign):
        k, j, i = foreign[0]
        raise ValueError(
            f"{path}: A joins nodes {j} -> {i} in partition {k} and {len(foreign) - 1} "
            "more, which the body graph does not; this encoder is of another body"
        )
    if np.allclose(found, ours, rtol=1e-6, atol=0):
        return np.ones_like(ours)
    return np.divide(found, ours, out=np.ones_like(ours), where=ours != 0)


def _counters(keys) -> dict[str, tuple[int, ...]]:
    """PyTorch's batch counters, which do nothing at a fixed momentum."""
    end = "running_mean"
    return {k.removesuffix(end) + _COUNTER: () for k in keys if k.endswith(end)}


def _strides(blocks: int) -> tuple[int, ...]:
    return tuple(2 if i in _STRIDED else 1 for i in range(blocks))


def _infer_encoder(found: Mapping[str, np.ndarray], path) -> EncoderConfig:
    default = EncoderConfig()
    numbered = (re.match(r"st_gcn_networks\.(\d+)\.", key) for key in found)
    blocks = max((int(m[1]) + 1 for m in numbered if m), default=0)
    if not blocks:
        raise ValueError(f"{path}: no key st_gcn_networks.*, so this is no encoder")
    # A block whose own key is missing is reported as such; its width does not matter.
    rows = (
        _shape(found, f"st_gcn_networks.{i}.gcn.conv.weight") for i in range(blocks)
    )
    taps = _shape(found, "st_gcn_networks.0.tcn.2.weight")
    token = _shape(found, "mask_token")
    return EncoderConfig(
        channels=tuple(max(r[0] // PARTITIONS, 1) if r else 1 for r in rows),
        strides=_strides(blocks),
        kernel=taps[2] if len(taps) == 4 and taps[2] % 2 else default.kernel,
        in_channels=token[0] if token else default.in_channels,
    )


def _infer_predictor(found: Mapping[str, np.ndarray], path) -> PredictorConfig:
    default = PredictorConfig()
    numbered = (re.match(r"blocks\.(\d+)\.", key) for key in found)
    layers = max((int(m[1]) + 1 for m in numbered if m), default=0)
    positions = _shape(found, "pos_embed")
    if not layers or len(positions) != 3:
        raise ValueError(
            f"{path}: no blocks.* or no pos_embed (1, L, D), so this is no predictor"
        )
    hidden = _shape(found, "blocks.0.mlp.0.weight") or (default.mlp * positions[2],)
    return PredictorConfig(
        layers=layers,
        width=positions[2],
        mlp=max(hidden[0] // positions[2], 1),
        max_length=positions[1],
    )


def _shape(found: Mapping[str, np.ndarray], key: str) -> tuple[int, ...]:
    return found[key].shape if key in found else ()
