"""A user's CSV or Parquet file as windows, its columns, units and rate checked."""

import dataclasses
import math
import os
from collections.abc import Mapping

import numpy as np

from anymo_jax.datasets.engine import build
from anymo_jax.datasets.labelled import LONGEST, RATE_HZ, LabelledWindows
from anymo_jax.datasets.recording import Spans, Vocabulary, WearableRecording
from anymo_jax.datasets.resample import measured_rate
from anymo_jax.datasets.tables.facts import (
    UNLABELLED,
    TableOptions,
    named_sites,
    open_table,
)
from anymo_jax.inference.recording import OVERLAP


def table_windows(
    path: str | os.PathLike,
    site: str = "",
    *,
    columns: str = "",
    units: Mapping[str, str] | None = None,
    rate_hz: float = math.nan,
) -> LabelledWindows:
    """Windows of 5 s that overlap by half, over whole recordings.

    Labels that the file may have are not looked at: a prediction is not to know them.

    Args:
      path: of the file.
      site: where the device is worn, or "name=site;name=site" for several that the
        header names.
      columns: which column is what, as `datasets.tables.columns.parse_columns` reads
        it; "" guesses from the header.
      units: of "force", "rate" and "time"; None takes the header's, and rescales a
        sensor whose signal fits another unit only.
      rate_hz: of rows without time stamps.

    Raises:
      ValueError: naming file, row or column, and the remedy.
    """
    worn, sites = named_sites(site)
    options = TableOptions(
        columns=columns,
        site=worn,
        sites=sites,
        units=dict(units or {}),
        rate_hz=rate_hz,
        window_s=LONGEST / RATE_HZ,
        hop_s=(LONGEST - OVERLAP) / RATE_HZ,
    )
    facts = open_table(path, options)
    plain = Vocabulary((UNLABELLED,), (UNLABELLED,))
    recordings = (_unlabelled(recording) for recording in facts.read(path))
    # What is said of the signals is said of the file.
    facts = dataclasses.replace(facts, vocabulary=plain, name=str(path))
    return build(facts, recordings, units="declared" if units else "auto")


def _unlabelled(recording: WearableRecording) -> WearableRecording:
    """The recording as one span, from its first sample to its last."""
    start = min(stream.time[0] for stream in recording.streams)
    last = max(recording.streams, key=lambda stream: stream.time[-1]).time
    # A lone sample has no period; it is refused for its length anyway.
    period = 1 / measured_rate(last) if len(last) > 1 else 1 / RATE_HZ
    span = Spans(
        np.array([start]), np.array([last[-1] + period]), np.zeros(1, np.int64)
    )
    return dataclasses.replace(recording, spans=span)
