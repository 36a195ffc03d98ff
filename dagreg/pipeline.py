"""The whole compiler on one screen: from the text of a spec to a report.

    load -> analyse -> identify -> lower -> emit -> sample -> estimate -> doubt -> report

Each stage takes one immutable type and returns another; the heavy ones are imported where they run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagreg.check.types import Doubt
from dagreg.errors import DagregError, DataError, Diagnostic, redacted
from dagreg.graph.causal import CausalGraph, analyse
from dagreg.graph.implications import list_implications
from dagreg.graph.junctions import list_junctions
from dagreg.identify.chain import Chain, NoChain, chain_of
from dagreg.identify.explain import identify
from dagreg.identify.types import Answer, Query
from dagreg.report.render import Format, framed, render
from dagreg.report.result import DataInfo, Explained, FittedEffect, Report
from dagreg.spec.supported import unsupported
from dagreg.spec.types import DataRef, Effect, Engine, Spec

if TYPE_CHECKING:
    import xarray as xr

    from dagreg.data.rows import Rows
    from dagreg.data.source import Source
    from dagreg.effects.types import Estimate
    from dagreg.emit.program import Program
    from dagreg.engine.draws import Draws
    from dagreg.model.types import DataSummary, Model, Plan
    from dagreg.optimise.types import Piece

Progress = Callable[[str], None]
Claim = tuple[str, str, tuple[str, ...]]  # x and y are independent given these
Coordinates = Mapping[str, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Question:
    """One effect with its answer, and the chain that the graph allows."""

    effect: Effect
    answer: Answer
    chain: Chain | NoChain

    @property
    def nodes(self) -> frozenset[str]:
        """The observed nodes whose columns its regressions need; none where nothing is to be fitted."""
        from dagreg.model.lower import needed

        return needed(self.effect, self.answer, self.chain)


@dataclass(frozen=True, slots=True)
class Table:
    """The data of a fit: the source narrowed to the columns used, and its rows that are used."""

    source: Source
    rows: Rows
    info: DataInfo

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that regressions read; the source may hold others, for tests of the graph."""
        return self.rows.columns

    @property
    def where(self) -> str:
        """The SQL condition of the rows used."""
        return self.rows.where

    @property
    def summary(self) -> DataSummary:
        """Of the rows used."""
        return self.rows.summary


@dataclass(frozen=True, slots=True)
class Compiled:
    """What `compile` answers: the program, the plan of each effect, and what was explained on the way.

    `pieces` says, for each builder of the readable program, what an optimised one has in its place.
    """

    explained: Explained
    plans: tuple[Plan, ...]
    program: Program
    pieces: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)

    @property
    def source(self) -> str:
        return self.program.source

    def build(self, data: Any, builder: str = "build_adjusted") -> Any:
        """The pm.Model of one builder on these columns."""
        return self.program.build(builder, data)


@dataclass(frozen=True, slots=True)
class Explanation(Explained):
    """What `explain` answers; prints as the report, and draws itself in a notebook."""

    def __str__(self) -> str:
        return render(self, "text")

    def _repr_html_(self) -> str:
        return framed(render(self, "html"))


@dataclass(frozen=True, slots=True)
class Result:
    """What `fit` answers: the record of every effect, and the posterior draws of every program."""

    record: Report
    samples: Mapping[str, Draws]  # by builder

    @property
    def effects(self) -> tuple[FittedEffect, ...]:
        """One for each effect of the spec, in its order."""
        return self.record.effects

    @property
    def draws(self) -> xr.DataTree:
        """Posterior and sample statistics of every program, a branch for each builder."""
        from dagreg.engine.posterior import as_tree

        return as_tree(self.samples, self.coordinates)

    @property
    def coordinates(self) -> dict[str, Coordinates]:
        """By builder: the dimension and labels of every coefficient that has several."""
        models = (m for e in self.record.effects if e.plan is not None for m in e.plan.models)
        return {
            m.builder: {t.symbol: (t.dim, t.columns) for e in m.equations for t in e.terms if len(t.columns) > 1}
            for m in models
        }

    def report(self, format: Format = "text") -> str:
        """The whole report as text, JSON, Markdown ("md") or HTML."""
        return render(self.record, format)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the report, the program, the graph and the posterior into a folder; `results.json` last.

        Raises OSError where the folder cannot be written.
        """
        from dagreg.report.write import write_reports

        extra = {"posterior.nc": self._write_posterior} if self.samples else None
        write_reports(self.record, Path(folder), extra)

    def _write_posterior(self, path: Path) -> None:
        from dagreg.engine.posterior import write

        write(path, self.samples, self.coordinates)

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        return framed(self.report("html"))


def questions(spec: Spec) -> tuple[CausalGraph, tuple[Question, ...]]:
    """Analyses the graph and identifies every effect. Raises DagregError (DR208) for a spec without one."""
    if not spec.effects:
        raise DagregError((Diagnostic("DR208", f"{spec.name} asks for no effect: add `effect: x -> y`"),))
    graph = analyse(spec)
    found = []
    for effect in spec.effects:
        query = Query(effect.exposure, effect.outcome, effect.kind, effect.adjust, effect.by, effect.span)
        found.append(Question(effect, identify(graph, query), chain_of(graph, query)))
    return graph, tuple(found)


def explain(spec: Spec) -> Explanation:
    """The identification report of a spec; no data are needed."""
    return _explained(spec, *questions(spec))


def _explained(spec: Spec, graph: CausalGraph, asked: Sequence[Question]) -> Explanation:
    implied, cut = list_implications(graph)
    claims = tuple((i.x, i.y, i.given) for i in implied)
    answers = tuple(question.answer for question in asked)
    triples, more = list_junctions(graph)
    return Explanation(spec, triples, answers, claims, implications_complete=not cut, junctions_truncated=more)


def check(spec: Spec, data: Any = None, *, allow_outside: bool = False) -> dict[str, Any]:
    """Validates the graph and, where there are data, the columns of every observed node.

    Returns the type of each node in words, under "nodes". Raises DagregError with what is wrong.
    """
    from dagreg.data.summary import check_columns, columns_of, summarise
    from dagreg.model.variables import resolve

    analyse(spec)
    _refuse(unsupported(spec))
    words = {n.name: n.type or "type not known yet" if n.observed else "unobserved" for n in spec.nodes.values()}
    if _has_data(spec, data):
        source = _open(spec, data, allow_outside=allow_outside)
        names = [n.name for n in spec.nodes.values() if n.observed]
        check_columns(source, spec, names)
        found = resolve(spec, names, summarise(source.narrow(columns_of(spec, names)), spec, names))
        words |= {v.name: v.type + (" (inferred from its column)" if v.inferred else "") for v in found.values()}
    return {"nodes": words}


def compile(
    spec: Spec,
    data: Any = None,
    *,
    allow_outside: bool = False,
    estimator: str | None = None,
    optimised: bool = False,
) -> Compiled:
    """The PyMC program of every identified effect; without data, default priors are written by their rule.

    `estimator` keeps the builders of that estimator only; `optimised` asks for the program on reduced data,
    whose posterior is the same. Raises DagregError where the spec asks for what is not supported, nodes and
    columns do not fit, nothing is left to compile, or there are no data to optimise for.
    """
    _refuse(unsupported(spec))
    graph, asked = questions(spec)
    explained = _explained(spec, graph, asked)
    table = _table_or_none(spec, asked, data, allow_outside=allow_outside)
    if table is None:
        doubt = Doubt(
            "DR301", "there are no data: undeclared types are taken as continuous, and default priors are rules"
        )
        explained = replace(explained, doubts=(*explained.doubts, doubt))
    plans, program = _compiled(spec, asked, table, estimator)
    if not program.builders:
        reasons = "; ".join(f"{left.estimator}: {left.reason}" for plan in plans for left in plan.left_out)
        raise DagregError((Diagnostic("DR431", f"there is no model to compile. {reasons}"),))
    doubts = (*explained.doubts, *(_idle(spec, plans) if estimator is None else ()))
    explained = replace(explained, doubts=doubts)
    if not optimised:
        return Compiled(explained, plans, program)
    if table is None:
        raise DagregError((Diagnostic("DR432", f"{spec.name} has no data here, and the optimiser needs them"),))
    models = [m for plan in plans for m in plan.models if estimator in (None, m.estimator)]
    pieces = _solved(models, table, "auto")
    running = _optimised(spec, [p for group in pieces.values() for p in group], table)
    return Compiled(explained, plans, running, pieces)


def explain_plan(spec: Spec, data: Any = None, *, allow_outside: bool = False, estimator: str | None = None) -> str:
    """How a fit would solve each regression, and why so. Raises DagregError as `compile` does, and without data."""
    from dagreg.optimise.explain import plan_text

    compiled = compile(spec, data, allow_outside=allow_outside, estimator=estimator, optimised=True)
    if spec.sampling.engine != "nuts":
        return plan_text(compiled.pieces)
    return "`engine: nuts` in the spec runs the program as it is written. Without it:\n" + plan_text(compiled.pieces)


def starter(data: Any, path: Any) -> str:
    """A commented spec to edit; its nodes and types are those of the data's columns."""
    from dagreg.data.starter import starter as written

    if data is None:
        return written(None, "")
    ref = DataRef(os.fspath(data))
    folder = os.path.dirname(os.fspath(path)) if path is not None else ""
    shown = redacted(ref.source) if _is_connection(ref) else os.path.relpath(data, folder or ".")
    return written(_open_named(ref, ""), shown)


def _table_or_none(spec: Spec, asked: Sequence[Question], data: Any, *, allow_outside: bool) -> Table | None:
    """The data, or None where the spec names none or its file is not there."""
    if not _has_data(spec, data):
        return None
    try:
        return read(spec, asked, data, allow_outside=allow_outside)
    except DataError as error:
        if data is None and all(d.code == "DR301" for d in error.diagnostics):
            return None
        raise


def fit(
    spec: Spec, data: Any = None, *, allow_outside: bool = False, progress: Progress = lambda message: None
) -> Result:
    """Fits every identified effect of a spec and doubts the result.

    Raises DagregError where the spec asks for what is not supported or the data do not fit it; an effect
    that is not identified is no error here, it is answered without a number.
    """
    from dagreg.check.implications import implication_doubts, put_to_data
    from dagreg.data.versions import versions

    _refuse(unsupported(spec))
    graph, asked = questions(spec)
    explained = _explained(spec, graph, asked)
    table = read(spec, asked, data, allow_outside=allow_outside, claims=explained.implications)
    tested = put_to_data(spec, table.source, explained.implications, spec.sampling.seed)
    plans, program = _compiled(spec, asked, table)
    pieces = _solved([m for plan in plans for m in plan.models], table, spec.sampling.engine)
    draws: dict[str, Draws] = {}
    effects = []
    for question, plan in zip(asked, plans, strict=True):
        fitted = _fit_effect(spec, question, plan, table, pieces, draws, progress)
        effects.append(replace(fitted, tests=tested.tests))
    report = Report(
        explained,
        table.info,
        tuple(effects),
        program.source,
        versions(table.source.packages),
        spec.sampling.seed,
        (*_idle(spec, plans), *implication_doubts(tested.tests, graph, explained.answers)),
        tested.tests,
        tested.untested,
        optimised=any(p.reduced for group in pieces.values() for p in group),
    )
    return Result(report, draws)


def _idle(spec: Spec, plans: Sequence[Plan]) -> tuple[Doubt, ...]:
    from dagreg.model.lower import idle_regressions

    return tuple(
        Doubt("DR419", f"No model here regresses {name}, so what the spec says of that regression has no bearing.")
        for name in idle_regressions(spec, plans)
    )


def _fit_effect(
    spec: Spec,
    question: Question,
    plan: Plan,
    table: Table,
    pieces: Mapping[str, tuple[Piece, ...]],
    draws: dict[str, Draws],
    progress: Progress,
) -> FittedEffect:
    """Solves the models of one effect, takes the effect from the draws, and doubts it."""
    from dagreg.check.diagnostics import diagnose
    from dagreg.check.disagreement import disagreements
    from dagreg.check.doubts import doubts_of
    from dagreg.effects.estimate import coefficients, estimates
    from dagreg.effects.types import EffectResult
    from dagreg.engine.run import draw
    from dagreg.optimise.explain import sentences

    if not plan.models:
        return FittedEffect(question.effect, question.answer, plan)
    data = table.rows
    here: dict[str, Draws] = {}
    found: dict[str, tuple[Estimate, ...]] = {}
    for model in plan.models:
        progress(f"{spec.name}: solving the {model.estimator} model")
        solved = pieces[model.builder]
        here[model.estimator] = draws[model.builder] = draw(
            solved, _optimised(spec, solved, table), data, spec.sampling
        )
        found[model.estimator] = estimates(model, here[model.estimator], data, spec.sampling.seed)
    by_name = {m.estimator: m for m in plan.models}
    gaps = (
        disagreements(by_name["adjusted"], by_name["chain"], found, data, spec.sampling.seed)
        if {"adjusted", "chain"} <= set(by_name)
        else ()
    )
    rows = tuple(row for group in found.values() for row in group)
    return FittedEffect(
        effect=question.effect,
        answer=question.answer,
        plan=plan,
        result=EffectResult(rows, coefficients(plan.models, here), gaps),
        diagnostics=replace(diagnose(here, rows), plan=sentences([pieces[m.builder] for m in plan.models])),
        doubts=doubts_of(plan.models[0], found[plan.models[0].estimator], here, data, gaps, spec.sampling.seed),
    )


def _solved(models: Sequence[Model], table: Table, engine: Engine) -> dict[str, tuple[Piece, ...]]:
    """What is solved in place of each model, by its builder. Raises DagregError (DR502) under `engine: exact`."""
    from dagreg.optimise.passes import as_written, optimise, refusals

    if engine == "nuts":
        return {m.builder: as_written(m, table.rows.count) for m in models}
    table.rows.prepare(models)
    pieces = {m.builder: optimise(m, table.rows) for m in models}
    if engine == "exact":
        _refuse([d for group in pieces.values() for d in refusals(group)])
    return pieces


def _optimised(spec: Spec, pieces: Sequence[Piece], table: Table) -> Program:
    """The program of these pieces, each reading its own table."""
    from dagreg.emit.program import emit

    queries = {p.model.builder: table.rows.script_query(p.grouping) for p in pieces if p.reads_rows}
    known = {builder: query for builder, query in queries.items() if query is not None}
    reachable = known if len(known) == len(queries) else None
    return emit([p.model for p in pieces], *_heading(spec), reachable, spec.sampling, table.source.reader)


def _heading(spec: Spec) -> tuple[str, str]:
    """A program's title, and the name of the file that it comes from."""
    asked = "; ".join(f"the {e.kind} effect of {', '.join(e.exposure)} on {e.outcome}" for e in spec.effects)
    return f"{spec.name}: {asked}", os.path.basename(spec.path) if spec.path else spec.name


def _compiled(
    spec: Spec, asked: Sequence[Question], table: Table | None, estimator: str | None = None
) -> tuple[tuple[Plan, ...], Program]:
    """Lowers every effect and emits one program for all."""
    from dagreg.emit.program import emit
    from dagreg.model.lower import lower, unused_terms

    plans = []
    for i, question in enumerate(asked):
        suffix = f"_{i + 1}" if len(asked) > 1 else ""
        summary = table.rows.summary if table else None
        plans.append(lower(spec, question.effect, question.answer, question.chain, summary, suffix))
    _refuse(unused_terms(spec, plans))
    models = [m for plan in plans for m in plan.models if estimator in (None, m.estimator)]
    if table is None:
        return tuple(plans), emit(models, *_heading(spec), None, spec.sampling)
    query = table.rows.script_query(None)
    return tuple(plans), emit(models, *_heading(spec), query, spec.sampling, table.source.reader)


def read(
    spec: Spec, asked: Sequence[Question], data: Any, *, allow_outside: bool, claims: Sequence[Claim] = ()
) -> Table:
    """Opens the data and summarises the columns that the questions need; those of `claims` are kept beside them.

    Raises DataError where there are none, they do not fit the spec, or values are missing and
    the spec does not say `missing: drop`.
    """
    from dagreg.check.implications import columns_for
    from dagreg.data.rows import Rows
    from dagreg.data.summary import check_columns, check_trials, columns_of, summarise
    from dagreg.model.variables import resolve

    whole = _open(spec, data, allow_outside=allow_outside)
    needed = {name for question in asked for name in question.nodes}
    names = tuple(name for name in spec.nodes if name in needed)
    check_columns(whole, spec, names)
    columns = columns_of(spec, names)
    source = whole.narrow(tuple(dict.fromkeys((*columns, *columns_for(whole, spec, claims)))))
    missing = {c: n for c, n in source.missing(columns).items() if n}
    if missing and spec.missing == "error":
        listed = ", ".join(f"`{c}` ({n})" for c, n in missing.items())
        note = "say `missing: drop` to leave those rows out"
        raise DataError(
            (Diagnostic("DR323", f"missing values in {listed}", spec.data.span if spec.data else None, label=note),)
        )
    where = source.complete(columns) if missing else "TRUE"
    check_trials(source, spec, names, where)
    summary = summarise(source, spec, names, where)
    inferred = {v.name: v.type for v in resolve(spec, names, summary).values() if v.inferred}
    info = DataInfo(source.origin, source.rows(), summary.rows, missing, source.sha256(columns), inferred)
    return Table(source, Rows(source, columns, where, summary), info)


def _open(spec: Spec, data: Any, *, allow_outside: bool) -> Source:
    from dagreg.data.duck import open_frame

    if isinstance(data, str | os.PathLike):
        given = DataRef(os.fspath(data))
        if _is_connection(given) and spec.data is not None:
            given = replace(spec.data, source=given.source)  # another database with the same table
        return _open_named(given, "")
    if data is not None:
        return open_frame(data)
    if spec.data is None:
        raise DataError((Diagnostic("DR300", f"{spec.name} names no data: add `data:` or pass --data"),))
    folder = os.path.dirname(spec.path) if spec.path else ""
    return _open_named(spec.data, folder, allow_outside=allow_outside)


def _open_named(ref: DataRef, folder: str, *, allow_outside: bool = True) -> Source:
    if _is_connection(ref):
        from dagreg.data.database import open_database

        return open_database(ref)
    from dagreg.data.duck import open_file

    return open_file(ref, folder, allow_outside=allow_outside)


def _is_connection(ref: DataRef) -> bool:
    return "://" in ref.source


def _has_data(spec: Spec, data: Any) -> bool:
    return data is not None or spec.data is not None


def _refuse(problems: Sequence[Diagnostic]) -> None:
    if problems:
        raise DagregError(tuple(problems))


def overridden(spec: Spec, **sampling: int | str | None) -> Spec:
    """The spec with sampling settings replaced where a value is given."""
    given = {key: value for key, value in sampling.items() if value is not None}
    return replace(spec, sampling=replace(spec.sampling, **given))  # type: ignore[arg-type]  # keys are its fields
