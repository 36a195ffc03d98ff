"""What a pass of the optimiser puts in place of the rows of a regression."""

from __future__ import annotations

from dataclasses import dataclass

from dagreg.spec.brief import Brief


@dataclass(frozen=True, slots=True, repr=False)
class Sufficient(Brief):
    """What stands for the rows of a Gaussian regression.

    For every b, |y - X b|^2 = |rotated - root b|^2 + left.

    `root` is the triangle R of the design's QR, the intercept's column first. `start` and `spread` are
    coordinates for a sampler, b = start + spread free, in which the posterior of `free` is nearly round.
    """

    units: float  # rows, each counted by its weight
    root: tuple[tuple[float, ...], ...]
    rotated: tuple[float, ...]
    left: float
    start: tuple[float, ...] = ()
    spread: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class CellCounts(Brief):
    """Of every cell: the sum of the responses, and the trials or units that they are out of."""

    totals: tuple[float, ...]
    units: tuple[float, ...]
