"""A CSV or Parquet file, or a folder of them, as a dataset."""

import dataclasses
import math
import os
import pathlib
from collections.abc import Iterator, Mapping, Sequence

from anymo_jax.body.sites import site_index
from anymo_jax.datasets.recording import (
    FORCE,
    RATE,
    DatasetFacts,
    Protocol,
    Vocabulary,
    WearableRecording,
)
from anymo_jax.datasets.tables.columns import PSEUDO, Columns, parse_columns
from anymo_jax.datasets.tables.parse import SUFFIXES, read_header, read_table
from anymo_jax.datasets.tables.recordings import Reading, table_recordings
from anymo_jax.datasets.tables.stamps import seconds
from anymo_jax.datasets.units import (
    FORCE_UNITS,
    RATE_UNITS,
    TIME_UNITS,
    unit_factor,
)

_UNITS = {FORCE: FORCE_UNITS, RATE: RATE_UNITS, "time": TIME_UNITS}
UNLABELLED = "unlabelled"


@dataclasses.dataclass(frozen=True)
class TableOptions:
    """What a table does not say itself.

    Attributes:
      columns: which column is what, as `columns.parse_columns` reads it; "" guesses.
      site: where the device is worn, for a table that names no site.
      sites: place of sites whose own names do not say it.
      units: unit of "force", "rate" and "time", above what headers say.
      rate_hz: of rows without time stamps.
      window_s: length of windows; 0 makes each labelled stretch one window.
      hop_s: from window to window; 0 leaves no overlap.
      shortest_s: stretches and remainders below are dropped.
      classes: names in the order wanted; () takes all that appear, sorted.
    """

    columns: str = ""
    site: str = ""
    sites: Mapping[str, str] = dataclasses.field(default_factory=dict)
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    rate_hz: float = math.nan
    window_s: float = 5.0
    hop_s: float = 0.0
    shortest_s: float = 1.0
    classes: tuple[str, ...] = ()

    def __post_init__(self):
        for kind, unit in self.units.items():
            if kind not in _UNITS:
                raise ValueError(f"units: {kind!r} is none of {', '.join(_UNITS)}")
            unit_factor(unit, _UNITS[kind])


def open_table(path: str | os.PathLike, options: TableOptions) -> DatasetFacts:
    """Facts of a table.

    Args:
      path: a CSV or Parquet file, or a folder of such files with equal columns; each
        file is a recording of its own, or several by the columns it has.
      options: what the table does not say.

    Raises:
      ValueError: naming the file, what cannot be understood, and the remedy.
    """
    path = pathlib.Path(path)
    files = _files(path)
    columns = parse_columns(options.columns, read_header(files[0]), str(files[0]))
    if "time" not in columns.roles and not options.rate_hz > 0:
        raise ValueError(
            f"{files[0]}: no column of time stamps; name it, as in columns='time=t', "
            "or give rate_hz"
        )
    columns = dataclasses.replace(columns, triples=_with_site(columns, options))
    reading = Reading(
        columns=columns,
        nodes=_nodes(files, columns, options),
        classes=options.classes or _classes(files, columns),
        force=_factor(options, FORCE),
        rate=_factor(options, RATE),
        override=frozenset(options.units) & {FORCE, RATE},
        rate_hz=options.rate_hz,
    )
    return DatasetFacts(
        name=path.stem,
        title=path.name,
        licence="not stated",
        citation="not stated",
        homepage="not stated",
        needs="CSV or Parquet",
        vocabulary=Vocabulary(reading.classes, reading.classes),
        protocol=Protocol(
            options.window_s or None, options.hop_s or None, options.shortest_s
        ),
        nodes=reading.nodes,
        rate_hz=options.rate_hz,
        flags=_flags(columns, options),
        read=lambda raw: _recordings(pathlib.Path(raw), reading, options),
    )


def _files(path: pathlib.Path) -> list[pathlib.Path]:
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
    else:
        found = [path] if path.is_file() else []
    if not found:
        raise ValueError(f"{path}: no {', '.join(SUFFIXES)} file")
    return found


def _with_site(columns: Columns, options: TableOptions):
    """Triples whose site the header does not name, with the one that is given."""
    if "site" in columns.roles:
        return columns.triples
    return tuple(
        dataclasses.replace(triple, site=triple.site or options.site)
        for triple in columns.triples
    )


def _nodes(files, columns: Columns, options: TableOptions) -> dict[str, int]:
    """Node of each site, of the table's column of sites or of its header."""
    column = columns.roles.get("site", "")
    if column in PSEUDO:
        sites = [_pseudo(file, column) for file in files]
    elif column:
        words = (read_table(file, [], [column]).words[column] for file in files)
        sites = [name for each in words for name in each.names]
    else:
        sites = [triple.site for triple in columns.triples]
    if "" in sites:
        raise ValueError(
            f"{files[0]}: where the device is worn is not said; give it, as in "
            "site='left wrist'"
        )
    found = {}
    for site in dict.fromkeys(sites):
        try:
            found[site] = site_index(options.sites.get(site, site))
        except ValueError as error:
            # A name that the user gave is mended; one of the file is explained.
            remedy = f"; or say where it is, as in sites='{site}=left wrist'"
            given = site == options.site
            raise ValueError(f"{files[0]}: {error}{'' if given else remedy}") from None
    return found


def _classes(files, columns: Columns) -> tuple[str, ...]:
    column = columns.roles.get("label", "")
    if not column:
        return (UNLABELLED,)
    if column in PSEUDO:
        names = {_pseudo(file, column) for file in files}
    else:
        words = (read_table(file, [], [column]).words[column] for file in files)
        names = {name.strip() for each in words for name in each.names} - {""}
    if not names:
        raise ValueError(f"{files[0]}: column {column!r} holds no label")
    whole = all(name.lstrip("-").isdigit() for name in names)
    return tuple(sorted(names, key=int if whole else None))


def _factor(options: TableOptions, kind: str) -> float:
    unit = options.units.get(kind)
    return unit_factor(unit, _UNITS[kind]) if unit else 1.0


def _flags(columns: Columns, options: TableOptions) -> tuple[str, ...]:
    told = list(columns.left_out)
    for triple in columns.triples:
        if triple.factor is None and triple.kind not in options.units:
            unit = next(iter(_UNITS[triple.kind]))
            told.append(f"no unit is stated for {triple.kind}: taken for {unit}")
    if "label" not in columns.roles:
        told.append("no labels")
    if "subject" not in columns.roles:
        told.append("no subjects")
    return tuple(dict.fromkeys(told))


def _recordings(
    path: pathlib.Path, reading: Reading, options: TableOptions
) -> Iterator[WearableRecording]:
    files = _files(path)
    roles = reading.columns.roles
    words = [n for r, n in roles.items() if r != "time" and n not in PSEUDO]
    numbers = [name for triple in reading.columns.triples for name in triple.names]
    for file in files:
        header = read_header(file)
        if missing := [n for n in reading.columns.read if n not in header]:
            raise ValueError(
                f"{file}: no column {', '.join(map(repr, missing))}, which {files[0]} "
                "has; give files of other columns apart"
            )
        table = read_table(file, numbers, words, roles.get("time", ""))
        stamps = None
        if table.time is not None:
            unit = options.units.get("time", reading.columns.time_unit)
            stamps = seconds(table.time, unit, str(file))
        fallback = {r: _pseudo(file, n) for r, n in roles.items() if n in PSEUDO}
        if "label" not in roles:
            fallback["label"] = UNLABELLED
        source = file.name if path == file else str(file.relative_to(path))
        yield from table_recordings(table, stamps, reading, fallback, source)


def _pseudo(file: pathlib.Path, name: str) -> str:
    return file.stem if name == "@file" else file.parent.name


def named_sites(text: str) -> tuple[str, dict[str, str]]:
    """Default site and places of named ones, from "left wrist" or "a=x;b=y"."""
    default, named = "", {}
    for said in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, place = (word.strip() for word in said.partition("="))
        if equals:
            named[name] = place
        else:
            default = name
    return default, named


def named_units(parts: Sequence[str]) -> dict[str, str]:
    """Units by what they are of, from "force:g" and the like."""
    named = {}
    for said in parts:
        kind, colon, unit = said.strip().partition(":")
        if not colon or kind not in _UNITS:
            raise ValueError(
                f"units: {said!r} is not auto, declared, or force:g, rate:deg/s, "
                "time:ms with commas between"
            )
        unit_factor(unit, _UNITS[kind])
        named[kind] = unit.strip()
    return named
