"""Shapes: what a value of a spec may be. One description both reads a value and writes its JSON Schema.

A shape's `read` gives the typed value with its place, or None after reporting why it cannot.
"""

from __future__ import annotations

import math
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from typing import Any, cast

from dagreg.errors import Diagnostics, Span, closest, did_you_mean, either
from dagreg.spec.source import Broken, Scalar, Sequence, Tree, describe, shorten
from dagreg.spec.source import Mapping as MappingTree
from dagreg.spec.types import Level

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Located[T]:
    """A value and where it stands."""

    value: T
    span: Span


class Shape[T](ABC):
    """What a value may be. `expected` completes the sentence "expected ..."."""

    expected: str

    @abstractmethod
    def read(self, tree: Tree, mistakes: Diagnostics) -> T | None:
        """The value, or None where `tree` has another shape; the reason is in `mistakes` then."""

    @abstractmethod
    def schema(self) -> JSON:
        """The JSON Schema of such values."""

    def refuse(self, tree: Tree, mistakes: Diagnostics, label: str = "") -> None:
        if not isinstance(tree, Broken):
            mistakes.error("DR111", f"expected {self.expected}, found {describe(tree)}", tree.span, label)


def _quote_hint(tree: Tree) -> str:
    return f'write "{tree.text}"' if isinstance(tree, Scalar) and tree.text and not tree.style else ""


@dataclass(frozen=True)
class Text(Shape[Located[str]]):
    """Text that is not empty."""

    expected: str = "text"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[str] | None:
        if not isinstance(tree, Scalar) or not isinstance(tree.value, str) or not tree.value.strip():
            self.refuse(tree, mistakes, _quote_hint(tree))
        elif has_controls(tree.value, allowed="\t\n"):
            mistakes.error("DR111", f"expected {self.expected}, found a control character", tree.span)
        else:
            return Located(tree.value, tree.span)
        return None

    def schema(self) -> JSON:
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Name(Shape[Located[str]]):
    """The name of a node or a column."""

    expected: str = "a name"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[str] | None:
        if not isinstance(tree, Scalar) or not isinstance(tree.value, str):
            self.refuse(tree, mistakes, _quote_hint(tree))
            return None
        return Located(tree.value, tree.span) if valid_name(tree.value, tree.span, mistakes) else None

    def schema(self) -> JSON:
        return {"type": "string", "minLength": 1}


def valid_name(name: str, span: Span | None, mistakes: Diagnostics) -> bool:
    """Whether `name` can name a node; reports why not."""
    if not name.strip():
        mistakes.error("DR106", "a name that is empty", span)
    elif has_controls(name):
        mistakes.error("DR106", "a name with a line break or a control character", span)
    elif name != name.strip():
        mistakes.error("DR106", "a name that begins or ends with a space", span, f'write "{name.strip()}"')
    else:
        return True
    return False


def has_controls(text: str, allowed: str = "") -> bool:
    """Whether the text holds control characters or line breaks."""
    if text.isprintable():
        return False
    return any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c not in allowed for c in text)


@dataclass(frozen=True)
class Word(Shape[Located[str]]):
    """One of a few words. `synonyms` lead from what other programs say to our word."""

    choices: tuple[str, ...]
    noun: str
    synonyms: Mapping[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> str:  # type: ignore[override]  # derived from the noun
        return f"a {self.noun}"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[str] | None:
        if not isinstance(tree, Scalar):
            self.refuse(tree, mistakes)
            return None
        if tree.value in self.choices:
            return Located(tree.text, tree.span)
        message = f"unknown {self.noun} `{shorten(tree.text)}`"
        if not tree.text:
            message = f"expected {self.expected}, found nothing"
        mistakes.error("DR112", message, tree.span, partial(self._hint, tree.text))
        return None

    def _hint(self, word: str) -> str:
        guess = self.synonyms.get(word.casefold())
        hint = f"did you mean `{guess}`?" if guess else did_you_mean(word, self.choices)
        return hint or f"one of {either(self.choices)}"

    def schema(self) -> JSON:
        return {"enum": list(self.choices)}


@dataclass(frozen=True)
class Later(Shape[Located[str]]):
    """A word whose choices take time to load: they are asked for with the first word that is read."""

    make: Callable[[], Word]

    @property
    def expected(self) -> str:  # type: ignore[override]  # that of the word
        return self.make().expected

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[str] | None:
        return self.make().read(tree, mistakes)

    def schema(self) -> JSON:
        return self.make().schema()


@dataclass(frozen=True)
class Number[N: float](Shape[Located[N]]):
    """A finite number from `minimum` to `maximum`, or strictly between them where `open`."""

    kind: type[N]
    minimum: float | None = None
    maximum: float | None = None
    open: bool = False

    @property
    def expected(self) -> str:  # type: ignore[override]  # derived from the bounds
        noun = "a whole number" if self.kind is int else "a number"
        match self.minimum, self.maximum, self.open:
            case None, None, _:
                return noun
            case low, None, False:
                return f"{noun}, {low:.12g} or more"
            case low, None, True:
                return f"{noun} above {low:.12g}"
            case low, high, _ if low == high:
                return f"the number {low:.12g}"
            case low, high, False:
                return f"{noun} from {low:.12g} to {high:.12g}"
            case low, high, _:
                return f"{noun} between {low:.12g} and {high:.12g}"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[N] | None:
        number = _number(tree, self.kind)
        if number is None or not isinstance(tree, Scalar):
            self.refuse(tree, mistakes)
            return None
        if not self._within(number):
            mistakes.error("DR113", f"expected {self.expected}, found {shorten(tree.text)}", tree.span)
            return None
        return Located(self.kind(number), tree.span)

    def _within(self, number: float) -> bool:
        if not math.isfinite(number):
            return False
        low, high = self.minimum, self.maximum
        if self.open:
            return (low is None or low < number) and (high is None or number < high)
        return (low is None or low <= number) and (high is None or number <= high)

    def schema(self) -> JSON:
        prefix = "exclusiveM" if self.open else "m"
        bounds = {f"{prefix}inimum": self.minimum, f"{prefix}aximum": self.maximum}
        kind = "integer" if self.kind is int else "number"
        return {"type": kind, **{key: value for key, value in bounds.items() if value is not None}}


def _number(tree: Tree, kind: type) -> int | float | None:
    if not isinstance(tree, Scalar) or isinstance(tree.value, bool):
        return None
    match tree.value:
        case int():
            return tree.value
        case float() if kind is float or tree.value.is_integer():
            return tree.value
        case _:
            return None


@dataclass(frozen=True)
class Flag(Shape[Located[bool]]):
    """`true` or `false`."""

    expected: str = "`true` or `false`"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[bool] | None:
        if isinstance(tree, Scalar) and isinstance(tree.value, bool):
            return Located(tree.value, tree.span)
        said = _SPOKEN.get(tree.text.casefold()) if isinstance(tree, Scalar) else None
        self.refuse(tree, mistakes, f"write `{said}`" if said else "")
        return None

    def schema(self) -> JSON:
        return {"type": "boolean"}


_MANY = 500  # unknown keys that are held against a missing one
_SPOKEN = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}


@dataclass(frozen=True)
class LevelShape(Shape[Located[Level]]):
    """A level of a variable: text, a number, or a boolean."""

    expected: str = "a level: text, a number, `true` or `false`"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[Level] | None:
        if isinstance(tree, Scalar) and tree.value is not None and tree.value != "" and _finite(tree.value):
            return Located(tree.value, tree.span)
        self.refuse(tree, mistakes)
        return None

    def schema(self) -> JSON:
        return {"type": ["string", "number", "boolean"]}


def _finite(value: Level) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


@dataclass(frozen=True)
class NameOrCount(Shape[Located[str | int]]):
    """A column, or the same whole number for every row."""

    expected: str = "a column or a whole number, 1 or more"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[str | int] | None:
        shape = Name() if isinstance(tree, Scalar) and isinstance(tree.value, str) else Number(int, minimum=1)
        if not isinstance(tree, Scalar) or not isinstance(tree.value, str | int | float):
            self.refuse(tree, mistakes)
            return None
        return cast(Located[str | int] | None, shape.read(tree, mistakes))

    def schema(self) -> JSON:
        return {"anyOf": [Name().schema(), Number(int, minimum=1).schema()]}


@dataclass(frozen=True)
class ListOf[T](Shape[Located[tuple[T, ...]]]):
    """A list of at least `least` and at most `most` items, none twice where `distinct`."""

    item: Shape[Any]
    expected: str
    least: int = 0
    most: int | None = None
    distinct: bool = True

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[tuple[T, ...]] | None:
        if not isinstance(tree, Sequence):
            self.refuse(tree, mistakes)
            return None
        if not self._fits(len(tree.items)):
            mistakes.error("DR111", f"expected {self.expected}, found {len(tree.items)} of them", tree.span)
            return None
        read = [self.item.read(item, mistakes) for item in tree.items]
        values = [value for value in read if value is not None]
        if self.distinct:
            values = list(_distinct(values, mistakes))
        complete = len(values) == len(tree.items) or self.most is None
        return Located(tuple(values), tree.span) if complete else None

    def _fits(self, count: int) -> bool:
        return self.least <= count and (self.most is None or count <= self.most)

    def schema(self) -> JSON:
        bounds = {"minItems": self.least or None, "maxItems": self.most, "uniqueItems": self.distinct or None}
        return {
            "type": "array",
            "items": self.item.schema(),
            **{key: value for key, value in bounds.items() if value is not None},
        }


def _distinct(values: Iterable[Any], mistakes: Diagnostics) -> Iterable[Any]:
    seen: dict[object, Span] = {}
    for value in values:
        key = (isinstance(value.value, bool), value.value)
        if key in seen:
            mistakes.error("DR115", f"`{shorten(str(value.value))}` is given twice", value.span)
            continue
        seen[key] = value.span
        yield value


@dataclass(frozen=True)
class OneOrMore[T](Shape[Located[tuple[T, ...]]]):
    """A value or a list of such values."""

    item: Shape[T]
    expected: str

    def read(self, tree: Tree, mistakes: Diagnostics) -> Located[tuple[T, ...]] | None:
        if isinstance(tree, Sequence):
            return ListOf[T](self.item, self.expected, least=1).read(tree, mistakes)
        value = self.item.read(tree, mistakes)
        return None if value is None else Located((value,), tree.span)

    def schema(self) -> JSON:
        return {"anyOf": [self.item.schema(), ListOf[T](self.item, self.expected, least=1).schema()]}


@dataclass(frozen=True)
class ByKind(Shape[Any]):
    """Different shapes for text, lists and mappings. None where there is no such form."""

    expected: str
    scalar: Shape[Any] | None = None
    sequence: Shape[Any] | None = None
    mapping: Shape[Any] | None = None
    null: bool = False  # nothing at all is allowed, and read as an empty mapping

    def read(self, tree: Tree, mistakes: Diagnostics) -> Any | None:
        if self.null and isinstance(tree, Scalar) and tree.value is None and not tree.style:
            tree = MappingTree((), tree.span)
        shape = {Scalar: self.scalar, Sequence: self.sequence, MappingTree: self.mapping}.get(type(tree))
        if shape is None or (isinstance(tree, Scalar) and tree.value is None):
            self.refuse(tree, mistakes)
            return None
        return shape.read(tree, mistakes)

    def schema(self) -> JSON:
        forms = [shape.schema() for shape in (self.scalar, self.sequence, self.mapping) if shape is not None]
        return {"anyOf": [*forms, {"type": "null"}] if self.null else forms}


@dataclass(frozen=True, eq=False)
class Field[T]:
    """A key of a mapping: the shape of its value, and what it says. `former`: its name before, still read."""

    key: str
    shape: Shape[T]
    description: str
    required: bool = False
    former: str = ""


@dataclass(frozen=True)
class Reading:
    """A mapping that was read: the value and place of each of its keys."""

    values: Mapping[str, Any]
    keys: Mapping[str, Span]
    span: Span

    def __getitem__[T](self, entry: Field[T]) -> T | None:
        return cast(T | None, self.values.get(entry.key))

    def plain[T](self, entry: Field[Located[T]]) -> T | None:
        """The value without its place."""
        located = self[entry]
        return None if located is None else located.value

    def attributes(self, of: type[Any], but: Collection[str] = ()) -> dict[str, Any]:
        """The values of the keys that are fields of a dataclass, without their places; not those of `but`."""
        known = {entry.name for entry in fields(of)}.difference(but)
        return {key: located.value for key, located in self.values.items() if key in known}

    def key(self, entry: Field[Any]) -> Span:
        """Where the key stands; the whole mapping where it is not given."""
        return self.keys.get(entry.key, self.span)

    def __contains__(self, entry: Field[Any]) -> bool:
        return entry.key in self.keys


@dataclass(frozen=True)
class Record(Shape[Reading]):
    """A mapping with a fixed set of keys."""

    noun: str  # "an effect"
    fields: tuple[Field[Any], ...]

    @property
    def expected(self) -> str:  # type: ignore[override]  # derived from the noun
        return f"{self.noun} as a mapping"

    def read(self, tree: Tree, mistakes: Diagnostics) -> Reading | None:
        if not isinstance(tree, MappingTree):
            self.refuse(tree, mistakes)
            return None
        table = {entry.key: entry for entry in self.fields}
        former = {entry.former: entry for entry in self.fields if entry.former}
        values: dict[str, Any] = {}
        keys: dict[str, Span] = {}
        for key, value in tree.entries:
            field = table.get(key.text) or former.get(key.text)
            if field is None:
                message = f"unknown key `{shorten(key.text)}` in {self.noun}"
                mistakes.error("DR103", message, key.span, partial(self._hint, key.text))
                continue
            if key.text == field.former:
                mistakes.note(
                    "DR116", f"`{key.text}` is now called `{field.key}`", key.span, f"write `{field.key}`"
                )
            if field.key in keys:
                message = f"`{field.key}` and `{field.former}` are one key"
                mistakes.error("DR104", message, key.span, f"keep `{field.key}`")
                continue
            keys[field.key] = key.span
            read = field.shape.read(value, mistakes)
            if read is not None:
                values[field.key] = read
        absent = [entry for entry in self.fields if entry.required and entry.key not in keys]
        unknown = [key.text for key, _ in tree.entries if key.text not in table] if absent else []
        meant = {closest(text, table) for text in unknown[:_MANY]}
        for entry in absent:
            if entry.key not in meant:
                mistakes.error("DR114", f"{self.noun} needs `{entry.key}`", tree.span, entry.description)
        return Reading(values, keys, tree.span)

    def _hint(self, key: str) -> str:
        words = [entry.key for entry in self.fields]
        listed = f"the keys are {_and(words)}" if len(words) > 1 else f"the only key is `{words[0]}`"
        return did_you_mean(key, words) or listed

    def schema(self) -> JSON:
        properties = {
            entry.key: {**entry.shape.schema(), "description": entry.description} for entry in self.fields
        }
        required = [entry.key for entry in self.fields if entry.required]
        record: JSON = {"type": "object", "properties": properties, "additionalProperties": False}
        return {**record, "required": required} if required else record


def _and(words: list[str]) -> str:
    *others, last = [f"`{word}`" for word in words]
    return f"{', '.join(others)} and {last}" if others else last


@dataclass(frozen=True)
class MapOf[T](Shape[Mapping[str, tuple[Span, T | None]]]):
    """A mapping whose keys the user chooses. A value that cannot be read stays as None."""

    value: Shape[T]
    expected: str

    def read(self, tree: Tree, mistakes: Diagnostics) -> Mapping[str, tuple[Span, T | None]] | None:
        if not isinstance(tree, MappingTree):
            self.refuse(tree, mistakes)
            return None
        for key, _ in tree.entries:
            valid_name(key.text, key.span, mistakes)
        return {key.text: (key.span, self.value.read(value, mistakes)) for key, value in tree.entries}

    def schema(self) -> JSON:
        return {"type": "object", "additionalProperties": self.value.schema()}


@dataclass(frozen=True)
class Unread(Shape[Tree]):
    """A value with a grammar of its own, read later."""

    expected: str
    form: Mapping[str, Any]

    def read(self, tree: Tree, mistakes: Diagnostics) -> Tree | None:
        return None if isinstance(tree, Broken) else tree

    def schema(self) -> JSON:
        return dict(self.form)
