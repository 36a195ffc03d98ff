"""The log posterior of a model in NumPy, with gradient and Hessian, from the IR: any family, link, prior or
censoring.

It is that of the program which `emit` prints, in the same unconstrained coordinates, up to a constant; what
is not known is summed or integrated out. The likelihood is a sum of factors (`engines/factors.py`). Families
give the formulas (`Family.log_density`), jets their derivatives (`numerics/jets.py`). Values are for many
points at once: points are points x parameters.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.emit.prelude import every_level
from dagreg.engines.between import own_columns
from dagreg.engines.coordinates import Coordinate, Coordinates
from dagreg.engines.draws import by_symbol
from dagreg.engines.factors import (
    MAX_BLOCK_ROWS,
    MIN_MERGED,
    Factor,
    Formula,
    Index,
    Predictor,
    Summed,
    merged,
)
from dagreg.engines.integrated import Integrated, integrated, unknown_rows
from dagreg.engines.integrated import obstacle as lacking_numbers
from dagreg.model.design import absent, column, design_columns, encode, encoded, positions
from dagreg.model.equation import Equation, ErrorScale, KnownErrors
from dagreg.model.plan import Model
from dagreg.model.response import starting_cutpoints
from dagreg.model.statistics import Sufficient
from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array
from dagreg.numerics.jets import Jet, chained
from dagreg.spec.priors import DISTRIBUTIONS

MAX_BLOCK = 2**17  # numbers of a block of rows x points: they stay in a core's cache
MAX_ALONE = 2**20  # rows x points up to which threads are not worth starting
MIN_MERGED_COSTLY = 2  # rows that are merged where each takes longer
TAILS = {"left": "below", "right": "above", "interval": "between"}  # by flag, as `Tails` names them
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Posterior:
    """A log posterior in unconstrained coordinates."""

    model: Model
    coordinates: Coordinates
    factors: tuple[Factor, ...]
    start: Array  # coordinates from which to look for the mode
    summed: Summed | None = None  # of the rows whose levels are not known
    unknown: Integrated | None = None  # of the rows whose numbers are not known; its factors are among these

    @property
    def rows(self) -> int:
        """Distinct ones."""
        return sum(len(f.weights) for f in self.factors) + (0 if self.summed is None else self.summed.cells)

    def __call__(self, points: Array) -> Array:
        """The log density at each point, up to a constant; -inf where it is no number."""
        width = max(MAX_BLOCK // max(min(self.rows, MAX_BLOCK_ROWS), 1), 1)
        parts = [points[at : at + width] for at in range(0, len(points), width)]
        if len(parts) > 1 and self.rows * len(points) > MAX_ALONE:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                heights = list(pool.map(self._heights, parts))
        else:
            heights = [self._heights(part) for part in parts]
        return np.concatenate(heights)

    def _heights(self, points: Array) -> Array:
        with np.errstate(all="ignore"):  # points may lie where nothing is finite
            values = self.coordinates.values(points)
            total = self.coordinates.log_prior(points, values)
            for part in self._likelihood:
                total = total + part.total(values)
        return np.where(np.isnan(total), -np.inf, total)

    def derivatives(self, point: Array) -> tuple[Array, Array]:
        """The gradient and the Hessian at one point."""
        size = len(self.coordinates)
        gradient, hessian = np.zeros(size), np.zeros((size, size))
        with np.errstate(all="ignore"):
            values = self.coordinates.values(point[None])[0]
            for part in self._likelihood:
                part.add_derivatives(values, gradient, hessian)
            return self.coordinates.pulled_back(point, gradient, hessian)

    def by_symbol(self, points: Array) -> dict[str, Array]:
        """The parameters as the program names them, from chains x draws x coordinates."""
        values = self.coordinates.values(points)
        found: dict[str, Array] = {}
        for equation, (first, auxiliaries) in zip(self.model.equations, _places(self.model), strict=True):
            found |= by_symbol(equation, values[..., first:auxiliaries])
            found |= {a.symbol: values[..., auxiliaries + i] for i, a in enumerate(equation.auxiliaries)}
        if self.summed is not None and self.model.mixture is not None:
            found[self.model.mixture.chances] = self._chances(self.summed, values)
        return found

    @property
    def _likelihood(self) -> tuple[Factor | Summed, ...]:
        return self.factors if self.summed is None else (*self.factors, self.summed)

    def _chances(self, summed: Summed, values: Array) -> Array:
        """Chains x draws x rows that lack levels x most, some draws at a time."""
        flat = values.reshape(-1, values.shape[-1])
        width = max(MAX_BLOCK // summed.cells, 1)
        parts = [summed.chances(flat[at : at + width]) for at in range(0, len(flat), width)]
        chances = np.concatenate(parts)
        return chances.reshape(*values.shape[:2], *chances.shape[1:])


def obstacle(model: Model, *, groups: bool = False) -> str:
    """Why there is no numeric posterior of a model, or "". With `groups` coefficients may vary between
    levels.
    """
    if groups and model.latents:
        return "values are not known"
    if any(not latent.summed for latent in model.latents) and (why := lacking_numbers(model)):
        return why
    for equation in model.equations:
        name, link = equation.response, equation.link.name
        if equation.varying and not groups:
            return f"coefficients vary between the levels of {equation.varying[0].group}"
        if link not in equation.family.log_density:
            return f"{equation.family.words} with the {link} link has no log density here"
        if equation.censoring is not None and equation.family.log_tails is None:
            return f"{equation.family.words} has no tails here, and values of {name} are censored"
        priors = [*equation.coefficients, *(a.prior for a in equation.auxiliaries)]
        odd = [p for p in priors if DISTRIBUTIONS[p.distribution].support in ("simplex", "cholesky")]
        if odd:
            return f"the prior {odd[0]} is not of one number"
        ends = (
            DISTRIBUTIONS[equation.coefficients[0].distribution].support if equation.coefficients else "real"
        )
        if equation.family.predictor == "ordered" and ends != "real":
            return f"the prior {equation.coefficients[0]} of cutpoints does not lie on the whole line"
    return ""


def parameters(model: Model) -> int:
    """How many numbers the parameters of a model without groups are."""
    last, (_, auxiliaries) = model.equations[-1], list(_places(model))[-1]
    return auxiliaries + len(last.auxiliaries)


def posterior_of(model: Model, data: Mapping[str, Any], statistics: Sufficient | None = None) -> Posterior:
    """The log posterior of a model on the columns that its program reads. `obstacle` says which models have
    one.

    `statistics` stand for the rows of its one regression.
    """
    lacking = unknown = None
    if statistics is not None:
        (equation,), ((first, auxiliaries),) = model.equations, _places(model)
        factors = tuple(_reduced(equation, statistics, first, auxiliaries))
        starts = [_known(model, equation, auxiliaries - first)]
    else:
        known, lacking, unknown = _tables(model, data)
        factors = tuple(part.merged for part in _likelihood(model, known, apart=False))
        factors += () if unknown is None else unknown.factors
        table = known if _count(known) else _filled(model, data) if lacking is None else lacking.table
        starts = [
            _start(model, e, _with_response(model, e, table)[0], auxiliaries - first)
            for e, (first, auxiliaries) in zip(model.equations, _places(model), strict=True)
        ]
    priors, runs = _priors(model)
    coordinates = Coordinates(tuple(map(Coordinate, priors)), runs)
    centre, _ = coordinates.centres()
    values = coordinates.values(centre[None])[0]
    guess = np.concatenate(starts)
    start = coordinates.start(np.where(np.isnan(guess), values, guess))
    summed = None
    if lacking is not None:
        parts = tuple((p.rows, p.factor) for p in _likelihood(model, lacking.table, apart=True))
        summed = Summed(parts, lacking.places, _count(lacking.table))
    return Posterior(model, coordinates, factors, start, summed, unknown)


def _priors(model: Model) -> tuple[list[PriorChoice], tuple[slice, ...]]:
    """The prior of each parameter, and where cutpoints stand among them."""
    priors: list[PriorChoice] = []
    runs: list[slice] = []
    for equation, (first, _) in zip(model.equations, _places(model), strict=True):
        several = max(len(equation.levels) - 1, 1)
        for i, prior in enumerate(equation.coefficients):
            constant = i == 0 and equation.has_intercept and len(equation.levels) > 0
            repeated = constant or equation.family.predictor == "unordered"
            priors += [prior] * (several if repeated else 1)
        if equation.family.predictor == "ordered":
            runs.append(slice(first, first + several))
        priors += [a.prior for a in equation.auxiliaries]
    return priors, tuple(runs)


def _places(model: Model) -> Iterator[tuple[int, int]]:
    """Of each equation, where its coefficients start among the parameters, and where its auxiliaries do."""
    at = 0
    for equation in model.equations:
        several, head = max(len(equation.levels) - 1, 1), int(equation.has_intercept)
        slopes = len(equation.coefficients) - head
        count = several * head + slopes * (several if equation.family.predictor == "unordered" else 1)
        yield at, at + count
        at += count + len(equation.auxiliaries)


@dataclass(frozen=True, slots=True)
class Lacking:
    """Rows that lack levels: a table with a cell for each level that a row may have, and the cells of each
    row (rows x most), padded with the number of cells.
    """

    table: Mapping[str, Any]
    places: Index


def _tables(
    model: Model, data: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Lacking | None, Integrated | None]:
    """The rows that lack nothing, those that lack levels, and those that lack numbers; None for what no
    variable lacks.
    """
    if not model.latents:
        return data, None, None
    if model.mixture is None:
        lacks = np.any(list(unknown_rows(model, data).values()), axis=0)
        return _picked(model, data, ~lacks), None, integrated(model, data, tuple(_places(model)))
    summed = [model.variables[name] for name in model.mixture.variables]
    lacks = np.any([absent(data[v.column]) for v in summed], axis=0)
    known, rest = _picked(model, data, ~lacks), _picked(model, data, lacks)
    every: Callable[..., Any] = every_level
    table, _, places = every(rest, {v.column: v.levels for v in summed})
    return known, Lacking({name: _plain(values) for name, values in table.items()}, places), None


def _filled(model: Model, data: Mapping[str, Any]) -> dict[str, Any]:
    """The columns with what stands in gaps until they are filled."""
    found = {name: data[name] for name in model.columns}
    for latent in model.latents:
        variable = model.variables[latent.variable]
        gone, values = absent(found[variable.column]), np.ma.getdata(found[variable.column])
        found[variable.column] = np.where(gone, np.array(variable.filler), values)
    return found


def _picked(model: Model, data: Mapping[str, Any], rows: Mask) -> dict[str, Any]:
    return {name: _plain(np.ma.asarray(data[name])[rows]) for name in model.columns}


def _plain(values: Any) -> Any:
    """A column without a mask, unless it has gaps."""
    return values if absent(values).any() else np.ma.getdata(values)


def _count(table: Mapping[str, Any]) -> int:
    return len(next(iter(table.values())))


def _with_response(
    model: Model, equation: Equation, data: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Index | None]:
    """The rows that have a response, and their places; None where all have."""
    if not equation.dropped:
        return data, None
    there = np.flatnonzero(~absent(data[model.variables[equation.response].column]))
    return {name: np.asarray(data[name])[there] for name in model.columns}, there


def _known(model: Model, equation: Equation, coefficients: int) -> Array:
    """The response's mean for the intercept, 0 for slopes, nan for the auxiliaries, which start at their
    priors.
    """
    start = np.zeros(coefficients + len(equation.auxiliaries))
    start[coefficients:] = np.nan
    start[: _constant(equation)] = model.variables[equation.response].mean
    return start


def _constant(equation: Equation) -> int:
    """How many of the first coefficients make the predictor of a row where the others are 0."""
    return 1 if equation.has_intercept else len(equation.terms[0].columns)


def _start(model: Model, equation: Equation, data: Mapping[str, Any], coefficients: int) -> Array:
    """Where the coefficients are when no predictor tells: nan for the auxiliaries, which start at their
    priors.
    """
    variable, several = model.variables[equation.response], max(len(equation.levels) - 1, 1)
    start = np.zeros(coefficients + len(equation.auxiliaries))
    start[coefficients:] = np.nan
    constant = _constant(equation)
    rows = len(data[variable.column])
    units = column(equation.weights, data, rows)
    if equation.family.predictor == "ordered":
        start[:several] = starting_cutpoints(equation, variable)
    elif equation.family.predictor == "unordered":
        codes = positions(np.asarray(data[variable.column]), equation.levels)
        shares = np.bincount(codes, units, several + 1) / units.sum()
        start[: constant * several] = np.tile(
            np.log(np.maximum(shares[1:], 1e-3) / max(shares[0], 1e-3)), constant
        )
    else:
        response = encode(variable, np.asarray(data[variable.column]))[:, 0]
        exposed = column(equation.trials, data, rows) * column(equation.offset, data, rows)
        start[:constant] = equation.link.of_mean(float(units @ response / (units @ exposed)))
    return start


# ------------------------------------------------------------ the likelihood's factors


@dataclass(frozen=True, slots=True)
class Part:
    """A factor before equal rows are merged; `rows` are those of the table that it speaks of."""

    factor: Factor
    rows: Index
    fewest: float = MIN_MERGED

    @property
    def merged(self) -> Factor:
        return merged(self.factor, self.fewest)


def _likelihood(model: Model, table: Mapping[str, Any], *, apart: bool) -> Iterator[Part]:
    """The factors of every regression; `apart` keeps one density for each row."""
    shapes: dict[str, Predictor] = {}  # of each response, for those whose errors correlate with its
    for equation, (first, auxiliaries) in zip(model.equations, _places(model), strict=True):
        own, there = _with_response(model, equation, table)
        if _count(own):
            for part in _parts(model, equation, own, first, auxiliaries, shapes, apart):
                yield part if there is None else replace(part, rows=there[part.rows])


def _parts(
    model: Model,
    equation: Equation,
    data: Mapping[str, Any],
    first: int,
    auxiliaries: int,
    shapes: dict[str, Predictor],
    apart: bool,
) -> Iterator[Part]:
    variable = model.variables[equation.response]
    rows = len(data[variable.column])
    design = design_columns(equation, encoded(model, equation.predictors, data), rows)
    weights = column(equation.weights, data, rows)
    groups = _groups(model, equation, data, design)
    if equation.family.predictor == "one":
        offset = None if equation.offset is None else np.log(column(equation.offset, data, rows))[:, None]
        shapes[equation.response] = Predictor(design, np.arange(first, auxiliaries), offset)
        scalars = tuple(range(auxiliaries, auxiliaries + len(equation.auxiliaries)))
        yield from _one(model, equation, data, shapes, scalars, weights, groups, apart)
        return
    codes = positions(np.asarray(data[variable.column]), equation.levels)
    if equation.family.predictor == "ordered":
        yield from _ordered(equation, design, codes, weights, first, groups)
    else:
        yield from _unordered(equation, design, codes, weights, first)


def _groups(model: Model, equation: Equation, data: Mapping[str, Any], design: Array) -> dict[str, Array]:
    """Of a regression whose coefficients vary between levels: each row's level, and its columns whose do."""
    found = {}
    for number, varying in enumerate(equation.varying):
        values = np.asarray(data[model.variables[varying.group].column])
        found[level_column(number)] = positions(values, varying.levels)[:, None].astype(np.float64)
        for i, own in enumerate(own_columns(equation, varying, design).T):
            found[own_column(number, i)] = own[:, None]
    return found


def level_column(group: int) -> str:
    """The name, in a factor, of the column of levels of one of its groups."""
    return f"level {group}"


def own_column(group: int, number: int) -> str:
    """The name, in a factor, of a column whose coefficient varies between the levels of a group."""
    return f"varying {group} {number}"


def _unordered(equation: Equation, design: Array, codes: Any, weights: Array, first: int) -> Iterator[Part]:
    """A predictor for each level but the first, whose coefficients vary fastest among the parameters."""
    several = len(equation.levels) - 1
    places = first + several * np.arange(design.shape[1])
    predictors = tuple(Predictor(design, places + level) for level in range(several))
    density = equation.family.log_density[equation.link.name]

    def formula(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        return density(columns["codes"], *etas)

    factor = Factor(formula, {"codes": codes[:, None].astype(np.float64)}, predictors, (), weights)
    yield Part(factor, np.arange(len(weights)))


def _ordered(
    equation: Equation, design: Array, codes: Any, weights: Array, first: int, groups: Mapping[str, Array]
) -> Iterator[Part]:
    """A predictor for the cutpoint above and one for that below: a cutpoint less the slopes' part."""
    several, density = len(equation.levels) - 1, equation.family.log_density[equation.link.name]
    cuts = np.eye(several)
    places = np.arange(first, first + several + design.shape[1] - 1)  # the intercept's column is not theirs

    def edge(rows: Any, cut: Any) -> Predictor:
        return Predictor(np.hstack([cuts[cut], -design[rows, 1:]]), places)

    def lowest(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        return density(None, etas[0])

    def highest(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        return density(etas[0], None)

    def middle(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        return density(*etas)

    fewest = MIN_MERGED_COSTLY if groups else MIN_MERGED
    bottom, top = codes == 0, codes == several
    between = ~(bottom | top)
    for formula, rows, sides in (
        (lowest, bottom, (codes[bottom],)),
        (highest, top, (codes[top] - 1,)),
        (middle, between, (codes[between] - 1, codes[between])),
    ):
        if rows.any():
            predictors = tuple(edge(rows, cut) for cut in sides)
            own = {name: numbers[rows] for name, numbers in groups.items()}
            yield Part(Factor(formula, own, predictors, (), weights[rows]), np.flatnonzero(rows), fewest)


def _one(
    model: Model,
    equation: Equation,
    data: Mapping[str, Any],
    shapes: Mapping[str, Predictor],
    scalars: tuple[int, ...],
    weights: Array,
    groups: Mapping[str, Array],
    apart: bool,
) -> Iterator[Part]:
    """One predictor: a factor for the rows of each kind of censoring, and one for what no
    predictor enters.
    """
    variable, rows = model.variables[equation.response], len(weights)
    columns = {"y": encode(variable, np.asarray(data[variable.column])), **groups}
    columns["trials"] = column(equation.trials, data, rows)[:, None]
    censoring, error = equation.censoring, equation.error
    if error is not None:
        columns["error"] = column(error.column, data, rows)[:, None]
    if censoring is not None and censoring.upper is not None:
        bound = replace(variable, column=censoring.upper)
        columns["upper"] = encode(bound, np.asarray(data[censoring.upper]))
    predictors = [shapes[equation.response]]
    if equation.linked is not None:
        other = model.variables[equation.linked]
        columns["linked"] = encode(other, np.asarray(data[other.column]))
        predictors.append(shapes[equation.linked])
    plain = equation.family.normal and equation.link.name == "identity"
    if plain and error is None and censoring is None and not groups and not apart:
        for factor in _normal(equation, columns, predictors, scalars, weights):
            yield Part(factor, np.arange(len(factor.weights)), np.inf)
        return
    flags = np.full(rows, "none") if censoring is None else np.asarray(data[censoring.column]).astype(str)
    for flag in ("none",) if censoring is None else censoring.flags:
        which = np.flatnonzero(flags == flag)
        factor = Factor(_formula(equation, flag), columns, tuple(predictors), scalars, weights)
        here = factor if len(which) == rows else factor.picked(which)
        yield Part(here, which, MIN_MERGED_COSTLY if groups else MIN_MERGED)
    shared = equation.family.log_shared
    if shared is not None:
        exact = flags == "none"
        names = [a.name for a in equation.auxiliaries]

        def formula(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
            return shared(columns["y"], dict(zip(names, scalars, strict=True)))

        factor = Factor(formula, {"y": columns["y"][exact]}, (), scalars, weights[exact])
        yield Part(factor, np.flatnonzero(exact), MIN_MERGED_COSTLY)


def _normal(
    equation: Equation,
    columns: Mapping[str, Array],
    predictors: Sequence[Predictor],
    scalars: tuple[int, ...],
    weights: Array,
) -> Iterator[Factor]:
    """Of a linear predictor with Normal errors: the triangle's rows for all, which have the same sum of
    squares.
    """
    responses = [name for name in ("y", "linked") if name in columns]
    blocks = [*(columns[name] for name in responses), *(p.design for p in predictors)]
    whole = np.hstack(blocks) * np.sqrt(weights)[:, None]
    used, places = np.unique(whole, axis=1, return_inverse=True)
    reduced = np.linalg.qr(used, mode="r")[:, places.ravel()]
    ends = np.cumsum([block.shape[1] for block in blocks])[:-1]
    parts = np.split(reduced, ends, axis=1)
    table = dict(zip(responses, parts, strict=False))
    shapes = [replace(p, design=d) for p, d in zip(predictors, parts[len(responses) :], strict=True)]
    yield from _squares(equation, table, shapes, scalars, float(weights.sum()))


def _reduced(equation: Equation, statistics: Sufficient, first: int, auxiliaries: int) -> Iterator[Factor]:
    """Of a regression that its sufficient statistics stand for: `left` is one more row without predictors."""
    root = np.vstack([np.array(statistics.root), np.zeros(len(statistics.root[0]))])
    rotated = np.append(np.array(statistics.rotated), statistics.left**0.5)[:, None]
    predictor = Predictor(root, np.arange(first, auxiliaries))
    yield from _squares(equation, {"y": rotated}, [predictor], (auxiliaries,), statistics.units)


def _squares(
    equation: Equation,
    columns: Mapping[str, Array],
    predictors: Sequence[Predictor],
    scalars: tuple[int, ...],
    units: float,
) -> Iterator[Factor]:
    """The Normal log density of so many units, from rows that have their sum of squares."""
    density, at = _formula(equation, "none"), [a.name for a in equation.auxiliaries].index("sigma")
    ones = np.ones(len(columns["y"]))

    def squares(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        return density(columns, etas, scalars) + np.log(scalars[at])

    def spread(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        return -np.log(scalars[at])

    yield Factor(squares, {**columns, "trials": ones[:, None]}, tuple(predictors), scalars, ones)
    yield Factor(spread, {}, (), scalars, np.array([units]))


def _formula(equation: Equation, flag: str) -> Formula:
    """The log density of rows with this flag of censoring."""
    link, names = equation.link, [a.name for a in equation.auxiliaries]
    tails = equation.family.log_tails
    function = equation.family.log_density[link.name]
    if flag != "none":
        assert tails is not None  # see `obstacle`
        function = getattr(tails, TAILS[flag])

    def formula(columns: Mapping[str, Array], etas: Sequence[Any], scalars: Sequence[Any]) -> Any:
        eta = mean = etas[0]
        if link.name in equation.family.means_unread and flag == "none":
            pass
        elif isinstance(eta, Jet):
            at = eta.value
            mean = chained(eta, link.inverse(at), link.slope(at), link.bend(at))
        else:
            mean = link.inverse(eta)
        p = dict(zip(names, scalars, strict=True)) | {"trials": columns["trials"]}
        if isinstance(equation.error, KnownErrors):
            p["sigma"] = np.sqrt(p["sigma"] ** 2 + columns["error"] ** 2)
        elif isinstance(equation.error, ErrorScale):
            p["sigma"] = p["sigma"] * columns["error"]
        if equation.linked is not None:
            p["linked_error"] = columns["linked"] - etas[1]
        responses = (columns["y"], columns["upper"]) if flag == "interval" else (columns["y"],)
        return function(*responses, eta, mean, p)

    return formula
