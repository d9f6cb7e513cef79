"""A CSV or Parquet file as named arrays.

Parsing is strict: a row with a field too many or too few, or a word where a number is
expected, is an error that names line and column; a last line without its end, as an
interrupted copy leaves it, is dropped and told.
"""

import csv
import dataclasses
import pathlib
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.parquet
from jaxtyping import Float32, Int64

from anymo_jax.datasets.tables.faults import located

SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_DELIMITERS = ",;\t|"
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$")
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*$")
_LONGEST_LINE = 1 << 16


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a CSV file is written.

    Attributes:
      header: names of the columns; "0", "1", ... where the file has none.
      delimiter: between fields.
      skipped: lines before the first row.
      decimal: point or comma.
    """

    header: tuple[str, ...]
    delimiter: str
    skipped: int
    decimal: str


@dataclasses.dataclass(frozen=True)
class Words:
    """A column of words.

    Attributes:
      codes: (T,) index into `names`, -1 where the field is empty; no codes at all where
        every row has the one word in `names`.
      names: distinct words, in order of appearance.
    """

    codes: Int64[np.ndarray, "T"]
    names: tuple[str, ...]

    def at(self, row: int | np.integer) -> str:
        """The word of a row, "" where the field is empty."""
        if not len(self.codes):
            return self.names[0]
        code = self.codes[row]
        return self.names[code] if code >= 0 else ""


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of a file.

    Attributes:
      numbers: (T,) float32 by name.
      words: by name.
      time: (T,) stamps as the file has them, None where none were asked for.
      notes: what was dropped.
    """

    numbers: Mapping[str, Float32[np.ndarray, "T"]]
    words: Mapping[str, Words]
    time: np.ndarray | None
    notes: tuple[str, ...]


def read_header(path: pathlib.Path) -> tuple[str, ...]:
    """Names of the columns of a file.

    Raises:
      ValueError: for a file that is not there, empty, or of another kind.
    """
    if path.suffix == ".parquet":
        return tuple(_parquet(path).schema_arrow.names)
    return _layout(path).header


def read_table(
    path: pathlib.Path, numbers: Sequence[str], words: Sequence[str], time: str = ""
) -> Table:
    """Some columns of a file.

    Args:
      path: the file.
      numbers: columns read as numbers; a missing value is NaN.
      words: columns read as words, whatever they look like.
      time: column of time stamps, read as it is; "" reads none.

    Raises:
      ValueError: naming file, row and column of what cannot be read.
    """
    read = _read_parquet if path.suffix == ".parquet" else _read_csv
    try:
        table, notes = read(path, list(numbers), list(dict.fromkeys(words)), time)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not readable: {error}") from None
    if not len(table):
        raise ValueError(f"{path}: no rows below the header; give a recording")
    return Table(
        numbers={name: _floats(table, name, path) for name in numbers},
        words={name: _coded(table.column(name)) for name in words},
        time=table.column(time).combine_chunks().to_numpy(zero_copy_only=False)
        if time
        else None,
        notes=notes,
    )


def _layout(path: pathlib.Path) -> Layout:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = [file.readline() for _ in range(50)]
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path}: not a readable text file: {error}; save it as CSV in UTF-8"
        ) from None
    skipped = 0
    while skipped < len(lines) - 1 and lines[skipped].lstrip()[:1] in ("#", "%"):
        skipped += 1
    first = lines[skipped].rstrip("\r\n")
    if not first.strip():
        raise ValueError(
            f"{path}: no header in its first line; give a file whose first line names "
            "its columns, time,acc_x,acc_y,acc_z,..."
        )
    delimiter = max(_DELIMITERS, key=first.count)
    if first.count(delimiter) == 0:
        raise ValueError(
            f"{path}: no comma, semicolon, tab or bar in {first[:60]!r}; separate "
            "columns by one of them"
        )
    names = tuple(n.strip() for n in next(csv.reader([first], delimiter=delimiter)))
    numbers = [bool(_NUMBER.match(n) or _DECIMAL_COMMA.match(n)) for n in names]
    # The first row may be data already.
    headless = 2 * sum(numbers) > len(names)
    header = tuple(map(str, range(len(names)))) if headless else names
    skipped += not headless
    decimal = _decimal(lines[skipped:], delimiter)
    return Layout(header, delimiter, skipped, decimal)


def _decimal(lines: Sequence[str], delimiter: str) -> str:
    """The decimal sign of rows; the first may hold whole numbers only."""
    fields = (
        field.strip(' "\r\n') for line in lines for field in line.split(delimiter)
    )
    commas = map(_DECIMAL_COMMA.match, fields)
    return "," if delimiter != "," and any(commas) else "."


def _read_csv(path, numbers, words, time):
    layout = _layout(path)
    # Names that are not asked for may be empty or alike.
    wanted = [*numbers, *words, *([time] if time else [])]
    names = [n if n in wanted else f"column {i}" for i, n in enumerate(layout.header)]
    types = dict.fromkeys(numbers, pyarrow.float32())
    types |= dict.fromkeys(words, pyarrow.string())
    content, notes = _whole_lines(path)
    options = {
        "read_options": pyarrow.csv.ReadOptions(
            column_names=names, skip_rows=layout.skipped, block_size=1 << 20
        ),
        "parse_options": pyarrow.csv.ParseOptions(delimiter=layout.delimiter),
        "convert_options": pyarrow.csv.ConvertOptions(
            column_types=types,
            include_columns=wanted,
            decimal_point=layout.decimal,
            strings_can_be_null=True,
        ),
    }
    try:
        return pyarrow.csv.read_csv(content, **options), notes
    except pyarrow.ArrowInvalid as error:
        where = (layout.header, layout.delimiter, layout.skipped)
        raise ValueError(f"{path}: {located(path, *where, str(error))}") from None


def _whole_lines(path: pathlib.Path):
    """The file up to the end of its last whole line, as a stream."""
    if not path.stat().st_size:
        raise ValueError(f"{path}: empty file")
    with pyarrow.memory_map(str(path)) as file:
        content = file.read_buffer()
    tail = content.slice(max(len(content) - _LONGEST_LINE, 0)).to_pybytes()
    cut = len(tail) - 1 - max(tail.rfind(b"\n"), tail.rfind(b"\r"))
    if not cut:
        return pyarrow.BufferReader(content), ()
    if cut == len(tail):
        raise ValueError(
            f"{path}: no end of line in its last {cut} bytes: a header without rows, "
            "or no table"
        )
    note = "the last line has no end: it may be torn and was dropped"
    return pyarrow.BufferReader(content.slice(0, len(content) - cut)), (note,)


def _parquet(path: pathlib.Path) -> pyarrow.parquet.ParquetFile:
    try:
        return pyarrow.parquet.ParquetFile(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise ValueError(f"{path}: not a readable Parquet file: {error}") from None


def _read_parquet(path, numbers, words, time):
    wanted = list(dict.fromkeys([*numbers, *words, *([time] if time else [])]))
    table = _parquet(path).read(columns=wanted)
    for name in words:
        place = table.column_names.index(name)
        told = table.column(name).cast(pyarrow.string())
        table = table.set_column(place, name, told)
    return table, ()


def _floats(table: pyarrow.Table, name: str, path: pathlib.Path) -> np.ndarray:
    column = table.column(name)
    kind = column.type
    if not (pyarrow.types.is_floating(kind) or pyarrow.types.is_integer(kind)):
        raise ValueError(f"{path}: column {name!r} is {kind}, not of numbers")
    return column.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)


def _coded(column: pyarrow.ChunkedArray) -> Words:
    coded = column.dictionary_encode().combine_chunks()
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return Words(codes.astype(np.int64), tuple(coded.dictionary.to_pylist()))
