"""The columns of the nodes that tests of independence read, and what each is as a response."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dagreg.binding.counted import are_cells
from dagreg.binding.summary import columns_of, summarise, unusable
from dagreg.doubts.implication_curves import is_number
from dagreg.doubts.within_groups import combined
from dagreg.errors import DataError
from dagreg.families import FAMILIES, default_family
from dagreg.model.design import encode
from dagreg.model.summary import Variable
from dagreg.numerics.arrays import Array
from dagreg.sources.source import Source
from dagreg.sources.types import ColumnSummary
from dagreg.spec.types import Node, Spec

RowSampler = Callable[
    [Sequence[str], int, int], dict[str, np.ma.MaskedArray[Any, Any]]
]  # columns, most rows, seed
MAX_ROWS = 50_000  # a sample of larger tables


@dataclass(frozen=True, slots=True)
class NodeColumn:
    """One node's values: its design columns, which rows have them, and what it is as a response."""

    variable: Variable
    blocks: Array  # rows x columns; the positions of a label's levels
    there: npt.NDArray[np.bool_]
    units: Array  # trials, or units of exposure, of each row
    family: str

    @property
    def label(self) -> bool:
        """Whether it stands for levels that may be many: a group, or a pooled node."""
        return self.variable.pooled

    def places(self, rows: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """The level of each of these rows."""
        if self.label:
            return np.asarray(self.blocks[rows, 0], dtype=np.int64)
        return combined(list(self.blocks[rows].T), int(rows.sum()))

    def predictor(self, rows: npt.NDArray[np.bool_]) -> Array:
        """Its design columns in these rows, about their means; counts of successes and of events per unit."""
        values = self.blocks[rows] / self.units[rows, None]
        return np.asarray(values - values.mean(axis=0))  # far from 0, rounding would eat what varies

    def as_label(self) -> NodeColumn:
        """The same levels, as a label."""
        places = combined(list(self.blocks.T), len(self.blocks))
        return replace(
            self, variable=replace(self.variable, pooled=True), blocks=places[:, None].astype(np.float64)
        )

    def bends(self, rows: npt.NDArray[np.bool_]) -> bool:
        """Whether it is a number of more than two values."""
        return not self.label and not self.variable.levels and is_number(self.blocks[rows])

    def spreads(self, rows: npt.NDArray[np.bool_]) -> bool:
        """Whether it is such a number and its rows stand for equal units."""
        units = self.units[rows]
        return self.bends(rows) and bool((units == units[0]).all())

    def indicators(self, rows: npt.NDArray[np.bool_]) -> Array:
        """A column for each level of a label that occurs in these rows, but the first."""
        places = self.places(rows)
        return np.asarray(places[:, None] == np.unique(places)[1:], dtype=np.float64)


def read_columns(
    spec: Spec,
    source: Source,
    wanted: Sequence[str],
    seed: int,
    known: Mapping[str, ColumnSummary],
    sample: RowSampler,
    given: Mapping[str, Variable],
    barred: Mapping[str, str],
) -> tuple[dict[str, NodeColumn], dict[str, str]]:
    """These nodes, and the sentence about each that cannot be tested.

    A node on which the rows were selected and that has no column, or a single value, is held fixed by the
    selection itself: it stands in neither.
    """
    reasons = {n: barred[n] if n in barred else unusable(source, spec, n, checked=n in given) for n in wanted}
    absent = {n: why for n, why in reasons.items() if why != ""}
    variables: dict[str, Variable] = {}
    for name in (n for n in wanted if n not in absent):
        if name in given:
            variables[name] = given[name]
            continue
        lacking = [c for c in columns_of(spec, [name]) if c not in known]  # the others have every value
        try:
            variables |= summarise(
                source, spec, [name], source.complete(lacking), known if not lacking else {}
            )[1]
        except DataError as error:
            absent[name] = error.diagnostics[0].message
    raw = sample(columns_of(spec, variables), MAX_ROWS, seed)
    columns = {name: _column(spec.nodes[name], spec, v, raw) for name, v in variables.items()}
    held = {n for n in absent if spec.nodes[n].selected}
    return columns, {
        n: f"{_sentence(why)} its independences are not tested." for n, why in absent.items() if n not in held
    }


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:].rstrip('.')};"


def _column(
    node: Node, spec: Spec, variable: Variable, raw: Mapping[str, np.ma.MaskedArray[Any, Any]]
) -> NodeColumn:
    family = _family(node, spec, variable)
    values, there = _present(raw[variable.column])
    units = np.ones(len(values))
    for name in (node.trials, node.offset):
        if isinstance(name, str):
            numbers, known = _present(raw[name])
            there &= known
            units = np.where(known, numbers, 1).astype(np.float64)
        elif name is not None:
            units = np.full(len(values), float(name))
    there &= units > 0
    filler = values[there][0] if there.any() else values[0]
    blocks = encode(variable, np.where(there, values, filler))
    return NodeColumn(variable, blocks, there, units, family)


def as_units(columns: Mapping[str, NodeColumn], counted: str, seed: int) -> dict[str, NodeColumn]:
    """Of a table of counts, a row for each unit (at most `MAX_ROWS` at random); any other table as it is."""
    y = columns[counted]
    others = [c for c in columns.values() if c is not y]
    complete = np.logical_and.reduce([c.there for c in columns.values()])
    told = [block for c in others for block in c.blocks[complete].T]
    if y.family != "successes" or not are_cells(told) or not complete.any():
        return dict(columns)
    hits, units = y.blocks[:, 0], y.units
    numbers = np.where(complete, [hits, units - hits], 0).astype(np.int64).ravel()
    if numbers.sum() > MAX_ROWS:
        rng = np.random.default_rng(seed)
        numbers = rng.multivariate_hypergeometric(numbers, MAX_ROWS, method="marginals")
    which = np.repeat(np.tile(np.arange(len(hits)), 2), numbers)
    hit = np.repeat(np.repeat([1.0, 0.0], len(hits)), numbers)
    by_unit = {
        n: replace(c, blocks=c.blocks[which], there=c.there[which], units=c.units[which])
        for n, c in columns.items()
    }
    single = replace(y.variable, type="binary", levels=(0, 1))
    by_unit[counted] = NodeColumn(
        single, hit[:, None], np.ones(len(hit), dtype=bool), np.ones(len(hit)), "levels"
    )
    return by_unit


def _present(column: np.ma.MaskedArray[Any, Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    values = np.ma.getdata(column)
    there = ~np.ma.getmaskarray(column)
    if values.dtype.kind == "f":
        there = there & ~np.isnan(values)
    return values, there


def _family(node: Node, spec: Spec, variable: Variable) -> str:
    """What the node is as a response: levels, count, successes or number."""
    regression = spec.regressions.get(node.name)
    said = (regression.family if regression is not None else None) or node.family
    if variable.levels:
        return "levels"
    family = FAMILIES.get(said) if said is not None else default_family(variable.type)
    if (
        family is None
        or (said is None and variable.transform is not None)
        or (family.trials and node.trials is None)
    ):
        return "number"
    return family.tested_as
