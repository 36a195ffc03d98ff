"""Mediation, conditional effects, selection and suggestions on graphs with a name, and what the report says
of them.
"""

from __future__ import annotations

import json

import pytest

from dagreg.graph import CausalGraph
from dagreg.identify import Identified, NotIdentified, Query, identify
from dagreg.identify.chain import NoChain, chain_of
from dagreg.identify.conditional import idc
from dagreg.identify.expression import render
from dagreg.identify.mediation import mediation
from dagreg.identify.suggest import carried, naming
from dagreg.identify.types import AdjustmentAtLevels, FunctionalAtLevels, Hedge, Mediation
from dagreg.pipeline import explain
from dagreg.report.render import render as rendered
from dagreg.spec.load import loads


def graph_of(
    *edges: str,
    between: tuple[str, ...] = (),
    unobserved: tuple[str, ...] = (),
    selected: tuple[str, ...] = (),
) -> CausalGraph:
    directed = [tuple(e.split(" -> ")) for e in edges]
    bidirected = [tuple(e.split(" <-> ")) for e in between]
    nodes = dict.fromkeys(n for e in (*directed, *bidirected) for n in e)
    return CausalGraph.of(nodes, directed, bidirected, unobserved, selected)  # type: ignore[arg-type]


def mediated(graph: CausalGraph, x: str = "x", y: str = "y") -> Mediation:
    return mediation(graph, [graph.index[x]], graph.index[y])


# ---------------------------------------------------------------- mediation


def test_one_mediator() -> None:
    """Pearl 2001: the mediation formula."""
    answer = mediated(graph_of("x -> m", "m -> y", "x -> y"))
    assert answer.mediators == ("m",)
    assert answer.direct.estimand == "sum_m P(m | x*) P(y | x, m)"
    assert answer.indirect.estimand == answer.direct.estimand
    assert answer.through == ()
    assert [e.name for e in answer.paths] == ["x -> y", "x -> m -> y"]
    assert all(e.identified for e in answer.paths)


def test_the_kite() -> None:
    """Avin, Shpitser and Pearl 2005, figure 1: the path through the witness and on alone is not
    identified.
    """
    answer = mediated(graph_of("x -> r", "r -> m", "r -> y", "m -> y", "x -> y"))
    effects = {e.name: e for e in answer.paths}
    assert effects["x -> r -> y"].witness == ("r",)
    assert effects["x -> r -> m -> y"].witness == ("r",)
    assert effects["x -> y"].identified
    through = {e.name: e for e in answer.through}
    assert not through["m"].identified
    assert through["m"].witness == ("r",)
    assert "(a recanting witness)" in through["m"].reason
    assert through["r"].identified


def test_a_confounded_mediator_is_a_recanting_district() -> None:
    """Shpitser 2013: the mediator and the outcome share an unobserved cause, though the total effect is
    identified.
    """
    graph = graph_of("x -> m", "m -> y", "x -> y", between=("m <-> y",))
    answer = mediated(graph)
    assert isinstance(identify(graph, Query(("x",), "y", "mediation")), Identified)
    assert not answer.direct.identified
    assert not answer.indirect.identified
    assert set(answer.direct.witness) == {"m", "y"}
    assert "(a recanting district)" in answer.direct.reason


def test_a_confounded_exposure_leaves_no_part_identified() -> None:
    answer = mediated(graph_of("x -> m", "m -> y", "x -> y", between=("x <-> y",)))
    assert answer.direct.reason == "The total effect is not identified, and so neither are its parts."
    assert not answer.indirect.identified


def test_parts_that_are_zero_by_the_graph() -> None:
    full = mediated(graph_of("x -> m", "m -> y"))
    assert full.direct.zero
    assert full.direct.identified
    assert full.indirect.estimand == "sum_m P(m | x*) P(y | m)"
    none = mediated(graph_of("x -> y"))
    assert none.indirect.zero
    assert none.mediators == ()


def test_the_front_door_carries_the_whole_effect_though_nothing_can_be_adjusted_for() -> None:
    answer = mediated(graph_of("x -> m", "m -> y", between=("x <-> y",)))
    assert answer.direct.zero
    assert answer.indirect.estimand == "sum_m P(m | x*) sum_x P(x) P(y | x, m)"


def test_an_unobserved_mediator_counts_with_the_direct_effect() -> None:
    answer = mediated(graph_of("x -> u", "u -> y", "x -> m", "m -> y", unobserved=("u",)))
    assert answer.mediators == ("m",)
    assert answer.direct.identified
    assert not answer.direct.zero


# ---------------------------------------------------------------- conditional effects


def test_idc_on_its_papers_example() -> None:
    """Rule 2 turns conditions into interventions; a confounded consequence forbids what the
    average allows.
    """
    graph = graph_of("x -> z", "z -> y", between=("x <-> z",))
    index = graph.index
    found = idc(graph, [index["x"]], index["y"], [index["z"]])
    assert not isinstance(found, Hedge)
    assert render(found) == "P(y | z)"
    bow = graph_of("x -> y", "y -> w", "x -> w", between=("x <-> w",))
    assert isinstance(identify(bow, Query(("x",), "y")), Identified)
    assert isinstance(idc(bow, [bow.index["x"]], bow.index["y"], [bow.index["w"]]), Hedge)


def test_the_effect_by_levels_is_adjusted_within_them() -> None:
    graph = graph_of("z -> x", "z -> y", "x -> y", "g -> y")
    answer = identify(graph, Query(("x",), "y", by=("g",)))
    stated = answer.justification.conditional
    assert isinstance(stated, AdjustmentAtLevels)
    assert stated.adjustment == ("z",)
    assert stated.adjusted_for == ("g", "z")
    assert stated.estimand == "sum_z P(y | x, z, g) P(z | g)"
    assert answer.justification.adjustment.chosen == ("g", "z")


def test_the_chosen_set_holds_what_the_effect_is_asked_by() -> None:
    """Where g is no cause of the outcome the O-set does not hold it."""
    answer = identify(graph_of("g -> z", "z -> x", "z -> y", "x -> y"), Query(("x",), "y", by=("g",)))
    sets = answer.justification.adjustment
    assert sets.chosen == ("g", "z")
    assert sets.optimal == ("z",)
    assert "because the effect is asked for at each of its levels" in sets.reason


def test_the_levels_of_a_consequence_need_another_formula() -> None:
    answer = identify(
        graph_of("z -> x", "z -> y", "x -> y", "x -> w", "z -> w"), Query(("x",), "y", by=("w",))
    )
    stated = answer.justification.conditional
    assert isinstance(stated, FunctionalAtLevels)
    assert answer.justification.adjustment.chosen == ("z",)


# ---------------------------------------------------------------- selection


def test_a_case_control_design_leaves_the_odds_ratio() -> None:
    graph = graph_of("z -> x", "z -> y", "x -> y", "i -> x", selected=("y",))
    answer = identify(graph, Query(("x",), "y"))
    assert isinstance(
        answer, NotIdentified
    )  # not even by the instrument: the rows were chosen on the outcome
    assert answer.survives is not None
    assert answer.survives.given == ("z",)
    assert "case-control" in answer.survives.reason
    assert answer.reason == "No set is valid: the rows were chosen on `y`, the outcome itself."


def test_no_odds_ratio_survives_where_the_choice_depends_on_both() -> None:
    answer = identify(graph_of("x -> y", "y -> s", "x -> s", selected=("s",)), Query(("x",), "y"))
    assert isinstance(answer, NotIdentified)
    assert answer.survives is None


def test_the_chain_is_not_offered_where_the_choice_of_rows_biases_a_link() -> None:
    query = Query(("x",), "y")
    assert not isinstance(chain_of(graph_of("x -> m", "m -> y", "z -> x"), query), NoChain)
    found = chain_of(graph_of("x -> m", "m -> y", "m -> s", selected=("s",)), query)
    assert isinstance(found, NoChain)
    assert "chosen on s" in found.reason


# ---------------------------------------------------------------- what would help


def test_the_bow_names_what_would_help() -> None:
    answer = identify(graph_of("x -> y", between=("x <-> y",)), Query(("x",), "y"))
    assert isinstance(answer, NotIdentified)
    assert answer.measure == ()
    first, second, third = answer.suggestions
    assert first.startswith("With the unnamed common cause of `x` and `y` named and measured")
    assert "front-door" in second
    assert "instrument" in third


def test_an_unobserved_mediator_is_a_front_door_once_measured() -> None:
    graph = graph_of("x -> m", "m -> y", between=("x <-> y",), unobserved=("m",))
    answer = identify(graph, Query(("x",), "y"))
    assert isinstance(answer, NotIdentified)
    assert answer.measure == (("m",),)
    assert (
        answer.suggestions[0]
        == "With `m` measured, the effect would be identified by the front-door formula."
    )


def test_no_mediator_is_promised_where_it_would_not_serve() -> None:
    """x also acts on w, which shares a cause with both: the effect of x on what it causes is confounded at
    once.
    """
    graph = graph_of("x -> y", "w -> y", "x -> w", between=("x <-> w", "w <-> y"))
    answer = identify(graph, Query(("x",), "y"))
    assert isinstance(answer, NotIdentified)
    promised = any("front-door" in s for s in answer.suggestions)
    x, y = graph.index["x"], graph.index["y"]
    assert promised == isinstance(identify(carried(graph, x, y), Query(("x",), "y")), Identified)


def test_naming_spells_an_edge_out() -> None:
    graph = naming(graph_of("x -> y", between=("x <-> y",)), [(0, 1)])
    assert graph.names == ("x", "y", "U(x, y)")
    assert not any(graph.siblings)
    assert graph.parents[1] == (0, 2)


# ---------------------------------------------------------------- the report


def text_of(spec: str, format: str = "text") -> str:
    return rendered(explain(loads(spec, file="spec.yaml")), format)  # type: ignore[arg-type]


def test_the_report_tells_a_mediation() -> None:
    spec = "edges: ['x -> r, y', 'r -> m, y', m -> y]\neffect: {exposure: x, outcome: y, kind: mediation}\n"
    text = " ".join(text_of(spec).split())
    assert "How the effect is carried" in text
    assert "Natural direct and natural indirect effect: identified." in text
    assert "recanting witness r" in text
    stated = json.loads(text_of(spec, "json"))["effects"][0]["mediation"]
    assert stated["mediators"] == ["r", "m"]
    assert stated["natural_direct"]["estimand"] == "sum_{m, r} P(r | x*) P(y | x, r, m) P(m | r)"
    assert [p["identified"] for p in stated["paths"]] == [True, False, False]


@pytest.mark.parametrize("format", ["text", "md", "html", "json"])
def test_the_report_tells_what_survives_a_selection(format: str) -> None:
    spec = "nodes: {x: binary, y: {type: binary, selected: true}}\nedges: [x -> y]\neffect: x -> y\n"
    assert "odds ratio survives" in " ".join(text_of(spec, format).split())


def test_the_report_lists_the_implications() -> None:
    spec = "edges: [a -> b -> c]\neffect: a -> c\n"
    assert "a and c are independent given b." in text_of(spec)
    assert json.loads(text_of(spec, "json"))["implications"] == [{"x": "a", "y": "c", "given": ["b"]}]


def test_a_graph_too_large_for_its_implications_says_so() -> None:
    edges = ", ".join(f"n{i} -> n{i + 1}" for i in range(11_000))
    text = text_of(f"edges: [{edges}]\neffect: n1 -> n3\n")
    assert "it is too large for a list of them" in " ".join(text.split())
