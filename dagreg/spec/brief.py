"""Short reprs: what a record says beyond its defaults, on a line or two, however much it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any

MAX_REPR = 240  # characters of a repr
_MAX_TEXT, _MAX_ITEMS = 60, 3


class Brief:
    """Gives a dataclass with `repr=False` a short repr."""

    __slots__ = ()

    def __repr__(self) -> str:
        return brief(self)


def cut(text: str) -> str:
    """A repr on one line, of `MAX_REPR` characters at most."""
    flat = " ".join(text.split())
    return flat if len(flat) <= MAX_REPR else f"{flat[: MAX_REPR - 4]}...>"


def brief(record: Any) -> str:
    """The record's class and its fields that are not their defaults, cut to `MAX_REPR` characters."""
    parts, room = [], MAX_REPR - len(type(record).__name__) - 2
    for i, field in enumerate(fields(record)):
        value = getattr(record, field.name)
        if _is_default(field, value):
            continue
        words = f"{field.name}={_shown(value)}" if i or not isinstance(value, str) else _shown(value)
        room -= len(words) + 2
        if room < 5:
            parts.append("...")
            break
        parts.append(words)
    return f"{type(record).__name__}({', '.join(parts)})"


def _is_default(field: Field[Any], value: Any) -> bool:
    if field.default is not MISSING:
        return value is field.default or (type(value) is type(field.default) and bool(value == field.default))
    return isinstance(value, Sized) and len(value) == 0


def _shown(value: Any) -> str:
    match value:
        case str():
            return repr(value if len(value) <= _MAX_TEXT else f"{value[: _MAX_TEXT - 3]}...")
        case float():
            return format(value, ".6g")
        case None | bool() | int():
            return repr(value)
        case tuple() | list() if len(value) <= _MAX_ITEMS and all(
            isinstance(v, str | int | float) for v in value
        ):
            return f"({', '.join(map(_shown, value))})"
        case Mapping() if len(value) <= _MAX_ITEMS and all(
            isinstance(v, str | int | float) for v in value.values()
        ):
            return f"{{{', '.join(f'{_shown(k)}: {_shown(v)}' for k, v in value.items())}}}"
        case Mapping() | tuple() | list() | frozenset() | set():
            return f"<{len(value)}>"
        case _ if is_dataclass(value):
            return f"<{type(value).__name__}>"
        case _:
            words = repr(value)
            return words if len(words) <= _MAX_TEXT and "\n" not in words else f"<{type(value).__name__}>"
