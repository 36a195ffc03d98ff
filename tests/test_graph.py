"""Named graphs: order, districts, projection, junctions, paths, implications; cycles and sizes."""

from __future__ import annotations

import time

import pytest

from dagreg.errors import DagregError
from dagreg.graph import CausalGraph, analyse, to_networkx
from dagreg.graph.ancestry import districts, topological_order
from dagreg.graph.implications import list_implications
from dagreg.graph.junctions import junctions
from dagreg.graph.paths import list_paths
from dagreg.graph.projection import latent_projection
from dagreg.graph.separation import open_path, separated
from dagreg.graph.separators import Separation, minimal_separators, nearest_separator
from dagreg.spec.types import Edge, Node, Spec

FORK = CausalGraph.of("xzy", [("z", "x"), ("z", "y")])
PIPE = CausalGraph.of("xzy", [("x", "z"), ("z", "y")])
COLLIDER = CausalGraph.of("xzyd", [("x", "z"), ("y", "z"), ("z", "d")])
BOW = CausalGraph.of("xy", [("x", "y")], [("x", "y")])


def paths(graph: CausalGraph, x: str = "x", y: str = "y") -> list[str]:
    found, truncated = list_paths(graph, [graph.index[x]], [graph.index[y]])
    assert not truncated
    return [p.render(graph) for p in found]


def test_fork_pipe_collider() -> None:
    for graph, empty, z in ((FORK, False, True), (PIPE, False, True), (COLLIDER, True, False)):
        x, y = graph.index["x"], graph.index["y"]
        assert separated(graph, [x], [y], []) is empty
        assert separated(graph, [x], [y], [graph.index["z"]]) is z
    assert not separated(COLLIDER, [0], [2], [3])  # a collider's descendant opens it


def test_open_path_names_the_path_that_opens() -> None:
    path = open_path(COLLIDER, [0], [2], [3])
    assert path is not None
    assert path.render(COLLIDER) == "x -> z <- y"
    assert path.colliders == (1,)


def test_analyse_keeps_the_order_of_declaration() -> None:
    nodes = {"b": Node("b"), "u": Node("u", observed=False), "a": Node("a", cost=3.0, selected=True)}
    spec = Spec("s", nodes, (Edge("a", "b"), Edge("u", "b"), Edge("a", "b", bidirected=True)))
    graph = analyse(spec)
    assert graph.names == ("b", "u", "a")
    assert graph.parents[0] == (1, 2)
    assert graph.siblings[0] == (2,)
    assert graph.observed == (True, False, True)
    assert graph.cost[2] == 3.0
    assert graph.selected == (False, False, True)


def test_a_cycle_is_named() -> None:
    with pytest.raises(DagregError) as caught:
        CausalGraph.of("abcd", [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")])
    assert [d.code for d in caught.value.diagnostics] == ["DR201"]
    assert "b -> c -> b" in caught.value.diagnostics[0].message


def test_topological_order_prefers_the_first_declared() -> None:
    graph = CausalGraph.of("dcba", [("a", "d"), ("b", "c")])
    assert [graph.names[v] for v in topological_order(graph)] == ["b", "c", "a", "d"]


def test_districts_are_joined_by_bidirected_edges_only() -> None:
    graph = CausalGraph.of("abcd", [("a", "b")], [("a", "c"), ("c", "d")])
    assert districts(graph) == [[0, 2, 3], [1]]


def test_projection_of_a_latent_chain_and_of_a_latent_mediator() -> None:
    graph = CausalGraph.of(
        "xmyuv", [("u", "v"), ("v", "y"), ("u", "x"), ("x", "m"), ("m", "y")], unobserved=["u", "v", "m"]
    )
    projected = latent_projection(graph)
    assert projected.names == ("x", "y")
    assert projected.children == ((1,), ())
    assert projected.siblings == ((1,), (0,))


def test_projection_keeps_bidirected_edges_pairwise() -> None:
    """The bidirected M-bias: a <-> b <-> c must not join a and c."""
    graph = CausalGraph.of("abcu", [("u", "b"), ("u", "c")], [("a", "b")], unobserved="u")
    projected = latent_projection(graph)
    assert projected.siblings == ((1,), (0, 2), (1,))
    assert separated(projected, [0], [2], [])


def test_junctions_and_shields() -> None:
    graph = CausalGraph.of("xzyc", [("z", "x"), ("z", "y"), ("x", "y"), ("x", "c"), ("y", "c")])
    found = {(j.kind, j.nodes, j.shielded) for j in junctions(graph)}
    assert ("fork", ("x", "z", "y"), True) in found
    assert ("pipe", ("z", "y", "c"), False) in found
    assert ("collider", ("x", "c", "y"), True) in found
    assert len(found) == len(list(junctions(graph)))


def test_a_bidirected_edge_makes_a_collider() -> None:
    graph = CausalGraph.of("amb", [("b", "m")], [("a", "m")])
    assert [(j.kind, j.nodes) for j in junctions(graph)] == [("collider", ("a", "m", "b"))]


def test_paths_by_length_with_bidirected_edges_and_latents() -> None:
    graph = CausalGraph.of(
        "xyzu", [("x", "y"), ("z", "y"), ("u", "x"), ("u", "z")], [("x", "y")], unobserved="u"
    )
    assert paths(graph) == ["x -> y", "x <-> y", "x <- u -> z -> y"]


def test_paths_do_not_search_dead_ends() -> None:
    """A ladder of 2^40 ways that lead nowhere."""
    rungs = range(40)
    edges = [("x", "y"), ("x", "a0")]
    for i in rungs:
        edges += [(f"a{i}", f"b{i}"), (f"a{i}", f"c{i}"), (f"b{i}", f"a{i + 1}"), (f"c{i}", f"a{i + 1}")]
    names = ["x", "y", *(f"{s}{i}" for i in range(41) for s in "abc")]
    assert paths(CausalGraph.of(names, edges)) == ["x -> y"]


def test_implications_with_a_latent() -> None:
    graph = CausalGraph.of("abcu", [("a", "b"), ("b", "c"), ("u", "b"), ("u", "c")], unobserved="u")
    assert list_implications(graph)[0] == []  # a and c are not adjacent, yet no set separates them
    found, truncated = list_implications(PIPE)
    assert [(i.x, i.y, i.given) for i in found] == [("x", "y", ("z",))]
    assert not truncated


def test_networkx_border() -> None:
    out = to_networkx(BOW)
    assert sorted(out.edges) == [("U(x, y)", "x"), ("U(x, y)", "y"), ("x", "y")]


def test_a_chain_of_ten_thousand_nodes() -> None:
    n = 10_000
    graph = CausalGraph.of([f"v{i}" for i in range(n)], [(f"v{i}", f"v{i + 1}") for i in range(n - 1)])
    assert topological_order(graph) == list(range(n))
    assert not separated(graph, [0], [n - 1], [])
    task = Separation.of(graph, [0], [n - 1], graph.mask(range(n)))
    assert nearest_separator(task) == (1,)
    assert [p.nodes[-1] for p in list_paths(graph, [0], [n - 1])[0]] == [n - 1]


def test_two_to_the_thirty_separators_come_one_at_a_time() -> None:
    k = range(30)
    names = ["x", "y", *(f"a{i}" for i in k), *(f"b{i}" for i in k)]
    edges = [e for i in k for e in ((f"a{i}", "x"), (f"a{i}", f"b{i}"), (f"b{i}", "y"))]
    graph = CausalGraph.of(names, edges)
    task = Separation.of(graph, [0], [1], graph.mask(range(len(names))))
    start = time.perf_counter()
    listing = minimal_separators(task)
    first = [next(listing) for _ in range(50)]
    assert time.perf_counter() - start < 2
    assert len(set(first)) == 50
    assert all(len(s) == 30 for s in first)
