"""The few numbers of a table that the compiler needs, asked of a source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product as pairs
from math import prod
from types import MappingProxyType

import numpy as np

from dagreg.binding.offences import reading
from dagreg.binding.sql import design_sql
from dagreg.errors import DataError, Diagnostic, Offence, either
from dagreg.graph.causal import CausalGraph
from dagreg.model.curves import functions_sql, heights, quantiles
from dagreg.model.interactions import possible_products
from dagreg.model.summary import CurveBasis, CurveSummary, DataSummary, Variable
from dagreg.model.variables import resolve, transformed_sql, with_moments
from dagreg.numerics.rounding import KNOT, MAX_NUMBER, MIN_SD, shortened
from dagreg.sources.source import Source, quote
from dagreg.sources.types import ColumnSummary
from dagreg.spec.types import Node, NodeType, Spec

LEVELLED: tuple[NodeType, ...] = ("binary", "categorical", "ordinal", "group")
MEASURED: tuple[NodeType, ...] = ("continuous", "positive", "proportion", "count")
FLAGS = ("none", "left", "right", "interval")


def columns_of(spec: Spec, names: Iterable[str]) -> tuple[str, ...]:
    """The data columns of these nodes, their trials and offsets among them, each once."""
    columns: list[str] = []
    for name in names:
        node = spec.nodes[name]
        columns.append(node.column or node.name)
        columns += [
            c for c in (node.trials, node.offset, node.error, node.censored, node.upper) if isinstance(c, str)
        ]
    return tuple(dict.fromkeys(columns))


def numbers_of(spec: Spec, columns: Iterable[str]) -> tuple[str, ...]:
    """Those of these columns that no node has declared to hold levels."""
    levelled = {n.column or n.name for n in spec.nodes.values() if n.type in LEVELLED}
    return tuple(c for c in columns if c not in levelled)


def declared_numbers(spec: Spec, columns: Iterable[str]) -> tuple[str, ...]:
    """Those of these columns that the spec says to measure something."""
    measured = [
        n for n in spec.nodes.values() if n.type in MEASURED or (n.type is None and n.transform is not None)
    ]
    names = {n.column or n.name for n in measured}
    names |= {
        c for n in spec.nodes.values() for c in (n.trials, n.offset, n.error, n.upper) if isinstance(c, str)
    }
    return tuple(c for c in columns if c in names)


def always_there(spec: Spec, names: Sequence[str]) -> tuple[str, ...]:
    """The columns of these nodes in which a missing value is one: all but the upper bounds of intervals."""
    bounds = {spec.nodes[name].upper for name in names}
    return tuple(c for c in columns_of(spec, names) if c not in bounds)


def check_columns(source: Source, spec: Spec, names: Iterable[str]) -> None:
    """Raises DataError, with every column that is missing or of a kind that no regression takes."""
    names = tuple(names)
    wrong = _same_column(spec, names)
    same: dict[str, list[str]] = {}
    for column in columns_of(spec, names):
        same.setdefault(column.lower(), []).append(column)
    for name in names:
        for column in columns_of(spec, [name]):
            node = spec.nodes[name]
            if column not in source.columns:
                wrong.append(_absent(source, node, column))
            elif column in source.repeated:
                wrong.append(
                    Diagnostic("DR308", f"{source.origin} has several columns named `{column}`", node.span)
                )
            elif source.folds and len(same[column.lower()]) > 1:
                both = " and ".join(f"`{c}`" for c in same[column.lower()])
                message = f"columns {both} differ in case alone, which DuckDB's SQL does not tell apart"
                wrong.append(Diagnostic("DR339", message, node.span, label="rename one, or leave one out"))
            elif source.kind(column) is None:
                wrong.append(_neither(source, node, column))
    if wrong:
        raise DataError(tuple(wrong))


def unusable(source: Source, spec: Spec, name: str, *, checked: bool = False) -> str:
    """Why the columns of a node serve no test; "" where they do. `checked`: `check_columns` has
    passed them.
    """
    try:
        if not checked:
            check_columns(source, spec, [name])
    except DataError as error:
        return error.diagnostics[0].message
    return f"`{name}` is censored" if spec.nodes[name].censored is not None else ""


def check_trials(source: Source, spec: Spec, names: Iterable[str], where: str) -> None:
    """Raises DataError (DR324) where rows have more successes than trials, or no trial."""
    wrong = []
    for node in (spec.nodes[name] for name in names if spec.nodes[name].trials is not None):
        name = node.column or node.name
        if source.kind(name) != "number":
            continue  # refused by its type
        column = source.real(name)
        trials = source.real(node.trials) if isinstance(node.trials, str) else str(node.trials)
        more, none = f"{column} > {trials} OR {trials} < 1", f"{trials} <> floor({trials})"
        count = source.rows(f"({where}) AND ({more})")
        if count:
            message = f"`{node.name}` has more successes than trials, or no trials, in {count} of the rows"
            wrong.append(Diagnostic("DR324", message, node.span, offence=Offence(name, more)))
        elif isinstance(node.trials, str) and source.rows(f"({where}) AND {none}"):
            message = (
                f"the trials of `{node.name}` are whole numbers, and column `{node.trials}` holds others"
            )
            wrong.append(Diagnostic("DR324", message, node.span, offence=Offence(node.trials, none)))
    if wrong:
        raise DataError(tuple(wrong))


def check_not_imputed(source: Source, spec: Spec, names: Iterable[str]) -> None:
    """Raises DataError (DR328) where a column that belongs to a node lacks a value, under `missing: impute`.

    Trials and units of exposure are needed in every row, standard errors and flags wherever there is a value.
    """
    wrong = []
    for node in (spec.nodes[name] for name in names if spec.missing == "impute"):
        there = source.complete([node.column or node.name])
        for column, where in (
            (node.trials, "TRUE"),
            (node.offset, "TRUE"),
            (node.error, there),
            (node.censored, there),
        ):
            if not isinstance(column, str):
                continue
            lacks = f"({where}) AND NOT ({source.complete([column])})"
            count = source.rows(lacks)
            if count:
                message = f"column `{column}` of `{node.name}` lacks a value in {count} of the rows"
                wrong.append(Diagnostic("DR328", message, node.span, label="only nodes are imputed"))
    if wrong:
        raise DataError(tuple(wrong))


def check_censored(source: Source, spec: Spec, names: Iterable[str], where: str) -> None:
    """Raises DataError (DR327) where flags of censoring are not of the four words, or an interval has no
    width.
    """
    wrong = []
    for node in (spec.nodes[name] for name in names if spec.nodes[name].censored is not None):
        assert node.censored is not None
        name = node.column or node.name
        flags, value = source.value(node.censored), source.real(name)
        words = f"CAST({flags} AS VARCHAR)"
        answers = source.fetch(f"SELECT DISTINCT {words} FROM {source.select} WHERE {where}")
        other = sorted(row[0] for row in answers if row[0] is not None and row[0] not in FLAGS)
        if other:
            message = f"column `{node.censored}` says {', '.join(map(repr, other[:5]))} of the censoring"
            told = ", ".join(map(quote, FLAGS))
            offence = Offence(node.censored, f"CAST({flags} AS VARCHAR) NOT IN ({told})")
            wrong.append(
                Diagnostic("DR327", message, node.span, label=f"use {either(FLAGS)}", offence=offence)
            )
        elif node.upper is None and ("interval",) in answers:
            message = f"`{node.name}` has intervals, and no column of their upper bounds"
            label = f"say `censored: {{flags: {node.censored}, upper: a column}}`"
            wrong.append(Diagnostic("DR327", message, node.span, label=label))
        elif node.upper is not None and source.kind(name) == "number":
            upper = source.real(node.upper)
            narrow = f"coalesce(NOT ({upper} > {value}) OR isnan({upper}), true)"
            bad = f"({where}) AND {words} = 'interval' AND {narrow}"
            count = source.rows(bad)
            if count:
                message = (
                    f"the upper bound of `{node.name}` is not above the lower one in {count} of the rows"
                )
                offence = Offence(node.upper, f"{words} = 'interval' AND {narrow}")
                wrong.append(Diagnostic("DR327", message, node.span, offence=offence))
    if wrong:
        raise DataError(tuple(wrong))


def _same_column(spec: Spec, names: Iterable[str]) -> list[Diagnostic]:
    """Nodes that are the same column under two names."""
    seen: dict[tuple[str, str | None], str] = {}
    wrong = []
    for name in names:
        node = spec.nodes[name]
        first = seen.setdefault((node.column or name, node.transform), name)
        if first != name:
            message = f"`{first}` and `{name}` are the same column, `{node.column or name}`"
            wrong.append(Diagnostic("DR326", message, node.span))
    return wrong


_DAYS = {"DATE": "{x} - DATE '2000-01-01'", "TIME": "epoch({x})"}


def _neither(source: Source, node: Node, column: str) -> Diagnostic:
    """The message about a column that holds neither numbers nor text."""
    kind = source.sql_types[column]
    message = f"column `{column}` holds {kind.lower()} values: not a number or text"
    base = "TIMESTAMP" if kind.startswith("TIMESTAMP") else kind
    if base not in (*_DAYS, "TIMESTAMP"):
        return Diagnostic("DR321", message, node.span, "leave it out, or read a part of it by a `query:`")
    expression = _DAYS.get(base, "epoch({x}) / 86400 - 10957")  # days since 2000
    counted = "seconds since midnight" if base == "TIME" else "days since 2000"
    note = f"for {counted}: {reading(source, column, expression)}"
    return Diagnostic("DR321", message, node.span, "leave it out, or make it a number", (note,))


def _absent(source: Source, node: Node, column: str) -> Diagnostic:
    same = [c for c in source.columns if c.lower() == column.lower()]
    listed = ", ".join(source.columns[:12]) + (", ..." if len(source.columns) > 12 else "")
    label = f"did you mean `{same[0]}`?" if same else f"columns: {listed}"
    if source.columns and all(map(is_number, source.columns)):
        label += " (all of them numbers: the first line has to hold the names)"
    return Diagnostic("DR311", f"no column `{column}` in {source.origin}", node.span, label=label)


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def summarise(
    source: Source,
    spec: Spec,
    names: Sequence[str],
    where: str = "TRUE",
    known: Mapping[str, ColumnSummary] = MappingProxyType({}),
    graph: CausalGraph | None = None,
) -> tuple[DataSummary, dict[str, Variable]]:
    """Levels, counts and moments of the columns of these nodes over the rows where `where` holds, and their
    variables.

    Columns that are `known` over these rows are not asked for again. Without a `graph` the products of
    effects that are asked for by levels are left out. Raises DataError where the source cannot answer or
    nodes and columns do not fit.
    """
    wanted = columns_of(spec, names)
    groups = {spec.nodes[n].column or n for n in names if spec.nodes[n].type == "group"}
    asked = source.summarise([c for c in wanted if c not in known], where, groups)
    columns = {c: known.get(c) or asked[c] for c in wanted}
    rows = source.rows(where)
    if rows == 0:
        why = "every row lacks a value of a column that is needed" if source.rows() else "the table is empty"
        raise DataError((Diagnostic("DR322", f"{source.origin} has no rows to use", label=why),))
    plain = DataSummary(rows, columns)
    transforms = {
        n: e for n in names if (e := transformed_sql(spec.nodes[n], source.real(spec.nodes[n].column or n)))
    }
    variables = resolve(
        spec, names, plain
    )  # refuses values outside a transform's domain before they reach SQL
    moments = dict(zip(transforms, source.moments(list(transforms.values()), where), strict=True))
    variables = with_moments(spec, variables, columns, moments)
    products = _products(source, spec, variables, columns, where, possible_products(spec, names, graph))
    curves = _curves(source, spec, variables, where)
    return DataSummary(rows, columns, moments, products, curves), variables


def _curves(
    source: Source, spec: Spec, variables: Mapping[str, Variable], where: str
) -> dict[str, CurveSummary]:
    """The knots and means of every declared curve of these nodes; none of a node that is no number."""
    asked = {
        f"{n} {c}": (n, c) for r in spec.regressions.values() for n, c in r.curves.items() if n in variables
    }
    curves = {}
    for key, (name, curve) in asked.items():
        if variables[name].levels:
            continue  # the regression refuses it
        (number,) = design_sql(source, variables[name])
        at = ", ".join(f"quantile_cont({number}, {share!r})" for share in quantiles(curve.columns))
        knots = source.fetch(f"SELECT {at} FROM {source.select} WHERE {where}")[0]
        near = KNOT * (knots[-1] - knots[0])
        basis = CurveBasis(curve.kind, curve.columns, tuple(shortened(float(knot), near) for knot in knots))
        curves[key] = CurveSummary(basis, _curve_means(source, basis, number, where))
    return curves


def _curve_means(source: Source, basis: CurveBasis, number: str, where: str) -> tuple[float, ...]:
    """The mean of each column; none where knots coincide, which the regression refuses."""
    if len(set(basis.knots)) < len(basis.knots):
        return ()
    means = [mean for mean, _ in source.moments(functions_sql(basis, number), where)]
    return tuple((np.array([1.0, *means]) @ heights(basis)).tolist())


def _check_product(spec: Spec, factors: Sequence[Variable], summaries: Mapping[str, ColumnSummary]) -> None:
    """Raises DataError (DR435) where a product of numbers is too large or too small to be computed with."""
    plain = [v for v in factors if not v.levels and v.transform is None]
    columns = [summaries[v.column] for v in plain]
    largest = prod(max(abs(c.minimum), abs(c.maximum)) for c in columns)
    if largest > MAX_NUMBER or prod(c.sd for c in columns) < MIN_SD:
        named = ":".join(v.name for v in factors)
        message = (
            f"the product `{named}` reaches {largest:g}, which is too {'large' if largest > 1 else 'small'}"
        )
        note = "multiply or divide the columns by round numbers"
        raise DataError((Diagnostic("DR435", message, spec.nodes[plain[0].name].span, label=note),))


def _products(
    source: Source,
    spec: Spec,
    variables: Mapping[str, Variable],
    columns: Mapping[str, ColumnSummary],
    where: str,
    possible: Sequence[tuple[str, ...]],
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Mean and sd of the design columns of every interaction among these nodes, and of the numbers in it."""
    numbers = (tuple(f for f in factors if not variables[f].levels) for factors in possible)
    wanted = dict.fromkeys((*possible, *(some for some in numbers if len(some) > 1)))
    products = {}
    for factors in wanted:
        if any(variables[f].pooled for f in factors):
            continue  # a slope that varies between groups, or refused
        _check_product(spec, [variables[f] for f in factors], columns)
        key = ":".join(factors)
        blocks = [design_sql(source, variables[f]) for f in factors]
        products[key] = tuple(source.moments([" * ".join(cell) for cell in pairs(*blocks)], where))
    return products
