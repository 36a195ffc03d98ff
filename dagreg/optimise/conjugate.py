"""Which regressions need no sampler.

**Theorem.** Let y | b, sigma ~ Normal(X b, sigma) and b ~ Normal(m, diag(d^2)), some d infinite (flat), and let
sigma have any prior. Then b | sigma, y is Normal, and sigma has the one-dimensional marginal

    p(sigma | y)  ~  p(sigma) Normal(y | X m, sigma^2 + X diag(d^2) X')

(Bishop 2006, section 3.5; flat coefficients integrated out). A grid over log sigma gives its distribution
function, and draws of sigma, then of b given sigma, are independent draws of the posterior: the `exact` engine.
Both steps need the sufficient statistics only.
"""

from __future__ import annotations

from dataclasses import replace

from dagreg.errors import Span
from dagreg.model.densities import LOG_DENSITIES
from dagreg.model.equation import Equation
from dagreg.optimise.types import Data, Piece

STEP = "conjugate"
NORMAL = ("Normal", "Flat")


def conjugate(piece: Piece, data: Data) -> tuple[Piece, ...]:
    """The piece marked for the exact engine, where that can solve it."""
    reason, _ = obstacle(piece)
    if piece.engine == "exact":
        return (piece,)
    if reason:
        return (piece.noted(STEP, reason, applied=False),)
    why = "coefficients are Normal given sigma, and sigma's marginal is one integral"
    return (replace(piece, engine="exact").noted(STEP, why, applied=True),)


def obstacle(piece: Piece) -> tuple[str, Span | None]:
    """Why the exact engine cannot solve a piece, or "", and the place in the spec that says so."""
    if len(piece.model.equations) > 1:
        return "its regressions share parameters, or values that are not known", piece.equation.span
    equation = piece.equation
    if piece.engine == "exact":
        return "", None
    if not equation.family.normal:
        return f"a {equation.family.name} likelihood has no conjugate prior here", equation.span
    reason, span = _prior_obstacle(equation)
    if reason or piece.statistics is not None:
        return reason, span
    return next((n.why for n in reversed(piece.notes) if not n.applied), "its rows are needed"), equation.span


def _prior_obstacle(equation: Equation) -> tuple[str, Span | None]:
    for prior in equation.coefficients:
        if prior.distribution not in NORMAL:
            return f"the prior {prior} of a coefficient is not Normal", prior.span
    (sigma,) = (a.prior for a in equation.auxiliaries)
    if sigma.distribution not in LOG_DENSITIES:
        return f"the prior {sigma} of sigma has no density here", sigma.span
    return "", None
