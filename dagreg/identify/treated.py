"""The effect on the treated (or the untreated): the average over those who were seen at one level of the
exposure.

Theorem (Shpitser and Pearl 2009; Hernan and Robins 2020, fine point 4.1). Where Z closes every back-door path
from X to Y and no member of Z descends from X, the counterfactual Y(x) is independent of X given Z, and so

    E[Y(x) | X = x'] = sum_z E[Y | x, z] P(z | x').

A valid adjustment set without descendants of X closes every back-door path: all other paths that are not
causal hold a collider below X, which such a set leaves closed.
"""

from __future__ import annotations

from dagreg.graph.ancestry import descendants
from dagreg.identify.case import Case
from dagreg.identify.expression import P, Product, Sum, render
from dagreg.identify.types import Adjustment, Identified, NotOnTreated, OnTreated, Treated
from dagreg.identify.words import quoted


def on_treated(case: Case, answer: Identified) -> Treated | None:
    """The answer over the rows of one level of the exposure; None where the question is about everyone."""
    group = case.query.among
    if group == "everyone":
        return None
    if case.selected:
        reason = f"The rows were selected, so the {group} among them are not those of the population."
        return NotOnTreated(group, reason)
    if not isinstance(answer, Adjustment) or case.chosen is None:
        why = f"The effect on the {group} is given by adjustment, and here {answer.for_everyone}."
        return NotOnTreated(group, why)
    below = descendants(case.graph, case.xs)
    moved = [case.graph.names[v] for v in case.chosen if below[v]]
    if len(moved) > 0:
        reason = (
            f"{quoted(moved)} in the adjustment set follows from {quoted(case.query.exposure)}: among the "
            f"{group} its values are already those of their exposure, and averaging over them would not "
            "undo that."
        )
        return NotOnTreated(group, reason)
    return OnTreated(group, _reason(case), _formula(case))


def _formula(case: Case) -> str:
    (x,), y, zs = case.query.exposure, case.query.outcome, case.graph.named(case.chosen or ())
    outcome = P((y,), (x, *zs))
    return render(Sum(zs, Product((outcome, P(zs, (f"{x}'",)))))) if len(zs) > 0 else render(outcome)


def _reason(case: Case) -> str:
    group, (x,) = case.query.among, case.query.exposure
    zs = case.graph.named(case.chosen or ())
    given = f" given {quoted(zs)}" if len(zs) > 0 else ""
    return (
        f"The effect on the {group} is the average over the rows of the {group} alone (`{x}'` is the level "
        f"that they were seen at): what `{case.query.outcome}` would be at each value of `{x}` does not "
        f"depend on the value seen{given}, and nothing adjusted for follows from `{x}`."
    )
