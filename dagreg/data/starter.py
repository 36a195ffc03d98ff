"""The commented spec that `dagreg init` writes."""

from __future__ import annotations

import json

from dagreg.data.source import Source
from dagreg.model.types import ColumnSummary
from dagreg.model.variables import infer_type

_LEVELS_SHOWN = 12
_HEAD = """\
# A dagreg spec: what causes what, what was measured, and the question.
# `dagreg explain` answers from the graph alone, `dagreg fit` with the data.
"""
_TAIL = """
# What causes what. `a -> b` is a cause; `a <-> b` an unobserved common cause of the two.
edges:
{edges}

# The question: the total effect of one node on another.
effect: {effect}
"""
_EXAMPLE = """
# Every variable that matters, measured or not.
nodes:
  treatment: binary
  outcome: continuous
  confounder: continuous
  ability: unobserved
"""


def starter(source: Source | None, path: str) -> str:
    """A spec to edit: nodes and types from the data, edges for the user to draw."""
    if source is None:
        edges = "  - confounder -> treatment, outcome\n  - treatment -> outcome\n  - ability -> outcome"
        return _HEAD + "\n# data: my-data.csv\n" + _EXAMPLE + _TAIL.format(edges=edges, effect="treatment -> outcome")
    usable = [c for c in source.columns if source.kind(c) is not None]
    columns = source.narrow(usable).summarise(usable)
    lines = [f"  {_name(c)}: {_described(s)}" for c, s in columns.items()]
    cause, effect = (usable[0], usable[-1]) if len(usable) > 1 else ("x", "y")
    nodes = (
        "\n# The columns, with the types that their values suggest: correct them.\nnodes:\n" + "\n".join(lines) + "\n"
    )
    edges = f"  - [{_name(cause)}, {_name(effect)}]   # replace this: it is only the first column and the last"
    question = f"{{exposure: {_name(cause)}, outcome: {_name(effect)}}}"
    return _HEAD + f"\ndata: {_name(path)}\n" + nodes + _TAIL.format(edges=edges, effect=question)


def _described(column: ColumnSummary) -> str:
    kind = infer_type(column)
    if kind == "categorical" and len(column.levels) <= _LEVELS_SHOWN:
        return f"{{type: categorical, levels: [{', '.join(_name(str(v)) for v in column.levels)}]}}"
    return kind + (f"   # {column.missing} missing" if column.missing else "")


def _name(text: str) -> str:
    """A YAML scalar that reads back as this very text."""
    plain = text.replace("_", "a").replace(".", "a").isalnum() and text.isascii() and text[0].isalpha()
    reserved = text.lower() in ("true", "false", "null")
    return text if plain and not reserved else json.dumps(text, ensure_ascii=False)
