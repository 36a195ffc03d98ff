"""What the mean of a response is: in words, and by which measures two of them are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ratio = Literal["risk ratio", "odds ratio", "rate ratio", "mean ratio"]


@dataclass(frozen=True, slots=True)
class Scale:
    """`quantity` and `rate` (of a response over units of exposure) have the hole `{y}`."""

    quantity: str
    difference: str = "mean difference"
    ratios: tuple[Ratio, ...] = ()
    probability: bool = False
    rate: str = ""

    def quantity_over(self, exposure: str | None) -> str:
        """What the mean is, where the response is counted over a column of exposures."""
        return self.rate if self.rate and exposure is not None else self.quantity


MEAN = Scale("the mean of {y}")
POSITIVE = Scale("the mean of {y}", ratios=("mean ratio",))
RISK = Scale("the probability of {y}", "risk difference", ("risk ratio", "odds ratio"), probability=True)
RISK_IN_TRIAL = Scale(
    "the probability of {y} in a trial", "risk difference", ("risk ratio", "odds ratio"), probability=True
)
COUNT = Scale("the expected count of {y}", "rate difference", ("rate ratio",), rate="the rate of {y}")
LEVEL = Scale("the probability of a level of {y}", "difference in probability", probability=True)
