"""How the computation went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagreg.doubts.types import DrawDiagnostics
from dagreg.lazy import Lazy
from dagreg.report.blocks import Block, Bullets, Facts, Paragraph
from dagreg.report.prose import sentence
from dagreg.report.sections.chains import chains
from dagreg.report.view import EffectView
from dagreg.results.numbers import number

if TYPE_CHECKING:
    from dagreg.engines import table as engines
else:  # engines load NumPy, which a report without numbers does not need
    engines = Lazy("dagreg.engines.table")


def diagnostics(view: EffectView) -> tuple[Block, ...]:
    d = view.fitted.diagnostics if view.fitted else None
    if d is None:
        return ()
    problems = (Bullets(tuple(sentence(p) for p in d.problems)),) if d.problems else ()
    plan = (Bullets(tuple(sentence(line) for line in d.plan)),) if d.plan else ()
    return (Paragraph(_verdict(d)), *problems, Facts(_facts(d)), *plan, *chains(view))


def _verdict(d: DrawDiagnostics) -> str:
    if d.ok:
        return "The draws passed every check."
    return "The draws failed at least one check, so the numbers of this effect should not be used."


def _facts(d: DrawDiagnostics) -> tuple[tuple[str, str], ...]:
    return (
        ("Engine", "; ".join(engines.words(engine) for engine in d.engine.split(", "))),
        ("Divergences (draws that the sampler could not follow; should be 0)", f"{d.divergences:,}"),
        ("Largest R-hat (disagreement between chains; should be below 1.01)", _three_places(d.max_r_hat)),
        ("Smallest effective sample size (draws that count as independent)", _whole(d.min_ess)),
    )


def _three_places(value: float) -> str:
    return f"{value:.3f}" if value == value else number(value)


def _whole(value: float) -> str:
    return f"{value:,.0f}" if value == value else number(value)
