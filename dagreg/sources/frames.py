"""Tables in memory: what DuckDB does not take of them, and what they say of their columns that SQL types do
not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from dagreg.sources.types import Categories


@dataclass(frozen=True, slots=True)
class Registered:
    """A table that DuckDB reads as `frame`, and the types of the columns that it cannot take,
    which it lacks.
    """

    frame: Any
    strange: Mapping[str, str]


def register(connection: duckdb.DuckDBPyConnection, frame: Any) -> Registered:
    """Lets a connection read a table as `frame`, without copying what it can read as it stands.

    DuckDB refuses a whole pandas table for one column of a type that it does not know. Such columns are made
    plain where that loses nothing (sparse numbers, the intervals of `pandas.cut`, periods), and left out
    otherwise.
    """
    try:
        connection.register("frame", frame)
    except duckdb.NotImplementedException:
        if not hasattr(frame, "iloc"):
            raise
    else:
        return Registered(frame, {})
    kept, strange = {}, {}
    for i, name in enumerate(frame.columns):
        column = _plain(frame.iloc[:, i])
        try:
            connection.register("frame", column.to_frame())
        except duckdb.NotImplementedException:
            strange[str(name)] = str(column.dtype)
        else:
            kept[i] = column
    table = frame.iloc[:, list(kept)].copy(deep=False)
    for place, column in enumerate(kept.values()):
        table.isetitem(place, column)
    connection.register("frame", table)
    return Registered(table, strange)


def _plain(column: Any) -> Any:
    """A pandas column in a type that DuckDB knows, where one says the same."""
    kind = str(column.dtype)
    if kind.startswith("Sparse["):
        return column.sparse.to_dense()
    if kind == "float128":
        return column.astype("float64")
    if kind.startswith("period["):
        return column.dt.to_timestamp()
    if kind.startswith("interval["):
        return column.astype(object)  # read as text
    categories = getattr(column.dtype, "categories", None)
    if categories is not None and str(categories.dtype).startswith(("interval[", "period[")):
        return column.cat.rename_categories([str(level) for level in categories])
    return column


def categories_of(frame: Any) -> dict[str, Categories]:
    """What the columns of a table hold that the table itself declares to be categories, by name.

    pandas' and Arrow's categories are in an order where they say so, polars' `Enum` always; a pandas category
    without one is mostly sorted, which says nothing.
    """
    if hasattr(frame, "iloc"):
        kinds = {str(name): kind for name, kind in zip(frame.columns, frame.dtypes, strict=True)}
        kinds = {name: kind for name, kind in kinds.items() if getattr(kind, "categories", None) is not None}
        return {
            name: Categories(
                kind.ordered, tuple(map(_level, kind.categories.tolist())) if kind.ordered else ()
            )
            for name, kind in kinds.items()
        }
    if hasattr(frame, "column_names"):  # Arrow
        return {
            name: _arrow_categories(frame.column(i))
            for i, name in enumerate(frame.column_names)
            if str(frame.schema.field(i).type).startswith("dictionary<")
        }
    known = {name: kind for name, kind in getattr(frame, "schema", {}).items() if hasattr(kind, "categories")}
    return {
        name: Categories(False, tuple(kind.categories.to_list()) if str(kind).startswith("Enum") else ())
        for name, kind in known.items()
    }


def _arrow_categories(column: Any) -> Categories:
    if not column.type.ordered or not column.num_chunks:
        return Categories(False)
    known = column.unify_dictionaries().chunk(0).dictionary.to_pylist()
    return Categories(True, tuple(map(_level, known)))


def _level(value: Any) -> Any:
    return value if isinstance(value, bool | int | float) else str(value)
