"""A spec from Python values: written as YAML, so that one reader finds the same mistakes in both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

from dagreg.errors import DagregError, Diagnostic, SpecError
from dagreg.spec.convert.yaml import Part, entry, text_of
from dagreg.spec.load import read_named
from dagreg.spec.source import MAX_NESTING
from dagreg.spec.types import Spec

SHOWN_AS = "<Spec>"  # what messages call the text


def check_number(name: str, value: Any, least: float, most: float, *, whole: bool = False) -> None:
    """Raises DagregError (DR569) for an argument that is no such number."""
    kind = "a whole number" if whole else "a number"
    plain = isinstance(value, Integral if whole else Real) and not isinstance(value, bool)
    if not plain or not least <= value <= most:
        message = f"`{name}={value!r}`: expected {kind} from {least:,} to {most:,}"
        raise DagregError((Diagnostic("DR569", message),))


def built(values: Mapping[str, Any], path: str | None = None) -> Spec:
    """The spec of these values by the keys of a file.

    Raises SpecError with every mistake, shown in the YAML that says the same; first of all with every value
    that YAML has no word for (DR166).
    """
    mistakes: list[Diagnostic] = []
    document = {key: _plain(value, key, mistakes, 0) for key, value in values.items() if value is not None}
    if mistakes:
        raise SpecError(tuple(mistakes))
    return read_named(text_of(document) if document else "", SHOWN_AS, "spec", path)


def _plain(value: Any, place: str, mistakes: list[Diagnostic], depth: int) -> Any:
    """The value in words, numbers, lists and mappings; `mistakes` get what is none of them, by its place."""
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case float():
            return float(value)  # a NumPy number is one, too
        case str():
            return str(value)
        case os.PathLike():
            return os.fspath(value)
        case _ if isinstance(value, Part):
            return _plain(entry(value), place, mistakes, depth + 1)
        case _ if depth > MAX_NESTING:
            mistakes.append(Diagnostic("DR107", f"`{place[:60]}...` is nested deeper than {MAX_NESTING}"))
        case Mapping():
            wrong = [key for key in value if not isinstance(key, str | int | float | bool | None)]
            message = f"`{place}` has a key that is {{}}: keys are text"
            mistakes.extend(Diagnostic("DR166", message.format(_kind(key))) for key in wrong)
            return {
                k: _plain(v, f"{place}[{k!r}]", mistakes, depth + 1)
                for k, v in value.items()
                if k not in wrong
            }
        case list() | tuple() | range():
            return [_plain(v, f"{place}[{i}]", mistakes, depth + 1) for i, v in enumerate(value)]
        case _ if (
            hasattr(value, "tolist") and getattr(value, "ndim", 2) < 2
        ):  # of NumPy, or a column of pandas
            return _plain(value.tolist(), place, mistakes, depth + 1)
        case _:
            mistakes.append(Diagnostic("DR166", f"`{place}` is {_kind(value)}", label=_hint(value, place)))
    return None


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"


def _hint(value: Any, place: str) -> str:
    if isinstance(value, set | frozenset):
        return "a set has no order: give a list"
    if place == "data":
        return "a spec names a file or a database; give the table to the fit: `dagreg.fit(spec, data=table)`"
    return "give text, numbers, lists or mappings, as in a spec file"
