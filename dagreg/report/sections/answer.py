"""The answer up front: the number with its interval, in words; or that there is none."""

from __future__ import annotations

from dagreg.effects.types import INDIRECT, Estimate
from dagreg.identify.types import Answer, Identified, Instrument, NotIdentified
from dagreg.report.blocks import Banner, Block, Headline, Paragraph
from dagreg.report.prose import counted, joined, listed, named, sentence
from dagreg.report.view import EffectView
from dagreg.report.words import answer_sentence, compared, comparison, quantity_unit, question_details
from dagreg.results.numbers import interval, number, percent, probability

MAX_HEADLINES = 6


def answer(view: EffectView) -> tuple[Block, ...]:
    details = question_details(view)
    said = (Paragraph(details),) if details else ()
    return (*said, *core(view, MAX_HEADLINES), *_pointer(view))


def core(view: EffectView, most: int) -> tuple[Block, ...]:
    """The numbers, at most so many, and how the answer stands."""
    return (*_doubtful(view), *_zero_by_graph(view), *_numbers(view, most), *_standing(view))


def _doubtful(view: EffectView) -> tuple[Block, ...]:
    """A banner over a number that the sampler could not vouch for, or in the place of one that
    there is not.
    """
    failures = view.fitted.failures if view.fitted else ()
    if failures:
        none = view.fitted is not None and view.fitted.result is None
        title = (
            "There is no number: the model could not be solved" if none else "Not every model could be solved"
        )
        said = tuple(sentence("; ".join((f"{f.code}: {f.message}", *f.notes))) for f in failures)
        return (Banner("bad", title, said),)
    diagnostics = view.fitted.diagnostics if view.fitted else None
    if diagnostics is None or diagnostics.ok:
        return ()
    title = "The sampling failed its checks: do not use the numbers below"
    return (Banner("bad", title, diagnostics.problems or ("No single problem was named.",)),)


def _zero_by_graph(view: EffectView) -> tuple[Block, ...]:
    if view.justification.causal_path:
        return ()
    x, y = listed(view.exposure), named(view.outcome)
    opening = f"No directed path leads from {x} to {y}, so by the graph the effect is exactly zero."
    if view.justification.adjustment.chosen is None:
        return (
            Paragraph(
                f"{opening} No set separates {x} from {y}, so no estimate can put this zero to the test."
            ),
        )
    if not view.primary():
        return (Paragraph(f"{opening} An estimate with the adjustment below would be a test of the graph."),)
    return (
        Paragraph(
            f"{opening} The estimate below is therefore a test of the graph, not an effect. {_verdict(view)}"
        ),
    )


def _verdict(view: EffectView) -> str:
    if all(e.summary.interval[0] <= 0 <= e.summary.interval[1] for e in view.primary()):
        return "Its interval holds zero, as the graph asks."
    return "Its interval does not hold zero: these data speak against the graph."


def _numbers(view: EffectView, most: int) -> tuple[Block, ...]:
    rows = tuple(row for e in view.primary() for row in (e, *_beside(view, e)))
    shown = (*_undivided(view), *(_headline(view, rows, i) for i in range(min(len(rows), most))))
    if len(rows) <= most:
        return shown
    return (*shown, Paragraph(f"{counted(len(rows) - most, 'more row')} of the answer: see the estimates."))


def _beside(view: EffectView, e: Estimate) -> tuple[Estimate, ...]:
    """The direct and the total effect beside the indirect one that a mediation asks for."""
    if e.estimand != INDIRECT:
        return ()
    same = (o for o in view.estimates if (o.estimator, o.scale, o.contrast, o.by, o.name) == _key(e))
    return tuple(o for o in same if o.estimand in ("natural direct effect", "total effect"))


def _key(e: Estimate) -> tuple[object, ...]:
    return (e.estimator, e.scale, e.contrast, e.by, e.name)


def _undivided(view: EffectView) -> tuple[Block, ...]:
    """That a mediation question has the total effect for an answer, and why."""
    rows = view.primary()
    if view.justification.query.kind != "mediation" or not rows or rows[0].estimand == INDIRECT:
        return ()
    left = view.fitted.plan.left_out if view.fitted and view.fitted.plan else ()
    why = next((f" {sentence(m.reason)}" for m in left if "indirect" in m.estimand), "")
    return (
        Paragraph(
            f"The part that goes through the mediators is not given.{why} The answer is the total effect."
        ),
    )


def _headline(view: EffectView, rows: tuple[Estimate, ...], i: int) -> Headline:
    """The number of row `i`; rows after the first of their estimand say less, for they would say the same."""
    e = rows[i]
    s = e.summary
    is_first = all(e.estimand != before.estimand for before in rows[:i])
    return Headline(
        value=number(s.mean, s.sd),
        unit=quantity_unit(view, e),
        interval=f"{percent(s.level)} interval from {interval(s)}",
        sentence=_sentence(view, e)
        if is_first
        else f"Probability of being positive: {probability(s.prob_positive)}.",
        label=_label(view, rows, e),
    )


def _label(view: EffectView, rows: tuple[Estimate, ...], e: Estimate) -> str:
    if len(rows) == 1:
        return ""
    one_estimand = len({row.estimand for row in rows}) == 1
    words = compared(view, e, rows)
    words = words if one_estimand else f"{e.estimand}, {words}"
    return words[:1].upper() + words[1:]


def _sentence(view: EffectView, e: Estimate) -> str:
    return answer_sentence(view, e) if view.justification.causal_path else _test_sentence(view, e)


def _test_sentence(view: EffectView, e: Estimate) -> str:
    given = f"Given {listed(e.adjusted_for)}" if e.adjusted_for else "With nothing adjusted for"
    return (
        f"{given}, this is what is left of the association of {listed(view.exposure)} with "
        f"{named(view.outcome)} ({comparison(e)}). If the graph is right, it differs from zero by chance "
        "alone."
    )


def _standing(view: EffectView) -> tuple[Block, ...]:
    """How the answer stands: identified or not, and on what it rests."""
    if view.refused:
        return (Banner("bad", _REFUSAL, _reasons(view.answer)),)
    if isinstance(view.answer, Instrument):
        return (Banner("caution", "This answer rests on linearity", (_INSTRUMENT,)),)
    if view.fitted is None or not view.primary():
        return _without_numbers(view)
    return ()


_REFUSAL = "No data of the observed variables can answer this question without further assumptions"


def _reasons(answer: Answer) -> tuple[str, ...]:
    if not isinstance(answer, NotIdentified):
        return ()
    ways = joined([listed(s) for s in answer.measure[:3]], "or") if answer.measure else ""
    return (sentence(answer.reason), *((f"It could be answered with {ways} measured.",) if ways else ()))


_INSTRUMENT = (
    "The graph alone does not identify the effect. An instrument does, on the further assumption that the "
    "effect is linear and the same for everyone; the graph and the data cannot check that."
)


def _without_numbers(view: EffectView) -> tuple[Block, ...]:
    if isinstance(view.answer, Identified) and view.justification.causal_path:
        return (Paragraph(f"The effect is identified {view.answer.words}."),)
    return ()


def _pointer(view: EffectView) -> tuple[Block, ...]:
    n = len(view.doubts)
    if not n or not view.primary() or isinstance(view.answer, Instrument):
        return ()
    verb = "applies" if n == 1 else "apply"
    return (Paragraph(f"{counted(n, 'warning').capitalize()} {verb} to this answer; see the doubts below."),)
