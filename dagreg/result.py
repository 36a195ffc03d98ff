"""What `fit` and `explain` answer, with all that can be done with it, and the way back from a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from dagreg.binding.opening import open_source
from dagreg.binding.summary import columns_of
from dagreg.binding.table import bind, nodes_of
from dagreg.emit.naming import dimensions_of
from dagreg.engines.draws import Draws
from dagreg.errors import DagregError, Diagnostic
from dagreg.lazy import Lazy
from dagreg.model.estimators import Estimator
from dagreg.model.plan import Model
from dagreg.model.summary import DataSummary
from dagreg.programs import program_reading
from dagreg.report.render import ReportFormat, framed, render, word
from dagreg.report.write import Writer, write_reports
from dagreg.results.fit import FittedEffect, Report
from dagreg.results.folder import POSTERIOR, SPEC
from dagreg.results.posterior import Coordinates, as_tree, with_rows
from dagreg.results.posterior import write as write_draws
from dagreg.results.stored import Stored, read_record, record_of, spec_text, versions
from dagreg.sources.reader import Reader
from dagreg.sources.source import Source
from dagreg.spec.brief import cut
from dagreg.spec.types import LEVEL, LEVELS, MAX_SEED, Spec
from dagreg.study import Study

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from dagreg.binding.rows import Rows
    from dagreg.effects import pointwise, predict, simulation
    from dagreg.effects.predict import Prediction
    from dagreg.effects.simulate import Simulated
    from dagreg.results import frames, opening
    from dagreg.spec import python
else:  # what no fresh fit needs
    pd, xr = Lazy("pandas"), Lazy("xarray")
    pointwise, predict = Lazy("dagreg.effects.pointwise"), Lazy("dagreg.effects.predict")
    simulation, python = Lazy("dagreg.effects.simulation"), Lazy("dagreg.spec.python")
    frames, opening = Lazy("dagreg.results.frames"), Lazy("dagreg.results.opening")


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What `fit` answers: the record of every effect, and the posterior draws of every program."""

    record: Report
    samples: Mapping[str, Draws]  # by builder
    summary: DataSummary | None = None  # of the rows used; with the spec, all that the models are made of
    query: str | None = None  # the SQL of the program
    reader: Reader | None = None  # and what answers it
    home: str = ""  # the folder from which the query names its files, "" being the present one
    timings: Mapping[str, float] = field(
        default_factory=dict
    )  # seconds: "fit", and by builder those of solving it

    def __repr__(self) -> str:
        answers = "; ".join(effect.line for effect in self.effects)
        return cut(
            f"<Result of {self.record.study.spec.name!r}, {self.record.data.rows_used:,} rows: {answers}>"
        )

    @property
    def effects(self) -> tuple[FittedEffect, ...]:
        """One for each effect of the spec, in its order."""
        return self.record.effects

    @property
    def draws(self) -> xr.DataTree:
        """Posterior and sample statistics of every program, a branch for each builder.

        At the root are those of the first effect's primary model, where ArviZ looks for them.
        """
        plans = (e.plan for e in self.effects if e.plan is not None)
        first = next((m.builder for plan in plans for m in plan.models if m.builder in self.samples), None)
        return as_tree(self.samples, self.coordinates, first)

    @property
    def coordinates(self) -> dict[str, Coordinates]:
        """By builder: the dimensions and labels of every parameter that is more than one number."""
        return {m.builder: dimensions_of(m) for e in self.record.effects for m in e.solved}

    @overload
    def report(self, format: ReportFormat = "text") -> str: ...

    @overload
    def report(self, format: Literal["docx"]) -> bytes: ...

    def report(self, format: ReportFormat | Literal["docx"] = "text") -> str | bytes:
        """The whole report as text, JSON, Markdown ("md"), HTML or LaTeX, or the works that it cites as
        BibTeX ("bib"); as a Word document ("docx") the file's bytes.

        Raises DagregError (DR552) where a Word document is asked for without the package python-docx.
        """
        return word(self.record) if format == "docx" else render(self.record, format)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes the report, the program, the graph and the posterior into a folder; `results.json` last.

        `dagreg.open` reads them back. Raises DagregError where the folder cannot be written (DR581 to DR586),
        or holds a file of such a name that dagreg did not write (DR580); nothing in it has changed then.
        """
        placed = self.placed(folder)
        if placed is not self:
            placed.save(folder)
            return
        text = spec_text(self.record.study.spec)
        writers: dict[str, Writer] = {}
        if text is not None:
            writers[SPEC] = lambda path: path.write_bytes(text.encode())
        if self.samples:
            writers[POSTERIOR] = lambda path: write_draws(path, self.samples, self.coordinates)
        record = record_of(self.record, text, self.summary, self.query, self.reader, self.samples)
        write_reports(self.record, Path(folder), writers, record, self.timings)

    def to_frame(self, of: Literal["estimates", "coefficients", "tests"] = "estimates") -> pd.DataFrame:
        """The estimates, the coefficients or the tests of the graph as a pandas DataFrame, a row for each
        number.

        Raises DagregError (DR567) for any other table. Loads pandas.
        """
        return pd.DataFrame(frames.table(self.record, of))

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
        """One model's draws in ArviZ's groups: the primary one's of an effect, unless `estimator` names
        another.

        `log_likelihood` and `posterior_predictive` (and with either `observed_data`) are of every row that
        was fitted, by response, as the model codes it; they need those rows: the spec's data, or `data` where
        the fit was given some. Raises DagregError where there is no such model (DR564), the data are others
        (DR566), rows lack values that the model works out (DR565), or there are too many of them (DR568).
        """
        model = self.model(estimator, effect)
        draws, dimensions = self.samples[model.builder], self.coordinates[model.builder]
        if not log_likelihood and not posterior_predictive:
            return with_rows(draws, dimensions, {}, {})
        chosen = self.record.seed if seed is None else seed
        rows = self._rows(data)
        values = pointwise.pointwise(
            model, draws.flat(), rows, chosen, likelihood=log_likelihood, drawn=posterior_predictive
        )
        groups = {"log_likelihood": values.log_likelihood, "posterior_predictive": values.drawn}
        return with_rows(
            draws, dimensions, {name: part for name, part in groups.items() if part}, values.seen
        )

    def _rows(self, data: Any) -> Rows:
        """The rows that were fitted, read again. Raises DagregError (DR566) where these are others."""
        spec, known = self.record.study.spec, self.record.data
        if data is None and spec.data is None:
            message = "the fit was given a table, and the result does not keep its rows"
            raise DagregError(
                (Diagnostic("DR566", message, label="give it again: `to_datatree(..., data=table)`"),)
            )
        table = bind(self.record.study, open_source(spec, data, allow_outside=True))
        if (table.info.sha256, table.info.rows_used) != (known.sha256, known.rows_used):
            message = f"{table.info.source} is not what was fitted ({known.source})"
            raise DagregError(
                (Diagnostic("DR566", message, label="give the same data: `to_datatree(..., data=...)`"),)
            )
        return table.rows

    def placed(self, folder: str | os.PathLike[str]) -> Result:
        """The result as it stands in a folder: its program names its data files from there."""
        home = os.path.abspath(folder)
        if (
            self.reader is None
            or self.query is None
            or not self.reader.files
            or os.path.abspath(self.home) == home
        ):
            return self
        query, reader = self.reader.moved(self.query, os.path.abspath(self.home), home)
        models = [m for e in self.effects if e.plan is not None for m in e.plan.models]
        program = program_reading(self.record.study.spec, models, query, reader)
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

        `new` is a table or a file, as for `fit`; `do` sets nodes on the scale of their columns. The model is
        the primary one unless `estimator` names another; in the chain mediators that the rows lack, or that
        `do` moves, are simulated. Raises DagregError where there is no such model, it does not cover `do`
        (DR561), the rows do not fit it (DR3xx), or a number is out of its range (DR569).
        """
        spec = self.record.study.spec
        model = self.model(estimator, effect)
        python.check_number("level", LEVEL if level is None else level, *LEVELS)
        python.check_number("seed", 0 if seed is None else seed, 0, MAX_SEED, whole=True)
        source = open_source(spec, new, allow_outside=False)
        way, rows = predict.routed(model, self.record.study.graph, source, do or {})
        draws = self.samples[model.builder].flat()
        chosen = spec.sampling.seed if seed is None else seed
        return predict.predict(model, draws, way, rows, chosen, LEVEL if level is None else level)

    def model(self, estimator: str | None = None, effect: int = 0) -> Model:
        """The fitted model of an effect, the primary one by default.

        Raises DagregError (DR564) without one.
        """
        known = range(1, len(self.effects) + 1)
        if effect + 1 not in known:
            raise DagregError(
                (Diagnostic("DR564", f"there is no effect {effect + 1}: the spec asks for {known[-1]}"),)
            )
        plan, models = self.effects[effect].plan, self.effects[effect].solved
        matches = [m for m in models if estimator in (None, m.estimator)]
        if not matches:
            there = ", ".join(m.estimator for m in models) or "none"
            left = [f"{m.estimator}: {m.reason}" for m in plan.left_out] if plan is not None else []
            left += [f"{f.estimator}: {f.message}" for f in self.effects[effect].failures]
            wanted = f"no {estimator} model" if estimator else "no model"
            message = f"{wanted} of effect {effect + 1} was fitted (there: {there})"
            raise DagregError((Diagnostic("DR564", message, notes=tuple(left)),))
        return matches[0]

    def simulate(
        self, spec: Spec, rows: int, data: Any, do: Mapping[str, Any], seed: int, *, allow_outside: bool
    ) -> Simulated:
        """Rows under one draw of the posterior, as `dagreg.simulate` gives them.

        They are of the chain where it was fitted, for it draws the mediators too, else of the primary model.
        Raises DagregError where `spec` is not the fit's (DR573), and as `dagreg.simulate` does.
        """
        study = self.record.study
        if spec.text != study.spec.text:
            raise DagregError(
                (Diagnostic("DR573", f"`{spec.path or spec.name}` is not the spec of this fit"),)
            )
        chain = next((m for e in self.effects[:1] for m in e.solved if m.estimator == Estimator.CHAIN), None)
        model = chain or self.model()
        source = open_source(spec, data, allow_outside=allow_outside)
        return simulation.from_posterior(
            model, self.samples[model.builder], study.graph, rows, source, do, seed
        )

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        return framed(self.report("html"))


def open_result(folder: str | os.PathLike[str]) -> Result:
    """The result in a folder that `result.save` or `dagreg fit` wrote.

    Raises DagregError where there is none (DR541), where its files are not as they were written (DR542), or
    where this version of dagreg makes another program of its spec (DR543).
    """
    return _opened(read_record(Path(folder)))


def same_question(folder: str | os.PathLike[str], spec: Spec) -> Stored | None:
    """The record of a folder whose fit was of this very spec, its settings among it, by these versions of all
    that has a part in the numbers; else None.
    """
    try:
        stored = read_record(Path(folder))
        return stored if stored.spec == spec and stored.report["versions"] == versions() else None
    except (DagregError, KeyError):
        return None


def unchanged(stored: Stored, study: Study, source: Source) -> Result | None:
    """The result of a `same_question`, where a fit to these data would make the same; else None.

    The same are the place and the SHA-256 of the data. Raises DagregError where the data cannot be read.
    """
    columns, known = columns_of(study.spec, nodes_of(study)), stored.report.get("data", {})
    if not set(columns) <= set(source.columns):
        return None  # the fit says which are not there
    digest = source.sha256(columns)
    if digest is None or (source.origin, digest) != (known.get("source"), known.get("sha256")):
        return None  # a database has no digest: its rows may have changed
    try:
        return _opened(stored, study)
    except DagregError:
        return None


def _opened(stored: Stored, study: Study | None = None) -> Result:
    report, samples, took = opening.reopened(stored, lambda report: render(report, "json"), study)
    return Result(
        report, samples, stored.summary, stored.query, stored.reader, os.path.abspath(stored.folder), took
    )
