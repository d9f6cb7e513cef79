"""Which stretches of a recording become windows, by its dataset's protocol."""

import collections
import dataclasses

import numpy as np
from jaxtyping import Float64, Int64

from anymo_jax.datasets.recording import Protocol, Spans

# Spans are floats: a window may reach past its span by this much.
_SLACK_S = 1e-6


@dataclasses.dataclass(frozen=True)
class Cuts:
    """Windows to be cut, in order of spans and time.

    Attributes:
      start: (N,) seconds.
      end: (N,) seconds, exclusive.
      span: (N,) index of the span that each lies in.
      dropped: how many spans or remainders were left out, by reason.
    """

    start: Float64[np.ndarray, "N"]
    end: Float64[np.ndarray, "N"]
    span: Int64[np.ndarray, "N"]
    dropped: dict[str, int]


def cut_windows(spans: Spans, protocol: Protocol) -> Cuts:
    """Windows of spans.

    A span is cut into whole windows of `protocol.seconds`; what is left over is a
    shorter window of its own if it has `protocol.shortest` seconds, unless windows
    overlap, where the last one holds most of it already. Without `protocol.seconds` a
    span is one window.
    """
    length = spans.end - spans.start
    labelled = spans.label >= 0
    short = labelled & (length < protocol.shortest - _SLACK_S)
    limit = np.inf if protocol.longest is None else protocol.longest + _SLACK_S
    long = labelled & (length > limit)
    dropped = collections.Counter()
    for reason, which in {
        "spans without a label": ~labelled,
        f"spans shorter than {protocol.shortest:g} s": short,
        f"spans longer than {protocol.longest or 0:g} s": long,
    }.items():
        if which.any():
            dropped[reason] = int(which.sum())
    kept = np.flatnonzero(labelled & ~short & ~long)
    if protocol.seconds is None:
        return Cuts(spans.start[kept], spans.end[kept], kept, dict(dropped))
    return _tile(spans, kept, protocol, dropped)


def _tile(spans, kept, protocol: Protocol, dropped) -> Cuts:
    """Whole windows and remainders of the spans `kept`."""
    hop = protocol.hop or protocol.seconds
    start, end = spans.start[kept], spans.end[kept]
    room = (end - start - protocol.seconds + _SLACK_S) / hop
    whole = np.maximum(np.floor(room).astype(np.int64) + 1, 0)
    rest = end - (start + whole * hop)
    overlapping = hop < protocol.seconds - _SLACK_S
    wanted = (whole == 0) if overlapping else (rest > _SLACK_S)
    last = wanted & (rest >= protocol.shortest - _SLACK_S)
    if lost := int((wanted & ~last).sum()):
        dropped[f"remainders shorter than {protocol.shortest:g} s"] = lost
    pieces = whole + last
    owner = np.repeat(np.arange(len(kept)), pieces)
    order = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    starts = start[owner] + order * hop
    ends = np.minimum(starts + protocol.seconds, end[owner])
    return Cuts(starts, ends, kept[owner].astype(np.int64), dict(dropped))
