"""Identification on the graphs of the papers, and what the answers say."""

from __future__ import annotations

import time

import pytest

from dagreg.errors import DagregError
from dagreg.graph import CausalGraph
from dagreg.identify import Answer, Identified, NotIdentified, Query, identify
from dagreg.identify.expression import latex, render
from dagreg.identify.types import FrontDoor, Functional, Hedge, Instrument, ZeroByGraph
from dagreg.spec.types import Adjust

CONFOUNDED = CausalGraph.of("xyzw", [("z", "x"), ("z", "y"), ("x", "y"), ("w", "y")])
M_BIAS = CausalGraph.of(
    "xymuv", [("u", "m"), ("v", "m"), ("u", "x"), ("v", "y"), ("x", "y")], unobserved="uv"
)
FRONTDOOR = CausalGraph.of("xmy", [("x", "m"), ("m", "y")], [("x", "y")])
BOW = CausalGraph.of("xy", [("x", "y")], [("x", "y")])
INSTRUMENT = CausalGraph.of("ixy", [("i", "x"), ("x", "y")], [("x", "y")])
NAPKIN = CausalGraph.of("wrxy", [("w", "r"), ("r", "x"), ("x", "y")], [("w", "x"), ("w", "y")])
ADMISSIONS = CausalGraph.of(
    "gdau", [("g", "d"), ("g", "a"), ("d", "a"), ("u", "d"), ("u", "a")], unobserved="u"
)


def ask(
    graph: CausalGraph, x: str = "x", y: str = "y", kind: str = "total", adjust: Adjust | None = None
) -> Answer:
    return identify(graph, Query(tuple(x), y, kind, adjust))  # type: ignore[arg-type]


def why(answer: Answer, node: str) -> str:
    return answer.justification.nodes[node].why


def test_confounder_and_precision_variable() -> None:
    answer = ask(CONFOUNDED)
    assert isinstance(answer, Identified)
    sets = answer.justification.adjustment
    assert (sets.minimal, sets.optimal, sets.chosen) == ((("z",),), ("w", "z"), ("w", "z"))
    assert answer.estimand == "sum_{w, z} P(y | x, w, z) P(w, z)"
    assert why(answer, "z") == "`z` is a common cause: it closes x <- z -> y."
    assert "more precise" in why(answer, "w")
    assert answer.justification.nodes["z"].roles == ("confounder",)


def test_bidirected_m_bias_is_not_merged_into_one_cause() -> None:
    graph = CausalGraph.of("xmy", [("x", "y")], [("x", "m"), ("m", "y")])
    assert ask(graph).justification.adjustment.minimal == ((),)


def test_m_bias() -> None:
    answer = ask(M_BIAS)
    note = answer.justification.nodes["m"]
    assert answer.justification.adjustment.chosen == ()
    assert note.harmful
    assert note.roles == ("collider",)
    assert note.why == "`m` is a collider on x <- u -> m <- v -> y: adjusting for it would open that path."


def test_mediator_collider_and_its_descendant() -> None:
    graph = CausalGraph.of("xmycd", [("x", "m"), ("m", "y"), ("x", "c"), ("y", "c"), ("c", "d")])
    answer = ask(graph)
    assert why(answer, "m").startswith("`m` lies on the causal path x -> m -> y: adjusting")
    assert why(answer, "c") == "`c` is a collider on x -> c <- y: adjusting for it would open that path."
    assert "descends from the collider `c`" in why(answer, "d")
    assert all(answer.justification.nodes[n].harmful for n in "mcd")


def test_descendant_of_exposure_off_the_causal_path_is_allowed() -> None:
    graph = CausalGraph.of("xyd", [("x", "y"), ("x", "d")])
    assert ask(graph, adjust=Adjust(exactly=("d",))).justification.adjustment.chosen == ("d",)


def test_frontdoor() -> None:
    answer = ask(FRONTDOOR)
    assert isinstance(answer, FrontDoor)
    assert answer.mediators == ("m",)
    assert answer.justification.adjustment.minimal == ()
    assert answer.justification.frontdoor == (("m",),)
    assert answer.estimand == "sum_m P(m | x) sum_x' P(y | x', m) P(x')"


def test_napkin_holds_at_any_value_of_r() -> None:
    answer = ask(NAPKIN)
    assert isinstance(answer, Functional)
    assert answer.estimand == "[sum_w P(w) P(x | w, r) P(y | w, r, x)] / [sum_w P(w) P(x | w, r)]"
    assert any("`r`" in note for note in answer.justification.notes)
    assert latex(answer.functional).startswith(r"\frac{\sum_{\mathit{w}} P(\mathit{w})")
    assert render(answer.functional) == answer.estimand


def test_bow_is_refused_with_a_hedge() -> None:
    answer = ask(BOW)
    assert isinstance(answer, NotIdentified)
    assert answer.hedge == Hedge(("x", "y"), ("y",))
    assert answer.open_paths == ("x <-> y",)


def test_instrument_is_offered_and_not_called_identified() -> None:
    answer = ask(INSTRUMENT)
    assert isinstance(answer, Instrument)
    assert (answer.instruments, answer.given) == (("i",), ())
    assert [(i.instrument, i.given) for i in answer.justification.instruments] == [("i", ())]
    assert "if the effect is linear" in answer.justification.notes[-1]


def test_what_to_measure() -> None:
    graph = CausalGraph.of("xyuv", [("x", "y"), ("u", "x"), ("u", "v"), ("v", "y")], unobserved="uv")
    answer = ask(graph)
    assert isinstance(answer, NotIdentified)
    assert answer.measure == (("u",), ("v",))


def test_treatment_confounder_feedback_is_identified_and_not_adjustable() -> None:
    graph = CausalGraph.of("alby", [("a", "l"), ("l", "b"), ("a", "y"), ("b", "y")], [("l", "y")])
    answer = ask(graph, "ab")
    assert isinstance(answer, Functional)
    assert answer.justification.adjustment.minimal == ()


def test_direct_effect_with_a_latent_behind_mediator_and_outcome() -> None:
    answer = ask(ADMISSIONS, "g", "a", "direct")
    assert isinstance(answer, NotIdentified)
    assert answer.justification.adjustment.minimal == ()
    assert answer.measure == (("u",),)
    assert "g -> d <- u -> a" in answer.reason


def test_direct_effect() -> None:
    graph = CausalGraph.of("gda", [("g", "d"), ("g", "a"), ("d", "a")])
    answer = ask(graph, "g", "a", "direct")
    assert isinstance(answer, Identified)
    assert answer.justification.adjustment.minimal == (("d",),)
    assert why(answer, "d").startswith("`d` lies on g -> d -> a: holding it fixed")


def test_zero_by_the_graph() -> None:
    answer = ask(CausalGraph.of("xzy", [("z", "x"), ("z", "y")]))
    assert isinstance(answer, Identified)
    assert not answer.justification.causal_path
    assert answer.justification.adjustment.minimal == (("z",),)
    assert "zero by the graph" in answer.justification.notes[0]


def test_the_outcome_causes_the_exposure() -> None:
    answer = ask(CausalGraph.of("xy", [("y", "x")]))
    assert isinstance(answer, ZeroByGraph)
    assert answer.justification.adjustment.minimal == ()
    assert answer.justification.adjustment.chosen is None
    assert "y -> x" in answer.justification.notes[0]


@pytest.mark.parametrize(
    ("adjust", "code", "says"),
    [
        (Adjust(exactly=()), "DR202", "x <- z -> y"),
        (Adjust(exclude=("z",)), "DR203", "x <- z -> y"),
        (Adjust(exactly=("y",)), "DR204", "outcome"),
        (Adjust(exactly=("nobody",)), "DR204", "not a node"),
    ],
)
def test_an_adjustment_set_that_is_refused(adjust: Adjust, code: str, says: str) -> None:
    with pytest.raises(DagregError) as caught:
        ask(CONFOUNDED, adjust=adjust)
    (problem,) = caught.value.diagnostics
    assert problem.code == code
    assert says in problem.message


def test_an_adjustment_set_that_opens_a_collider_is_refused_by_name() -> None:
    with pytest.raises(DagregError, match="x <- u -> m <- v -> y"):
        ask(M_BIAS, adjust=Adjust(exactly=("m",)))


def test_an_adjustment_set_that_holds_a_mediator_is_refused_by_name() -> None:
    with pytest.raises(DagregError, match="x -> m -> y"):
        ask(CausalGraph.of("xmy", [("x", "m"), ("m", "y")]), adjust=Adjust(exactly=("m",)))


def test_bounds_are_honoured() -> None:
    sets = ask(CONFOUNDED, adjust=Adjust(exclude=("w",))).justification.adjustment
    assert sets.chosen == ("z",)
    graph = CausalGraph.of("xyab", [("a", "x"), ("a", "b"), ("b", "y"), ("x", "y")])
    assert ask(graph, adjust=Adjust(include=("a",))).justification.adjustment.chosen == ("a", "b")


def test_the_cheapest_set_is_chosen_where_there_is_no_optimum() -> None:
    edges = [("a", "x"), ("a", "b"), ("b", "y"), ("x", "y"), ("u", "y")]
    for cost, expected in (({"a": 5.0}, ("b",)), ({"b": 5.0}, ("a",)), ({}, ("a",))):
        graph = CausalGraph.of("xyabu", edges, unobserved="u", cost=cost)
        assert ask(graph).justification.adjustment.chosen == expected


def test_rows_chosen_on_a_consequence_of_the_outcome() -> None:
    graph = CausalGraph.of("xys", [("x", "y"), ("y", "s")], selected="s")
    answer = ask(graph)
    assert isinstance(answer, NotIdentified)
    assert "`s`" in answer.reason


def test_a_query_that_does_not_fit() -> None:
    with pytest.raises(DagregError) as caught:
        identify(M_BIAS, Query(("u", "nobody"), "y"))
    assert [d.code for d in caught.value.diagnostics] == ["DR205", "DR206"]


def test_paths_say_what_closes_them() -> None:
    answer = ask(CONFOUNDED)
    notes = {p.path: p for p in answer.justification.paths}
    assert notes["x -> y"].causal
    assert notes["x -> y"].open_after
    assert notes["x <- z -> y"].closed_by == ("z",)
    assert ask(M_BIAS).justification.paths[1].closed_by == ("m",)


def test_a_thousand_of_two_to_the_thirty_sets_are_listed_and_the_cut_is_said() -> None:
    k = range(30)
    names = ["x", "y", *(f"a{i}" for i in k), *(f"b{i}" for i in k)]
    edges = [("x", "y"), *(e for i in k for e in ((f"a{i}", "x"), (f"a{i}", f"b{i}"), (f"b{i}", "y")))]
    start = time.perf_counter()
    sets = identify(CausalGraph.of(names, edges), Query(("x",), "y")).justification.adjustment
    assert time.perf_counter() - start < 3
    assert (len(sets.minimal), sets.truncated) == (1000, True)
    assert sets.chosen == tuple(sorted(f"b{i}" for i in k))


def test_a_hundred_thousand_nodes() -> None:
    n = 100_000
    edges = [(f"v{i}", f"v{i + 1}") for i in range(0, n - 1, 2)] + [
        (f"v{i}", f"v{i + 3}") for i in range(0, n - 3, 3)
    ]
    graph = CausalGraph.of([f"v{i}" for i in range(n)], edges)
    start = time.perf_counter()
    answer = identify(graph, Query(("v30000",), "v60001"))
    assert len(answer.justification.nodes["v30003"].why) > 0
    assert time.perf_counter() - start < 5


def test_answers_follow_the_declaration_and_nothing_else() -> None:
    first, second = ask(CONFOUNDED), ask(CONFOUNDED)
    assert first.justification.adjustment == second.justification.adjustment
    assert first.justification.paths == second.justification.paths
