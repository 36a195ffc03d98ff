"""Whether two variables go together beside smooth functions of others: covariances of what is left of both.

The generalised covariance measure (Shah and Peters 2020): x and y are regressed on what is given, and under
independence the products of their residuals have mean zero, as long as the errors of the two regressions,
multiplied, vanish faster than 1 / sqrt(rows). No line, no family and no equal variance is assumed.

One number sleeps where y follows x squared, or where x matters one way here and the other way there. So a
second part looks at further products, each of which has mean zero under independence:

- the square of x's ranks with y: curvature;
- x with the ranks of y's absolute residuals: y varies more where x is large;
- x with y, weighted by each of the given (Scheidegger, Horrmann and Buhlmann 2022): the sign differs.

Both parts are quadratic forms in sums of products, the second one beside the first (step-down, Roy and
Bargmann 1958): under independence they are independent, and the level is divided between them. The covariance
of the sums is by rows, made up for what the span takes of each (HC2), or by groups whose rows may depend on
each other, with Hotelling's F. Where nothing but levels is given, it is that of rows shuffled within them,
which is exact (Mantel 1963; Landis, Heyman and Koch 1978); without any it gives the t test of a correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from dagreg.doubts.implication_columns import NodeColumn
from dagreg.doubts.implication_curves import curves, powers
from dagreg.doubts.implication_regressions import FREE, function_text, unvarying_text
from dagreg.doubts.within_groups import DEPENDENT, ColumnSpan, dense, sums_by
from dagreg.numerics.arrays import Array, Index
from dagreg.numerics.tails import f_upper

FIRST_SHARE = 0.6  # of the level, for x with y; the rest is for curvature and changing signs
ROWS_PER_PRODUCT = 12  # at least, of the second part
MAX_WEIGHTS = 4
LEAST_VARIANCE = 1e-6  # of a sum of products beside the others
SMALL = 1e-9
MAX_ROWS = 10_000  # beyond, errors of the smooth functions would be seen, and time
MIN_CLUSTERS = 30  # fewer say too little about how their sums vary
A_FUNCTION = 1e-4  # of the variance: less left may be the error of a smooth function,
A_CURVE = 0.1  # if it is less than this part of what lines leave
ROUNDING = 1e-10  # of the variance

Rows = npt.NDArray[np.bool_]
Pair = tuple[Array, Array]  # two blocks of residuals, each of whose products is summed


@dataclass(frozen=True, slots=True)
class Found:
    """Statistic (t of one product, F of several) and p value of the clearer part, the level divided."""

    statistic: float
    p: float
    curved: bool = False  # whether the second part is the clearer one


@dataclass(frozen=True, slots=True)
class Spans:
    """The span of the given in some rows, made once for all tests that need it."""

    known: dict[tuple[tuple[str, ...], bytes], ColumnSpan] = field(default_factory=dict)

    def of(self, given: Sequence[NodeColumn], rows: Rows) -> ColumnSpan:
        key = tuple(g.variable.name for g in given), rows.tobytes()
        if key not in self.known:
            self.known[key] = span_of(given, rows)
        return self.known[key]


def span_of(given: Sequence[NodeColumn], rows: Rows, *more: NodeColumn) -> ColumnSpan:
    """Smooth functions of the given, and all levels of labels."""
    labels = [g.places(rows) for g in (*given, *more) if g.label]
    blocks = [g.predictor(rows) for g in given if not g.label]
    return ColumnSpan(labels, curves(blocks, int(rows.sum())))


def thinned(rows: Rows) -> Rows:
    """At most `MAX_ROWS` of them, spread evenly."""
    places = np.flatnonzero(rows)
    if len(places) <= MAX_ROWS:
        return rows
    kept = np.zeros(len(rows), dtype=np.bool_)
    kept[places[np.arange(MAX_ROWS) * len(places) // MAX_ROWS]] = True
    return kept


def by_covariance(
    x: NodeColumn,
    y: NodeColumn,
    given: Sequence[NodeColumn],
    groups: Sequence[NodeColumn],
    rows: Rows,
    spans: Spans,
) -> Found | str:
    """The test of two variables that are no labels, or why there is none."""
    rows = thinned(rows)
    span = spans.of(given, rows)
    blocks = x.predictor(rows), y.predictor(rows)
    for column, block, text in zip((x, y), blocks, (unvarying_text, function_text), strict=True):
        if _is_function(block, given, rows, span):
            return text(column)
    if len(blocks[0]) - span.rank - blocks[0].shape[1] * blocks[1].shape[1] < FREE:
        return "too few rows for the number of columns"
    found = going_together(
        span,
        *blocks,
        [powers(g.predictor(rows))[0][:, 0] for g in given if not g.label],
        _clusters(x, y, given, groups, rows),
        x_bends=x.bends(rows),
        y_spreads=y.spreads(rows),
    )
    return found or unvarying_text(x)


def _is_function(block: Array, given: Sequence[NodeColumn], rows: Rows, span: ColumnSpan) -> bool:
    """Whether what is left of a block is rounding, or the error of the smooth functions of the given.

    Beside lines alone, noise would be as small.
    """
    left, whole = float((span.off(block) ** 2).sum()), float((block**2).sum())
    if left > A_FUNCTION * whole:
        return False
    lines = ColumnSpan(
        [g.places(rows) for g in given if g.label],
        np.hstack([np.empty((len(block), 0)), *(g.predictor(rows) for g in given if not g.label)]),
    )
    return left <= ROUNDING * whole or left < A_CURVE * float((lines.off(block) ** 2).sum())


def _clusters(
    x: NodeColumn, y: NodeColumn, given: Sequence[NodeColumn], groups: Sequence[NodeColumn], rows: Rows
) -> Index | None:
    """The levels of the group that is none of these and has the fewest, where they are enough."""
    beside = [g for g in groups if g.there[rows].all() and all(g is not c for c in (x, y, *given))]
    places = [dense(g.places(rows)) for g in beside]
    enough = [p for p in places if MIN_CLUSTERS <= int(p.max()) + 1 < len(p)]
    return min(enough, key=lambda p: int(p.max())) if enough else None


def going_together(
    span: ColumnSpan,
    x: Array,
    y: Array,
    weights: Sequence[Array] = (),
    clusters: Index | None = None,
    *,
    x_bends: bool = False,
    y_spreads: bool = False,
) -> Found | None:
    """The test of two blocks (rows x columns) beside a span; None where nothing is left of one of them.

    `weights` are columns of the given; rows of one of the `clusters` may depend on each other. `x_bends` and
    `y_spreads` ask for the products with x's square and y's spread; both are single numbers then.
    """
    first, second = left_of(span, x), left_of(span, y)
    if first.shape[1] == 0 or second.shape[1] == 0:
        return None
    pairs: list[Pair] = [(first, second)]
    if x_bends:
        pairs.append((left_of(span, ranks(x[:, 0])[:, None] ** 2), second))
    if y_spreads:
        pairs.append((first, left_of(span, ranks(np.abs(second[:, 0]))[:, None])))
    main = first.shape[1] * second.shape[1]
    if main == 1:
        pairs += [(first * w[:, None], second) for w in weights[:MAX_WEIGHTS]]
    units = len(x) if clusters is None else int(clusters.max()) + 1
    most = max(main, units // ROWS_PER_PRODUCT)
    every = np.hstack([_products(a, b) for a, b in pairs])[:, :most]
    plain = clusters is None and span.basis.shape[1] == 0 and not span.others
    left = len(x) - span.rank if clusters is None else min(len(x) - span.rank, units - 1)
    variance = _shuffled(span, pairs)[:most, :most] if plain else _by_unit(every, 1 - span.leverage, clusters)
    return _two_parts(every.sum(axis=0), variance, main, left, shuffled=plain)


def left_of(span: ColumnSpan, block: Array) -> Array:
    """What is left of a block beside a span: an orthogonal basis, of mean square 1."""
    return np.asarray(span.new(block) * float(len(block)) ** 0.5)


def ranks(values: Array) -> Array:
    """Ranks between -1 and 1; equal values, to rounding, share the mean of theirs."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    size = max(float(np.abs(ordered[[0, -1]]).max()), 1e-300)
    starts = np.flatnonzero(np.r_[True, np.diff(ordered) > DEPENDENT * size])
    ends = np.r_[starts[1:], len(values)]
    placed = np.empty(len(values))
    placed[order] = np.repeat((starts + ends - 1) / 2, ends - starts)
    return np.asarray((2 * placed + 1) / len(values) - 1)


def _products(x: Array, y: Array) -> Array:
    return np.asarray((x[:, :, None] * y[:, None, :]).reshape(len(x), -1))


def _by_unit(every: Array, room: Array, clusters: Index | None) -> Array:
    """The covariance of the sums where rows, or clusters, differ in their variances.

    `room` is what the span leaves of each row's variance.
    """
    scaled = every / np.sqrt(np.where(room > DEPENDENT, room, np.inf))[:, None]
    if clusters is not None:
        scaled = sums_by(clusters, scaled, int(clusters.max()) + 1)
    return np.asarray(scaled.T @ scaled)


def _shuffled(span: ColumnSpan, pairs: Sequence[Pair]) -> Array:
    """The covariance of the sums where rows are shuffled within levels: exact."""
    several = span.size > 1
    a = np.hstack([np.repeat(x, y.shape[1], axis=1) for x, y in pairs])
    b = np.hstack([np.tile(y, (1, x.shape[1])) for x, y in pairs])
    count, levels = a.shape[1], len(span.size)
    inner = [
        sums_by(span.first, _products(block, block), levels)[several].reshape(-1, count, count)
        for block in (a, b)
    ]
    return np.asarray(np.einsum("gkl,gkl,g->kl", *inner, 1 / (span.size[several] - 1)))


def _two_parts(sums: Array, variance: Array, main: int, left: int, *, shuffled: bool) -> Found | None:
    """Both parts from the sums of products, of which the first `main` are the first part."""
    t1, k1 = _form(sums[:main], variance[:main, :main])
    whole, k = _form(sums, variance)
    if k1 == 0 or left <= k:
        return None
    f1, free = _f(t1, t1, k1, k1, left, shuffled)
    p1 = f_upper(f1, k1, free)
    statistic = float(np.copysign(f1**0.5, sums[0])) if main == 1 else f1
    if k == k1:
        return Found(statistic, p1)
    f2, free = _f(max(whole - t1, 0.0), whole, k - k1, k, left, shuffled)
    p2 = f_upper(f2, k - k1, free)
    least = min(p1 / FIRST_SHARE, p2 / (1 - FIRST_SHARE))
    a, b = min(1.0, FIRST_SHARE * least), min(1.0, (1 - FIRST_SHARE) * least)
    curved = p2 / (1 - FIRST_SHARE) < p1 / FIRST_SHARE
    return Found(f2 if curved else statistic, a + b - a * b, curved)


def _f(
    form: float, whole: float, columns: int, all_columns: int, left: int, shuffled: bool
) -> tuple[float, int]:
    """Hotelling's F and its lower degrees of freedom: those of the sums' covariance about their mean.

    Of several sums with a covariance that is known, the plain ratio.
    """
    if shuffled and all_columns > 1:
        return form / columns, left
    return form / columns * (left - all_columns) / max(left - whole, SMALL * left), left - all_columns


def _form(sums: Array, variance: Array) -> tuple[float, int]:
    """The quadratic form of sums with the inverse of their covariance, and its rank."""
    size = np.sqrt(np.maximum(np.diag(variance), 1e-300))
    values, vectors = np.linalg.eigh(variance / size[:, None] / size)
    kept = values > LEAST_VARIANCE * values.max()
    return float(((vectors[:, kept].T @ (sums / size)) ** 2 / values[kept]).sum()), int(kept.sum())
