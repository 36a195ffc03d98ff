"""The graph as DOT, dagitty text and pictures: names letter by letter, roles by shape as well as
by colour.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from dagreg.report.draw import CannotDraw, dagitty_source, dot_source, draw, svg
from dagreg.report.looks import MAX_NODES, STYLES, causal_edges, legend, looks, swatch
from dagreg.report.prose import visible
from dagreg.spec.types import Edge, Node, Spec
from tests.report_cases import COACHING, COACHING_ANSWER, NASTY, nasty, several

SVG = "{http://www.w3.org/2000/svg}"


def chain(n: int) -> Spec:
    names = [f"v{i}" for i in range(n)]
    return Spec("chain", {v: Node(v) for v in names}, tuple(map(Edge, names, names[1:])))


def test_every_node_has_one_look():
    assert looks(COACHING, COACHING_ANSWER) == {
        "tenure": "adjusted",
        "coached": "exposure",
        "engagement": "harmful",
        "retained": "outcome",
        "bonus": "harmful",
        "aptitude": "unobserved",
    }
    assert set(looks(COACHING, None).values()) == {"other", "unobserved"}


def test_causal_edges_are_those_on_causal_paths():
    assert causal_edges(COACHING, COACHING_ANSWER) == {
        ("coached", "retained"),
        ("coached", "engagement"),
        ("engagement", "retained"),
    }
    assert causal_edges(COACHING, None) == frozenset()


def test_looks_differ_without_colour():
    shapes = [tuple(sorted(style.shape.items())) for style in STYLES.values()]
    assert len(set(shapes)) == len(shapes)


def test_the_legend_names_what_is_drawn():
    items = legend(COACHING, COACHING_ANSWER)
    assert [i.css for i in items] == ["exposure", "outcome", "adjusted", "harmful", "unobserved", "causal"]
    assert items[2].nodes == ("tenure",)
    for item in items:
        ElementTree.fromstring(swatch(item.css))


def test_svg_shows_every_name_letter_by_letter():
    report = nasty()
    root = ElementTree.fromstring(svg(report.study.spec, report.effects[0].answer))
    shown = {"".join(t.itertext()) for t in root.iter(f"{SVG}text")}
    assert shown == {visible(name) for name in NASTY}
    tooltips = {t.text.rpartition(": ")[0] for g in root.iter(f"{SVG}g") for t in g.findall(f"{SVG}title")}
    assert {visible(name) for name in NASTY} <= tooltips


def test_svg_is_an_element_with_ids_of_its_own():
    text = svg(COACHING, COACHING_ANSWER, "dag7")
    assert text.startswith('<svg class="dag" role="img" aria-labelledby="dag7-title"')
    ids = [e.get("id") for e in ElementTree.fromstring(text).iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    assert all(i.startswith("dag7-") for i in ids)


@pytest.mark.parametrize(("format", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_formats(format, start):
    assert draw(COACHING, COACHING_ANSWER, format).startswith(start)


def test_every_role_can_be_drawn():
    report = several()
    for effect in report.effects:
        ElementTree.fromstring(svg(report.study.spec, effect.answer))
    ElementTree.fromstring(svg(chain(1), None))


def test_dot_reads_back_as_the_same_graph():
    import pygraphviz

    report = nasty()
    spec = report.study.spec
    graph = pygraphviz.AGraph(string=dot_source(spec, report.effects[0].answer))
    assert graph.number_of_nodes() == len(spec.nodes)
    assert graph.number_of_edges() == len(spec.edges)


def test_dot_keeps_plain_names_and_invents_ids_that_none_has():
    spec = Spec("s", {n: Node(n) for n in ("a:b", "n0", "x")}, (Edge("a:b", "x"), Edge("x", "n0", True)))
    source = dot_source(spec, None)
    assert "_n0 -> x" in source
    assert "x -> n0 [" in source
    assert "dir=both" in source


def test_dagitty_text():
    assert dagitty_source(COACHING, COACHING_ANSWER) == (
        "dag {\ntenure [adjusted]\ncoached [exposure]\nengagement\nretained [outcome]\nbonus\naptitude "
        "[latent]\n"
        "tenure -> coached\ntenure -> retained\ncoached -> engagement\nengagement -> retained\ncoached -> "
        "retained\n"
        "retained -> bonus\naptitude -> retained\n}\n"
    )
    odd = Spec("s", {n: Node(n) for n in ('a "b"', "c")}, (Edge('a "b"', "c", True),))
    assert '"a \\"b\\"" <-> c' in dagitty_source(odd, None)


def test_a_huge_graph_is_not_drawn_but_its_text_is_written():
    spec = chain(MAX_NODES + 1)
    with pytest.raises(CannotDraw, match="too many for a picture"):
        draw(spec, None, "svg")
    assert draw(spec, None, "dot").count(b"->") == MAX_NODES
    assert draw(spec, None, "dagitty")
