"""Spans point at what they are about, in every style of YAML."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from dagreg.errors import LINE_BREAK, Diagnostics, Span
from dagreg.spec import source
from dagreg.spec.edges import read_edges
from dagreg.spec.load import loads
from dagreg.spec.source import Mapping, Scalar, Sequence, Tree, compose

LETTERS = "abcxyz_éß收入🙂Ω.'\"\\ "
NAMES = st.text(LETTERS, min_size=1, max_size=8).map(lambda name: f"n{' '.join(name.split())}n")


def excerpt(text: str, span: Span) -> str:
    return LINE_BREAK.split(text)[span.line - 1][span.column - 1 : span.end - 1]


def edges_of(text: str, *path: str) -> tuple[Tree, Diagnostics]:
    found = Diagnostics()
    tree = compose(text, "t.yaml", found)
    assert isinstance(tree, Mapping)
    return dict((key.text, value) for key, value in tree.entries)["edges"], found  # noqa: C402 -- pairs, not a copy


STYLES = {
    "single": lambda statement: "edges:\n  - '" + statement.replace("'", "''") + "'\n",
    "double": lambda statement: f"edges:\n  - {json.dumps(statement, ensure_ascii=False)}\n",
    "literal": lambda statement: f"# c\nedges: |\n  {statement}\n",
    "indented": lambda statement: f"name: é\nedges: |2-\n    \n    {statement}\n\n",
    "folded": lambda statement: f"edges: >\n  {statement}\n",
    "carriage": lambda statement: f"name: x\r\nedges: |\r\n  {statement}\r\n",
}


@pytest.mark.parametrize("style", STYLES)
@given(names=st.lists(NAMES, min_size=2, max_size=4, unique=True))
def test_every_name_has_its_own_span(style: str, names: list[str]) -> None:
    text = STYLES[style](" -> ".join(names))
    tree, found = edges_of(text)
    edges = read_edges(tree, (), found)
    assert found.by_place() == ()
    assert [name.value for name in edges.names] == names
    for name in edges.names:
        raw = excerpt(text, name.span)
        assert _unquoted(raw, style) == name.value


def _unquoted(raw: str, style: str) -> str:
    if style == "single":
        return raw.replace("''", "'")
    return str(json.loads(f'"{raw}"')) if style == "double" else raw


@given(names=st.lists(st.text("abcé收🙂.", min_size=1, max_size=6), min_size=2, max_size=3, unique=True))
def test_plain_and_flow_names(names: list[str]) -> None:
    assume(all(isinstance(source.core_value(name), str) for name in names))
    for form in ("edges:\n  - {}\n", "edges: {}\n", "edges: [{}]\n", "x: [🙂]\nedges:\n- {} # note\n"):
        text = form.format(" -> ".join(names))
        tree, found = edges_of(text)
        assert [excerpt(text, name.span) for name in read_edges(tree, (), found).names] == names


@pytest.mark.parametrize(
    "text",
    [
        'edges:\n  - "caf\\u00e9 -> \\x62\\U0001f642 -> c\\x20d"\n',
        'edges: "a ->\n   b -> \\\n   c"\n',
        "edges: 'a ->\n   b ->\n  it''s'\n",
        "edges:\n  a ->\n    b\n  -> c\n",
        "edges: >-\n  a ->\n  b ->\n  c\n",
    ],
)
def test_escaped_and_folded_names(text: str) -> None:
    tree, found = edges_of(text)
    edges = read_edges(tree, (), found)
    assert len(edges.names) == 3
    for name in edges.names:
        raw = excerpt(text, name.span)
        assert raw
        assert not raw[0].isspace()
        assert len(raw) >= len(name.value) or "\\" in raw


def test_comments_of_block_scalars_are_not_names() -> None:
    spec = loads("edges: |\n  a -> b  # one\n  # two\n\n  b -> c#d\n")
    assert list(spec.nodes) == ["a", "b", "c#d"]


def test_a_hash_in_quotes_is_part_of_the_name() -> None:
    assert list(loads('edges: ["item #1 -> b"]\n').nodes) == ["item #1", "b"]


@pytest.mark.parametrize(
    ("path", "line", "written"),
    [
        (("missing",), 1, "drop"),
        (("nodes", "a.b", "type"), 3, "count"),
        (("nodes", "c"), 4, "binary"),
        (("edges", 0), 6, "a.b -> c"),
        (("effects", 0), 8, "a.b -> c"),
        (("effects", 1, "kind"), 9, "direct"),
        (("regressions", "c", "priors", "a.b"), 10, "'Normal(0, 1)'"),
    ],
)
def test_places(path: tuple[str | int, ...], line: int, written: str) -> None:
    text = (
        "missing: drop\nnodes:\n  a.b: {type: count}\n  c: binary\nedges:\n  - a.b -> c\neffects:\n  - a.b "
        "-> c\n"
        "  - {exposure: a.b, outcome: c, kind: direct}\nregressions: {c: {priors: {a.b: 'Normal(0, 1)'}}}\n"
    )
    span = loads(text).place(*path)
    assert span is not None
    assert (span.line, excerpt(text, span)) == (line, written)


def test_what_is_not_written_has_no_place() -> None:
    assert loads("edges: [a -> b]\n").place("missing") is None


def test_edges_span_their_two_ends() -> None:
    text = "edges:\n  - a, b -> c -> d\n"
    spans = [edge.span for edge in loads(text).edges]
    assert [excerpt(text, span) for span in spans if span] == ["a, b -> c", "b -> c", "c -> d"]


# ---------------------------------------------------------------- both parsers


def scalars(tree: Tree) -> list[tuple[str, object, int, int]]:
    match tree:
        case Scalar():
            return [(tree.text, tree.value, tree.start, tree.stop)]
        case Sequence():
            return [row for item in tree.items for row in scalars(item)]
        case Mapping():
            return [row for key, value in tree.entries for row in [*scalars(key), *scalars(value)]]
        case _:
            return []


@pytest.mark.parametrize(
    "text",
    [
        "edges:\n  - a -> b\n  - 'c' # x\nname: \"q\\u00e9\"\n",
        "🙂: [é, {收: 入}]\r\nb: |\r\n  x\r\n  y\r\nc: d\r\n",
        "a: >-\n  x\n\n  y\nb:\n  plain\n  text\n",
    ],
)
def test_the_c_parser_and_the_python_parser_agree(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = compose(text, "t", Diagnostics())
    monkeypatch.setattr(source, "_LOADER", yaml.SafeLoader)
    slow = compose(text, "t", Diagnostics())
    assert fast is not None
    assert slow is not None
    assert scalars(fast) == scalars(slow)


# ---------------------------------------------------------------- scalars


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("n", "n"),
        ("1e3", 1000.0), ("1.", 1.0), (".5", 0.5), ("-2.5e-3", -0.0025), ("1_000", "1_000"),
        ("007", 7), ("0o17", 15), ("0x1F", 31), ("0b1", "0b1"), ("1:30", "1:30"), ("2026-01-02",
        "2026-01-02"),
        ("true", True), ("False", False), ("TRUE", True), ("tRUE", "tRUE"), ("null", None), ("~", None), ("",
        None),
        (".inf", float("inf")), ("-.INF", float("-inf")), ("nan", "nan"), ("inf", "inf"), ("+1", 1), ("+-1",
        "+-1"),
        ("9" * 5000, "9" * 5000), ("٣", "٣"),
    ],
)  # fmt: skip
def test_core_schema(text: str, value: object) -> None:
    read = source.core_value(text)
    assert read == value
    assert type(read) is type(value)


def test_quoted_scalars_are_text() -> None:
    tree = compose("a: '1'\nb: \"true\"\nc: |\n  2\n", "t", Diagnostics())
    assert tree is not None
    assert [value for _, value, _, _ in scalars(tree)] == ["a", "1", "b", "true", "c", "2\n"]
