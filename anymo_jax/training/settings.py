"""From a config's plain values to the frozen dataclasses that code works with.

A recipe is an `ml_collections.ConfigDict` or any nested mapping; what a model sees is a
frozen dataclass. `build` goes from one to the other and refuses what does not fit, by
the path of the field: a misspelt option never becomes a default in silence.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")
_NONE = type(None)


class SettingsError(ValueError):
    """A config does not fit; the message names the field by its path."""


def build(cls: type[T], mapping: Any, where: str = "config") -> T:
    """A dataclass from a mapping with values for some of its fields.

    Fields may be dataclasses (from nested mappings), `Literal` choices, tuples (from
    lists as well), plain types (an int becomes a float where one is wanted), `Any`, and
    unions of these, such as with None.

    Args:
      cls: a dataclass.
      mapping: plain or a ConfigDict; an instance of `cls` is returned as it is.
      where: path of the mapping, such as "config.views".

    Raises:
      SettingsError: naming the field and what it allows.
    """
    if isinstance(mapping, cls):
        return mapping
    if not _is_mapping(mapping):
        raise SettingsError(
            f"{where} = {mapping!r}: give a mapping with the fields of {cls.__name__}: "
            f"{_names(cls)}"
        )
    fields = {f.name: f for f in dataclasses.fields(cls) if f.init}
    hints = typing.get_type_hints(cls)
    values = {}
    for name in mapping:
        if name not in fields:
            raise SettingsError(
                f"{where}.{name}: {cls.__name__} has no such field; its fields are "
                f"{_names(cls)}"
            )
        values[name] = _convert(hints[name], mapping[name], f"{where}.{name}")
    missing = [name for name, field in fields.items() if _required(field, values)]
    if missing:
        raise SettingsError(f"{where}: {', '.join(missing)} must be given")
    try:
        return cls(**values)
    except ValueError as error:
        raise SettingsError(f"{where}: {error}") from error


def given(config: Any, path: str) -> Any:
    """The value that a config has at a dotted path, such as "joint.latents".

    Args:
      config: a recipe, or what a run's config.json says; ConfigDict or mapping.
      path: of a value or of a mapping.

    Raises:
      SettingsError: naming the first part of the path that is missing.
    """
    found, where = config, "config"
    for name in path.split("."):
        where = f"{where}.{name}"
        if not _is_mapping(found) or name not in found:
            raise SettingsError(
                f"{where} is missing: a recipe of configs/ has it, a run of an older "
                "one may not; give it, or train that run again"
            )
        found = found[name]
    return found


def _names(cls):
    return ", ".join(f.name for f in dataclasses.fields(cls) if f.init)


def _required(field, values):
    given = dataclasses.MISSING
    optional = field.default is not given or field.default_factory is not given
    return field.name not in values and not optional


def _is_mapping(value):
    # A ConfigDict is none by its type.
    return isinstance(value, Mapping) or hasattr(value, "to_dict")


def _convert(hint, value, where):
    """The value as the hint wants it."""
    if hint is Any:
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where)
    if origin is typing.Literal:
        return _chosen(arguments, value, where)
    if origin is tuple:
        return _convert_tuple(arguments, value, where)
    if dataclasses.is_dataclass(hint):
        return build(hint, value, where)
    return _convert_plain(origin or hint, value, where)


def _convert_union(hints, value, where):
    if value is None and _NONE in hints:
        return None
    errors = []
    for hint in hints:
        if hint is _NONE:
            continue
        try:
            return _convert(hint, value, where)
        except SettingsError as error:
            errors.append(str(error))
    none = "; None is allowed" if _NONE in hints else ""
    raise SettingsError(" or ".join(errors) + none)


def _chosen(choices, value, where):
    # By type as well: True is no choice where 1 is one.
    for choice in choices:
        if type(choice) is type(value) and choice == value:
            return choice
    allowed = ", ".join(map(repr, choices))
    raise SettingsError(f"{where} = {value!r}: choose one of {allowed}")


def _convert_tuple(hints, value, where):
    if not isinstance(value, (list, tuple)):
        raise SettingsError(f"{where} = {value!r}: give a list or tuple")
    if len(hints) == 2 and hints[1] is ...:
        hints = (hints[0],) * len(value)
    if hints and len(hints) != len(value):
        raise SettingsError(f"{where} = {value!r}: give {len(hints)} values")
    return tuple(
        _convert(hint, item, f"{where}[{number}]")
        for number, (hint, item) in enumerate(zip(hints, value, strict=True))
    )


def _convert_plain(kind, value, where):
    if kind is float and type(value) is int:
        return float(value)
    # A bool is an int to Python, and hardly ever meant as one.
    if isinstance(value, kind) and not (isinstance(value, bool) and kind is int):
        return value
    raise SettingsError(f"{where} = {value!r}: give a value of type {kind.__name__}")
