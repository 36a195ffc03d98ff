"""Immutable records to JSON and back, read by their types, so that a new field needs no line here."""

from __future__ import annotations

import math
import types
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from dagreg.binding.table import DataInfo
from dagreg.engines.solve import Failure
from dagreg.model import plan

Json = dict[str, Any]
_PLAIN = (str, int, bool)  # that JSON writes as they are


def encode(value: Any, without: Collection[str] = ()) -> Any:
    """A record, or what records hold, as JSON knows it; `without` names fields of the record that are left
    out.

    Numbers that are not finite become words, mappings whose keys are not texts lists of pairs.
    """
    if type(value) is float:
        return value if math.isfinite(value) else str(value)
    if is_dataclass(value):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value) if f.name not in without}
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: encode(v) for key, v in value.items()}
        return [[encode(key), encode(v)] for key, v in value.items()]
    if isinstance(value, tuple | list | frozenset):
        return [v if type(v) in _PLAIN else encode(v) for v in value]
    if hasattr(value, "item"):  # a NumPy number
        value = value.item()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def decode[T](kind: type[T], data: Any, **given: Any) -> T:
    """The record of this type that `encode` wrote; `given` are the fields that were left out.

    Raises TypeError or ValueError where the data are of another shape.
    """
    if not is_dataclass(kind):
        raise TypeError(f"{kind} is no record")
    if not isinstance(data, Mapping):
        raise TypeError(f"expected the fields of {kind.__name__}")
    hints = _hints(kind)
    unknown = data.keys() - hints.keys()
    if unknown:
        raise ValueError(f"{kind.__name__} has no field {sorted(unknown)[0]}")
    read = {name: _value(hints[name], value) for name, value in data.items()}
    return kind(**read, **given)


@cache
def _hints(kind: type) -> dict[str, Any]:
    names = {**vars(plan), "DataInfo": DataInfo, "Failure": Failure}  # imported there for type checkers alone
    return get_type_hints(kind, localns=names)


def _value(hint: Any, data: Any) -> Any:
    """What `encode` made of a value with this annotation."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return data
    if origin in (Union, types.UnionType):
        return _first(arguments, data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    if origin is Literal:
        if data not in arguments:
            raise ValueError(f"{data!r} is none of {arguments}")
        return data
    if origin is not None and issubclass(origin, tuple):
        return _tuple(arguments, data)
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(arguments, data)
    return decode(hint, data) if is_dataclass(hint) and isinstance(hint, type) else _plain(hint, data)


def _plain(hint: Any, data: Any) -> Any:
    if hint is float and (type(data) is int or data in ("nan", "inf", "-inf")):
        return float(data)
    if type(data) is not hint and not (hint is type(None) and data is None):
        raise TypeError(f"expected {hint}, found {data!r}")
    return data


def _first(hints: tuple[Any, ...], data: Any) -> Any:
    """The first of several annotations that takes the value; whole numbers stay whole where they may."""
    exact = [hint for hint in hints if hint is type(data)]
    for hint in (*exact, *hints):
        try:
            return _value(hint, data)
        except (TypeError, ValueError):
            continue
    raise TypeError(f"{data!r} is none of {hints}")


def _tuple(hints: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise TypeError(f"expected a list, found {data!r}")
    if hints[-1:] == (Ellipsis,):
        return tuple(_value(hints[0], v) for v in data)
    if len(hints) != len(data):
        raise ValueError(f"expected {len(hints)} values, found {len(data)}")
    return tuple(_value(hint, v) for hint, v in zip(hints, data, strict=True))


def _mapping(hints: tuple[Any, ...], data: Any) -> dict[Any, Any]:
    if not isinstance(data, Mapping | list):
        raise TypeError(f"expected a mapping, found {data!r}")
    pairs = data.items() if isinstance(data, Mapping) else data
    return {_value(hints[0], key): _value(hints[1], v) for key, v in pairs}
