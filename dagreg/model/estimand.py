"""What is asked of a model: contrasts of the outcome, among whom, and through which mediators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagreg.spec.brief import Brief
from dagreg.spec.types import Among, Kind, Level


@dataclass(frozen=True, slots=True)
class Contrast:
    """From one setting of the exposures to another. `start is None` asks for one unit more than observed."""

    exposures: tuple[str, ...]
    start: tuple[Level, ...] | None
    stop: tuple[Level, ...] | None
    level: Level | None = None  # of the outcome whose probability is compared, where it is one of several


@dataclass(frozen=True, slots=True)
class Carried:
    """A mediator whose own effect is identified: all causal paths through it start with an arrow
    to `first`.
    """

    mediator: str
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Estimand(Brief):
    """What is computed from the draws: contrasts of the outcome's mean, averaged over the rows."""

    kind: Kind
    exposure: tuple[str, ...]
    outcome: str
    contrasts: tuple[Contrast, ...]
    groups: tuple[Mapping[str, Level], ...] = ()  # levels of the `by` variables at which it is given, too
    adjusted_for: tuple[str, ...] = ()
    natural: bool = False  # whether natural direct and indirect effects are given, too
    through: tuple[Carried, ...] = ()  # and the paths of these mediators
    among: Among = "everyone"
    seen: Level | None = None  # the exposure's level in the rows that it is averaged over; None: all rows
    doses: tuple[float, ...] | int | None = None  # at which the mean is given, or how many
    average: bool = True  # False: given at the levels alone, as the average over them is not identified
    bootstrapped: bool = False  # whether the covariates' distribution is uncertain, too

    @property
    def name(self) -> str:
        """The effect in the field's words; of a mediation its total."""
        if self.among != "everyone":
            return f"effect on the {self.among}"
        return "direct effect" if self.kind == "direct" else "total effect"

    @property
    def by(self) -> tuple[str, ...]:
        """The variables at whose levels it is given."""
        return tuple(self.groups[0]) if self.groups else ()
