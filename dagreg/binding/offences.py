"""The rows behind a message: the first value at fault, where it stands, how many there are, and what would
mend it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from dagreg.errors import DagregError, DataError, Diagnostic, Offence
from dagreg.model.numbers_as_text import Words, parted, spoiling
from dagreg.sources.source import Source, identifier, quote
from dagreg.spec.types import Level

MAX_WORDS = 100_000  # distinct texts of a column that are looked at
MAX_SEARCHED_ROWS = 50  # of them among which the first row is sought
_RESERVED = re.compile(
    "all|and|any|array|as|asc|both|case|cast|check|column|constraint|create|default|desc|distinct|do|else|"
    "end|except|false|for|foreign|from|group|having|in|into|lateral|leading|limit|not|null|offset|on|only|"
    "or|order|primary|references|returning|select|show|some|table|then|to|trailing|true|union|unique|"
    "using|when|where|window|with",
    re.IGNORECASE,
)


@contextmanager
def shown_in(source: Source | None, where: str = "TRUE") -> Iterator[None]:
    """Adds to the messages of a stage the rows of this source at fault, among those where `where` holds."""
    try:
        yield
    except DagregError as error:
        if source is None or not any(d.offence for d in error.diagnostics):
            raise
        told = tuple(_told(d, source, where) for d in error.diagnostics)
        raise type(error)(told, error.text) from None


def _told(diagnostic: Diagnostic, source: Source, where: str) -> Diagnostic:
    """A diagnostic with the rows at fault in its notes; as it is where the source cannot tell them."""
    offence = diagnostic.offence
    if offence is None or offence.column not in source.columns:
        return diagnostic
    try:
        notes = rows_at_fault(source, offence, where)
    except DataError:  # a database that cannot put the question; the mistake itself is known
        notes = ()
    return replace(diagnostic, notes=(*notes, *diagnostic.notes), offence=None)


def rows_at_fault(source: Source, offence: Offence, where: str = "TRUE") -> tuple[str, ...]:
    """The first value at fault with its row and how many there are; for text among numbers what would mend
    it, too.
    """
    if offence.condition:
        condition = condition_of(source, offence)
        return _first(source, offence.column, f"({where}) AND ({condition})")
    words = spoilt(source, offence.column, where)
    if not words.bad:
        return ()
    some = ", ".join(map(quote, words.bad[:MAX_SEARCHED_ROWS]))
    bad = f"({where}) AND {source.value(offence.column)} IN ({some})"
    count = None if len(words.bad) <= MAX_SEARCHED_ROWS else words.rows
    hint = remedy(source, offence.column, words)
    return (*_first(source, offence.column, bad, count), *((hint,) if hint else ()))


def condition_of(source: Source, offence: Offence) -> str:
    """The SQL condition of the rows at fault."""
    holes = {"{number}": source.real(offence.column), "{text}": source.value(offence.column)}
    return re.sub(r"\{number\}|\{text\}", lambda hole: holes[hole[0]], offence.condition)


def _first(source: Source, column: str, condition: str, count: int | None = None) -> tuple[str, ...]:
    rows = source.rows(condition) if count is None else count
    if rows == 0:
        return ()
    row, value = source.first(column, condition)
    total = source.rows()
    place = (
        f"row {row} holds {as_written(value)}" if row is not None else f"one row holds {as_written(value)}"
    )
    return (
        f"{place}; {rows} of {total} row{'s' * (total != 1)} in all {'is' if rows == 1 else 'are'} at fault",
    )


def as_written(value: Level | None) -> str:
    """A value as messages show it."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else f"{value[:57]}...")
    return "no value" if value is None else f"{value:.12g}" if isinstance(value, float) else str(value)


def spoilt(source: Source, column: str, where: str = "TRUE") -> Words:
    """The texts of a column, parted into numbers and others."""
    asked = (
        f"SELECT {source.value(column)}, count(*) FROM {source.select} WHERE ({where}) AND "
        f"{source.complete([column])}"
    )
    offences = [
        (str(value), int(n)) for value, n in source.fetch(f"{asked} GROUP BY 1 ORDER BY 1 LIMIT {MAX_WORDS}")
    ]
    return parted(offences)


def remedy(source: Source, column: str, words: Words) -> str:
    """What would make a column of such texts numbers; "" where that is not plain."""
    what, expression = spoiling(words)
    return f"{what}: {reading(source, column, expression)}" if what else ""


def reading(source: Source, column: str, expression: str) -> str:
    """How a spec reads a column by an SQL expression with the hole `{x}`."""
    name = in_sql(column)
    read = expression.replace("{x}", name)
    if not source.file:
        return f"write it so, as by `{read}` in SQL"
    query = f"SELECT * REPLACE ({read} AS {name}) FROM data"
    return (
        f"write it so in the file, or say `data: {{source: {in_yaml(source.file)}, query: {_quoted(query)}}}`"
    )


def in_sql(column: str) -> str:
    """A column as people write it in SQL: in quotes only where it needs them."""
    plain = (
        re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column) is not None and _RESERVED.fullmatch(column) is None
    )
    return column if plain else identifier(column)


def in_yaml(text: str) -> str:
    """A text within braces of YAML: in quotes only where it needs them."""
    return text if re.fullmatch(r"[A-Za-z_./][\w./-]*", text, re.ASCII) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
