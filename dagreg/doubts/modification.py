"""Whether the effect of a two-valued exposure differs between rows where the regression is a plane.

Its slope is then the answer for everyone, for the treated and for the untreated alike: where the effect
differs between rows it is neither of the three, but an average that weighs strata by the exposure's variance
within them (Angrist 1998; Sloczynski 2022). With products of the exposure and of the covariates, centred at
their means over the rows that the effect is averaged over, its slope is the average asked for (Lin 2013).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dagreg.binding.columns import as_columns
from dagreg.binding.rows import Rows
from dagreg.doubts.point import design_of_rows
from dagreg.effects.rows import averaged_over, linear
from dagreg.effects.types import Estimate
from dagreg.errors import Doubt
from dagreg.identify.words import quoted
from dagreg.model.design import encoded
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array
from dagreg.numerics.tails import f_upper

MAX_CHANCE = 0.001  # probability of products that fit so well, were there none
MAX_ROWS = 50_000


def modification_doubts(
    model: Model, estimates: Sequence[Estimate], data: Mapping[str, Any], seed: int
) -> list[Doubt]:
    """DR590 where the products fit beyond chance and move the answer by more than its posterior sd."""
    heads = [e for e in estimates if e.average]
    if not _plane(model) or len(heads) != 1:
        return []
    table = as_columns(data).in_database
    fitted = _with_products(model, data if table is None else _sampled(model, table, seed))
    mean, sd = heads[0].summary.mean, heads[0].summary.sd
    if fitted is None or fitted[1] > MAX_CHANCE or abs(fitted[0]) <= sd:
        return []
    (exposure,) = model.estimand.exposure
    response, others = model.outcome.response, _others(model)
    products = ", ".join(f'"{exposure}:{name}"' for name in others)
    whom = "" if model.estimand.among == "everyone" else f" on the {model.estimand.among}"
    message = (
        f"The effect differs between rows: the regression of `{response}` has no product of `{exposure}` "
        f"with {quoted(others)}, so it gives everyone, the treated and the untreated one effect, "
        f"{mean:.3g}. With these products, which fit beyond chance, the average effect{whom} is "
        f"{mean + fitted[0]:.3g}. The first is the one reported."
    )
    remedy = f"`interactions: [{products}]` under `{response}` gives the second."
    return [Doubt("DR590", message, remedy=remedy)]


def _sampled(model: Model, data: Rows, seed: int) -> Mapping[str, Any]:
    """Complete rows of a large table."""
    some = data.sample(model.columns, MAX_ROWS, seed)
    complete = ~np.any([np.ma.getmaskarray(values) for values in some.values()], axis=0)
    return {name: np.ma.getdata(values)[complete] for name, values in some.items()}


def _plane(model: Model) -> bool:
    """Whether the outcome is one Gaussian regression, linear in known values, on a single two-valued
    exposure.
    """
    e, exposures = model.outcome, model.estimand.exposure
    plain = e.error is None and e.censoring is None and e.dropped == 0 and not e.varying
    single = len(model.equations) == 1 and len(exposures) == 1 and model.estimand.average
    known = not model.unknown and e.family.normal and linear(model)
    return (
        plain and single and known and len(model.variables[exposures[0]].levels) == 2 and bool(_others(model))
    )


def _others(model: Model) -> list[str]:
    return [name for name in model.outcome.predictors if name not in model.estimand.exposure]


def _with_products(model: Model, data: Mapping[str, Any]) -> tuple[float, float] | None:
    """How far the products move the average effect, and the F test's p-value.

    None where rows do not tell them.
    """
    this = design_of_rows(model, model.outcome, data)
    x = encoded(model, model.estimand.exposure, data)[model.estimand.exposure[0]]
    z = np.hstack(list(encoded(model, _others(model), data).values()))
    averaged = this.units * averaged_over(model, data, len(z))
    plane = np.hstack([np.ones((len(z), 1)), x, z])
    products = x * z
    if ((products == 0).all(axis=0) | (products == z).all(axis=0)).any():
        return None  # in some level the exposure does not vary: its product is a combination
    full = np.hstack([plane, x * (z - averaged @ z / averaged.sum())])
    answers = [_least_squares(columns, this.response, this.units) for columns in (plane, full)]
    rows, spare = this.units.sum(), full.shape[1] - plane.shape[1]
    if any(a is None for a in answers) or rows <= full.shape[1]:
        return None
    (first, before), (second, after) = (a for a in answers if a is not None)
    if not after > 0:
        return None
    ratio = (before - after) / spare / (after / (rows - full.shape[1]))
    return float(second[1] - first[1]), f_upper(ratio, spare, rows - full.shape[1])


def _least_squares(columns: Array, response: Array, units: Array) -> tuple[Array, float] | None:
    """Coefficients and residual sum of squares; None where the columns are collinear."""
    scale = np.maximum(np.abs(columns).max(axis=0), 1e-300)
    root = np.sqrt(units)
    beta, _, rank, _ = np.linalg.lstsq(columns / scale * root[:, None], response * root, rcond=1e-9)
    if rank < columns.shape[1]:
        return None
    left = response - columns / scale @ beta
    return beta / scale, float(units @ left**2)
