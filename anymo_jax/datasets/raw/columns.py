"""Columns of numbers from text, with the file, the line and the remedy in each error.

`pandas.read_csv` parses. What it lets pass is checked here: it fills the end of a line
that is too short with NaN, as if nothing had been measured.
"""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np
import pandas
from jaxtyping import Bool, Int64, UInt8

# A column by its index or by its name in the header.
Column = int | str
_SPACE = " "
_LINE_END = ord("\n")
# Larger than any reading, and than any stamp in nanoseconds.
LARGEST = 1e19


def read_columns(
    data: bytes,
    name: str,
    columns: Mapping[Column, type | str],
    *,
    separator: str = ",",
    header: bool = False,
    width: int | None = None,
) -> pandas.DataFrame:
    """Some columns of a file of numbers.

    Args:
      data: the file; a byte order mark and Windows line ends are allowed.
      name: of the file, for errors.
      columns: type of each column that is wanted, by index or by name.
      separator: one character; " " is any white space.
      header: whether the first line holds names.
      width: columns that every line must have; None takes the first line's. The last
        one must be of numbers, unless it is asked for as something else.

    Returns:
      Frame whose columns are labelled as asked for, in that order.

    Raises:
      ValueError: for a missing column, a line of another width, a value that is no
        number, or no line at all; names the file, the line and the remedy.
    """
    names, body = _split_header(data, name, separator, header)
    width = width or len(names)
    positions = [_position(column, names, name, width) for column in columns]
    kinds = dict(zip(positions, columns.values(), strict=True))
    try:
        # The last column tells whether lines are whole.
        frame = _parse(body, separator, width, {width - 1: np.float32} | kinds)
    except (ValueError, OverflowError) as error:
        _check_widths(body, name, separator, width, header)
        raise _named(error, body, name, separator, kinds, header) from None
    if not _has_widths(body, separator, width, frame[width - 1]):
        _check_widths(body, name, separator, width, header)
    frame = frame[positions]
    _check_sizes(frame, name, header)
    frame.columns = pandas.Index(list(columns), dtype=object)
    return frame


def has_header(data: bytes, separator: str = ",") -> bool:
    """Whether the first line of a file of numbers holds something else."""
    first = data.lstrip(b"\xef\xbb\xbf").split(b"\n", 1)[0]
    return not all(map(_is_number, _words(first, separator)))


def _parse(
    body: bytes, separator: str, width: int, kinds: Mapping[int, type | str]
) -> pandas.DataFrame:
    return pandas.read_csv(
        io.BytesIO(body),
        sep=r"\s+" if separator == _SPACE else separator,
        header=None,
        names=list(range(width)),
        usecols=sorted(kinds),
        dtype=dict(kinds),
        engine="c",
        index_col=False,
        skip_blank_lines=True,
        # A stray quotation mark would swallow lines.
        quoting=csv.QUOTE_NONE,
        na_values=["nan", "NaN", "NAN", ""],
        keep_default_na=False,
    )


def _split_header(
    data: bytes, name: str, separator: str, header: bool
) -> tuple[list[str], bytes]:
    """Words of the first line, and the lines that hold numbers."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    end = data.find(b"\n") + 1 or len(data)
    first, body = data[:end], data[end:] if header else data
    if not body or body.isspace():
        raise ValueError(f"{name}: holds no line of data; download it again")
    names = [word.strip('"') for word in _words(first, separator)]
    return names, body


def _words(line: bytes, separator: str) -> list[str]:
    text = line.decode("utf-8", "replace").strip()
    words = text.split() if separator == _SPACE else text.split(separator)
    return [word.strip() for word in words]


def _position(column: Column, names: Sequence[str], name: str, width: int) -> int:
    if isinstance(column, str):
        if column not in names:
            there = ", ".join(names[:12])
            raise ValueError(
                f"{name}: no column {column!r}; the header has {there}. Is it the file "
                "that the dataset publishes?"
            )
        return names.index(column)
    if column >= width:
        raise ValueError(f"{name}: no column {column + 1}; lines have {width} columns")
    return column


def _has_widths(body: bytes, separator: str, width: int, last: pandas.Series) -> bool:
    """Whether every line surely has `width` columns, without looking at each.

    A line that is too short has nothing in its last column. Where none is, and there
    are as many separators as lines need, none is too long either.
    """
    if last.isna().any():
        return False
    text = np.frombuffer(body, np.uint8)
    lines = np.count_nonzero(text == _LINE_END) + (text[-1] != _LINE_END)
    if separator != _SPACE:
        marks = np.count_nonzero(text == ord(separator))
        return bool(marks == lines * (width - 1))
    return bool(np.count_nonzero(_word_begins(text)) == lines * width)


def _check_widths(
    body: bytes, name: str, separator: str, width: int, header: bool
) -> None:
    """Raise where a line has not as many columns as all must have.

    pandas would drop what is too much and make NaN of what is missing.
    """
    text = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero(text == _LINE_END)
    if text[-1] != _LINE_END:
        ends = np.append(ends, len(text))
    if separator == _SPACE:
        counts = _between(np.flatnonzero(_word_begins(text)), ends)
    else:
        counts = _between(np.flatnonzero(text == ord(separator)), ends) + 1
        counts = _without_blank(counts, ends, text)
    wrong = np.flatnonzero((counts != width) & (counts > 0))
    if len(wrong):
        line = int(wrong[0])
        last = " (the last: the file is cut short)" if line == len(counts) - 1 else ""
        raise ValueError(
            f"{name}, line {line + 1 + header}{last}: {counts[line]} columns, expected "
            f"{width}; download it again, or is it another dataset's file?"
        )


def _word_begins(text: UInt8[np.ndarray, "C"]) -> Bool[np.ndarray, "C"]:
    """Where something follows white space."""
    begins = text > ord(_SPACE)
    begins[1:] &= text[:-1] <= ord(_SPACE)
    return begins


def _between(
    marks: Int64[np.ndarray, "M"], ends: Int64[np.ndarray, "L"]
) -> Int64[np.ndarray, "L"]:
    """Number of marks in each line."""
    return np.diff(np.searchsorted(marks, ends), prepend=0)


def _without_blank(
    counts: Int64[np.ndarray, "L"],
    ends: Int64[np.ndarray, "L"],
    text: UInt8[np.ndarray, "C"],
) -> Int64[np.ndarray, "L"]:
    """Columns of each line, 0 for a blank one, which has no separator."""
    for line in np.flatnonzero(counts == 1):
        start = ends[line - 1] if line else 0
        if not text[start : ends[line]].tobytes().strip():
            counts[line] = 0
    return counts


def _check_sizes(frame: pandas.DataFrame, name: str, header: bool) -> None:
    """Raise for an infinite value, or one beyond what any sensor or clock tells."""
    for column in frame.columns:
        values = frame[column].to_numpy()
        if values.dtype.kind != "f":
            continue
        # NaN compares false.
        beyond = np.abs(values) > LARGEST
        if beyond.any():
            line = int(np.argmax(beyond))
            raise ValueError(
                f"{name}, line {line + 1 + header}, column {column + 1}: "
                f"{values[line]:.3g}, which nothing measures; download it again"
            )


def _named(
    error: Exception,
    body: bytes,
    name: str,
    separator: str,
    kinds: Mapping[int, type | str],
    header: bool,
) -> ValueError:
    """The error of a value that is no number, with its line and column."""
    numbers = [column for column, kind in kinds.items() if kind not in ("category",)]
    for line, text in enumerate(body.split(b"\n")):
        words = _words(text, separator)
        for column in numbers if any(words) else ():
            word = words[column] if column < len(words) else ""
            if word and not _is_number(word):
                return ValueError(
                    f"{name}, line {line + 1 + header}, column {column + 1}: "
                    f"{word!r} is no number; download it again"
                )
    return ValueError(f"{name}: {error}")


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
