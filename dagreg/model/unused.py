"""What a spec says of regressions and no model uses."""

from __future__ import annotations

from collections.abc import Iterable

from dagreg.errors import Diagnostic
from dagreg.model.equation import Equation
from dagreg.model.grouping import keys_of
from dagreg.model.plan import Plan
from dagreg.spec.regressions import CELLS_PRIOR
from dagreg.spec.types import Spec


def unused_terms(spec: Spec, plans: Iterable[Plan]) -> tuple[Diagnostic, ...]:
    """One error for each prior or interaction of the user's whose term occurs in no regression of its
    response.
    """
    equations: dict[str, list[Equation]] = {}
    for plan in plans:
        for model in plan.models:
            for equation in model.equations:
                equations.setdefault(equation.response, []).append(equation)
    wrong = []
    for response, regression in spec.regressions.items():
        if response not in equations:
            continue  # the regression of a response that this effect does not need
        known = {"slopes"} | ({"intercept"} if any(e.has_intercept for e in equations[response]) else set())
        for equation in equations[response]:
            cells = {t.name for t in equation.terms if t.full and set(t.factors) <= set(regression.cells)}
            known |= {CELLS_PRIOR for _ in cells} | ({t.name for t in equation.terms} - cells)
            known |= {":".join(t.numbers) for t in equation.terms if t.numbers}
            known |= {a.name for a in equation.auxiliaries}
            known |= {key for varying in equation.varying for key in keys_of(varying)}
        asked = [(key, prior.span) for key, prior in regression.priors.items()]
        asked += [(":".join(factors), regression.span) for factors in regression.interactions or ()]
        asked += [(name, curve.span) for name, curve in regression.curves.items()]
        place = spec.place("regressions", response, "varying") or regression.span
        asked += [(f"{term}:{group}", place) for group, terms in regression.varying.items() for term in terms]
        label = f"terms: {', '.join(sorted(known))}"
        wrong += [
            Diagnostic("DR418", f"no regression of `{response}` has a term `{key}`", span, label=label)
            for key, span in asked
            if key not in known
        ]
    return tuple(wrong)


def idle_regressions(spec: Spec, plans: Iterable[Plan]) -> tuple[str, ...]:
    """The responses whose regression the spec describes and no model holds."""
    used = {e.response for plan in plans for model in plan.models for e in model.equations}
    return tuple(response for response in spec.regressions if response not in used)
