"""The intermediate representation: what is emitted, fitted, standardised and shown, in one place.

A `Model` is a tuple of `Equation`s plus the `Estimand` they answer; a `Plan` holds the models of one effect.
The emitter, the engines, the effects and the report all read them, so what is shown cannot drift from what is
fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dagreg.identify.expression import Expression, P
from dagreg.model.equation import Equation
from dagreg.model.estimand import Estimand
from dagreg.model.estimators import Estimator
from dagreg.model.summary import Variable
from dagreg.spec.brief import Brief

MAX_LOW_RANK = 50  # coefficients of groups and unknown values: beyond, the mass matrix is diagonal
MIN_ACCEPTANCE = 0.97  # of proposals, where coefficients vary between groups


@dataclass(frozen=True, slots=True, repr=False)
class Latent(Brief):
    """A predictor of which some values are not known: those are parameters, or are summed over.

    The draws of those that are parameters are kept by the symbol `values`.
    """

    variable: str
    missing: int
    summed: bool  # over its levels
    error: str | None  # column of the standard errors of its measurements: then no value is known
    values: str  # symbol
    support: str  # flat distribution over the support of its regression
    around: bool = False  # sampled as standard Normal draws around its regression's mean
    count: int = 0  # of the parameters


@dataclass(frozen=True, slots=True)
class Mixture:
    """The sum over levels that are not known.

    The table of the rows holds a row once for each of the levels that it may have. The draws of the
    probability of each place, for rows that have several, are kept by the symbol `chances`.
    """

    variables: tuple[str, ...]
    chances: str


@dataclass(frozen=True, slots=True, repr=False)
class Model(Brief):
    """A program of one estimator: its equations in topological order, the last being the outcome's.

    Of a functional the equations stand in the order of its conditionals.
    """

    estimator: Estimator
    builder: str  # name of the function that builds it in the emitted program
    variables: Mapping[str, Variable]
    equations: tuple[Equation, ...]
    estimand: Estimand
    primary: bool = False
    notes: tuple[str, ...] = ()  # "a prior of yours was used here", ...
    functional: Expression | None = None  # evaluated in place of the g-formula
    chained: bool = False  # its equations are a chain of regressions, for the g-formula
    latents: tuple[Latent, ...] = ()
    imputed: frozenset[str] = frozenset()  # responses with a regression for their unknown values alone
    mixture: Mixture | None = None
    factors: tuple[P, ...] = ()  # the conditional of the functional that each equation stands for

    @property
    def outcome(self) -> Equation:
        """The outcome's own regression."""
        return next(e for e in reversed(self.equations) if e.response == self.estimand.outcome)

    @property
    def formula(self) -> str:
        """Its regressions in words: "m on x; y on m, x". No two factors of one model's posterior share it."""
        return "; ".join(f"{e.response} on {', '.join(e.regressors) or 'nothing'}" for e in self.equations)

    @property
    def mediators(self) -> tuple[Equation, ...]:
        """The regressions that the g-formula passes through on its way to the outcome's."""
        return tuple(e for e in self.equations[:-1] if e.response not in self.imputed) if self.chained else ()

    @property
    def complete(self) -> bool:
        """Whether every value that it needs is known."""
        return len(self.latents) == 0 and not any(e.dropped for e in self.equations)

    @property
    def unknown(self) -> tuple[str, ...]:
        """The symbols of the draws of what is not known: values, and the chances of levels."""
        values = tuple(latent.values for latent in self.latents if not latent.summed)
        return values if self.mixture is None else (*values, self.mixture.chances)

    @property
    def least_acceptance(self) -> float:
        """The acceptance rate that NUTS aims at, at least: groups leave a funnel at small sds, for short
        steps.
        """
        return MIN_ACCEPTANCE if any(e.varying for e in self.equations) else 0.0

    @property
    def adaptation(self) -> Literal["low_rank", "diag"]:
        """How NUTS learns the shape of the posterior.

        It has to be able to move along strong correlations (uncentred or collinear predictors), and a
        low-rank mass matrix lets it. With hundreds of groups that costs a hundred times the sampling itself,
        and nothing asks for it.
        """
        groups = sum(len(v.levels) * len(v.deviations) for e in self.equations for v in e.varying)
        unknown = sum(latent.count for latent in self.latents)
        return "diag" if groups + unknown > MAX_LOW_RANK else "low_rank"

    @property
    def columns(self) -> tuple[str, ...]:
        """The data columns that the program reads, in order."""
        names = [v.column for v in self.variables.values()]
        names += [column for e in self.equations for column in e.columns]
        names += [latent.error for latent in self.latents if latent.error is not None]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An estimator that is not offered, or with `estimand` a part of the answer that it does not give; and
    why.
    """

    estimator: Estimator
    reason: str
    estimand: str = ""  # "natural direct effect"


@dataclass(frozen=True, slots=True, repr=False)
class Plan(Brief):
    """The models of one effect, the primary one first, and those left out."""

    models: tuple[Model, ...]
    left_out: tuple[LeftOut, ...] = field(default=())
