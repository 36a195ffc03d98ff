"""The commented spec that `dagreg init` writes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from dagreg.binding.offences import in_sql, spoilt
from dagreg.binding.suspicions import is_id, sentinel
from dagreg.errors import DagregError, DataError, Diagnostic
from dagreg.model.numbers_as_text import are_numbers, spoiling
from dagreg.model.variables import CATEGORY_CAP, infer_type
from dagreg.sources.source import Source
from dagreg.sources.types import ColumnSummary
from dagreg.spec.shapes import has_controls

_MAX_LEVELS_SHOWN = 12
_HEAD = """\
# A dagreg spec: what causes what, what was measured, and the question.
# `dagreg explain` answers from the graph alone, `dagreg fit` with the data.
"""
_EXAMPLE = """
# data: my-data.csv

# Every variable that matters, measured or not.
nodes:
  treatment: binary
  outcome: continuous
  confounder: continuous
  ability: unobserved

# What causes what. `a -> b` is a cause; `a <-> b` an unobserved common cause of the two.
edges:
  - confounder -> treatment, outcome
  - treatment -> outcome
  - ability -> outcome

# The question: the total effect of one node on another.
effect: treatment -> outcome
"""
_TAIL = """
# What causes what. `a -> b` is a cause; `a <-> b` an unobserved common cause of the two.
edges: []

# What to edit next:
# 1. The types above; delete the nodes that do not matter.
# 2. What matters and was not measured: a line `name: unobserved` under `nodes:`.
# 3. The arrows: in place of the brackets after `edges:`, one line below it for each cause, such as
#      - cause -> consequence
# 4. The question, a line such as
#    effect: cause -> consequence
# Then `dagreg check`, `dagreg explain` and `dagreg fit` on this file.
"""


@dataclass(frozen=True, slots=True)
class _Node:
    """A line of the spec: the node, what is said of it, and a comment."""

    name: str
    said: str
    comment: str = ""
    missing: int = 0

    def __str__(self) -> str:
        words = [self.comment] if self.comment else []
        words += [f"{self.missing} missing"] if self.missing else []
        return f"  {scalar(self.name)}: {self.said}" + (f"   # {'; '.join(words)}" if words else "")


def starter(source: Source | None, path: str, reopened: Callable[[str], Source] | None = None) -> str:
    """A spec to edit: nodes and types from the data, edges and the question for the user to write.

    `reopened` reads the same file by a query, which numbers with a decimal comma and the like need. Raises
    DataError (DR192) where no column can be a node.
    """
    if source is None:
        return _HEAD + _EXAMPLE
    source, query, read = _as_numbers(source, reopened)
    summaries, out = _parted(source)
    if not summaries:
        reasons = tuple(f"`{name}`: {why}" for name, why in out.items())
        message = f"{source.origin} has no column that could be a node"
        raise DataError((Diagnostic("DR192", message, notes=reasons[:20] or ("it has no columns",)),))
    names = _node_names(summaries)
    nodes = [_node(source, names[column], column, summary) for column, summary in summaries.items()]
    data = (
        f"data: {scalar(path)}"
        if query is None
        else f"data:\n  source: {scalar(path)}\n  query: {quoted(query)}"
    )
    lines = [_HEAD, data]
    if query is not None:
        lines.append("  # The query reads as numbers what the file writes as text:")
        lines += [f"  #   {comment(column)}: {comment(how)}" for column, how in read.items()]
    if any(node.missing for node in nodes):
        lines.append(
            "missing: drop   # rows that lack a value in use are left out; `impute` fills them, `error` "
            "refuses"
        )
    lines += [
        "",
        "# The columns, with the types that their values suggest: correct them.",
        "nodes:",
        *map(str, nodes),
    ]
    if out:
        lines += [
            "",
            "# Columns left out:",
            *(f"#   {comment(name)}: {comment(why)}" for name, why in out.items()),
        ]
    return "\n".join(lines) + "\n" + _TAIL


def _as_numbers(
    source: Source, reopened: Callable[[str], Source] | None
) -> tuple[Source, str | None, Mapping[str, str]]:
    """The source with columns of oddly written numbers read as numbers, the query that does so, and what is
    odd.
    """
    if reopened is None or source.repeated:
        return source, None, {}
    readings = {c: how for c in source.columns if source.kind(c) == "text" and (how := _reading(source, c))}
    if not readings:
        return source, None, {}
    parts = ", ".join(f"{how[1].replace('{x}', in_sql(c))} AS {in_sql(c)}" for c, how in readings.items())
    query = f"SELECT * REPLACE ({parts}) FROM data"
    try:
        other = reopened(query)
        other.rows()
        other.summarise(list(readings))
    except DagregError:
        return source, None, {}  # the columns stay text, which their lines say
    return other, query, {column: how[0] for column, how in readings.items()}


def _reading(source: Source, column: str) -> tuple[str, str] | None:
    """How a column of oddly written numbers is written, and the SQL that reads it; None of any other."""
    words = spoilt(source, column)
    return spoiling(words) if are_numbers(words) else None


def _parted(source: Source) -> tuple[dict[str, ColumnSummary], dict[str, str]]:
    """The columns that can be nodes, and why the others cannot."""
    kept: dict[str, ColumnSummary] = {}
    out: dict[str, str] = {}
    folded = Counter(column.casefold() for column in source.columns)
    rows = source.rows()
    summaries = _summaries(source)
    for column in source.columns:
        summary = summaries.get(column)
        why = ""
        if column in source.repeated:
            why = "several columns have this name; rename them"
        elif folded[column.casefold()] > 1 and any(c.casefold() == column.casefold() for c in kept):
            why = "another column's name differs from it in case alone; rename one"
        elif has_controls(column, allowed="\t\n"):
            why = "its name holds a control character; rename it"
        elif source.kind(column) is None:
            why = _unfit(source.sql_types[column])
        elif isinstance(summary, str):
            why = summary
        elif summary is not None:
            why = _useless(column, summary, rows)
        if why or summary is None or isinstance(summary, str):
            out[column] = why or "it cannot be read"
        else:
            kept[column] = summary
    return kept, out


def _summaries(source: Source) -> Mapping[str, ColumnSummary | str]:
    """The summary of each column that has one; of a column that cannot be summarised, why."""
    usable = [c for c in source.columns if source.kind(c) is not None and c not in source.repeated]
    narrow = source.narrow(usable)
    try:
        return narrow.summarise(usable)
    except DataError:
        return {column: _summary(narrow, column) for column in usable}


def _summary(source: Source, column: str) -> ColumnSummary | str:
    try:
        return source.summarise([column])[column]
    except DataError as error:
        return error.diagnostics[0].message


def _unfit(kind: str) -> str:
    if kind.startswith(("DATE", "TIME")):
        return f"{kind.lower()} values; where time matters, make it a number in a `query:`"
    return f"{kind.lower()} values: neither numbers nor text"


def _useless(column: str, summary: ColumnSummary, rows: int) -> str:
    """Why a column of numbers or text is no variable; "" where it may be one."""
    if rows == 0:
        return "the table has no rows"
    if summary.distinct == 0:
        return "no row has a value"
    if summary.distinct == 1:
        return "it has a single value"
    if is_id(column, summary, rows):
        return "another whole number in every row, as ids have"
    if summary.kind == "text" and summary.distinct > CATEGORY_CAP:
        each = rows - summary.missing
        if summary.distinct > each / 2 or not summary.levels:
            return f"{summary.distinct} different texts in {each} rows: an id, a date or words"
    return ""


def _node(source: Source, name: str, column: str, summary: ColumnSummary) -> _Node:
    levels, said = _described(summary)
    if column != name:
        said = (
            f"column: {quoted(column)}, {said}"
            if said.startswith("type:")
            else f"column: {quoted(column)}, type: {said}"
        )
    extra = levels or _comment(source, column, summary)
    return _Node(name, f"{{{said}}}" if ":" in said else said, extra, summary.missing)


def _described(summary: ColumnSummary) -> tuple[str, str]:
    """What is said of its levels in a comment, and the words of the spec."""
    kind = infer_type(summary)
    if summary.distinct == 2 and summary.kind == "number" and summary.integral:
        kind = "binary"
    if kind == "binary":
        one = comment(_level(summary.levels[1]))
        plain = summary.kind == "boolean" or summary.levels == (0, 1)
        return (
            f"its probability is that of {one}",
            kind if plain else f"type: binary, levels: {_listed(summary)}",
        )
    if kind == "categorical" and summary.distinct > CATEGORY_CAP:
        return f"{summary.distinct} different texts, taken as a sample of groups", "group"
    if kind == "categorical" and len(summary.levels) <= _MAX_LEVELS_SHOWN:
        return "the first level is the reference", f"type: categorical, levels: {_listed(summary)}"
    return f"{summary.distinct} different texts" if kind == "categorical" else "", kind


def _comment(source: Source, column: str, summary: ColumnSummary) -> str:
    """What is odd about a column of numbers."""
    code = sentinel(source, column, summary, "TRUE")
    if code is not None:
        return f"{code[0]:g} looks like a code for a missing value"
    k = summary.distinct
    if summary.integral and summary.minimum == 1 and summary.maximum == k and 3 <= k <= 10:
        return f"1 to {k}: if these are names of kinds, say categorical"
    return ""


def _listed(summary: ColumnSummary) -> str:
    return f"[{', '.join(scalar(v) if isinstance(v, str) else _level(v) for v in summary.levels)}]"


def _level(level: object) -> str:
    if isinstance(level, bool):
        return str(level).lower()
    return str(int(level)) if isinstance(level, float) and level.is_integer() else str(level)


def _node_names(columns: Iterable[str]) -> dict[str, str]:
    """A name for the node of each column: the column's own where an edge can hold it as it stands."""
    names: dict[str, str] = {}
    for i, column in enumerate(columns):
        plain = re.fullmatch(r"\w[\w.]*", column) is not None and column.isprintable()
        name = column if plain else re.sub(r"\W+", "_", column).strip("_") or f"column_{i + 1}"
        while name in names.values():
            name += "_"
        names[column] = name
    return names


# ---------------------------------------------------------------- YAML


_RESERVED = ("true", "false", "null")


def scalar(text: str) -> str:
    """A YAML scalar that reads back as this very text."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.]*", text) is not None
    return text if plain and text.lower() not in _RESERVED else quoted(text)


def quoted(text: str) -> str:
    """The text in double quotes of YAML."""
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def comment(text: str) -> str:
    """A text that can stand in a comment of one line."""
    shown = "".join(c if c.isprintable() else _character(c) for c in text)
    return shown if len(shown) <= 100 else f"{shown[:97]}..."
