"""The whole compiler on one screen: from the text of a spec to a report.

    load -> study -> bind -> lower -> emit -> optimise -> solve -> estimate -> doubt -> report

Each stage takes one immutable type and returns another. Its module is loaded by the function that needs it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dagreg.errors import Doubt
from dagreg.graph.causal import analyse
from dagreg.report.render import Explanation, TestedGraph
from dagreg.spec.load import spec_of
from dagreg.spec.types import Spec
from dagreg.study import Study, absent_data, study_of

if TYPE_CHECKING:
    from dagreg.compiled import Compiled
    from dagreg.report.draw import PictureFormat
    from dagreg.result import Result

AnySpec = Spec | str | os.PathLike[str]  # a spec, or the path of its file


def explain(spec: AnySpec) -> Explanation:
    """The identification report of a spec, without data; it warns of a data file that is not there."""
    spec = spec_of(spec)
    return Explanation.of(replace(study_of(spec), doubts=absent_data(spec)))


def check(spec: AnySpec, data: Any = None, *, allow_outside: bool = False) -> dict[str, Any]:
    """Runs all of a fit but the solving: graph, columns, values, regressions and the engine's refusals.

    Without an effect, the graph and the columns of every observed node. Returns the type of each node in
    words, under "nodes", and what looks odd, under "warnings". Raises DagregError with what is wrong.
    """
    from dagreg.binding.opening import open_source
    from dagreg.binding.table import bind, columns_beside, nodes_of
    from dagreg.engines.table import demanded, pieces_of
    from dagreg.programs import idle_doubts, lower_all, program_of

    spec = spec_of(spec)
    study = study_of(spec) if spec.effects else None
    graph = study.graph if study is not None else analyse(spec)
    words = {k: n.type or "type not known yet" if n.observed else "unobserved" for k, n in spec.nodes.items()}
    table, doubts = None, list[Doubt]()
    if data is not None or spec.data is not None:
        source = open_source(spec, data, allow_outside=allow_outside)
        variables, odd = columns_beside(spec, graph, source, nodes_of(study) if study is not None else ())
        doubts += odd
        if study is not None:
            table = bind(study, source, checked=bool(variables))
            variables |= table.variables
            doubts += (*table.doubts, *table.odd())
        words |= {v.name: v.type + " (inferred from its column)" * v.inferred for v in variables.values()}
    if study is not None:
        plans = lower_all(study, table)
        program_of(spec, plans, table)
        if table is not None and demanded(spec.sampling.engine) is not None:
            pieces_of([m for plan in plans for m in plan.models], table.rows, spec.sampling.engine)
        doubts += idle_doubts(spec, plans)
    return {"nodes": words, "warnings": [{"code": d.code, "message": d.message} for d in doubts]}


def compile(
    spec: AnySpec,
    data: Any = None,
    *,
    allow_outside: bool = False,
    estimator: str | None = None,
    optimised: bool = False,
    folder: str | os.PathLike[str] = "",
) -> Compiled:
    """The PyMC program of every identified effect; without data, default priors are written by their rule.

    `estimator` keeps its builders alone, `optimised` is the equal program on reduced data, and `folder` is
    where it will stand, from which it names its data. Raises DagregError where the spec asks for what is
    not supported, columns do not fit, nothing is left to compile, or there are no data to optimise for.
    """
    from dagreg.binding.table import bind_if_there
    from dagreg.compiled import compile_study

    study = study_of(spec_of(spec))
    table = bind_if_there(study, data, allow_outside=allow_outside)
    return compile_study(study, table, estimator, optimised=optimised, folder=os.fspath(folder))


def explain_plan(
    spec: AnySpec,
    data: Any = None,
    *,
    allow_outside: bool = False,
    estimator: str | None = None,
    reuse: str | os.PathLike[str] | None = None,
) -> str:
    """How a fit would solve each regression, and why; with `reuse`, which draws of an earlier result serve.

    Raises DagregError as `compile` does, and without data.
    """
    from dagreg.binding.table import bind_if_there
    from dagreg.compiled import compile_study
    from dagreg.engines.explain import plan_text
    from dagreg.engines.run import reusable
    from dagreg.engines.table import demanded
    from dagreg.results.stored import earlier

    study = study_of(spec_of(spec))
    table = bind_if_there(study, data, allow_outside=allow_outside)
    pieces = compile_study(study, table, estimator, optimised=True).pieces
    engine = demanded(study.spec.sampling.engine)
    if engine is not None and engine.runs_program:
        plain = f"`engine: {engine.name}` in the spec runs the program as it is written. Without it:\n"
        return plain + plan_text(pieces)
    store, known = earlier(reuse), dict[str, tuple[bool, ...]]()
    if store and table is not None:
        known = {b: reusable(group, table.rows, study.spec.sampling, store) for b, group in pieces.items()}
    return plan_text(pieces, known)


def plate(
    spec: AnySpec, format: str, data: Any = None, *, allow_outside: bool = False, estimator: str | None = None
) -> bytes:
    """The plate diagram of a program's first model, or of `estimator`'s: a file of SVG, PNG, PDF or DOT.

    PyMC builds the model, for which it needs the data. Raises DagregError as `compile` does, without data
    (DR300), and where the format is none of a plate diagram's or the model is too large to draw (DR551).
    """
    from dagreg.binding.opening import open_source
    from dagreg.binding.table import bind
    from dagreg.compiled import compile_study
    from dagreg.engines.plate import plate_source
    from dagreg.report.plate import plate_picture

    study = study_of(spec_of(spec))
    table = bind(study, open_source(study.spec, data, allow_outside=allow_outside))
    program = compile_study(study, table, estimator).program
    source = plate_source(program, program.builders[0], table.rows)
    return plate_picture(source, format, f"Plate diagram of {study.spec.name}")


def test(
    spec: AnySpec, data: Any = None, *, allow_outside: bool = False, relabellings: int = 1000
) -> TestedGraph:
    """Holds every independence that the graph implies against the data, with what would explain rejections.

    At most so many graphs with exchanged names are tried beside it. A spec without an effect is tested too.
    Raises DagregError where there are no data, or they do not fit the spec.
    """
    from dagreg.binding.opening import open_source
    from dagreg.doubts.graph_test import graph_against

    spec = spec_of(spec)
    source = open_source(spec, data, allow_outside=allow_outside)
    return TestedGraph.of(graph_against(spec, source, relabellings))


def draw(spec: AnySpec, format: PictureFormat = "svg", *, effect: int = 0) -> bytes:
    """The graph as a file of this format, coloured for one of the spec's effects where it has any.

    Raises DagregError where the graph is too large to draw or Graphviz gives up (DR551).
    """
    from dagreg.report.draw import draw as picture

    spec = spec_of(spec)
    return picture(spec, study_of(spec).answers[effect] if spec.effects else None, format)


def fit(
    spec: AnySpec | Study,
    data: Any = None,
    *,
    allow_outside: bool = False,
    progress: Callable[[str], None] = lambda message: None,
    reuse: str | os.PathLike[str] | None = None,
    thorough: bool = False,
) -> Result:
    """Fits every identified effect of a spec and doubts the result; a study or a source is not made again.

    `reuse` names the folder of an earlier result, if there is one: regressions that are the same there, on
    the same data and under the same settings, keep their draws. An effect that is not identified is answered
    without a number, and `failures` say why a model cannot be solved. `thorough` makes checks that may cost
    more than the fit. Raises DagregError where the spec asks for what is not supported or the data do not fit
    it.
    """
    from dagreg.binding.opening import open_source
    from dagreg.binding.room import check_count, check_room
    from dagreg.binding.table import bind
    from dagreg.doubts.effect import graph_verdicts, nodes_of_checks
    from dagreg.engines.solve import solve
    from dagreg.engines.table import pieces_of
    from dagreg.programs import lower_all, program_of
    from dagreg.result import Result
    from dagreg.results.fitted import fitted, report_of
    from dagreg.results.stored import earlier

    started = time.perf_counter()
    known, spec = (spec, spec.spec) if isinstance(spec, Study) else (None, spec_of(spec))
    check_count(spec.sampling)
    study = known or study_of(spec)
    table = bind(study, open_source(spec, data, allow_outside=allow_outside), nodes_of_checks(study))
    verdicts = graph_verdicts(study, table)
    plans = lower_all(study, table)
    program = program_of(spec, plans, table)
    models = [m for plan in plans for m in plan.models]
    check_room(models, table.rows, spec.sampling)
    pieces = pieces_of(models, table.rows, spec.sampling.engine)
    solved = solve(plans, pieces, table, earlier(reuse), progress)
    effects, draws = fitted(study, solved, pieces, table, program, verdicts, thorough=thorough)
    report = report_of(study, table, plans, program, pieces, effects, verdicts)
    took = {"fit": time.perf_counter() - started, **{builder: d.seconds for builder, d in draws.items()}}
    return Result(report, draws, table.summary, table.rows.script_query(None), table.source.reader, "", took)
