"""The graph's implied independences held against the data, each by one test.

`x _||_ y | given` is tested by the covariance of what is left of both beside smooth functions of `given`
(`implication_covariance.py`): no line, no family and no equal variance is assumed, and curvature is seen.
Variables in levels enter as indicator columns. Holm (1979) keeps the chance of any false alarm at 5 %.

Of a `group` or a pooled node the label is no number (`implication_labels.py` has the tests): as `given` it
means comparison within its levels, as x or y the differences between them. A variable that does not vary
within the levels of a group was measured, or drawn by lot, once for each of them: its tests are of the
groups' means, and whether it differs between groups is no question that rows answer. Of a group beside the
three, rows of a level may depend on each other. Where the rows are cells of a table of counts, with trials,
the tests are those of the units that they count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from dagreg.doubts.explanations import MAX_SHOWN, edge_of
from dagreg.doubts.implication_columns import NodeColumn, RowSampler, as_units, read_columns
from dagreg.doubts.implication_covariance import ROWS_PER_PRODUCT, Found, Spans, by_covariance
from dagreg.doubts.implication_labels import by_group, fixed_within, of_label
from dagreg.doubts.implication_regressions import FREE
from dagreg.doubts.types import ImplicationTest
from dagreg.doubts.within_groups import (
    Statistic,
)
from dagreg.errors import Doubt
from dagreg.graph.causal import CausalGraph
from dagreg.identify.standing import Standing
from dagreg.identify.types import Adjustment, Answer, NotIdentified
from dagreg.identify.words import quoted
from dagreg.model.summary import Variable
from dagreg.sources.source import Source
from dagreg.sources.types import ColumnSummary
from dagreg.spec.types import Spec
from dagreg.study import Claim

FALSE_ALARM_RATE = 0.05  # chance of any false alarm over all tests
MAX_TESTS = 200
MAX_PRODUCTS = 24  # of indicators of levels; beyond, the one with more levels is a label
MIN_SHOWN_P = 1e-16  # p-values below are shown as such
MAX_SHOWN_REJECTIONS = 10  # rejections spelled out


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The tests, and a sentence for each reason why some were left out."""

    tests: tuple[ImplicationTest, ...]
    untested: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """The columns of some nodes, which answers whether two of them are independent given others."""

    columns: Mapping[str, NodeColumn]
    absent: Mapping[str, str]  # node -> why its column serves no test
    spans: Spans
    known: dict[Claim, Found | str]

    @classmethod
    def of(
        cls,
        spec: Spec,
        source: Source,
        names: Iterable[str],
        seed: int,
        *,
        known: Mapping[str, ColumnSummary] = MappingProxyType({}),
        sample: RowSampler | None = None,
        variables: Mapping[str, Variable] = MappingProxyType({}),
        barred: Mapping[str, str] = MappingProxyType({}),
    ) -> Probe:
        """Of the nodes whose columns exist.

        `known` are summaries of columns that have every value, and `variables` are of such columns; `sample`
        is asked for rows in place of the source. `barred` says of nodes why their columns serve no test, ""
        where they do.
        """
        counted = [n.name for n in spec.nodes.values() if n.trials is not None and n.observed]
        beside = (n.name for n in spec.nodes.values() if n.observed) if counted else ()
        wanted = tuple(dict.fromkeys((*names, *beside)))
        columns, absent = read_columns(
            spec, source, wanted, seed, known, sample or source.sample, variables, barred
        )
        if len(counted) == 1 and counted[0] in columns:
            columns = as_units(columns, counted[0], seed)
        return cls(columns, absent, Spans(), {})

    def asked(self, claim: Claim) -> Found | str:
        """Statistic and p value, or a sentence that says why there is no test.

        Rows with a missing value are left out.
        """
        if claim not in self.known:
            self.known[claim] = self._asked(claim)
        return self.known[claim]

    def _asked(self, claim: Claim) -> Found | str:
        x, y, given = claim
        lacking = next((n for n in (x, y, *given) if n in self.absent), None)
        if lacking is not None:
            return self.absent[lacking]
        groups = [c for c in self.columns.values() if c.variable.sampled]
        beside = [self.columns[g] for g in given if g in self.columns]
        result = _tested(self.columns[x], self.columns[y], beside, groups, self.spans)
        return f"`{x}` and `{y}`{_given(given)}: {result}." if isinstance(result, str) else result


def put_to_data(spec: Spec, source: Source, claims: Sequence[Claim], seed: int) -> Verdicts:
    """Every claim (at most `MAX_TESTS`) whose columns exist."""
    return verdicts_on(claims, Probe.of(spec, source, names_of(claims[:MAX_TESTS]), seed))


def verdicts_on(claims: Sequence[Claim], probe: Probe) -> Verdicts:
    """The first `MAX_TESTS` of these claims, each tested."""
    answers = [(claim, probe.asked(claim)) for claim in claims[:MAX_TESTS]]
    reasons = dict.fromkeys(why for _, why in answers if isinstance(why, str))
    if len(claims) > MAX_TESTS:
        cut = f"the graph implies {len(claims)} independences, of which the first {MAX_TESTS} are tested."
        reasons = dict.fromkeys((cut, *reasons))
    results = [(claim, found) for claim, found in answers if not isinstance(found, str)]
    adjusted = holm([found.p for _, found in results])
    tests = (
        ImplicationTest(x, y, given, one.statistic, one.p, q, q < FALSE_ALARM_RATE, one.curved)
        for ((x, y, given), one), q in zip(results, adjusted, strict=True)
    )
    return Verdicts(tuple(tests), tuple(reasons))


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
    standings = [None if isinstance(a, NotIdentified) else Standing(graph, a) for a in answers]
    touching = [
        [s is not None and any(s.change(g) is not None for g in graphs) for graphs in wider]
        for s in standings
    ]
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
    edges = " or ".join(f"`{e}`" for e in edges_of(tests[0]))
    return (
        f"If you believe the data, add {edges} to `edges:` and fit again; if you "
        "believe the graph, say why they are not independent here (how rows were chosen, how the two were "
        "measured)."
    )


def _rejection(test: ImplicationTest, count: int) -> str:
    of = f", of {count} tests" if count > 1 else ""
    return (
        f"The graph says that `{test.x}` and `{test.y}` are independent{_given(test.given)}; the data "
        f"disagree (p {_p(test.p_adjusted)}{of}){_BENT if test.curved else ''}. {_explanation(test)}"
    )


_BENT = ": they go together in a curve, in spread, or with a sign that changes, rather than in one trend"


def _explanation(test: ImplicationTest) -> str:
    """The edges that would explain a rejection, in words."""
    edges = " or ".join(f"`{e}`" for e in test.explained_by) or "An arrow between them or a common cause"
    return f"{edges} would explain it{'' if test.given else ', or rows that are no random sample'}."


def _together(tests: Sequence[ImplicationTest], count: int) -> str:
    shown = [
        f"`{t.x}` and `{t.y}`{_given(t.given)} (p {_p(t.p_adjusted)})" for t in tests[:MAX_SHOWN_REJECTIONS]
    ]
    more = f", and {len(tests) - MAX_SHOWN_REJECTIONS} more" if len(tests) > MAX_SHOWN_REJECTIONS else ""
    return (
        f"The data reject {len(tests)} of the {count} independences that the graph implies: "
        f"{', '.join(shown)}{more}. Arrows or common causes may be missing{_most(tests)}. With any one of "
        "these the adjustment would still be enough: the answer does not rest on them."
    )


def _most(tests: Sequence[ImplicationTest]) -> str:
    """The edges that would explain several of these rejections, the most first."""
    every = [e for t in tests for e in t.explained_by]
    several = sorted(
        {e for e in every if every.count(e) > 1}, key=lambda e: (-every.count(e), every.index(e))
    )
    if not several:
        return ""
    best = [f"`{e}`" for e in several if every.count(e) == every.count(several[0])]
    return f": {' or '.join(best[:MAX_SHOWN])} would explain {every.count(several[0])} of them"


def _p(value: float) -> str:
    return f"= {value:.2g}" if value > MIN_SHOWN_P else f"< {MIN_SHOWN_P:g}"


_SPARED = " With any of these the adjustment would still be enough: the answer does not rest on this."


def _ends(answer: Answer) -> str:
    """What such an edge would do to an answer that it touches."""
    what = (
        "the adjustment would no longer be enough" if isinstance(answer, Adjustment) else "the answer falls"
    )
    return f" With one of these {what}."


def edges_of(test: ImplicationTest) -> tuple[str, ...]:
    """The edges that would explain a rejection."""
    return test.explained_by or tuple(f"{test.x} {mark} {test.y}" for mark in ("->", "<->"))


def _wider(test: ImplicationTest, graph: CausalGraph) -> tuple[CausalGraph, ...]:
    """The graph with each of the edges that would explain a rejection."""
    return tuple(edge_of(e, graph).added_to(graph) for e in edges_of(test))


def _given(names: Sequence[str]) -> str:
    return f" given {quoted(names)}" if len(names) > 0 else ""


def names_of(claims: Iterable[Claim]) -> tuple[str, ...]:
    """The nodes that claims name."""
    return tuple(dict.fromkeys(name for x, y, given in claims for name in (x, y, *given)))


def _tested(
    x: NodeColumn,
    y: NodeColumn,
    given: Sequence[NodeColumn],
    groups: Sequence[NodeColumn],
    spans: Spans,
) -> Found | str:
    """Statistic and p value, or why there is none.

    `groups` are those of the spec, also where a claim names none.
    """
    rows = np.logical_and.reduce([c.there for c in (x, y, *given)])
    if rows.sum() < FREE:
        return f"only {rows.sum()} rows have all values"
    fixed = fixed_within(x, y, given, groups, rows)
    if fixed is not None:
        return _found(by_group(x, y, given, *fixed))
    if x.label or y.label:
        return _found(of_label(*((x, y) if x.label else (y, x)), given, rows))
    columns = [c.blocks.shape[1] for c in (x, y)]
    if columns[0] * columns[1] > min(MAX_PRODUCTS, rows.sum() // ROWS_PER_PRODUCT) and max(columns) > 1:
        many, other = (x, y) if columns[0] >= columns[1] else (y, x)
        return _found(of_label(many.as_label(), other, given, rows))
    return by_covariance(x, y, given, groups, rows, spans)


def _found(result: Statistic | str) -> Found | str:
    return result if isinstance(result, str) else Found(*result)
