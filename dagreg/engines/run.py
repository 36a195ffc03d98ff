"""The pieces of a model on their engines, their draws side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dagreg.binding.rows import Rows
from dagreg.emit.program import Program
from dagreg.engines.draws import Draws
from dagreg.engines.engine import Progress
from dagreg.engines.store import Store, key_of, seeded
from dagreg.engines.table import ENGINES
from dagreg.errors import Unsolvable
from dagreg.model.plan import Model
from dagreg.optimise.types import Piece
from dagreg.spec.types import Sampling


def draw(
    pieces: Sequence[Piece],
    program: Callable[[], Program],
    data: Rows,
    sampling: Sampling,
    store: Store | None = None,
    progress: Progress = lambda message: None,
) -> Draws:
    """Draws of a whole model: those in the store where a piece has not changed, else those of its engine.

    The posterior is the product of the pieces', so independent draws of each are draws of the whole; their
    seeds differ for that reason. `program` is emitted where an engine runs it. Raises Unsolvable where a
    piece has no posterior to draw from.
    """
    known = Store() if store is None else store
    return joined(
        [_draw_piece(p, program, data, own, known, progress) for p, own in _settings(pieces, sampling)]
    )


def reusable(pieces: Sequence[Piece], data: Rows, sampling: Sampling, store: Store) -> tuple[bool, ...]:
    """Of each piece of a model, whether the store names its draws."""
    return tuple(store.holds(key_of(piece, data, own)) for piece, own in _settings(pieces, sampling))


def _settings(pieces: Sequence[Piece], sampling: Sampling) -> list[tuple[Piece, Sampling]]:
    return [(piece, seeded(piece, sampling, whole=len(pieces) == 1)) for piece in pieces]


def _draw_piece(
    piece: Piece,
    program: Callable[[], Program],
    data: Rows,
    sampling: Sampling,
    store: Store,
    progress: Progress,
) -> Draws:
    key = key_of(piece, data, sampling)
    draws = store.find(key)
    if draws is None:
        draws = store.keep(key, _solve(piece, program, data, sampling, progress))
    return with_intercepts(draws, piece.model)


def _solve(
    piece: Piece, program: Callable[[], Program], data: Rows, sampling: Sampling, progress: Progress
) -> Draws:
    """The draws of the first of its engines that does not give up."""
    if piece.flaw is not None:
        raise Unsolvable((piece.flaw,))
    for name in piece.engines:
        draws = ENGINES[name].solve(piece, data, sampling, program, progress)
        if draws is not None:
            return draws
    raise AssertionError(f"{piece.engines[-1]} gave up, and no engine is left")


def with_intercepts(draws: Draws, model: Model) -> Draws:
    """The draws with zeros for the intercept of a regression that has none: predictors need no case of their
    own.
    """
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
        parts=tuple(own for part in parts for own in part.parts),
    )
