"""Each regression on its own.

**Theorem.** Let the equations of a model have parameters phi_1, ..., phi_k that are independent a priori, and
let the rows be complete, so that the likelihood is the product of p(v_i | pa(v_i), phi_i). Then

    p(phi_1, ..., phi_k | data)  is proportional to  prod_i p(phi_i) p(v_i | pa(v_i), phi_i):

the posterior is the product of the posteriors of the regressions (Spiegelhalter and Lauritzen 1990, global
parameter independence), and draws of each, set side by side, are draws of the whole.

An equation whose errors correlate with another's (an instrument's second stage) shares that one's
parameters: such equations stay together.
"""

from __future__ import annotations

from dataclasses import replace

from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.symbols import Namer
from dagreg.optimise.types import Data, Piece

STEP = "factorise"


def factorise(piece: Piece, data: Data) -> tuple[Piece, ...]:
    """One piece for each regression; those that share values which are not known stay together."""
    model = piece.model
    if len(model.equations) == 1:
        return (piece.noted(STEP, "it is the only regression of its model", applied=False),)
    linked = [e for e in model.equations if e.linked is not None]
    if linked:
        why = f"the errors of {linked[0].response} correlate with those of {linked[0].linked}"
        return (piece.noted(STEP, why, applied=False),)
    unknown = {latent.variable for latent in model.latents}
    shared = tuple(e for e in model.equations if unknown & {e.response, *e.predictors})
    namer = Namer()
    why = "complete rows and independent priors: its posterior does not depend on the other regressions"
    pieces = tuple(
        replace(piece, model=alone(model, e, namer)).noted(STEP, why, applied=True)
        for e in model.equations
        if e not in shared
    )
    if not shared:
        return pieces
    why = f"values of {', '.join(sorted(unknown))} are not known, and its regressions share them"
    together = replace(piece, model=_together(model, shared, namer)).noted(STEP, why, applied=False)
    return (together, *pieces)


def alone(model: Model, equation: Equation, namer: Namer) -> Model:
    """The model of one of its equations."""
    return replace(_together(model, (equation,), namer), latents=(), mixture=None)


def _together(model: Model, equations: tuple[Equation, ...], namer: Namer) -> Model:
    """The model of some of its equations."""
    names = {name for e in equations for name in (e.response, *e.predictors)}
    variables = {name: v for name, v in model.variables.items() if name in names}
    builder = namer.identifier(model.builder, variables[equations[-1].response].symbol)
    return replace(
        model, builder=builder, variables=variables, equations=equations, functional=None, factors=()
    )
