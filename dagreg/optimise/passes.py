"""The optimiser: the same posterior for less work.

Every pass is a file, with its theorem and its own tests.
"""

from __future__ import annotations

from dagreg.emit.naming import names_of
from dagreg.model.plan import Model
from dagreg.optimise.cells import cells
from dagreg.optimise.factorise import factorise
from dagreg.optimise.grouped import grouped
from dagreg.optimise.sufficient import sufficient
from dagreg.optimise.types import Data, Pass, Piece

PASSES: tuple[Pass, ...] = (factorise, grouped, cells, sufficient)
"""In their order: regressions are taken apart before each is reduced."""


def optimise(model: Model, data: Data) -> tuple[Piece, ...]:
    """The model as pieces whose posteriors, side by side, are its posterior; no engine is chosen yet."""
    pieces: tuple[Piece, ...] = (Piece(model, names_of(model), data.count),)
    for step in PASSES:
        pieces = tuple(done for piece in pieces for done in step(piece, data))
    return pieces
