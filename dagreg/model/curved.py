"""Which terms of a regression are curves, and their knots."""

from __future__ import annotations

from dagreg.errors import DagregError, Diagnostic
from dagreg.model.cells import at_zero
from dagreg.model.context import Context, Regression
from dagreg.model.types import CurveBasis


def curve_of(context: Context, regression: Regression, name: str) -> CurveBasis | None:
    """The curve that the spec asks for, with its knots where there are data.

    Raises DagregError (DR442) where there is none: of levels, of too few values, in the linear regressions of an
    instrument, and at an intercept's prior without data.
    """
    said = context.spec.regressions.get(regression.response)
    curve = said.curves.get(name) if said is not None else None
    if curve is None:
        return None
    summary = context.summary.curves.get(f"{name} {curve}") if context.summary is not None else None
    wrong = ""
    if context.variables[name].levels:
        wrong = f"`{name}` is {context.variables[name].type}, and curves are of numbers"
    elif regression.family is not None:
        wrong = "the regressions of an instrument are linear"
    elif summary is not None and not summary.means:
        wrong = f"`{name}` has too few distinct values for {curve}: its knots coincide"
    elif summary is None and at_zero(context, regression):
        wrong = f"the intercept's prior is at {name} = 0, and where its knots lie is not known without data"
    if wrong:
        raise DagregError((Diagnostic("DR442", wrong, curve.span),))
    return summary.basis if summary is not None else CurveBasis(curve.kind, curve.columns)
