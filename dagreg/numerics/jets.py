"""Numbers with their first and second derivatives in a few variables: second-order forward differentiation.

A `Jet` stands for f(v1, ..., vk), v being a row's linear predictors and the parameters besides them. NumPy's
and SciPy's universal functions take jets as they take arrays, by the chain rule (Griewank and Walther 2008,
chapter 13), so that a family writes its log density once and has exact derivatives under every link. Arrays
in jets are rows x points, or broadcast to that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dagreg.numerics.arrays import Array, special
from dagreg.numerics.logs import logaddexp

type Partials = tuple[
    tuple[Any, ...], Mapping[tuple[int, int], Any]
]  # of a function's arguments, those that are 0 out
# of the differences that stand for derivatives in a parameter of an incomplete gamma or beta function
STEP = 1e-3


class Jet(np.lib.mixins.NDArrayOperatorsMixin):
    """A value; its derivative in each variable; and in each pair of variables, the lower number first."""

    __slots__ = ("first", "second", "value")

    def __init__(self, value: Array, first: Mapping[int, Any], second: Mapping[tuple[int, int], Any]) -> None:
        self.value, self.first, self.second = value, first, second

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the value."""
        return self.value.shape

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            return NotImplemented
        values = [_value(i) for i in inputs]
        if ufunc.__name__ in _WITHOUT_SLOPE:
            return ufunc(*values)
        if ufunc.__name__ not in _PARTIALS:
            return NotImplemented
        value = _VALUES.get(ufunc.__name__, ufunc)(*values)
        return _chained(value, inputs, _PARTIALS[ufunc.__name__](value, *values))

    def __array_function__(self, function: Any, types: Any, arguments: Any, options: Any) -> Any:
        if function is np.where and not options:
            condition, *sides = arguments
            return _where(_value(condition), *sides)
        if function is np.zeros_like and not options:
            return np.zeros_like(_value(arguments[0]))
        return NotImplemented


def variable(value: Array, number: int) -> Jet:
    """A variable itself, by its number."""
    return Jet(value, {number: np.ones((1, 1))}, {})


def chained(of: Any, value: Array, slope: Array, curvature: Array) -> Any:
    """A function of one argument, from its value and its derivatives there."""
    return _chained(value, (of,), ((slope,), {(0, 0): curvature}))


def _value(what: Any) -> Any:
    return what.value if isinstance(what, Jet) else what


def _chained(value: Array, inputs: Sequence[Any], partials: Partials) -> Jet:
    """f(g1, g2, ...): its gradient is sum_a f_a g_a', its Hessian sum_a f_a g_a'' + sum_ab f_ab g_a' g_b'."""
    slopes, bends = partials
    first: dict[int, Any] = {}
    second: dict[tuple[int, int], Any] = {}
    for slope, jet in zip(slopes, inputs, strict=True):
        if isinstance(jet, Jet):
            for i, own in jet.first.items():
                first[i] = first.get(i, 0.0) + slope * own
            for pair, own in jet.second.items():
                second[pair] = second.get(pair, 0.0) + slope * own
    for (a, b), bend in bends.items():
        left, right = inputs[a], inputs[b]
        if isinstance(left, Jet) and isinstance(right, Jet):
            for i, one in left.first.items():
                for j, two in right.first.items():
                    if a == b and i > j:
                        continue
                    pair = (min(i, j), max(i, j))
                    twice = 2.0 if a != b and i == j else 1.0  # f_ab and f_ba
                    second[pair] = second.get(pair, 0.0) + twice * bend * one * two
    return Jet(value, first, second)


def _where(condition: Any, yes: Any, no: Any) -> Any:
    sides = [
        side if isinstance(side, Jet) else Jet(np.asarray(side, dtype=np.float64), {}, {})
        for side in (yes, no)
    ]

    def chosen(kind: str) -> dict[Any, Any]:
        one, two = (getattr(side, kind) for side in sides)
        return {key: np.where(condition, one.get(key, 0.0), two.get(key, 0.0)) for key in {**one, **two}}

    return Jet(np.where(condition, sides[0].value, sides[1].value), chosen("first"), chosen("second"))


# ------------------------------------------------------------ the functions and their derivatives


def _one(slope: Callable[[Any, Any], Any], bend: Callable[[Any, Any], Any]) -> Callable[..., Partials]:
    """Of one argument: derivatives as functions of the argument and of the value there."""
    return lambda y, x: ((slope(x, y),), {(0, 0): bend(x, y)})


def _power(y: Any, x: Any, a: Any) -> Partials:
    log = np.log(np.where(np.asarray(x) > 0, x, 1.0))
    slope = a * x ** (a - 1.0)
    return (slope, y * log), {
        (0, 0): a * (a - 1.0) * x ** (a - 2.0),
        (0, 1): x ** (a - 1.0) * (1.0 + a * log),
        (1, 1): y * log**2,
    }


def _logaddexp(y: Any, a: Any, b: Any) -> Partials:
    with np.errstate(over="ignore"):
        odds = np.exp(np.where(np.isneginf(y), 0.0, np.asarray(b) - a))
        share = 1.0 / (1.0 + odds)
    rest = 1.0 - share
    bend = share * rest
    return (share, rest), {(0, 0): bend, (0, 1): -bend, (1, 1): bend}


def _log_ndtr(y: Any, x: Any) -> Partials:
    ratio = np.exp(-0.5 * x**2 - y) / np.sqrt(2 * np.pi)  # the inverse Mills ratio
    return (ratio,), {(0, 0): -ratio * (x + ratio)}


def _xlogy(y: Any, x: Any, z: Any) -> Partials:
    return (np.log(z), x / z), {(0, 1): 1 / z, (1, 1): -x / z**2}


def _xlog1py(y: Any, x: Any, z: Any) -> Partials:
    return (np.log1p(z), x / (1 + z)), {(0, 1): 1 / (1 + z), (1, 1): -x / (1 + z) ** 2}


def _extreme(first_wins: Callable[[Any, Any], Any]) -> Callable[..., Partials]:
    def partials(y: Any, a: Any, b: Any) -> Partials:
        first = np.where(first_wins(a, b), 1.0, 0.0)
        return (first, 1.0 - first), {}

    return partials


def _by_differences(name: str, positive: int) -> Callable[..., Partials]:
    """Of functions of SciPy that have no closed derivatives; the first `positive` arguments are above 0.

    They are good to about eight digits, which is more than a step towards a mode needs.
    """

    def partials(y: Any, *at: Any) -> Partials:
        steps = [STEP * np.abs(x) if i < positive else STEP * (1.0 + np.abs(x)) for i, x in enumerate(at)]

        def there(**moves: int) -> Any:
            return getattr(special, name)(
                *(x + moves.get(f"_{i}", 0) * h for i, (x, h) in enumerate(zip(at, steps, strict=True)))
            )

        slopes, bends = [], {}
        for i, h in enumerate(steps):
            one, two = ((there(**{f"_{i}": k}), there(**{f"_{i}": -k})) for k in (1, 2))
            slopes.append((8 * (one[0] - one[1]) - (two[0] - two[1])) / (12 * h))
            bends[i, i] = (16 * (one[0] + one[1]) - (two[0] + two[1]) - 30 * y) / (12 * h**2)
            for j in range(i):
                near, far = (
                    sum(p * q * there(**{f"_{i}": k * p, f"_{j}": k * q}) for p in (1, -1) for q in (1, -1))
                    for k in (1, 2)
                )
                bends[j, i] = (16 * near - far) / (48 * h * steps[j])
        return tuple(slopes), bends

    return partials


_VALUES: Mapping[str, Callable[..., Array]] = {"logaddexp": logaddexp}
_PARTIALS: Mapping[str, Callable[..., Partials]] = {
    "add": lambda y, a, b: ((1.0, 1.0), {}),
    "subtract": lambda y, a, b: ((1.0, -1.0), {}),
    "multiply": lambda y, a, b: ((b, a), {(0, 1): 1.0}),
    "divide": lambda y, a, b: ((1 / b, -y / b), {(0, 1): -1 / b**2, (1, 1): 2 * y / b**2}),
    "power": _power,
    "negative": _one(lambda x, y: -1.0, lambda x, y: 0.0),
    "absolute": _one(lambda x, y: np.sign(x), lambda x, y: 0.0),
    "square": _one(lambda x, y: 2 * x, lambda x, y: 2.0),
    "sqrt": _one(lambda x, y: 0.5 / y, lambda x, y: -0.25 / y**3),
    "exp": _one(lambda x, y: y, lambda x, y: y),
    "expm1": _one(lambda x, y: np.exp(x), lambda x, y: np.exp(x)),
    "log": _one(lambda x, y: 1 / x, lambda x, y: -1 / x**2),
    "log1p": _one(lambda x, y: 1 / (1 + x), lambda x, y: -1 / (1 + x) ** 2),
    "cos": _one(lambda x, y: -np.sin(x), lambda x, y: -y),
    "logaddexp": _logaddexp,
    "minimum": _extreme(lambda a, b: np.asarray(a) <= b),
    "maximum": _extreme(lambda a, b: np.asarray(a) >= b),
    "gammaln": _one(lambda x, y: special.psi(x), lambda x, y: special.zeta(2.0, x)),
    "log_ndtr": _log_ndtr,
    "i0e": _one(
        lambda x, y: special.i1e(x) - y,
        lambda x, y: 2 * (y - special.i1e(x)) - special.i1e(x) / x,  # of x above 0
    ),
    "expit": _one(lambda x, y: y * special.expit(-x), lambda x, y: y * special.expit(-x) * (1 - 2 * y)),
    "log_expit": _one(lambda x, y: special.expit(-x), lambda x, y: -special.expit(x) * special.expit(-x)),
    "xlogy": _xlogy,
    "xlog1py": _xlog1py,
    "gammainc": _by_differences("gammainc", 2),
    "gammaincc": _by_differences("gammaincc", 2),
    "betainc": _by_differences("betainc", 3),
    "stdtr": _by_differences("stdtr", 1),
}
_WITHOUT_SLOPE = frozenset(
    {"greater", "greater_equal", "less", "less_equal", "equal", "not_equal", "isfinite", "sign"}
)
