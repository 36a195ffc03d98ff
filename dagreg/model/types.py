"""The intermediate representation: what is emitted, fitted, standardised and shown, in one place.

`Model` is a tuple of `Equation`s plus the `Estimand` they answer. The emitter, the engines, the
effects and the report all read it, so what is shown cannot drift from what is fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from dagreg.errors import Span
from dagreg.families.family import Family
from dagreg.families.links import Link
from dagreg.identify.expression import Expression, P
from dagreg.sources.types import ColumnSummary
from dagreg.spec.brief import Brief
from dagreg.spec.types import Among, CurveKind, Kind, Level, NodeType, Transform

Estimator = Literal["adjusted", "chain", "frontdoor", "instrument", "functional", "unadjusted"]
MANY_GROUPS = 50  # coefficients that vary between groups, or values not known, from which the mass matrix is diagonal
GROUPS_ACCEPT = 0.97  # of proposals, where coefficients vary between groups
Dimension = tuple[str, tuple[str, ...]]  # name and labels
Purpose = Literal["exposure", "adjustment", "precision", "parent"]


@dataclass(frozen=True, slots=True, repr=False)
class CurveBasis(Brief):
    """A curve with its knots, in ascending order; none where they wait for the data."""

    kind: CurveKind
    columns: int
    knots: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class CurveSummary:
    """What the data say of a curve: where its knots are, and the mean of each of its columns."""

    basis: CurveBasis
    means: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class DataSummary(Brief):
    """The data in a few numbers: rows, and a summary for each column that a node names."""

    rows: int
    columns: Mapping[str, ColumnSummary]
    transformed: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # node: mean and sd, transformed
    products: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)  # "x:g": its columns
    curves: Mapping[str, CurveSummary] = field(default_factory=dict)  # "x spline(4)"


@dataclass(frozen=True, slots=True, repr=False)
class Variable(Brief):
    """A node as the model sees it. `levels` holds the reference first, and is () for numbers.

    Levels become one 0/1 column for each level but the reference; of a pooled variable they become one column of
    positions, the reference being 0. `mean` and `sd` are of the coded,
    transformed variable, None where there are no data.
    """

    name: str
    symbol: str  # a Python identifier, unique within the program
    column: str
    type: NodeType
    levels: tuple[Level, ...] = ()
    transform: Transform | None = None
    transform_at: tuple[float, float] = (0.0, 1.0)  # what center and standardize subtract and divide by
    inferred: bool = False
    missing: int = 0  # values to impute, in the rows used
    filler: Level = 0  # what stands in their place until then
    pooled: bool = False  # its levels share a distribution of the coefficients that vary between them
    integral: bool = False
    mean: float | None = None
    sd: float | None = None
    shares: tuple[float, ...] = ()  # of the levels, the reference first
    unit: str | None = None
    label: str | None = None
    span: Span | None = None

    @property
    def coded(self) -> bool:
        """Whether it stands for several 0/1 columns."""
        return len(self.levels) > 2 and not self.pooled

    @property
    def sampled(self) -> bool:
        """Whether its levels are a sample of a population of groups: clusters, people, sites."""
        return self.pooled and self.type == "group"

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its design columns: `x`, or `x[b]`, `x[c]` for levels other than the reference."""
        if not self.levels or self.type == "binary" or self.pooled:
            return (self.name,)
        return tuple(f"{self.name}[{level}]" for level in self.levels[1:])

    @property
    def every_level(self) -> tuple[str, ...]:
        """The names of its columns where each level has one, the reference first."""
        return tuple(f"{self.name}[{level}]" for level in self.levels)


@dataclass(frozen=True, slots=True)
class DataScale:
    """A prior's argument that waits for the data: `multiple * sd(of)` over the product of `sd(per)`s, or `mean(of)`."""

    multiple: float = 1.0
    of: str | None = None
    per: tuple[str, ...] = ()
    statistic: Literal["sd", "mean", "rate"] = "sd"  # rate: 1 / mean


@dataclass(frozen=True, slots=True, repr=False)
class PriorChoice(Brief):
    """The prior of one parameter: the user's own, or a default with the rule that scaled it."""

    distribution: str
    arguments: tuple[float | DataScale, ...]
    given: bool
    rule: str = ""  # "Normal(0, 2.5 sd(y) / sd(x))", for a default
    span: Span | None = None

    def __str__(self) -> str:
        """As written in a program; by its rule where the data are not known."""
        if any(isinstance(a, DataScale) for a in self.arguments):
            return self.rule
        return f"{self.distribution}({', '.join(format(a, '.12g') for a in self.arguments)})"


NO_INTERCEPT = PriorChoice("Constant", (0.0,), given=False, rule="0: levels have coefficients of their own")
"""In place of an intercept's prior, where the regression has none: its draws are zeros."""


@dataclass(frozen=True, slots=True, repr=False)
class Term(Brief):
    """One summand of a linear predictor: a variable, or a product of several (an interaction)."""

    factors: tuple[str, ...]  # names of variables
    symbol: str  # the coefficient's identifier, unique within the program
    dim: str  # identifier of the dimension over `columns`
    columns: tuple[str, ...]  # one name for each coefficient: "x", "g[b]", "x:g[b]"
    prior: PriorChoice
    purpose: Purpose
    causal: bool  # whether this coefficient is, on the link scale, the effect asked for
    why: str
    centre: tuple[float, ...] | None = None  # subtracted from the design columns; None: not centred. See `numbers`
    centre_by_data: bool = False  # centred, at means that wait for the data
    span: Span | None = None
    full: bool = False  # a column for every level (or combination of levels), the references' too
    curve: CurveBasis | None = None
    index: str = ""  # identifier of the rows' places among the columns where it is full, of its columns if a curve
    numbers: tuple[str, ...] = ()  # of a full term: its factors that are numbers. Then it is a slope for every level

    @property
    def looked_up(self) -> tuple[str, ...]:
        """The factors whose levels each have a coefficient."""
        return tuple(f for f in self.factors if f not in self.numbers) if self.full else ()

    @property
    def name(self) -> str:
        return ":".join(self.factors)


@dataclass(frozen=True, slots=True)
class Deviation:
    """One coefficient that varies between groups: the intercept (`term` is None), or a column of a term."""

    name: str  # "intercept", "x", "g[b]"
    prior: PriorChoice  # of the sd between the groups
    term: str | None = None
    column: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Varying(Brief):
    """Coefficients that vary between the levels of a group, around those of the equation.

    Their deviations are Normal, with a correlation where there are several (Gelman and Hill 2007, chapter 13), and
    `symbol` holds them, groups x deviations (or groups). Sampled is `raw`: standard Normal draws, or where the
    groups are large (`centred`) the coefficients of each group (Betancourt and Girolami 2015).
    """

    group: str  # name of a variable
    deviations: tuple[Deviation, ...]
    symbol: str
    raw: str
    scale: str  # of the sd; with a correlation, of the covariance
    factor: str  # of the covariance's Cholesky factor
    dim: str  # over the groups
    effects_dim: str  # over the deviations
    levels: tuple[Level, ...]
    purpose: Purpose
    why: str
    centred: bool = False
    concentration: float = 2.0  # of the LKJ prior of the correlations
    span: Span | None = None

    @property
    def correlated(self) -> bool:
        return len(self.deviations) > 1

    @property
    def parameters(self) -> tuple[str, ...]:
        """The symbols whose draws are kept: the deviations, their sds and correlations."""
        spread = (f"{self.scale}_stds", f"{self.scale}_corr") if self.correlated else (self.scale,)
        return (self.symbol, *spread)

    @property
    def dimensions(self) -> Mapping[str, tuple[Dimension, ...]]:
        """The dimensions of each of its parameters: their names and labels."""
        groups, effects = (self.dim, tuple(map(str, self.levels))), tuple(d.name for d in self.deviations)
        if not self.correlated:
            return {self.symbol: (groups,)}
        own, twin = (self.effects_dim, effects), (f"{self.effects_dim}_2", effects)
        _, stds, correlations = self.parameters
        return {self.symbol: (groups, own), stds: (own,), correlations: (own, twin)}


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """A parameter of the family besides the mean: sigma, ..."""

    name: str
    symbol: str
    prior: PriorChoice


@dataclass(frozen=True, slots=True, repr=False)
class Sufficient(Brief):
    """What stands for the rows of a Gaussian regression: |y - X b|^2 = |rotated - root b|^2 + left, for every b.

    `root` is the triangle R of the design's QR, the intercept's column first. `start` and `spread` are
    coordinates for a sampler, b = start + spread free, in which the posterior of `free` is nearly round.
    """

    units: float  # rows, each counted by its weight
    root: tuple[tuple[float, ...], ...]
    rotated: tuple[float, ...]
    left: float
    start: tuple[float, ...] = ()
    spread: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class CellCounts(Brief):
    """Of every cell: the sum of the responses, and the trials or units that they are out of."""

    totals: tuple[float, ...]
    units: tuple[float, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Equation(Brief):
    """The regression of one response: link(E[response]) = intercept + terms."""

    response: str
    family: Family
    link: Link
    intercept: str  # symbol
    intercept_prior: PriorChoice
    terms: tuple[Term, ...]
    symbols: Mapping[str, str]  # identifiers of its other parts: eta, observed, trials, weights, exposure, logp
    auxiliaries: tuple[Auxiliary, ...] = ()
    trials: str | int | None = None  # column, or a number for every row (binomial)
    offset: str | None = None  # column of exposures; its log is added to the predictor
    weights: str | int | None = None  # column: each row stands for this many units
    levels: tuple[Level, ...] = ()  # of a response that is one of several, in order, the reference first
    varying: tuple[Varying, ...] = ()
    error: str | None = None  # column of the known standard errors of the response
    scaled_by: str | None = None  # column that the residual sd is a multiple of
    censored: str | None = None  # column of flags: none, left, right or interval
    flags: tuple[str, ...] = ()  # those that occur, exact values first
    upper: str | None = None  # column of the upper bounds of intervals
    imputes: bool = False  # it is there for the values of its response that are not known
    dropped: int = 0  # rows without a response, which say nothing of it and are left out
    linked: str | None = None  # the response of an earlier equation, with whose errors this one's correlate
    span: Span | None = None
    sufficient: Sufficient | None = None  # in place of its rows
    cell_counts: CellCounts | None = None  # all that its cells need of the rows

    @property
    def has_intercept(self) -> bool:
        """Whether there is an intercept: not where the levels of a term have a coefficient each in its place."""
        return self.intercept_prior != NO_INTERCEPT

    @property
    def cells(self) -> int:
        """How many of the first coefficients are of levels in the place of an intercept: each row has one of them."""
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
    def dimensions(self) -> Mapping[str, tuple[Dimension, ...]]:
        """The dimensions of each parameter that is more than one number: their names and labels."""
        outcomes: tuple[Dimension, ...] = ()
        if self.levels:
            outcomes = ((self.symbols["dim"], tuple(map(str, self.levels[1:]))),)
        slopes = outcomes if self.family.predictor == "unordered" else ()
        found = {t.symbol: (*(((t.dim, t.columns),) if len(t.columns) > 1 else ()), *slopes) for t in self.terms}
        found[self.intercept] = outcomes
        for varying in self.varying:
            found |= varying.dimensions
        return {symbol: dims for symbol, dims in found.items() if dims}

    @property
    def parameters(self) -> tuple[str, ...]:
        """The symbols of its parameters, in the order of the program."""
        groups = (symbol for v in self.varying for symbol in v.parameters)
        return (*self.coefficient_symbols, *groups, *(a.symbol for a in self.auxiliaries))


@dataclass(frozen=True, slots=True)
class Contrast:
    """From one setting of the exposures to another. `start is None` asks for one unit more than observed."""

    exposures: tuple[str, ...]
    start: tuple[Level, ...] | None
    stop: tuple[Level, ...] | None
    level: Level | None = None  # of the outcome whose probability is compared, where it is one of several


@dataclass(frozen=True, slots=True)
class Carried:
    """A mediator whose own effect is identified: all causal paths through it, which start with an arrow to `first`."""

    mediator: str
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Estimand(Brief):
    """What is computed from the draws: contrasts of the outcome's mean, averaged over the rows."""

    kind: Kind
    exposure: tuple[str, ...]
    outcome: str
    contrasts: tuple[Contrast, ...]
    groups: tuple[Mapping[str, Level], ...] = ()  # levels of the `by` variables at which it is given, too
    adjusted_for: tuple[str, ...] = ()
    natural: bool = False  # whether natural direct and indirect effects are given, too
    through: tuple[Carried, ...] = ()  # and the paths of these mediators
    among: Among = "everyone"
    seen: Level | None = None  # the exposure's level in the rows that it is averaged over; None: all rows
    doses: tuple[float, ...] | int | None = None  # at which the mean is given, or how many
    average: bool = True  # False: given at the levels alone, as the average over them is not identified
    bootstrapped: bool = False  # whether the covariates' distribution is uncertain, too

    @property
    def name(self) -> str:
        """The effect in the field's words; of a mediation its total."""
        if self.among != "everyone":
            return f"effect on the {self.among}"
        return "direct effect" if self.kind == "direct" else "total effect"

    @property
    def by(self) -> tuple[str, ...]:
        """The variables at whose levels it is given."""
        return tuple(self.groups[0]) if self.groups else ()


@dataclass(frozen=True, slots=True, repr=False)
class Latent(Brief):
    """A predictor of which some values are not known: those are parameters, or are summed over.

    The others are names of the emitted program: of the parameters (`values`), the completed column (`all`), the rows
    without a value, those with one, the log density of the measurements and their standard errors.
    """

    variable: str
    missing: int
    summed: bool  # over its levels
    error: str | None  # column of the standard errors of its measurements: then no value is known
    values: str
    all: str
    rows: str
    known: str
    measured: str
    errors: str
    support: str  # flat distribution over the support of its regression
    raw: str = ""  # standard Normal draws that the true values are made of; "" where they are parameters themselves
    count: int = 0  # of the parameters


@dataclass(frozen=True, slots=True)
class Mixture:
    """The sum over levels that are not known, and its names in the emitted program.

    The table of the rows holds a row once for each of the levels that it may have: `row` is the row that each stands
    for, `cells` the places of each row in the table, `together` the log density of the table's rows, `chances` the
    probability of each place for rows that have several.
    """

    variables: tuple[str, ...]
    row: str
    cells: str
    together: str
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
    chained: bool = False  # a functional that is a chain of regressions, for the g-formula
    latents: tuple[Latent, ...] = ()
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
        chained = self.estimator == "chain" or self.chained
        return tuple(e for e in self.equations[:-1] if not e.imputes) if chained else ()

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
        """The acceptance rate that NUTS aims at, at least: few groups leave a funnel at small sds; steps are short."""
        return GROUPS_ACCEPT if any(e.varying for e in self.equations) else 0.0

    @property
    def adaptation(self) -> Literal["low_rank", "diag"]:
        """How NUTS learns the shape of the posterior.

        It has to be able to move along strong correlations (uncentred or collinear predictors), and a low-rank mass
        matrix lets it. With hundreds of groups that costs a hundred times the sampling itself, and nothing asks for it.
        """
        groups = sum(len(v.levels) * len(v.deviations) for e in self.equations for v in e.varying)
        unknown = sum(latent.count for latent in self.latents)
        return "diag" if groups + unknown > MANY_GROUPS else "low_rank"

    @property
    def columns(self) -> tuple[str, ...]:
        """The data columns that the program reads, in order."""
        names = [v.column for v in self.variables.values()]
        for e in self.equations:
            more = (e.trials, e.offset, e.weights, e.error, e.scaled_by, e.censored, e.upper)
            names += [c for c in more if isinstance(c, str)]
        names += [latent.error for latent in self.latents if latent.error is not None]
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An estimator that is not offered, and why; with `estimand`, a part of the answer that it does not give."""

    estimator: Estimator
    reason: str
    estimand: str = ""  # "natural direct effect"


@dataclass(frozen=True, slots=True, repr=False)
class Plan(Brief):
    """The models of one effect, the primary one first, and those left out."""

    models: tuple[Model, ...]
    left_out: tuple[LeftOut, ...] = field(default=())
