"""The engines in order of preference, and which of them solves a piece.

A new engine is a file and an entry here. Its file is loaded when it is first asked for: most fits need one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dagreg.binding.rows import Rows
from dagreg.emit.naming import names_of
from dagreg.engines.engine import Engine
from dagreg.errors import DagregError, Diagnostic
from dagreg.lazy import Lazy
from dagreg.model.plan import Model
from dagreg.optimise.passes import optimise
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import EngineSetting

if TYPE_CHECKING:
    from dagreg.engines import exact, importance, metropolis, mixed, nuts, quadrature
else:
    exact, mixed, metropolis = (Lazy(f"dagreg.engines.{n}") for n in ("exact", "mixed", "metropolis"))
    importance, quadrature, nuts = (Lazy(f"dagreg.engines.{n}") for n in ("importance", "quadrature", "nuts"))


@dataclass(frozen=True, slots=True)
class Engines(Mapping[str, Engine]):
    """Engines by name, each read off its file when it is asked for."""

    files: Mapping[str, Any]

    def __getitem__(self, name: str) -> Engine:
        engine: Engine = self.files[name].ENGINE
        return engine

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


ENGINES: Mapping[str, Engine] = Engines(
    {
        "exact": exact,
        "mixed": mixed,
        "metropolis": metropolis,
        "importance": importance,
        "quadrature": quadrature,
        "nuts": nuts,
    }
)
"""The first one without an obstacle solves; if its own check fails, the next. The last one never refuses."""


def demanded(setting: EngineSetting) -> Engine | None:
    """The engine that a spec demands; None where it leaves the choice."""
    return ENGINES.get(setting)


def are_independent(engines: str) -> bool:
    """Whether no Markov chain made the draws of these engines, their names with commas between."""
    known = [ENGINES.get(name) for name in engines.split(", ")]
    return all(engine is not None and engine.independent for engine in known)


def words(engine: str) -> str:
    """An engine in a report's words; the name of one that this version does not know."""
    return ENGINES[engine].words if engine in ENGINES else engine


def runs_program(engine: str) -> bool:
    """Whether an engine of this name runs the emitted program, and keeps a sampler's statistics."""
    return engine in ENGINES and ENGINES[engine].runs_program


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
    for engine in ENGINES.values():
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
