"""The graph's implied independences held against the data, each by one regression.

`x _||_ y | given` is tested in the regression of y on x and `given`: y comes after x in causal order and
`given` stands nearest to y, so where all is observed this regression, without x, is the graph's own.

- y a number: the t test of the partial correlation, or the F test of several columns of x;
- y a count: the likelihood ratio of Poisson regressions, scaled by the dispersion (McCullagh and Nelder 1989,
  6.2);
- y in levels: the likelihood ratio of multinomial logistic regressions (logistic for two levels).

Predictors in levels enter as indicator columns. Holm (1979) keeps the chance of any false alarm at 5 %.

Of a `group` or a pooled node the label is no number (`check/within_groups.py` has the tests): as `given` it
means comparison within its levels, as x or y the differences between them. A variable that does not vary
within the levels of a group was measured, or drawn by lot, once for each of them: its tests are of the
groups' means, and whether it differs between groups is no question that rows answer. Where the rows are cells
of a table of counts, with trials, the tests are those of the units that they count. The tests are of
independence *and* of the form of the regression: nonlinear dependence on `given` can reject too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from dagreg.doubts.implication_columns import NodeColumn, RowSampler, as_units, read_columns
from dagreg.doubts.implication_labels import by_group, fixed_within, of_label, within_labels
from dagreg.doubts.implication_regressions import FREE, by_regression
from dagreg.doubts.types import ImplicationTest
from dagreg.doubts.within_groups import (
    Statistic,
)
from dagreg.errors import Doubt
from dagreg.graph.causal import CausalGraph, build
from dagreg.identify.case import Case
from dagreg.identify.types import Adjustment, Answer, NotIdentified
from dagreg.identify.words import quoted
from dagreg.model.summary import Variable
from dagreg.sources.source import Source
from dagreg.sources.types import ColumnSummary
from dagreg.spec.types import Spec
from dagreg.study import Claim

FALSE_ALARM_RATE = 0.05  # chance of any false alarm over all tests
MAX_TESTS = 200
MIN_SHOWN_P = 1e-16  # p-values below are shown as such
MAX_SHOWN_REJECTIONS = 10  # rejections spelled out


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The tests, and a sentence for each reason why some were left out."""

    tests: tuple[ImplicationTest, ...]
    untested: tuple[str, ...]


def put_to_data(
    spec: Spec,
    source: Source,
    claims: Sequence[Claim],
    seed: int,
    *,
    known: Mapping[str, ColumnSummary] = MappingProxyType({}),
    sample: RowSampler | None = None,
    variables: Mapping[str, Variable] = MappingProxyType({}),
    barred: Mapping[str, str] = MappingProxyType({}),
) -> Verdicts:
    """Every claim (at most `MAX_TESTS`) whose columns exist; rows with a missing value are left out per
    test.

    `known` are summaries of columns that have every value, and `variables` are of such columns; `sample` is
    asked for rows in place of the source. `barred` says of nodes why their columns serve no test, "" where
    they do.
    """
    asked = claims[:MAX_TESTS]
    counted = [n.name for n in spec.nodes.values() if n.trials is not None and n.observed]
    names = dict.fromkeys(
        (*names_of(asked), *((n.name for n in spec.nodes.values() if n.observed) if counted else ()))
    )
    columns, absent = read_columns(
        spec, source, tuple(names), seed, known, sample or source.sample, variables, barred
    )
    if len(counted) == 1 and counted[0] in columns:
        columns = as_units(columns, counted[0], seed)
    groups = [c for c in columns.values() if c.variable.sampled]
    reasons: dict[str, str] = {}
    if len(claims) > len(asked):
        reasons["cut"] = (
            f"the graph implies {len(claims)} independences, of which the first {len(asked)} are tested."
        )
    results: list[tuple[Claim, float, float]] = []
    for claim in asked:
        x, y, given = claim
        lacking = next((n for n in (x, y, *given) if n in absent), None)
        if lacking is not None:
            reasons[lacking] = absent[lacking]
            continue
        result = _tested(columns[x], columns[y], [columns[g] for g in given if g in columns], groups)
        if isinstance(result, str):
            reasons[f"{x} {y}"] = f"`{x}` and `{y}`{_given(given)}: {result}."
        else:
            results.append((claim, *result))
    adjusted = holm([p for _, _, p in results])
    tests = (
        ImplicationTest(x, y, given, statistic, p, q, q < FALSE_ALARM_RATE)
        for ((x, y, given), statistic, p), q in zip(results, adjusted, strict=True)
    )
    return Verdicts(tuple(tests), tuple(reasons.values()))


def holm(values: Sequence[float]) -> list[float]:
    """Adjusted p values (Holm 1979): reject where they are below the size of the whole family."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    adjusted, largest = [0.0] * len(values), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[i]))
        adjusted[i] = largest
    return adjusted


def implication_doubts(
    tests: Sequence[ImplicationTest], graph: CausalGraph, answers: Sequence[Answer]
) -> tuple[tuple[Doubt, ...], tuple[tuple[Doubt, ...], ...]]:
    """A warning for each independence that the data reject, the clearest first: those on which no answer
    rests, and for each answer those that it rests on.

    Several on which no answer rests share one warning, so that they do not bury the others.
    """
    rejected = sorted((t for t in tests if t.rejected), key=lambda t: t.p)
    wider = [_wider(t, graph) for t in rejected]
    touching = [[_touches(answer, graphs) for graphs in wider] for answer in answers]
    own = tuple(
        _spelled_out([t for t, at in zip(rejected, at_all, strict=True) if at], len(tests), _ends(answer))
        for answer, at_all in zip(answers, touching, strict=True)
    )
    spared = [t for i, t in enumerate(rejected) if not any(at_all[i] for at_all in touching)]
    if len(spared) < 2:
        held = _SPARED if any(isinstance(a, Adjustment) for a in answers) else ""
        return _spelled_out(spared, len(tests), held), own
    return (Doubt("DR534", _together(spared, len(tests)), remedy=_remedy(spared[:1])),), own


def _spelled_out(rejected: Sequence[ImplicationTest], count: int, bearing: str) -> tuple[Doubt, ...]:
    doubts = [
        Doubt("DR534", _rejection(t, count) + bearing, remedy=_remedy([t]))
        for t in rejected[:MAX_SHOWN_REJECTIONS]
    ]
    left = rejected[MAX_SHOWN_REJECTIONS:]
    if len(left) > 0:
        message = f"{len(left)} further implied independences are rejected as well."
        doubts.append(Doubt("DR534", message, remedy=_remedy(left[:1])))
    return tuple(doubts)


def _remedy(tests: Sequence[ImplicationTest]) -> str:
    """What to add to the spec for the first of them."""
    x, y = tests[0].x, tests[0].y
    return (
        f"If you believe the data, add `{x} -> {y}` or `{x} <-> {y}` to `edges:` and fit again; if you "
        "believe the graph, say why they are not independent here (how rows were chosen, how the two were "
        "measured)."
    )


def _rejection(test: ImplicationTest, count: int) -> str:
    of = f", of {count} tests" if count > 1 else ""
    return (
        f"The graph says that `{test.x}` and `{test.y}` are independent{_given(test.given)}; the data "
        f"disagree (p {_p(test.p_adjusted)}{of}). An arrow between them or a common cause may be missing, "
        f"or {_shape(test)}."
    )


def _together(tests: Sequence[ImplicationTest], count: int) -> str:
    shown = [
        f"`{t.x}` and `{t.y}`{_given(t.given)} (p {_p(t.p_adjusted)})" for t in tests[:MAX_SHOWN_REJECTIONS]
    ]
    more = f", and {len(tests) - MAX_SHOWN_REJECTIONS} more" if len(tests) > MAX_SHOWN_REJECTIONS else ""
    return (
        f"The data reject {len(tests)} of the {count} independences that the graph implies: "
        f"{', '.join(shown)}{more}. Arrows or common causes between them may be missing. With either "
        "of these for any one pair the adjustment would still be enough: the answer does not rest on them."
    )


def _p(value: float) -> str:
    return f"= {value:.2g}" if value > MIN_SHOWN_P else f"< {MIN_SHOWN_P:g}"


_SPARED = " With either of them the adjustment would still be enough: the answer does not rest on this."


def _ends(answer: Answer) -> str:
    """What such an edge would do to an answer that it touches."""
    adjusted = isinstance(answer, Adjustment)
    return " With one of these the adjustment would no longer be enough." if adjusted else ""


def _wider(test: ImplicationTest, graph: CausalGraph) -> tuple[CausalGraph, ...]:
    """The graph with an arrow between the two, and with a common cause of them."""
    a, b = graph.index[test.x], graph.index[test.y]
    edges = [(v, c) for v in range(len(graph)) for c in graph.children[v]]
    pairs = [(v, s) for v in range(len(graph)) for s in graph.siblings[v] if v < s]
    nodes = graph.names, graph.observed, graph.selected, graph.cost
    return (
        build(nodes[0], [*edges, (a, b)], pairs, *nodes[1:]),
        build(nodes[0], edges, [*pairs, (a, b)], *nodes[1:]),
    )


def _touches(answer: Answer, wider: Iterable[CausalGraph]) -> bool:
    """Whether the answer may not hold in one of these graphs; of a refusal nothing is lost."""
    if isinstance(answer, NotIdentified):
        return False
    return not isinstance(answer, Adjustment) or not all(_still_valid(answer, graph) for graph in wider)


def _still_valid(answer: Adjustment, graph: CausalGraph) -> bool:
    chosen = answer.justification.adjustment.chosen or ()
    return Case.of(graph, answer.justification.query).criterion.valid([graph.index[z] for z in chosen])


def _shape(test: ImplicationTest) -> str:
    if len(test.given) == 0:
        return "the rows are not a random sample"
    return (
        f"`{test.y}` depends on {quoted(test.given)} in another way than the regression of this test allows"
    )


def _given(names: Sequence[str]) -> str:
    return f" given {quoted(names)}" if len(names) > 0 else ""


def names_of(claims: Iterable[Claim]) -> tuple[str, ...]:
    """The nodes that claims name."""
    return tuple(dict.fromkeys(name for x, y, given in claims for name in (x, y, *given)))


def _tested(
    x: NodeColumn, y: NodeColumn, given: Sequence[NodeColumn], groups: Sequence[NodeColumn]
) -> Statistic | str:
    """Statistic and p value, or why there is none.

    `groups` are those of the spec, also where a claim names none.
    """
    rows = np.logical_and.reduce([c.there for c in (x, y, *given)])
    if rows.sum() < FREE:
        return f"only {rows.sum()} rows have all values"
    fixed = fixed_within(x, y, given, groups, rows)
    if fixed is not None:
        return by_group(x, y, given, *fixed)
    if x.label or y.label:
        return of_label(*((x, y) if x.label else (y, x)), given, rows)
    if any(g.label for g in given):
        return within_labels(x, y, given, rows)
    return by_regression(x, y, given, rows)
