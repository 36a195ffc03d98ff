"""From a study and its table to the models of every effect, and the programs of models and of pieces."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from dagreg.binding.offences import shown_in
from dagreg.binding.table import Table, nodes_of
from dagreg.emit.naming import names_of
from dagreg.emit.program import Builder, Program, emit
from dagreg.errors import DagregError, Diagnostic, Doubt
from dagreg.model.equation import Equation
from dagreg.model.grouping import keys_of
from dagreg.model.lower import lower
from dagreg.model.plan import Model, Plan
from dagreg.model.summary import DataSummary, Variable
from dagreg.model.variables import resolve
from dagreg.optimise.types import Piece
from dagreg.sources.reader import DUCKDB, Reader
from dagreg.spec.regressions import CELLS_PRIOR
from dagreg.spec.types import Spec
from dagreg.study import Study


def lower_all(study: Study, table: Table | None) -> tuple[Plan, ...]:
    """The plan of every effect. Without a table undeclared types are taken as continuous.

    Raises DagregError where the spec asks for what is not supported, or nodes and columns do not fit.
    """
    if table is None:
        return lower_with(study, resolve(study.spec, nodes_of(study), None), None)
    with shown_in(table.source, table.where):
        return lower_with(study, table.variables, table.summary)


def lower_with(
    study: Study, variables: Mapping[str, Variable], summary: DataSummary | None
) -> tuple[Plan, ...]:
    """The same from what is known of the data."""
    plans = []
    for place, s in enumerate(study.effects, 1):
        suffix = f"_{place}" if len(study.effects) > 1 else ""
        plans.append(lower(study.spec, s.effect, s.answer, s.chain, variables, summary, suffix))
    unused = unused_terms(study.spec, plans)
    if unused:
        raise DagregError(unused)
    return tuple(plans)


def unused_terms(spec: Spec, plans: Iterable[Plan]) -> tuple[Diagnostic, ...]:
    """One error for each prior or interaction of the user's whose term occurs in no regression of its
    response.
    """
    equations: dict[str, list[Equation]] = {}
    for plan in plans:
        for model in plan.models:
            for equation in model.equations:
                equations.setdefault(equation.response, []).append(equation)
    wrong = []
    for response, regression in spec.regressions.items():
        if response not in equations:
            continue  # the regression of a response that this effect does not need
        known = {"slopes"} | ({"intercept"} if any(e.has_intercept for e in equations[response]) else set())
        for equation in equations[response]:
            cells = {t.name for t in equation.terms if t.full and set(t.factors) <= set(regression.cells)}
            known |= {CELLS_PRIOR for _ in cells} | ({t.name for t in equation.terms} - cells)
            known |= {":".join(t.numbers) for t in equation.terms if t.numbers}
            known |= {a.name for a in equation.auxiliaries}
            known |= {key for varying in equation.varying for key in keys_of(varying)}
        asked = [(key, prior.span) for key, prior in regression.priors.items()]
        asked += [(":".join(factors), regression.span) for factors in regression.interactions or ()]
        asked += [(name, curve.span) for name, curve in regression.curves.items()]
        place = spec.place("regressions", response, "varying") or regression.span
        asked += [(f"{term}:{group}", place) for group, terms in regression.varying.items() for term in terms]
        label = f"terms: {', '.join(sorted(known))}"
        wrong += [
            Diagnostic("DR418", f"no regression of `{response}` has a term `{key}`", span, label=label)
            for key, span in asked
            if key not in known
        ]
    return tuple(wrong)


def program_of(
    spec: Spec, plans: Iterable[Plan], table: Table | None, estimator: str | None = None, folder: str = ""
) -> Program:
    """One program of all these models, which names its data files from `folder`."""
    models = [m for plan in plans for m in plan.models if estimator in (None, m.estimator)]
    query, reader = (None, DUCKDB) if table is None else (table.rows.script_query(None), table.source.reader)
    if query is not None:
        query, reader = reader.moved(query, "", folder)
    return program_reading(spec, models, query, reader)


def program_reading(spec: Spec, models: Sequence[Model], query: str | None, reader: Reader) -> Program:
    """One program of these models; `query` is the SQL of its data, which `reader` answers."""
    return emit([Builder(m, names_of(m)) for m in models], *_heading(spec), query, spec.sampling, reader)


def running_program(pieces: Sequence[Piece], table: Table, folder: str = "") -> Program:
    """The program of these pieces, each reading its own table."""
    queries = {p.model.builder: table.rows.script_query(p.grouping) for p in pieces if p.reads_rows}
    reader = table.source.reader
    known = {
        builder: reader.moved(query, "", folder)[0] for builder, query in queries.items() if query is not None
    }
    reader = reader.moved("", "", folder)[1]
    reachable = known if len(known) == len(queries) else None
    return emit([p.builder for p in pieces], *_heading(table.spec), reachable, table.spec.sampling, reader)


def _heading(spec: Spec) -> tuple[str, str]:
    """A program's title, and the name of the file that it comes from."""
    effects = "; ".join(
        f"the {e.kind} effect of {', '.join(e.exposure)} on {e.outcome}" for e in spec.effects
    )
    return f"{spec.name}: {effects}", os.path.basename(spec.path) if spec.path else spec.name


def idle_doubts(spec: Spec, plans: Iterable[Plan]) -> tuple[Doubt, ...]:
    """A warning for each regression that the spec describes and no model holds."""
    used = {e.response for plan in plans for model in plan.models for e in model.equations}
    return tuple(
        Doubt(
            "DR419",
            f"No model here regresses {response}, so what the spec says of that regression has no bearing.",
        )
        for response in spec.regressions
        if response not in used
    )
