"""What there is to know of an engine: the record that the file of each engine fills in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dagreg.binding.rows import Rows
from dagreg.emit.program import Program
from dagreg.engines.draws import Draws
from dagreg.errors import Span
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import Sampling

Progress = Callable[[str], None]
"""Takes a line on how a fit gets on."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why an engine cannot solve a piece, and the place in the spec that says so."""

    why: str
    span: Span | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Engine:
    """A way to draw from the posterior of a piece. Everything else asks this record: no other file names an
    engine.

    - `name`: in specs, JSON and saved results. `words`: in a report's line on the engine; `participle`: of
      what it has solved.
    - `obstacle(piece, data)`: why it cannot solve a piece; None where it can.
    - `solve(piece, data, sampling, program, progress)`: the draws; None where its own check finds that they
      would not be the posterior's, and the next engine takes over. `unfit` says why in a report; an engine
      without it never gives up. `program` emits the readable program, for engines that run it.
    - `independent`: no Markov chain makes its draws. `runs_program`: it runs the emitted program, by PyMC,
      and keeps a sampler's statistics.
    - `packages`: those whose versions its draws hang on.
    - `step`: the line of `--explain-plan` that says whether it can; `grounds(piece)`: why it can, "" if a
      pass has said so. No line without a `step`.
    - `in_place(piece, data)`: whether it solves a piece by questions to the database that holds the rows.
    - `statistics(piece)`: what stands for program and rows, where its draws hang on no more than that; its
      generator then takes the regression beside the seed. None if they hang on program and rows.
    """

    name: str
    words: str
    participle: str
    obstacle: Callable[[Piece, Data], Obstacle | None]
    solve: Callable[[Piece, Rows, Sampling, Callable[[], Program], Progress], Draws | None]
    packages: tuple[str, ...]
    independent: bool = False
    runs_program: bool = False
    unfit: str = ""
    step: str = ""
    grounds: Callable[[Piece], str] = lambda piece: ""
    in_place: Callable[[Piece, Rows], bool] = lambda piece, data: False
    statistics: Callable[[Piece], object] | None = None

    def __repr__(self) -> str:
        return f"Engine({self.name!r})"


def columns_read(piece: Piece, data: Rows) -> Mapping[str, Any]:
    """The columns that a piece's program reads: the data's own, those of a grouped table, or none."""
    if not piece.reads_rows:
        return {}
    return data if piece.grouping is None else data.grouped(piece.grouping)
