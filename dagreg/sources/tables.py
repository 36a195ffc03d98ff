"""Columns written as a table: CSV, TSV, Parquet or JSON records."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dagreg.errors import DataError, Diagnostic
from dagreg.files import system_error, write_file
from dagreg.sources.source import quote

DIGITS = 10
Columns = Mapping[str, Any]


def csv_text(columns: Columns, delimiter: str = ",") -> str:
    """The columns as CSV; numbers to ten digits, missing ones empty."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(_shown(values) for values in columns.values()), strict=True))
    return stream.getvalue()


def _shown(values: Any) -> Iterator[Any]:
    for value in np.asarray(values).tolist():
        if not isinstance(value, float):
            yield value
        elif math.isnan(value):
            yield ""
        else:
            yield f"{value:.{DIGITS}g}"


def records(columns: Columns) -> list[dict[str, Any]]:
    """A mapping for each row; numbers that are not finite are None."""
    lists = [[_finite(v) for v in np.asarray(values).tolist()] for values in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _parquet(path: Path, columns: Columns) -> None:
    import duckdb

    connection = duckdb.connect()
    connection.register("columns", {name: np.asarray(values) for name, values in columns.items()})
    try:
        connection.execute(f"COPY (SELECT * FROM columns) TO {quote(str(path))} (FORMAT parquet)")
    except duckdb.IOException as error:
        raise system_error(error) from error


_WRITERS: Mapping[str, Callable[[Path, Columns], object]] = {
    ".csv": lambda path, columns: path.write_text(csv_text(columns), encoding="utf-8"),
    ".tsv": lambda path, columns: path.write_text(csv_text(columns, "\t"), encoding="utf-8"),
    ".parquet": _parquet,
}


def check_ending(path: Path) -> None:
    """Raises DataError (DR309) for a file whose ending names no kind of table that is written."""
    if path.suffix.lower() not in _WRITERS:
        known = ", ".join(_WRITERS)
        raise DataError((Diagnostic("DR309", f"cannot write `{path}`", label=f"known endings: {known}"),))


def write_table(path: Path, columns: Columns, inputs: Iterable[Path] = ()) -> None:
    """Writes a file of the kind that its ending names; it appears whole or not at all, and never over
    `inputs`.
    """
    check_ending(path)
    write_file(path, lambda half: _WRITERS[path.suffix.lower()](half, columns), inputs)
