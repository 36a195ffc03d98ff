"""Which regressions a Metropolis chain with one proposal solves.

**Theorem.** Let the log likelihood be concave in the linear predictor (or in predictors and cutpoints; families say
under which links: `Family.concave`), the predictor linear in the parameters, and the log priors concave (Normal or
flat). Then

- the log posterior is concave: it has one mode, which Newton's method finds from any start;
- a proper posterior falls off at least exponentially (Cule and Samworth 2010, lemma 1), so that its ratio to any
  multivariate t density is bounded by some M;
- Metropolis-Hastings with independent proposals from that t converges to the posterior whatever its start, its
  distance from it shrinking by 1 - 1/M a step at least (Mengersen and Tweedie 1996, theorem 2.1; Tierney 1994).

With the t centred and scaled as the posterior, 1 - 1/M is small, a chain forgets in a few steps, and no gradient has
to be compiled. M is not known, though: NUTS takes over where few proposals are accepted, or where the chains disagree
or are worth few draws (`engine/metropolis.py`).
"""

from __future__ import annotations

from dataclasses import replace

from dagreg.model.densities import CONCAVE_PRIORS
from dagreg.model.equation import Equation
from dagreg.optimise.types import Data, Piece

STEP = "concave"
MOST = 40  # parameters: the curvature takes evaluations as their square, and acceptance falls


def concave(piece: Piece, data: Data) -> tuple[Piece, ...]:
    """The piece marked for the Metropolis engine, where its log posterior is concave."""
    if piece.engine == "exact":
        return (piece,)
    obstacle = _obstacle(piece)
    if obstacle:
        return (piece.noted(STEP, obstacle, applied=False),)
    why = "the log posterior has one mode, and a t density proposes whole draws (NUTS takes over if that does not fit)"
    return (replace(piece, engine="metropolis").noted(STEP, why, applied=True),)


def _obstacle(piece: Piece) -> str:
    if len(piece.model.equations) > 1 or piece.model.latents or piece.model.mixture is not None:
        return "its regressions share parameters, or values that are not known"
    equation = piece.equation
    family, link = equation.family, equation.link.name
    if link not in family.concave:
        return f"the likelihood of {family.words} with the {link} link is not known to be concave"
    if equation.varying:
        return f"coefficients vary between the levels of {equation.varying[0].group}"
    if equation.censoring is not None:
        return f"values of {equation.response} are censored"
    if equation.dropped:
        return f"rows lack {equation.response}"
    bent = [p for p in equation.coefficients if p.distribution not in CONCAVE_PRIORS]
    if bent:
        return f"the log of the prior {bent[0]} is not concave and smooth"
    count = parameters(equation)
    return f"it has {count} parameters, more than {MOST}" if count > MOST else ""


def parameters(equation: Equation) -> int:
    """How many numbers its parameters are."""
    head = int(equation.has_intercept)
    slopes = len(equation.coefficients) - head
    several = len(equation.levels) - 1
    match equation.family.predictor:
        case "unordered":
            return several * (head + slopes)
        case "ordered":
            return several + slopes
        case _:
            return head + slopes
