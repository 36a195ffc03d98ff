"""Bounds in the place of an effect that is not identified, and beside a linear instrument's answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dagreg.binding.rows import Rows
from dagreg.binding.summary import columns_of, summarise, unusable
from dagreg.binding.table import Table
from dagreg.effects.bounds import MIN_POSSIBLE, Counts, Levels, bounds_of, too_large
from dagreg.effects.types import Bound, EffectResult
from dagreg.errors import DagregError, Doubt
from dagreg.identify.bounding import Bounding, bounding_of
from dagreg.identify.types import Instrument
from dagreg.identify.words import quoted
from dagreg.model.contrasts import contrasts
from dagreg.model.summary import Variable
from dagreg.sources.types import Grouping, Sum
from dagreg.spec.types import Level
from dagreg.study import StudiedEffect, Study

MAX_LEVELS = 12  # of a node
MAX_VIOLATION = 4.0  # sds that the data may lie outside of what the graph can make
BORDER = "the data lie at the border of what the graph can make"
COUNT = "rows"


@dataclass(frozen=True, slots=True)
class BoundsFound:
    """The bounds of an effect, why there are none (""  where none were looked for), and what they say against
    the graph or against an instrument's estimate.
    """

    bounds: tuple[Bound, ...] = ()
    reason: str = ""
    doubts: tuple[Doubt, ...] = ()


def nodes_of_bounds(study: Study) -> Iterable[str]:
    """The nodes whose columns bounds are made of."""
    for studied in study.effects:
        bounding = bounding_of(study.graph, studied.answer)
        if bounding is not None:
            yield from bounding.nodes


def effect_bounds(
    study: Study, studied: StudiedEffect, table: Table, result: EffectResult | None
) -> BoundsFound:
    """Bounds of an effect whose nodes are discrete."""
    bounding = bounding_of(study.graph, studied.answer)
    if bounding is None:
        return BoundsFound()
    read = _variables(study, bounding, table)
    if isinstance(read, str):
        return BoundsFound(reason=read)
    variables, where = read
    levels = {n: variables[n].levels for n in bounding.nodes}
    reason = too_large(bounding, levels)
    if reason:
        return BoundsFound(reason=reason)
    try:
        asked = contrasts(studied.effect, variables)
    except DagregError as error:
        return BoundsFound(reason=error.diagnostics[0].message)
    pairs = [(c.start[0], c.stop[0]) for c in asked if c.start is not None and c.stop is not None]
    counts = _counts(bounding, variables, levels, table, where)
    bounded = bounds_of(bounding, levels, counts, tuple(dict.fromkeys(pairs)), study.spec.sampling.seed)
    if bounded.possible < MIN_POSSIBLE:
        far = bounded.violation > MAX_VIOLATION
        reason = "no model of the graph makes what the data show" if far else BORDER
        return BoundsFound(reason=reason, doubts=(_impossible(bounding),) if far else ())
    outside = _outside(bounding, bounded.bounds, result) if isinstance(studied.answer, Instrument) else ()
    return BoundsFound(bounded.bounds, "", outside)


def _variables(study: Study, bounding: Bounding, table: Table) -> tuple[dict[str, Variable], str] | str:
    """The variables of the nodes and the condition of rows that have them all; or why they do not serve."""
    spec, source = study.spec, table.source
    for name in bounding.nodes:
        node = spec.nodes[name]
        if isinstance(node.trials, str) or node.trials not in (None, 1):
            return f"a row of `{name}` stands for several units"
        if (node.column or name) not in source.columns or unusable(source, spec, name):
            return f"the data have no column of `{name}` that serves"
    where = source.complete(columns_of(spec, bounding.nodes))
    try:
        _, variables = summarise(source, spec, bounding.nodes, where)
    except DagregError as error:
        return error.diagnostics[0].message
    for name in bounding.nodes:
        found = variables[name]
        if not found.levels or len(found.levels) > MAX_LEVELS or found.type == "group":
            return f"`{name}` is {found.type}: bounds are made of few levels"
    return variables, where


def _counts(
    bounding: Bounding, variables: dict[str, Variable], levels: Levels, table: Table, where: str
) -> Counts:
    """How many rows each combination of levels has, by one question to the source."""
    nodes = bounding.nodes
    columns = tuple(dict.fromkeys(variables[n].column for n in nodes))
    name = max((*columns, COUNT), key=len) + "_"
    rows = Rows(table.source, columns, where, table.summary)
    grouped = rows.grouped(Grouping(columns, (Sum(name, ()),)))
    places = {n: {level: i for i, level in enumerate(levels[n])} for n in nodes}
    positions = np.array(
        [[places[n].get(v, -1) for v in grouped[variables[n].column].tolist()] for n in nodes], dtype=np.int64
    ).T
    known = (positions >= 0).all(axis=1)
    return Counts(nodes, positions[known], np.asarray(grouped[name], dtype=np.float64)[known])


def _impossible(bounding: Bounding) -> Doubt:
    names = quoted(bounding.nodes)
    message = (
        f"The data refute the graph: no unobserved causes, however strong, make {names} go together as they "
        "do in the data, if the arrows are right. A graph with an instrument, for one, forbids that the "
        "instrument moves the outcome much while the exposure stays where it is (Pearl 1995)."
    )
    remedy = (
        f"Look for an arrow past `{bounding.exposure}`, or for a cause that `{bounding.outcome}` shares with "
        f"what comes before `{bounding.exposure}`, and draw it in `edges:`."
    )
    return Doubt("DR611", message, remedy=remedy)


def _outside(bounding: Bounding, bounds: Sequence[Bound], result: EffectResult | None) -> tuple[Doubt, ...]:
    """That a linear instrument's estimate lies where the effect cannot be."""
    heads = [e for e in result.estimates if e.primary and e.average] if result is not None else []
    for head in heads:
        mean = head.summary.mean
        for bound in bounds:
            if _same(head.contrast, bound.contrast) and not (
                bound.lower_interval[0] <= mean <= bound.upper_interval[1]
            ):
                message = (
                    f"The estimate by the instrument ({mean:.3g}) lies where the effect cannot be: whatever "
                    f"the unobserved causes are, the data and the graph put it between {bound.lower:.3g} and "
                    f"{bound.upper:.3g}. The effect differs between units, or the regressions are not linear."
                )
                remedy = (
                    "Report the bounds in its place: they ask neither for lines nor for one effect for all."
                )
                return (Doubt("DR612", message, remedy=remedy),)
    return ()


def _same(
    contrast: tuple[Level, Level] | tuple[tuple[Level, ...], tuple[Level, ...]] | None,
    bound: tuple[Level, Level],
) -> bool:
    if contrast is None:
        return True
    sides = tuple(side[0] if isinstance(side, tuple) else side for side in contrast)
    return sides == bound
