"""The graph's implied independences held against the data, each by one regression.

`x _||_ y | given` is tested in the regression of y on x and `given`: y comes after x in causal order and
`given` stands nearest to y, so where all is observed this regression, without x, is the graph's own.

- y a number: the t test of the partial correlation, or the F test of several columns of x;
- y a count: the likelihood ratio of Poisson regressions, scaled by the dispersion (McCullagh and Nelder 1989, 6.2);
- y in levels: the likelihood ratio of multinomial logistic regressions (logistic for two levels).

Predictors in levels enter as indicator columns. Holm (1979) keeps the chance of any false alarm at 5 %.
The tests are of independence *and* of the form of the regression: nonlinear dependence on `given` can reject too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.check.tails import chi_square_upper, f_upper, t_two_sided
from dagreg.check.types import Doubt, ImplicationTest
from dagreg.data.source import Source
from dagreg.data.summary import check_columns, columns_of, summarise
from dagreg.engine.draws import Array
from dagreg.errors import DataError
from dagreg.families import FAMILIES, default_family
from dagreg.graph.causal import CausalGraph, build
from dagreg.identify.case import Case
from dagreg.identify.types import Answer
from dagreg.model.design import encode
from dagreg.model.types import ColumnSummary, Variable
from dagreg.model.variables import resolve
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
TINY = 1e-10
TINY = 1e-16  # p-values below are shown as such
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
    blocks: Array  # rows x columns
    there: npt.NDArray[np.bool_]
    units: Array  # trials, or units of exposure, of each row
    family: str


def columns_for(source: Source, spec: Spec, claims: Iterable[Claim]) -> tuple[str, ...]:
    """The data columns that tests of these claims read, where they exist and are usable."""
    return columns_of(spec, (name for name in _names(claims) if _unusable(source, spec, name) == ""))


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
    columns, absent = _read(spec, source, asked, seed, known, sample or source.sample)
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
        result = _test(columns[x], columns[y], [columns[g] for g in given if g in columns])
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
    return f"= {value:.2g}" if value > TINY else f"< {TINY:g}"


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


def _names(claims: Iterable[Claim]) -> tuple[str, ...]:
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
    claims: Sequence[Claim],
    seed: int,
    known: Mapping[str, ColumnSummary],
    sample: Sampler,
) -> tuple[dict[str, _Column], dict[str, str]]:
    """The nodes of these claims, and the sentence about each that cannot be tested.

    A node on which the rows were selected and that has no column, or a single value, is held fixed by the
    selection itself: it stands in neither.
    """
    absent = {n: why for n in _names(claims) if (why := _unusable(source, spec, n)) != ""}
    names = [n for n in _names(claims) if n not in absent]
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


def _test(x: _Column, y: _Column, given: Sequence[_Column]) -> tuple[float, float] | str:
    """Statistic and p value, or why there is none."""
    if len(y.variable.levels) > MOST_LEVELS:
        x, y = y, x
    if len(y.variable.levels) > MOST_LEVELS:
        return f"both have more than {MOST_LEVELS} levels"
    rows = np.logical_and.reduce([c.there for c in (x, y, *given)])
    base = np.ones((int(rows.sum()), 1))
    if len(base) < FREE:
        return f"only {len(base)} rows have all values"
    null = _orthonormal(base, np.empty((len(base), 0)))
    for other in given:
        null = np.hstack([null, _orthonormal(_predictor(other, rows), null)])
    added = _orthonormal(_predictor(x, rows), null)
    if added.shape[1] == 0:
        return f"`{x.variable.name}` does not vary once the others are given"
    if len(base) - null.shape[1] - added.shape[1] < FREE:
        return "too few rows for the number of columns"
    return _TESTS[y.family](y, rows, null, added)


def _predictor(column: _Column, rows: npt.NDArray[np.bool_]) -> Array:
    """Counts of successes and of events enter per unit."""
    return np.asarray(column.blocks[rows] / column.units[rows, None])


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
    left = response - null @ (null.T @ response)
    before = float(left @ left)
    if before <= TINY * float(response @ response):
        return f"`{y.variable.name}` is a function of the others"
    along = added.T @ left
    explained = float(along @ along)
    columns, free = added.shape[1], len(left) - null.shape[1] - added.shape[1]
    rest = max(before - explained, TINY * before) / free
    if columns == 1:
        t = float(along[0]) / rest**0.5
        return t, t_two_sided(t, free)
    f = explained / columns / rest
    return f, f_upper(f, columns, free)


def _counts(y: _Column, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> tuple[float, float] | str:
    """The likelihood ratio of Poisson regressions, over the dispersion of the larger one (at least 1)."""
    response, offset = y.blocks[rows, 0], np.log(y.units[rows])
    both = np.hstack([null, added])
    smaller, larger = (_poisson(response, offset, columns) for columns in (null, both))
    gain = 2 * float(_poisson_likelihood(response, larger) - _poisson_likelihood(response, smaller))
    free = len(response) - both.shape[1]
    dispersion = max(1.0, float(((response - larger) ** 2 / np.maximum(larger, TINY)).sum()) / free)
    return _scaled(gain, added.shape[1], dispersion, free)


def _scaled(gain: float, columns: int, dispersion: float, free: int) -> tuple[float, float]:
    statistic = max(gain, 0.0) / dispersion
    return statistic, f_upper(statistic / columns, columns, free)


def _poisson_likelihood(response: Array, mean: Array) -> Array:
    return np.asarray((response * np.log(np.maximum(mean, 1e-300)) - mean).sum())


def _poisson(response: Array, offset: Array, columns: Array) -> Array:
    """Fitted means by iteratively reweighted least squares."""
    eta = np.log(np.maximum(response, 0.5 * max(float(response.mean()), TINY)) + 0.1)
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


def _successes(y: _Column, rows: npt.NDArray[np.bool_], null: Array, added: Array) -> tuple[float, float] | str:
    """The likelihood ratio of binomial regressions, over the dispersion of the larger one (at least 1)."""
    units = y.units[rows]
    hits = y.blocks[rows, 0]
    counts = np.column_stack([units - hits, hits])
    both = np.hstack([null, added])
    smaller, larger = (_multinomial(counts, columns) for columns in (null, both))
    free = len(hits) - both.shape[1]
    share = larger[1][:, 1]
    pearson = float(((hits - units * share) ** 2 / np.maximum(units * share * (1 - share), TINY)).sum())
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
