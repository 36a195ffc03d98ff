"""The chains of a sampler: trace and rank plots."""

from __future__ import annotations

from dagreg.doubts.types import Mixing
from dagreg.report.blocks import Block, Gallery
from dagreg.report.curves import ranks, trace
from dagreg.report.drawing import Drawing
from dagreg.report.view import EffectView


def chains(view: EffectView) -> tuple[Block, ...]:
    """The parameters that `check/mixing.py` chose; nothing where every draw is independent."""
    shown = view.fitted.mixing if view.fitted else ()
    if not shown:
        return ()
    several = len({m.estimator for m in shown}) > 1

    def drawings() -> tuple[Drawing, ...]:
        return tuple(drawing for m in shown for drawing in _pair(m, several))

    step = shown[0].step
    thinned = f" Traces show every {_ordinal(step)} draw." if step > 1 else ""
    note = (
        "The coefficients that are the effect come first, then the parameters with the smallest effective "
        "sample size. Chains that explore the same posterior have traces that look alike and level, and "
        f"ranks spread evenly along the dashed line.{thinned}"
    )
    return (Gallery("Trace and rank plots", note, "pairs", drawings, folded=True, file="chains.svg"),)


def _pair(m: Mixing, several: bool) -> tuple[Drawing, Drawing]:
    label = f"{m.name}, {m.estimator.label}" if several else m.name
    note = f"Trace: R-hat {m.r_hat:.3f}, effective sample size {m.ess_bulk:,.0f}"
    return trace(label, note, m.traces, m.step, m.draws), ranks(label, "Rank plot", m.ranks, m.draws)


def _ordinal(n: int) -> str:
    """
    >>> _ordinal(2), _ordinal(9), _ordinal(13), _ordinal(21)
    ('2nd', '9th', '13th', '21st')
    """
    ending = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"
