"""How strong a common cause that nobody measured would have to be (Cinelli and Hazlett 2020; VanderWeele and
Ding 2017).

**Linear regressions.** Let U be left out of the regression of y on x and the set z. With R2_x the share of
what z leaves of x that U explains, and R2_y the share of what x and z leave of y that it explains, leaving U
out moves the estimate by

    se * sqrt(df) * sqrt(R2_y * R2_x / (1 - R2_x)),

exactly, whatever else U is (theorem 1 there); with U in the regression the standard error is se * sqrt((1 -
R2_y) / (1 - R2_x) * df / (df - 1)). The *robustness value* is the R2 that, if both had it, moves the estimate
to 0, or its interval to where it holds 0. A cause k times as strong as a node of the set has the shares that
section 4.4 there bounds by those of the node.

**Ratios.** The *E-value* is the risk ratio that U would have to have with both x and y, beyond the set, to
move a ratio of means to 1: RR + sqrt(RR (RR - 1)).

Everything here is of the regression that was fitted: its estimate, its sd, and its triangle
(`model/triangle.py`), so that no row is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from dagreg.binding.rows import Rows
from dagreg.doubts.types import Assumed, Benchmark, EValue, Sensitivity
from dagreg.effects.measures import Measure
from dagreg.effects.types import Estimate, Summary
from dagreg.engines.draws import Draws
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.prior_draws import draw
from dagreg.model.priors import given
from dagreg.model.terms import PriorChoice
from dagreg.numerics.arrays import Array
from dagreg.numerics.tails import t_reach, t_two_sided
from dagreg.spec.types import Assumption

TIMES = (1, 2, 3)  # as strong as a node
MAX_COLUMNS = 600
MAX_BENCHMARKS = 12  # nodes
TRIES = 5  # strengths that are drawn for each posterior draw
MIN_KEPT = 0.5  # of the draws: with fewer the priors have no room for the data
RATIOS = (Measure.RISK_RATIO, Measure.RATE_RATIO, Measure.MEAN_RATIO)


def sensitivity(
    model: Model,
    estimates: Sequence[Estimate],
    rows: Rows,
    draws: Draws,
    assume: Assumption | None = None,
    seed: int = 0,
) -> Sensitivity | None:
    """What a missed common cause would take away from the answer; None where neither way applies."""
    head = next((e for e in estimates if e.primary and e.average), None)
    if head is None or not model.estimator.offers.single or not model.complete:
        return None
    found = _linear(model, head, rows)
    if found is not None and assume is not None:
        return replace(found, assumed=_assumed(model, head, rows, draws, assume, seed))
    if found is not None:
        return found
    ratio = next((e for e in estimates if _is_ratio_of(e, head)), None)
    return None if ratio is None else Sensitivity(head.summary.level, e_value=e_value(ratio))


def _is_ratio_of(estimate: Estimate, head: Estimate) -> bool:
    same = (estimate.contrast, estimate.outcome_level) == (head.contrast, head.outcome_level)
    return same and not estimate.by and estimate.scale in RATIOS


# ---------------------------------------------------------------- linear regressions


def robustness_value(t: float, df: float, share: float = 1.0) -> float:
    """The R2 with x and with y that takes away this share of an estimate of t standard errors."""
    return _robustness(share * abs(t) / math.sqrt(df))


def robustness_of_interval(t: float, df: float, level: float) -> float:
    """The R2 that brings the interval with this probability to where it holds 0; 0 where it holds that."""
    critical = t_reach(level, df - 1)
    return _robustness(abs(t) / math.sqrt(df) - critical / math.sqrt(df - 1))


def _robustness(f: float) -> float:
    if f <= 0:
        return 0.0
    return 0.5 * (math.sqrt(f**4 + 4 * f**2) - f**2)


def partial_r2(t: float, df: float) -> float:
    """The share of what is left of y that x explains."""
    return t * t / (t * t + df)


def adjusted(mean: float, sd: float, df: float, level: float, with_x: float, with_y: float) -> Summary:
    """The estimate, with a common cause in the regression that explains these shares of x and y and that
    the estimate owes a part of its size to.
    """
    bias = sd * math.sqrt(df) * math.sqrt(with_y * with_x / (1 - with_x))
    moved = mean - math.copysign(bias, mean)
    spread = sd * math.sqrt((1 - with_y) / (1 - with_x) * df / (df - 1))
    reach = t_reach(level, df - 1) * spread
    beyond = 0.5 * t_two_sided(moved / spread, df - 1) if spread > 0 else 0.0
    positive = 1 - beyond if moved > 0 else beyond
    return Summary(moved, spread, moved, (moved - reach, moved + reach), level, positive, math.nan, math.nan)


def strengths(with_x: float, with_y: float, times: float) -> tuple[float, float] | None:
    """The shares of a cause so many times as strong as a node whose own partial R2 with x, given the others,
    and with y, given x and the others, are these; None where there is no such cause.

    Cinelli and Hazlett 2020, section 4.4: the bounds for a cause that is independent of the set.
    """
    if with_x >= 1 or with_y >= 1:
        return None
    share_x = times * with_x / (1 - with_x)
    linked = times * with_x**2 / ((1 - times * with_x) * (1 - with_x)) if times * with_x < 1 else 1.0
    if share_x >= 1 or linked >= 1:
        return None
    factor = (math.sqrt(times) + math.sqrt(linked)) / math.sqrt(1 - linked)
    share_y = factor**2 * with_y / (1 - with_y)
    return (share_x, share_y) if share_y < 1 else None


def _linear(model: Model, head: Estimate, rows: Rows) -> Sensitivity | None:
    place = _exposure(model, model.outcome)
    if place is None:
        return None
    units, triangle = rows.triangle(model, model.outcome)
    width = triangle.shape[1] - 1
    df = units - width
    mean, sd, level = head.summary.mean, head.summary.sd, head.summary.level
    if df < 3 or not (sd > 0 and math.isfinite(mean)):
        return None
    t = mean / sd
    return Sensitivity(
        level,
        robustness_value(t, df),
        robustness_of_interval(t, df, level),
        partial_r2(t, df),
        df,
        tuple(_benchmarks(model, triangle, place, head.summary, df)),
    )


def _assumed(
    model: Model, head: Estimate, rows: Rows, draws: Draws, assume: Assumption, seed: int
) -> Assumed | None:
    """The effect with a cause of the assumed strength, by posterior draw; None where the priors leave no room
    for what the data show.
    """
    place = _exposure(model, model.outcome)
    assert place is not None
    units, triangle = rows.triangle(model, model.outcome)
    outcome = triangle.shape[1] - 1
    rest = [i for i in range(outcome) if i != place]
    left = float(np.linalg.qr(triangle[:, [*rest, place]], mode="r")[-1, -1] ** 2)
    symbol = next(t.symbol for t in model.outcome.terms if t.factors == model.estimand.exposure)
    flat, rng = draws.flat(), np.random.default_rng([seed, 11])
    slopes, sigma = flat[symbol].reshape(-1), flat[model.outcome.auxiliaries[0].symbol]
    strengths = [given(prior) for prior in (assume.exposure, assume.outcome)]
    moved = with_cause(
        slopes,
        sigma,
        left / rng.chisquare(units - len(rest), (TRIES, len(slopes))),
        *(draw(rng, p, _numbers(p), (TRIES, len(slopes))) for p in strengths),
    )
    kept = np.isfinite(moved)
    if kept.sum() < MIN_KEPT * len(slopes):
        return None
    size = head.summary.mean / float(slopes.mean())  # of the contrast, in units of the exposure
    effect, tail = size * moved[kept], (1 - head.summary.level) / 2
    low, high = np.quantile(effect, [tail, 1 - tail])
    return Assumed(
        assume.name, float(effect.mean()), float(effect.std()), (float(low), float(high)), float(kept.mean())
    )


def with_cause(slopes: Array, sigma: Array, variance: Array, to_x: Array, to_y: Array) -> Array:
    """The slope less what a cause of these strengths adds to it; no number where that is impossible.

    `variance` is what the set leaves of the exposure. The cause, of variance 1 and independent of the set,
    adds to_x to_y / variance. It explains no more of the exposure than is left of it, and no more of the
    outcome than sigma^2.
    """
    share = np.square(to_x) / variance
    possible = (share < 1) & (np.square(to_y) * (1 - share) <= np.square(sigma))
    return np.where(possible, slopes - to_x * to_y / variance, np.nan)


def _numbers(prior: PriorChoice) -> tuple[float, ...]:
    return tuple(float(a) for a in prior.arguments if isinstance(a, float | int))


def _exposure(model: Model, equation: Equation) -> int | None:
    """The design column of the exposure, where its coefficient is the effect of one linear regression."""
    plain = equation.family.normal and equation.link.name == "identity" and equation.linked is None
    known = equation.error is None and equation.censoring is None and not equation.varying
    if not (plain and known) or len(model.equations) > 1 or len(model.estimand.exposure) != 1:
        return None
    (exposure,) = model.estimand.exposure
    own = [t for t in equation.terms if exposure in t.factors]
    if len(own) != 1 or own[0].factors != (exposure,) or own[0].curve is not None or len(own[0].columns) != 1:
        return None
    if sum(len(t.columns) for t in equation.terms) > MAX_COLUMNS:
        return None
    return next(at for term, at in _places(equation) if term == exposure)


def _places(equation: Equation) -> Iterator[tuple[str, int]]:
    """Each design column with the factors of its term: "x", "x:z"."""
    at = int(equation.has_intercept)
    for term in equation.terms:
        for _ in term.columns:
            yield term.name, at
            at += 1


def _benchmarks(
    model: Model, triangle: Array, exposure: int, summary: Summary, df: float
) -> Iterator[Benchmark]:
    """Each node of the set, and what a cause once, twice, three times as strong as it would do."""
    columns: dict[str, list[int]] = {}
    for name, at in _places(model.outcome):
        for factor in name.split(":"):
            if at != exposure and factor in model.variables:
                columns.setdefault(factor, []).append(at)
    outcome = triangle.shape[1] - 1
    nodes = [n for n in columns if n not in model.estimand.exposure][:MAX_BENCHMARKS]
    for node in nodes:
        with_x = shared(triangle, columns[node], exposure, without=(outcome,))
        with_y = shared(triangle, columns[node], outcome)
        for times in TIMES:
            strong = strengths(with_x, with_y, times)
            if strong is None or not all(map(math.isfinite, strong)):
                break
            moved = adjusted(summary.mean, summary.sd, df, summary.level, *strong)
            yield Benchmark(node, times, *strong, moved.mean, moved.sd, moved.interval)


def shared(triangle: Array, columns: Sequence[int], of: int, without: Sequence[int] = ()) -> float:
    """The share of what the other columns leave of one that these columns explain: a partial R2.

    `triangle`: R of the rows [design, response], so that R'R are their cross-products.
    """
    left_out = {*columns, of, *without}
    rest = [i for i in range(triangle.shape[1]) if i not in left_out]
    ordered = triangle[:, [*rest, *columns, of]]
    turned = np.linalg.qr(ordered, mode="r")
    told = np.square(turned[len(rest) : len(rest) + len(columns), -1]).sum()
    left = np.square(turned[len(rest) + len(columns) :, -1]).sum()
    return float(told / (told + left)) if told + left > 0 else 0.0


# ---------------------------------------------------------------- ratios


def e_value(ratio: Estimate) -> EValue:
    """The E-values of a ratio of means and of its interval: 1 where that holds 1 already."""
    low, high = ratio.summary.interval
    nearest = 1.0 if low <= 1 <= high else (low if low > 1 else high)
    return EValue(str(ratio.scale), _e(ratio.summary.mean), _e(nearest))


def _e(ratio: float) -> float:
    above = ratio if ratio >= 1 else 1 / ratio
    return above + math.sqrt(above * (above - 1))
