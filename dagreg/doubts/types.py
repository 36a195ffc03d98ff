"""The doubts about a result, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dagreg.spec.brief import Brief

if TYPE_CHECKING:
    from dagreg.model.estimators import Estimator
    from dagreg.spec.types import Spec
    from dagreg.study import Claim


@dataclass(frozen=True, slots=True, repr=False)
class DrawDiagnostics(Brief):
    """How the sampling went, over every program of an effect. `problems` is empty exactly where `ok`."""

    engine: str
    divergences: int
    max_r_hat: float
    min_ess: float
    ok: bool
    problems: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()  # how each regression was solved, a sentence each


@dataclass(frozen=True, slots=True)
class ImplicationTest:
    """A conditional independence that the graph implies, held against the data.

    `curved` says that p and statistic are of curvature, spread or changing signs, not of a trend.
    `explained_by` are edges that are absent and whose presence would take this claim from the graph.
    """

    x: str
    y: str
    given: tuple[str, ...]
    statistic: float
    p: float
    p_adjusted: float
    rejected: bool
    curved: bool = False
    explained_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relabelling:
    """A graph beside itself with its nodes' names exchanged: `tried` ways, all that there are where `every`.

    `as_few` is the share of relabelled graphs of whose independences the data reject as small a part as of
    the graph's (`failed` of `tested`, at 5 % each, on so many rows), `same` of those that imply the same.
    """

    tried: int
    every: bool
    as_few: float
    same: float
    failed: int
    tested: int
    rows: int


@dataclass(frozen=True, slots=True, repr=False)
class GraphTest(Brief):
    """A graph held against data: what it implies (`complete` where the list is not cut), each with its test.

    `untested` says why some have none; `relabelling` is None where names cannot change places, or it was not
    asked for.
    """

    spec: Spec
    implications: tuple[Claim, ...]
    complete: bool
    tests: tuple[ImplicationTest, ...]
    untested: tuple[str, ...]
    relabelling: Relabelling | None
    source: str
    rows: int
    seed: int

    @property
    def rejected(self) -> tuple[ImplicationTest, ...]:
        """The tests that the data reject, their number allowed for."""
        return tuple(t for t in self.tests if t.rejected)


@dataclass(frozen=True, slots=True, repr=False)
class Mixing(Brief):
    """How the chains of one parameter went, for a trace and a rank plot.

    `traces` holds every `step`-th draw of each chain; `ranks` counts, for each chain, its draws in equal
    stretches of the ranks among all draws: alike where the chains explore the same posterior.
    """

    name: str
    estimator: Estimator
    r_hat: float
    ess_bulk: float
    draws: int  # per chain
    step: int
    traces: tuple[tuple[float, ...], ...]
    ranks: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class PooledLevel:
    """A level's own estimate, without pooling (NaN where the data give none), beside its partially pooled
    posterior.
    """

    name: str
    count: int
    alone: float
    mean: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True, repr=False)
class Pooling(Brief):
    """The levels of one pooled variable in one regression, on the scale of the link.

    `centre` is what they share.
    """

    group: str
    response: str
    estimator: Estimator
    coefficient: str  # that varies: "intercept", "x"
    scale: str  # what the numbers are: "mean of y", "log odds of y"
    level: float
    centre: float
    levels: tuple[PooledLevel, ...]
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a missed cause so many `times` as strong as a node of the set would leave of the estimate.

    `share_exposure` and `share_outcome` are partial R2: of what is left of each, the part that it explains.
    """

    node: str
    times: int
    share_exposure: float
    share_outcome: float
    mean: float
    sd: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class EValue:
    """The ratio that a missed cause would have to have with both exposure and outcome, to move the `measure`
    to 1, and its interval to where it holds 1.
    """

    measure: str
    estimate: float
    interval: float


@dataclass(frozen=True, slots=True)
class Assumed:
    """The effect if a cause of the assumed strength is at work. It rests on these priors, not on data.

    `possible` is the share of the priors that leaves room for what the data show.
    """

    name: str
    mean: float
    sd: float
    interval: tuple[float, float]
    possible: float


@dataclass(frozen=True, slots=True, repr=False)
class Sensitivity(Brief):
    """How strong a missed common cause of exposure and outcome would have to be.

    Of a linear regression robustness values, of estimate and interval, and the exposure's own partial R2;
    else the E-value of a ratio.
    """

    level: float
    robustness_value: float | None = None
    robustness_value_interval: float | None = None
    partial_r2: float | None = None
    degrees_of_freedom: float | None = None
    benchmarks: tuple[Benchmark, ...] = ()
    e_value: EValue | None = None
    assumed: Assumed | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """How far exposure groups differ in a node, in sds of it, before and after rows are weighed; of an
    exposure that is a number their correlation.
    """

    node: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A row of Table 1: a node's mean and sd, or the share of one of its levels, of each group of units."""

    node: str
    level: str | None
    groups: tuple[tuple[str, float, float | None], ...]  # name, mean or share, sd of a mean


@dataclass(frozen=True, slots=True, repr=False)
class Overlap(Brief):
    """How alike units of different exposure are in what is adjusted for.

    `contrast` is None of an exposure that is a number; `left` is then the share of its variance that the
    set leaves. `lacking` is whether that deserves a warning. `effective_rows`: units with counterparts, as
    many as they are worth once they are weighed to be alike.
    """

    contrast: tuple[str, str] | None
    units: float
    units_without_counterpart: float
    share_without_counterpart: float
    effective_rows: float
    left: float
    lacking: bool
    balance: tuple[Balance, ...]
    profile: tuple[Profile, ...]
    left_out: tuple[str, ...] = ()  # nodes of the set that have too many levels for the score


@dataclass(frozen=True, slots=True)
class Specification:
    """One regression of several that could have answered: what it adjusts for, whether the graph allows that,
    and its estimate of the first contrast.

    `primary` is the answer itself.
    """

    name: str  # "adjusted", "without z", "your own"
    adjusted_for: tuple[str, ...]
    valid: bool
    why: str  # what the graph says of it
    mean: float
    sd: float
    interval: tuple[float, float]
    primary: bool = False
