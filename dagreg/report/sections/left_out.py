"""The estimators, and the parts of the answer, that were not offered, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagreg.report.blocks import Block, Bullets
from dagreg.report.prose import sentence
from dagreg.report.view import EffectView

if TYPE_CHECKING:
    from dagreg.model.plan import LeftOut


def left_out(view: EffectView) -> tuple[Block, ...]:
    missing = view.fitted.plan.left_out if view.fitted and view.fitted.plan else ()
    if not missing:
        return ()
    return (Bullets(tuple(f"{_what(m)}: {sentence(m.reason)}" for m in missing)),)


def _what(missing: LeftOut) -> str:
    words = missing.estimand or missing.estimator.label
    return words[:1].upper() + words[1:]
