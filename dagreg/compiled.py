"""What `compile` answers: the program of a study, and what is solved in place of each model."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from dagreg.binding.table import Table
from dagreg.emit.program import Program
from dagreg.engines.table import pieces_of
from dagreg.errors import DagregError, Diagnostic, Doubt
from dagreg.model.plan import Plan
from dagreg.optimise.types import Pieces
from dagreg.programs import idle_doubts, lower_all, program_of, running_program
from dagreg.spec.brief import cut
from dagreg.study import Study


@dataclass(frozen=True, slots=True, repr=False)
class Compiled:
    """What `compile` answers: the program, the plan of each effect, and the study that they come from.

    `pieces` says, for each builder of the readable program, what an optimised one has in its place.
    """

    study: Study
    plans: tuple[Plan, ...]
    program: Program
    pieces: Pieces = field(default_factory=dict)

    def __repr__(self) -> str:
        return cut(f"<Compiled {self.study.spec.name!r}: {', '.join(self.program.builders)}>")

    @property
    def source(self) -> str:
        """The program's text."""
        return self.program.source

    def build(self, data: Any, builder: str = "build_adjusted") -> Any:
        """The pm.Model of one builder on these columns."""
        return self.program.build(builder, data)


def compile_study(
    study: Study,
    table: Table | None,
    estimator: str | None = None,
    *,
    optimised: bool = False,
    folder: str = "",
) -> Compiled:
    """The program of every effect, or of its models of one `estimator`, as it stands in `folder`.

    Raises DagregError where nothing is left to compile (DR431), or there are no data to optimise for (DR432).
    """
    spec = study.spec
    plans = lower_all(study, table)
    program = program_of(spec, plans, table, estimator, folder)
    if not program.builders:
        reasons = "; ".join(f"{left.estimator}: {left.reason}" for plan in plans for left in plan.left_out)
        raise DagregError((Diagnostic("DR431", f"there is no model to compile. {reasons}"),))
    no_data = "there are no data: undeclared types are taken as continuous, and default priors are rules"
    doubts = (*study.doubts, *((Doubt("DR301", no_data),) if table is None else ()))
    doubts += idle_doubts(spec, plans) if estimator is None else ()
    study = replace(study, doubts=(*doubts, *(table.doubts if table is not None else ())))
    if not optimised:
        return Compiled(study, plans, program)
    if table is None:
        raise DagregError(
            (Diagnostic("DR432", f"{spec.name} has no data here, and the optimiser needs them"),)
        )
    models = [m for plan in plans for m in plan.models if estimator in (None, m.estimator)]
    pieces = pieces_of(models, table.rows)
    running = running_program([p for group in pieces.values() for p in group], table, folder)
    return Compiled(study, plans, running, pieces)
