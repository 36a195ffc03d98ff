"""What the further keys of an effect ask for, fitted to its variables: the treated, a curve, the Bayesian bootstrap."""

from __future__ import annotations

from dagreg.errors import DagregError, Diagnostic, Span
from dagreg.model.context import Context
from dagreg.model.plan import Estimator
from dagreg.model.variables import transformable
from dagreg.spec.types import Effect, Level, Spec

FORMER = {"dose_response": "curve"}  # keys by the names that they had before


def place_of(spec: Spec, effect: Effect, key: str) -> Span | None:
    """Where an effect has this key; where it has none, or was built in Python, the effect itself."""
    names = (key, FORMER[key]) if key in FORMER else (key,)
    at = spec.effects.index(effect)
    places = (spec.place("effects", at, name) or spec.place("effect", name) for name in names)
    return next((place for place in places if place is not None), effect.span)


def _error(context: Context, code: str, key: str, message: str) -> DagregError:
    return DagregError((Diagnostic(code, message, place_of(context.spec, context.effect, key)),))


def seen(context: Context) -> Level | None:
    """The exposure's level in the rows that the effect is averaged over: the reference is the untreated's.

    None stands for all rows. Raises DagregError (DR428) where the exposure has not two levels.
    """
    among = context.effect.among
    if among == "everyone":
        return None
    exposure = context.variables[context.effect.exposure[0]]
    if len(exposure.levels) != 2 or exposure.pooled:
        what = f"{len(exposure.levels)} levels" if exposure.levels else "no levels"
        message = (
            f"there is no effect on the {among} here: `{exposure.name}` is {exposure.type} with {what}, and not two"
        )
        raise _error(context, "DR428", "among", message)
    return exposure.levels[among == "treated"]


def doses(context: Context, estimator: Estimator) -> tuple[float, ...] | int | None:
    """The doses of a dose-response curve, or how many; of the unadjusted regression none.

    Raises DagregError (DR429) where the exposure's transform does not take them, or there is no mean to give.
    """
    asked = context.effect.doses
    if asked is None or estimator == "unadjusted":
        return None
    exposure, outcome = (context.variables[n] for n in (context.effect.exposure[0], context.effect.outcome))
    wrong = [dose for dose in (asked if isinstance(asked, tuple) else ()) if not transformable(exposure, dose)]
    if exposure.levels:
        message = f"there is no dose-response curve here: `{exposure.name}` is {exposure.type}, and doses are numbers"
    elif (levels := context.justification.conditional) is not None and levels.alone:
        message = (
            "there is no dose-response curve here: the effect is identified at the levels that it is asked by alone"
        )
    elif outcome.coded:
        message = f"there is no dose-response curve here: `{outcome.name}` has several levels, and no mean"
    elif wrong:
        message = f"`transform: {exposure.transform}` of `{exposure.name}` does not take the dose {wrong[0]:g}"
    else:
        return asked
    raise _error(context, "DR429", "dose_response", message)


def bootstrapped(context: Context) -> bool:
    """Whether the covariates' distribution is uncertain."""
    return context.effect.standardise == "bayesian bootstrap"


def refuse_bootstrap(context: Context, why: str) -> None:
    """Raises DagregError (DR430), with the reason, where the covariates' distribution is asked to be uncertain."""
    if bootstrapped(context):
        raise _error(context, "DR430", "standardise", why)
