"""From a study and a source to the table of a fit: columns checked, variables resolved once, rows chosen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dagreg.binding.beside import check_beside, without_open_ends
from dagreg.binding.offences import shown_in
from dagreg.binding.opening import open_if_there
from dagreg.binding.reading import reading_doubts
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
    unusable,
)
from dagreg.binding.suspicions import odd_columns
from dagreg.errors import DataError, Diagnostic, Doubt
from dagreg.graph.causal import CausalGraph
from dagreg.model.lower import needed
from dagreg.model.summary import DataSummary, Variable
from dagreg.sources.scan import scan
from dagreg.sources.source import Source
from dagreg.sources.types import ColumnSummary
from dagreg.spec.brief import Brief
from dagreg.spec.types import Spec
from dagreg.study import Study

MAX_UNNAMED = 30  # columns that no node has, named in a report


@dataclass(frozen=True, slots=True, repr=False)
class DataInfo(Brief):
    """Which data were used. `missing` counts the missing values of each column used, zeros left out.

    `sha256` is None for a table that stays in its database. `unnamed` are the first columns that no node has;
    nothing but their names is read.
    """

    source: str
    rows: int
    rows_used: int
    missing: Mapping[str, int]
    sha256: str | None
    inferred: Mapping[str, str]  # node -> type taken from its column
    unnamed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Table(Brief):
    """The data of a fit: the source narrowed to the columns used, its rows that are used, and the nodes'
    variables.
    """

    spec: Spec
    source: Source  # it may hold columns beside those of regressions, for checks
    rows: Rows
    info: DataInfo
    variables: Mapping[str, Variable]  # of the nodes whose columns the regressions need
    known: Mapping[str, ColumnSummary]  # columns that have a value in every row of the source
    unusable: Mapping[str, str] = field(
        default_factory=dict
    )  # other nodes that checks asked for: why not, "" if so
    doubts: tuple[Doubt, ...] = ()  # how the data were read

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that regressions read."""
        return self.rows.columns

    @property
    def where(self) -> str:
        """The SQL condition of the rows used."""
        return self.rows.where

    @property
    def summary(self) -> DataSummary:
        """Of the rows used."""
        return self.rows.summary

    @property
    def complete(self) -> dict[str, Variable]:
        """The variables whose columns have a value in every row, all of which are used."""
        if self.where != "TRUE":
            return {}
        return {
            n: v
            for n, v in self.variables.items()
            if all(c in self.known for c in columns_of(self.spec, [n]))
        }

    def odd(self) -> tuple[Doubt, ...]:
        """Warnings about columns that hold numbers and are hardly meant as numbers."""
        return odd_columns(self.source, self.spec, tuple(self.variables), self.summary, self.where)


def bind(study: Study, whole: Source, beside: Iterable[str] = (), *, checked: bool = False) -> Table:
    """The table of a study's regressions; the columns of the nodes `beside` are kept too, as far as they are
    usable.

    `checked` says that `check_columns` has passed these nodes. Raises DataError where columns do not fit the
    spec, or values are missing and the spec does not say `missing: drop`.
    """
    spec, names = study.spec, nodes_of(study)
    if not checked:
        check_columns(whole, spec, names)
    columns = columns_of(spec, names)
    barred = {n: unusable(whole, spec, n, checked=n in names) for n in dict.fromkeys(beside)}
    every_column = tuple(
        dict.fromkeys((*columns, *columns_of(spec, (n for n, why in barred.items() if not why))))
    )
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
            (
                Diagnostic(
                    "DR323", f"missing values in {listed}", spec.data.span if spec.data else None, label=note
                ),
            )
        )
    where = source.complete(present) if missing and spec.missing == "drop" else "TRUE"
    every = where == "TRUE"
    check_not_imputed(source, spec, names)
    with shown_in(source, where):
        summary, variables = _summarised(
            study.graph, source, spec, names, where, scanned.columns if every else {}
        )
    inferred = {v.name: v.type for v in variables.values() if v.inferred}
    named = set(columns_of(spec, (n.name for n in spec.nodes.values() if n.observed)))
    unnamed = tuple(c for c in whole.columns if c not in named)[:MAX_UNNAMED]
    info = DataInfo(source.origin, source.rows(), summary.rows, missing, hashed(), inferred, unnamed)
    known = {
        **scanned.columns,
        **({c: s for c, s in summary.columns.items() if s.missing == 0} if every else {}),
    }
    rows = Rows(source, columns, where, summary, scanned.moments if every else None)
    doubts = reading_doubts(source, spec, variables, summary, where)
    return Table(spec, source, rows, info, variables, known, barred, doubts)


def bind_if_there(study: Study, data: Any, *, allow_outside: bool) -> Table | None:
    """The table of the given data or the spec's own; None where the spec names none or its file
    is not there.
    """
    source = open_if_there(study.spec, data, allow_outside=allow_outside)
    return bind(study, source) if source is not None else None


def nodes_of(study: Study) -> tuple[str, ...]:
    """The nodes whose columns the regressions of all effects need, in the spec's order."""
    used = {name for s in study.effects for name in needed(s.effect, s.answer, s.chain)}
    return tuple(name for name in study.spec.nodes if name in used)


def columns_beside(
    spec: Spec, graph: CausalGraph, whole: Source, used: Collection[str]
) -> tuple[dict[str, Variable], tuple[Doubt, ...]]:
    """The variables of the observed nodes but those `used` by regressions, with what looks odd.

    Raises DataError where a column of any observed node is not there or of no use, or these do not fit.
    """
    names = tuple(n.name for n in spec.nodes.values() if n.observed and n.name not in used)
    if not names:
        return {}, ()
    check_columns(whole, spec, [n.name for n in spec.nodes.values() if n.observed])
    columns = columns_of(spec, names)
    source = whole.narrow(columns, declared_numbers(spec, columns))
    with shown_in(source):
        source = without_open_ends(source, spec, names)
    with shown_in(source):
        summary, variables = _summarised(graph, source, spec, names, "TRUE", {})
    doubts = reading_doubts(source, spec, variables, summary, "TRUE")
    return variables, (*doubts, *odd_columns(source, spec, names, summary, "TRUE"))


def _summarised(
    graph: CausalGraph,
    source: Source,
    spec: Spec,
    names: Sequence[str],
    where: str,
    known: Mapping[str, Any],
) -> tuple[DataSummary, dict[str, Variable]]:
    """The summary of these nodes' columns and their variables, once the columns that belong to them are
    checked.
    """
    check_beside(source, spec, names, where, _outcomes(spec, names))
    check_trials(source, spec, names, where)
    check_censored(source, spec, names, where)
    return summarise(source, spec, names, where, known, graph)


def _outcomes(spec: Spec, names: Iterable[str]) -> tuple[str, ...]:
    """The nodes that predict no other: the outcomes of the effects; without an effect, those that cause
    nothing.
    """
    ends = {effect.outcome for effect in spec.effects}
    others = {x for effect in spec.effects for x in effect.exposure}
    causes = {edge.source for edge in spec.edges if not edge.bidirected and edge.target in names}
    return tuple(n for n in names if (n in ends - others if spec.effects else n not in causes))
