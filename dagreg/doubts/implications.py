"""The graph's implied independences held against the data, each by one regression.

`x _||_ y | given` is tested in the regression of y on x and `given`: y comes after x in causal order and
`given` stands nearest to y, so where all is observed this regression, without x, is the graph's own.

- y a number: the t test of the partial correlation, or the F test of several columns of x;
- y a count: the likelihood ratio of Poisson regressions, scaled by the dispersion (McCullagh and Nelder 1989, 6.2);
- y in levels: the likelihood ratio of multinomial logistic regressions (logistic for two levels).

Predictors in levels enter as indicator columns. Holm (1979) keeps the chance of any false alarm at 5 %.

Of a `group` or a pooled node the label is no number (`check/within_groups.py` has the tests): as `given` it means
comparison within its levels, as x or y the differences between them. A variable that does not vary within the levels
of a group was measured, or drawn by lot, once for each of them: its tests are of the groups' means, and whether it
differs between groups is no question that rows answer. Where the rows are cells of a table of counts, with trials,
the tests are those of the units that they count.
The tests are of independence *and* of the form of the regression: nonlinear dependence on `given` can reject too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.binding.counted import are_cells
from dagreg.binding.summary import check_columns, columns_of, summarise
from dagreg.doubts.types import Doubt, ImplicationTest
from dagreg.doubts.within_groups import Span, along, between, combined, constant_within, crossed, of_means, scattered
from dagreg.errors import DataError
from dagreg.families import FAMILIES, default_family
from dagreg.graph.causal import CausalGraph, build
from dagreg.identify.case import Case
from dagreg.identify.types import Answer
from dagreg.model.design import encode
from dagreg.model.types import ColumnSummary, Variable
from dagreg.model.variables import resolve
from dagreg.numerics.arrays import Array
from dagreg.numerics.tails import chi_square_upper, f_upper, t_two_sided
from dagreg.sources.source import Source
from dagreg.spec.types import Node, Spec

Claim = tuple[str, str, tuple[str, ...]]
Sampler = Callable[[Sequence[str], int, int], dict[str, np.ma.MaskedArray[Any, Any]]]  # columns, most rows, seed

SIZE = 0.05  # chance of any false alarm over all tests
MOST_TESTS = 200
MOST_ROWS = 50_000  # a sample of larger tables
MOST_LEVELS = 12  # of a response
FREE = 10  # degrees of freedom that have to be left
STEPS = 40
TOLERANCE = 1e-9
FLOOR = 1e-10  # relative to a sum of squares: rounding
SMALLEST = 1e-16  # p-values below are shown as such
SHOWN = 10  # rejections spelled out


@dataclass(frozen=True, slots=True)
class Verdicts:
    """The tests, and a sentence for each reason why some were left out."""

    tests: tuple[ImplicationTest, ...]
    untested: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Column:
    """One node's values: its design columns, which rows have them, and what it is as a response."""

    variable: Variable
    blocks: Array  # rows x columns; the positions of a label's levels
    there: npt.NDArray[np.bool_]
    units: Array  # trials, or units of exposure, of each row
    family: str

    @property
    def label(self) -> bool:
        """Whether it stands for levels that may be many: a group, or a pooled node."""
        return self.variable.pooled

    def places(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """The level of each of these rows."""
        if self.label:
            return np.asarray(self.blocks[rows, 0], dtype=np.int64)
        return combined(list(self.blocks[rows].T), int(rows.sum()))


def columns_for(source: Source, spec: Spec, names: Iterable[str]) -> tuple[str, ...]:
    """The data columns of these nodes, where they exist and are usable."""
    return columns_of(spec, (name for name in dict.fromkeys(names) if _unusable(source, spec, name) == ""))


def put_to_data(
    spec: Spec,
    source: Source,
    claims: Sequence[Claim],
    seed: int,
    *,
    known: Mapping[str, ColumnSummary] = MappingProxyType({}),
    sample: Sampler | None = None,
) -> Verdicts:
    """Every claim (at most `MOST_TESTS`) whose columns exist; rows with a missing value are left out per test.

    `known` are summaries of columns that have every value, `sample` is asked for rows in place of the source.
    """
    asked = claims[:MOST_TESTS]
    counted = [n.name for n in spec.nodes.values() if n.trials is not None and n.observed]
    names = dict.fromkeys((*names_of(asked), *((n.name for n in spec.nodes.values() if n.observed) if counted else ())))
    columns, absent = _read(spec, source, tuple(names), seed, known, sample or source.sample)
    if len(counted) == 1 and counted[0] in columns:
        columns = _units(columns, counted[0], seed)
    groups = [c for c in columns.values() if c.variable.sampled]
    reasons: dict[str, str] = {}
    if len(claims) > len(asked):
        reasons["cut"] = f"the graph implies {len(claims)} independences, of which the first {len(asked)} are tested."
    found: list[tuple[Claim, float, float]] = []
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
            found.append((claim, *result))
    adjusted = holm([p for _, _, p in found])
    tests = (
        ImplicationTest(x, y, given, statistic, p, q, q < SIZE)
        for ((x, y, given), statistic, p), q in zip(found, adjusted, strict=True)
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
) -> tuple[Doubt, ...]:
    """A warning for each independence that the data reject, the clearest first, and whether the answers rest on it.

    Several on which no answer rests share one warning, so that they do not bury the others.
    """
    rejected = [(t, _bearing(t, graph, answers)) for t in sorted((t for t in tests if t.rejected), key=lambda t: t.p)]
    spared = [t for t, bearing in rejected if bearing == _SPARED]
    alone = [(t, bearing) for t, bearing in rejected if bearing != _SPARED or len(spared) == 1]
    texts = [_rejection(t, len(tests)) + bearing for t, bearing in alone[:SHOWN]]
    if len(alone) > SHOWN:
        texts.append(f"{len(alone) - SHOWN} further implied independences are rejected as well.")
    if len(spared) > 1:
        texts.append(_together(spared, len(tests)))
    return tuple(Doubt("DR534", text) for text in texts)


def _rejection(test: ImplicationTest, count: int) -> str:
    of = f", of {count} tests" if count > 1 else ""
    return (
        f"The graph says that `{test.x}` and `{test.y}` are independent{_given(test.given)}; the data disagree "
        f"(p {_p(test.p_adjusted)}{of}). An arrow between them or a common cause may be missing, or {_shape(test)}."
    )


def _together(tests: Sequence[ImplicationTest], count: int) -> str:
    shown = [f"`{t.x}` and `{t.y}`{_given(t.given)} (p {_p(t.p_adjusted)})" for t in tests[:SHOWN]]
    more = f", and {len(tests) - SHOWN} more" if len(tests) > SHOWN else ""
    return (
        f"The data reject {len(tests)} of the {count} independences that the graph implies: {', '.join(shown)}{more}. "
        "Arrows or common causes between them may be missing. With either between the two of any one pair what is "
        "adjusted for would still be enough: the answer does not rest on these."
    )


def _p(value: float) -> str:
    return f"= {value:.2g}" if value > SMALLEST else f"< {SMALLEST:g}"


_SPARED = " With either between them what is adjusted for would still be enough: the answer does not rest on this."


def _bearing(test: ImplicationTest, graph: CausalGraph, answers: Sequence[Answer]) -> str:
    """Whether the adjustment sets would still be valid with an arrow or a common cause between the two."""
    asked = [a for a in answers if a.strategy == "adjustment"]
    if len(asked) < len(answers) or len(asked) == 0:
        return ""
    a, b = graph.index[test.x], graph.index[test.y]
    edges = [(v, c) for v in range(len(graph)) for c in graph.children[v]]
    pairs = [(v, s) for v in range(len(graph)) for s in graph.siblings[v] if v < s]
    nodes = graph.names, graph.observed, graph.selected, graph.cost
    wider = [
        build(nodes[0], [*edges, (a, b)], pairs, *nodes[1:]),
        build(nodes[0], edges, [*pairs, (a, b)], *nodes[1:]),
    ]
    if all(_still_valid(answer, other) for answer in asked for other in wider):
        return _SPARED
    return " With one of these between them what is adjusted for would no longer be enough."


def _still_valid(answer: Answer, graph: CausalGraph) -> bool:
    chosen = answer.justification.adjustment.chosen
    assert chosen is not None  # the strategy is adjustment
    return Case.of(graph, answer.justification.query).criterion.valid([graph.index[z] for z in chosen])


def _shape(test: ImplicationTest) -> str:
    if len(test.given) == 0:
        return "the rows are not a random sample"
    return f"`{test.y}` depends on {_listed(test.given)} in another way than the regression of this test allows"


def _given(names: Sequence[str]) -> str:
    return f" given {_listed(names)}" if len(names) > 0 else ""


def _listed(names: Sequence[str]) -> str:
    *head, last = [f"`{name}`" for name in names]
    return f"{', '.join(head)} and {last}" if head else last


def names_of(claims: Iterable[Claim]) -> tuple[str, ...]:
    """The nodes that claims name."""
    return tuple(dict.fromkeys(name for x, y, given in claims for name in (x, y, *given)))


# ---------------------------------------------------------------- reading


def _unusable(source: Source, spec: Spec, name: str) -> str:
    """Why the columns of a node cannot be tested; "" where they can."""
    try:
        check_columns(source, spec, [name])
    except DataError as error:
        return error.diagnostics[0].message
    return f"`{name}` is censored" if spec.nodes[name].censored is not None else ""


def _read(
    spec: Spec,
    source: Source,
    wanted: Sequence[str],
    seed: int,
    known: Mapping[str, ColumnSummary],
    sample: Sampler,
) -> tuple[dict[str, _Column], dict[str, str]]:
    """These nodes, and the sentence about each that cannot be tested.

    A node on which the rows were selected and that has no column, or a single value, is held fixed by the
    selection itself: it stands in neither.
    """
    absent = {n: why for n in wanted if (why := _unusable(source, spec, n)) != ""}
    names = [n for n in wanted if n not in absent]
    variables: dict[str, Variable] = {}
    for name in names:
        lacking = [c for c in columns_of(spec, [name]) if c not in known]  # the others have every value
        try:
            summary = summarise(source, spec, [name], source.complete(lacking), known if not lacking else {})
            variables |= resolve(spec, [name], summary)
        except DataError as error:
            absent[name] = error.diagnostics[0].message
    raw = sample(columns_of(spec, variables), MOST_ROWS, seed)
    columns = {name: _column(spec.nodes[name], spec, v, raw) for name, v in variables.items()}
    held = {n for n in absent if spec.nodes[n].selected}
    return columns, {
        n: f"{_sentence(why)} its independences are not tested." for n, why in absent.items() if n not in held
    }


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:].rstrip('.')};"


def _column(node: Node, spec: Spec, variable: Variable, raw: Mapping[str, np.ma.MaskedArray[Any, Any]]) -> _Column:
    family = _family(node, spec, variable)
    values, there = _present(raw[variable.column])
    units = np.ones(len(values))
    for name in (node.trials, node.offset):
        if isinstance(name, str):
            numbers, known = _present(raw[name])
            there &= known
            units = np.where(known, numbers, 1).astype(np.float64)
        elif name is not None:
            units = np.full(len(values), float(name))
    there &= units > 0
    filler = values[there][0] if there.any() else values[0]
    blocks = encode(variable, np.where(there, values, filler))
    return _Column(variable, blocks, there, units, family)


def _units(columns: Mapping[str, _Column], counted: str, seed: int) -> dict[str, _Column]:
    """Of a table of counts, a row for each unit (at most `MOST_ROWS` at random); any other table as it is."""
    y = columns[counted]
    others = [c for c in columns.values() if c is not y]
    complete = np.logical_and.reduce([c.there for c in columns.values()])
    told = [block for c in others for block in c.blocks[complete].T]
    if y.family != "successes" or not are_cells(told) or not complete.any():
        return dict(columns)
    hits, units = y.blocks[:, 0], y.units
    numbers = np.where(complete, [hits, units - hits], 0).astype(np.int64).ravel()
    if numbers.sum() > MOST_ROWS:
        rng = np.random.default_rng(seed)
        numbers = rng.multivariate_hypergeometric(numbers, MOST_ROWS, method="marginals")
    which = np.repeat(np.tile(np.arange(len(hits)), 2), numbers)
    hit = np.repeat(np.repeat([1.0, 0.0], len(hits)), numbers)
    found = {
        n: replace(c, blocks=c.blocks[which], there=c.there[which], units=c.units[which]) for n, c in columns.items()
    }
    single = replace(y.variable, type="binary", levels=(0, 1))
    found[counted] = _Column(single, hit[:, None], np.ones(len(hit), dtype=bool), np.ones(len(hit)), "levels")
    return found


def _present(column: np.ma.MaskedArray[Any, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    values = np.ma.getdata(column)
    there = ~np.ma.getmaskarray(column)
    if values.dtype.kind == "f":
        there = there & ~np.isnan(values)
    return values, there


def _family(node: Node, spec: Spec, variable: Variable) -> str:
    """What the node is as a response: levels, count, successes or number."""
    regression = spec.regressions.get(node.name)
    said = (regression.family if regression is not None else None) or node.family
    if variable.levels:
        return "levels"
    family = FAMILIES.get(said) if said is not None else default_family(variable.type)
    if family is None or (said is None and variable.transform is not None) or (family.trials and node.trials is None):
        return "number"
    return family.tested_as


# ---------------------------------------------------------------- testing


def _tested(x: _Column, y: _Column, given: Sequence[_Column], groups: Sequence[_Column]) -> tuple[float, float] | str:
    """Statistic and p value, or why there is none. `groups` are those of the spec, also where a claim names none."""
    rows = np.logical_and.reduce([c.there for c in (x, y, *given)])
    if rows.sum() < FREE:
        return f"only {rows.sum()} rows have all values"
    fixed = _fixed_within(x, y, given, groups, rows)
    if fixed is not None:
        return _by_group(x, y, given, *fixed)
    if x.label or y.label:
        return _of_label(*((x, y) if x.label else (y, x)), given, rows)
    if any(g.label for g in given):
        return _within_labels(x, y, given, rows)
    return _test(x, y, given, rows)


def _test(x: _Column, y: _Column, given: Sequence[_Column], rows: npt.NDArray[np.bool_]) -> tuple[float, float] | str:
    if len(y.variable.levels) > MOST_LEVELS:
        x, y = y, x
    if len(y.variable.levels) > MOST_LEVELS:
        return f"both have more than {MOST_LEVELS} levels"
    base = np.ones((int(rows.sum()), 1))
    null = _orthonormal(base, np.empty((len(base), 0)))
    for other in given:
        null = np.hstack([null, _orthonormal(_predictor(other, rows), null)])
    added = _orthonormal(_predictor(x, rows), null)
    if added.shape[1] == 0:
        return _idle(x)
    if len(base) - null.shape[1] - added.shape[1] < FREE:
        return "too few rows for the number of columns"
    return _TESTS[y.family](y, rows, null, added)


def _idle(x: _Column) -> str:
    return f"`{x.variable.name}` does not vary once the others are given"


# ---------------------------------------------------------------- labels


def _fixed_within(
    x: _Column, y: _Column, given: Sequence[_Column], groups: Sequence[_Column], rows: npt.NDArray[np.bool_]
) -> tuple[_Column, _Column, npt.NDArray[np.bool_]] | None:
    """Which of the two does not vary within the levels of a group that is not given, that group, the rows with all."""
    found = []
    for group in groups:
        there = rows & group.there
        if any(g is group for g in given) or there.sum() < FREE:
            continue
        places = group.places(there)
        for column in (x, y):
            if column is not group and constant_within(column.blocks[there] / column.units[there, None], places):
                found.append((len(np.unique(places)), column, group, there))
    if not found:
        return None
    return min(found, key=lambda f: f[0])[1:]


def _by_group(
    x: _Column,
    y: _Column,
    given: Sequence[_Column],
    fixed: _Column,
    group: _Column,
    rows: npt.NDArray[np.bool_],
) -> tuple[float, float] | str:
    """The test on the means of the groups."""
    why = f"`{fixed.variable.name}` is the same in all rows of a `{group.variable.name}`"
    if x.label or y.label:
        return f"{why}, so rows do not say how it goes with single levels"
    places = group.places(rows)
    beside = [g for g in given if g.label]
    if any(not constant_within(g.blocks[rows], places) for g in beside):
        return f"{why}, and {_listed([g.variable.name for g in beside])} is not"
    others = [_indicators(g, rows) if g.label else _predictor(g, rows) for g in given]
    result = of_means(places, _predictor(x, rows), _predictor(y, rows), _side_by_side(others, len(places)), FREE)
    return result or f"{why}, and {len(np.unique(places))} of them are too few for a test"


def _indicators(column: _Column, rows: npt.NDArray[np.bool_]) -> Array:
    places = column.places(rows)
    return np.asarray(places[:, None] == np.unique(places)[1:], dtype=np.float64)


def _span(given: Sequence[_Column], rows: npt.NDArray[np.bool_], *more: _Column) -> Span:
    labels = [g.places(rows) for g in (*given, *more) if g.label]
    return Span(labels, _side_by_side([_predictor(g, rows) for g in given if not g.label], int(rows.sum())))


def _side_by_side(blocks: Sequence[Array], rows: int) -> Array:
    return np.hstack([np.empty((rows, 0)), *blocks])


def _within_labels(
    x: _Column, y: _Column, given: Sequence[_Column], rows: npt.NDArray[np.bool_]
) -> tuple[float, float] | str:
    """Two variables within the levels of labels."""
    span = _span(given, rows)
    added = span.new(_predictor(x, rows))
    if added.shape[1] == 0:
        return _idle(x)
    response = _predictor(y, rows)
    if span.new(response).shape[1] == 0:
        return _idle(y)
    if len(response) - span.rank - added.shape[1] < FREE:
        return "too few rows for the number of levels"
    if y.family == "number":
        return _explained(y, span.off(response)[:, 0], added, len(response) - span.rank, _squares(response[:, 0]))
    return along(span, added, response) or _idle(y)


def _of_label(
    x: _Column, y: _Column, given: Sequence[_Column], rows: npt.NDArray[np.bool_]
) -> tuple[float, float] | str:
    """A label against anything."""
    few = "too few rows for the number of levels"
    if y.family == "levels" and all(g.label or g.variable.levels for g in given):
        strata = combined([g.places(rows) for g in given], int(rows.sum()))
        return crossed(x.places(rows), y.places(rows), strata) or few
    if x.label and y.label and len(y.variable.levels) > MOST_LEVELS:
        x, y = y, x
    if len(y.variable.levels) > MOST_LEVELS:
        return f"both have more than {MOST_LEVELS} levels"
    if y.family == "number" or any(g.label for g in given):
        responses = (_indicators(y, rows) if y.label else _predictor(y, rows)).T
        span, wider = _span(given, rows), _span(given, rows, x)
        if y.family == "number" and (span.off(responses.T) ** 2).sum() <= FLOOR * _squares(responses[0]):
            return _function(y)
        return _smallest([between(span, wider, r, FREE) for r in responses]) or few
    return _smallest(_scattered(x, y, given, rows)) or few


def _scattered(
    x: _Column, y: _Column, given: Sequence[_Column], rows: npt.NDArray[np.bool_]
) -> list[tuple[float, float] | None]:
    """The spread between a label's levels of what a regression on `given` leaves: of each level of y, or of counts."""
    count = int(rows.sum())
    columns = np.hstack(
        [np.ones((count, 1)), _span((), rows).new(_side_by_side([_predictor(g, rows) for g in given], count))]
    )
    units = y.units[rows] if y.family != "levels" else np.ones(count)
    if y.family == "levels":
        indicators = _indicators(y, rows) if y.label else y.blocks[rows]
        every = np.column_stack([1 - indicators.sum(axis=1), indicators])
        responses = every if every.shape[1] > 2 else indicators
    else:
        responses = y.blocks[rows]
    found = []
    for response in responses.T:
        if y.family == "count":
            mean = poisson_means(response, np.log(units), columns)
            variance = mean
        else:
            share = binomial_means(response, units, columns)
            mean, variance = units * share, units * share * (1 - share)
        found.append(scattered(x.places(rows), response - mean, np.maximum(variance, FLOOR), columns))
    return found


def _smallest(results: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """The clearest of several tests, its p value times their number (Bonferroni)."""
    known = [r for r in results if r is not None]
    if not known:
        return None
    statistic, p = min(known, key=lambda r: r[1])
    return statistic, min(1.0, len(known) * p)


# ---------------------------------------------------------------- regressions


def _predictor(column: _Column, rows: npt.NDArray[np.bool_]) -> Array:
    """Counts of successes and of events enter per unit."""
    values = column.blocks[rows] / column.units[rows, None]
    return np.asarray(values - values.mean(axis=0))  # far from 0, rounding would eat what varies


def _orthonormal(block: Array, beside: Array) -> Array:
    """An orthonormal basis of what `block` adds to the span of `beside` (orthonormal too)."""
    if block.shape[1] == 0:
        return block
    size = np.linalg.norm(block, axis=0)
    left = block / np.where(size > 0, size, 1.0)
    for _ in range(2):  # twice is enough (Giraud, Langou and Rozloznik 2005)
        left = left - beside @ (beside.T @ left)
    u, s, _ = np.linalg.svd(left, full_matrices=False)
    return np.asarray(u[:, s > 1e-8])


def _linear(y: _Column, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> tuple[float, float] | str:
    """t of the partial correlation for one added column, F for several."""
    response = y.blocks[rows, 0]
    left = response - response.mean()
    left = left - null @ (null.T @ left)
    return _explained(y, left, added, len(left) - null.shape[1], _squares(response))


def _squares(response: Array) -> float:
    return float(((response - response.mean()) ** 2).sum())


def _function(y: _Column) -> str:
    return f"`{y.variable.name}` is a function of the others"


def _explained(y: _Column, left: Array, added: Array, room: int, squares: float) -> tuple[float, float] | str:
    """What `added` explains of a null regression's residuals, which have `room` degrees of freedom."""
    before = float(left @ left)
    if before <= FLOOR * squares:
        return _function(y)
    along_added = added.T @ left
    explained = float(along_added @ along_added)
    columns, free = added.shape[1], room - added.shape[1]
    rest = max(before - explained, FLOOR * before) / free
    if columns == 1:
        t = float(along_added[0]) / rest**0.5
        return t, t_two_sided(t, free)
    f = explained / columns / rest
    return f, f_upper(f, columns, free)


def _counts(y: _Column, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> tuple[float, float] | str:
    """The likelihood ratio of Poisson regressions, over the dispersion of the larger one (at least 1)."""
    response, offset = y.blocks[rows, 0], np.log(y.units[rows])
    both = np.hstack([null, added])
    smaller, larger = (poisson_means(response, offset, columns) for columns in (null, both))
    gain = 2 * float(_poisson_likelihood(response, larger) - _poisson_likelihood(response, smaller))
    free = len(response) - both.shape[1]
    dispersion = max(1.0, float(((response - larger) ** 2 / np.maximum(larger, FLOOR)).sum()) / free)
    return _scaled(gain, added.shape[1], dispersion, free)


def _scaled(gain: float, columns: int, dispersion: float, free: int) -> tuple[float, float]:
    statistic = max(gain, 0.0) / dispersion
    return statistic, f_upper(statistic / columns, columns, free)


def _poisson_likelihood(response: Array, mean: Array) -> Array:
    return np.asarray((response * np.log(np.maximum(mean, 1e-300)) - mean).sum())


def poisson_means(response: Array, offset: Array, columns: Array) -> Array:
    """Fitted means by iteratively reweighted least squares."""
    eta = np.log(np.maximum(response, 0.5 * max(float(response.mean()), FLOOR)) + 0.1)
    for _ in range(STEPS):
        mean = np.exp(np.clip(eta, -30, 30))
        working = eta - offset + (response - mean) / mean
        beta = _solve(columns.T @ (mean[:, None] * columns), columns.T @ (mean * working))
        before, eta = eta, columns @ beta + offset
        if np.max(np.abs(eta - before)) < TOLERANCE * (1 + np.max(np.abs(eta))):
            break
    return np.asarray(np.exp(np.clip(eta, -30, 30)))


def _solve(matrix: Array, vector: Array) -> Array:
    """A Newton step; a trace of ridge keeps separated classes finite."""
    ridge = 1e-9 * np.trace(matrix) / len(matrix) * np.eye(len(matrix))
    return np.asarray(np.linalg.solve(matrix + ridge, vector))


def binomial_means(hits: Array, units: Array, columns: Array) -> Array:
    """Fitted shares of successes of a logistic regression."""
    return _multinomial(np.column_stack([units - hits, hits]), columns)[1][:, 1]


def _successes(y: _Column, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> tuple[float, float] | str:
    """The likelihood ratio of binomial regressions, over the dispersion of the larger one (at least 1)."""
    units = y.units[rows]
    hits = y.blocks[rows, 0]
    counts = np.column_stack([units - hits, hits])
    both = np.hstack([null, added])
    smaller, larger = (_multinomial(counts, columns) for columns in (null, both))
    free = len(hits) - both.shape[1]
    share = larger[1][:, 1]
    pearson = float(((hits - units * share) ** 2 / np.maximum(units * share * (1 - share), FLOOR)).sum())
    return _scaled(2 * (larger[0] - smaller[0]), added.shape[1], max(1.0, pearson / free), free)


def _levels(y: _Column, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> tuple[float, float] | str:
    """The likelihood ratio of multinomial logistic regressions."""
    indicators = y.blocks[rows]
    counts = np.column_stack([1.0 - indicators.sum(axis=1), indicators])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return f"`{y.variable.name}` has a single value in the rows of this test"
    both = np.hstack([null, added])
    gain = 2 * (_multinomial(counts, both)[0] - _multinomial(counts, null)[0])
    statistic = max(gain, 0.0)
    return statistic, chi_square_upper(statistic, added.shape[1] * (counts.shape[1] - 1))


def _multinomial(counts: Array, columns: Array) -> tuple[float, Array]:
    """Log likelihood and fitted shares of a multinomial logistic regression (Newton, halved where it overshoots)."""
    width, classes = columns.shape[1], counts.shape[1] - 1
    totals = counts.sum(axis=1)
    beta = np.zeros((width, classes))
    likelihood, shares = _shares(counts, columns, beta)
    for _ in range(STEPS):
        gradient = columns.T @ (counts[:, 1:] - totals[:, None] * shares[:, 1:])
        step = _solve(_information(columns, totals, shares[:, 1:]), gradient.T.ravel()).reshape(classes, width).T
        before = likelihood
        for _ in range(10):
            likelihood, shares = _shares(counts, columns, beta + step)
            if likelihood >= before - TOLERANCE * (1 + abs(before)):
                break
            step = step / 2
        beta = beta + step
        if abs(likelihood - before) < TOLERANCE * (1 + abs(before)):
            break
    return likelihood, shares


def _shares(counts: Array, columns: Array, beta: Array) -> tuple[float, Array]:
    eta = np.hstack([np.zeros((len(columns), 1)), columns @ beta])
    eta = eta - eta.max(axis=1, keepdims=True)
    logs = eta - np.log(np.exp(eta).sum(axis=1, keepdims=True))
    return float((counts * logs).sum()), np.exp(logs)


def _information(columns: Array, totals: Array, shares: Array) -> Array:
    """Fisher's information, classes outermost."""
    width, classes = columns.shape[1], shares.shape[1]
    matrix = np.empty((classes * width, classes * width))
    for i in range(classes):
        for j in range(classes):
            weight = totals * shares[:, i] * ((i == j) - shares[:, j])
            matrix[i * width : (i + 1) * width, j * width : (j + 1) * width] = columns.T @ (weight[:, None] * columns)
    return matrix


_TESTS = {"number": _linear, "count": _counts, "successes": _successes, "levels": _levels}
