"""Whether a fit has room in memory, from what is known before it starts."""

from __future__ import annotations

from collections.abc import Sequence

from dagreg.binding.memory import COPIES, SETTING, of_rows, room
from dagreg.binding.row_sums import in_sql
from dagreg.binding.rows import Rows
from dagreg.errors import DagregError, Diagnostic
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.spec.types import Sampling

COPIES_SCANNED = 2  # of a large table's, where the database sums them
# numbers kept for each draw of a coefficient: draws, statistics, what effects and reports make of them
PER_DRAW = 12
# of all chains: chance then moves a mean by a thousandth of its sd, and they take minutes
MAX_DRAWS = 2_000_000
SIMULATED = 4  # copies of simulated rows that are alive at once
MEMORY_SHARE = 0.5  # of the memory, for rows that are simulated


def check_count(sampling: Sampling) -> None:
    """Raises DagregError (DR574) for more draws than a fit makes."""
    asked = sampling.draws * sampling.chains
    if asked > MAX_DRAWS:
        message = (
            f"{sampling.chains:,} chains of {sampling.draws:,} draws are {asked:,}, and at most "
            f"{MAX_DRAWS:,} "
        )
        note = (
            "4,000 independent draws give a mean to 2 % of its sd: ask for fewer with `sampling:` or "
            "`--draws`"
        )
        raise DagregError((Diagnostic("DR574", f"{message}are made", notes=(note,)),))


def check_rows(rows: int, columns: int) -> None:
    """Raises DagregError (DR574) where simulated rows would take more than half of the memory."""
    need, most = 8 * SIMULATED * rows * columns, room()
    if most is not None and need > MEMORY_SHARE * most:
        message = f"{rows:,} rows of {columns:,} columns need about {need / 1e9:,.3g} GB of memory"
        note = "simulate fewer rows, or several times with another `--seed`"
        raise DagregError(
            (Diagnostic("DR574", f"{message}, and there are {most / 1e9:,.3g} GB", notes=(note,)),)
        )


def check_room(models: Sequence[Model], rows: Rows, sampling: Sampling) -> None:
    """Raises DagregError (DR508) where the largest regression or its draws need more memory than there is."""
    most = room()
    if most is None or not models:
        return
    need, equation, model = max(
        ((_of_rows(e, rows) + _of_draws(e, sampling), e, m) for m in models for e in m.equations),
        key=lambda t: t[0],
    )
    if need <= most:
        return
    draws, width = sampling.chains * sampling.draws, _width(equation)
    mostly = _of_draws(equation, sampling) > need / 2
    way = (
        f"keep fewer draws: `sampling: {{draws: 1000}}` (there would be {draws:,} of {width:,} coefficients)"
        if mostly
        else "fit a random part of the rows, adjust for fewer columns (`adjust:`), or make a category of "
        "many levels a `group`"
    )
    raise DagregError(
        (
            Diagnostic(
                "DR508",
                f"the regression of `{equation.response}` ({model.estimator}; {rows.count:,} rows, {width:,} "
                f"coefficients, {draws:,} draws) would take about {need / 1e9:,.3g} GB of memory, and "
                f"there are {most / 1e9:,.3g} GB",
                equation.span,
                label=way if equation.span else "",
                notes=(way, f"{SETTING}=32 lets it use 32 GB, whatever this machine says it has"),
            ),
        )
    )


def _width(equation: Equation) -> int:
    several = max(len(equation.levels) - 1, 1)
    return len(equation.coefficients) * several + sum(
        len(v.levels) * len(v.deviations) for v in equation.varying
    )


def _of_rows(equation: Equation, rows: Rows) -> float:
    """Bytes of a regression's design and its copies: none of rows that stay in a database."""
    if rows.in_place is not None and in_sql(equation):
        return 0.0
    summed = rows.large and equation.family.normal and not equation.varying
    return of_rows(rows.count, len(equation.coefficients) + 1, COPIES_SCANNED if summed else COPIES)


def _of_draws(equation: Equation, sampling: Sampling) -> float:
    return 8.0 * sampling.chains * sampling.draws * (_width(equation) + 2) * PER_DRAW
