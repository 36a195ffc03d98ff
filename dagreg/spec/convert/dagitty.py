"""dagitty's language, of dagitty.net and the R package: `dag { x [exposure]; x -> {m n} -> y <-> z }`.

Read as dagitty's own parser does: statements are separated by nothing, white space or `;`; every vertex of a
group, also of an edge within it, is an end of the arrows at its braces; `dag { ... }` around the statements
may be missing. Comments are allowed beyond that grammar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NoReturn

from dagreg.errors import Span, did_you_mean
from dagreg.spec.convert.draft import Draft, Read, Written
from dagreg.spec.convert.losses import Holds, check_names, losses, roles
from dagreg.spec.convert.marks import ROLES, truth
from dagreg.spec.source import MAX_NESTING, SpecText, shorten
from dagreg.spec.types import Node, Spec

_TOKEN = re.compile(
    r"""(?P<space>[\s;]+ | /\*.*?\*/ | (?://|\#)[^\n]*)
      | (?P<arrow><->|->|<-@|<-|@->|@-@|@--|--@|--)
      | (?P<string>"(?:\\"|\\(?!")|[^"\\])*")
      | (?P<bare>-?[\w.]+)
      | (?P<mark>[{}\[\]=,+])
      | (?P<open>"|/\*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"-\d*\.?\d+")
_PAIR = re.compile(r"\s*(-?\d{1,15}(?:\.\d*)?|-?\.\d+)\s*,\s*(-?\d{1,15}(?:\.\d*)?|-?\.\d+)\s*")
_BARE = re.compile(r"[0-9a-zA-Z_.]+")
_KINDS = ("dag", "digraph", "pdag", "mag", "pag", "graph")
_OTHER_KINDS = {
    "pdag": "a partially directed graph stands for many DAGs",
    "mag": "a maximal ancestral graph stands for many DAGs",
    "pag": "a partial ancestral graph stands for many DAGs",
    "graph": "its edges have no direction",
}
_ARROWS = {"->": (False, False), "<-": (True, False), "<->": (False, True)}  # turned round, bidirected
_NO_VERTEX = ("graph", "node")
_WORD_OF = {"unobserved": "latent"}  # where dagitty's own word for a role is another


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str  # of a string: its content
    start: int
    stop: int


_END = "end"


@dataclass(frozen=True, slots=True)
class _End:
    """What stands at one side of an arrow: a vertex, or the vertices of a group."""

    names: list[str]
    first: _Token
    last: _Token


def read(text: str, name: str, file: str) -> Read:
    """The graph of dagitty text.

    Raises SpecError: DR171 where the text breaks the grammar, DR172 where it is a graph of another kind.
    """
    draft = Draft(text)
    _Reader(draft, SpecText(file, text)).read()
    return draft.finish(name)


class _Reader:
    """Recursive descent over the tokens; `depth` bounds the recursion."""

    def __init__(self, draft: Draft, source: SpecText) -> None:
        self.draft, self.source = draft, source
        self.tokens = [*self._tokens(), _Token(_END, "", len(source.text), len(source.text))]
        self.at = self.depth = 0

    def _tokens(self) -> Iterator[_Token]:
        """The tokens; a quote or a comment that is left open is the last one."""
        before: re.Match[str] | None = None
        for match in _TOKEN.finditer(self.source.text):
            kind = str(match.lastgroup)
            self._refuse_joined(before, match)
            if kind == "string":
                yield _Token(kind, match[0][1:-1].replace('\\"', '"'), match.start(), match.end())
            elif kind != "space":
                yield _Token(kind, match[0], match.start(), match.end())
            if kind == "open":
                return
            before = match

    def _refuse_joined(self, before: re.Match[str] | None, match: re.Match[str]) -> None:
        """Names that no white space parts, and a comment that begins within a word: what was meant is a
        guess.
        """
        named = ("bare", "string")
        if before is None or before.lastgroup not in named:
            return
        comment = before.lastgroup == "bare" and match[0].startswith(("#", "/"))
        if match.lastgroup in named or comment:
            whole = _Token("bare", before[0] + match[0].split("\n")[0], before.start(), match.end())
            label = 'put a name with other signs than letters, digits, `.` and `_` in quotes: `"a-b"`'
            self._refuse(f"cannot tell whether `{shorten(whole.text)}` is one name", whole, label)

    def read(self) -> None:
        wrapped = self._header()
        self._statements()
        if wrapped:
            self._expect("}", "the graph's `}` is missing")
        if self._next.kind != _END:
            self._refuse(f"`{shorten(self._next.text)}` after the end of the graph", self._next)

    @property
    def _next(self) -> _Token:
        return self.tokens[self.at]

    def _is(self, text: str, ahead: int = 0) -> bool:
        token = self.tokens[min(self.at + ahead, len(self.tokens) - 1)]
        return token.kind == "mark" and token.text == text

    def _take(self) -> _Token:
        token = self._next
        self.at += token.kind != _END
        return token

    def _expect(self, text: str, label: str) -> None:
        if not self._is(text):
            self._refuse(f"expected `{text}`, found {_shown(self._next)}", self._next, label)
        self._take()

    def _span(self, first: _Token, last: _Token | None = None) -> Span:
        return self.source.span(first.start, (last or first).stop)

    def _refuse(self, message: str, token: _Token, label: str = "") -> NoReturn:
        self.draft.refuse("DR171", f"not dagitty text: {message}", self._span(token), label)

    def _header(self) -> bool:
        """`strict? dag name? {`, which may be missing where there are arrows."""
        if self._next.text.lower() == "strict" and self.tokens[self.at + 1].kind == "bare":
            self._take()
        kind = self._next
        named = self._is("{", 2) and self.tokens[self.at + 1].kind in ("bare", "string")
        if kind.kind == "bare" and (self._is("{", 1) or named):
            self._check_kind(kind)
            self.at += 3 if named else 2
            return True
        if not any(token.kind == "arrow" for token in self.tokens):
            self._refuse(
                f"expected `dag {{`, found {_shown(kind)}", kind, "a graph is written `dag { x -> y }`"
            )
        return False

    def _check_kind(self, token: _Token) -> None:
        kind = token.text.lower()
        if kind in _OTHER_KINDS:
            message = f"a `{kind}` is not a DAG: {_OTHER_KINDS[kind]}"
            self.draft.refuse("DR172", message, self._span(token), "only `dag` is read")
        if kind not in _KINDS:
            label = did_you_mean(kind, _KINDS) or "a graph is written `dag { x -> y }`"
            self._refuse(f"unknown kind of graph `{shorten(token.text)}`", token, label)

    def _statements(self) -> list[str]:
        """The statements up to a `}` or the end; gives the names in them."""
        names: dict[str, None] = {}
        while self._next.kind != _END and not self._is("}"):
            names.update(dict.fromkeys(self._statement()))
        return list(names)

    def _statement(self) -> list[str]:
        if self._next.kind in ("bare", "string") and self._is("=", 1):
            return self._option()
        if self._next.kind == "bare" and self._next.text in _NO_VERTEX and self._is("[", 1):
            self._take()
            self._attributes(None)
            return []
        ends, arrows = [self._end()], list[_Token]()
        while self._next.kind == "arrow":
            arrows.append(self._take())
            ends.append(self._end())
        for (left, right), arrow in zip(pairwise(ends), arrows, strict=True):
            self._join(left, right, arrow)
        self._attributes(None if arrows or len(ends[0].names) != 1 else ends[0].names[0])
        return [name for end in ends for name in end.names]

    def _option(self) -> list[str]:
        """`bb="0,0,1,1"`: of the whole graph."""
        key = self._take()
        self._take()
        self._take()
        self.draft.ignore(key.text, self._span(key))
        return []

    def _end(self) -> _End:
        first = self._next
        if first.kind in ("bare", "string") and self._is("{", 1):
            self._take()
            message = (
                f"`{shorten(first.text)}` before `{{` is the name of a group of nodes, and no node: left out"
            )
            self.draft.note(message, self._span(first))
        if self._is("{"):
            names = self._group()
        elif first.kind in ("bare", "string"):
            if first.kind == "bare" and first.text.startswith("-"):
                self._refuse(f"`{shorten(first.text)}` begins with a hyphen", first, "put the name in quotes")
            names = [self._id()]
            self.draft.node(names[0], self._span(first))
        else:
            self._refuse(f"expected a variable, found {_shown(first)}", first)
        return _End(names, first, self.tokens[self.at - 1])

    def _group(self) -> list[str]:
        opening = self._take()
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.draft.refuse("DR107", f"nesting deeper than {MAX_NESTING}", self._span(opening))
        names = self._statements()
        self._expect("}", "the group's `}` is missing")
        self.depth -= 1
        return names

    def _id(self) -> str:
        """A word, or strings joined by `+`."""
        token = self._take()
        if token.kind == "bare" and token.text.startswith("-") and not _NUMBER.fullmatch(token.text):
            self._refuse(f"`{shorten(token.text)}` begins with a hyphen", token, "put the name in quotes")
        text = token.text
        while token.kind == "string" and self._is("+") and self.tokens[self.at + 1].kind == "string":
            self._take()
            text += self._take().text
        return text

    def _join(self, left: _End, right: _End, arrow: _Token) -> None:
        if arrow.text not in _ARROWS:
            message = f"an edge `{arrow.text}` has no place in a DAG"
            self.draft.refuse("DR172", message, self._span(arrow), "the arrows are `->`, `<-` and `<->`")
        turned, bidirected = _ARROWS[arrow.text]
        sources, targets = (right, left) if turned else (left, right)
        self.draft.edges(sources.names, targets.names, bidirected, self._span(left.first, right.last))

    def _attributes(self, vertex: str | None) -> None:
        """`[exposure, pos="1,2"]` of a vertex; those of an edge or of the graph say nothing here."""
        if not self._is("["):
            return
        self._take()
        while not self._is("]"):
            key = self._next
            if key.kind not in ("bare", "string"):
                self._refuse(f"expected an attribute or `]`, found {_shown(key)}", key)
            word, value = self._id(), self._value()
            self._attribute(vertex, word, value, self._span(key))
            if self._is(","):
                self._take()
        self._take()

    def _value(self) -> str | None:
        if not self._is("="):
            return None
        self._take()
        if self._next.kind not in ("bare", "string"):
            self._refuse(f"expected a value, found {_shown(self._next)}", self._next, "put it in quotes")
        return self._id()

    def _attribute(self, vertex: str | None, word: str, value: str | None, span: Span) -> None:
        if vertex is not None and word in ROLES:
            self._mark(vertex, word, value, span)
        elif (
            vertex is not None
            and word == "pos"
            and value is not None
            and (at := _position(value)) is not None
        ):
            self.draft.position(vertex, at)
        elif vertex is not None and word == "label" and value is not None:
            self.draft.label(vertex, value)
        else:
            self.draft.ignore(word, span)

    def _mark(self, vertex: str, word: str, value: str | None, span: Span) -> None:
        """A role, said by its word alone; or with a value, which then says whether it holds."""
        if value is None or truth(value):
            self.draft.mark(ROLES[word], vertex, span)
        elif truth(value) is None:
            self.draft.mistakes.error(
                "DR176", f"`{word}` of `{shorten(vertex)}` is `{shorten(value)}`", span, f"say `{word}`"
            )


def _position(value: str) -> tuple[float, float] | None:
    """`"-1.5,0.3"`, as dagitty.net writes where a node is drawn; None where it is no such pair."""
    match = _PAIR.fullmatch(value)
    return (float(match[1]), float(match[2])) if match else None


def _shown(token: _Token) -> str:
    return "the end of the text" if token.kind == _END else f"`{shorten(token.text)}`"


def write(spec: Spec) -> Written:
    """Text that dagitty reads.

    Raises SpecError (DR173) for names that dagitty cannot hold.
    """
    check_names(spec, "dagitty", _fits, "no name is `graph` or `node`, or ends in a backslash")
    marks = roles(spec)
    nodes = [f"{_quoted(name)}{_brackets(marks[name], node)}" for name, node in spec.nodes.items()]
    arrows = {False: "->", True: "<->"}
    edges = [f"{_quoted(e.source)} {arrows[e.bidirected]} {_quoted(e.target)}" for e in spec.edges]
    return Written(
        "\n".join(["dag {", *nodes, *edges, "}"]) + "\n",
        losses(spec, Holds("dagitty", position=True, label=_holds)),
    )


def _fits(name: str) -> bool:
    return name not in _NO_VERTEX and _holds(name)


def _holds(text: str) -> bool:
    """Whether a string of dagitty can be this: a backslash stands for itself, but not before the closing
    quote.
    """
    return not text.endswith("\\") and not re.search(r"[\0-\x1f\x7f]", text)


def _quoted(name: str) -> str:
    return name if _BARE.fullmatch(name) else _string(name)


def _string(text: str) -> str:
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _brackets(marks: tuple[str, ...], node: Node) -> str:
    words = [_WORD_OF.get(mark, mark) for mark in marks]
    if node.label is not None and _holds(node.label):
        words.append(f"label={_string(node.label)}")
    if node.position is not None:
        words.append(
            f'pos="{",".join(format(number, ".15f").rstrip("0").rstrip(".") for number in node.position)}"'
        )
    return f" [{', '.join(words)}]" if words else ""
