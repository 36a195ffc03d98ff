"""Data drawn from the model: one set of parameters, then every node from its regression on its parents, in
order.

Random numbers belong to a node and not to its place in the sequence: with and without an intervention the
same seed gives the same parameters, and the same noise to all that the intervention leaves as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dagreg.effects.own_scale import as_column, check_finite, of_levels
from dagreg.effects.responses import Responses
from dagreg.lazy import Lazy
from dagreg.model import prior_draws
from dagreg.model.design import encode
from dagreg.model.equation import Equation
from dagreg.model.summary import Variable
from dagreg.model.terms import DataScale, PriorChoice, Term, Varying
from dagreg.model.whole import Whole
from dagreg.numerics.arrays import Array
from dagreg.spec.brief import cut
from dagreg.spec.types import Level

if TYPE_CHECKING:
    import pandas as pd
else:
    pd = Lazy("pandas")

RATE, TRIALS = 5.0, 10  # of counts without parents; trials per row where no data say
_PARAMETERS, _NOISE = 1, 2  # streams of random numbers
SimulatedColumn = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, repr=False)
class Simulated:
    """Simulated data: a column of the data for each observed node, and the parameters that they come from.

    `parameters` maps a program's symbols to numbers (or arrays of coefficients), on the scale of the priors.
    """

    columns: Mapping[str, Any]
    parameters: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, column: str) -> Any:
        return self.columns[column]

    def __repr__(self) -> str:
        return cut(f"<Simulated: {len(self):,} rows of {', '.join(self.columns)}>")

    def to_frame(self) -> Any:
        """The columns as a pandas DataFrame. Loads pandas."""
        return pd.DataFrame(dict(self.columns))

    frame = to_frame  # an earlier name


def simulate(
    graph: Whole, rows: int, seed: int, do: Mapping[str, Level], given: Mapping[str, SimulatedColumn]
) -> Simulated:
    """Data from one draw of the priors. `given` are columns that are taken as they are: of roots, trials,
    offsets.

    Raises DagregError where a prior cannot be drawn from (DR571), or values of a node are beyond all numbers
    (DR572).
    """
    world = _World(graph, rows, seed, given, {})
    columns, parameters = world.run({})
    if do:  # the parameters are those of the world without the intervention, whose sds scale default priors
        columns, _ = _World(
            graph, rows, seed, given, {"parameters": parameters, "equations": world.equations}
        ).run(do)
    kept = {v.column: columns[n] for n, v in graph.variables.items() if n not in graph.latent}
    shown = {symbol: _plain(values[0]) for symbol, values in parameters.items()}
    return Simulated({**{c: v for c, v in world.beside.items() if c not in kept}, **kept}, shown)


def _plain(value: Array) -> Any:
    return float(value) if np.ndim(value) == 0 else value


class _World:
    """One pass over the graph. Parameters are drawn on the way, unless they are known from another world."""

    def __init__(
        self,
        graph: Whole,
        rows: int,
        seed: int,
        given: Mapping[str, SimulatedColumn],
        known: Mapping[str, Any],
    ) -> None:
        self.graph, self.rows, self.seed, self.given = graph, rows, seed, given
        self.parameters: dict[str, Array] = dict(known.get("parameters", {}))
        self.equations: dict[str, Equation] = dict(known.get("equations", {}))
        self.values: dict[str, Array] = {}
        self.beside: dict[str, Array] = {}
        for equation in graph.equations.values():
            self._add_beside(equation)

    def _add_beside(self, equation: Equation) -> None:
        """Trials, offsets and known errors: as given, else ten trials, one unit and an error of one."""
        units = (
            (equation.trials, float(TRIALS)),
            (equation.offset, 1.0),
            (equation.error_column, 1.0),
        )
        for column, usual in units:
            if isinstance(column, str):
                self.beside[column] = np.asarray(
                    self.given.get(column, np.full(self.rows, usual)), dtype=np.float64
                )

    def run(self, do: Mapping[str, Level]) -> tuple[dict[str, SimulatedColumn], dict[str, Array]]:
        """The column of every node, and the parameters."""
        columns: dict[str, SimulatedColumn] = {}
        for name, variable in self.graph.variables.items():
            if name in do:
                columns[name] = _filled(do[name], self.rows)
            elif name in self.graph.equations:
                columns[name] = self._response(variable, self.graph.equations[name])
            else:
                columns[name] = self._root(variable)
            self.values[name] = encode(variable, columns[name])
            check_finite(variable, self.values[name])
        return columns, self.parameters

    def _rng(self, stream: int, name: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, stream, *name.encode()])

    def _root(self, variable: Variable) -> SimulatedColumn:
        """As given, else by its type."""
        if variable.column in self.given:
            return self.given[variable.column]
        rng = self._rng(_NOISE, variable.name)
        if variable.levels:
            return of_levels(variable, rng.integers(0, len(variable.levels), self.rows))
        if variable.type == "count":
            return rng.poisson(RATE, self.rows)
        if variable.type == "proportion" or variable.transform == "logit":
            return rng.uniform(0.0, 1.0, self.rows)
        normal = rng.standard_normal(self.rows)
        above = variable.type == "positive" or variable.transform in ("log", "log1p", "sqrt")
        return np.exp(normal) if above else normal

    def _response(self, variable: Variable, equation: Equation) -> SimulatedColumn:
        name = variable.name
        if name not in self.equations:
            self.equations[name] = _centred(equation, self.values)
            self.parameters |= _drawn(self.equations[name], self.values, self._rng(_PARAMETERS, name))
        equation = self.equations[name]
        responses = Responses(self.parameters, self.beside, (1, self.rows), self._rng(_NOISE, name))
        with np.errstate(all="ignore"):
            drawn = responses.drawn(equation, self.values)[0]
        return as_column(variable, equation, drawn)


def _filled(value: Level, rows: int) -> SimulatedColumn:
    column = np.empty(rows, dtype=object if isinstance(value, str) else type(value))
    column[:] = value
    return column


# ---------------------------------------------------------------- parameters


def _centred(equation: Equation, values: Mapping[str, Array]) -> Equation:
    """The regression with its terms centred at the means of the simulated predictors, where they wait for
    data.
    """
    return replace(
        equation,
        terms=tuple(
            replace(t, centre=tuple(map(float, _design(t, values).mean(axis=0)))) if t.centre_by_data else t
            for t in equation.terms
        ),
    )


def _design(term: Term, values: Mapping[str, Array]) -> Array:
    columns = values[term.factors[0]]
    for factor in term.factors[1:]:
        columns = (columns[:, :, None] * values[factor][:, None, :]).reshape(len(columns), -1)
    return columns


def _drawn(equation: Equation, values: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """One draw of every parameter of a regression, with a first axis of length 1."""
    others = len(equation.levels) - 1 if equation.levels else 0
    by_level = (others,) if equation.family.predictor == "unordered" else ()

    def of(prior: PriorChoice, *shape: int) -> Array:
        numbers = tuple(_number(a, values) for a in prior.arguments)
        return prior_draws.draw(rng, prior, numbers, (1, *shape))

    intercept = of(equation.intercept_prior, *((others,) if others else ()))
    drawn = {equation.intercept: np.sort(intercept) if equation.family.predictor == "ordered" else intercept}
    for term in equation.terms:
        own = (len(term.columns),) if len(term.columns) > 1 else ()
        drawn[term.symbol] = of(term.prior, *own, *by_level)
    for auxiliary in equation.auxiliaries:
        drawn[auxiliary.symbol] = of(auxiliary.prior)
    for varying in equation.varying:
        sds = np.concatenate([of(d.prior) for d in varying.deviations])
        drawn |= _deviations(varying, sds, rng)
    return drawn


def _deviations(varying: Varying, sds: Array, rng: np.random.Generator) -> dict[str, Array]:
    noise = rng.standard_normal((len(varying.levels), len(sds)))
    if not varying.correlated:
        return {varying.symbol: (noise * sds).T, varying.scale: sds}
    matrix = prior_draws.correlations(rng, len(sds), varying.concentration)
    _, stds, correlations = varying.parameters
    deviations = noise @ np.linalg.cholesky(matrix).T * sds
    return {varying.symbol: deviations[None], stds: sds[None], correlations: matrix[None]}


def _number(argument: float | DataScale, values: Mapping[str, Array]) -> float:
    """A prior's argument; where it waits for data, predictors have their simulated sds, the response mean 0,
    sd 1.
    """
    if not isinstance(argument, DataScale):
        return float(argument)
    if argument.statistic == "mean":
        return 0.0
    sds = (
        float(values[name].std(ddof=1)) if name in values and len(values[name]) > 1 else 1.0
        for name in argument.per
    )
    return argument.multiple / float(np.prod([sd or 1.0 for sd in sds]))
