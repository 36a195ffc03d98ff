"""Estimands as trees: sums, products and quotients of conditional probabilities of what is observed.

A tree is evaluated, rendered as text or LaTeX, and compiled to regressions; the
text shown can therefore not drift from what is computed. `Sum` binds its variables
within its body, so a bound `x` may stand inside a formula whose free `x` is the
exposure; rendering tells the two apart by a prime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import product as combinations
from math import prod
from typing import Any

Value = Any
Assignment = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class P:
    """P(targets | given) of the observed distribution."""

    targets: tuple[str, ...]
    given: tuple[str, ...] = ()

    def __str__(self) -> str:
        return render(self)


@dataclass(frozen=True, slots=True)
class Product:
    """The product of its factors; one where there are none."""

    factors: tuple[Expression, ...]

    def __str__(self) -> str:
        return render(self)


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of `body` over all values of `over`."""

    over: tuple[str, ...]
    body: Expression

    def __str__(self) -> str:
        return render(self)


@dataclass(frozen=True, slots=True)
class Quotient:
    numerator: Expression
    denominator: Expression

    def __str__(self) -> str:
        return render(self)


Expression = P | Product | Sum | Quotient


def times(factors: Iterable[Expression]) -> Expression:
    """The product, flat, without empty or single-factor products."""
    flat: list[Expression] = []
    for f in factors:
        flat += f.factors if isinstance(f, Product) else (f,)
    return flat[0] if len(flat) == 1 else Product(tuple(flat))


def summed(over: Iterable[str], body: Expression) -> Expression:
    """The sum over these variables, shortened.

    A factor without summed variables stands before the sum; a variable that occurs
    only as v in one factor P(v | ...) sums to one, and goes with its factor.

    >>> print(summed(["a", "b"], times([P(("y",), ("a",)), P(("a",)), P(("b",), ("a",)), P(("c",))])))
    P(c) sum_a P(y | a) P(a)
    """
    names = sorted(over)
    factors: list[Expression] = list(body.factors) if isinstance(body, Product) else [body]
    while True:
        lone = next(((v, f) for v in names for f in factors if _sums_to_one(v, f, factors)), None)
        if lone is None:
            break
        names.remove(lone[0])
        factors.remove(lone[1])
    inside = [f for f in factors if not free_variables(f).isdisjoint(names)]
    outside = [f for f in factors if free_variables(f).isdisjoint(names)]
    if len(names) == 0:
        return times(outside)
    core = times(inside)
    if isinstance(core, Sum) and set(names).isdisjoint(core.over):
        return times([*outside, Sum(tuple(sorted((*names, *core.over))), core.body)])
    return times([*outside, Sum(tuple(names), core)])


def _sums_to_one(v: str, factor: Expression, factors: Iterable[Expression]) -> bool:
    """Whether v occurs in no other factor, and in this one only as the target of P(v | ...)."""
    if not isinstance(factor, P) or factor.targets != (v,):
        return False
    return all(f is factor or v not in free_variables(f) for f in factors)


def free_variables(expression: Expression) -> frozenset[str]:
    """The variables whose values the formula leaves open."""
    match expression:
        case P(targets, given):
            return frozenset((*targets, *given))
        case Product(factors):
            return frozenset(v for f in factors for v in free_variables(f))
        case Sum(over, body):
            return free_variables(body) - frozenset(over)
        case Quotient(numerator, denominator):
            return free_variables(numerator) | free_variables(denominator)


def renamed(expression: Expression, names: Mapping[str, str]) -> Expression:
    """The formula with free variables renamed; those that a sum binds keep their names."""
    match expression:
        case P(targets, given):
            return P(tuple(names.get(v, v) for v in targets), tuple(names.get(v, v) for v in given))
        case Product(factors):
            return Product(tuple(renamed(f, names) for f in factors))
        case Sum(over, body):
            return Sum(over, renamed(body, {v: new for v, new in names.items() if v not in over}))
        case Quotient(numerator, denominator):
            return Quotient(renamed(numerator, names), renamed(denominator, names))


def evaluate(
    expression: Expression,
    values: Assignment,
    probability: Callable[[Assignment, Assignment], float],
    domains: Mapping[str, Iterable[Value]],
) -> float:
    """The number of the formula at `values` (of its free variables), by enumeration.

    `probability(targets, given)` is the observed P(targets | given).
    """
    match expression:
        case P(targets, given):
            return probability({v: values[v] for v in targets}, {v: values[v] for v in given})
        case Product(factors):
            return prod(evaluate(f, values, probability, domains) for f in factors)
        case Sum(over, body):
            rows = combinations(*(tuple(domains[v]) for v in over))
            return sum(
                evaluate(body, {**values, **dict(zip(over, row, strict=True))}, probability, domains)
                for row in rows
            )
        case Quotient(numerator, denominator):
            below = evaluate(denominator, values, probability, domains)
            return evaluate(numerator, values, probability, domains) / below


@dataclass(frozen=True, slots=True)
class _Style:
    """How the parts of a formula are written."""

    bar: str
    space: str
    name: Callable[[str], str]
    prime: str
    summation: Callable[[list[str]], str]
    bracket: Callable[[str], str]
    fraction: Callable[[str, str], str]


_ESCAPES = str.maketrans({c: "\\" + c for c in "_%&#$"} | {"{": r"\{", "}": r"\}"})

TEXT = _Style(
    bar=" | ",
    space=" ",
    name=str,
    prime="'",
    summation=lambda names: "sum_" + (names[0] if len(names) == 1 else "{" + ", ".join(names) + "}") + " ",
    bracket="[{}]".format,
    fraction="[{}] / [{}]".format,
)
LATEX = _Style(
    bar=r" \mid ",
    space=r"\,",
    name=lambda name: r"\mathit{" + name.translate(_ESCAPES) + "}",
    prime="'",
    summation=lambda names: r"\sum_{" + ", ".join(names) + "} ",
    bracket=lambda body: r"\Big[" + body + r"\Big]",
    fraction=lambda above, below: r"\frac{" + above + "}{" + below + "}",
)


def render(expression: Expression, style: _Style = TEXT) -> str:
    """One line: `sum_z P(y | x, z) P(z)`."""
    shown = {v: style.name(v) for v in free_variables(expression)}
    return _render(expression, shown, style)


def latex(expression: Expression) -> str:
    r"""LaTeX for math mode: `\sum_{\mathit{z}} P(...)`."""
    return render(expression, LATEX)


def _render(expression: Expression, shown: Mapping[str, str], style: _Style) -> str:
    match expression:
        case P(targets, given):
            left = ", ".join(shown[v] for v in targets)
            right = style.bar + ", ".join(shown[v] for v in given) if len(given) > 0 else ""
            return f"P({left}{right})"
        case Sum(over, body):
            inner = {**shown, **{v: _fresh(v, shown, style) for v in over}}
            return style.summation([inner[v] for v in over]) + _render(body, inner, style)
        case Quotient(numerator, denominator):
            return style.fraction(_render(numerator, shown, style), _render(denominator, shown, style))
        case Product(factors):
            if len(factors) == 0:
                return "1"
            last = len(factors) - 1
            words = []
            for i, f in enumerate(sorted(factors, key=lambda f: isinstance(f, Sum))):
                word = _render(f, shown, style)
                open_ended = (isinstance(f, Sum) and i < last) or isinstance(f, Quotient)
                words.append(style.bracket(word) if open_ended else word)
            return style.space.join(words)


def _fresh(name: str, shown: Mapping[str, str], style: _Style) -> str:
    taken = set(shown.values())
    word = style.name(name)
    while word in taken:
        word += style.prime
    return word


def adjustment_formula(xs: Iterable[str], y: str, zs: Iterable[str]) -> Expression:
    """sum_z P(y | x, z) P(z)."""
    exposures, covariates = tuple(xs), tuple(zs)
    outcome = P((y,), (*exposures, *covariates))
    if len(covariates) == 0:
        return outcome
    return Sum(covariates, Product((outcome, P(covariates))))


def conditional_formula(xs: Iterable[str], y: str, zs: Iterable[str], ws: Iterable[str]) -> Expression:
    """sum_z P(y | x, z, w) P(z | w)."""
    exposures, covariates, given = tuple(xs), tuple(zs), tuple(ws)
    outcome = P((y,), (*exposures, *covariates, *given))
    if len(covariates) == 0:
        return outcome
    return Sum(covariates, Product((outcome, P(covariates, given))))


def frontdoor_formula(xs: Iterable[str], y: str, ms: Iterable[str]) -> Expression:
    """sum_m P(m | x) sum_x' P(y | m, x') P(x')."""
    exposures, mediators = tuple(xs), tuple(ms)
    inner = Sum(exposures, Product((P((y,), (*exposures, *mediators)), P(exposures))))
    return Sum(mediators, Product((P(mediators, exposures), inner)))
