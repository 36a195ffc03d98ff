"""YAML text -> a tree of values that know their place.

The tree is built from the parser's events, not by recursion, with the core scalars of
YAML 1.2: `no`, `yes`, `on`, `y` are strings and `1e3` is a number. What would make a spec
mean something other than it shows (aliases, tags, merge keys, duplicate keys, a prior
cut at its comma) is refused.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass, field
from functools import cached_property

import yaml

from dagreg.errors import LINE_BREAK, Diagnostics, Span

MAX_BYTES = 1_000_000
MAX_NESTING = 50

Value = str | int | float | bool | None

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SpecText:
    """The text of a spec file, and where its characters stand."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.places: dict[int, Sequence_[int]] = {}  # of the characters of scalars, by the scalar's start

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]

    def line(self, offset: int) -> int:
        """The line, counted from 1, that holds the character at `offset`."""
        return bisect_right(self._line_starts, offset)

    def span(self, start: int, stop: int) -> Span:
        """The characters from `start` to `stop`, as far as they stand on one line."""
        line = self.line(start)
        begin = self._line_starts[line - 1]
        break_ = LINE_BREAK.search(self.text, start, max(start, stop))
        end = break_.start() if break_ else max(start, stop)
        return Span(self.file, line, start - begin + 1, end - begin + 1)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar: `value` by the core rules of YAML 1.2, `text` without quotes and escapes."""

    value: Value
    text: str
    style: str  # "" (plain), "'", '"', "|" or ">"
    source: SpecText = field(repr=False, compare=False)
    start: int
    stop: int

    @property
    def span(self) -> Span:
        return self.source.span(self.start, self.stop)

    def span_of(self, start: int, stop: int) -> Span:
        """Where `text[start:stop]` stands in the file; the whole scalar where that cannot be told."""
        places = self._places()
        if not places or start >= stop:
            return self.span
        return self.source.span(places[start], places[stop - 1] + 1)

    def lines_of(self, start: int, stop: int) -> int:
        """How many lines of the file `text[start:stop]` reaches over."""
        places = self._places()
        if not places or start >= stop:
            return 1
        return self.source.line(places[stop - 1]) - self.source.line(places[start]) + 1

    def _places(self) -> Sequence_[int]:
        """The offset in the file of every character of `text`; empty where they cannot be paired."""
        if self.start not in self.source.places:
            self.source.places[self.start] = self._paired()
        return self.source.places[self.start]

    def _paired(self) -> Sequence_[int]:
        quote = 1 if self.style in ("'", '"') else 0
        raw = self.source.text[self.start + quote : self.stop - quote]
        if raw == self.text:
            return range(self.start + quote, self.stop - quote)
        return list(_pair(self.text, raw, self.start + quote, self.style))


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Tree, ...]
    span: Span
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    """`entries` in the order of the file; keys are distinct strings."""

    entries: tuple[tuple[Scalar, Tree], ...]
    span: Span
    flow: bool = False


@dataclass(frozen=True, slots=True)
class Broken:
    """A value whose mistake is reported already."""

    span: Span


Tree = Scalar | Sequence | Mapping | Broken


def compose(text: str, file: str, mistakes: Diagnostics) -> Tree | None:
    """The tree of the one document in `text`; None where there is none to speak of.

    Mistakes go to `mistakes`; parts that cannot be read are `Broken`.
    """
    source = SpecText(file, text)
    if not _readable(source, mistakes):
        return None
    try:
        root = _Composer(source, mistakes).run(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as problem:
        _report_syntax(problem, source, mistakes)
        return None
    if root is None and not len(mistakes):
        mistakes.error("DR109", "the file is empty", source.span(0, 0), "a spec needs at least `edges:`")
    return root


def describe(tree: Tree) -> str:
    """What the user wrote, for `expected ..., found ...`."""
    match tree:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(value=None | bool()):
            return f"`{tree.text}`" if tree.text else "nothing"
        case Scalar(value=int() | float()):
            return f"the number {tree.text}"
        case Scalar():
            return f"the text `{shorten(tree.text)}`"
        case Broken():
            return "a mistake"


def shorten(text: str, width: int = 40) -> str:
    """`text` on one line, cut to at most `width` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= width else f"{flat[: width - 3]}..."


# ---------------------------------------------------------------- characters and syntax

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_SYNTAX: tuple[tuple[str, str, str], ...] = (
    ("cannot start any token", "this character cannot stand here", "put the text in quotes"),
    (
        "mapping values are not",
        "a `:` where no key can stand",
        "quote text that holds `: `; or is a `:` missing above?",
    ),
    (
        "could not find expected ':'",
        "a key without its `:`",
        "write `key: value`, the colon followed by a space",
    ),
    ("expected ',' or ']'", "a list `[...]` that is not closed", "its `]` is missing, or a comma"),
    ("expected ',' or '}'", "a mapping `{...}` that is not closed", "its `}` is missing, or a comma"),
    ("unexpected end of stream", "a quoted text that is not closed", "its closing quote is missing"),
    (
        "block sequence entries are not",
        "a `-` where no list can stand",
        "begin the list on a line of its own",
    ),
    ("expected node content", "a value is missing here", "a comma or a bracket too many?"),
    ("expected comment or line break", "text beside `|` or `>`", "begin the text on the next line"),
    ("expected <document start>", "text after the end of the spec", "check its indentation"),
    (
        "expected key|expected '-' indicator|block end",
        "a line out of line with those above",
        "check its indentation",
    ),
    ("undefined alias", "an alias without its anchor", "write the value out"),
    ("escape", "a `\\` that begins no known escape", "use single quotes, or write `\\\\`"),
)
"""What the parser says, what it means, and what would mend it."""

_TAB = ("a tab where YAML wants spaces", "indent with spaces")
_SAME_LINE = ("text where nothing can stand", "put the whole value in quotes")


def _readable(source: SpecText, mistakes: Diagnostics) -> bool:
    if len(source.text) > MAX_BYTES or len(source.text.encode("utf-8", "replace")) > MAX_BYTES:
        label = "a spec is short; data go in a file of their own"
        mistakes.error("DR107", "the file is larger than 1 MB", source.span(0, 0), label)
        return False
    if match := _UNPRINTABLE.search(source.text):
        span = source.span(match.start(), match.end())
        mistakes.error(
            "DR101", f"not valid YAML: the control character U+{ord(match[0]):04X}", span, "remove it"
        )
        return False
    return True


def _report_syntax(problem: yaml.YAMLError, source: SpecText, mistakes: Diagnostics) -> None:
    said = " ".join(str(getattr(problem, part, None) or "") for part in ("problem", "context")).strip()
    known = ((sentence, hint) for pattern, sentence, hint in _SYNTAX if re.search(pattern, said))
    message, label = next(known, (said or "unreadable", ""))
    at = _offset(problem, "context_mark" if "not closed" in message else "problem_mark", source)
    if source.text[at : at + 1] == "\t":
        message, label = _TAB
    elif "out of line" in message and not _begins_line(source, at):
        message, label = _SAME_LINE
    mistakes.error("DR101", f"not valid YAML: {message}", source.span(at, at + 1), label)


def _offset(problem: yaml.YAMLError, mark: str, source: SpecText) -> int:
    place = getattr(problem, mark, None) or getattr(problem, "problem_mark", None)
    return min(place.index, len(source.text)) if place is not None else 0


def _begins_line(source: SpecText, offset: int) -> bool:
    column = source.span(offset, offset).column
    return not source.text[offset - column + 1 : offset].strip()


# ---------------------------------------------------------------- scalars

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_MAX_NUMBER_LENGTH = 400


def core_value(text: str) -> Value:
    """A plain scalar by the core schema of YAML 1.2 (section 10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _MAX_NUMBER_LENGTH:
        return text
    if _INTEGER.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


_UNIT = {
    "'": re.compile(r"''|.", re.DOTALL),
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|\r\n|.)|.", re.DOTALL),
}
_ANY = re.compile(".", re.DOTALL)
_BLANK_ESCAPES = frozenset("\\" + letter for letter in "tnrvfNLP_ \t\r\n\x85\u2028\u2029") | {"\\\r\n"}


def _pair(text: str, raw: str, offset: int, style: str) -> Iterator[int]:
    """The offset of every character of `text`, whose visible characters are those of `raw` in order.

    Folding, indentation and escapes change white space only, or one character at a time. Yields
    nothing where the two do not agree.
    """
    body = raw.find("\n") + 1 if style in ("|", ">") else 0
    units = [unit for unit in _UNIT.get(style, _ANY).finditer(raw, body) if not _blank(unit[0])]
    visible = sum(not character.isspace() for character in text)
    if visible > len(units) or (visible < len(units) and style not in ("|", ">")):
        return
    queue = iter(units)
    last = offset + body
    for character in text:
        if not character.isspace():
            last = offset + next(queue).start()
        yield last


def _blank(unit: str) -> bool:
    if unit[0] != "\\" or len(unit) == 1:
        return unit.isspace()
    if unit in _BLANK_ESCAPES:
        return True
    return unit[1] in "xuU" and len(unit) > 2 and _hexadecimal(unit[2:]).isspace()


def _hexadecimal(digits: str) -> str:
    try:
        return chr(int(digits, 16))
    except (ValueError, OverflowError):
        return "?"


# ---------------------------------------------------------------- the composer


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    mapping: bool
    flow: bool
    start: int
    nodes: list[Tree] = field(default_factory=list)


def _extent(event: yaml.Event) -> tuple[int, int]:
    """The offsets at which an event starts and stops; a parser's events have both marks."""
    assert event.start_mark is not None
    assert event.end_mark is not None
    return event.start_mark.index, event.end_mark.index


class _Stop(Exception):
    """The rest of the file is not worth reading."""


class _Composer:
    """Builds the tree from parser events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, source: SpecText, mistakes: Diagnostics) -> None:
        self.source = source
        self.mistakes = mistakes
        self.stack: list[_Frame] = []
        self.root: Tree | None = None
        self.documents = 0

    def run(self, events: Iterable[yaml.Event]) -> Tree | None:
        try:
            for event in events:
                self._take(event)
        except _Stop:
            return None
        return self.root

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                self._decorations(event)
                self._place(self._scalar(event))
            case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                self._decorations(event)
                self._open(event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close(event)
            case yaml.AliasEvent():
                span = self._span(event)
                label = "write the value out; quote a text that begins with `*`"
                self.mistakes.error("DR105", "an alias has no place in a spec", span, label)
                self._place(Broken(span))
            case yaml.DocumentStartEvent():
                self._document(event)
            case _:
                pass

    def _span(self, event: yaml.Event) -> Span:
        return self.source.span(*_extent(event))

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self.documents += 1
        if event.version or event.tags:
            self.mistakes.error("DR105", "a directive has no place in a spec", self._span(event), "remove it")
        if self.documents > 1:
            self.mistakes.error(
                "DR105", "a second document in the file", self._span(event), "one spec a file"
            )
            raise _Stop

    def _decorations(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            label = "write the value out; quote a text that begins with `&`"
            self.mistakes.error("DR105", "an anchor has no place in a spec", self._span(event), label)
        if event.tag is not None:
            label = "remove it; quote a text that begins with `!`"
            self.mistakes.error("DR105", "a tag has no place in a spec", self._span(event), label)

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        style = event.style or ""
        value = event.value if style else core_value(event.value)
        return Scalar(value, event.value, style, self.source, *_extent(event))

    def _open(self, event: yaml.CollectionStartEvent) -> None:
        if len(self.stack) == MAX_NESTING:
            self.mistakes.error(
                "DR107", f"nesting deeper than {MAX_NESTING}", self._span(event), "a spec is shallow"
            )
            raise _Stop
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.stack.append(_Frame(mapping, bool(event.flow_style), _extent(event)[0]))

    def _close(self, event: yaml.Event) -> None:
        frame = self.stack.pop()
        span = self.source.span(frame.start, _extent(event)[1])
        if frame.flow:
            frame.nodes = self._mend_cuts(frame)
        if frame.mapping:
            self._place(Mapping(self._entries(frame), span, frame.flow))
        else:
            self._place(Sequence(tuple(frame.nodes), span, frame.flow))

    def _place(self, node: Tree) -> None:
        if self.stack:
            self.stack[-1].nodes.append(node)
        else:
            self.root = node

    def _entries(self, frame: _Frame) -> tuple[tuple[Scalar, Tree], ...]:
        entries: dict[str, tuple[Scalar, Tree]] = {}
        for key, value in zip(frame.nodes[::2], frame.nodes[1::2], strict=True):
            if not self._can_be_key(key) or not isinstance(key, Scalar):
                continue
            if key.text in entries:
                label = f"first on line {entries[key.text][0].span.line}"
                self.mistakes.error("DR104", f"the key `{shorten(key.text)}` is given twice", key.span, label)
                continue
            entries[key.text] = (key, value)
        return tuple(entries.values())

    def _can_be_key(self, key: Tree) -> bool:
        """Whether the entry is kept. One whose key is not text is, so that its name is known further on."""
        match key:
            case Broken():
                return False
            case Scalar(text="<<", style=""):
                self.mistakes.error(
                    "DR105", "a merge key has no place in a spec", key.span, "write the keys out"
                )
                return False
            case Scalar(value=str()):
                return True
            case _:
                text = key.text if isinstance(key, Scalar) else ""
                label = f'write "{text}"' if text else ""
                self.mistakes.error("DR106", f"a name must be text, found {describe(key)}", key.span, label)
                return bool(text)

    def _mend_cuts(self, frame: _Frame) -> list[Tree]:
        """`{b: Normal(0, 1)}` reaches us as `b: Normal(0` and `1)`: report it, and keep one broken value."""
        step = 2 if frame.mapping else 1
        nodes, kept, i = frame.nodes, list[Tree](), 0
        while i < len(nodes):
            last = _closing(nodes, i + step - 1, step)
            if last is None:
                kept += nodes[i : i + step]
                i += step
                continue
            opened, closing = nodes[i + step - 1], nodes[last]
            assert isinstance(opened, Scalar)
            assert isinstance(closing, Scalar)
            span = self.source.span(opened.start, closing.stop)
            self.mistakes.error(
                "DR110", "a value cut at its comma", span, f"{_LIFT[frame.mapping]} or put it in quotes"
            )
            kept += [*nodes[i : i + step - 1], Broken(span)]
            i = last + step
        return kept


_LIFT = {
    True: "write the mapping as a block, one key a line,",
    False: "write the list as a block, one item a line,",
}


_MAX_CUT_NODES = 16  # nodes among which a closing parenthesis is looked for


def _closing(nodes: list[Tree], i: int, step: int) -> int | None:
    """Where the parenthesis that node `i` leaves open is closed, among the nodes of its flow collection."""
    depth = _depth(nodes[i])
    if depth <= 0:
        return None
    for j in range(i + 1, min(len(nodes), i + _MAX_CUT_NODES), step):
        depth += _depth(nodes[j])
        if depth <= 0:
            return j
    return None


def _depth(node: Tree) -> int:
    return node.text.count("(") - node.text.count(")") if isinstance(node, Scalar) and not node.style else 0
