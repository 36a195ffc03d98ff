"""A folder that `dagreg fit` wrote, as the fit that it was: nothing is sampled again.

Models and program are made again from the study of the stored spec and the summary of the data. They have to
come out as stored, or the folder is refused: draws are of no use under other names.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dagreg.binding.table import nodes_of
from dagreg.engines.draws import Draws
from dagreg.engines.nuts import parameters
from dagreg.engines.run import with_intercepts
from dagreg.errors import DagregError
from dagreg.model.plan import Model, Plan
from dagreg.model.variables import resolve
from dagreg.programs import lower_with, program_reading
from dagreg.results import posterior
from dagreg.results.codec import decode
from dagreg.results.fit import FittedEffect, Report
from dagreg.results.folder import POSTERIOR, PROGRAM, SEAL
from dagreg.results.stored import Stored, refused, timings, versions
from dagreg.sources.reader import DUCKDB
from dagreg.study import Study, study_of

ReportWriter = Callable[[Report], str]  # what `results.json` says of a report


def reopened(
    stored: Stored, written: ReportWriter, study: Study | None = None
) -> tuple[Report, dict[str, Draws], dict[str, float]]:
    """The report, the draws by builder, and the seconds that the fit took, as they are stored.

    `study` is of the stored spec, where there is one already. Raises DagregError where the files are not as
    they were written (DR542), or where this version of dagreg makes another program of the spec (DR543).
    """
    try:
        study = study or study_of(stored.spec)
        plans, source = _again(stored, study)
        report = _report(stored, study, plans, source, written)
        took = timings(stored.folder)
        solved = [model for effect in report.effects for model in effect.solved]
        return report, {m.builder: _draws(stored, m, took.get(m.builder, 0.0)) for m in solved}, took
    except DagregError:
        raise
    except Exception as error:  # a record of the right shape that says what no fit can have said
        what = f"its record cannot be true: {str(error) or type(error).__name__}"
        raise refused(*_cause(stored, what)) from error


def _again(stored: Stored, study: Study) -> tuple[tuple[Plan, ...], str]:
    """The models and the program, which has to be the stored one."""
    path = stored.folder / PROGRAM
    with path.open(encoding="utf-8", newline="") as stream:
        source = stream.read()
    try:
        plans = lower_with(study, resolve(study.spec, nodes_of(study), stored.summary), stored.summary)
        models = [m for plan in plans for m in plan.models]
        program = program_reading(study.spec, models, stored.query, stored.reader or DUCKDB)
    except DagregError as error:
        raise refused(*_cause(stored, f"its spec does not compile here: {error}")) from None
    if program.source != source:
        raise refused(*_cause(stored, f"its spec makes another program than `{path}`"))
    return plans, source


def _cause(stored: Stored, what: str) -> tuple[str, str]:
    """The code and the message where the compiler makes something else than is stored."""
    here = versions().get("dagreg", "unknown")
    if stored.version != here:
        return "DR543", f"`{stored.folder}` is of dagreg {stored.version}, this is {here}: {what}"
    return "DR542", f"`{stored.folder}` has changed since `dagreg fit` wrote it, or dagreg has: {what}"


def _report(
    stored: Stored, study: Study, plans: Sequence[Plan], source: str, written: ReportWriter
) -> Report:
    """The report, which has to say what `results.json` says."""
    try:
        effects = tuple(
            decode(FittedEffect, fields, effect=studied.effect, answer=studied.answer, plan=plan)
            for fields, studied, plan in zip(stored.effects, study.effects, plans, strict=True)
        )
        report = decode(Report, stored.report, study=study, source=source, effects=effects)
    except (TypeError, ValueError) as error:
        raise refused(*_cause(stored, str(error))) from None
    path = stored.folder / SEAL
    if path.read_bytes() != written(report).encode("utf-8", "backslashreplace"):
        raise refused(*_cause(stored, f"`{path}` says something else than the record of the fit"))
    return report


def _draws(stored: Stored, model: Model, seconds: float) -> Draws:
    """The draws of one program, and how they were made."""
    path = stored.folder / POSTERIOR
    try:
        made = stored.samples[model.builder]
        values, trees = posterior.read(path, model.builder, dict.fromkeys(parameters(model)))
    except (OSError, KeyError) as error:
        raise refused("DR542", f"`{path}` does not hold the draws of {model.builder}: {error}") from None
    return with_intercepts(Draws(values, made.engine, made.divergences, seconds, trees, made.parts), model)
