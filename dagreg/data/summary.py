"""The few numbers of a table that the compiler needs, asked of a source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product as pairs

from dagreg.data.source import Source, identifier
from dagreg.data.sql import design_sql
from dagreg.errors import DataError, Diagnostic
from dagreg.model.types import DataSummary
from dagreg.model.variables import resolve, transformed_sql
from dagreg.spec.types import Node, Spec


def columns_of(spec: Spec, names: Iterable[str]) -> tuple[str, ...]:
    """The data columns of these nodes, their trials and offsets among them, each once."""
    found: list[str] = []
    for name in names:
        node = spec.nodes[name]
        found.append(node.column or node.name)
        found += [c for c in (node.trials, node.offset) if isinstance(c, str)]
    return tuple(dict.fromkeys(found))


def check_columns(source: Source, spec: Spec, names: Iterable[str]) -> None:
    """Raises DataError, with every column that is missing or of a kind that no regression takes."""
    names = tuple(names)
    wrong = _same_column(spec, names)
    for name in names:
        for column in columns_of(spec, [name]):
            node = spec.nodes[name]
            if column not in source.columns:
                wrong.append(_absent(source, node, column))
            elif column in source.repeated:
                wrong.append(Diagnostic("DR308", f"{source.origin} has several columns named `{column}`", node.span))
            elif source.kind(column) is None:
                kind = source.sql_types[column].lower()
                wrong.append(
                    Diagnostic("DR321", f"column `{column}` holds {kind} values: not a number or text", node.span)
                )
    if wrong:
        raise DataError(tuple(wrong))


def check_trials(source: Source, spec: Spec, names: Iterable[str], where: str) -> None:
    """Raises DataError (DR324) where rows have more successes than trials, or no trial."""
    wrong = []
    for node in (spec.nodes[name] for name in names if spec.nodes[name].trials is not None):
        column = identifier(node.column or node.name)
        trials = identifier(node.trials) if isinstance(node.trials, str) else str(node.trials)
        bad = f"({where}) AND ({column} > {trials} OR {trials} < 1)"
        count = source.rows(bad)
        if count:
            message = f"`{node.name}` has more successes than trials, or no trials, in {count} of the rows"
            wrong.append(Diagnostic("DR324", message, node.span))
    if wrong:
        raise DataError(tuple(wrong))


def _same_column(spec: Spec, names: Iterable[str]) -> list[Diagnostic]:
    """Nodes that are the same column under two names."""
    seen: dict[tuple[str, str | None], str] = {}
    wrong = []
    for name in names:
        node = spec.nodes[name]
        first = seen.setdefault((node.column or name, node.transform), name)
        if first != name:
            message = f"`{first}` and `{name}` are the same column, `{node.column or name}`"
            wrong.append(Diagnostic("DR326", message, node.span))
    return wrong


def _absent(source: Source, node: Node, column: str) -> Diagnostic:
    same = [c for c in source.columns if c.lower() == column.lower()]
    listed = ", ".join(source.columns[:12]) + (", ..." if len(source.columns) > 12 else "")
    label = f"did you mean `{same[0]}`?" if same else f"columns: {listed}"
    return Diagnostic("DR311", f"no column `{column}` in {source.origin}", node.span, label=label)


def summarise(source: Source, spec: Spec, names: Sequence[str], where: str = "TRUE") -> DataSummary:
    """Levels, counts and moments of the columns of these nodes, over the rows where `where` holds.

    Raises DataError where the source cannot answer or nodes and columns do not fit.
    """
    columns = source.summarise(columns_of(spec, names), where)
    rows = source.rows(where)
    if rows == 0:
        raise DataError((Diagnostic("DR322", f"{source.origin} has no rows to use"),))
    plain = DataSummary(rows, columns)
    transforms = {n: e for n in names if (e := transformed_sql(spec.nodes[n], source.real(spec.nodes[n].column or n)))}
    resolve(spec, names, plain)  # refuses values outside a transform's domain before they reach SQL
    moments = source.moments(list(transforms.values()), where)
    summary = DataSummary(rows, columns, dict(zip(transforms, moments, strict=True)))
    return DataSummary(rows, columns, summary.transformed, _products(source, spec, names, summary, where))


def _products(
    source: Source, spec: Spec, names: Sequence[str], summary: DataSummary, where: str
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Mean and sd of the design columns of every declared interaction among these nodes."""
    wanted = {
        ":".join(factors): factors
        for regression in spec.regressions.values()
        for factors in regression.interactions
        if set(factors) <= set(names)
    }
    if not wanted:
        return {}
    variables = resolve(spec, names, summary)
    found = {}
    for key, factors in wanted.items():
        blocks = [design_sql(source, variables[f]) for f in factors]
        found[key] = tuple(source.moments([" * ".join(cell) for cell in pairs(*blocks)], where))
    return found
