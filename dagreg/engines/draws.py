"""Posterior draws, whatever engine made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dagreg.model.equation import Equation
from dagreg.numerics.arrays import Array
from dagreg.numerics.convergence import bulk_size_and_r_hat
from dagreg.spec.brief import Brief, cut

Origin = Literal["solved", "earlier fit", "same fit"]


@dataclass(frozen=True, slots=True, repr=False)
class Part(Brief):
    """The draws of one piece of a model: all that they hang on, as a key, and how they were made.

    `digest` is of the draws and their statistics, so that what is read from a file is known to be what was
    written.
    """

    key: str
    symbols: tuple[str, ...]
    engine: str
    divergences: int
    digest: str
    origin: Origin = "solved"


@dataclass(frozen=True, slots=True, repr=False)
class Draws:
    """Draws of the parameters of one model: symbol -> chains x draws (x coefficients).

    `seconds` is what making them took, 0 for those of an earlier fit. `trees` are the samplers' statistics,
    one for each piece that was sampled (`engines/statistics.py`); `parts` are the pieces.
    """

    values: Mapping[str, Array]
    engine: str
    divergences: int
    seconds: float
    trees: tuple[Any, ...] = ()
    parts: tuple[Part, ...] = ()

    def __repr__(self) -> str:
        chains, draws = self.shape
        return cut(f"<Draws by {self.engine}, {chains} chains of {draws:,}: {', '.join(self.values)}>")

    @property
    def sampled(self) -> frozenset[str]:
        """The parameters that a Markov chain moved."""
        return frozenset(
            symbol for part in self.parts if not _are_independent(part.engine) for symbol in part.symbols
        )

    @property
    def independent(self) -> bool:
        """Whether every draw is independent of the others: no Markov chain made them."""
        return _are_independent(self.engine)

    @property
    def shape(self) -> tuple[int, int]:
        """Chains and draws per chain."""
        first = next(iter(self.values.values()))
        return first.shape[0], first.shape[1]

    def flat(self) -> dict[str, Array]:
        """Chains end to end: symbol -> draws (x coefficients)."""
        return {name: values.reshape(-1, *values.shape[2:]) for name, values in self.values.items()}


def _are_independent(engines: str) -> bool:
    from dagreg.engines.table import are_independent  # engines make draws, and so import this file

    return are_independent(engines)


def by_symbol(equation: Equation, points: Array) -> dict[str, Array]:
    """Chains x draws (x coefficients) (x levels) of every coefficient, from points that hold them in their
    order.

    Of a response in levels the intercept, and of an unordered one every coefficient, is there once for each
    level but the first, the levels varying fastest.
    """
    shape, several = points.shape[:2], max(len(equation.levels) - 1, 1)
    outcomes = (several,) if equation.family.predictor == "unordered" else ()
    values: dict[str, Array] = {}
    at = 0
    if equation.has_intercept:
        at = several
        values[equation.intercept] = points[..., :at].reshape(*shape, *((at,) if equation.levels else ()))
    for term in equation.terms:
        width = len(term.columns)
        each = width * (several if outcomes else 1)
        part = points[..., at : at + each]
        values[term.symbol] = part.reshape(*shape, *((width,) if width > 1 else ()), *outcomes)
        at += each
    return values


def convergence(values: Array, *, independent: bool = False) -> tuple[Array, Array]:
    """Bulk effective sample size and rank-normalised split R-hat (Vehtari et al. 2021) of chains x draws x
    ...

    Independent draws count in full, and there is no chain that could fail to converge. Values that never
    vary have no meaningful diagnostics: they count as converged.
    """
    chains, draws = values.shape[:2]
    constant = np.ptp(values, axis=(0, 1)) == 0
    ess, r_hat = np.full(constant.shape, float(chains * draws)), np.ones(constant.shape)
    if not independent and not constant.all():
        for place in np.argwhere(~constant):
            at = tuple(place)
            ess[at], r_hat[at] = bulk_size_and_r_hat(values[(slice(None), slice(None), *at)])
    return ess, r_hat
