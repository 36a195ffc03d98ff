"""The whole compiler on one screen: from the text of a spec to a report.

    load -> analyse -> identify -> lower -> emit -> sample -> estimate -> doubt -> report

Each stage takes one immutable type and returns another; the heavy ones are imported where they run.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from dagreg.doubts.types import Doubt
from dagreg.errors import DagregError, DataError, Diagnostic, Unsolvable, redacted
from dagreg.graph.causal import CausalGraph, analyse
from dagreg.graph.implications import list_implications
from dagreg.graph.junctions import list_junctions
from dagreg.identify.chain import Chain, NoChain, chain_of
from dagreg.identify.explain import identify
from dagreg.identify.types import Answer, Identified, Query
from dagreg.report.render import Format, framed, render
from dagreg.report.result import DataInfo, Explained, Failure, FittedEffect, Report
from dagreg.spec.brief import cut
from dagreg.spec.load import spec_of
from dagreg.spec.secrets import shareable
from dagreg.spec.types import LEVEL, LEVELS, MOST_SEED, DataRef, Effect, Spec

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from dagreg.binding.new_rows import NewRows
    from dagreg.binding.rows import Rows
    from dagreg.doubts.dispersion import Beside
    from dagreg.effects.predict import Prediction
    from dagreg.effects.route import Route
    from dagreg.effects.types import Estimate
    from dagreg.emit.program import Program, Reader
    from dagreg.engines.draws import Draws
    from dagreg.engines.posterior import Coordinates
    from dagreg.engines.store import Store
    from dagreg.model.estimators import Estimator
    from dagreg.model.plan import Model, Plan
    from dagreg.model.summary import ColumnSummary, DataSummary, Variable
    from dagreg.optimise.types import Piece
    from dagreg.sources.source import Source

Progress = Callable[[str], None]
Specified = Spec | str | os.PathLike[str]  # a spec, or the path of its file
Claim = tuple[str, str, tuple[str, ...]]  # x and y are independent given these


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
    known: Mapping[str, ColumnSummary]  # columns that have a value in every row of the source
    doubts: tuple[Doubt, ...] = ()  # how the data were read

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


@dataclass(frozen=True, slots=True, repr=False)
class Compiled:
    """What `compile` answers: the program, the plan of each effect, and what was explained on the way.

    `pieces` says, for each builder of the readable program, what an optimised one has in its place.
    """

    explained: Explained
    plans: tuple[Plan, ...]
    program: Program
    pieces: Mapping[str, tuple[Piece, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return cut(f"<Compiled {self.explained.spec.name!r}: {', '.join(self.program.builders)}>")

    @property
    def source(self) -> str:
        return self.program.source

    def build(self, data: Any, builder: str = "build_adjusted") -> Any:
        """The pm.Model of one builder on these columns."""
        return self.program.build(builder, data)


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(Explained):
    """What `explain` answers; prints as the report, and draws itself in a notebook."""

    def __repr__(self) -> str:
        found = []
        for answer in self.answers:
            query = answer.justification.query
            how = answer.strategy or ("zero by the graph" if isinstance(answer, Identified) else "not identified")
            found.append(f"{query.kind} {', '.join(query.exposure)} -> {query.outcome}: {how}")
        return cut(f"<Explanation of {self.spec.name!r}: {'; '.join(found)}>")

    def __str__(self) -> str:
        return render(self, "text")

    def _repr_html_(self) -> str:
        return framed(render(self, "html"))


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What `fit` answers: the record of every effect, and the posterior draws of every program."""

    record: Report
    samples: Mapping[str, Draws]  # by builder
    summary: DataSummary | None = None  # of the rows used; with the spec, all that the models are made of
    query: str | None = None  # the SQL of the program
    reader: Reader | None = None  # and what answers it
    home: str = ""  # the folder from which the query names its files, "" being the present one
    timings: Mapping[str, float] = field(default_factory=dict)  # seconds: "fit", and by builder those of solving it

    def __repr__(self) -> str:
        answers = "; ".join(effect.line for effect in self.effects)
        return cut(f"<Result of {self.record.explained.spec.name!r}, {self.record.data.rows_used:,} rows: {answers}>")

    @property
    def effects(self) -> tuple[FittedEffect, ...]:
        """One for each effect of the spec, in its order."""
        return self.record.effects

    @property
    def draws(self) -> xr.DataTree:
        """Posterior and sample statistics of every program, a branch for each builder.

        At the root are those of the first effect's primary model, where ArviZ looks for them.
        """
        from dagreg.engines.posterior import as_tree

        plans = (e.plan for e in self.effects if e.plan is not None)
        first = next((m.builder for plan in plans for m in plan.models if m.builder in self.samples), None)
        return as_tree(self.samples, self.coordinates, first)

    @property
    def coordinates(self) -> dict[str, Coordinates]:
        """By builder: the dimensions and labels of every parameter that is more than one number."""
        from dagreg.emit.naming import dimensions_of

        models = (m for e in self.record.effects for m in e.solved)
        return {m.builder: dimensions_of(m) for m in models}

    def report(self, format: Format = "text") -> str:
        """The whole report as text, JSON, Markdown ("md") or HTML."""
        return render(self.record, format)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the report, the program, the graph and the posterior into a folder; `results.json` last.

        `dagreg.open` reads them back. Raises DagregError where the folder cannot be written (DR581 to DR586), or holds
        a file of such a name that dagreg did not write (DR580); nothing in it has changed then.
        """
        from dagreg.report.stored import record_of, spec_text
        from dagreg.report.write import POSTERIOR, SPEC, write_reports

        placed = self.placed(folder)
        if placed is not self:
            placed.save(folder)
            return
        text = spec_text(self.record.explained.spec)
        writers: dict[str, Callable[[Path], object]] = {}
        if text is not None:
            writers[SPEC] = lambda path: path.write_bytes(text.encode())
        if self.samples:
            writers[POSTERIOR] = self._write_posterior
        record = record_of(self.record, self.summary, self.query, self.reader, self.samples)
        write_reports(self.record, Path(folder), writers, record, self.timings)

    def to_frame(self, of: Literal["estimates", "coefficients", "tests"] = "estimates") -> pd.DataFrame:
        """The estimates, the coefficients or the tests of the graph as a pandas DataFrame, a row for each number.

        Raises DagregError (DR567) for any other table. Loads pandas.
        """
        import pandas as pd

        from dagreg.report.frames import table

        return pd.DataFrame(table(self.record, of))

    def to_datatree(
        self,
        estimator: str | None = None,
        effect: int = 0,
        *,
        log_likelihood: bool = False,
        posterior_predictive: bool = False,
        data: Any = None,
        seed: int | None = None,
    ) -> xr.DataTree:
        """One model's draws in ArviZ's groups: the primary one's of an effect, unless `estimator` names another.

        `log_likelihood` and `posterior_predictive` (and with either `observed_data`) are of every row that was fitted,
        by response, as the model codes it; they need those rows: the spec's data, or `data` where the fit was given
        some. Raises DagregError where there is no such model (DR564), the data are others (DR566), rows lack values
        that the model works out (DR565), or there are too many of them (DR568).
        """
        from dagreg.effects.pointwise import pointwise
        from dagreg.engines.posterior import with_rows

        model = self.model(estimator, effect)
        draws, dimensions = self.samples[model.builder], self.coordinates[model.builder]
        if not log_likelihood and not posterior_predictive:
            return with_rows(draws, dimensions, {}, {})
        chosen = self.record.seed if seed is None else seed
        rows = self._rows(data)
        found = pointwise(model, draws.flat(), rows, chosen, likelihood=log_likelihood, drawn=posterior_predictive)
        groups = {"log_likelihood": found.log_likelihood, "posterior_predictive": found.drawn}
        return with_rows(draws, dimensions, {name: part for name, part in groups.items() if part}, found.seen)

    def _rows(self, data: Any) -> Rows:
        """The rows that were fitted, read again. Raises DagregError (DR566) where these are others."""
        spec, known = self.record.explained.spec, self.record.data
        if not _has_data(spec, data):
            message = "the fit was given a table, and the result does not keep its rows"
            raise DagregError((Diagnostic("DR566", message, label="give it again: `to_datatree(..., data=table)`"),))
        table = read(spec, questions(spec)[1], data, allow_outside=True)
        if (table.info.sha256, table.info.rows_used) != (known.sha256, known.rows_used):
            message = f"{table.info.source} is not what was fitted ({known.source})"
            raise DagregError((Diagnostic("DR566", message, label="give the same data: `to_datatree(..., data=...)`"),))
        return table.rows

    def placed(self, folder: str | os.PathLike[str]) -> Result:
        """The result as it stands in a folder: its program names its data files from there."""
        home = os.path.abspath(folder)
        if self.reader is None or self.query is None or not self.reader.files or os.path.abspath(self.home) == home:
            return self
        query, reader = self.reader.moved(self.query, os.path.abspath(self.home), home)
        spec = self.record.explained.spec
        _, program = programmed(spec, questions(spec)[1], self.summary, query, reader=reader)
        record = replace(self.record, source=program.source)
        return replace(self, record=record, query=query, reader=reader, home=home)

    def predict(
        self,
        new: Any,
        do: Mapping[str, Any] | None = None,
        *,
        estimator: str | None = None,
        effect: int = 0,
        level: float | None = None,
        seed: int | None = None,
    ) -> Prediction:
        """The posterior predictive distribution of an effect's outcome on new rows.

        `new` is a table or a file, as for `fit`; `do` sets nodes on the scale of their columns. The model is the
        primary one unless `estimator` names another; in the chain mediators that the rows lack, or that `do` moves,
        are simulated. Raises DagregError where there is no such model, it does not cover `do` (DR561), the rows do
        not fit it (DR3xx), or a number is out of its range (DR569).
        """
        from dagreg.effects.predict import predict
        from dagreg.spec.python import check_number

        spec = self.record.explained.spec
        model = self.model(estimator, effect)
        check_number("level", LEVEL if level is None else level, *LEVELS)
        check_number("seed", 0 if seed is None else seed, 0, MOST_SEED, whole=True)
        source = open_data(spec, new, allow_outside=False)
        way, rows = prepared(spec, model, source, do or {})
        draws = self.samples[model.builder].flat()
        chosen = spec.sampling.seed if seed is None else seed
        return predict(model, draws, way, rows, chosen, LEVEL if level is None else level)

    def model(self, estimator: str | None = None, effect: int = 0) -> Model:
        """The fitted model of an effect, the primary one by default. Raises DagregError (DR564) without one."""
        known = range(1, len(self.effects) + 1)
        if effect + 1 not in known:
            raise DagregError((Diagnostic("DR564", f"there is no effect {effect + 1}: the spec asks for {known[-1]}"),))
        plan, models = self.effects[effect].plan, self.effects[effect].solved
        found = [m for m in models if estimator in (None, m.estimator)]
        if not found:
            there = ", ".join(m.estimator for m in models) or "none"
            left = [f"{m.estimator}: {m.reason}" for m in plan.left_out] if plan is not None else []
            left += [f"{f.estimator}: {f.message}" for f in self.effects[effect].failures]
            wanted = f"no {estimator} model" if estimator else "no model"
            message = f"{wanted} of effect {effect + 1} was fitted (there: {there})"
            raise DagregError((Diagnostic("DR564", message, notes=tuple(left)),))
        return found[0]

    def _write_posterior(self, path: Path) -> None:
        from dagreg.engines.posterior import write

        write(path, self.samples, self.coordinates)

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        return framed(self.report("html"))


def prepared(spec: Spec, model: Model, source: Source, do: Mapping[str, Any]) -> tuple[Route, NewRows]:
    """How a model reaches the outcome of the rows of a source, and those rows as it sees them."""
    from dagreg.binding.new_rows import present, read_new_rows
    from dagreg.effects.route import route, settings

    chosen = settings(model, do)
    way = route(model, analyse(spec), chosen, present(source, model))
    equations = (*way.simulated, model.outcome)
    optional = {e.offset for e in equations if e.offset is not None}
    return way, read_new_rows(source, model, way.observed, equations, optional)


def questions(spec: Spec) -> tuple[CausalGraph, tuple[Question, ...]]:
    """Analyses the graph and identifies every effect. Raises DagregError (DR208) for a spec without one."""
    if not spec.effects:
        raise DagregError((Diagnostic("DR208", f"{spec.name} asks for no effect: add `effect: x -> y`"),))
    graph = analyse(spec)
    found = []
    for effect in spec.effects:
        query = Query(effect.exposure, effect.outcome, effect.kind, effect.adjust, effect.by, effect.span, effect.among)
        found.append(Question(effect, identify(graph, query), chain_of(graph, query)))
    return graph, tuple(found)


def explain(spec: Specified) -> Explanation:
    """The identification report of a spec, or of the one in a file; no data are needed.

    A data file that is not there is a warning.
    """
    spec = spec_of(spec)
    explained = explained_by(spec, *questions(spec))
    return replace(explained, doubts=(*explained.doubts, *absent_data(spec)))


def absent_data(spec: Spec) -> tuple[Doubt, ...]:
    """The warning that the spec's data file is not there, for commands that need none."""
    if spec.data is None or _is_connection(spec.data):
        return ()
    path = os.path.join(os.path.dirname(spec.path) if spec.path else "", spec.data.source)
    if os.path.exists(path) or glob.glob(path, recursive=True):
        return ()
    return (Doubt("DR301", f"There is no data file `{spec.data.source}`, so types that are not declared stay open."),)


def explained_by(spec: Spec, graph: CausalGraph, asked: Sequence[Question]) -> Explanation:
    implied, cut = list_implications(graph)
    claims = tuple((i.x, i.y, i.given) for i in implied)
    answers = tuple(question.answer for question in asked)
    triples, more = list_junctions(graph)
    return Explanation(spec, triples, answers, claims, implications_complete=not cut, junctions_truncated=more)


def check(spec: Specified, data: Any = None, *, allow_outside: bool = False) -> dict[str, Any]:
    """Runs everything of a fit short of solving it: graph, columns and values, regressions, and the engine's refusals.

    Without an effect, the graph and the columns of every observed node. Returns the type of each node in words, under
    "nodes", and what looks odd, under "warnings". Raises DagregError with what is wrong.
    """
    from dagreg.engines.table import demanded, pieces_of
    from dagreg.model.variables import resolve

    spec = spec_of(spec)
    if spec.effects:
        asked = questions(spec)[1]
    else:
        analyse(spec)
        asked = ()
    words = {n.name: n.type or "type not known yet" if n.observed else "unobserved" for n in spec.nodes.values()}
    doubts: list[Doubt] = []
    table = None
    if _has_data(spec, data):
        needed = _nodes(spec, asked)
        others = tuple(n.name for n in spec.nodes.values() if n.observed and n.name not in needed)
        found, odd = _columns(spec, others, data, allow_outside=allow_outside)
        doubts += odd
        if asked:
            table = read(spec, asked, data, allow_outside=allow_outside)
            found |= resolve(spec, needed, table.summary)
            doubts += [*table.doubts, *odd_columns(table.source, spec, needed, table.summary, table.where)]
        words |= {v.name: v.type + (" (inferred from its column)" if v.inferred else "") for v in found.values()}
    plans, _ = _compiled(spec, asked, table)
    if table is not None and demanded(spec.sampling.engine) is not None:
        pieces_of([m for plan in plans for m in plan.models], table.rows, spec.sampling.engine)
    doubts += _idle(spec, plans) if asked else ()
    return {"nodes": words, "warnings": [{"code": d.code, "message": d.message} for d in doubts]}


def _columns(
    spec: Spec, names: Sequence[str], data: Any, *, allow_outside: bool
) -> tuple[dict[str, Variable], tuple[Doubt, ...]]:
    """These nodes, which no regression reads, with what looks odd. Raises DataError where columns do not fit."""
    from dagreg.binding.beside import check_beside, without_open_ends
    from dagreg.binding.offences import shown_in
    from dagreg.binding.summary import (
        check_censored,
        check_columns,
        check_trials,
        columns_of,
        declared_numbers,
        summarise,
    )
    from dagreg.model.variables import resolve

    if not names:
        return {}, ()
    whole = open_data(spec, data, allow_outside=allow_outside)
    check_columns(whole, spec, [n.name for n in spec.nodes.values() if n.observed])
    columns = columns_of(spec, names)
    source = whole.narrow(columns, declared_numbers(spec, columns))
    with shown_in(source):
        source = without_open_ends(source, spec, names)
    with shown_in(source):
        check_beside(source, spec, names, "TRUE", _outcomes(spec, names))
        check_trials(source, spec, names, "TRUE")
        check_censored(source, spec, names, "TRUE")
        summary = summarise(source, spec, names)
        odd = odd_columns(source, spec, names, summary, "TRUE")
        return resolve(spec, names, summary), (*_reading_doubts(source, spec, names, summary, "TRUE"), *odd)


def _reading_doubts(
    source: Source, spec: Spec, names: Sequence[str], summary: DataSummary, where: str
) -> tuple[Doubt, ...]:
    """What values have lost, or would have, on their way from the data."""
    from dagreg.binding.summary import blanks, blurred, lookalikes, nearly_numbers

    notes = {
        "DR335": source.notes,
        "DR336": blurred(source, spec, names, summary, where),
        "DR340": nearly_numbers(spec, names, summary),
        "DR591": lookalikes(spec, names, summary),
        "DR592": blanks(spec, names, summary),
    }
    return tuple(Doubt(code, note) for code, found in notes.items() for note in found)


def compile(
    spec: Specified,
    data: Any = None,
    *,
    allow_outside: bool = False,
    estimator: str | None = None,
    optimised: bool = False,
    folder: str | os.PathLike[str] = "",
) -> Compiled:
    """The PyMC program of every identified effect; without data, default priors are written by their rule.

    `estimator` keeps the builders of that estimator only; `optimised` asks for the program on reduced data,
    whose posterior is the same. `folder` is where the program will stand: it names its data files from there.
    Raises DagregError where the spec asks for what is not supported, nodes and
    columns do not fit, nothing is left to compile, or there are no data to optimise for.
    """
    from dagreg.engines.table import pieces_of

    spec = spec_of(spec)
    graph, asked = questions(spec)
    explained = explained_by(spec, graph, asked)
    table = _table_or_none(spec, asked, data, allow_outside=allow_outside)
    if table is None:
        doubt = Doubt(
            "DR301", "there are no data: undeclared types are taken as continuous, and default priors are rules"
        )
        explained = replace(explained, doubts=(*explained.doubts, doubt))
    plans, program = _compiled(spec, asked, table, estimator, os.fspath(folder))
    if not program.builders:
        reasons = "; ".join(f"{left.estimator}: {left.reason}" for plan in plans for left in plan.left_out)
        raise DagregError((Diagnostic("DR431", f"there is no model to compile. {reasons}"),))
    doubts = (*explained.doubts, *(_idle(spec, plans) if estimator is None else ()))
    doubts += table.doubts if table is not None else ()
    explained = replace(explained, doubts=doubts)
    if not optimised:
        return Compiled(explained, plans, program)
    if table is None:
        raise DagregError((Diagnostic("DR432", f"{spec.name} has no data here, and the optimiser needs them"),))
    models = [m for plan in plans for m in plan.models if estimator in (None, m.estimator)]
    pieces = pieces_of(models, table.rows)
    running = _optimised(spec, [p for group in pieces.values() for p in group], table, os.fspath(folder))
    return Compiled(explained, plans, running, pieces)


def explain_plan(
    spec: Specified,
    data: Any = None,
    *,
    allow_outside: bool = False,
    estimator: str | None = None,
    reuse: str | os.PathLike[str] | None = None,
) -> str:
    """How a fit would solve each regression, and why so; with `reuse`, which draws of an earlier result would serve.

    Raises DagregError as `compile` does, and without data.
    """
    from dagreg.engines.explain import plan_text
    from dagreg.engines.table import demanded

    spec = spec_of(spec)
    compiled = compile(spec, data, allow_outside=allow_outside, estimator=estimator, optimised=True)
    engine = demanded(spec.sampling.engine)
    if engine is not None and engine.runs_program:
        plain = f"`engine: {engine.name}` in the spec runs the program as it is written. Without it:\n"
        return plain + plan_text(compiled.pieces)
    return plan_text(compiled.pieces, _reusable(spec, compiled.pieces, data, reuse, allow_outside=allow_outside))


def _reusable(
    spec: Spec,
    pieces: Mapping[str, Sequence[Piece]],
    data: Any,
    folder: str | os.PathLike[str] | None,
    *,
    allow_outside: bool,
) -> dict[str, tuple[bool, ...]]:
    """Of every piece, by builder, whether the result in a folder has its draws; nothing where there is no result."""
    from dagreg.engines.run import reusable
    from dagreg.report.stored import earlier

    store = earlier(folder)
    if not store:
        return {}
    table = read(spec, questions(spec)[1], data, allow_outside=allow_outside)
    return {b: reusable(group, table.rows, spec.sampling, store) for b, group in pieces.items()}


def plate(
    spec: Specified, format: str, data: Any = None, *, allow_outside: bool = False, estimator: str | None = None
) -> bytes:
    """The plate diagram of a program's first model, or the one of `estimator`: a file of SVG, PNG, PDF or DOT.

    PyMC builds the model, for which it needs the data. Raises DagregError as `compile` does, without data (DR300),
    and where the format is none of a plate diagram's or the model is too large to draw (DR551).
    """
    from dagreg.engines.plate import plate_source
    from dagreg.report.plate import plate_picture

    spec = spec_of(spec)
    table = read(spec, questions(spec)[1], data, allow_outside=allow_outside)
    compiled = compile(spec, data, allow_outside=allow_outside, estimator=estimator)
    source = plate_source(compiled.program, compiled.program.builders[0], table.rows)
    return plate_picture(source, format, f"Plate diagram of {spec.name}")


def draw(spec: Specified, format: Literal["svg", "png", "pdf", "dot", "dagitty"] = "svg", *, effect: int = 0) -> bytes:
    """The graph as a file of this format, coloured for one of the spec's effects where it has any.

    Raises DagregError where the graph is too large to draw or Graphviz gives up (DR551).
    """
    from dagreg.report.draw import draw as picture

    spec = spec_of(spec)
    return picture(spec, explain(spec).answers[effect] if spec.effects else None, format)


def starter(data: Any, path: Any) -> str:
    """A commented spec to edit; its nodes and types are those of the data's columns."""
    from dagreg.binding.starter import starter as written

    if data is None:
        return written(None, "")
    ref = DataRef(os.fspath(data))
    folder = os.path.dirname(os.fspath(path)) if path is not None else ""
    shown = redacted(ref.source) if _is_connection(ref) else os.path.relpath(data, folder or ".")
    source = _open_named(ref, "")
    file = not _is_connection(ref) and source.file != "" and os.path.splitext(ref.source)[1].lower() != ".duckdb"
    return written(source, shown, (lambda query: _open_named(replace(ref, query=query), "")) if file else None)


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
    spec: Specified,
    data: Any = None,
    *,
    allow_outside: bool = False,
    progress: Progress = lambda message: None,
    reuse: str | os.PathLike[str] | None = None,
) -> Result:
    """Fits every identified effect of a spec and doubts the result.

    `reuse` names the folder of an earlier result: regressions that are the same there, on the same data and under
    the same settings, keep their draws, and the others alone are solved. A folder without a result is no error.
    Raises DagregError where the spec asks for what is not supported or the data do not fit it; an effect
    that is not identified is no error here, it is answered without a number. Neither is a model that cannot be
    solved: its effect's `failures` say why.
    """
    from dagreg.binding.room import check_count, check_room
    from dagreg.doubts.dispersion import beside_outcome
    from dagreg.doubts.implications import implication_doubts, put_to_data
    from dagreg.engines.table import pieces_of
    from dagreg.report.stored import earlier
    from dagreg.sources.versions import versions

    spec = spec_of(spec)
    started = time.perf_counter()
    check_count(spec.sampling)
    store = earlier(reuse)
    graph, asked = questions(spec)
    explained = explained_by(spec, graph, asked)
    beside = {q.effect.outcome: beside_outcome(spec, graph, q.effect.outcome) for q in asked}
    table = read(spec, asked, data, allow_outside=allow_outside, claims=explained.implications, beside=beside)
    tested = put_to_data(
        spec, table.source, explained.implications, spec.sampling.seed, known=table.known, sample=table.rows.sample
    )
    plans, program = _compiled(spec, asked, table)
    models = [m for plan in plans for m in plan.models]
    check_room(models, table.rows.count, spec.sampling)
    pieces = pieces_of(models, table.rows, spec.sampling.engine)
    draws: dict[str, Draws] = {}
    effects = []
    for question, plan in zip(asked, plans, strict=True):
        fitted = _fit_effect(
            spec, question, plan, table, pieces, draws, store, progress, beside[question.effect.outcome]
        )
        plates = _plates(program, plan, draws, table.rows)
        effects.append(replace(fitted, tests=tested.tests, plates=plates))
    report = Report(
        replace(explained, spec=shareable(spec)),
        table.info,
        tuple(effects),
        program.source,
        versions(table.source.packages),
        spec.sampling.seed,
        (
            *table.doubts,
            *odd_columns(table.source, spec, _nodes(spec, asked), table.summary, table.where),
            *_idle(spec, plans),
            *implication_doubts(tested.tests, graph, explained.answers),
        ),
        tested.tests,
        tested.untested,
        optimised=any(p.reduced for group in pieces.values() for p in group),
    )
    took = {"fit": time.perf_counter() - started, **{builder: d.seconds for builder, d in draws.items()}}
    query, reader = table.rows.script_query(None), table.source.reader
    return Result(report, draws, table.rows.summary, query, reader, "", took)


def odd_columns(
    source: Source, spec: Spec, names: Sequence[str], summary: DataSummary, where: str
) -> tuple[Doubt, ...]:
    """Warnings about columns of these nodes that hold numbers and are hardly meant as numbers."""
    from dagreg.binding.suspicions import suspicions

    return tuple(Doubt(code, said) for code, said in suspicions(source, spec, names, summary, where))


def _idle(spec: Spec, plans: Sequence[Plan]) -> tuple[Doubt, ...]:
    from dagreg.model.unused import idle_regressions

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
    store: Store,
    progress: Progress,
    beside: Sequence[str],
) -> FittedEffect:
    """Solves the models of one effect, takes the effect from the draws, and doubts it."""
    from dagreg.doubts.by_levels import by_level_notes
    from dagreg.doubts.checks import doubts_of, not_made
    from dagreg.doubts.collinear import collinearity
    from dagreg.doubts.diagnostics import diagnose
    from dagreg.doubts.disagreement import compared, disagreements
    from dagreg.doubts.mixing import mixing
    from dagreg.doubts.pooling import poolings
    from dagreg.doubts.prior_predictive import prior_check
    from dagreg.effects.dose import dose_response
    from dagreg.effects.estimate import coefficients, estimates, surrogate_notes
    from dagreg.effects.types import EffectResult
    from dagreg.engines.explain import sentences
    from dagreg.engines.run import draw

    if not plan.models:
        return FittedEffect(question.effect, question.answer, plan)
    data = table.rows
    distinct = data.counted(plan.models) or data
    here: dict[str, Draws] = {}
    found: dict[str, tuple[Estimate, ...]] = {}
    failures: list[Failure] = []
    for model in plan.models:
        progress(f"{spec.name}: solving the {model.estimator} model")
        group = pieces[model.builder]
        try:
            made = draw(group, partial(_optimised, spec, group, table), data, spec.sampling, store)
        except Unsolvable as error:
            failures += [Failure(model.estimator, model.builder, d.code, d.message, d.notes) for d in error.diagnostics]
            if model.primary or model is plan.models[0]:
                for other in plan.models:
                    draws.pop(other.builder, None)
                return FittedEffect(question.effect, question.answer, plan, failures=tuple(failures))
            continue
        kept = [p.model.formula for p, d in zip(group, made.parts, strict=True) if d.origin == "earlier fit"]
        if kept:
            progress(f"{spec.name}: not solved again, as nothing has changed: {'; '.join(kept)}")
        here[model.estimator] = draws[model.builder] = made
        found[model.estimator] = estimates(model, here[model.estimator], distinct, spec.sampling.seed)
    models = tuple(m for m in plan.models if m.estimator in here)
    pair = compared(models)
    gaps = disagreements(*pair, found, distinct, spec.sampling.seed) if pair is not None else ()
    rows = tuple(row for group in found.values() for row in group)
    head = next(m for m in models if m.primary)
    curve = dose_response(head, here[head.estimator], data, spec.sampling.seed)
    priors = prior_check(head, found[head.estimator], data, spec.sampling.seed)
    others = _beside(spec, models[0], beside, table)
    tied, harmless = collinearity(models[0], here[models[0].estimator], distinct)
    doubts = doubts_of(models[0], found[models[0].estimator], here, distinct, gaps, spec.sampling.seed, others)
    notes = (
        *by_level_notes(spec, question.effect.by, models),
        *not_made(models, data.count),
        *surrogate_notes(rows),
        *harmless,
    )
    solved = [piece for model in models for piece in pieces[model.builder]]
    unknown = {symbol for model in models for symbol in model.unknown}
    how = [(part.engine, part.origin) for model in models for part in here[model.estimator].parts]
    return FittedEffect(
        effect=question.effect,
        answer=question.answer,
        plan=plan,
        result=EffectResult(rows, coefficients(models, here), gaps, notes, curve, priors.sentence),
        diagnostics=replace(diagnose(here, rows, unknown), plan=sentences(solved, how)),
        doubts=(*tied, *doubts, *priors.doubts),
        mixing=mixing(models, here),
        pooling=poolings(models, here, data),
        failures=tuple(failures),
    )


def _beside(spec: Spec, model: Model, names: Sequence[str], table: Table) -> Beside | None:
    """A sample of the rows with all that is observed beside the outcome; None where no check asks for it."""
    from dagreg.binding.summary import columns_of
    from dagreg.doubts.dispersion import between_rows, rows_beside
    from dagreg.doubts.implication_columns import MOST_ROWS

    if not between_rows(model.outcome):
        return None
    known = [n for n in names if (spec.nodes[n].column or n) in table.source.columns]
    columns = columns_of(spec, (model.outcome.response, *known))
    return rows_beside(spec, model, known, table.rows.sample(columns, MOST_ROWS, spec.sampling.seed))


def _plates(program: Program, plan: Plan, draws: Mapping[str, Draws], data: Rows) -> dict[Estimator, str]:
    """The plate diagram of each program but the unadjusted one's, by estimator."""
    from dagreg.engines.plate import fitted_plate

    found = {
        m.estimator: fitted_plate(program, m, draws[m.builder], data)
        for m in plan.models
        if m.estimator.offers.plate and m.builder in draws
    }
    return {name: dot for name, dot in found.items() if dot is not None}


def _optimised(spec: Spec, pieces: Sequence[Piece], table: Table, folder: str = "") -> Program:
    """The program of these pieces, each reading its own table."""
    from dagreg.emit.program import emit

    queries = {p.model.builder: table.rows.script_query(p.grouping) for p in pieces if p.reads_rows}
    reader = table.source.reader
    known = {builder: reader.moved(query, "", folder)[0] for builder, query in queries.items() if query is not None}
    reader = reader.moved("", "", folder)[1]
    reachable = known if len(known) == len(queries) else None
    return emit([p.builder for p in pieces], *_heading(spec), reachable, spec.sampling, reader)


def _heading(spec: Spec) -> tuple[str, str]:
    """A program's title, and the name of the file that it comes from."""
    asked = "; ".join(f"the {e.kind} effect of {', '.join(e.exposure)} on {e.outcome}" for e in spec.effects)
    return f"{spec.name}: {asked}", os.path.basename(spec.path) if spec.path else spec.name


def _compiled(
    spec: Spec, asked: Sequence[Question], table: Table | None, estimator: str | None = None, folder: str = ""
) -> tuple[tuple[Plan, ...], Program]:
    """Lowers every effect and emits one program for all."""
    from dagreg.binding.offences import shown_in

    if table is None:
        return programmed(spec, asked, None, None, estimator)
    query, reader = table.rows.script_query(None), table.source.reader
    if query is not None:
        query, reader = reader.moved(query, "", folder)
    with shown_in(table.source, table.where):
        return programmed(spec, asked, table.rows.summary, query, estimator, reader)


def programmed(
    spec: Spec,
    asked: Sequence[Question],
    summary: DataSummary | None,
    query: str | None,
    estimator: str | None = None,
    reader: Reader | None = None,
) -> tuple[tuple[Plan, ...], Program]:
    """The plan of every effect and one program for all, from what is known of the data.

    `query` is its SQL, which `reader` has answered: DuckDB, unless another is given.
    """
    from dagreg.emit.naming import names_of
    from dagreg.emit.program import DUCKDB, Builder, emit
    from dagreg.model.lower import lower
    from dagreg.model.unused import unused_terms

    plans = []
    for i, question in enumerate(asked):
        suffix = f"_{i + 1}" if len(asked) > 1 else ""
        plans.append(lower(spec, question.effect, question.answer, question.chain, summary, suffix))
    refuse(unused_terms(spec, plans))
    models = [m for plan in plans for m in plan.models if estimator in (None, m.estimator)]
    builders = [Builder(m, names_of(m)) for m in models]
    return tuple(plans), emit(builders, *_heading(spec), query, spec.sampling, reader or DUCKDB)


def read(
    spec: Spec,
    asked: Sequence[Question],
    data: Any,
    *,
    allow_outside: bool,
    claims: Sequence[Claim] = (),
    beside: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> Table:
    """Opens the data and summarises the columns that the questions need; those of `claims`, and of the nodes
    `beside` each outcome, are kept beside them.

    Raises DataError where there are none, they do not fit the spec, or values are missing and
    the spec does not say `missing: drop`.
    """
    from dagreg.binding.beside import check_beside, without_open_ends
    from dagreg.binding.offences import shown_in
    from dagreg.binding.rows import Rows
    from dagreg.binding.summary import (
        always_there,
        check_censored,
        check_columns,
        check_not_imputed,
        check_trials,
        columns_of,
        declared_numbers,
        numbers_of,
        summarise,
    )
    from dagreg.doubts.implications import columns_for, names_of
    from dagreg.model.variables import resolve
    from dagreg.sources.scan import scan

    whole = open_data(spec, data, allow_outside=allow_outside)
    names = _nodes(spec, asked)
    check_columns(whole, spec, names)
    columns = columns_of(spec, names)
    tested = columns_for(whole, spec, [*names_of(claims), *(n for group in beside.values() for n in group)])
    every_column = tuple(dict.fromkeys((*columns, *tested)))
    source = whole.narrow(every_column, declared_numbers(spec, every_column))
    hashed = source.hashing(columns)
    with shown_in(source):
        source = without_open_ends(source, spec, names)
    present = always_there(spec, names)
    scanned = scan(source, [c for c in numbers_of(spec, every_column) if c not in source.categories])
    missing = {c: n for c, n in source.missing(c for c in present if c not in scanned.columns).items() if n}
    if missing and spec.missing == "error":
        listed = ", ".join(f"`{c}` ({n})" for c, n in missing.items())
        note = "say `missing: drop` to leave those rows out, or `missing: impute`"
        raise DataError(
            (Diagnostic("DR323", f"missing values in {listed}", spec.data.span if spec.data else None, label=note),)
        )
    where = source.complete(present) if missing and spec.missing == "drop" else "TRUE"
    check_not_imputed(source, spec, names)
    every = where == "TRUE"
    with shown_in(source, where):
        check_beside(source, spec, names, where, _outcomes(spec, names))
        check_trials(source, spec, names, where)
        check_censored(source, spec, names, where)
        summary = summarise(source, spec, names, where, scanned.columns if every else {})
        inferred = {v.name: v.type for v in resolve(spec, names, summary).values() if v.inferred}
    info = DataInfo(source.origin, source.rows(), summary.rows, missing, hashed(), inferred)
    known = {**scanned.columns, **({c: s for c, s in summary.columns.items() if s.missing == 0} if every else {})}
    rows = Rows(source, columns, where, summary, scanned.moments if every else None)
    return Table(source, rows, info, known, _reading_doubts(source, spec, names, summary, where))


def _outcomes(spec: Spec, names: Iterable[str]) -> tuple[str, ...]:
    """The nodes that predict no other: the outcomes of the effects; without an effect, those that cause nothing."""
    ends = {effect.outcome for effect in spec.effects}
    others = {x for effect in spec.effects for x in effect.exposure}
    causes = {edge.source for edge in spec.edges if not edge.bidirected and edge.target in names}
    return tuple(n for n in names if (n in ends - others if spec.effects else n not in causes))


def _nodes(spec: Spec, asked: Sequence[Question]) -> tuple[str, ...]:
    """The nodes whose columns the questions need, in the spec's order."""
    needed = {name for question in asked for name in question.nodes}
    return tuple(name for name in spec.nodes if name in needed)


def data_identity(spec: Spec, data: Any, *, allow_outside: bool) -> tuple[str, str | None]:
    """Where the data of a fit are, and their SHA-256, as its report says (None of a database); nothing else is read.

    Raises DataError where there are none or they lack a column.
    """
    from dagreg.binding.summary import check_columns, columns_of

    source = open_data(spec, data, allow_outside=allow_outside)
    names = _nodes(spec, questions(spec)[1])
    check_columns(source, spec, names)
    return source.origin, source.sha256(columns_of(spec, names))


def open_data(spec: Spec, data: Any, *, allow_outside: bool) -> Source:
    """A table, file or database, or the spec's own data. Raises DataError where there are none or no way to them."""
    from dagreg.sources.duck import open_frame

    if isinstance(data, str | os.PathLike):
        given = DataRef(os.fspath(data))
        if _is_connection(given) and spec.data is not None:
            given = replace(spec.data, source=given.source)  # another database with the same table
        return _open_named(given, "", others=allow_outside)
    if data is not None:
        return open_frame(data)
    if spec.data is None:
        raise DataError((Diagnostic("DR300", f"{spec.name} names no data: add `data:` or pass --data"),))
    folder = os.path.dirname(spec.path) if spec.path else ""
    return _open_named(spec.data, folder, allow_outside=allow_outside, others=allow_outside)


def _open_named(ref: DataRef, folder: str, *, allow_outside: bool = True, others: bool = False) -> Source:
    if _is_connection(ref):
        from dagreg.sources.database import open_database

        return open_database(ref)
    from dagreg.sources.duck import open_file

    return open_file(ref, folder, allow_outside=allow_outside, others=others)


def _is_connection(ref: DataRef) -> bool:
    return "://" in ref.source


def _has_data(spec: Spec, data: Any) -> bool:
    return data is not None or spec.data is not None


def refuse(problems: Sequence[Diagnostic]) -> None:
    """Raises DagregError where there are problems."""
    if problems:
        raise DagregError(tuple(problems))


def overridden(spec: Spec, **sampling: int | str | None) -> Spec:
    """The spec with sampling settings replaced where a value is given."""
    given = {key: value for key, value in sampling.items() if value is not None}
    return replace(spec, sampling=replace(spec.sampling, **given))  # type: ignore[arg-type]  # keys are its fields
