"""One regression: its response, likelihood, predictor and priors."""

from __future__ import annotations

from dataclasses import dataclass

from dagreg.errors import Span
from dagreg.families.family import Family
from dagreg.families.links import Link
from dagreg.model.terms import NO_INTERCEPT, Auxiliary, PriorChoice, Term, Varying
from dagreg.spec.brief import Brief
from dagreg.spec.types import Level

FLAGS = ("none", "left", "right", "interval")  # of a censored response, exact values first


@dataclass(frozen=True, slots=True)
class KnownErrors:
    """A column of standard errors of the response: their squares add to the residual variance."""

    column: str


@dataclass(frozen=True, slots=True)
class ErrorScale:
    """A column that the residual sd of each row is a multiple of."""

    column: str


@dataclass(frozen=True, slots=True)
class Censoring:
    """Responses of which some are known by bounds only, as a column of flags says."""

    column: str
    flags: tuple[str, ...]  # those of FLAGS that occur
    upper: str | None = None  # column of the upper bounds of intervals


@dataclass(frozen=True, slots=True, repr=False)
class Equation(Brief):
    """The regression of one response: link(E[response]) = intercept + terms."""

    response: str
    family: Family
    link: Link
    intercept: str  # symbol
    intercept_prior: PriorChoice
    terms: tuple[Term, ...]
    auxiliaries: tuple[Auxiliary, ...] = ()
    trials: str | int | None = None  # column, or a number for every row (binomial)
    offset: str | None = None  # column of exposures; its log is added to the predictor
    weights: str | int | None = None  # column: each row stands for this many units
    levels: tuple[Level, ...] = ()  # of a response that is one of several, in order, the reference first
    varying: tuple[Varying, ...] = ()
    error: KnownErrors | ErrorScale | None = None  # in the response, beside or in place of a common sd
    censoring: Censoring | None = None
    dropped: int = 0  # rows without a response, which say nothing of it and are left out
    linked: str | None = None  # the response of an earlier equation, with whose errors this one's correlate
    span: Span | None = None

    @property
    def has_intercept(self) -> bool:
        """Whether there is one: not where each level of a term has a coefficient in its place."""
        return self.intercept_prior != NO_INTERCEPT

    @property
    def cells(self) -> int:
        """How many of the first coefficients stand for levels in place of an intercept: one holds for each
        row.
        """
        return 0 if self.has_intercept else len(self.terms[0].columns)

    @property
    def coefficients(self) -> tuple[PriorChoice, ...]:
        """The prior of each coefficient, the intercept's first where there is one."""
        head = (self.intercept_prior,) if self.has_intercept else ()
        return (*head, *(term.prior for term in self.terms for _ in term.columns))

    @property
    def coefficient_symbols(self) -> tuple[str, ...]:
        """The symbols that hold these coefficients."""
        head = (self.intercept,) if self.has_intercept else ()
        return (*head, *(term.symbol for term in self.terms))

    @property
    def predictors(self) -> tuple[str, ...]:
        """The variables on the right-hand side, each once, in order of appearance."""
        names = [name for term in self.terms for name in term.factors]
        return tuple(dict.fromkeys([*names, *(v.group for v in self.varying)]))

    @property
    def regressors(self) -> tuple[str, ...]:
        """Its terms and groups by their names: "x", "x:g", "site"."""
        return (*(term.name for term in self.terms), *(v.group for v in self.varying))

    @property
    def parameters(self) -> tuple[str, ...]:
        """The symbols of its parameters, in the order of the program."""
        groups = (symbol for v in self.varying for symbol in v.parameters)
        return (*self.coefficient_symbols, *groups, *(a.symbol for a in self.auxiliaries))

    @property
    def error_column(self) -> str | None:
        """The column of the errors of single responses, or of their scale."""
        return None if self.error is None else self.error.column

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads beside those of its variables."""
        own = (self.trials, self.offset, self.weights, self.error_column)
        bounds = () if self.censoring is None else (self.censoring.column, self.censoring.upper)
        return tuple(c for c in (*own, *bounds) if isinstance(c, str))
