"""Where a CSV file is broken: the line and the column, for the words of an error.

The fast parser stops at a row that it cannot read without telling which one it is.
Only then the file is gone through once more, line by line.
"""

import csv
import pathlib
import re
from collections.abc import Iterator, Sequence

_COUNT = re.compile(r"Expected \d+ columns, got (\d+)")
_VALUE = re.compile(r"In CSV column #(\d+): .*invalid value '(.*)'", re.DOTALL)
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*$")
_SHOWN = 60


def located(
    path: pathlib.Path, header: Sequence[str], delimiter: str, first: int, said: str
) -> str:
    """What the parser said, with line, column and remedy.

    Args:
      path: of the file.
      header: names of its columns.
      delimiter: between fields.
      first: lines before the first row.
      said: by the parser.

    Returns:
      what is wrong, without the file's name; `said` where the line is not found again.
    """
    count, value = _COUNT.search(said), _VALUE.search(said)
    try:
        if count:
            return _uncounted(path, header, delimiter, first, int(count[1])) or said
        if value:
            where = int(value[1]), value[2]
            return _misread(path, header, delimiter, first, *where) or said
    except csv.Error:
        # A field of more than 128 KiB: the parser's own words must do.
        pass
    return said


def _rows(path, delimiter: str, first: int) -> Iterator[tuple[int, str, list[str]]]:
    """Number of each line from one, the line, and its fields; no empty lines."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\r\n")
            if number > first and line:
                yield number, line, next(csv.reader([line], delimiter=delimiter))


def _uncounted(path, header, delimiter, first, count: int) -> str:
    for number, line, fields in _rows(path, delimiter, first):
        if len(fields) == count:
            return (
                f"line {number} has {count} fields where the header has {len(header)}: "
                f"{line[:_SHOWN]!r}; mend the line or take it out"
            )
    return ""


def _misread(path, header, delimiter, first, place: int, value: str) -> str:
    for number, _, fields in _rows(path, delimiter, first):
        if len(fields) <= place or fields[place].strip() != value.strip():
            continue
        told = (
            f"line {number}, column {header[place]!r} ({place + 1} of {len(header)}): "
            f"{value[:_SHOWN]!r} is no number; "
        )
        if _DECIMAL_COMMA.match(value):
            return told + (
                "write decimal points, or separate the columns by semicolons"
            )
        words = [f for f in fields if f.strip() and not any(map(str.isdigit, f))]
        if number == first + 1 and len(words) > 1:
            return told + (
                "if this line holds units, take it out and give them in the header, as "
                "in 'acc_x (g)', or by units=force:g,rate:deg/s"
            )
        return told + "mend it, or leave the field empty where nothing was measured"
    return ""
