"""Lines of a table as they come, one by one, to rows of sensors in SI units.

The grammar is that of `datasets.tables`: a header that is guessed from or columns that
are said, any delimiter, decimal commas beside semicolons, stamps in any unit or none. A
row that cannot be read is left out and told by its line; nothing of it is guessed.
"""

import csv
import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from anymo_jax.body.sites import site_index
from anymo_jax.body.skeleton import XSENS
from anymo_jax.datasets.recording import FORCE, RATE
from anymo_jax.datasets.tables.columns import PSEUDO, parse_columns
from anymo_jax.datasets.tables.stamps import time_factor
from anymo_jax.datasets.units import FORCE_UNITS, RATE_UNITS, unit_factor

SOURCE = "stdin"
_DELIMITERS = ",;\t|"
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$")
_MISSING = frozenset(("", "nan", "na", "n/a", "null"))
# Stamps in no stated unit tell it by so many rows.
_TOLD_BY = 20
# More broken rows than this, and not one that is whole: the table is another one.
_MOST_BROKEN = 20
_FIRST = {FORCE: 0, RATE: 3}
_UNITS = {FORCE: FORCE_UNITS, RATE: RATE_UNITS}


class Row(NamedTuple):
    """One moment.

    Attributes:
      time: seconds on the stream's own clock.
      values: (S, 6) m/s^2 and rad/s, NaN where not measured.
    """

    time: float
    values: Float32[np.ndarray, "S 6"]


class RowReader:
    """Rows of a table that is read line by line.

    Attributes:
      sites: own words of each sensor's site, once the header has come.
      nodes: (S,) index in `XSENS` of each.
      broken: rows left out.
      columns: what the columns were taken for, None before.
    """

    def __init__(
        self,
        site: str = "",
        sites: Mapping[str, str] | None = None,
        *,
        columns: str = "",
        units: Mapping[str, str] | None = None,
        rate_hz: float = math.nan,
        tell: Callable[[str], None] = lambda told: None,
    ):
        """Takes what the table does not say; as `inference.table.table_windows`.

        Args:
          site, sites: default place, and places of sites that the header names.
          columns: which is what; needed where the first line holds numbers.
          units: of "force", "rate" and "time", above the header's.
          rate_hz: of rows without time stamps.
          tell: is told of rows that are left out.
        """
        self._site, self._named = site, dict(sites or {})
        self._said, self._units = columns, dict(units or {})
        self._rate_hz, self._tell = rate_hz, tell
        self.columns = None
        self.sites: tuple[str, ...] = ()
        self.nodes = np.zeros(0, np.int64)
        self.broken = self._line = self._whole = 0
        self._factor: float | None = None
        self._dated = False
        self._waiting: list[tuple[float, np.ndarray]] = []

    def line(self, text: str) -> list[Row]:
        """Rows that a line completes: none or one, at first several at once.

        Raises:
          ValueError: naming line or column and the remedy, where the header is not
            understood, no stamp or nothing but broken rows come.
        """
        self._line += 1
        text = text.rstrip("\r\n")
        if self._line == 1:
            text = text.removeprefix("\ufeff")
        if not text.strip() or text.lstrip()[0] in "#%":
            return []
        if self.columns is None:
            fields = self._open(text)
            if not self._numbered(fields):
                return []
        else:
            fields = self._fields(text)
        try:
            stamp, values = self._parsed(fields)
        except ValueError as error:
            self._leave_out(str(error))
            return []
        self._whole += 1
        return self._timed(stamp, values)

    def end(self) -> list[Row]:
        """Rows that still wait for the unit of their stamps; the stream has ended."""
        return self._release() if self._waiting else []

    def _open(self, text: str) -> list[str]:
        """Understands the first line: names, or the first row already."""
        self._delimiter = max(_DELIMITERS, key=text.count)
        fields = self._fields(text)
        numbered = self._numbered(fields)
        header = list(map(str, range(len(fields)))) if numbered else fields
        found = parse_columns(self._said, header, SOURCE)
        if "site" in found.roles:
            raise ValueError(
                f"{SOURCE}: column {found.roles['site']!r} tells devices apart row by "
                "row, which a stream cannot have: put all devices into one row, as in "
                "left_wrist_acc_x, or write a file and give it by csv"
            )
        if "time" not in found.roles and not self._rate_hz > 0:
            raise ValueError(
                f"{SOURCE}: no column of time stamps; name it, as in columns='time=t', "
                "or give rate_hz"
            )
        if found.roles.get("time") in PSEUDO:
            raise ValueError(f"{SOURCE}: a stream has no file that tells its time")
        self._place(header, found)
        for told in found.left_out:
            self._tell(told)
        return fields

    def _place(self, header: Sequence[str], found) -> None:
        """Where each number of a line goes, and by which factor."""
        worn = [triple.site or self._site for triple in found.triples]
        if "" in worn:
            raise ValueError(
                f"{SOURCE}: where the device is worn is not said; give it, as in "
                "site='left wrist'"
            )
        self.sites = tuple(dict.fromkeys(worn))
        nodes = [site_index(self._named.get(site, site)) for site in self.sites]
        if len(set(nodes)) < len(nodes):
            on = ", ".join(XSENS.names[node] for node in nodes)
            raise ValueError(f"{SOURCE}: two devices on one segment: {on}; give one")
        self._goes = []
        for site, triple in zip(worn, found.triples, strict=True):
            given = self._units.get(triple.kind)
            unit = unit_factor(given, _UNITS[triple.kind]) if given else triple.factor
            for axis, name in enumerate(triple.names):
                place = self.sites.index(site), _FIRST[triple.kind] + axis
                self._goes.append((header.index(name), *place, unit or 1.0))
        self._header, self.columns = list(header), found
        self.nodes = np.array(nodes, np.int64)
        stamp = found.roles.get("time")
        self._stamp = None if stamp is None else self._header.index(stamp)

    def _fields(self, text: str) -> list[str]:
        row = next(csv.reader([text], delimiter=self._delimiter))
        return [field.strip() for field in row]

    def _numbered(self, fields: Sequence[str]) -> bool:
        numbers = [_NUMBER.match(self._plain(field)) for field in fields]
        return 2 * sum(map(bool, numbers)) > len(fields)

    def _plain(self, field: str) -> str:
        """A number with a decimal point; commas are decimal where they part nothing."""
        return field if self._delimiter == "," else field.replace(",", ".")

    def _parsed(self, fields: Sequence[str]) -> tuple[float | None, np.ndarray]:
        """The stamp in its own unit and the values of a row."""
        if len(fields) != len(self._header):
            raise ValueError(
                f"{len(fields)} fields where the header has {len(self._header)}"
            )
        values = np.full((len(self.sites), 6), np.nan, np.float32)
        for place, sensor, channel, factor in self._goes:
            field = self._plain(fields[place])
            if field.lower() in _MISSING:
                continue
            if not _NUMBER.match(field):
                name = self._header[place]
                raise ValueError(f"column {name!r}: {fields[place]!r} is no number")
            values[sensor, channel] = float(field) * factor
        return self._stamp_of(fields), values

    def _stamp_of(self, fields: Sequence[str]) -> float | int | None:
        if self._stamp is None:
            return None
        field = self._plain(fields[self._stamp])
        numeric = bool(_NUMBER.match(field))
        if self._whole and numeric == self._dated:
            field = ""
        try:
            stamp = _number(field) if numeric else _moment(field)
        except ValueError:
            name = self._header[self._stamp]
            raise ValueError(
                f"column {name!r}: {fields[self._stamp]!r} is no time stamp; write "
                "seconds, or dates as 2024-02-29T23:59:59.950, throughout"
            ) from None
        self._dated = not numeric
        return stamp

    def _leave_out(self, told: str) -> None:
        self.broken += 1
        self._tell(f"line {self._line} left out: {told}")
        if self.broken >= _MOST_BROKEN and not self._whole:
            raise ValueError(
                f"{SOURCE}: the first {self.broken} rows cannot be read, the last one "
                f"because of {told}; give columns=..., or another table"
            )

    def _timed(self, stamp, values) -> list[Row]:
        """The row on the stream's clock, as soon as its unit is known."""
        if stamp is None:
            return [Row((self._whole - 1) / self._rate_hz, values)]
        if self._whole == 1:
            self._origin = stamp
            self._factor = 1.0 if self._dated else None
        since = float(stamp - self._origin)
        if self._factor is not None:
            return [Row(since * self._factor, values)]
        self._waiting.append((since, values))
        return self._release() if len(self._waiting) >= _TOLD_BY else []

    def _release(self) -> list[Row]:
        since = np.array([since for since, _ in self._waiting])
        unit = self._units.get("time", self.columns.time_unit)
        self._factor = time_factor(since, unit, SOURCE)
        rows = [Row(since * self._factor, values) for since, values in self._waiting]
        self._waiting = []
        return rows


def _number(field: str) -> float | int:
    # Nanoseconds since 1970 do not fit a float.
    return float(field) if re.search("[.eE]", field) else int(field)


def _moment(field: str) -> float:
    """Seconds since 1970 of an ISO 8601 date."""
    moment = datetime.datetime.fromisoformat(field)
    if moment.tzinfo is None:
        # A clock that is put back in autumn is not to go back here.
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.timestamp()
