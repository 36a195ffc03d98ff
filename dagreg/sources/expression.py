"""Formulas as SQL: what NumPy computes of a row, a database computes of it.

An `Sql` stands for a number of every row. Operators and NumPy's universal functions take it as they take
arrays (`numerics/jets.py` has the same trick for derivatives), so that a family writes a formula once. What a
formula uses several times is worked out once a row: it becomes a column of a subquery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

FAR = 200.0  # of a number whose exponential is taken: databases refuse what over- or underflows
SMALL = 1e-5  # of a number whose exponential less 1 is its series


class Sql(np.lib.mixins.NDArrayOperatorsMixin):
    """SQL with holes, and what stands in them: nothing in a number, or in a column of the table."""

    __slots__ = ("form", "parts")

    def __init__(self, form: str, *parts: Any) -> None:
        self.form, self.parts = form, tuple(sql_of(part) for part in parts)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        make = _FORMS.get(ufunc.__name__)
        if method != "__call__" or options or make is None:
            return NotImplemented
        return make(*map(sql_of, inputs))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function is np.where and not options:
            return Sql("CASE WHEN {} THEN {} ELSE {} END", *arguments)
        return NotImplemented


class TableColumn(Sql):
    """SQL that reads the table's own columns."""

    __slots__ = ()


def sql_of(what: Any) -> Sql:
    """A formula itself, or a number."""
    if isinstance(what, Sql):
        return what
    number = float(what)
    if not np.isfinite(number):
        raise ValueError(f"{number} is no number in SQL")
    return Sql(f"({number!r})" if number < 0 else repr(number))


def total(parts: Iterable[Any]) -> Sql:
    """The sum of several formulas of one row."""
    some = [part for part in map(sql_of, parts) if part.form != "0.0"]
    return Sql("(" + " + ".join(["{}"] * len(some)) + ")", *some) if some else Sql("0.0")


def _product(a: Sql, b: Sql) -> Sql:
    if "1.0" in (a.form, b.form):
        return b if a.form == "1.0" else a
    return Sql("({} * {})", a, b)


def _form(form: str) -> Callable[..., Sql]:
    return lambda *parts: Sql(form, *parts)


def _power(base: Sql, exponent: Sql) -> Sql:
    if exponent.form != "2.0":
        raise ValueError("only squares are written in SQL")
    return Sql("({} * {})", base, base)


def _expm1(x: Sql) -> Sql:
    near = x * (1.0 + x * (0.5 + x / 6.0))
    return Sql("CASE WHEN abs({}) < " + repr(SMALL) + " THEN {} ELSE {} END", x, near, _exp(x) - 1.0)


def _exp(x: Sql) -> Sql:
    return Sql(f"exp(greatest(least({{}}, {FAR!r}), -{FAR!r}))", x)


def _logaddexp(a: Sql, b: Sql) -> Sql:
    apart = b if a.form == "0.0" else a - b
    smaller = Sql(f"exp(greatest(-abs({{}}), -{FAR!r}))", apart)
    return Sql("(greatest({}, {}) + ln({}))", a, b, 1.0 + smaller)


_FORMS: Mapping[str, Callable[..., Sql]] = {
    "add": _form("({} + {})"),
    "subtract": _form("({} - {})"),
    "multiply": _product,
    "divide": _form("({} / {})"),
    "power": _power,
    "negative": _form("(-{})"),
    "absolute": _form("abs({})"),
    "square": lambda x: Sql("({} * {})", x, x),
    "exp": _exp,
    "expm1": _expm1,
    "expit": lambda x: 1.0 / (1.0 + _exp(-x)),
    "log": _form("ln({})"),
    "logaddexp": _logaddexp,
    "maximum": _form("greatest({}, {})"),
    "minimum": _form("least({}, {})"),
    "greater": _form("({} > {})"),
    "less": _form("({} < {})"),
}


def sums_sql(sums: Sequence[Sql], select: str, where: str, fence: str = "") -> str:
    """SELECT the sum of each formula FROM the rows of `select` where `where` holds.

    Columns of the table, and what is used more than once, are columns of subqueries, one within the other.
    `fence` stands at the end of each: what keeps a database from working them out anew wherever they are
    named.
    """
    uses = Counter[int]()
    order = _walk(sums, uses)
    levels: dict[int, int] = {}
    stages: list[list[Sql]] = []
    for node in order:  # parts before what is made of them
        level = max((levels[id(part)] for part in node.parts), default=0)
        if isinstance(node, TableColumn) or (uses[id(node)] > 1 and node.parts):
            level += 1
            stages += [[] for _ in range(level - len(stages))]
            stages[level - 1].append(node)
        levels[id(node)] = level
    named = [node for stage in stages for node in stage]
    names = {id(node): f"e{i}" for i, node in enumerate(named)}
    last = _last_uses(sums, stages, names)
    inner = select if where == "TRUE" else f"{select} WHERE {where}"
    for depth, stage in enumerate(stages):
        carried = [names[id(n)] for n in named if levels[id(n)] <= depth < last[id(n)]]
        own = [f"{_text(node, names, own=True)} AS {names[id(node)]}" for node in stage]
        inner = f"(SELECT {', '.join([*carried, *own])} FROM {inner}{fence}) AS stage{depth}"
    return f"SELECT {', '.join(f'sum({_text(one, names)})' for one in sums)} FROM {inner}"


def _walk(roots: Sequence[Sql], uses: Counter[int]) -> list[Sql]:
    """Every node once, parts first; and how often each is used."""
    order: list[Sql] = []

    def visit(node: Sql) -> None:
        uses[id(node)] += 1
        if uses[id(node)] == 1:
            for part in node.parts:
                visit(part)
            order.append(node)

    for root in roots:
        visit(root)
    return order


def _last_uses(
    sums: Sequence[Sql], stages: Sequence[Sequence[Sql]], names: Mapping[int, str]
) -> dict[int, int]:
    """The last stage that names each column; the sums come after all stages."""
    last = dict.fromkeys(names, -1)
    for depth, users in enumerate([*stages, sums]):
        for user in users:
            for node in _named_in(user, names, own=depth < len(stages)):
                last[id(node)] = depth
    return last


def _named_in(node: Sql, names: Mapping[int, str], *, own: bool = False) -> Iterator[Sql]:
    """The columns of subqueries that the SQL of a node names; `own`: where it becomes one itself."""
    if id(node) in names and not own:
        yield node
        return
    for part in node.parts:
        yield from _named_in(part, names)


def _text(node: Sql, names: Mapping[int, str], *, own: bool = False) -> str:
    """The SQL of a node, in which columns of subqueries have their names."""
    if id(node) in names and not own:
        return names[id(node)]
    return node.form.format(*(_text(part, names) for part in node.parts)) if node.parts else node.form
