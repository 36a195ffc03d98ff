"""The parts of a linear predictor: terms and coefficients that vary between groups, with their priors.

The symbol of a parameter is its identity: programs declare it, draws are kept by it, effects look it up. The
other names of an emitted program are made by `emit/naming.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dagreg.errors import Span
from dagreg.model.summary import CurveBasis
from dagreg.spec.brief import Brief
from dagreg.spec.types import Level

Purpose = Literal["exposure", "adjustment", "precision", "parent"]


@dataclass(frozen=True, slots=True)
class DataScale:
    """A prior's argument that waits for the data.

    It is `multiple * sd(of)` over the product of `sd(per)`s, or `mean(of)`, or `1 / mean(of)`.
    """

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
    columns: tuple[str, ...]  # one name for each coefficient: "x", "g[b]", "x:g[b]"
    prior: PriorChoice
    purpose: Purpose
    causal: bool  # whether this coefficient is, on the link scale, the effect asked for
    why: str
    centre: tuple[float, ...] | None = None  # subtracted from the design columns; None: not centred
    centre_by_data: bool = False  # centred, at means that wait for the data
    span: Span | None = None
    full: bool = False  # a column for every level (or combination of levels), the references' too
    cells: bool = False  # of a full term: one of all nodes that the spec names `cells`
    curve: CurveBasis | None = None
    numbers: tuple[
        str, ...
    ] = ()  # of a full term: its factors that are numbers; each level has a slope on them

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

    Their deviations are Normal, with a correlation where there are several (Gelman and Hill 2007, chapter
    13), and `symbol` holds them, groups x deviations (or groups). Sampled are standard Normal draws, or where
    the groups are large (`centred`) the coefficients of each group (Betancourt and Girolami 2015).
    """

    group: str  # name of a variable
    deviations: tuple[Deviation, ...]
    symbol: str
    scale: str  # symbol of the sd; with a correlation, of the covariance
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


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """A parameter of the family besides the mean: sigma, ..."""

    name: str
    symbol: str
    prior: PriorChoice
