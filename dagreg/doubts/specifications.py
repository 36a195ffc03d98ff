"""What else could move the answer: the same effect by other regressions (Simonsohn, Simmons and Nelson 2020).

Every other minimal set of the graph has to agree, up to noise. Each node of the set left out, and nothing
adjusted for, shows how much the answer hangs on it. A regression of the user's own stands beside them, with
what the graph says of its terms. Each is lowered and solved as the answer is. By default that is done where
no Markov chain is needed, and for all on request (`thorough`); a regression that is asked for is always
solved.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagreg.binding.rows import Rows
from dagreg.binding.summary import columns_of, summarise
from dagreg.binding.table import Table
from dagreg.doubts.power_scaling import scaled_priors
from dagreg.doubts.types import Specification
from dagreg.effects.estimate import estimates
from dagreg.effects.types import EffectResult, Estimate
from dagreg.engines.run import draw
from dagreg.engines.solve import Solved
from dagreg.engines.table import pieces_of
from dagreg.errors import DagregError, Unsolvable
from dagreg.identify.case import Case
from dagreg.identify.types import Adjustment
from dagreg.identify.words import quoted
from dagreg.model.lower import on_set
from dagreg.model.summary import Variable
from dagreg.programs import running_program
from dagreg.study import StudiedEffect, Study

MAX_SETS = 6  # other minimal sets
MAX_LEFT_OUT = 10  # nodes
MAX_NODES = 40  # of a set
MAX_COLUMNS = 100  # of the answer's regression: with more, each further one takes its time


@dataclass(frozen=True, slots=True)
class _Asked:
    """A regression to be tried."""

    name: str
    nodes: tuple[str, ...]


def specifications(
    study: Study,
    studied: StudiedEffect,
    solved: Solved,
    result: EffectResult,
    table: Table,
    *,
    thorough: bool = False,
) -> tuple[Specification, ...]:
    """The estimates of the first contrast by every regression, the answer first; none where there is nothing
    to compare.
    """
    head = next((e for e in result.estimates if e.primary and e.average), None)
    if head is None or not isinstance(studied.answer, Adjustment) or studied.effect.by:
        return ()
    case = Case.of(study.graph, studied.answer.justification.query)
    found = [_row(e.estimator.label, e, case, primary=e.primary) for e in _known(head, result)]
    cheap = solved.models[0].complete and all(d.independent for d in solved.by_estimator.values())
    cheap = cheap and sum(len(t.columns) for t in solved.models[0].outcome.terms) <= MAX_COLUMNS
    everything = thorough or cheap
    chosen = studied.answer.adjusted_for
    asked = list(_asked(studied, chosen, everything=everything))
    rows = _rows(study, studied, asked, table)
    if rows is not None:
        for place, one in enumerate(asked):
            row = _tried(study, studied, one, place, case, rows, head, table)
            found += [row] if row is not None else []
    found += _by_priors(solved, studied, head, table.spec.sampling.seed)
    return tuple(found) if len(found) > 1 else ()


def _by_priors(solved: Solved, studied: StudiedEffect, head: Estimate, seed: int) -> Iterator[Specification]:
    """The answer's own regression under priors of half and twice the strength."""
    model = next(m for m in solved.models if m.primary)
    contrast = next((c for c in model.estimand.contrasts if c.level == head.outcome_level), None)
    if contrast is None or contrast != model.estimand.contrasts[0]:
        return
    for one in scaled_priors(model, solved.by_estimator[model.estimator], solved.distinct, contrast, seed):
        why = "the same regression"
        yield Specification(one.name, head.adjusted_for, True, why, one.mean, one.sd, one.interval)


def _known(head: Estimate, result: EffectResult) -> Iterator[Estimate]:
    """The answer, and the same contrast by the other estimators."""
    yield head
    for e in result.estimates:
        same = (e.scale, e.contrast, e.outcome_level) == (head.scale, head.contrast, head.outcome_level)
        if same and e.estimator != head.estimator and not e.by and e.average:
            yield e


def _asked(studied: StudiedEffect, chosen: tuple[str, ...], *, everything: bool) -> Iterator[_Asked]:
    """Other minimal sets, each node left out, and the user's own regression."""
    seen = {frozenset(chosen), frozenset()}
    if everything and len(chosen) <= MAX_NODES:
        for nodes in studied.answer.justification.adjustment.minimal[:MAX_SETS]:
            if frozenset(nodes) not in seen:
                seen.add(frozenset(nodes))
                yield _Asked("another set", tuple(nodes))
        for name in chosen[:MAX_LEFT_OUT]:
            rest = tuple(n for n in chosen if n != name)
            if frozenset(rest) not in seen:
                seen.add(frozenset(rest))
                yield _Asked(f"without `{name}`", rest)
    if studied.effect.compare is not None:
        yield _Asked("your own", studied.effect.compare)


def _rows(
    study: Study, studied: StudiedEffect, asked: list[_Asked], table: Table
) -> tuple[Rows, dict[str, Variable]] | None:
    """The rows with the columns that all of these need; None where values are missing in them."""
    if not asked:
        return None
    spec, effect = study.spec, studied.effect
    used = {*effect.exposure, effect.outcome, *(n for one in asked for n in one.nodes)}
    names = [n for n in spec.nodes if n in used]
    columns = columns_of(spec, names)
    if any(c not in table.source.columns for c in columns):
        return None
    lacking = table.source.missing(c for c in columns if c not in table.known)
    if any(lacking.values()) and table.where == "TRUE":
        return None
    summary, variables = summarise(table.source, spec, names, table.where, graph=study.graph)
    return Rows(table.source, columns, table.where, summary), variables


def _tried(
    study: Study,
    studied: StudiedEffect,
    one: _Asked,
    place: int,
    case: Case,
    read: tuple[Rows, dict[str, Variable]],
    head: Estimate,
    table: Table,
) -> Specification | None:
    """One regression solved; None where it cannot be."""
    rows, variables = read
    spec, answer = study.spec, studied.answer
    assert isinstance(answer, Adjustment)
    try:
        model = on_set(spec, studied.effect, answer, variables, rows.summary, one.nodes, f"_other_{place}")
        pieces = pieces_of([model], rows, spec.sampling.engine)[model.builder]
        made = draw(pieces, lambda: running_program(pieces, table), rows, spec.sampling)
        found = estimates(model, made, rows, spec.sampling.seed)
    except (DagregError, Unsolvable):
        return None
    asked = (head.contrast, head.outcome_level)
    match = next((e for e in found if e.average and (e.contrast, e.outcome_level) == asked), None)
    return None if match is None else _row(one.name, match, case)


def _row(name: str, e: Estimate, case: Case, *, primary: bool = False) -> Specification:
    nodes = tuple(case.graph.index[n] for n in e.adjusted_for)
    chain = not e.estimator.offers.single
    valid = chain or case.criterion.valid(nodes)
    why = "" if chain else _why(case, nodes, valid)
    s = e.summary
    return Specification(name, e.adjusted_for, valid, why, s.mean, s.sd, s.interval, primary)


def _why(case: Case, nodes: tuple[int, ...], valid: bool) -> str:
    """What the graph says of a set."""
    if valid:
        return "the graph allows it"
    names, barred = case.graph.names, [v for v in nodes if case.criterion.forbidden[v]]
    if barred:
        return f"{quoted(names[v] for v in barred)} follow{'s' * (len(barred) == 1)} from the exposure"
    path = case.criterion.biasing_path(nodes)
    return f"`{path.render(case.graph)}` stays open" if path is not None else "the graph does not allow it"
