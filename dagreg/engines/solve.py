"""Every model of every plan on its engines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from dagreg.binding.table import Table
from dagreg.engines.draws import Draws
from dagreg.engines.engine import Progress
from dagreg.engines.run import draw
from dagreg.engines.store import Store
from dagreg.errors import Unsolvable
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model, Plan
from dagreg.optimise.types import Pieces
from dagreg.programs import running_program
from dagreg.spec.brief import Brief


@dataclass(frozen=True, slots=True)
class Failure:
    """A model of the plan that could not be solved: the code, the sentence, and what may mend it."""

    estimator: Estimator
    builder: str
    code: str
    message: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Solved(Brief):
    """A plan with the draws of its models, by builder; none where its primary or its first model failed."""

    plan: Plan
    draws: Mapping[str, Draws]
    failures: tuple[Failure, ...]
    distinct: Mapping[str, Any]  # the distinct rows that its models read with their counts, or else all rows

    @property
    def models(self) -> tuple[Model, ...]:
        """The models that there are draws of."""
        return tuple(m for m in self.plan.models if m.builder in self.draws)

    @property
    def by_estimator(self) -> dict[str, Draws]:
        return {m.estimator: self.draws[m.builder] for m in self.models}


def solve(
    plans: Iterable[Plan], pieces: Pieces, table: Table, store: Store, progress: Progress
) -> Iterator[Solved]:
    """Each plan solved in turn; draws that the store has are not made again."""
    return (_solved(plan, pieces, table, store, progress) for plan in plans)


def _solved(plan: Plan, pieces: Pieces, table: Table, store: Store, progress: Progress) -> Solved:
    spec = table.spec
    distinct = (table.rows.counted(plan.models) if plan.models else None) or table.rows
    draws: dict[str, Draws] = {}
    failures: list[Failure] = []
    for model in plan.models:
        progress(f"{spec.name}: solving the {model.estimator} model")
        group = pieces[model.builder]
        try:
            made = draw(
                group,
                partial(running_program, group, table),
                table.rows,
                spec.sampling,
                store,
                lambda line: progress(f"{spec.name}: {line}"),
            )
        except Unsolvable as error:
            failures += [
                Failure(model.estimator, model.builder, d.code, d.message, d.notes) for d in error.diagnostics
            ]
            if model.primary or model is plan.models[0]:
                return Solved(plan, {}, tuple(failures), distinct)
            continue
        kept = [p.model.formula for p, d in zip(group, made.parts, strict=True) if d.origin == "earlier fit"]
        if kept:
            progress(f"{spec.name}: not solved again, as nothing has changed: {'; '.join(kept)}")
        draws[model.builder] = made
    return Solved(plan, draws, tuple(failures), distinct)
