"""The estimators that were not offered, and why."""

from __future__ import annotations

from dagreg.report.blocks import Block, Bullets
from dagreg.report.prose import sentence
from dagreg.report.view import EffectView
from dagreg.report.words import ESTIMATOR


def left_out(view: EffectView) -> tuple[Block, ...]:
    missing = view.fitted.plan.left_out if view.fitted and view.fitted.plan else ()
    if not missing:
        return ()
    return (Bullets(tuple(f"{ESTIMATOR[m.estimator].capitalize()}: {sentence(m.reason)}" for m in missing)),)
