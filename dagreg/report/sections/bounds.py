"""Between what an effect must lie that the graph does not identify."""

from __future__ import annotations

from collections.abc import Iterator

from dagreg.effects.types import Bound
from dagreg.identify.types import Instrument
from dagreg.report.blocks import Block, Heading, Paragraph, Table
from dagreg.report.prose import listed, named, sentence
from dagreg.report.view import EffectView
from dagreg.results.numbers import level, number, percent


def bounds(view: EffectView) -> tuple[Block, ...]:
    found = view.fitted.bounds if view.fitted else ()
    if found:
        return tuple(_blocks(view, found))
    reason = view.fitted.no_bounds if view.fitted else ""
    said = reason and view.refused  # an instrument has an answer to give without them
    return (Paragraph(f"Bounds are not given: {sentence(reason)}"),) if said else ()


def in_a_sentence(view: EffectView) -> str:
    """The first bounds; "" where there are none."""
    found = view.fitted.bounds if view.fitted else ()
    return _between(view, found[0]) if found else ""


def _blocks(view: EffectView, found: tuple[Bound, ...]) -> Iterator[Block]:
    yield Paragraph(_between(view, found[0]))
    beside = (
        " They need neither lines nor one effect for everyone, as the instrument's estimate does."
        if isinstance(view.answer, Instrument)
        else ""
    )
    best = (
        "They are sharp: with more rows they would not come closer together."
        if all(b.sharp for b in found)
        else "They hold, but may not be the closest that there are."
    )
    yield Paragraph(
        "These bounds rest on the graph alone, whatever the unobserved causes are and do (Balke and Pearl "
        "1997). "
        f"{best}{beside} Each bound is itself an estimate; the last column holds the effect with probability "
        f"{percent(found[0].level)} at least."
    )
    yield Table(
        caption="Bounds of the total effect, as a difference of probabilities",
        columns=(
            Heading("Comparison"),
            Heading("At least", True),
            Heading("At most", True),
            Heading(f"{percent(found[0].level)} interval of the effect", True),
        ),
        rows=tuple(_row(view, b, len(found) > 1) for b in found),
    )


def _row(view: EffectView, b: Bound, several: bool) -> tuple[str, str, str, str]:
    start, stop = (level(v) for v in b.contrast)
    of = f"{view.outcome} = {level(b.outcome_level)}; " if several and b.outcome_level is not None else ""
    low, high = _spread(b.lower_interval), _spread(b.upper_interval)
    return (
        f"{of}{', '.join(view.exposure)}: {stop} against {start}",
        number(b.lower, low),
        number(b.upper, high),
        f"{number(b.interval[0], low)} to {number(b.interval[1], high)}",
    )


def _spread(interval: tuple[float, float]) -> float:
    return max((interval[1] - interval[0]) / 4, 1e-4)


def _between(view: EffectView, b: Bound) -> str:
    start, stop = (level(v) for v in b.contrast)
    low, high = number(b.lower, _spread(b.lower_interval)), number(b.upper, _spread(b.upper_interval))
    y = named(view.outcome)
    event = f"{y} = {named(level(b.outcome_level))}" if b.outcome_level is not None else y
    return (
        f"Setting {listed(view.exposure)} to {named(stop)} instead of {named(start)} changes the probability "
        f"of {event} by at least {low} and at most {high}, if the graph is right."
    )
