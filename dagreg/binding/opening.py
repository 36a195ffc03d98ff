"""Where the rows come from: the table that is given, or the file or database that a spec names."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dagreg.errors import DataError, Diagnostic, redacted
from dagreg.lazy import Lazy
from dagreg.sources.duck import open_file, open_frame
from dagreg.sources.source import Source
from dagreg.spec.types import DataRef, Spec

if TYPE_CHECKING:
    from dagreg.binding import starter as starters
    from dagreg.sources import database
else:  # for `init` and for databases alone
    starters, database = Lazy("dagreg.binding.starter"), Lazy("dagreg.sources.database")


def open_source(spec: Spec, data: Any, *, allow_outside: bool) -> Source:
    """The given table, file or database, or the spec's own data; no row is read. A source is open already.

    Raises DataError where there are none (DR300, DR301) or no way to them.
    """
    if isinstance(data, str | os.PathLike):
        given = DataRef(os.fspath(data))
        if given.is_connection and spec.data is not None:
            given = replace(spec.data, source=given.source)  # another database with the same table
        return open_named(given, others=allow_outside)
    if data is not None:
        return data if isinstance(data, Source) else open_frame(data)
    if spec.data is None:
        raise DataError((Diagnostic("DR300", f"{spec.name} names no data: add `data:` or pass --data"),))
    folder = os.path.dirname(spec.path) if spec.path else ""
    return open_named(spec.data, folder, allow_outside=allow_outside, others=allow_outside)


def open_if_there(spec: Spec, data: Any, *, allow_outside: bool) -> Source | None:
    """The same, or None where the spec names no data or its file is not there."""
    if data is None and spec.data is None:
        return None
    try:
        return open_source(spec, data, allow_outside=allow_outside)
    except DataError as error:
        if data is None and all(d.code == "DR301" for d in error.diagnostics):
            return None
        raise


def open_named(ref: DataRef, folder: str = "", *, allow_outside: bool = True, others: bool = False) -> Source:
    """The file or the database of a reference; a file's path begins at `folder`."""
    if ref.is_connection:
        return database.open_database(ref)
    return open_file(ref, folder, allow_outside=allow_outside, others=others)


def starter_for(data: Any, path: Any) -> str:
    """The commented spec of `dagreg init`, for a file at `path`; its nodes and types are those of the data's
    columns.

    Raises DataError where the data cannot be read, or no column can be a node (DR192).
    """
    if data is None:
        return starters.starter(None, "")
    ref = DataRef(os.fspath(data))
    folder = os.path.dirname(os.fspath(path)) if path is not None else ""
    shown = redacted(ref.source) if ref.is_connection else os.path.relpath(data, folder or ".")
    source = open_named(ref)
    file = (
        not ref.is_connection and source.file != "" and os.path.splitext(ref.source)[1].lower() != ".duckdb"
    )
    return starters.starter(
        source, shown, (lambda query: open_named(replace(ref, query=query))) if file else None
    )
