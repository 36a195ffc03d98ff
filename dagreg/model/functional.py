"""Functionals as regressions: every P(v | given) of an estimand becomes the regression of v on
what is given.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dagreg.identify.expression import Expression, P, Product, Quotient, Sum, times
from dagreg.model.summary import Variable


def by_chain_rule(expression: Expression) -> Expression:
    """The same formula with conditionals of one target each: P(a, b | c) = P(a | c) P(b | a, c).

    Joint marginals P(a, b) stay whole: they are read off the rows.

    >>> print(by_chain_rule(P(("a", "b"), ("c",))))
    P(a | c) P(b | c, a)
    """
    match expression:
        case P(targets, given) if len(targets) > 1 and len(given) > 0:
            return times(P((v,), (*given, *targets[:i])) for i, v in enumerate(targets))
        case P():
            return expression
        case Product(factors):
            return times(by_chain_rule(f) for f in factors)
        case Sum(over, body):
            return Sum(over, by_chain_rule(body))
        case Quotient(numerator, denominator):
            return Quotient(by_chain_rule(numerator), by_chain_rule(denominator))


def conditionals(expression: Expression) -> tuple[P, ...]:
    """Its conditionals P(v | given), each once, in the order of their appearance; marginals left out."""
    return tuple(dict.fromkeys(p for p in _leaves(expression) if len(p.given) > 0))


def variables(expression: Expression) -> frozenset[str]:
    """Every variable of the formula, bound or free."""
    return frozenset(v for p in _leaves(expression) for v in (*p.targets, *p.given))


def _leaves(expression: Expression) -> Iterator[P]:
    match expression:
        case P():
            yield expression
        case Product(factors):
            for factor in factors:
                yield from _leaves(factor)
        case Sum(_, body):
            yield from _leaves(body)
        case Quotient(numerator, denominator):
            yield from _leaves(numerator)
            yield from _leaves(denominator)


def gives(factor: P, over: Collection[str]) -> bool:
    """Whether these variables can be drawn from a factor: all its targets are among them, nothing it is given
    is.
    """
    return all(v in over for v in factor.targets) and not any(v in over for v in factor.given)


def drawn_jointly(factor: P, over: Collection[str], known: Mapping[str, Variable]) -> bool:
    """Whether a joint marginal among these variables is read off the rows whole: not all its targets are
    two-valued.
    """
    many = any(len(known[v].levels) != 2 for v in factor.targets)
    return len(factor.targets) > 1 and len(factor.given) == 0 and many and gives(factor, over)


def obstacle(expression: Expression, outcome: str, known: Mapping[str, Variable]) -> str:
    """Why a formula cannot be evaluated by regressions and draws, or "".

    Two-valued variables are summed over. Any other has to be drawn: from a factor of the sum that binds it,
    and not within a quotient, where one draw per particle would be biased.
    """
    grouped = [v for v in sorted({n for leaf in _leaves(expression) for n in leaf.given}) if known[v].pooled]
    if grouped:
        return f"{grouped[0]} is a group, and formulas hold no varying coefficients so far"
    for leaf in _leaves(expression):
        if outcome in leaf.given or (outcome in leaf.targets and len(leaf.targets) > 1):
            return f"its formula conditions on {outcome}"
    return _obstacle(expression, outcome, known, frozenset(), quotient=False)


def _obstacle(
    expression: Expression,
    outcome: str,
    known: Mapping[str, Variable],
    drawn: frozenset[str],
    *,
    quotient: bool,
) -> str:
    match expression:
        case P(targets):
            many = [v for v in targets if v != outcome and v not in drawn and len(known[v].levels) != 2]
            return (
                f"its formula needs the probability of a value of {many[0]}, which is not two-valued"
                if many
                else ""
            )
        case Product(factors):
            parts: tuple[Expression, ...] = factors
        case Quotient(numerator, denominator):
            parts, quotient = (numerator, denominator), True
        case Sum(over, body):
            parts = body.factors if isinstance(body, Product) else (body,)
            whole = {
                v for f in parts if isinstance(f, P) and drawn_jointly(f, over, known) for v in f.targets
            }
            waiting = [v for v in over if len(known[v].levels) != 2 or v in whole]
            if quotient and waiting:
                return f"its formula is a ratio of sums over {', '.join(waiting)}, which is not two-valued"
            stuck = _undrawable(waiting, body, known)
            if stuck:
                return stuck
            parts, drawn = (body,), drawn | frozenset(waiting)
    return next((w for p in parts if (w := _obstacle(p, outcome, known, drawn, quotient=quotient))), "")


def _undrawable(waiting: list[str], body: Expression, known: Mapping[str, Variable]) -> str:
    """Why some of these variables cannot be drawn one after the other, or ""."""
    factors = [f for f in (body.factors if isinstance(body, Product) else (body,)) if isinstance(f, P)]
    left = list(waiting)
    while left:
        source = next((f for f in factors if gives(f, left)), None)
        if source is None:
            return f"its formula sums over {', '.join(left)} without a factor to draw from"
        coded = [v for v in source.targets if len(known[v].levels) > 2 and len(source.given) > 0]
        if coded:
            return f"{coded[0]} is {known[coded[0]].type}, and such regressions are not supported yet"
        left = [v for v in left if v not in source.targets]
    return ""
