"""The pieces of a model on their engines, their draws side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dagreg.data.rows import Rows
from dagreg.emit.program import Program
from dagreg.engine.draws import Draws
from dagreg.engine.exact import draw_exactly
from dagreg.model.types import Model
from dagreg.optimise.types import Piece
from dagreg.spec.types import Sampling


def draw(pieces: Sequence[Piece], program: Program, data: Rows, sampling: Sampling) -> Draws:
    """Draws of a whole model: exact where a piece allows, else by NUTS on the piece's program.

    The posterior is the product of the pieces', so independent draws of each are draws of the whole;
    their seeds differ for that reason.
    """
    return joined(
        [_draw_piece(p, program, data, replace(sampling, seed=sampling.seed + i)) for i, p in enumerate(pieces)]
    )


def _draw_piece(piece: Piece, program: Program, data: Rows, sampling: Sampling) -> Draws:
    if piece.exact:
        return _with_intercepts(draw_exactly(piece.model, sampling), piece.model)
    from dagreg.engine.nuts import sample

    table = {} if not piece.reads_rows else data if piece.grouping is None else data.grouped(piece.grouping)
    return _with_intercepts(sample(program, piece.model, table, sampling), piece.model)


def _with_intercepts(draws: Draws, model: Model) -> Draws:
    """The draws with zeros for the intercept of a regression that has none: predictors need no case of their own."""
    zeros = {e.intercept: np.zeros(draws.shape) for e in model.equations if not e.has_intercept}
    return replace(draws, values={**zeros, **draws.values}) if zeros else draws


def joined(parts: Sequence[Draws]) -> Draws:
    """Draws of independent parameters as one."""
    if len(parts) == 1:
        return parts[0]
    return Draws(
        values={name: values for part in parts for name, values in part.values.items()},
        engine=", ".join(sorted({part.engine for part in parts})),
        divergences=sum(part.divergences for part in parts),
        seconds=sum(part.seconds for part in parts),
        trees=tuple(tree for part in parts for tree in part.trees),
    )
