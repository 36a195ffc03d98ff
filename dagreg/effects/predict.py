"""The posterior predictive distribution of the outcome on new rows, and that of its mean.

    p(y | row, data) = E over the draws of p(y | row, parameters)

Mediators that are not read from the row are drawn from their regressions, in order. The mean of the outcome
integrates them out: exactly where they enter linearly or have a few levels, else over `MIN_INNER`
draws of them or more for each posterior draw. A group that the fit has not seen has deviations of its own,
drawn from the population once for each posterior draw, and shared by all its rows (Gelman and Hill 2007,
section 12.8).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from dagreg.binding.new_rows import NewRows, present, read_new_rows
from dagreg.effects.gformula import MAX_BRANCHES, MAX_CELLS, enters_linearly
from dagreg.effects.own_scale import as_column, mean_on_own_scale, on_own_scale
from dagreg.effects.responses import Responses
from dagreg.effects.route import Route, route, settings
from dagreg.graph.causal import CausalGraph
from dagreg.lazy import Lazy
from dagreg.model.design import constant
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.terms import Varying
from dagreg.numerics.arrays import Array
from dagreg.sources.source import Source
from dagreg.spec.brief import cut
from dagreg.spec.types import LEVEL, Level

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Lazy("pandas")

# draws of mediators for each posterior draw, where the outcome's mean has to average over them
MIN_INNER = 20
MAX_INNER, INNER_ROWS = 400, 8_000  # few rows get more of them
_GROUPS, _ROWS = 1, 2  # streams of random numbers


@dataclass(frozen=True, slots=True, repr=False)
class Prediction:
    """The predictive distribution of every new row, as columns of numbers in the order of the rows.

    Of a number: `mean`, `sd`, `median`, `lower` and `upper` of the response, and the same of the response's
    mean with `expected_` before them (`expected` is its mean); intervals are equal-tailed with probability
    `level`. Of one of several levels: the probability of each, `p[a]`, its `_sd`, `_lower` and `_upper`, and
    the likeliest level.
    """

    outcome: str
    estimator: str
    do: Mapping[str, Level]
    level: float
    columns: Mapping[str, Any]
    of: str = ""  # what the numbers are of, where it is not the outcome itself
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]

    def __repr__(self) -> str:
        return cut(f"<Prediction of {self.outcome}: {len(self):,} rows of {', '.join(self.columns)}>")

    def to_frame(self) -> Any:
        """The columns as a pandas DataFrame. Loads pandas."""
        return pd.DataFrame(dict(self.columns))

    frame = to_frame  # an earlier name


def routed(model: Model, graph: CausalGraph, source: Source, do: Mapping[str, Any]) -> tuple[Route, NewRows]:
    """How a model reaches the outcome of the rows of a source, and those rows as it sees them.

    Raises DagregError where the model does not cover `do` (DR561), DataError where the rows do not fit it.
    """
    way = route(model, graph, settings(model, do), present(source, model))
    equations = (*way.simulated, model.outcome)
    optional = {e.offset for e in equations if e.offset is not None}
    return way, read_new_rows(source, model, way.observed, equations, optional)


def predict(
    model: Model, draws: Mapping[str, Array], way: Route, rows: NewRows, seed: int, level: float = LEVEL
) -> Prediction:
    """Predicts the outcome of these rows from draws (symbol -> draws (x coefficients)).

    Memory holds some millions of numbers at a time, however many rows there are.
    """
    count = len(draws[model.outcome.intercept])
    width = max(len(model.outcome.levels), 1) * max((len(e.levels) for e in way.simulated), default=1)
    step = max(1, MAX_CELLS // (count * max(width, 1)))
    parts = []
    with np.errstate(all="ignore"):  # what lies beyond all numbers is told apart in the answer
        for start in range(0, max(rows.count, 1), step):
            rng = np.random.default_rng([seed, _ROWS, start])
            groups = _with_groups(model, draws, way, rows, start, step, seed)
            parts.append(_summaries(_Chunk(model, way, rows.part(start, start + step), groups, rng), level))
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    lost = int(sum(np.isnan(part["mean"]).sum() for part in parts)) if "mean" in columns else 0
    notes = (*way.notes, *_notes(model, way, rows, lost))
    return Prediction(
        model.estimand.outcome, model.estimator, dict(way.do), level, columns, _of(model), notes
    )


def _of(model: Model) -> str:
    """What a number stands for that is not the outcome's own."""
    outcome = model.variables[model.estimand.outcome]
    return (
        f"1 stands for {outcome.levels[1]}" if len(outcome.levels) == 2 and outcome.levels != (0, 1) else ""
    )


def _notes(model: Model, way: Route, rows: NewRows, lost: int) -> Iterator[str]:
    for e in (*way.simulated, model.outcome):
        if e.offset is not None and e.offset not in rows.columns:
            yield (
                f"The new rows have no column `{e.offset}`: the predictions are for one unit of exposure "
                "each."
            )
    for name, labels in rows.unseen.items():
        if labels:
            shown = ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")
            yield (
                f"{len(labels)} of `{name}` are new to the fit and drawn from the population of groups: "
                f"{shown}."
            )
    if lost:
        yield f"{lost} rows have no prediction: in some draws the mean lies outside the family's support."


def _with_groups(
    model: Model, draws: Mapping[str, Array], way: Route, rows: NewRows, start: int, step: int, seed: int
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The draws with the deviations of the groups in these rows alone, and the groups' places among those."""
    extended, places = dict(draws), dict[str, Array]()
    for equation in (*way.simulated, model.outcome):
        for varying in equation.varying:
            if varying.group in way.do:
                continue
            here = rows.values[varying.group][start : start + step]
            used, where = np.unique(here, return_inverse=True)
            places[varying.group] = where.reshape(here.shape).astype(np.float64)
            seen = used[used < len(varying.levels)].astype(np.int64)
            labels = [rows.unseen[varying.group][int(i) - len(varying.levels)] for i in used[len(seen) :]]
            new = [_population_draw(varying, draws, label, seed) for label in labels]
            extended[varying.symbol] = np.concatenate(
                [draws[varying.symbol][:, seen], *(n[:, None] for n in new)], axis=1
            )
    return extended, places


def _population_draw(varying: Varying, draws: Mapping[str, Array], label: str, seed: int) -> Array:
    """The deviations of a group from the population, draws (x deviations): the same wherever its label
    stands.
    """
    rng = np.random.default_rng([seed, _GROUPS, *varying.symbol.encode(), 0, *label.encode()])
    if not varying.correlated:
        return np.asarray(draws[varying.scale] * rng.standard_normal(len(draws[varying.scale])))
    sds, correlations = (draws[symbol] for symbol in varying.parameters[1:])
    noise = rng.standard_normal(sds.shape)
    return np.asarray(sds * np.einsum("dij,dj->di", np.linalg.cholesky(correlations), noise))


class _Chunk(Responses):
    """Some of the rows, on all draws."""

    def __init__(
        self,
        model: Model,
        way: Route,
        rows: NewRows,
        groups: tuple[Mapping[str, Array], Mapping[str, Array]],
        rng: np.random.Generator,
    ) -> None:
        draws, places = groups
        super().__init__(draws, rows.columns, (len(draws[model.outcome.intercept]), rows.count), rng)
        self.model, self.way, self.rows = model, way, rows
        fixed = {name: constant(model.variables[name], value, rows.count) for name, value in way.do.items()}
        self.values: dict[str, Array] = {**rows.values, **places, **fixed}

    def response(self) -> Array:
        """A response of each row and draw, on the outcome's own scale."""
        values = dict(self.values)
        for equation in self.way.simulated:
            values[equation.response] = self.drawn(equation, values)
        drawn = self.drawn(self.model.outcome, values)[..., 0]
        return on_own_scale(self.model.variables[self.model.estimand.outcome], drawn)

    def expected(self) -> Array:
        """The outcome's mean (draws x rows), or the probability of each of its levels (draws x rows x
        levels).
        """
        worlds = [self._mean(self.way.simulated, self.values) for _ in range(self._repeats())]
        return worlds[0] if len(worlds) == 1 else np.asarray(sum(worlds) / len(worlds))

    def _repeats(self) -> int:
        drawn = any(self._choice(e) == "drawn" for e in self.way.simulated)
        return max(MIN_INNER, min(MAX_INNER, INNER_ROWS // max(self.rows.count, 1))) if drawn else 1

    def _choice(self, equation: Equation) -> str:
        """How a mediator is integrated out: by its mean, by its levels, or drawn."""
        outcome = self.model.variables[self.model.estimand.outcome]
        affine = outcome.transform in (None, "center", "standardize")
        if affine and enters_linearly(self.model, equation.response):
            return "mean"
        finite = [e for e in self.way.simulated if e.family.finite]
        return (
            "levels"
            if equation in finite and math.prod(len(e.levels) or 2 for e in finite) <= MAX_BRANCHES
            else "drawn"
        )

    def _mean(self, waiting: Sequence[Equation], values: Mapping[str, Array]) -> Array:
        if not waiting:
            return self._outcome(values)
        equation, *rest = waiting
        total: Array | float = 0.0
        for weight, coded in self._settings(equation, values):
            part = self._mean(rest, {**values, equation.response: coded})
            wide = weight if isinstance(weight, float) or part.ndim == 2 else weight[..., None]
            total = total + wide * part
        return np.asarray(total)

    def _settings(
        self, equation: Equation, values: Mapping[str, Array]
    ) -> Iterator[tuple[Array | float, Array]]:
        """What stands for a mediator, each with its probability."""
        choice = self._choice(equation)
        if choice == "drawn":
            yield 1.0, self.drawn(equation, values)
        elif equation.levels:
            probabilities = self.probabilities(equation, values)
            if choice == "mean":
                yield 1.0, probabilities[..., 1:]
                return
            for i in range(len(equation.levels)):
                one = np.zeros((1, self.rows.count, len(equation.levels) - 1))
                one[..., i - 1 : i] = 1.0
                yield probabilities[..., i], one
        else:
            mean = equation.family.mean(self.location(equation, values), self.parameters(equation))
            if choice == "mean":
                yield 1.0, mean[..., None]
                return
            yield mean, np.ones((1, self.rows.count, 1))
            yield 1.0 - mean, np.zeros((1, self.rows.count, 1))

    def _outcome(self, values: Mapping[str, Array]) -> Array:
        equation = self.model.outcome
        if equation.levels:
            return self.probabilities(equation, values)
        p = self.parameters(equation)
        mean = equation.family.mean(self.location(equation, values), p)
        mean = mean * p["trials"] if "trials" in p else mean
        return mean_on_own_scale(
            self.model.variables[equation.response], mean, p.get("sigma"), normal=equation.family.normal
        )


def _summaries(chunk: _Chunk, level: float) -> dict[str, Any]:
    """The columns of a prediction, over the rows of a chunk."""
    equation, expected = chunk.model.outcome, chunk.expected()
    if not equation.levels:
        known = _numbers(expected, level, "expected")
        drawn = _numbers(chunk.response(), level)
        # The mean of draws of a long-tailed response is far from its own: that of the means has no such
        # noise.
        mean = np.where(np.isfinite(known["expected"]), known["expected"], drawn["mean"])
        return {**drawn, "mean": np.where(np.isnan(drawn["mean"]), np.nan, mean), **known}
    columns: dict[str, Any] = {}
    names = np.array([str(v) for v in equation.levels], dtype=object)
    columns["likeliest"] = names[expected.mean(axis=0).argmax(axis=-1)]
    for i, name in enumerate(names):
        part = _numbers(expected[..., i], level, f"p[{name}]")
        del part[f"p[{name}]_median"]
        columns |= part
    return columns


def _numbers(values: Array, level: float, name: str = "") -> dict[str, Array]:
    """Mean, sd, median and interval of each column of draws x rows."""
    tail = (1 - level) / 2
    low, middle, high = quantiles(values, (tail, 0.5, 1 - tail))
    head = f"{name}_" if name else ""
    mean, sd = values.mean(axis=0), values.std(axis=0, ddof=1)
    return {
        name or "mean": mean,
        f"{head}sd": sd,
        f"{head}median": middle,
        f"{head}lower": low,
        f"{head}upper": high,
    }


def quantiles(values: Array, wanted: Sequence[float]) -> list[Array]:
    """Quantiles along the first axis, linearly interpolated; NaN where any value is."""
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)  # NaN last
    each = []
    for q in wanted:
        at = q * (ordered.shape[1] - 1)
        below = int(at)
        above = min(below + 1, ordered.shape[1] - 1)
        here = ordered[:, below] + (at - below) * (ordered[:, above] - ordered[:, below])
        each.append(np.where(np.isnan(ordered[:, -1]), np.nan, here))
    return each


def replicate(
    model: Model, draws: Mapping[str, Array], way: Route, rows: NewRows, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A response of every row, and of every mediator that is simulated, all under one draw of the parameters.

    Returns them as columns of the data, by node, and the parameters by their symbols.
    """
    rng = np.random.default_rng([seed, _ROWS])
    picked = int(rng.integers(len(draws[model.outcome.intercept])))
    one = {symbol: values[picked : picked + 1] for symbol, values in draws.items()}
    chunk = _Chunk(model, way, rows, _with_groups(model, one, way, rows, 0, rows.count, seed), rng)
    values = dict(chunk.values)
    columns = {}
    for equation in (*way.simulated, model.outcome):
        with np.errstate(all="ignore"):
            coded = chunk.drawn(equation, values)
        values[equation.response] = coded
        columns[equation.response] = as_column(model.variables[equation.response], equation, coded[0])
    return columns, {symbol: float(v[0]) if v.ndim == 1 else v[0] for symbol, v in one.items()}
