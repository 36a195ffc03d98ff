"""The columns that stand beside a node's own: trials, units of exposure, known errors, and the bounds of
censoring.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from dagreg.binding.offences import spoilt
from dagreg.errors import DataError, Diagnostic, Offence
from dagreg.families import FAMILIES, default_family
from dagreg.sources.duck import DuckSource
from dagreg.sources.source import Source, identifier
from dagreg.spec.types import Node, Spec

_INFINITE = ("inf", "infinity")
_LOWEST = {"log": 0.0, "sqrt": 0.0, "logit": 0.0, "log1p": -1.0}  # of the numbers that a transform takes

LEAST_ERROR = 1e-100  # of a measurement: the squares of smaller ones are lost, and with them the answer


def check_beside(
    source: Source, spec: Spec, names: Iterable[str], where: str, outcomes: Iterable[str]
) -> None:
    """Raises DataError where such columns hold no numbers (DR347), or known errors are not above 0 (DR348).

    The error of an `outcome`, which is nowhere a predictor, may be 0: its value is then exact, and its
    residual stays.
    """
    pure, wrong = set(outcomes), list[Diagnostic]()
    for node in (spec.nodes[name] for name in names):
        for key, column in _numbers(node):
            if source.kind(column) != "number":
                message = (
                    f"`{key}: {column}` of `{node.name}` is a column of numbers, and it holds "
                    f"{source.kind(column)}"
                )
                offence = Offence(column) if source.kind(column) == "text" else None
                wrong.append(Diagnostic("DR347", message, node.span, offence=offence))
            elif key == "error":
                wrong += _check_error(
                    source, node, column, where, zero=node.name in pure and not node.error_is_scale
                )
    if wrong:
        raise DataError(tuple(wrong))


def _numbers(node: Node) -> Iterator[tuple[str, str]]:
    """The columns beside a node that hold numbers, with what each is in the spec."""
    given = {"trials": node.trials, "offset": node.offset, "error": node.error, "upper": node.upper}
    for key, column in given.items():
        if isinstance(column, str):
            yield key, column


def _check_error(source: Source, node: Node, column: str, where: str, *, zero: bool) -> Iterator[Diagnostic]:
    what = "scales of the residual sd" if node.error_is_scale else "standard errors"
    ways = "mend those rows; where every value is exact, leave `error` out"
    least = "at least 0" if zero else "above 0"
    tiny = f"not as small as to be 0 once squared (below {LEAST_ERROR:g})"
    number = source.real(column)
    for condition, must in (
        ("{number} < 0" if zero else "{number} <= 0", least),
        (f"{{number}} > 0 AND {{number}} < {LEAST_ERROR:g}", tiny),
    ):
        if source.rows(f"({where}) AND {condition.format(number=number)}") == 0:
            continue
        message = f"column `{column}` holds the {what} of `{node.name}`, which are {must}, and some are not"
        if must is tiny:
            message = f"column `{column}` holds the {what} of `{node.name}`, which are {must}, and some are"
        yield Diagnostic("DR348", message, node.span, ways, offence=Offence(column, condition))
        return


def without_open_ends(source: Source, spec: Spec, names: Iterable[str]) -> Source:
    """The source with its open intervals written as what they are.

    An interval from the lower end of what a response can be is a value below its upper bound, one without
    upper end a value above its lower bound. Raises DataError (DR327) where an interval has neither end.
    """
    for node in (spec.nodes[name] for name in names):
        if node.censored is not None and node.upper is not None and isinstance(source, DuckSource):
            source = _closed(source, spec, node)
    return source


def _closed(source: DuckSource, spec: Spec, node: Node) -> DuckSource:
    assert node.censored is not None
    assert node.upper is not None
    column = node.column or node.name
    flag, value, upper = source.value(node.censored), _real(source, column), _real(source, node.upper)
    if value is None or upper is None or source.kind(node.censored) != "text":
        return source  # which is refused by what follows
    low, high = ends(spec, node)
    interval = f"{flag} = 'interval'"
    below, above = f"({interval} AND {value} = {_number(low)})", f"({interval} AND {upper} = {_number(high)})"
    if source.rows(f"{below} OR {above} OR isinf({upper})") == 0:
        return source
    if source.rows(f"{below} AND {above}"):
        message = f"an interval of `{node.name}` holds all that it can be, and so says nothing of it"
        raise DataError(
            (Diagnostic("DR327", message, node.span, offence=Offence(column, f"{below} AND {above}")),)
        )
    new = {
        column: f"CASE WHEN {below} THEN {upper} ELSE {value} END",
        node.censored: f"CASE WHEN {below} THEN 'left' WHEN {above} THEN 'right' ELSE {flag} END",
        node.upper: f"CASE WHEN {interval} AND NOT {below} AND NOT {above} THEN {upper} END",
    }
    named = ", ".join(f"{new.get(c, identifier(c))} AS {identifier(c)}" for c in source.columns)
    types = {
        c: {column: "DOUBLE", node.upper: "DOUBLE", node.censored: "VARCHAR"}.get(c, t)
        for c, t in source.sql_types.items()
    }
    script = f"(SELECT {named} FROM {source.script})" if source.script else ""
    return replace(source, select=f"(SELECT {named} FROM {source.select})", script=script, sql_types=types)


def _real(source: Source, column: str) -> str | None:
    """The SQL of a column's numbers, infinite ones being words in a CSV; None where it holds others than
    numbers.
    """
    if source.kind(column) == "number":
        return source.real(column)
    if source.kind(column) != "text" or not all(
        word.lower().strip("+-") in _INFINITE for word in spoilt(source, column).bad
    ):
        return None
    return f"TRY_CAST({source.value(column)} AS DOUBLE)"


def ends(spec: Spec, node: Node) -> tuple[float, float]:
    """The ends of the numbers that a response can be, by its transform or its family."""
    if node.transform in _LOWEST:
        return _LOWEST[node.transform], 1.0 if node.transform == "logit" else math.inf
    said = spec.family_of(node.name)
    family = FAMILIES.get(said) if said is not None else default_family(node.type or "continuous")
    if family is None or family.real:
        return -math.inf, math.inf
    return 0.0, math.inf if family.fits(0.5, 2.0, False) else 1.0


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else f"CAST('{'-' if value < 0 else ''}infinity' AS DOUBLE)"
