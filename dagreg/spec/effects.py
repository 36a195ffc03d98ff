"""`effect:` and `effects:` -> `Effect`s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from dagreg.spec import fields as f
from dagreg.spec.edges import read_statements
from dagreg.spec.nodes import check_level
from dagreg.spec.priors import is_scalar
from dagreg.spec.scope import Scope
from dagreg.spec.shapes import Located, Reading
from dagreg.spec.source import Scalar, shorten
from dagreg.spec.types import Adjust, Among, Assumption, Effect, Level, Side

_READ_APART = ("exposure", "outcome", "contrast", "by", "adjust", "among", "compare", "assume")
"""Keys that need more than their value; every other one is read by its `Field` alone."""
_WITHOUT_LEVELS = ("continuous", "positive", "proportion")
_NUMBERS = (*_WITHOUT_LEVELS, "count")


@dataclass(frozen=True, slots=True)
class _Ends:
    """Exposure and outcome, both known and observed."""

    exposure: tuple[Located[str], ...]
    outcome: Located[str]

    def __contains__(self, name: str) -> bool:
        return name == self.outcome.value or any(name == exposure.value for exposure in self.exposure)


def read_effect(form: Reading | Scalar, scope: Scope) -> Effect | None:
    """An effect, or None where its exposure or outcome cannot be told."""
    if isinstance(form, Scalar):
        ends = _ends_of_text(form, scope)
        if ends is None:
            return None
        return Effect(_plain(ends.exposure), ends.outcome.value, span=form.span)
    exposure, outcome = form[f.EXPOSURE], form[f.OUTCOME]
    ends = _ends(exposure.value if exposure else (), outcome, scope)
    by = _by(form, ends, scope)
    adjust = _adjust(form, ends, scope)
    contrast = _contrast(form, scope)
    among, doses = _among(form, scope), _doses(form, scope)
    compare, assume = _compare(form, ends, scope), _assume(form, scope)
    if ends is None:
        return None
    return Effect(
        exposure=_plain(ends.exposure),
        outcome=ends.outcome.value,
        contrast=contrast,
        by=by,
        adjust=adjust,
        among=among,
        doses=doses,
        compare=compare,
        assume=assume,
        span=form.span,
        **form.attributes(Effect, but=_READ_APART),
    )


def _ends_of_text(scalar: Scalar, scope: Scope) -> _Ends | None:
    if not isinstance(scalar.value, str):
        scope.mistakes.error("DR140", "expected an effect `x -> y`", scalar.span)
        return None
    before = len(scope.mistakes)
    statements = read_statements(scalar, scope.nodes, scope.mistakes, "an effect is written `x -> y`")
    if len(scope.mistakes) > before:
        return None
    match statements:
        case [statement] if statement.arrows == ("->",) and len(statement.groups[1]) == 1:
            return _ends(statement.groups[0], statement.groups[1][0], scope)
        case _:
            label = "write `exposure -> outcome`; several effects go in a list under `effects:`"
            scope.mistakes.error("DR140", "an effect has one arrow `->` and one outcome", scalar.span, label)
            return None


def _ends(exposure: tuple[Located[str], ...], outcome: Located[str] | None, scope: Scope) -> _Ends | None:
    observed = scope.keep_observed(exposure, "be an exposure")
    if outcome is None or not scope.observed(outcome, "be an outcome"):
        return None
    kept: list[Located[str]] = []
    for name in observed:
        if name.value == outcome.value:
            scope.mistakes.error("DR142", f"`{shorten(name.value)}` is both exposure and outcome", name.span)
        elif name.value in [other.value for other in kept]:
            scope.mistakes.error("DR115", f"`{shorten(name.value)}` is given twice", name.span)
        else:
            kept.append(name)
    return _Ends(tuple(kept), outcome) if kept and len(kept) == len(exposure) else None


def _apart(
    names: tuple[Located[str], ...], ends: _Ends | None, place: str, scope: Scope
) -> tuple[Located[str], ...]:
    """The names without exposure and outcome, which have no place in `by` and `adjust`."""
    kept = []
    for name in names:
        if ends is not None and name.value in ends:
            role = "the outcome" if name.value == ends.outcome.value else "an exposure"
            scope.mistakes.error(
                "DR143", f"`{shorten(name.value)}` is {role} and cannot stand in `{place}`", name.span
            )
        else:
            kept.append(name)
    return tuple(kept)


def _plain(names: tuple[Located[str], ...]) -> tuple[str, ...]:
    return tuple(name.value for name in names)


def _by(form: Reading, ends: _Ends | None, scope: Scope) -> tuple[str, ...]:
    names = _apart(scope.keep_observed(form.plain(f.BY) or (), "be conditioned on"), ends, "by", scope)
    for name in names:
        if scope.type(name.value) in _WITHOUT_LEVELS:
            message = f"`{shorten(name.value)}` is {scope.type(name.value)} and has no levels to report by"
            scope.mistakes.error("DR145", message, name.span)
    return _plain(names)


def _adjust(form: Reading, ends: _Ends | None, scope: Scope) -> Adjust | None:
    adjust = form[f.ADJUST]
    if adjust is None:
        return None
    if isinstance(adjust, Located):
        names = scope.keep_observed(adjust.value, "be adjusted for")
        return Adjust(exactly=_plain(_apart(names, ends, "adjust", scope)), span=adjust.span)
    observed = scope.keep_observed(adjust.plain(f.INCLUDE) or (), "be adjusted for")
    include = _plain(_apart(observed, ends, "adjust", scope))
    exclude = tuple(name for name in adjust.plain(f.EXCLUDE) or () if scope.known(name))
    for name in exclude:
        if name.value in include:
            scope.mistakes.error("DR115", f"`{shorten(name.value)}` is both included and excluded", name.span)
    return Adjust(include=include, exclude=_plain(exclude), span=adjust.span)


def _compare(form: Reading, ends: _Ends | None, scope: Scope) -> tuple[str, ...] | None:
    """What the regression `y ~ x + a + b` adjusts for: its terms but the exposures."""
    written = form[f.COMPARE]
    if written is None or ends is None:
        return None
    response, sign, right = written.value.partition("~")
    terms = [term.strip() for term in right.split("+")]
    place, names = written.span, [x.value for x in ends.exposure]
    if not sign or not all(terms):
        scope.mistakes.error("DR149", "expected a regression", place, "write `y ~ x + a + b`")
        return None
    if response.strip() != ends.outcome.value:
        message = f"its response is `{shorten(response.strip())}`, and the outcome `{ends.outcome.value}`"
        scope.mistakes.error("DR149", message, place)
    missing = [x for x in names if x not in terms]
    if missing:
        scope.mistakes.error("DR149", f"the exposure `{shorten(missing[0])}` is not among its terms", place)
    others = [t for t in dict.fromkeys(terms) if t not in names]
    known = [t for t in others if scope.observed(Located(t, place), "be adjusted for")]
    if ends.outcome.value in others:
        scope.mistakes.error("DR149", "the outcome is among its own terms", place)
    return tuple(known)


def _assume(form: Reading, scope: Scope) -> Assumption | None:
    """One cause that the graph lacks, with proper priors of its strength."""
    causes = form[f.ASSUME]
    found: list[Assumption] = []
    for name, (span, reading) in (causes or {}).items():
        if name in scope.nodes:
            message = f"`{shorten(name)}` is a node of the graph, and `assume` is of a cause that it lacks"
            scope.mistakes.error("DR150", message, span, "give it a name of its own")
        if reading is None:
            continue
        exposure, outcome = reading[f.TO_EXPOSURE], reading[f.TO_OUTCOME]
        if exposure is None or outcome is None:
            continue
        for prior in (exposure, outcome):
            if not is_scalar(prior) or prior.distribution in ("Flat", "HalfFlat"):
                message = f"`{prior.distribution}` is no prior of a strength, which is one number"
                scope.mistakes.error("DR150", message, prior.span)
        found.append(Assumption(name, exposure, outcome))
    if len(found) > 1:
        scope.mistakes.error("DR150", "one cause at a time can be assumed", form.key(f.ASSUME))
    return found[0] if found else None


def _contrast(form: Reading, scope: Scope) -> tuple[Side, Side] | None:
    contrast, exposure = form[f.CONTRAST], form[f.EXPOSURE]
    if contrast is None or len(contrast.value) != 2:
        return None
    names = exposure.value if exposure else ()
    low, high = (_side(side, names, scope) for side in contrast.value)
    return low, high


def _side(
    side: Located[Level] | Located[tuple[Located[Level], ...]], names: tuple[Located[str], ...], scope: Scope
) -> Side:
    """One side of a contrast: a level for all exposures, or a list of one for each."""
    values = side.value if isinstance(side.value, tuple) else (Located(side.value, side.span),) * len(names)
    if len(values) != len(names) and len(names) > 0:
        message = f"expected one value for each exposure: {len(names)}, found {len(values)} of them"
        scope.mistakes.error("DR111", message, side.span)
    for name, level in zip(names, values, strict=False):
        _check_contrast(level, name.value, scope)
    return tuple(level.value for level in values) if isinstance(side.value, tuple) else side.value


def _check_contrast(level: Located[Level], name: str, scope: Scope) -> None:
    node = scope.nodes.get(name)
    if node is None:
        return
    if node.levels is not None:
        check_level(level, node.levels, f"`{shorten(name)}`", scope.mistakes)
    elif node.type in _NUMBERS and (isinstance(level.value, str | bool)):
        message = f"`{shorten(name)}` is {node.type}: its contrast is between two numbers"
        scope.mistakes.error("DR144", message, level.span)


def _among(form: Reading, scope: Scope) -> Among:
    among = form[f.AMONG]
    if among is None or among.value == "everyone":
        return "everyone"
    reason = _one_of_a_total_effect(form)
    if not reason:
        (exposure,) = form[f.EXPOSURE].value  # type: ignore[union-attr]  # there is one, or there would be a reason
        node = scope.nodes.get(exposure.value)
        several = node is not None and node.levels is not None and len(node.levels) != 2
        if node is not None and (several or node.type in (*_NUMBERS, "group")):
            reason = (
                f"`{shorten(exposure.value)}` is {node.type or 'of several levels'}, and not of two levels"
            )
    if reason:
        scope.mistakes.error("DR147", f"there is no effect on the {among.value} here: {reason}", among.span)
    return cast(Among, among.value)


def _doses(form: Reading, scope: Scope) -> tuple[float, ...] | int | None:
    doses, key = form[f.DOSE_RESPONSE], form.keys.get(f.DOSE_RESPONSE.key)
    if doses is None:
        return None
    reason = _one_of_a_total_effect(form)
    if not reason:
        (exposure,) = form[f.EXPOSURE].value  # type: ignore[union-attr]  # there is one, or there would be a reason
        if scope.type(exposure.value) in f.WITH_LEVELS:
            reason = f"`{shorten(exposure.value)}` is {scope.type(exposure.value)}, and doses are numbers"
    if reason:
        scope.mistakes.error("DR148", f"there is no dose-response curve here: {reason}", key)
    return (
        doses.value
        if isinstance(doses.value, int)
        else tuple(sorted(float(dose.value) for dose in doses.value))
    )


def _one_of_a_total_effect(form: Reading) -> str:
    """Why this is not the total effect of one exposure, or ""."""
    exposure, kind = form[f.EXPOSURE], form.plain(f.KIND) or "total"
    if exposure is not None and len(exposure.value) > 1:
        return "the effect has several exposures"
    if exposure is None or len(exposure.value) == 0:
        return "the effect has no exposure"
    return "" if kind == "total" else f"it is for total effects, and this one is `kind: {kind}`"
