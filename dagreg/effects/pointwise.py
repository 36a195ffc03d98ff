"""The likelihood of every row that was fitted, and a response drawn for each: draws x rows.

log p(y_i | parameters) with the family's constants, at each draw of the posterior: what leave-one-out
cross-validation asks for (Vehtari, Gelman and Gabry 2017). A transformed response is on its transformed
scale, as it was fitted; one that is known by bounds has their probability; a row that stands for several
units counts as often. Families have the densities, by SciPy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.effects.predictor import predictor
from dagreg.effects.responses import Responses
from dagreg.errors import DagregError, Diagnostic
from dagreg.model.design import column, encoded
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.sampling import responses
from dagreg.numerics.arrays import Array

MAX_NUMBERS = 500_000_000  # numbers in an array of draws x rows
_MAX_BLOCK = 2_000_000  # numbers worked on at a time


@dataclass(frozen=True, slots=True)
class Pointwise:
    """Of each response: what was seen (rows), the log likelihood and a drawn response (draws x rows), where
    asked for.

    Responses are coded as the model sees them: transformed, levels by their place, the reference's being 0.
    """

    seen: Mapping[str, Array]
    log_likelihood: Mapping[str, Array]
    drawn: Mapping[str, Array]


def pointwise(
    model: Model,
    draws: Mapping[str, Array],
    data: Mapping[str, Any],
    seed: int,
    *,
    likelihood: bool,
    drawn: bool,
) -> Pointwise:
    """The columns of `data` are those of the rows fitted; draws are symbol -> draws (x coefficients).

    Raises DagregError where rows lack values that the model needs (DR565), or there are too many numbers
    (DR568).
    """
    if not model.complete:
        what = ", ".join(f"`{latent.variable}`" for latent in model.latents) or "responses"
        message = f"the {model.estimator} model works out values that the rows do not have ({what})"
        raise DagregError((Diagnostic("DR565", message, label="so a row has no likelihood of its own"),))
    count = len(draws[model.outcome.intercept])
    data = {name: np.ma.getdata(data[name]) for name in model.columns}
    rows = len(next(iter(data.values())))
    if count * rows > MAX_NUMBERS:
        message = f"{count:,} draws of {rows:,} rows are {8 * count * rows / 1e9:.0f} GB"
        raise DagregError(
            (Diagnostic("DR568", message, label="keep fewer draws (`sampling`), or take fewer rows"),)
        )
    values = encoded(model, model.variables, data)
    seen = {e.response: _seen(e, values) for e in model.equations}
    arrays: dict[str, Array] = {e.response: np.empty((count, rows)) for e in model.equations if likelihood}
    made: dict[str, Array] = {e.response: np.empty((count, rows)) for e in model.equations if drawn}
    step = max(1, _MAX_BLOCK // (count * max(1, *(len(e.levels) for e in model.equations))))
    with np.errstate(all="ignore"):  # a density may be 0, a mean none of the family's
        for start in range(0, rows, step):
            here = slice(start, start + step)
            part = _Part(model, draws, values, data, here, np.random.default_rng([seed, start]))
            for e in model.equations:
                if likelihood:
                    arrays[e.response][:, here] = part.log_likelihood(e)
                if drawn:
                    made[e.response][:, here] = part.response(e)
    return Pointwise(seen, arrays, made)


def _seen(equation: Equation, values: Mapping[str, Array]) -> Array:
    """The response of each row as one number."""
    coded = values[equation.response]
    return coded @ np.arange(1.0, len(equation.levels)) if equation.levels else coded[:, 0]


class _Part(Responses):
    """Some of the rows, on all draws."""

    def __init__(
        self,
        model: Model,
        draws: Mapping[str, Array],
        values: Mapping[str, Array],
        data: Mapping[str, npt.NDArray[Any]],
        rows: slice,
        rng: np.random.Generator,
    ) -> None:
        self.model = model
        self.values = {name: coded[rows] for name, coded in values.items()}
        self.data = {name: cells[rows] for name, cells in data.items()}
        errors = (e.error.column for e in model.equations if e.error is not None)
        beside = (c for e in model.equations for c in (e.trials, e.offset) if isinstance(c, str))
        columns = {c: np.asarray(self.data[c], dtype=np.float64) for c in (*beside, *errors)}
        count = len(next(iter(self.data.values())))
        super().__init__(draws, columns, (len(draws[model.outcome.intercept]), count), rng)

    def response(self, equation: Equation) -> Array:
        """A response of each row and draw as one number, given the row's predictors."""
        if equation.linked is None:
            coded = self.drawn(equation, self.values)
            return coded @ np.arange(1.0, len(equation.levels)) if equation.levels else coded[..., 0]
        return responses(
            self.rng, equation.family, self.location(equation, self.values), self.parameters(equation)
        )

    def location(self, equation: Equation, values: Mapping[str, Array]) -> Array:
        """That of the second stage of an instrument is given the error of the first."""
        location = super().location(equation, values)
        if equation.linked is None:
            return location
        first = next(e for e in self.model.equations if e.response == equation.linked)
        error = values[first.response][:, 0] - super().location(first, values)
        return np.asarray(location + self.parameters(equation)["control"] * error)

    def log_likelihood(self, equation: Equation) -> Array:
        """Draws x rows."""
        y = _seen(equation, self.values)
        if equation.levels:
            each = self.probabilities(equation, self.values)
            log_likelihood = np.log(
                np.take_along_axis(each, y.astype(np.int64)[None, :, None], axis=-1)[..., 0]
            )
        elif equation.link.name in equation.family.log_likelihood and equation.censoring is None:
            log_likelihood = self._by_predictor(equation, y)
        else:
            log_likelihood = self._density(equation, y)
        return np.asarray(log_likelihood * column(equation.weights, self.data, len(y)))

    def _by_predictor(self, equation: Equation, y: Array) -> Array:
        """From the predictor itself, which keeps digits where a mean is near its bounds."""
        eta = predictor(equation, self.draws, self.values, equation.varying)
        if equation.offset is not None:
            eta = eta + np.log(self.columns[equation.offset])
        p = self.parameters(equation)
        trials = np.broadcast_to(p.get("trials", np.ones(1)), self.shape)
        density, of_data = equation.family.log_likelihood[equation.link.name], equation.family.log_constant
        log_likelihood = density(y, np.array(np.broadcast_to(eta, self.shape)), trials)
        return log_likelihood if of_data is None else np.asarray(log_likelihood + of_data(y, trials))

    def _density(self, equation: Equation, y: Array) -> Array:
        mean, p = self.location(equation, self.values), self.parameters(equation)
        assert equation.family.law is not None  # those of several levels have probabilities
        law = equation.family.law(mean, p)
        if equation.family.discrete:
            return np.asarray(law.logpmf(y))
        log_likelihood = law.logpdf(y)
        censoring = equation.censoring
        if censoring is None:
            return np.asarray(log_likelihood)
        flags = np.asarray(self.data[censoring.column]).astype(str)
        upper = y if censoring.upper is None else np.asarray(self.data[censoring.upper], dtype=np.float64)
        below, above = law.logcdf(y), law.logsf(y)
        bounded = [flags == "left", flags == "right", flags == "interval"]
        return np.asarray(np.select(bounded, [below, above, _between(law, y, upper)], log_likelihood))


def _between(law: Any, low: Array, high: Array) -> Array:
    """The log probability between two values, in the tail where the difference keeps its digits."""
    ends = ((law.logcdf(high), law.logcdf(low)), (law.logsf(low), law.logsf(high)))
    head, tail = (more + np.log1p(-np.exp(less - more)) for more, less in ends)
    return np.asarray(np.where(ends[0][0] < ends[1][0], head, tail))
