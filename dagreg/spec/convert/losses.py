"""What another format cannot hold of a spec: names that are refused, and parts that are left out
with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, fields
from typing import Any

from dagreg.errors import Diagnostic, SpecError
from dagreg.spec.convert.draft import MarkedRole
from dagreg.spec.fields import ATTRIBUTES
from dagreg.spec.types import Effect, Node, Sampling, Spec


@dataclass(frozen=True, slots=True)
class Holds:
    """What a format has a place for, besides nodes, edges and unobserved nodes."""

    format: str
    roles: bool = True  # exposure, outcome, adjusted and selected
    position: bool = False  # of nodes in a drawing
    label: Callable[[str], bool] = lambda label: False  # whether it can hold this label


def check_names(spec: Spec, format: str, fits: Callable[[str], bool], rule: str) -> None:
    """Raises SpecError (DR173) with every name that `format` cannot hold; `rule` says which it can."""
    unfit = tuple(
        Diagnostic("DR173", f"{format} cannot hold the name `{name}`", node.span, rule)
        for name, node in spec.nodes.items()
        if not fits(name)
    )
    if unfit:
        raise SpecError(unfit, spec.text)


def roles(spec: Spec) -> dict[str, tuple[MarkedRole, ...]]:
    """What every node is marked as, by node, in the order of the nodes; nodes without a mark have an empty
    tuple.
    """
    effects = expressible(spec)
    marked: tuple[tuple[MarkedRole, Collection[str]], ...] = (
        ("exposure", effects[0].exposure if effects else ()),
        ("outcome", [effect.outcome for effect in effects]),
        ("adjusted", _wanted(effects[0]) if effects else ()),
        ("unobserved", [name for name, node in spec.nodes.items() if not node.observed]),
        ("selected", [name for name, node in spec.nodes.items() if node.selected]),
    )
    return {name: tuple(role for role, names in marked if name in names) for name in spec.nodes}


def expressible(spec: Spec) -> tuple[Effect, ...]:
    """The effects that marks on nodes can say: all where exposures and adjustment agree, else the first."""
    if not spec.effects:
        return ()
    first = spec.effects[0]
    agree = all(
        set(effect.exposure) == set(first.exposure) and _wanted(effect) == _wanted(first)
        for effect in spec.effects
    )
    outcomes = {effect.outcome for effect in spec.effects}
    marks_clash = not outcomes.isdisjoint(first.exposure + _wanted(first))
    distinct = len(outcomes) == len(spec.effects)
    return spec.effects if agree and distinct and not marks_clash else spec.effects[:1]


def _wanted(effect: Effect) -> tuple[str, ...]:
    adjust = effect.adjust
    return () if adjust is None else adjust.include if adjust.exactly is None else adjust.exactly


def losses(spec: Spec, holds: Holds) -> tuple[Diagnostic, ...]:
    """A warning (DR175) that lists what of the spec the format leaves out; none where nothing is."""
    left = [*_of_nodes(spec, holds), *_of_effects(spec, holds), *_of_spec(spec)]
    if not left:
        return ()
    message = f"{holds.format} has no place for all of the spec, left out: {', '.join(dict.fromkeys(left))}"
    return (Diagnostic("DR175", message, severity="warning"),)


def _of_nodes(spec: Spec, holds: Holds) -> Iterator[str]:
    kept = {"name", "observed", "span", "error_is_scale", *(("selected",) if holds.roles else ())}
    kept |= {"position"} if holds.position else set()
    for entry in fields(Node):
        values = [getattr(node, entry.name) for node in spec.nodes.values()]
        if entry.name == "label":
            values = [label for label in values if label is not None and not holds.label(label)]
        if entry.name not in kept and any(value != entry.default for value in values):
            yield f"`{entry.name}` of nodes"


def _of_effects(spec: Spec, holds: Holds) -> Iterator[str]:
    if not holds.roles:
        if spec.effects:
            yield "the effect"
        return
    said = expressible(spec)
    if len(said) < len(spec.effects):
        yield "every effect but the first"
    for effect in said:
        bounds = effect.adjust if effect.adjust is not None and effect.adjust.exactly is None else None
        lost = [key for key, value in said_of(effect).items() if value is not bounds]
        yield from (f"`{key}` of the effect" for key in lost)
        if effect.adjust is not None and effect.adjust.exclude:
            yield "`exclude` of the effect"


def said_of(effect: Effect) -> dict[str, Any]:
    """What an effect says besides its ends, by the keys of a file; not what goes without saying."""
    keys = {attribute: key for key, attribute in ATTRIBUTES.items()}
    values = {entry.name: (getattr(effect, entry.name), entry.default) for entry in fields(Effect)}
    return {
        keys.get(name, name): value
        for name, (value, default) in values.items()
        if name not in ("exposure", "outcome", "span") and value != default
    }


def _of_spec(spec: Spec) -> Iterator[str]:
    parts = {
        "data": spec.data is not None,
        "missing": spec.missing != "error",
        "regressions": bool(spec.regressions),
        "sampling": spec.sampling != Sampling(),
    }
    yield from (f"`{key}`" for key, given in parts.items() if given)
