"""What an effect `by` levels rests on: the interactions that were added for it, or that there are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dagreg.effects.rows import linear
from dagreg.identify.words import quoted
from dagreg.model.equation import Equation
from dagreg.model.interactions import carrying
from dagreg.model.plan import Model
from dagreg.spec.types import Spec


def by_level_notes(spec: Spec, by: Sequence[str], models: Sequence[Model]) -> tuple[str, ...]:
    """Whole sentences on how the effect differs between the levels that it is asked by; none
    where it is not.
    """
    if not by:
        return ()
    given = [m for m in models if m.estimand.groups]
    if not given:
        return (f"No estimator here gives the effect by {quoted(by)}: the rows are of the average alone.",)
    return tuple(dict.fromkeys(note for model in given for note in _of_model(spec, model)))


def _of_model(spec: Spec, model: Model) -> Iterator[str]:
    passed = (*model.mediators, model.outcome)
    for equation in passed:
        added = _added(spec, model, equation)
        if added:
            response, factors = equation.response, {name for term in added for name in term.split(":")}
            yield (
                "Because the effect is asked for by "
                f"{quoted(w for w in model.estimand.by if w in factors)}, the regression of "
                f"`{response}` has {quoted(added)}. `interactions: []` under `{response}` leaves that out, "
                "and takes the effect to be the same at every level."
            )
    alike = [w for w in model.estimand.by if not any(_modified(model, e, w) for e in passed)]
    if alike:
        yield _alike(spec, model, alike)


def _alike(spec: Spec, model: Model, alike: Sequence[str]) -> str:
    """That rows are equal because the model says so, not the data."""
    said = spec.regressions.get(model.outcome.response)
    how = " (`interactions: []`)" if said is not None and said.interactions == () else ""
    opening = f"The {model.estimator} model has no interaction of the exposure with {quoted(alike)}{how}"
    if linear(model):
        return f"{opening}: its rows at these levels are equal by construction, whatever the data say."
    return (
        f"{opening}: on the scale of the link the effect is equal at these levels by construction, "
        "whatever the data say. Its rows differ by the covariates of each level's rows alone."
    )


def _added(spec: Spec, model: Model, equation: Equation) -> tuple[str, ...]:
    """The terms of a regression, and its slopes that vary, that are there because of the question."""
    said, by = spec.regressions.get(equation.response), model.estimand.by
    declared, cells = (said.interactions or (), said.cells) if said is not None else ((), ())
    products = [t for t in equation.terms if len(t.factors) > 1 and t.factors not in declared]
    varying = [v for v in equation.varying if v.group in by and (said is None or v.group not in said.varying)]
    return (
        *(t.name for t in products if not set(t.factors) <= set(cells)),
        *(
            f"{d.term}:{v.group}"
            for v in varying
            for d in v.deviations
            if d.term is not None and d.term not in spec.nodes[v.group].slopes
        ),
    )


def _modified(model: Model, equation: Equation, name: str) -> bool:
    """Whether this regression lets what carries the effect act differently at different levels of
    a variable.
    """
    carriers = carrying(model)
    slopes = ((v.group, d.term) for v in equation.varying for d in v.deviations if d.term is not None)
    return any(name in t.factors and not carriers.isdisjoint(t.factors) for t in equation.terms) or any(
        group == name and not carriers.isdisjoint(term.split(":")) for group, term in slopes
    )
