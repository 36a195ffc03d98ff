"""What the mean of a response is: in words, and of which kind, which says how two of them are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MeanKind = Literal["number", "positive", "risk", "count", "level"]


@dataclass(frozen=True, slots=True)
class MeanScale:
    """`quantity` and `rate` (of a response over units of exposure) have the hole `{y}`."""

    quantity: str
    difference: str = "mean difference"
    kind: MeanKind = "number"
    rate: str = ""

    @property
    def probability(self) -> bool:
        """Whether the mean is a probability."""
        return self.kind in ("risk", "level")

    def quantity_over(self, exposure: str | None) -> str:
        """What the mean is, where the response is counted over a column of exposures."""
        return self.rate if self.rate and exposure is not None else self.quantity


MEAN = MeanScale("the mean of {y}")
POSITIVE = MeanScale("the mean of {y}", kind="positive")
RISK = MeanScale("the probability of {y}", "risk difference", "risk")
RISK_IN_TRIAL = MeanScale("the probability of {y} in a trial", "risk difference", "risk")
COUNT = MeanScale("the expected count of {y}", "rate difference", "count", rate="the rate of {y}")
LEVEL = MeanScale("the probability of a level of {y}", "difference in probability", "level")
