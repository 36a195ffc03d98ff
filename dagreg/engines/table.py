"""The engines in order of preference, and which of them solves a piece.

A new engine is a file and an entry here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from dagreg.binding.rows import Rows
from dagreg.emit.naming import names_of
from dagreg.engines import exact, importance, metropolis, mixed, nuts, quadrature
from dagreg.engines.engine import Engine
from dagreg.errors import DagregError, Diagnostic
from dagreg.model.plan import Model
from dagreg.optimise.passes import optimise
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import EngineSetting

ENGINES: tuple[Engine, ...] = (
    exact.ENGINE,
    mixed.ENGINE,
    metropolis.ENGINE,
    importance.ENGINE,
    quadrature.ENGINE,
    nuts.ENGINE,
)
"""The first one without an obstacle solves; if its own check fails, the next. The last one never refuses."""

BY_NAME: Mapping[str, Engine] = {engine.name: engine for engine in ENGINES}


def demanded(setting: EngineSetting) -> Engine | None:
    """The engine that a spec demands; None where it leaves the choice."""
    return BY_NAME.get(setting)


def are_independent(engines: str) -> bool:
    """Whether no Markov chain made the draws of these engines, their names with commas between."""
    known = [BY_NAME.get(name) for name in engines.split(", ")]
    return all(engine is not None and engine.independent for engine in known)


def words(engine: str) -> str:
    """An engine in a report's words; the name of one that this version does not know."""
    return BY_NAME[engine].words if engine in BY_NAME else engine


def runs_program(engine: str) -> bool:
    """Whether an engine of this name runs the emitted program, and keeps a sampler's statistics."""
    return engine in BY_NAME and BY_NAME[engine].runs_program


def pieces_of(
    models: Sequence[Model], data: Rows, setting: EngineSetting = "auto"
) -> dict[str, tuple[Piece, ...]]:
    """What is solved in place of each model, by its builder, with the engines of each piece.

    Raises DagregError (DR502) where the spec demands an engine that cannot solve a piece.
    """
    engine = demanded(setting)
    if engine is not None and engine.runs_program:
        return {model.builder: (_as_written(model, data.count, engine),) for model in models}
    data.prepare(models)
    reduced = {model.builder: optimise(model, data) for model in models}
    if engine is not None:
        refusals = [d for pieces in reduced.values() for d in _refusals(pieces, data, engine)]
        if refusals:
            raise DagregError(tuple(refusals))
    return {builder: tuple(assigned(piece, data) for piece in pieces) for builder, pieces in reduced.items()}


def assigned(piece: Piece, data: Data) -> Piece:
    """The piece with its engines: the first that can solve it, and those that take over where its check
    fails.

    Up to the first that can, each leaves a note that says why, or why not.
    """
    chosen: list[Engine] = []
    for engine in ENGINES:
        obstacle = engine.obstacle(piece, data)
        if not chosen and engine.step:
            why = engine.grounds(piece) if obstacle is None else obstacle.why
            piece = piece.noted(engine.step, why, applied=obstacle is None) if why else piece
        if obstacle is None:
            chosen.append(engine)
            if not engine.unfit:
                break
    return replace(piece, engines=tuple(engine.name for engine in chosen))


def _as_written(model: Model, rows: int, engine: Engine) -> Piece:
    """The model untouched."""
    why = f"`engine: {engine.name}` runs the program as it is written"
    return replace(Piece(model, names_of(model), rows), engines=(engine.name,)).noted(
        "optimise", why, applied=False
    )


def _refusals(pieces: tuple[Piece, ...], data: Data, engine: Engine) -> tuple[Diagnostic, ...]:
    """One error for every piece that the engine cannot solve."""
    refusals = []
    for piece in pieces:
        obstacle = engine.obstacle(piece, data)
        if (
            obstacle is not None and piece.flaw is None
        ):  # a fit without a posterior says so, whatever the engine
            what = f"`engine: {engine.name}` cannot solve the regression of `{piece.equation.response}`"
            message = f"{what} ({piece.model.estimator}): {obstacle.why}"
            refusals.append(Diagnostic("DR502", message, obstacle.span, label="say `engine: auto`"))
    return tuple(dict.fromkeys(refusals))
