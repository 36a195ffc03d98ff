"""A folder that `dagreg fit` wrote, as the result that it was: nothing is sampled again.

Identification, models and program are made again from the stored spec and summary of the data. They have to
come out as stored, or the folder is refused: draws are of no use under other names.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dagreg.engines import posterior
from dagreg.engines.draws import Draws
from dagreg.engines.nuts import parameters
from dagreg.engines.run import with_intercepts
from dagreg.errors import DagregError
from dagreg.model.plan import Model, Plan
from dagreg.pipeline import Question, Result, data_identity, explained_by, programmed, questions
from dagreg.report.codec import decode
from dagreg.report.render import render
from dagreg.report.result import FittedEffect, Report
from dagreg.report.stored import Stored, read_record, refused, timings
from dagreg.report.write import POSTERIOR, PROGRAM, SEAL
from dagreg.spec.types import Spec


def open_result(folder: str | os.PathLike[str]) -> Result:
    """The result in a folder that `result.save` or `dagreg fit` wrote.

    Raises DagregError where there is none (DR541), where its files are not as they were written (DR542), or where
    this version of dagreg makes another program of its spec (DR543).
    """
    return _opened(read_record(Path(folder)))


def unchanged(
    folder: str | os.PathLike[str], spec: Spec, data: Any = None, *, allow_outside: bool = False
) -> Result | None:
    """The result in a folder, where a fit of this spec to these data would make the same; else None.

    The same are the spec, its settings, the place and the SHA-256 of the data, and the versions of all that has a
    part in the numbers. Raises DagregError where the data cannot be read.
    """
    from dagreg.sources.versions import versions

    try:
        stored = read_record(Path(folder))
        if stored.spec != spec or stored.report["versions"] != versions():
            return None
    except (DagregError, KeyError):
        return None
    known = stored.report.get("data", {})
    place, digest = data_identity(spec, data, allow_outside=allow_outside)
    if digest is None or (place, digest) != (known.get("source"), known.get("sha256")):
        return None  # a database has no digest: its rows may have changed
    try:
        return _opened(stored)
    except DagregError:
        return None


def _opened(stored: Stored) -> Result:
    try:
        return _made_again(stored)
    except DagregError:
        raise
    except Exception as error:  # a record of the right shape that says what no fit can have said
        what = f"its record cannot be true: {str(error) or type(error).__name__}"
        raise refused(*_cause(stored, what)) from error


def _made_again(stored: Stored) -> Result:
    _, asked = questions(stored.spec)
    plans, source = _again(stored, asked)
    report = _report(stored, asked, plans, source)
    took = timings(stored.folder)
    solved = [model for effect in report.effects for model in effect.solved]
    samples = {m.builder: _draws(stored, m, took.get(m.builder, 0.0)) for m in solved}
    return Result(report, samples, stored.summary, stored.query, stored.reader, os.path.abspath(stored.folder), took)


def _again(stored: Stored, asked: Sequence[Question]) -> tuple[tuple[Plan, ...], str]:
    """The models and the program, which has to be the stored one."""
    path = stored.folder / PROGRAM
    with path.open(encoding="utf-8", newline="") as stream:
        source = stream.read()
    try:
        plans, program = programmed(stored.spec, asked, stored.summary, stored.query, reader=stored.reader)
    except DagregError as error:
        raise refused(*_cause(stored, f"its spec does not compile here: {error}")) from None
    if program.source != source:
        raise refused(*_cause(stored, f"its spec makes another program than `{path}`"))
    return plans, source


def _cause(stored: Stored, what: str) -> tuple[str, str]:
    """The code and the message where the compiler makes something else than is stored."""
    from dagreg.sources.versions import versions

    here = versions().get("dagreg", "unknown")
    if stored.version != here:
        return "DR543", f"`{stored.folder}` is of dagreg {stored.version}, this is {here}: {what}"
    return "DR542", f"`{stored.folder}` has changed since `dagreg fit` wrote it, or dagreg has: {what}"


def _report(stored: Stored, asked: Sequence[Question], plans: Sequence[Plan], source: str) -> Report:
    """The report, which has to say what `results.json` says."""
    from dagreg.graph.causal import analyse

    explained = explained_by(stored.spec, analyse(stored.spec), asked)
    try:
        effects = tuple(
            decode(FittedEffect, fields, effect=question.effect, answer=question.answer, plan=plan)
            for fields, question, plan in zip(stored.effects, asked, plans, strict=True)
        )
        report = decode(Report, stored.report, explained=explained, source=source, effects=effects)
    except (TypeError, ValueError) as error:
        raise refused(*_cause(stored, str(error))) from None
    path = stored.folder / SEAL
    if path.read_bytes() != render(report, "json").encode("utf-8", "backslashreplace"):
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
