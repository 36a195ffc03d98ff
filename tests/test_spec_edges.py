"""The grammar of edges."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagreg.errors import SpecError
from dagreg.spec.load import loads


def arrows(text: str) -> list[str]:
    return [f"{edge.source} {'<->' if edge.bidirected else '->'} {edge.target}" for edge in loads(text).edges]


def first_message(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        loads(text)
    return caught.value.diagnostics[0].message


@pytest.mark.parametrize(
    ("item", "edges"),
    [
        ("a -> b", ["a -> b"]),
        ("a->b", ["a -> b"]),
        ("a <- b", ["b -> a"]),
        ("a <-> b", ["a <-> b"]),
        ("a -> b -> c", ["a -> b", "b -> c"]),
        ("a -> b <- c", ["a -> b", "c -> b"]),
        ("a <- b -> c", ["b -> a", "b -> c"]),
        ("a <-> b -> c", ["a <-> b", "b -> c"]),
        ("a, b -> c, d", ["a -> c", "a -> d", "b -> c", "b -> d"]),
        ("a, b <-> c", ["a <-> c", "b <-> c"]),
        ("a -> b; c -> b;", ["a -> b", "c -> b"]),
        ("two words -> x.1", ["two words -> x.1"]),
        ("a-b -> c_d", ["a-b -> c_d"]),
        ("age>=65 -> b=1", ["age>=65 -> b=1"]),
        ("收入 -> naïve", ["收入 -> naïve"]),
        ("[a, b]", ["a -> b"]),
        ("['a -> x', 'b, c']", ["a -> x -> b, c"]),
        ("{from: a, to: b}", ["a -> b"]),
        ("{to: b, from: a}", ["a -> b"]),
        ("{between: [a, b]}", ["a <-> b"]),
        ("'a -> b'", ["a -> b"]),
        ('"a -> b"', ["a -> b"]),
    ],
)
def test_forms_of_an_item(item: str, edges: list[str]) -> None:
    assert arrows(f"edges:\n  - {item}\n") == edges


@pytest.mark.parametrize(
    "text",
    [
        "edges: |\n  a -> b\n  b <-> c\n",
        "edges: a -> b; b <-> c\n",
        "edges: 'a -> b; b <-> c'\n",
        "edges: |-\n\n  a -> b;\n\n  # and\n  b <-> c ;  # so on\n",
        "edges: [a -> b, b <-> c]\n",
        "edges:\n- a -> b\n- [b <-> c]\n".replace("[b <-> c]", "b <-> c"),
    ],
)
def test_forms_of_the_whole(text: str) -> None:
    assert arrows(text) == ["a -> b", "b <-> c"]


def test_no_edges_at_all() -> None:
    assert arrows("nodes: {a: , b: }\nedges: []\n") == []


def test_an_arrow_and_a_common_cause_are_two_edges() -> None:
    assert arrows("edges: [a -> b, a <-> b]\n") == ["a -> b", "a <-> b"]


def test_unobserved_nodes_may_cause_each_other() -> None:
    assert arrows("nodes: {u: unobserved, v: unobserved}\nedges: [u -> v]\n") == ["u -> v"]


def test_nodes_come_in_the_order_of_first_use() -> None:
    assert list(loads("edges: [c -> b, a -> c]\n").nodes) == ["c", "b", "a"]


@pytest.mark.parametrize(
    "arrow", ["→", "←", "↔", "⟶", "⇒", "--", "-->", "<--", "=>", "==>", "<=>", "~>", "~", "->>", "-"]
)
def test_foreign_arrows_are_named(arrow: str) -> None:
    assert first_message(f"edges:\n  - a {arrow} b\n") == f"unknown arrow `{arrow}`"


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ("[a -> b -> a]", "a -> b -> a"),
        ("[a -> b, b -> c, c -> a]", "a -> b -> c -> a"),
        ("[c -> a, a -> b, b -> c]", "c -> a -> b -> c"),
        ("[x -> a, a -> b, b -> c, c -> b]", "b -> c -> b"),
    ],
)
def test_a_cycle_is_shown_as_a_path(edges: str, cycle: str) -> None:
    assert first_message(f"edges: {edges}\n") == f"the edges form a cycle: {cycle}"


def test_a_long_cycle_is_cut() -> None:
    chain = " -> ".join(f"n{i}" for i in range(40))
    assert first_message(f"edges: {chain} -> n0\n").endswith(
        "n3 -> n4 -> n5 -> ... -> n35 -> n36 -> n37 -> n38 -> n39 -> n0"
    )


@given(
    st.sets(
        st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] != pair[1]), min_size=1
    )
)
def test_a_cycle_is_reported_exactly_where_there_is_one(pairs: set[tuple[int, int]]) -> None:
    text = "edges:\n" + "".join(f"  - [n{a}, n{b}]\n" for a, b in sorted(pairs))
    try:
        loads(text)
        found = set()
    except SpecError as error:
        found = {diagnostic.code for diagnostic in error.diagnostics}
    assert found == ({"DR124"} if _has_cycle(pairs) else set())


def _has_cycle(pairs: set[tuple[int, int]]) -> bool:
    """Kahn: nodes without parents are taken away until none is left, or only cycles."""
    left = set(pairs)
    while free := {a for a, _ in left} - {b for _, b in left}:
        left = {(a, b) for a, b in left if a not in free}
    return bool(left)
