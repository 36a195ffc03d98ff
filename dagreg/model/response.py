"""The family and the link of a response, checked against its data."""

from __future__ import annotations

from dagreg.errors import DagregError, Diagnostic, Offence, either
from dagreg.families import FAMILIES, Family, default_family
from dagreg.model.cells import cells_of
from dagreg.model.context import Context, PlannedRegression, error_at
from dagreg.model.equation import Equation
from dagreg.model.summary import Variable
from dagreg.model.variables import EDGES, level_key, levels_in_order, order_of
from dagreg.sources.types import ColumnSummary


def chosen_family(context: Context, response: str) -> Family | None:
    """The family that the user names, else the default; of two levels without an order that of two values.

    Raises DagregError where there is no family of this name.
    """
    name, variable = context.spec.family_of(response), context.variables[response]
    declared = FAMILIES.get(name) if name is not None else None
    if declared is None and name is not None:
        raise error_at("DR411", f"family `{name}` is not supported yet for `{response}`", variable)
    by_levels = declared is None or declared.predictor == "unordered"
    if by_levels and len(variable.levels) == 2 and not variable.pooled:
        return default_family("binary")
    return declared or default_family(variable.type)


def family_of(context: Context, response: str) -> Family:
    """The likelihood of a response. Raises DagregError where it has none here, or does not take this type."""
    variable, family = context.variables[response], chosen_family(context, response)
    if family is None:
        label = (
            f"a group predicts, and nothing explains it here: say `{response}: categorical`, or leave it out"
        )
        message = f"a {variable.type} response is not supported yet for `{response}`"
        raise error_at("DR411", message, variable, label=label)
    if variable.type not in family.accepts or variable.pooled or (variable.coded and not family.levelled):
        raise _misfit(context, variable, family)
    if family.trials and context.spec.nodes[response].trials is None:
        raise error_at(
            "DR413", f"`{response}` is {family.name} and needs `trials:` (a column or a number)", variable
        )
    _check_support(context, response, family)
    _check_order(context, variable, family)
    return family


def _misfit(context: Context, variable: Variable, family: Family) -> DagregError:
    """The error of a declared family and a type that do not go together, with the ways out."""
    node, name = context.spec.nodes[variable.name], variable.name
    fitting = [f.name for f in FAMILIES.values() if variable.type in f.accepts and not f.trials]
    ways = [f"say {either(f'type: {kind}' for kind in family.accepts)}"] if node.type is not None else []
    ways += [f"use a family for a {variable.type} response: {either(fitting)}"] if fitting else []
    place = context.spec.place("nodes", name, "type") or variable.span
    message = f"`{name}` is {variable.type}: {family.name} needs {family.support}"
    return DagregError((Diagnostic("DR412", message, place, "; or ".join(ways)),))


def _check_support(context: Context, response: str, family: Family) -> None:
    """Responses have to lie in the family's support, where the data are known, and the families of some
    numbers only describe the column itself, not a transform of it.
    """
    variable = context.variables[response]
    if not family.real and variable.transform:
        said = f"`{response}` is transformed ({variable.transform})"
        raise error_at(
            "DR412", f"{family.name} needs {family.support}; {said}: say `family: gaussian`", variable
        )
    column = context.summary.columns[variable.column] if context.summary else None
    offset = context.spec.nodes[response].offset
    if context.summary is not None and offset is not None and not context.summary.columns[offset].minimum > 0:
        message = f"the offset of `{response}` is a log: column `{offset}` has values not above 0"
        raise DagregError(
            (Diagnostic("DR421", message, variable.span, offence=Offence(offset, "NOT {number} > 0")),)
        )
    if column is None or column.kind != "number":
        return
    if not family.fits(column.minimum, column.maximum, column.integral):
        message = f"{family.name} needs {family.support}; `{response}` holds {_outside(column, family)}"
        edges = (
            family.fits(0.5, 0.5, False)
            and column.minimum >= 0
            and column.maximum <= 1
            and not family.discrete
        )
        notes = (EDGES,) if edges and not family.fits(0.5, 2.0, False) else _unlike(context, response, family)
        wider = [f for f in FAMILIES.values() if f.widens == family.name]
        fitting = [
            f"family: {f.name}" for f in wider if f.fits(column.minimum, column.maximum, column.integral)
        ]
        notes = ((f"{either(fitting)} takes {wider[0].support}",) if fitting else ()) + notes
        offence = Offence(variable.column, family.outside)
        raise DagregError((Diagnostic("DR414", message, variable.span, notes=notes, offence=offence),))


def _unlike(context: Context, response: str, family: Family) -> tuple[str, ...]:
    """The ways out where values lie outside the support of the declared or the default family."""
    said = context.spec.family_of(response) is not None
    first = f"where they are meant so, {'use' if said else 'say'} `family: gaussian`"
    zero = (
        ""
        if family.discrete
        else ", or leave the zeros to a regression of their own (zero or not, as a binary node)"
    )
    return (f"{first}{zero if family.fits(1.0, 1.0, False) else ''}",)


def _check_order(context: Context, variable: Variable, family: Family) -> None:
    """The levels of an ordinal response stand in the order that the spec, the table or the numbers give."""
    if family.predictor != "ordered":
        return
    node = context.spec.nodes[variable.name]
    column = context.summary.columns.get(variable.column) if context.summary is not None else None
    known = node.levels or (column is not None and order_of(column))
    words = not known and any(isinstance(level, str) for level in variable.levels)
    lowest = (node.levels or (column is not None and levels_in_order("ordinal", column)) or variable.levels)[
        0
    ]
    turned = node.reference is not None and level_key(node.reference) != level_key(lowest)
    if words or turned:
        unknown = (
            f"the order of the levels of `{variable.name}` is not known: declare `levels:`, the lowest first"
        )
        other = (
            f"the reference of `{variable.name}` is {node.reference!r}, but an ordinal response has its "
            f"lowest level as reference: leave `reference:` out, or put {node.reference!r} first in "
            "`levels:`"
        )
        raise error_at("DR401", unknown if words else other, variable)


def _outside(column: ColumnSummary, family: Family) -> str:
    """The value, or the kind of values, that lies outside a family's support."""
    if family.discrete and not column.integral:
        return "numbers that are not whole"
    ends = (column.minimum, column.maximum)
    return " and ".join(
        f"{end:g}" for end in dict.fromkeys(ends) if not family.fits(end, end, column.integral)
    )


def link_of(context: Context, regression: PlannedRegression, family: Family) -> str:
    said = context.spec.regressions.get(regression.response)
    declared = (said.link if said else None) or context.spec.nodes[regression.response].link
    on_means = len(cells_of(context, regression)) > 0 and family.cell_support != ""
    if on_means and declared in (None, "identity"):
        return "identity"
    if declared is not None and declared not in family.links:
        place = context.spec.place("regressions", regression.response, "link")
        place = place or context.spec.place("nodes", regression.response, "link")
        message = f"{family.name} has no {declared} link here"
        label = f"use {either(family.links)}"
        raise DagregError(
            (Diagnostic("DR422", message, place or context.spec.nodes[regression.response].span, label),)
        )
    return declared or family.links[0]


def starting_cutpoints(equation: Equation, response: Variable) -> list[float]:
    """Cutpoints in ascending order, at the observed shares of the levels; without data, evenly spread."""
    count = len(equation.levels) - 1
    shares = [max(share, 0.001) for share in response.shares] or [1.0] * (
        count + 1
    )  # levels may be without rows
    return [equation.link.of_mean(sum(shares[: i + 1]) / sum(shares)) for i in range(count)]
