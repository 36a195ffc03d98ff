"""The estimators: what a strategy of identification offers to answer with. A record each, in one table.

Readers ask the record; none compares names. How each is lowered, and when it is left out, says
`model/lower.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dagreg.spec.types import Kind


@dataclass(frozen=True, slots=True)
class Offer:
    """What a model of an estimator gives."""

    effect: bool = True  # its number is an effect; if not, an association that stands beside the answer
    primary: bool = True  # it is the answer of its strategy
    levels: bool = False  # the effect at the levels of other variables
    measures: bool = False  # ratios of means, ...; a chain of regressions gives them whatever its estimator
    single: bool = False  # it is one regression, of the outcome on the exposures and what is adjusted for
    coefficient: frozenset[Kind] = (
        frozenset()
    )  # kinds of effect that its exposure's coefficient is, on the link scale
    first_stage: bool = False  # its first regression is of the exposure on instruments
    plate: bool = True  # a plate diagram in the report
    average_only: str = (
        ""  # what answers for an average over rows and predicts no single row; "" where rows have one
    )


class Estimator(StrEnum):
    """A way to estimate an effect.

    A member is its name, in JSON, in saved results and on the command line.
    """

    label: str  # in tables and legends
    exposure_why: (
        str  # why the exposure is in the outcome's regression; "" where a formula or a graph says so
    )
    offers: Offer

    def __new__(cls, name: str, label: str, exposure_why: str, offers: Offer) -> Estimator:
        member = str.__new__(cls, name)
        member._value_ = name
        member.label, member.exposure_why, member.offers = label, exposure_why, offers
        return member

    def __repr__(self) -> str:
        return repr(str(self))

    ADJUSTED = (
        "adjusted",
        "adjusted",
        "its effect is asked for",
        Offer(
            levels=True,
            measures=True,
            single=True,
            coefficient=frozenset[Kind]({"total", "direct", "mediation"}),
        ),
    )
    CHAIN = (
        "chain",
        "chain (g-formula)",
        "",
        Offer(primary=False, levels=True, coefficient=frozenset[Kind]({"direct"})),
    )
    FRONTDOOR = ("frontdoor", "front-door", "", Offer(average_only="the front-door formula"))
    FUNCTIONAL = (
        "functional",
        "functional (ID algorithm)",
        "",
        Offer(average_only="the formula of its functional"),
    )
    INSTRUMENT = (
        "instrument",
        "instrument",
        "its effect is asked for",
        Offer(
            coefficient=frozenset[Kind]({"total", "direct", "mediation"}),
            first_stage=True,
            average_only="a model by instruments",
        ),
    )
    UNADJUSTED = (
        "unadjusted",
        "unadjusted",
        "nothing is adjusted for, so its coefficient is an association",
        Offer(effect=False, primary=False, single=True, plate=False),
    )
