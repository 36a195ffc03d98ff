"""`nodes:` -> `Node`s, each attribute checked against the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from dagreg.errors import Diagnostics, Span, either
from dagreg.spec import fields as f
from dagreg.spec.likelihoods import takes_trials
from dagreg.spec.scope import Scope
from dagreg.spec.shapes import Field, Located, Reading
from dagreg.spec.source import shorten
from dagreg.spec.types import Level, Node, NodeType

_OF_UNOBSERVED = (f.OBSERVED, f.LABEL, f.UNIT, f.DESCRIPTION, f.COST, f.SELECTED, f.POSITION)
_KEYS_OF_UNOBSERVED = frozenset(entry.key for entry in _OF_UNOBSERVED)
_READ_APART = ("type", "observed", "levels", "error", "censored", "slopes", "position")
"""Attributes that need more than their value; every other key is read by its `Field` alone."""

Declarations = Mapping[str, tuple[Span, Located[str] | Reading | None]]


def read_nodes(declarations: Declarations, mistakes: Diagnostics) -> dict[str, Node]:
    """The declared nodes. A node whose declaration is wrong stays known, its type open."""
    return {name: _node(name, span, form, mistakes) for name, (span, form) in declarations.items()}


def nodes_of_edges(names: Iterable[Located[str]]) -> dict[str, Node]:
    """The nodes of a spec without `nodes:`: every name of its edges, in the order of first use."""
    nodes: dict[str, Node] = {}
    for name in names:
        nodes.setdefault(name.value, Node(name.value, span=name.span))
    return nodes


def _node(name: str, span: Span, form: Located[str] | Reading | None, mistakes: Diagnostics) -> Node:
    match form:
        case None:
            return Node(name, span=span)
        case Located():
            return _typed(Node(name, span=span), form.value)
        case Reading():
            return _long_form(name, span, form, mistakes)


def _typed(node: Node, word: str) -> Node:
    if word == "unobserved":
        return replace(node, observed=False)
    return replace(node, type=cast(NodeType, word))


def _long_form(name: str, span: Span, reading: Reading, mistakes: Diagnostics) -> Node:
    word = reading.plain(f.TYPE)
    unobserved = word == "unobserved" or reading.plain(f.OBSERVED) is False
    given = reading.attributes(Node, but=_READ_APART)
    if unobserved:
        _check_unobserved(name, reading, word, mistakes)
        kept = {key: value for key, value in given.items() if key in _KEYS_OF_UNOBSERVED}
        return Node(name, observed=False, position=_position(reading), span=span, **kept)
    node = Node(name, position=_position(reading), span=span, **given, **_in_parts(reading))
    node = _typed(node, word) if word is not None else node
    for check in _CHECKS:
        check(node, reading, mistakes)
    return node


def _position(reading: Reading) -> tuple[float, float] | None:
    at = reading.plain(f.POSITION)
    return None if at is None else (float(at[0].value), float(at[1].value))


def _in_parts(reading: Reading) -> dict[str, Any]:
    """The attributes that are more than a value under a key of their own name, by field."""
    levels, error, censored = reading[f.LEVELS], reading[f.ERROR], reading[f.CENSORED]
    return {
        "levels": None if levels is None else tuple(level.value for level in levels.value),
        "error": error.plain(f.SCALE) if isinstance(error, Reading) else error.value if error else None,
        "error_is_scale": isinstance(error, Reading),
        "censored": censored.plain(f.FLAGS)
        if isinstance(censored, Reading)
        else censored.value
        if censored
        else None,
        "upper": censored.plain(f.UPPER) if isinstance(censored, Reading) else None,
        "slopes": tuple(slope.value for slope in reading.plain(f.SLOPES) or ()),
    }


# ---------------------------------------------------------------- one attribute against another


def _check_unobserved(name: str, reading: Reading, word: str | None, mistakes: Diagnostics) -> None:
    shown = shorten(name)
    if word == "unobserved" and reading.plain(f.OBSERVED):
        message = f"`{shown}` is said to be observed and unobserved"
        mistakes.error("DR130", message, reading.key(f.TYPE), "keep one of the two")
    for entry in f.NODE_RECORD.fields:
        kept = entry in _OF_UNOBSERVED or (entry is f.TYPE and word in (None, "unobserved"))
        if entry in reading and not kept:
            message = f"`{shown}` is unobserved and has no `{entry.key}`"
            mistakes.error("DR130", message, reading.key(entry), "remove it, or `observed: false`")


def _misfit(
    node: Node, entry: Field[Any], reading: Reading, fits: Iterable[str], mistakes: Diagnostics
) -> None:
    """Reports an attribute that nodes of this type do not have."""
    if entry in reading and node.type is not None and node.type not in fits:
        message = f"`{entry.key}` does not fit the type `{node.type}`"
        mistakes.error("DR131", message, reading.key(entry), f"it belongs to {either(fits)}")


def _check_types(node: Node, reading: Reading, mistakes: Diagnostics) -> None:
    _misfit(node, f.LEVELS, reading, f.WITH_LEVELS, mistakes)
    _misfit(node, f.REFERENCE, reading, f.WITH_LEVELS, mistakes)
    if node.pool:
        _misfit(node, f.POOL, reading, ("categorical", "ordinal"), mistakes)
    _misfit(node, f.CENSORED, reading, ("continuous", "positive", "proportion"), mistakes)
    if node.slopes and node.type != "group":
        mistakes.error(
            "DR131", "`slopes` belongs to a node of type `group`", reading.key(f.SLOPES), "add `type: group`"
        )


def _check_levels(node: Node, reading: Reading, mistakes: Diagnostics) -> None:
    levels, reference = reading[f.LEVELS], reading[f.REFERENCE]
    if levels is None:
        return
    if node.type == "binary" and len(levels.value) != 2:
        message = f"a binary node has two levels, found {len(levels.value)}"
        mistakes.error("DR132", message, levels.span, "use `categorical`")
    if reference is not None:
        check_level(reference, node.levels or (), f"`{shorten(node.name)}`", mistakes)


def check_level(level: Located[Level], levels: tuple[Level, ...], whose: str, mistakes: Diagnostics) -> None:
    """Reports a level that is not among `levels` (`true` is not 1 here, as it is in Python)."""
    if any(
        level.value == known and isinstance(level.value, bool) == isinstance(known, bool) for known in levels
    ):
        return
    shown = ", ".join(shorten(_written(known)) for known in levels[:12])
    message = f"`{shorten(_written(level.value))}` is not a level of {whose}"
    mistakes.error("DR132", message, level.span, f"the levels are {shown}")


def _written(level: Level) -> str:
    return str(level).lower() if isinstance(level, bool) else str(level)


def _check_transform(node: Node, reading: Reading, mistakes: Diagnostics) -> None:
    transform = reading[f.TRANSFORM]
    if transform is None or node.type is None:
        return
    fits = f.TRANSFORMS_OF.get(node.type, ())
    if transform.value not in fits:
        label = f"use {either(fits)}" if fits else "only numbers can be transformed"
        mistakes.error(
            "DR133", f"`{transform.value}` does not fit the type `{node.type}`", transform.span, label
        )


def _check_binomial(node: Node, reading: Reading, mistakes: Diagnostics) -> None:
    if f.TRIALS not in reading and takes_trials(node.family):
        label = "add `trials`: a column or a number"
        mistakes.error("DR134", f"`{node.family}` needs `trials`", reading.key(f.FAMILY), label)


_CHECKS = (_check_types, _check_levels, _check_transform, _check_binomial)


def check_slopes(declarations: Declarations, scope: Scope) -> None:
    """The slopes of group nodes, which name other nodes."""
    for name, (_, form) in declarations.items():
        if isinstance(form, Reading) and (slopes := form[f.SLOPES]) is not None:
            for slope in slopes.value:
                if slope.value == name:
                    scope.mistakes.error("DR131", "a group has no slope of itself", slope.span)
                else:
                    scope.observed(slope, "have a slope")
