"""How strong a common cause that nobody measured would have to be."""

from __future__ import annotations

from collections.abc import Iterator

from dagreg.doubts.types import EValue, Sensitivity
from dagreg.report.blocks import Block, Heading, Paragraph, Table
from dagreg.report.prose import listed, named
from dagreg.report.view import EffectView
from dagreg.results.numbers import number, percent

MAX_ROWS = 36
MAX_NODES = 12  # as many benchmarks are made


def confounding(view: EffectView) -> tuple[Block, ...]:
    found = view.fitted.sensitivity if view.fitted else None
    if found is None or view.refused:
        return ()
    return tuple(_blocks(view, found))


def in_a_sentence(view: EffectView) -> str:
    """The heart of it, for a summary; "" where nothing is known."""
    found = view.fitted.sensitivity if view.fitted else None
    if found is None or view.refused:
        return ""
    if found.robustness_value is not None:
        return _robust(view, found)
    return _ratio(view, found.e_value) if found.e_value is not None else ""


def _blocks(view: EffectView, found: Sensitivity) -> Iterator[Block]:
    if found.e_value is not None:
        yield Paragraph(_ratio(view, found.e_value))
        yield Paragraph(
            "This is its E-value (VanderWeele and Ding 2017). It is a bound: a cause that is weaker than "
            "that with both cannot do it, one that is as strong may or may not."
        )
    if found.robustness_value is None or found.partial_r2 is None:
        return
    x, y = listed(view.exposure), named(view.outcome)
    yield Paragraph(_robust(view, found))
    yield Paragraph(
        f"These are robustness values (Cinelli and Hazlett 2020). Shares are of what the adjustment leaves "
        f"unexplained. A cause that explained all of what is left of {y} would have to explain "
        f"{share(found.partial_r2)} of what is left of {x} to bring the estimate to zero."
    )
    if found.benchmarks:
        yield Paragraph(
            "Nobody knows how strong a cause is that nobody measured. What is known is how strong the "
            "measured ones are: the table says what a further cause as strong as one of them would leave of "
            "the estimate, if the estimate owes a part of its size to it."
        )
        yield _table(view, found)
    yield from _assumed(view, found)
    stronger = _stronger(view, found)
    if stronger:
        yield Paragraph(
            f"{listed(stronger)} {'explains' if len(stronger) == 1 else 'explain'} so much of {x} or {y} "
            "that no further cause could do as much."
        )


def _assumed(view: EffectView, found: Sensitivity) -> Iterator[Block]:
    """The effect under the assumed cause, or that there is none."""
    assume, rest = view.effect.assume, found.assumed
    if assume is None:
        return
    priors = f"{named(str(assume.exposure))} and {named(str(assume.outcome))}"
    if rest is None:
        yield Paragraph(f"With the strengths assumed of {named(assume.name)} ({priors}) no number is given.")
        return
    ends = f"{number(rest.interval[0], rest.sd)} to {number(rest.interval[1], rest.sd)}"
    yield Paragraph(
        f"Assumed: a common cause {named(assume.name)}, of which an sd more adds {priors} to "
        f"{listed(view.exposure)} and {named(view.outcome)}. With it the effect is "
        f"{number(rest.mean, rest.sd)} ({percent(found.level)} interval {ends}). This number rests on the "
        f"assumption, of which the data say nothing but that {share(rest.possible)} of it is possible."
    )


def _stronger(view: EffectView, found: Sensitivity) -> list[str]:
    """The nodes of the set that nothing can be as strong as."""
    head = next(iter(view.primary()), None)
    there = {b.node for b in found.benchmarks}
    return (
        [n for n in head.adjusted_for if n not in there]
        if head and len(head.adjusted_for) <= MAX_NODES
        else []
    )


def _table(view: EffectView, found: Sensitivity) -> Table:
    x, y = listed(view.exposure), named(view.outcome)
    return Table(
        caption="The estimate with a missed common cause in the regression",
        columns=(
            Heading("As strong as"),
            Heading(f"Share of {x}", True),
            Heading(f"Share of {y}", True),
            Heading("Estimate", True),
            Heading(f"{percent(found.level)} interval", True),
        ),
        rows=tuple(
            (
                f"{named(b.node)}{f', {b.times} times' if b.times > 1 else ''}",
                share(b.share_exposure),
                share(b.share_outcome),
                number(b.mean, b.sd),
                f"{number(b.interval[0], b.sd)} to {number(b.interval[1], b.sd)}",
            )
            for b in found.benchmarks[:MAX_ROWS]
        ),
    )


def _robust(view: EffectView, found: Sensitivity) -> str:
    assert found.robustness_value is not None
    assert found.robustness_value_interval is not None
    x, y = listed(view.exposure), named(view.outcome)
    words = (
        f"To bring the estimate to zero, a common cause of {x} and {y} that is missing from the graph would "
        f"have to explain {share(found.robustness_value)} of what is left of each"
    )
    level, enough = percent(found.level), found.robustness_value_interval
    if enough > 0:
        return f"{words}; to bring its {level} interval to zero, {share(enough)}."
    return f"{words}; its {level} interval holds zero without any."


def _ratio(view: EffectView, found: EValue) -> str:
    x, y = listed(view.exposure), named(view.outcome)
    words = (
        f"To explain the {found.measure} away, a common cause of {x} and {y} that is missing from the graph "
        f"would have to be tied to each of them by a risk ratio of {found.estimate:.2f}, beyond what is "
        "adjusted for"
    )
    if found.interval > 1:
        return f"{words}; to bring the interval to 1, {found.interval:.2f}."
    return f"{words}; the interval holds 1 without any."


def share(value: float) -> str:
    """A share as a percentage.

    >>> share(0.1389)
    '13.9%'
    """
    return f"{100 * value:.1f}%" if value >= 0.0005 else f"{100 * value:.2g}%"
