"""Nodes meet their columns: every observed node becomes a `Variable`, its type declared or inferred."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from dagreg.errors import DataError, Diagnostic
from dagreg.model.digits import SMALLEST
from dagreg.model.naming import Namer
from dagreg.model.types import ColumnSummary, DataSummary, Variable
from dagreg.spec.types import Level, Node, NodeType, Spec, Transform

COUNT_CAP = 60  # whole numbers from 0 to at most this are taken for counts
CATEGORY_CAP = 50  # text with more distinct values than this needs a declared type
_TEMPLATES: Mapping[Transform, tuple[Callable[[float], float], str]] = {
    "log": (math.log, "ln({x})"),
    "log1p": (math.log1p, "ln(1 + {x})"),
    "logit": (lambda p: math.log(p / (1 - p)), "ln({x} / (1 - {x}))"),
    "sqrt": (math.sqrt, "sqrt({x})"),
}
_DOMAINS: Mapping[Transform, tuple[Callable[[float, float], bool], str]] = {
    "log": (lambda low, high: low > 0, "values above 0"),
    "log1p": (lambda low, high: low > -1, "values above -1"),
    "logit": (lambda low, high: low > 0 and high < 1, "values between 0 and 1"),
    "sqrt": (lambda low, high: low >= 0, "values from 0"),
}


_TYPE_BOUNDS: Mapping[NodeType, tuple[float, float]] = {
    "positive": (0.0, math.inf),
    "proportion": (0.0, 1.0),
}


def transformed_sql(node: Node | Variable, column: str) -> str | None:
    """The SQL expression of a node's transform over its column; None where moments of the column serve."""
    if node.transform is None or node.transform not in _TEMPLATES:
        return None
    return _TEMPLATES[node.transform][1].format(x=column)


def transformed_value(variable: Variable, value: float) -> float:
    """A value on the column's own scale, brought to the scale that the model uses."""
    if variable.transform is None:
        return value
    if variable.transform in _TEMPLATES:
        return _TEMPLATES[variable.transform][0](value)
    centre, scale = variable.transform_at
    return (value - centre) / scale


def transformable(variable: Variable, value: float) -> bool:
    """Whether a value lies in the domain of the variable's transform."""
    domain = _DOMAINS.get(variable.transform) if variable.transform is not None else None
    return domain is None or domain[0](value, value)


def resolve(spec: Spec, names: Iterable[str], summary: DataSummary | None) -> dict[str, Variable]:
    """The variables of these observed nodes, in the given order.

    Without a summary an undeclared type is taken as continuous and there are no moments.
    Raises DataError with every mismatch between nodes and columns.
    """
    namer, found, wrong = Namer(), dict[str, Variable](), list[Diagnostic]()
    groups = {group for regression in spec.regressions.values() for group in regression.varying}
    impute = spec.missing == "impute"
    for name in names:
        node = spec.nodes[name]
        if node.type is None and name in groups:
            node = replace(node, type="group")
        try:
            found[name] = (
                _without_data(node, namer) if summary is None else _with_data(node, namer, summary, impute=impute)
            )
        except DataError as error:
            wrong += error.diagnostics
    if wrong:
        raise DataError(tuple(wrong))
    return found


def infer_type(column: ColumnSummary) -> NodeType:
    """The type of an undeclared node: binary for two values, categorical for text, counts for small whole numbers."""
    if column.kind == "boolean" or (column.distinct == 2 and (column.kind == "text" or column.levels == (0, 1))):
        return "binary"
    if column.kind == "text":
        return "categorical"
    counts = column.integral and column.minimum == 0 and column.maximum <= COUNT_CAP
    return "count" if counts else "continuous"


def _without_data(node: Node, namer: Namer) -> Variable:
    kind: NodeType = node.type or "continuous"
    levels = _reference_first(node, node.levels or ((0, 1) if kind == "binary" else ()))
    if kind in ("categorical", "ordinal", "group") and not levels:
        raise _bad("DR401", node, f"the levels of `{node.name}` are not known without data", "declare `levels:`")
    return Variable(
        name=node.name,
        symbol=namer.identifier(node.name),
        column=node.column or node.name,
        type=kind,
        levels=levels,
        transform=node.transform,
        inferred=node.type is None,
        pooled=kind == "group" or node.pool,
        unit=node.unit,
        label=node.label,
        span=node.span,
    )


def _with_data(node: Node, namer: Namer, summary: DataSummary, *, impute: bool) -> Variable:
    name = node.column or node.name
    column = summary.columns.get(name)
    if column is None:
        close = get_close_matches(name, list(summary.columns), 1)
        raise _bad("DR311", node, f"no column `{name}` in the data", f"did you mean `{close[0]}`?" if close else "")
    kind = node.type or infer_type(column)
    levels = _levels(node, kind, column)
    if not levels and column.kind != "number":
        raise _bad("DR312", node, f"`{node.name}` is {kind}, but column `{name}` holds {column.kind}", "")
    if column.distinct < 2:
        raise _bad("DR313", node, f"column `{name}` has a single value: nothing varies with it", "")
    shares = _shares(levels, column)
    moments = _moments(node, column, summary, levels, shares)
    spread = moments[1] if node.transform in _TEMPLATES else column.sd
    if not levels and not spread >= SMALLEST:
        beside = f"beside a mean of {column.mean:g}, in the digits that a double holds"
        message = f"column `{name}` varies too little to be computed with: its sd is {spread:.3g} {beside}"
        raise _bad("DR435", node, message, "subtract a round number from the column, or multiply it by one")
    low, high = _TYPE_BOUNDS.get(kind, (-math.inf, math.inf))
    if not levels and not (low <= column.minimum and column.maximum <= high):
        found = f"column `{name}` goes from {column.minimum:g} to {column.maximum:g}"
        raise _bad("DR325", node, f"`{node.name}` is {kind}, but {found}", "")
    return Variable(
        name=node.name,
        symbol=namer.identifier(node.name),
        column=name,
        type=kind,
        levels=levels,
        transform=node.transform,
        transform_at=_transform_at(node, column),
        inferred=node.type is None,
        pooled=kind == "group" or node.pool,
        missing=column.missing if impute else 0,
        filler=_filler(levels, column),
        integral=column.integral,
        mean=moments[0],
        sd=moments[1],
        shares=shares,
        unit=node.unit,
        label=node.label,
        span=node.span,
    )


def _filler(levels: tuple[Level, ...], column: ColumnSummary) -> Level:
    """A value of the column, for gaps that are filled later."""
    if levels:
        return levels[0]
    return int(column.minimum) if column.integral else column.minimum


def _levels(node: Node, kind: NodeType, column: ColumnSummary) -> tuple[Level, ...]:
    """The levels, reference first; () for numbers. Every value in the data has to be one of them."""
    if kind not in ("binary", "categorical", "ordinal", "group"):
        return ()
    if not column.levels:
        raise _bad("DR314", node, f"`{node.name}` is {kind}, but its column has {column.distinct} distinct values", "")
    if kind == "categorical" and node.type is None and column.distinct > CATEGORY_CAP:
        raise _bad("DR315", node, f"`{node.name}` has {column.distinct} distinct texts", "declare its type")
    levels = column.levels if node.levels is None else tuple(_as_stored(level, column) for level in node.levels)
    extra = [value for value in column.levels if value not in levels]
    if extra:
        shown = ", ".join(repr(v) for v in extra[:5])
        raise _bad("DR316", node, f"column of `{node.name}` holds values that are not among its levels: {shown}", "")
    if kind == "binary" and len(levels) != 2:
        shown = ", ".join(repr(v) for v in levels[:5])
        raise _bad("DR317", node, f"`{node.name}` is binary, but its column holds {len(levels)} values: {shown}", "")
    return _reference_first(node, levels, column)


def _as_stored(level: Level, column: ColumnSummary) -> Level:
    """A level of the spec as the column stores it: `1` and "1" are the same level."""
    if level in column.levels and not isinstance(level, bool):
        return level
    for stored in column.levels:
        if str(stored).lower() == str(level).lower():
            return stored
    return level


def _reference_first(node: Node, levels: tuple[Level, ...], column: ColumnSummary | None = None) -> tuple[Level, ...]:
    if node.reference is None or not levels:
        return levels
    reference = _as_stored(node.reference, column) if column is not None else node.reference
    if reference not in levels:
        raise _bad("DR318", node, f"the reference {node.reference!r} of `{node.name}` is not among its levels", "")
    return (reference, *(level for level in levels if level != reference))


def _shares(levels: tuple[Level, ...], column: ColumnSummary) -> tuple[float, ...]:
    total = sum(column.counts) or 1
    count = dict(zip(column.levels, column.counts, strict=True))
    return tuple(count.get(level, 0) / total for level in levels)


def _moments(
    node: Node, column: ColumnSummary, summary: DataSummary, levels: tuple[Level, ...], shares: tuple[float, ...]
) -> tuple[float, float]:
    """Mean and sd as the model sees the variable: coded 0 and 1, transformed."""
    if levels:
        share = shares[1] if len(levels) == 2 else math.nan
        return share, math.sqrt(share * (1 - share)) if share == share else math.nan
    if node.transform is None:
        return column.mean, column.sd
    domain = _DOMAINS.get(node.transform)
    if domain is not None and not domain[0](column.minimum, column.maximum):
        found = f"the column goes from {column.minimum:g} to {column.maximum:g}"
        raise _bad("DR319", node, f"`transform: {node.transform}` of `{node.name}` needs {domain[1]}; {found}", "")
    if node.name in summary.transformed:
        return summary.transformed[node.name]
    return (0.0, column.sd) if node.transform == "center" else (0.0, 1.0)


def _transform_at(node: Node, column: ColumnSummary) -> tuple[float, float]:
    if node.transform == "standardize":
        return column.mean, column.sd
    return (column.mean, 1.0) if node.transform == "center" else (0.0, 1.0)


def _bad(code: str, node: Node, message: str, label: str) -> DataError:
    return DataError((Diagnostic(code, message, node.span, label=label),))
