"""The optimiser: the same posterior for less work. Every pass is a file, with its theorem and its own tests."""

from __future__ import annotations

from dagreg.emit.naming import names_of
from dagreg.errors import Diagnostic
from dagreg.model.plan import Model
from dagreg.optimise.cells import cells
from dagreg.optimise.concave import concave
from dagreg.optimise.conjugate import conjugate, obstacle
from dagreg.optimise.factorise import factorise
from dagreg.optimise.grouped import grouped
from dagreg.optimise.sufficient import sufficient
from dagreg.optimise.types import Data, Pass, Piece

PASSES: tuple[Pass, ...] = (factorise, grouped, cells, sufficient, conjugate, concave)
"""In their order: regressions are taken apart before each is reduced, and reduced before it is solved."""


def optimise(model: Model, data: Data) -> tuple[Piece, ...]:
    """The model as pieces whose posteriors, side by side, are its posterior."""
    pieces: tuple[Piece, ...] = (Piece(model, names_of(model), data.count),)
    for step in PASSES:
        pieces = tuple(done for piece in pieces for done in step(piece, data))
    return pieces


def as_written(model: Model, rows: int) -> tuple[Piece, ...]:
    """The model untouched: what `engine: nuts` runs."""
    piece = Piece(model, names_of(model), rows)
    return (piece.noted("optimise", "`engine: nuts` runs the program as it is written", applied=False),)


def refusals(pieces: tuple[Piece, ...]) -> tuple[Diagnostic, ...]:
    """One error for every piece that `engine: exact` cannot solve."""
    found = []
    for piece in pieces:
        reason, span = obstacle(piece)
        if reason and piece.flaw is None:  # where there is no posterior, no engine will do, and the fit says so
            what = f"`engine: exact` cannot solve the regression of `{piece.equation.response}`"
            found.append(
                Diagnostic("DR502", f"{what} ({piece.model.estimator}): {reason}", span, label="say `engine: auto`")
            )
    return tuple(dict.fromkeys(found))
