"""What the further keys of an effect ask for, fitted to its variables: the treated, a curve, the Bayesian
bootstrap.
"""

from __future__ import annotations

from dagreg.errors import DagregError, Diagnostic
from dagreg.model.context import EffectContext
from dagreg.model.estimators import Estimator
from dagreg.model.variables import transformable
from dagreg.spec.types import Level


def _error(context: EffectContext, code: str, key: str, message: str) -> DagregError:
    return DagregError((Diagnostic(code, message, context.place(key)),))


def seen(context: EffectContext) -> Level | None:
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
            f"there is no effect on the {among} here: `{exposure.name}` is {exposure.type} with {what}, and "
            "not two"
        )
        raise _error(context, "DR428", "among", message)
    return exposure.levels[among == "treated"]


def doses(context: EffectContext, estimator: Estimator) -> tuple[float, ...] | int | None:
    """The doses of a dose-response curve, or how many; of the unadjusted regression none.

    Raises DagregError (DR429) where the exposure's transform does not take them, or there is no mean to give.
    """
    wanted = context.effect.doses
    if wanted is None or not estimator.offers.effect:
        return None
    exposure, outcome = (context.variables[n] for n in (context.effect.exposure[0], context.effect.outcome))
    wrong = [
        dose for dose in (wanted if isinstance(wanted, tuple) else ()) if not transformable(exposure, dose)
    ]
    if exposure.levels:
        message = (
            f"there is no dose-response curve here: `{exposure.name}` is {exposure.type}, and doses are "
            "numbers"
        )
    elif context.at_levels_alone:
        message = (
            "there is no dose-response curve here: the effect is identified at the levels that it is asked "
            "by alone"
        )
    elif outcome.coded:
        message = f"there is no dose-response curve here: `{outcome.name}` has several levels, and no mean"
    elif wrong:
        message = (
            f"`transform: {exposure.transform}` of `{exposure.name}` does not take the dose {wrong[0]:g}"
        )
    else:
        return wanted
    raise _error(context, "DR429", "dose_response", message)


def bootstrapped(context: EffectContext) -> bool:
    """Whether the covariates' distribution is uncertain."""
    return context.effect.standardise == "bayesian bootstrap"


def refuse_bootstrap(context: EffectContext, why: str) -> None:
    """Raises DagregError (DR430), with the reason, where the covariates' distribution is asked to be
    uncertain.
    """
    if bootstrapped(context):
        raise _error(context, "DR430", "standardise", why)
