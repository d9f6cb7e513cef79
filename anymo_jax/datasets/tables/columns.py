"""Which column of a table is what: said by the user, or guessed from its header."""

import collections
import dataclasses
import re
from collections.abc import Mapping, Sequence

from anymo_jax.datasets.recording import FORCE, RATE
from anymo_jax.datasets.units import FORCE_UNITS, RATE_UNITS, TIME_UNITS, unit_factor

# Roles of single columns, and the names that headers give them.
_ROLES = {
    "time": "time, timestamp, timestamps, ts, t, unixtime, unix time, datetime, date, "
    "elapsed, elapsed time, epoch, sensor time, attr time, canonical timestamp, "
    "logging time, time stamp",
    "label": "label, labels, activity, class, action, operation, activity label, "
    "activity id, gt",
    "subject": "subject, subject id, user, user id, participant, participant id, "
    "person, pid, subj",
    "recording": "recording, recording id, session, session id, trial, trial id, "
    "window, window id, sequence, sequence id, take, segment",
    "split": "split, fold, partition",
    "site": "site, device, location, placement, body part, sensor location",
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names.split(", ")}
_FORCE_WORDS = frozenset(("acc", "accel", "accl", "acceleration", "accelerometer", "a"))
_RATE_WORDS = frozenset(
    ("gyr", "gyro", "gyroscope", "angular", "velocity", "angvel", "omega", "w", "g")
)
_UNITS = {FORCE: FORCE_UNITS, RATE: RATE_UNITS, "time": TIME_UNITS}
_SUFFIXES = {"ms": "ms", "us": "us", "ns": "ns", "s": "s", "sec": "s", "seconds": "s"}
_SUFFIXES |= {"dps": "deg/s", "mg": "mg"}
# A three-axis column of these is no specific force and no angular rate.
_OTHER = {"linear", "lin", "user", "gravity", "mag", "magnetometer", "quat"}
_OTHER |= {"quaternion", "orientation"}
# Words of sensors' names that name no place.
_FILLERS = {*_SUFFIXES, "m", "rad", "deg", "imu", "raw", "sensor", "rotation", "rate"}
PSEUDO = ("@file", "@folder")


@dataclasses.dataclass(frozen=True)
class Triple:
    """Three columns of one sensor.

    Attributes:
      site: own words of where the device is worn; "" where the table does not say.
      kind: `FORCE` or `RATE`.
      names: columns of x, y, z.
      factor: to SI units as the header says, None where it does not.
    """

    site: str
    kind: str
    names: tuple[str, str, str]
    factor: float | None = None


@dataclasses.dataclass(frozen=True)
class Columns:
    """What the columns of a table are.

    Attributes:
      triples: sensors.
      roles: column of each role ("time", "label", "subject", "recording", "split",
        "site"); "@file" and "@folder" stand for the names of the file and its folder.
      time_unit: as the header says, "" where it does not.
      left_out: what was told of columns that look like a sensor's but lack an axis.
    """

    triples: tuple[Triple, ...]
    roles: Mapping[str, str]
    time_unit: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def read(self) -> tuple[str, ...]:
        """Columns that must be read."""
        axes = [name for triple in self.triples for name in triple.names]
        return tuple(axes) + tuple(
            name for name in self.roles.values() if name not in PSEUDO
        )


def parse_columns(text: str, header: Sequence[str], source: str) -> Columns:
    """Columns as a user says them, the rest as the header has them.

    Args:
      text: "role=column" and "site.force=x,y,z", "site.rate=x,y,z", with semicolons
        between; the site is left out where there is one device that is named
        elsewhere ("force=ax,ay,az"). A role that is not said is guessed, sensors are
        guessed only where none is said.
      header: names of the columns.
      source: file, for errors.

    Raises:
      ValueError: for a role or column that is not there, or a table without an
        accelerometer.
    """
    triples, roles = [], {}
    for said in filter(None, (part.strip() for part in text.split(";"))):
        role, equals, names = said.partition("=")
        role, columns = role.strip(), tuple(n.strip() for n in names.split(","))
        if not equals or not all(columns):
            raise ValueError(f"columns: {said!r} is not role=column")
        site, dot, kind = role.rpartition(".")
        if kind in (FORCE, RATE):
            if len(columns) != 3:
                raise ValueError(f"columns: {said!r} must name three columns, x, y, z")
            units = [_unit(name, kind) for name in columns]
            triples.append(Triple(site, kind, columns, _factor(units, kind, source)))
        elif role in _ROLES and len(columns) == 1 and not dot:
            roles[role] = columns[0]
        else:
            raise ValueError(
                f"columns: no role {role!r}; there are {', '.join(_ROLES)}, "
                "<site>.force and <site>.rate"
            )
    return _completed(triples, roles, header, source)


def _completed(triples, roles, header, source) -> Columns:
    guessed = guess_columns(header, source)
    taken = {name for triple in triples for name in triple.names} | set(roles.values())
    for role, name in guessed.roles.items():
        if role not in roles and name not in taken:
            roles[role] = name
    # Who names sensors leaves the others out on purpose.
    left_out = () if triples else guessed.left_out
    made = Columns(tuple(triples) or guessed.triples, roles, left_out=left_out)
    for name in made.read:
        if list(header).count(name) != 1:
            raise ValueError(
                f"{source}: {list(header).count(name) or 'no'} column {name!r}; the "
                f"header has {', '.join(map(repr, header))}"
            )
    if not any(triple.kind == FORCE for triple in made.triples):
        raise ValueError(f"{source}: {_no_accelerometer(header, left_out)}")
    unit = _unit(roles["time"], "time").lower() if "time" in roles else ""
    unit = _SUFFIXES.get(unit, unit)
    # Of "(UTC)" and the like the stamps tell their unit themselves.
    return dataclasses.replace(made, time_unit=unit if unit in TIME_UNITS else "")


def _no_accelerometer(header, left_out) -> str:
    if list(header) == [str(i) for i in range(len(header))]:
        return (
            "its first line holds numbers: there is no header. Columns count from 0: "
            "say which is what, as in columns='time=0;force=1,2,3;rate=4,5,6'"
        )
    return (
        f"no accelerometer among {', '.join(map(repr, header))}; "
        + "".join(f"{told}; " for told in left_out)
        + "name its columns, as in columns='left wrist.force=ax,ay,az'. Acceleration "
        "without gravity (linear, user) cannot stand for it"
    )


def guess_columns(header: Sequence[str], source: str) -> Columns:
    """What a header's names say; sensors that lack an axis are left out and told."""
    axes: dict = collections.defaultdict(dict)
    roles: dict = {}
    for name in header:
        words = _words(name)
        plain = " ".join(w for w in words if w not in _SUFFIXES) or " ".join(words)
        if role := _ROLE_OF.get(plain):
            roles.setdefault(role, name)
        elif found := _sensor_axis(words):
            site, kind, axis = found
            # Two columns for one axis: which one is meant is the user's to say.
            if axis in axes[site, kind]:
                raise ValueError(
                    f"{source}: columns {axes[site, kind][axis]!r} and {name!r} both "
                    f"look like axis {axis} of {kind}; say which with columns=..."
                )
            axes[site, kind][axis] = name
    triples, left_out = [], []
    for (site, kind), of in axes.items():
        if missing := [axis for axis in "xyz" if axis not in of]:
            left_out.append(
                f"{', '.join(map(repr, of.values()))} left out: no column for axis "
                f"{', '.join(missing)} of this {kind}"
            )
        else:
            names = (of["x"], of["y"], of["z"])
            units = [_unit(name, kind) for name in names]
            triples.append(Triple(site, kind, names, _factor(units, kind, source)))
    return Columns(tuple(triples), roles, left_out=tuple(left_out))


def _words(name: str) -> list[str]:
    """Lower-case words of a column's name, without a unit in brackets."""
    name = re.sub(r"[\[(].*?[\])]", " ", name)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    words = re.findall(r"[a-z]+|\d+", name.lower())
    split = []
    for word in words:
        # "ax" and "gyrox" end in their axis.
        kind, axis = word[:-1], word[-1]
        glued = axis in "xyz" and kind in _FORCE_WORDS | _RATE_WORDS
        split += [kind, axis] if glued else [word]
    return split


def _sensor_axis(words: list[str]) -> tuple[str, str, str] | None:
    """Site, kind and axis that a column's words name, if they do."""
    axis = [word for word in words if word in ("x", "y", "z")]
    force = _FORCE_WORDS & set(words)
    rate = _RATE_WORDS & set(words)
    if len(axis) != 1 or bool(force) == bool(rate) or _OTHER & set(words):
        return None
    known = {*axis, *force, *rate, *_FILLERS}
    site = " ".join(word for word in words if word not in known)
    return site, FORCE if force else RATE, axis[0]


def _unit(name: str, kind: str) -> str:
    """Unit that a column's name ends in or has in brackets, "" if none."""
    bracketed = re.search(r"[\[(](.*?)[\])]", name)
    if bracketed:
        return bracketed[1].strip()
    last = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())[-1:]
    unit = _SUFFIXES.get(last[0], "") if last else ""
    return unit if unit in _UNITS[kind] else ""


def _factor(units: Sequence[str], kind: str, source: str) -> float | None:
    if not any(units):
        return None
    if len(set(units)) > 1:
        raise ValueError(f"{source}: axes of {kind} in several units: {units}")
    try:
        return unit_factor(units[0], _UNITS[kind])
    except ValueError as error:
        raise ValueError(f"{source}: header of {kind}: {error}") from None
