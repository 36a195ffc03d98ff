"""Graphs of other programs: published examples, round trips of every format, and texts that are refused."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagreg.errors import SpecError, render
from dagreg.spec.convert import FORMATS, detect, read, write
from dagreg.spec.convert.networkx import from_networkx, to_networkx
from dagreg.spec.load import load, loads
from dagreg.spec.types import Adjust, Edge, Effect, Node, Spec
from tests.calling import call

SPECS = sorted((Path(__file__).parent.parent / "specs").glob("*.yaml"))
PLAIN_NAMES = {"lavaan"}  # formats whose names are identifiers
WITHOUT_ROLES = {"lavaan"}


def arrows(spec: Spec) -> set[str]:
    return {
        f"{min(e.source, e.target)} <-> {max(e.source, e.target)}"
        if e.bidirected
        else f"{e.source} -> {e.target}"
        for e in spec.edges
    }


def hidden(spec: Spec) -> set[str]:
    return {name for name, node in spec.nodes.items() if not node.observed}


def graph(text: str, format: str) -> set[str]:
    return arrows(read(text, format).spec)


@contextmanager
def refusals() -> Iterator[list[str]]:
    """The codes of the SpecError raised within, if one is."""
    codes: list[str] = []
    try:
        yield codes
    except SpecError as refused:
        codes += [diagnostic.code for diagnostic in refused.diagnostics]


# ---------------------------------------------------------------- examples

M_BIAS = """\
dag {
bb="0,0,1,1"
A [pos="0.1,0.1"]
B [pos="0.9,0.1"]
E [exposure,pos="0.1,0.9"]
D [outcome,pos="0.9,0.9"]
Z [pos="0.5,0.5"]
A -> E
A -> Z [pos="0.3,0.2"]
B -> D
B -> Z
E -> D
}
"""


def test_m_bias_as_dagitty_net_writes_it() -> None:
    found = read(M_BIAS, "dagitty", file="m.txt")
    assert arrows(found.spec) == {"A -> E", "A -> Z", "B -> D", "B -> Z", "E -> D"}
    assert found.spec.effects[0].exposure == ("E",)
    assert found.spec.effects[0].outcome == "D"
    assert found.spec.name == "m"
    assert [(note.code, note.severity) for note in found.notes] == [("DR174", "warning")]
    assert "`bb`, `pos`" in found.notes[0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dag{ x -> y }", {"x -> y"}),
        ("dag{x->y->z<-w}", {"x -> y", "y -> z", "w -> z"}),
        ("dag { x <-> y ; y <- z }", {"x <-> y", "z -> y"}),
        ("dag { a -> b b -> c }", {"a -> b", "b -> c"}),
        ("dag { {a b} -> c }", {"a -> c", "b -> c"}),
        ("dag { X -> {Z -> Y} }", {"X -> Z", "X -> Y", "Z -> Y"}),
        ("dag { X <-> {Z -> {A B}} }", {"X <-> Z", "A <-> X", "B <-> X", "Z -> A", "Z -> B"}),
        ('dag { "my x" -> "say \\"y\\"" }', {'my x -> say "y"'}),
        ('dag { "a" + "b" -> c }', {"ab -> c"}),
        ("dag { x -> y /* x <- y */ // z\n # w -> y\n }", {"x -> y"}),
        ("DAG named { x -> y [beta=.3] }", {"x -> y"}),
        ('digraph G{ node [shape=box] graph [bb="1"] x -> y }', {"x -> y"}),
        ("x -> y -> z", {"x -> y", "y -> z"}),
        ("dag { x }", set()),
        ("dag { 1 -> 2.5 }", {"1 -> 2.5"}),
        ("dag { dag -> mag }", {"dag -> mag"}),
    ],
)  # fmt: skip
def test_dagitty(text: str, expected: set[str]) -> None:
    assert graph(text, "dagitty") == expected


def test_marks_of_dagitty_and_their_short_forms() -> None:
    spec = read(
        "dag{ x [e] y [outcome] z [a, label=Zed] u [l] s [selected] {z u} -> x -> y -> s }", "dagitty"
    ).spec
    assert spec.effects[0].adjust == Adjust(include=("z",))
    assert hidden(spec) == {"u"}
    assert spec.nodes["z"].label == "Zed"
    assert spec.nodes["s"].selected


def test_several_outcomes_are_several_effects() -> None:
    spec = read("dag{ x [exposure] w [exposure] y [outcome] z [outcome] {x w} -> {y z} }", "dagitty").spec
    assert [(e.exposure, e.outcome) for e in spec.effects] == [(("x", "w"), "y"), (("x", "w"), "z")]


def test_half_an_effect_is_noted() -> None:
    found = read("dag{ x [exposure] x -> y }", "dagitty")
    assert found.spec.effects == ()
    assert "no effect has both its ends" in found.notes[0].message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("digraph { a -> b -> c }", {"a -> b", "b -> c"}),
        ("digraph G { a -> {b c} }", {"a -> b", "a -> c"}),
        ("digraph { a -> b [dir=both] }", {"a <-> b"}),
        ("digraph { edge [dir=both] a -> b; c -> a [dir=forward] }", {"a <-> b", "c -> a"}),
        ("digraph { a -> b [dir=back] }", {"b -> a"}),
        ("digraph { a -> b [dir=none, style=dashed] }", {"a <-> b"}),
        ("digraph { a -> b [style=dashed] }", {"a -> b"}),
        ("digraph { a -> b; a -> b; a -> b [dir=both] }", {"a -> b", "a <-> b"}),
        ('digraph { "a b" -> "ü" // x\n }', {"a b -> ü"}),
    ],
)
def test_dot(text: str, expected: set[str]) -> None:
    assert graph(text, "dot") == expected


def test_marks_of_dot() -> None:
    text = (
        'digraph { U [label="Unobserved Confounders", observed="no"]; '
        "x [exposure=true]; y [outcome=1]; U -> {x y} }"
    )
    spec = read(text, "dot").spec
    assert hidden(spec) == {"U"}
    assert spec.nodes["U"].label == "Unobserved Confounders"
    assert spec.effects[0].outcome == "y"


def test_a_drawing_of_dagreg_is_read_back() -> None:
    from dagreg.report.draw import dot_source

    spec = load(next(path for path in SPECS if path.stem == "berkeley_ability"))
    again = read(dot_source(spec, None), "dot").spec
    assert arrows(again) == arrows(spec)
    assert hidden(again) == hidden(spec)


def test_gml_with_ids_that_are_text() -> None:
    text = """Creator "x"
    graph [ directed 1
      node [ id "Z0" label "Z0" ] node [ id "U" label "Unobserved" observed 0 ]
      edge [ source "Z0" target "U" ] ]"""
    spec = read(text, "gml").spec
    assert arrows(spec) == {"Z0 -> Unobserved"}
    assert hidden(spec) == {"Unobserved"}


def test_gml_without_labels() -> None:
    assert graph("graph [ directed 1 node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 ] ]", "gml") == {
        "0 -> 1"
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("y ~ x + z", {"x -> y", "z -> y"}),
        ("y ~ x ; z ~ x", {"x -> y", "x -> z"}),
        ("y ~ x +\n  z", {"x -> y", "z -> y"}),
        ("y ~ x\n  + z # + w\n! v ~ y", {"x -> y", "z -> y"}),
        ("y1 + y2 ~ x", {"x -> y1", "x -> y2"}),
        ("x ~~ y\nx ~~ x", {"x <-> y"}),
        ("f =~ x1 + x2", {"f -> x1", "f -> x2"}),
        ("y ~ a*x + NA*z + c(b1, b2)*w + start(0)*v", {"x -> y", "z -> y", "w -> y", "v -> y"}),
        ("y ~ 0*x + 0.5?z + c(0, 0)*w", {"z -> y"}),
        ("x ~~ 0*y\ny ~ z", {"z -> y"}),
        ("y ~ 1 + x:z", {"x -> y", "z -> y"}),
        ("y ~ a*x\nm ~ b*x\nab := a*b\na == 2*b\nb > 0\nu | t1 + t2", {"x -> y", "x -> m"}),
    ],
)
def test_lavaan(text: str, expected: set[str]) -> None:
    assert graph(text, "lavaan") == expected


def test_the_political_democracy_model() -> None:
    """Bollen (1989), the example of lavaan's tutorial."""
    spec = read(
        """
        # measurement model
          ind60 =~ x1 + x2 + x3
          dem60 =~ y1 + y2 + y3 + y4
        # regressions
          dem60 ~ ind60
        # residual correlations
          y1 ~~ y3
          y2 ~~ y4
        """,
        "lavaan",
    ).spec
    assert hidden(spec) == {"ind60", "dem60"}
    assert {"ind60 -> dem60", "y1 <-> y3", "ind60 -> x2"} <= arrows(spec)
    assert len(spec.edges) == 10


# ---------------------------------------------------------------- round trips

ODD_NAMES = st.text(
    st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=8
).filter(lambda name: name == name.strip())
TRICKY = st.sampled_from(
    ["a -> b", "a, b", "x;y", 'say "hi"', "it's", "back\\slash", "node", "digraph", "strict", "no", "1e3",
    "1", "~",
     "[x]", "{x}", "#x", "a: b", "&x", "<b>", "%3", "é 收入", "true", "if", "x\\y z", "&amp;", "0x1", "!x",
     "- x", "?"]
)  # fmt: skip
PLAIN = st.from_regex(r"[a-z][a-z0-9_.]{0,4}", fullmatch=True).filter(
    lambda name: name not in ("if", "in", "for")
)


@st.composite
def specs(draw: st.DrawFn, names: st.SearchStrategy[str]) -> Spec:
    """A DAG with unobserved nodes, `<->` edges and one effect at most."""
    order = draw(st.lists(names, min_size=2, max_size=6, unique=True))
    pairs = [(a, b) for i, a in enumerate(order) for b in order[i + 1 :]]
    directed = [Edge(a, b) for a, b in draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6))]
    both = [Edge(a, b, True) for a, b in draw(st.lists(st.sampled_from(pairs), unique=True, max_size=3))]
    seen = draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    chosen = draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))
    nodes = {
        name: Node(name, observed=observed, selected=selected and observed)
        for name, observed, selected in zip(order, seen, chosen, strict=True)
    }
    observed = [name for name in order if nodes[name].observed]
    effects = ()
    if len(observed) > 1 and draw(st.booleans()):
        adjust = Adjust(include=(observed[1],)) if len(observed) > 2 and draw(st.booleans()) else None
        effects = (Effect((observed[0],), observed[-1], adjust=adjust),)
    return Spec("graph", nodes, (*directed, *both), effects, declared=True)


def held(spec: Spec, format: str) -> Any:
    """What a format promises to keep."""
    roles = [(set(e.exposure), e.outcome, e.adjust and replace(e.adjust, span=None)) for e in spec.effects]
    selected = {name for name, node in spec.nodes.items() if node.selected}
    return (
        set(spec.nodes),
        arrows(spec),
        hidden(spec),
        None if format in WITHOUT_ROLES else (roles, selected),
    )


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_round_trip_keeps_the_graph_and_the_question(format: str, data: st.DataObject) -> None:
    spec = data.draw(specs(PLAIN if format in PLAIN_NAMES else st.one_of(TRICKY, ODD_NAMES)))
    with refusals() as refused:
        text = write(spec, format).text
    if refused:
        assert set(refused) == {"DR173"}
        assert format in ("dagitty", "dot", "lavaan")
        return
    assert held(read(text, format).spec, format) == held(spec, format)


@settings(max_examples=150, deadline=None)
@given(spec=specs(st.one_of(TRICKY, ODD_NAMES)))
def test_a_round_trip_through_networkx(spec: Spec) -> None:
    assert held(from_networkx(to_networkx(spec)), "networkx") == held(spec, "networkx")


@pytest.mark.parametrize(
    "name", ['say "hi"', "a\\b", 'a\\"b', "é 收入", "strict", "a -> b", "1", "x y", "-1", "&amp;"]
)
@pytest.mark.parametrize("format", ["yaml", "dagitty", "gml"])
def test_odd_names_are_held(format: str, name: str) -> None:
    spec = Spec("graph", {name: Node(name), "y": Node("y")}, (Edge(name, "y"),))
    assert list(read(write(spec, format).text, format).spec.nodes) == [name, "y"]


@pytest.mark.parametrize(
    ("format", "name"),
    [
        *(("dagitty", name) for name in ("node", "graph", "a\\")),
        *(("dot", name) for name in ("a\\", 'a\\"', "%1")),
        *(("lavaan", name) for name in ("a b", "if", "1x")),
        ("gml", "_networkx_list_start"),
    ],
)
def test_names_that_a_format_cannot_hold_are_refused_where_they_stand(format: str, name: str) -> None:
    from dagreg.spec.convert.yaml import write as as_yaml

    text = as_yaml(Spec("g", {name: Node(name), "y": Node("y")}, (Edge(name, "y"),), declared=True)).text
    with pytest.raises(SpecError) as caught:
        write(loads(text), format)
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.code == "DR173"
    assert diagnostic.span is not None
    assert diagnostic.span.line == 3


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_spec_as_yaml_is_the_same_spec(path: Path) -> None:
    spec = load(path)
    assert _without_places(loads(write(spec, "yaml").text)) == _without_places(spec)


FULL = """\
name: 'yes'
data: {source: 'a.duckdb', query: "select *, 'x' from t"}
missing: drop
nodes:
  coached:
    {type: binary, levels: [false, true], reference: false, description: "two\\nlines: # here", cost: 0.1}
  'a, b': {type: continuous, error: {scale: se}, transform: log, label: "1e3", unit: '%'}
  site: {type: group, slopes: [coached]}
  kept: {type: count, family: binomial, trials: 10, selected: true}
  y: {type: continuous, levels: , censored: flag}
  'no': {observed: false, label: Nothing}
edges:
  - [coached, 'a, b']
  - {between: ['no', kept]}
  - site, 'no' -> y
  - coached -> y
effects:
  - {exposure: [coached, site], outcome: y, adjust: []}
  - exposure: coached
    outcome: y
    kind: direct
    contrast: [false, true]
    by: site
    adjust: {include: ['a, b'], exclude: ['no']}
regressions:
  y:
    family: student_t
    interactions: ['coached:site', [coached, 'a, b']]
    varying: {site: [intercept, coached]}
    priors: {intercept: 'Normal(0, 0.30000000000000004)', coached: 'StudentT(3, 0, 1e-7)'}
sampling: {draws: 10, engine: nuts, target_accept: 0.95}
""".replace("levels: , ", "").replace("site, 'no' -> y", "site -> y")


def test_everything_that_a_spec_says_is_kept_as_yaml() -> None:
    spec = loads(FULL)
    assert _without_places(loads(write(spec, "yaml").text)) == _without_places(spec)


def test_the_short_form_stays_short() -> None:
    spec = loads("edges: [a -> b]\neffect: a -> b\n", file="s.yaml")
    assert write(spec, "yaml").text == "name: s\nedges:\n  - a -> b\neffect: a -> b\n"


def _without_places(spec: Spec) -> Spec:
    def bare(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: bare(value) for key, value in part.items()}
        if isinstance(part, tuple):
            return tuple(bare(value) for value in part)
        if isinstance(part, Effect):
            part = replace(part, adjust=bare(part.adjust))
        if hasattr(part, "priors"):
            part = replace(part, priors=bare(dict(part.priors)), curves=bare(dict(part.curves)))
        return replace(part, span=None) if hasattr(part, "span") else part

    parts = {key: bare(getattr(spec, key)) for key in ("nodes", "edges", "effects", "regressions", "data")}
    return replace(spec, **parts, declared=True, name="", path=None, text="", places={})


def test_latents_may_be_drawn_out() -> None:
    spec = loads("edges: [a -> b, a <-> b]\n")
    drawn = to_networkx(spec, explicit_latents=True)
    assert nx.is_directed_acyclic_graph(drawn)
    assert arrows(from_networkx(drawn)) == {"a -> b", "U(a, b) -> a", "U(a, b) -> b"}


# ---------------------------------------------------------------- what is left out


def test_a_lossy_text_says_what_it_leaves_out() -> None:
    spec = loads(FULL)
    (note,) = write(spec, "dagitty").notes
    assert note.code == "DR175"
    for part in (
        "`type` of nodes",
        "`data`",
        "`missing`",
        "`regressions`",
        "`sampling`",
        "every effect but the first",
    ):
        assert part in note.message
    assert write(spec, "yaml").notes == ()
    assert write(loads("edges: [a -> b]\neffect: a -> b\n"), "dagitty").notes == ()
    assert "the effect" in write(loads("edges: [a -> b]\neffect: a -> b\n"), "lavaan").notes[0].message


@pytest.mark.parametrize("text", ["y ~ x1 + x2:x4", "y ~ x1 + x2 + x4 + a*x2:x4"])
def test_a_product_of_lavaan_is_noted(text: str) -> None:
    """Each of its variables is a cause; that they act together has a place in a spec, not in its graph."""
    found = read(text, "lavaan")
    assert arrows(found.spec) == {"x1 -> y", "x2 -> y", "x4 -> y"}
    assert any(
        note.code == "DR174" and "the product `x2:x4` is left out" in note.message for note in found.notes
    )


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        ("lavaan", "y ~ -0*x + (0)*z + w", {"w -> y"}),
        ("lavaan", "a := b > c\ny ~ x", {"x -> y"}),
        ("dot", "digraph { a -> b [dir=both, arrowtail=none] }", {"a -> b"}),
        ("dot", "digraph { a -> b [dir=both, arrowhead=none] }; // end", {"b -> a"}),
        ("dot", "digraph { a [label=<x<b>}</b>>]; a -> b }\n# end", {"a -> b"}),
        ("dagitty", "dag { x [exposure=false] ; x -> y; y -> z # end\n}", {"x -> y", "y -> z"}),
    ],
)
def test_what_is_said_in_an_unusual_way_is_read_as_it_is_meant(
    format: str, text: str, expected: set[str]
) -> None:
    assert graph(text, format) == expected


@pytest.mark.parametrize(
    ("format", "text", "said"),
    [
        ("dagitty", "dag { a {b c} -> d }", "`a` before `{`"),
        ("dot", "digraph { a:1 -> b }", "a port"),
    ],
)
def test_names_that_are_no_nodes_are_noted(format: str, text: str, said: str) -> None:
    assert any(said in note.message for note in read(text, format).notes)


NEARLY = st.text(st.sampled_from("abyz01_.-:/+#!@$%^&*()|~'?\\é"), min_size=1, max_size=5)


@pytest.mark.parametrize("format", ["dagitty", "dot", "lavaan"])
@settings(max_examples=400, deadline=None)
@given(names=st.lists(NEARLY, min_size=3, max_size=3, unique=True), gap=st.sampled_from(["", " "]))
def test_names_without_quotes_are_whole_or_refused_or_noted(format: str, names: list[str], gap: str) -> None:
    """x -> y -> z with any names: the graph is that, or there is a message, never another graph
    in silence.
    """
    x, y, z = names
    if format == "lavaan":
        text = f"{y}{gap}~{gap}{x}\n{z}{gap}~{gap}{y}\n"
    else:
        lines = f"{x}{gap}->{gap}{y}\n{y}{gap}->{gap}{z}\n"
        text = f"{'dag' if format == 'dagitty' else 'digraph'} {{\n{lines}}}\n"
    with refusals() as refused:
        found = read(text, format)
    if not refused and not found.notes:
        comments = any(
            name.startswith(("#", "!", "//")) for name in names
        )  # a line of their own, in every format
        if format == "lavaan":  # a comment begins at either sign, wherever it stands
            comments = any({"#", "!"} & set(name) for name in names)
        assert comments or arrows(found.spec) == {f"{x} -> {y}", f"{y} -> {z}"}


@settings(max_examples=100, deadline=None)
@given(spec=specs(PLAIN), data=st.data())
def test_positions_of_dagitty_survive_yaml(spec: Spec, data: st.DataObject) -> None:
    """From dagitty's text to YAML and back; other formats say that they leave them out."""
    number = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))
    places = {name: data.draw(st.one_of(st.none(), st.tuples(number, number))) for name in spec.nodes}
    placed = replace(spec, nodes={n: replace(node, position=places[n]) for n, node in spec.nodes.items()})
    text = write(placed, "dagitty").text
    first = read(text, "dagitty").spec
    again = read(write(first, "yaml").text, "yaml").spec
    for found in (first, again):
        assert {name: node.position for name, node in found.nodes.items()} == places
        assert held(found, "dagitty") == held(spec, "dagitty")
    assert write(again, "dagitty").text == text
    for other in ("dot", "gml", "lavaan"):
        noted = any("`position`" in note.message for note in write(placed, other).notes)
        assert noted == any(place is not None for place in places.values())


# ---------------------------------------------------------------- what is refused

BAD = [
    ("dagitty", "pdag { a -- b }", "DR172", 1, 1),
    ("dagitty", "mag { a -> b }", "DR172", 1, 1),
    ("dagitty", "pag { a @-> b }", "DR172", 1, 1),
    ("dagitty", "dag { a @-> b }", "DR172", 1, 9),
    ("dagitty", "dag { a -- b }", "DR172", 1, 9),
    ("dagitty", "dog { a -> b }", "DR171", 1, 1),
    ("dagitty", "dag { a -> }", "DR171", 1, 12),
    ("dagitty", "dag { a ->\n b", "DR171", 2, 3),
    ("dagitty", "dag { a -> b } c", "DR171", 1, 16),
    ("dagitty", "dag { a [exposure }", "DR171", 1, 19),
    ("dagitty", "dag { a [pos=] }", "DR171", 1, 14),
    ("dagitty", 'dag { "a -> b }', "DR171", 1, 7),
    ("dagitty", "dag { a → b }", "DR171", 1, 9),
    ("dagitty", "dag { a -> b\n b -> a }", "DR124", 2, 2),
    ("dagitty", "dag { a -> a }", "DR122", 1, 7),
    ("dagitty", "dag { }", "DR114", None, None),
    ("dagitty", "A E @1,2\nB O @2,3\n\nA B", "DR171", 1, 1),
    ("dagitty", "dag { a [exposure, latent] b [outcome] a -> b }", "DR141", 1, 10),
    ("dagitty", "dag { a [exposure, outcome] a -> b }", "DR142", 1, 10),
    ("dagitty", "dag { a [exposure, adjusted] b [outcome] a -> b }", "DR143", 1, 20),
    ("dagitty", 'dag { " a" -> b }', "DR106", 1, 7),
    ("dagitty", "dag {" + "{" * 60 + "a" + "}" * 60 + "}", "DR107", 1, 56),
    ("dagitty", "dag { x -> y-z ; y-z -> w }", "DR171", 1, 12),
    ("dagitty", "dag { x -> b-1 }", "DR171", 1, 12),
    ("dagitty", 'dag { x -> "y"z }', "DR171", 1, 12),
    ("dagitty", "dag { x -> y#1\n y -> z }", "DR171", 1, 12),
    ("dagitty", "dag { x -> -y }", "DR171", 1, 12),
    ("dagitty", "dag { x [exposure=perhaps] x -> y }", "DR176", 1, 10),
    ("dot", "digraph { a -> b } digraph { c -> d }", "DR171", 1, 20),
    ("dot", "digraph { a -> b [arrowhead=none] }", "DR172", None, None),
    ("dot", "digraph { a -> 1b }", "DR171", 1, 16),
    ("dot", "digraph {\n a -> b#1\n}", "DR171", 2, 8),
    ("gml", 'graph [directed 1 node [id 0] node [id 1] edge [source 0 target 1 bidirected '
            '"so"]]', "DR176", None, None),
    ("lavaan", "y ~~ x:w", "DR171", 1, 6),
    ("lavaan", "y ~ ~ z", "DR171", 1, 5),
    ("lavaan", "y ~ x | z", "DR171", 1, 7),
    ("lavaan", "y ~ 3", "DR171", 1, 5),
    ("dot", "graph { a -- b }", "DR172", None, None),
    ("dot", "digraph { a -- b }", "DR171", 1, 13),
    ("dot", "digraph {\n a -> \n b", "DR171", 3, 1),
    ("dot", "", "DR171", None, None),
    ("dot", 'digraph { "" -> b }', "DR171", None, None),
    ("dot", "digraph { a -> b [dir=none] }", "DR172", None, None),
    ("dot", "digraph { a [observed=perhaps]; a -> b }", "DR176", None, None),
    ("dot", "digraph { a -> b -> a }", "DR124", None, None),
    ("gml", "graph [ node [ id 0 label \"a\" ] ]", "DR172", None, None),
    ("gml", "graph [ directed 1\n { ]", "DR171", 2, 2),
    ("gml", "graph 5", "DR171", None, None),
    ("gml", "", "DR171", None, None),
    ("gml", "graph [ directed 1 " + "a [ " * 3000 + "]" * 3001, "DR107", None, None),
    ("gml", "graph [ directed 1 ]", "DR114", None, None),
    ("lavaan", "y x", "DR171", 1, 1),
    ("lavaan", "y ~ x +", "DR171", 1, 7),
    ("lavaan", "y ~", "DR171", 1, 3),
    ("lavaan", "2 ~ x", "DR171", 1, 1),
    ("lavaan", "y ~ x\nz ~ a*", "DR171", 2, 5),
    ("lavaan", "model <- 'y ~ x'", "DR171", 1, 7),
    ("lavaan", "f <~ x", "DR172", 1, 3),
    ("lavaan", "y ~ x\nx ~ y", "DR124", 2, 5),
    ("lavaan", "", "DR114", None, None),
    ("yaml", "edges: [a ->]", "DR120", 1, 11),
    ("dagitty", "x" * 1_000_001, "DR107", 1, 1),
    ("dagitty", "dag {" + '"\\"' * 100_000, "DR171", 1, 10),
    ("dagitty", "dag { x /* " + "/* " * 100_000, "DR171", 1, 9),
    ("dagitty", "dag {" + "->".join(["{" + " ".join(f"a{i}" for i in range(400)) + "}"] * 400) + "}",
    "DR107", 1, 6),
    ("lavaan", "+".join(f"a{i}" for i in range(400)) + "~" + "+".join(f"b{i}" for i in range(400)), "DR107",
    1, 3031),
]  # fmt: skip


@pytest.mark.parametrize(
    ("format", "text", "code", "line", "column"), BAD, ids=[f"{b[0]}-{b[1][:24]}" for b in BAD]
)
def test_refused(format: str, text: str, code: str, line: int | None, column: int | None) -> None:
    with pytest.raises(SpecError) as caught:
        read(text, format)
    first = caught.value.diagnostics[0]
    assert first.code == code
    assert (first.span and first.span.line, first.span and first.span.column) == (line, column)
    assert render(first, text)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=150, deadline=None)
@given(text=st.text(st.sampled_from('abgrphdit{}[]()<->~=+*:;,.|"\\ \n#!01é'), max_size=40))
def test_no_text_ends_in_another_error(format: str, text: str) -> None:
    heads = {
        "dagitty": "dag {",
        "dot": "digraph {",
        "gml": "graph [ directed 1 ",
        "lavaan": "",
        "yaml": "edges: ",
    }
    for whole in (text, heads[format] + text):
        with refusals():
            read(whole, format)


@pytest.mark.parametrize(
    "graph",
    [nx.Graph([("a", "b")]), nx.DiGraph([("a", "b"), ("b", "a")]), nx.DiGraph(), nx.DiGraph([(1, "1")])],
)
def test_networkx_graphs_that_are_refused(graph: nx.Graph) -> None:
    with pytest.raises(SpecError):
        from_networkx(graph)


# ---------------------------------------------------------------- files and the command


@pytest.mark.parametrize(
    ("path", "text", "format"),
    [
        ("x.dagitty", "", "dagitty"),
        ("x.GV", "", "dot"),
        ("x.lav", "", "lavaan"),
        ("x.txt", M_BIAS, "dagitty"),
        ("x.txt", "# mine\ndag{x}", "dagitty"),
        ("x.txt", "a -> b", "dagitty"),
        ("x.txt", "// c\ndigraph { a -> b }", "dot"),
        ("x.txt", "graph [\n directed 1 ]", "gml"),
        ("x", "y ~ x\n", "lavaan"),
        ("x", "# model\n f =~ x1 + x2\n", "lavaan"),
        ("x.txt", "name: a\nedges: [a -> b]\n", "yaml"),
    ],
)
def test_the_format_is_told_by_the_ending_or_by_the_text(path: str, text: str, format: str) -> None:
    assert detect(path, text) == format


def test_a_format_that_cannot_be_told() -> None:
    with pytest.raises(SpecError, match="DR170"):
        detect("x.txt", "hello")


Convert = Callable[..., Any]


@pytest.fixture
def convert() -> Convert:
    return lambda *words, stdin="": call("convert", *words, stdin=stdin)


def test_convert_reads_stdin_and_writes_yaml(convert: Convert) -> None:
    result = convert("-", stdin=M_BIAS)
    assert result.code == 0
    assert arrows(loads(result.stdout)) == graph(M_BIAS, "dagitty")
    assert "DR174" in result.stderr


def test_convert_takes_the_format_of_its_output(convert: Convert, tmp_path: Path) -> None:
    spec = tmp_path / "s.yaml"
    spec.write_text("edges: [a -> b]\neffect: a -> b\n")
    assert convert(spec, "-o", tmp_path / "s.gv").code == 0
    assert (tmp_path / "s.gv").read_text().startswith("digraph {")
    assert convert(spec, "-o", tmp_path / "s.doc").code == 1


@pytest.mark.parametrize(
    ("name", "text"), [("x.dot", "digraph {"), ("x.txt", "hello"), ("x.lav", "y y"), ("x.gml", "[")]
)
def test_convert_shows_mistakes_under_their_lines(
    convert: Convert, tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    result = convert(tmp_path / name)
    assert result.code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error[DR17")


def test_converting_text_loads_neither_networkx_nor_graphviz() -> None:
    program = (
        "import sys; from dagreg import cli; from dagreg.spec import convert;"
        "convert.write(convert.read('dag { x -> y }', 'dagitty').spec, 'lavaan');"
        "sys.exit(bool({'networkx', 'pygraphviz'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
