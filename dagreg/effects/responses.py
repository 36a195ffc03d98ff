"""Responses of rows drawn from their regressions: arrays of draws x rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from dagreg.effects.predictor import parameters, predictor, probabilities
from dagreg.model import sampling
from dagreg.model.equation import Equation, ErrorScale, KnownErrors
from dagreg.numerics.arrays import Array


class Responses:
    """What regressions say of some rows.

    `columns` are trials, offsets and known errors; offsets may be missing.
    """

    def __init__(
        self,
        draws: Mapping[str, Array],
        columns: Mapping[str, Array],
        shape: tuple[int, int],
        rng: np.random.Generator,
    ) -> None:
        self.draws, self.columns, self.shape, self.rng = draws, columns, shape, rng

    def location(self, equation: Equation, values: Mapping[str, Array]) -> Array:
        """The inverse link of the predictor: per trial, for the units of exposure of each row."""
        eta = predictor(equation, self.draws, values, equation.varying)
        if equation.offset is not None and equation.offset in self.columns:
            eta = eta + np.log(self.columns[equation.offset])
        return np.broadcast_to(equation.link.inverse(eta), self.shape)

    def parameters(self, equation: Equation) -> dict[str, Array]:
        """The family's other parameters, with what the rows know of their own noise and trials."""
        values = parameters(equation, self.draws)
        if isinstance(equation.error, KnownErrors):
            values["sigma"] = np.sqrt(values["sigma"] ** 2 + self.columns[equation.error.column] ** 2)
        if isinstance(equation.error, ErrorScale):
            values["sigma"] = values["sigma"] * self.columns[equation.error.column]
        if equation.trials is not None:
            trials = self.columns[equation.trials] if isinstance(equation.trials, str) else equation.trials
            values["trials"] = np.asarray(trials, dtype=np.float64)
        return values

    def probabilities(self, equation: Equation, values: Mapping[str, Array]) -> Array:
        """Of each level of the response: draws x rows x levels."""
        shares = probabilities(equation, self.draws, values)
        return np.broadcast_to(shares, (*self.shape, len(equation.levels)))

    def drawn(self, equation: Equation, values: Mapping[str, Array]) -> Array:
        """A response of each row and draw, coded: draws x rows x columns."""
        if equation.levels:
            shares = self.probabilities(equation, values)
            places = sampling.levels(self.rng, shares)[..., None] == np.arange(1, len(equation.levels))
            return np.where(np.isnan(shares).any(axis=-1, keepdims=True), np.nan, places)
        location = self.location(equation, values)
        return sampling.responses(self.rng, equation.family, location, self.parameters(equation))[..., None]
