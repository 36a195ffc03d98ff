"""How the outcome of new rows is reached: what is read from them, what is set, and what has to be simulated.

The truncated factorisation (Pearl 2009, section 1.3): under do(z) every descendant of z is drawn again from
its regression on its parents, whatever the rows hold of it, and the arrows into z are cut.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dagreg.binding.new_rows import level_of
from dagreg.errors import DagregError, Diagnostic, did_you_mean
from dagreg.graph.ancestry import ancestors, descendants, members
from dagreg.graph.causal import CausalGraph
from dagreg.graph.projection import hub_projection
from dagreg.identify.words import quoted
from dagreg.model.equation import Equation
from dagreg.model.plan import Model
from dagreg.model.summary import Variable
from dagreg.model.variables import alike, transformable
from dagreg.spec.types import Level


@dataclass(frozen=True, slots=True)
class Route:
    """The variables that are read from the rows, those that are set, and the regressions passed through, in
    order.
    """

    observed: tuple[str, ...]
    do: Mapping[str, Level]
    simulated: tuple[Equation, ...]
    notes: tuple[str, ...] = ()


def route(model: Model, graph: CausalGraph, do: Mapping[str, Level], present: Collection[str]) -> Route:
    """The way to the outcome of rows that hold these variables.

    Raises DagregError where the model has no distribution for a single row (DR563), or does not cover the
    intervention (DR561).
    """
    _check_estimator(model)
    _check_intervention(model, graph, do)
    own = {e.response: e for e in model.mediators if e.response not in do}
    stale = {name for name in _below(graph, do, model.estimand.outcome) if name in own}
    unread = stale | {name for name in own if name not in present}
    dropped: set[str] = set()
    while True:
        used = _used(model, own, unread, do)
        drawn = [name for name in own if name in used and name in unread]
        late = {name for name in _after(own, drawn) if name in used and name not in unread}
        if not late:
            break
        dropped |= late
        unread |= late
    notes = []
    ignored = [name for name in own if name in drawn and name in stale and name in present]
    if ignored:
        notes.append(
            f"The rows' values of {quoted(ignored)} are not used: {quoted(list(do))} was set, which moves "
            "them."
        )
    if dropped:
        notes.append(
            f"The rows' values of {quoted(sorted(dropped))} are not used: causes of theirs are missing and "
            "simulated."
        )
    if model.estimand.kind == "direct" and do:
        notes.append(
            "The effect is a direct one: the nodes on its causal paths are held at the rows' values."
        )
    observed = tuple(
        name for name in model.variables if name in used and name not in do and name not in drawn
    )
    return Route(observed, do, tuple(own[name] for name in drawn), tuple(notes))


def settings(model: Model, do: Mapping[str, Any]) -> dict[str, Level]:
    """The values of an intervention on the scale of their columns, numbers and levels from texts too.

    Raises DagregError (DR562) for values that a variable does not take; nodes that the model lacks stay as
    they are.
    """
    values: dict[str, Level] = {}
    for name, value in do.items():
        variable = model.variables.get(name)
        values[name] = value if variable is None else setting(variable, value)
    return values


def setting(variable: Variable, value: Any) -> Level:
    """A value that the variable takes, from itself or from a text.

    Raises DagregError (DR562) for any other.
    """
    if variable.levels:
        level = level_of(variable, value)
        if level is None:
            known = ", ".join(map(str, variable.levels[:12]))
            message = f"`do` sets `{variable.name}` to {value!r}, which is none of its levels"
            hint = alike(value, variable.levels) or f"known are {known}"
            raise DagregError((Diagnostic("DR562", message, label=hint),))
        return level
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or not transformable(variable, number):
        what = f"a number that `{variable.transform}` takes" if variable.transform else "a number"
        message = f"`do` sets `{variable.name}` to {value!r}, and it takes {what}"
        raise DagregError((Diagnostic("DR562", message),))
    return number


def _used(
    model: Model, own: Mapping[str, Equation], unread: Collection[str], do: Collection[str]
) -> set[str]:
    """The variables that the outcome's distribution rests on, going back through what is not read."""
    used: set[str] = set()
    waiting = list(model.outcome.predictors)
    while waiting:
        name = waiting.pop()
        if name in used or name in do:
            continue
        used.add(name)
        if name in own and name in unread:
            waiting += own[name].predictors
    return used


def _after(own: Mapping[str, Equation], drawn: Iterable[str]) -> set[str]:
    """The mediators that these are causes of, near or far; `own` is in topological order."""
    moved = set(drawn)
    for name, equation in own.items():
        if any(p in moved for p in equation.predictors):
            moved.add(name)
    return moved - set(drawn)


def _check_estimator(model: Model) -> None:
    if model.functional is not None or any(e.linked is not None for e in model.equations):
        what = model.estimator.offers.average_only
        message = f"{what} answers for an average over rows, and has no distribution for a row of its own"
        raise DagregError(
            (Diagnostic("DR563", message, label="`--estimator unadjusted` predicts, without `--do`"),)
        )


def _check_intervention(model: Model, graph: CausalGraph, do: Mapping[str, Level]) -> None:
    outcome = model.estimand.outcome
    for name in do:
        if name not in graph.index:
            label = did_you_mean(name, graph.index)
            raise DagregError(
                (Diagnostic("DR562", f"`do` sets `{name}`, and the spec has no such node", label=label),)
            )
        if not graph.observed[graph.index[name]]:
            raise DagregError(
                (Diagnostic("DR562", f"`do` sets `{name}`, which is unobserved and in no regression"),)
            )
        if name == outcome:
            raise DagregError((Diagnostic("DR562", f"`do` sets `{name}`, which is what is predicted"),))
    reason = _not_covered(model, graph, do) if do else ""
    if reason:
        shown = ", ".join(f"{name}={value}" for name, value in do.items())
        raise DagregError(
            (Diagnostic("DR561", f"the {model.estimator} model does not cover do({shown}): {reason}"),)
        )


def _not_covered(model: Model, graph: CausalGraph, do: Mapping[str, Level]) -> str:
    """Why P(outcome | do, the rest of the row) is not what this model gives, or ""."""
    exposure, outcome = model.estimand.exposure, model.estimand.outcome
    if not model.estimator.offers.effect:
        return "nothing is adjusted for, so its coefficients are associations"
    if model.estimator.offers.single:
        others = [name for name in do if name not in exposure]
        unset = [name for name in exposure if name not in do]
        if others:
            return (
                f"its set makes the effect of {quoted(exposure)} identified, and P({outcome} | "
                f"do({others[0]})) needs an identification of its own: ask for that effect in the spec"
            )
        return f"the joint effect needs all its exposures set, {quoted(unset)} too" if unset else ""
    foreign = [name for name in do if name not in model.variables]
    if foreign:
        return f"{foreign[0]} is in none of its regressions"
    own = {e.response for e in model.mediators} | {outcome}
    moved = [name for name in _below(graph, do, model.estimand.outcome) if name not in own]
    return f"{moved[0]} is moved by it on the way to {outcome}, and has no regression here" if moved else ""


def _below(graph: CausalGraph, do: Collection[str], outcome: str) -> list[str]:
    """The observed descendants of what is set from which directed paths lead on to the outcome; arrows into
    it cut.
    """
    projected = hub_projection(graph)
    fixed = bytearray(len(projected))
    for name in do:
        fixed[projected.index[name]] = 1
    first = (c for v in members(fixed) for c in projected.children[v] if not fixed[c])
    below = descendants(projected, first, fixed)
    above = ancestors(projected, [projected.index[outcome]], fixed)
    return [name for v, name in enumerate(projected.names) if below[v] and above[v]]
