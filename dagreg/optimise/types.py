"""What the passes read and write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy.typing as npt

from dagreg.emit.naming import Names
from dagreg.emit.program import Builder
from dagreg.errors import Diagnostic
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.statistics import CellCounts, Sufficient
from dagreg.numerics.arrays import Array
from dagreg.sources.types import Grouping
from dagreg.spec.brief import Brief


@dataclass(frozen=True, slots=True)
class Note:
    """What a pass did to a regression, or why it did nothing."""

    step: str  # the name of the pass
    applied: bool
    why: str


@dataclass(frozen=True, slots=True, repr=False)
class Piece(Brief):
    """A factor of a model's posterior, solved on its own: its equations as the passes have rewritten them.

    `rows` is the number of rows that its engine sees; `grouping` the table that they come from, where it is
    not the data's own; `statistics` stand in place of all rows. `flaw` says why there is no posterior to draw
    from. `engines` are the names of those that can solve it (`engines/table.py`), the preferred one first;
    none until they are chosen.
    """

    model: Model
    names: Names  # of the program of the whole model, which the pieces keep
    rows: int
    grouping: Grouping | None = None
    statistics: Sufficient | CellCounts | None = None
    engines: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    flaw: Diagnostic | None = None

    @property
    def equation(self) -> Equation:
        """Its last regression: the only one, unless several are linked."""
        return self.model.equations[-1]

    @property
    def engine(self) -> str:
        """The name of the engine that solves it, unless its own check fails."""
        return self.engines[0]

    @property
    def builder(self) -> Builder:
        """What its function in a program is made of."""
        return Builder(
            self.model, self.names, self.statistics if isinstance(self.statistics, Sufficient) else None
        )

    @property
    def reads_rows(self) -> bool:
        """Whether its program reads a table at all."""
        return not isinstance(self.statistics, Sufficient)

    @property
    def reduced(self) -> bool:
        """Whether something other than the rows stands for the rows."""
        return self.grouping is not None or not self.reads_rows

    def noted(self, step: str, why: str, *, applied: bool) -> Piece:
        return replace(self, notes=(*self.notes, Note(step, applied, why)))


class Data(Protocol):
    """What the passes ask of the data."""

    @property
    def count(self) -> int:
        """Rows used."""
        ...

    def distinct(self, columns: Sequence[str]) -> int:
        """Distinct combinations of these columns."""
        ...

    def grouped(self, grouping: Grouping) -> Mapping[str, npt.NDArray[Any]]:
        """The columns of a grouped table."""
        ...

    def triangle(self, model: Model, equation: Equation) -> tuple[float, Array]:
        """The units of a Gaussian regression, and the triangle of its rows [design, response]."""
        ...


Pieces = Mapping[str, tuple[Piece, ...]]  # by the builder of the model that they stand for
Pass = Callable[[Piece, Data], tuple[Piece, ...]]
