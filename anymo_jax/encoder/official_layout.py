"""Where each array of the official state dicts lives here, and how layouts differ.

PyTorch keeps Conv2d weights as (out, in, taps, 1), Linear weights as (out, in), the
partitions of a graph convolution as blocks of output channels, and the features of the
input norm node by node. Names and shapes: `STGCNEncoder` and `TemporalPredictor`.
"""

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from anymo_jax.encoder.block import has_projection
from anymo_jax.encoder.config import EncoderConfig, PredictorConfig
from anymo_jax.encoder.graph import PARTITIONS


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One array in both layouts.

    Attributes:
      key: official name.
      shape: official shape.
      path: ours, from the variables down, joined by '/'.
      inward: official array to ours.
      outward: its inverse.
    """

    key: str
    shape: tuple[int, ...]
    path: str
    inward: Callable[[np.ndarray], np.ndarray]
    outward: Callable[[np.ndarray], np.ndarray]


def encoder_leaves(config: EncoderConfig) -> Iterator[Leaf]:
    """Every array of an encoder but the adjacency, which is no variable here."""
    nodes, features = config.nodes, config.in_channels
    stats = ((nodes * features,), (nodes, 1, features))
    yield from _batch_norm("data_bn", "data_norm", *stats)
    yield _as_is("mask_token", "params/mask_token", (features,))
    before = features
    for i, width in enumerate(config.channels):
        theirs, ours = f"st_gcn_networks.{i}", f"block_{i}"
        yield from _graph_conv(
            f"{theirs}.gcn.conv", f"params/{ours}/graph", before, width
        )
        norm = ((width,), (1, 1, width))
        yield from _batch_norm(f"{theirs}.tcn.0", f"{ours}/norm1/batch", *norm)
        conv = (config.kernel, width, width)
        yield from _conv(f"{theirs}.tcn.2", f"params/{ours}/conv", *conv)
        yield from _batch_norm(f"{theirs}.tcn.3", f"{ours}/norm2/batch", *norm)
        if has_projection(config, i):
            conv = (1, before, width)
            yield from _conv(f"{theirs}.residual.0", f"params/{ours}/residual", *conv)
            norm_path = f"{ours}/residual_norm/batch"
            yield from _batch_norm(f"{theirs}.residual.1", norm_path, *norm)
        square = (PARTITIONS, nodes, nodes)
        yield _as_is(f"edge_importance.{i}", f"params/{ours}/graph/importance", square)
        before = width


def predictor_leaves(config: PredictorConfig) -> Iterator[Leaf]:
    """Every array of a predictor."""
    width, heads = config.width, config.heads
    table = (config.max_length, width)
    yield _reshaped("pos_embed", "params/positions", (1, *table), table)
    for i in range(config.layers):
        theirs, ours = f"blocks.{i}", f"params/block_{i}"
        yield from _layer_norm(f"{theirs}.norm1", f"{ours}/norm1", width)
        yield from _attention(f"{theirs}.attn", f"{ours}/attention", width, heads)
        yield from _linear(
            f"{theirs}.attn.out_proj", f"{ours}/attention/out", width, width
        )
        yield from _layer_norm(f"{theirs}.norm2", f"{ours}/norm2", width)
        hidden = config.mlp * width
        yield from _linear(f"{theirs}.mlp.0", f"{ours}/mlp_in", width, hidden)
        yield from _linear(f"{theirs}.mlp.3", f"{ours}/mlp_out", hidden, width)
    yield from _layer_norm("norm", "params/norm", width)
    yield from _linear("head", "params/head", width, width)


def _reshaped(key, path, theirs, ours) -> Leaf:
    return Leaf(
        key, theirs, path, lambda x: x.reshape(ours), lambda x: x.reshape(theirs)
    )


def _as_is(key, path, shape) -> Leaf:
    return _reshaped(key, path, shape, shape)


def _batch_norm(key, path, theirs, ours) -> Iterator[Leaf]:
    yield _reshaped(f"{key}.weight", f"params/{path}/scale", theirs, ours)
    yield _reshaped(f"{key}.bias", f"params/{path}/bias", theirs, ours)
    yield _reshaped(f"{key}.running_mean", f"batch_stats/{path}/mean", theirs, ours)
    yield _reshaped(f"{key}.running_var", f"batch_stats/{path}/var", theirs, ours)


def _layer_norm(key, path, width) -> Iterator[Leaf]:
    yield _as_is(f"{key}.weight", f"{path}/scale", (width,))
    yield _as_is(f"{key}.bias", f"{path}/bias", (width,))


def _linear(key, path, into, out) -> Iterator[Leaf]:
    yield Leaf(
        f"{key}.weight", (out, into), f"{path}/kernel", np.transpose, np.transpose
    )
    yield _as_is(f"{key}.bias", f"{path}/bias", (out,))


def _attention(key, path, width, heads) -> Iterator[Leaf]:
    """Projections to queries, keys and values, joined in both layouts."""
    joined = (3, heads, width // heads)
    yield Leaf(
        f"{key}.in_proj_weight",
        (3 * width, width),
        f"{path}/query_key_value/kernel",
        lambda w: w.T.reshape(width, *joined),
        lambda w: w.reshape(width, 3 * width).T,
    )
    bias = f"{path}/query_key_value/bias"
    yield _reshaped(f"{key}.in_proj_bias", bias, (3 * width,), joined)


def _graph_conv(key, path, into, out) -> Iterator[Leaf]:
    parts = PARTITIONS
    yield Leaf(
        f"{key}.weight",
        (parts * out, into, 1, 1),
        f"{path}/kernel",
        lambda w: w.reshape(parts, out, into).transpose(0, 2, 1),
        lambda w: w.transpose(0, 2, 1).reshape(parts * out, into, 1, 1),
    )
    yield _reshaped(f"{key}.bias", f"{path}/bias", (parts * out,), (parts, out))


def _conv(key, path, taps, into, out) -> Iterator[Leaf]:
    yield Leaf(
        f"{key}.weight",
        (out, into, taps, 1),
        f"{path}/kernel",
        lambda w: w[..., 0].transpose(2, 1, 0),
        lambda w: w.transpose(2, 1, 0)[..., None],
    )
    yield _as_is(f"{key}.bias", f"{path}/bias", (out,))
