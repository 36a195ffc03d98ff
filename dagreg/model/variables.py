"""Nodes meet their columns: every observed node becomes a `Variable`, its type declared or inferred."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches

from dagreg.errors import DataError, Diagnostic, Offence, did_you_mean, either
from dagreg.families import FAMILIES
from dagreg.model.numbers_as_text import are_numbers, parted
from dagreg.model.summary import DataSummary, Variable
from dagreg.model.symbols import Namer
from dagreg.numerics.rounding import MIN_SD
from dagreg.sources.types import ColumnSummary
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
    "logit": (lambda low, high: low > 0 and high < 1, "values above 0 and below 1"),
    "sqrt": (lambda low, high: low >= 0, "values from 0"),
}
_OUTSIDE: Mapping[Transform, str] = {
    "log": "{number} <= 0",
    "log1p": "{number} <= -1",
    "logit": "{number} <= 0 OR {number} >= 1",
    "sqrt": "{number} < 0",
}


_TYPE_BOUNDS: Mapping[NodeType, tuple[float, float, str]] = {
    "positive": (0.0, math.inf, "{number} < 0"),
    "proportion": (0.0, 1.0, "{number} < 0 OR {number} > 1"),
    "count": (0.0, math.inf, "{number} < 0 OR {number} <> floor({number})"),
}
EDGES = (
    "where such a value is no mistake, count it (`family: binomial` with `trials:`, if it is a share of a "
    "known number of cases), leave the logit or the beta family out, or move the values off 0 and 1 in a "
    "`query:`"
)
"""The ways out of a logit or a beta family where proportions are 0 or 1."""


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
    namer, variables, wrong = Namer(), dict[str, Variable](), list[Diagnostic]()
    groups = {group for regression in spec.regressions.values() for group in regression.varying}
    impute = spec.missing == "impute"
    for name in names:
        node = spec.nodes[name]
        family = spec.family_of(name)
        if node.type is None and name in groups:
            node, family = replace(node, type="group"), None
        try:
            variables[name] = (
                _without_data(node, family, namer)
                if summary is None
                else _with_data(node, family, namer, summary, impute=impute)
            )
        except DataError as error:
            wrong += error.diagnostics
    if wrong:
        raise DataError(tuple(wrong))
    return variables


def with_moments(
    spec: Spec,
    variables: Mapping[str, Variable],
    columns: Mapping[str, ColumnSummary],
    moments: Mapping[str, tuple[float, float]],
) -> dict[str, Variable]:
    """The variables with the mean and sd of those that are transformed, once these are known.

    Raises DataError (DR435) where one varies too little.
    """
    resolved, wrong = dict(variables), list[Diagnostic]()
    for name, (mean, sd) in moments.items():
        variable = variables[name]
        if variable.levels:
            continue
        try:
            _check_spread(spec.nodes[name], columns[variable.column], sd)
        except DataError as error:
            wrong += error.diagnostics
        resolved[name] = replace(variable, mean=mean, sd=sd)
    if wrong:
        raise DataError(tuple(wrong))
    return resolved


def infer_type(column: ColumnSummary) -> NodeType:
    """The type of an undeclared node: binary for two values, categorical for text, counts for small whole
    numbers.

    A column that its table declares to hold categories is categorical, or ordinal, whatever they look like.
    """
    named = column.kind == "text" or column.categories is not None
    if column.kind == "boolean" or (column.distinct == 2 and (named or column.levels == (0, 1))):
        return "binary"
    if column.categories is not None:
        return "ordinal" if column.categories.ordinal else "categorical"
    if column.kind == "text":
        return "categorical"
    counts = column.integral and column.minimum == 0 and column.maximum <= COUNT_CAP
    return "count" if counts else "continuous"


def _of_family(kind: NodeType, family: str | None) -> NodeType:
    """The type of an undeclared node: what its column suggests, unless its declared family takes another
    type.
    """
    known = FAMILIES.get(family) if family is not None else None
    if known is None or kind in known.accepts:
        return kind
    return (
        kind if known.predictor == "unordered" and kind == "binary" else known.accepts[0]
    )  # see `chosen_family`


def _inferred(node: Node, column: ColumnSummary, family: str | None) -> NodeType:
    """The type of an undeclared node: a number where it is transformed, whatever its values look like."""
    return _of_family("continuous" if node.transform is not None else infer_type(column), family)


def _without_data(node: Node, family: str | None, namer: Namer) -> Variable:
    kind: NodeType = node.type or _of_family("continuous", family)
    levels = _reference_first(node, node.levels or ((0, 1) if kind == "binary" else ()))
    if kind in ("categorical", "ordinal", "group") and not levels:
        raise _bad(
            "DR401", node, f"the levels of `{node.name}` are not known without data", "declare `levels:`"
        )
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


def _with_data(
    node: Node, family: str | None, namer: Namer, summary: DataSummary, *, impute: bool
) -> Variable:
    name = node.column or node.name
    column = summary.columns.get(name)
    if column is None:
        close = get_close_matches(name, list(summary.columns), 1)
        raise _bad(
            "DR311", node, f"no column `{name}` in the data", f"did you mean `{close[0]}`?" if close else ""
        )
    if column.distinct == 0:
        ways = "leave it out of the graph, or say `unobserved`"
        raise _bad("DR313", node, f"column `{name}` has no value in any row that is used", ways)
    kind, text = node.type or _inferred(node, column, family), column.kind == "text"
    levels = _levels(node, kind, column, family)
    if not levels and column.kind != "number":
        said = f"`{node.name}` is {_why(node, kind, family)}, but column `{name}` holds {column.kind}"
        way = "" if node.type else "only numbers can be transformed" if node.transform else "declare its type"
        raise _bad("DR312", node, said, way, Offence(name) if text else None)
    if column.distinct < 2:
        value = f", {column.levels[0]!r}" if column.levels else ""
        ways = "leave it out of the graph"
        raise _bad("DR313", node, f"column `{name}` has a single value{value}: nothing varies with it", ways)
    shares = _shares(levels, column)
    moments = _moments(node, column, summary, levels, shares)
    if not levels:
        _check_spread(node, column, moments[1] if node.transform in _TEMPLATES else column.sd)
    low, high, outside = _TYPE_BOUNDS.get(kind, (-math.inf, math.inf, ""))
    broken = kind == "count" and not column.integral
    if (
        node.type is not None
        and outside
        and (broken or not (low <= column.minimum and column.maximum <= high))
    ):
        span = f"goes from {column.minimum:g} to {column.maximum:g}"
        what = f"column `{name}` " + ("holds numbers that are not whole" if broken else span)
        ways = "mend those rows, or declare it `continuous`"
        raise _bad("DR325", node, f"`{node.name}` is {kind}, but {what}", ways, Offence(name, outside))
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


def _check_spread(node: Node, column: ColumnSummary, spread: float) -> None:
    """Raises DataError (DR435) where the numbers of a node vary too little."""
    if spread >= MIN_SD:
        return
    beside = f"beside a mean of {column.mean:g}, in the digits that a double holds"
    message = (
        f"column `{name_of(node)}` varies too little to be computed with: its sd is {spread:.3g} {beside}"
    )
    raise _bad("DR435", node, message, "subtract a round number from the column, or multiply it by one")


def _filler(levels: tuple[Level, ...], column: ColumnSummary) -> Level:
    """A value of the column, for gaps that are filled later."""
    if levels:
        return levels[0]
    return int(column.minimum) if column.integral else column.minimum


def _levels(node: Node, kind: NodeType, column: ColumnSummary, family: str | None) -> tuple[Level, ...]:
    """The levels, reference first; () for numbers. Every value in the data has to be one of them."""
    if kind not in ("binary", "categorical", "ordinal", "group"):
        return ()
    what = _why(node, kind, family)
    guessed = kind == "categorical" and node.type is None
    if guessed:
        _refuse_spoilt(node, column)
    if guessed and column.distinct > CATEGORY_CAP:
        each = (
            " (another one in almost every row: an id, or words?)"
            if 2 * column.distinct > sum(column.counts)
            else ""
        )
        ways = "declare its type (`group`, `categorical`), or leave it out"
        raise _bad(
            "DR315",
            node,
            f"`{node.name}` has {column.distinct} distinct texts{each}",
            ways,
            Offence(name_of(node)),
        )
    if not column.levels:
        raise _bad(
            "DR314",
            node,
            f"`{node.name}` is {what}, but its column has {column.distinct} distinct values",
            "",
        )
    stored = None if node.levels is None else [stored_as(level, column.levels) for level in node.levels]
    levels = levels_in_order(kind, column)
    if node.levels is not None and stored is not None:
        levels = tuple(
            given if stored_level is None else stored_level
            for given, stored_level in zip(node.levels, stored, strict=True)
        )
    known = set(levels)
    extra = [value for value in column.levels if value not in known]
    if extra:
        shown = ", ".join(repr(v) for v in extra[:5])
        label = alike(extra[0], levels) or "add them to `levels:`, or mend the data"
        said = f"column of `{node.name}` holds values that are not among its levels: {shown}"
        raise _bad("DR316", node, said, label, Offence(name_of(node), f"{{text}} = {_literal(extra[0])}"))
    if kind == "binary" and len(levels) != 2:
        shown = ", ".join(repr(v) for v in levels[:5]) + (", ..." if len(levels) > 5 else "")
        if len(levels) == 1:
            said = (
                f"`{node.name}` is {what}, but its column holds a single value in the rows that are used: "
                f"{shown}"
            )
            raise _bad("DR317", node, said, "leave it out, or keep the rows with another value")
        said = f"`{node.name}` is {what}, but its column holds {len(levels)} values: {shown}"
        other = "categorical" if len(levels) <= CATEGORY_CAP else "continuous"
        raise _bad("DR317", node, said, f"declare it `{other}`, or clean the column")
    return _reference_first(node, levels)


def order_of(column: ColumnSummary) -> tuple[Level, ...]:
    """The levels that occur in the order that the table itself gives them, the lowest first; ()
    without one.
    """
    known = column.categories.order if column.categories is not None else ()
    place = {level_key(level): i for i, level in enumerate(known)}
    if not all(level_key(level) in place for level in column.levels):
        return ()
    return tuple(sorted(column.levels, key=lambda level: place[level_key(level)]))


def levels_in_order(kind: NodeType, column: ColumnSummary) -> tuple[Level, ...]:
    """The levels that occur: in the table's order where one is meant, sorted otherwise."""
    meant = kind == "ordinal" or (column.categories is not None and column.categories.ordinal)
    return (order_of(column) if meant else ()) or column.levels


def _refuse_spoilt(node: Node, column: ColumnSummary) -> None:
    """Raises DataError (DR346) where an undeclared column of text holds numbers that are only
    written oddly.
    """
    words = parted(zip(map(str, column.levels), column.counts, strict=True))
    if are_numbers(words):
        said = f"column `{name_of(node)}` holds text that looks like numbers"
        raise _bad(
            "DR346", node, said, "where these are names, say `type: categorical`", Offence(name_of(node))
        )


def _why(node: Node, kind: NodeType, family: str | None) -> str:
    """A type, and what says so."""
    return kind if node.type is not None or family is None else f"{kind} (`family: {family}`)"


def _literal(level: Level) -> str:
    return "'" + level.replace("'", "''") + "'" if isinstance(level, str) else repr(level)


def stored_as(level: Level, levels: Iterable[Level]) -> Level | None:
    """The one level that a value stands for, `1`, `1.0` and "1" being the same; None where it is none, or
    several.
    """
    matches = [stored for stored in levels if _same(stored, level)]
    exact = [stored for stored in matches if type(stored) is type(level) and stored == level]
    return exact[0] if exact else matches[0] if len(matches) == 1 else None


def _same(a: Level, b: Level) -> bool:
    """Case counts, `white` and `White` being two levels; but truth is the same in every way of writing it."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a == b or str(a).lower() == str(b).lower()
    return level_key(a) == level_key(b)


def level_key(level: Level) -> str:
    """A level in one way of writing it."""
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def alike(level: Level, levels: Iterable[Level]) -> str:
    """A hint at the levels that differ from this one in little."""
    known = [str(known) for known in levels]
    same = [text for text in known if text.strip().casefold() == str(level).strip().casefold()]
    return (
        f"did you mean {either(same)}? A level is written exactly as in the data"
        if same
        else did_you_mean(str(level), known)
    )


def _reference_first(node: Node, levels: tuple[Level, ...]) -> tuple[Level, ...]:
    if node.reference is None or not levels:
        return levels
    reference = stored_as(node.reference, levels)
    if reference is None:
        said = f"the reference {node.reference!r} of `{node.name}` is not among its levels"
        known = ", ".join(map(str, levels[:8])) + (", ..." if len(levels) > 8 else "")
        raise _bad("DR318", node, said, alike(node.reference, levels) or f"the levels are {known}")
    return (reference, *(level for level in levels if level != reference))


def _shares(levels: tuple[Level, ...], column: ColumnSummary) -> tuple[float, ...]:
    total = sum(column.counts) or 1
    count = dict(zip(column.levels, column.counts, strict=True))
    return tuple(count.get(level, 0) / total for level in levels)


def _moments(
    node: Node,
    column: ColumnSummary,
    summary: DataSummary,
    levels: tuple[Level, ...],
    shares: tuple[float, ...],
) -> tuple[float, float]:
    """Mean and sd as the model sees the variable: coded 0 and 1, transformed."""
    if levels:
        share = shares[1] if len(levels) == 2 else math.nan
        return share, math.sqrt(share * (1 - share)) if share == share else math.nan
    if node.transform is None:
        return column.mean, column.sd
    domain = _DOMAINS.get(node.transform)
    if domain is not None and not domain[0](column.minimum, column.maximum):
        what = f"the column goes from {column.minimum:g} to {column.maximum:g}"
        said = f"`transform: {node.transform}` of `{node.name}` needs {domain[1]}; {what}"
        notes = (EDGES,) if node.transform == "logit" and column.minimum >= 0 and column.maximum <= 1 else ()
        raise _bad("DR319", node, said, "", Offence(name_of(node), _OUTSIDE[node.transform]), notes)
    if node.name in summary.transformed:
        return summary.transformed[node.name]
    return (0.0, column.sd) if node.transform == "center" else (0.0, 1.0)


def _transform_at(node: Node, column: ColumnSummary) -> tuple[float, float]:
    if node.transform == "standardize":
        return column.mean, column.sd
    return (column.mean, 1.0) if node.transform == "center" else (0.0, 1.0)


def name_of(node: Node) -> str:
    """The name of a node's column."""
    return node.column or node.name


def _bad(
    code: str,
    node: Node,
    message: str,
    label: str,
    offence: Offence | None = None,
    notes: tuple[str, ...] = (),
) -> DataError:
    return DataError((Diagnostic(code, message, node.span, label, notes, offence=offence),))
