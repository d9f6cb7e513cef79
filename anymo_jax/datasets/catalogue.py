"""All datasets by name, and how each is opened.

The fourteen of the paper by their own names, from their raw downloads; and other
people's packings: `npz`, `table` (CSV or Parquet), `unimts:<name>`, `comodo`,
`anymo_bench:<name>`.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from anymo_jax.body.sites import site_index
from anymo_jax.datasets.bundles.anymo_bench import CONFIGS, open_anymo_bench
from anymo_jax.datasets.bundles.comodo import open_comodo
from anymo_jax.datasets.bundles.npz import open_npz
from anymo_jax.datasets.bundles.unimts import open_unimts
from anymo_jax.datasets.bundles.unimts_facts import ARCHIVE
from anymo_jax.datasets.raw import DATASETS
from anymo_jax.datasets.recording import KINDS, DatasetFacts, WearableRecording
from anymo_jax.datasets.tables.facts import TableOptions, open_table
from anymo_jax.datasets.units import FORCE_UNITS, RATE_UNITS, unit_factor

# What each packing is, its variants, and what it needs.
PACKINGS = {
    "npz": ("one npz file of windows, sites and classes", ()),
    "table": ("CSV or Parquet, a file or a folder of them", ()),
    "unimts": ("the UniMTS archive, folder or zip", tuple(ARCHIVE)),
    "comodo": ("COMODO's npy arrays with train.txt, val.txt, test.txt", ()),
    "anymo_bench": ("AnyMo Bench, folder of the download", CONFIGS),
}

_NOTHING_SAID = TableOptions()


def dataset_names() -> tuple[str, ...]:
    """Every name that `open_dataset` takes."""
    variants = [
        f"{name}:{variant}" if variant else name
        for name, (_, variants) in PACKINGS.items()
        for variant in variants or ("",)
    ]
    return (*DATASETS, *variants)


def open_dataset(
    name: str, raw: pathlib.Path, options: TableOptions = _NOTHING_SAID
) -> DatasetFacts:
    """Facts of a dataset whose files lie at `raw`.

    Args:
      name: one of `dataset_names`.
      raw: its folder or file.
      options: what a table does not say; of the others `sites` (npz) and `units` hold.

    Raises:
      ValueError: for an unknown name, with those there are; as the reader's own.
    """
    kind, _, variant = name.partition(":")
    if name not in dataset_names():
        raise ValueError(f"no dataset {name!r}; there are {', '.join(dataset_names())}")
    if not raw.exists():
        raise ValueError(f"{raw}: no such file or folder")
    if kind == "table":
        return open_table(raw, options)
    if "time" in options.units:
        raise ValueError("units: a unit of time can be given for tables only")
    nodes = {site: site_index(place) for site, place in options.sites.items()}
    openers: dict[str, Callable[[], DatasetFacts]] = {
        "npz": lambda: open_npz(raw, nodes),
        "unimts": lambda: open_unimts(raw, variant),
        "comodo": lambda: open_comodo(raw),
        "anymo_bench": lambda: open_anymo_bench(raw, variant),
    }
    facts = openers[kind]() if kind in openers else DATASETS[name]
    return _in_units(facts, options.units) if options.units else facts


def _in_units(facts: DatasetFacts, units: Mapping[str, str]) -> DatasetFacts:
    """Facts whose reader's numbers are taken for numbers in the given units."""
    tables = dict(zip(KINDS, (FORCE_UNITS, RATE_UNITS), strict=True))
    factors = {kind: unit_factor(unit, tables[kind]) for kind, unit in units.items()}

    def read(raw: pathlib.Path) -> Iterator[WearableRecording]:
        for recording in facts.read(raw):
            streams = tuple(
                dataclasses.replace(
                    s, values=(s.values * factors.get(s.kind, 1.0)).astype(np.float32)
                )
                for s in recording.streams
            )
            yield dataclasses.replace(recording, streams=streams)

    said = ", ".join(f"{kind} in {unit}" for kind, unit in units.items())
    flags = (*facts.flags, f"units given by hand: {said}")
    return dataclasses.replace(facts, read=read, flags=flags)
