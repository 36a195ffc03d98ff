"""The closed grammar of priors, `Name(number, ...)` or `Name(parameter=number, ...)`: a table, never
evaluated.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from dagreg.errors import Diagnostics, did_you_mean
from dagreg.spec.shapes import JSON, Shape
from dagreg.spec.source import Scalar, Tree, shorten
from dagreg.spec.types import Prior

Support = Literal["real", "positive", "unit", "interval", "simplex", "cholesky"]
Domain = Literal["real", "positive"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution of PyMC: its parameters in PyMC's order, what they may be, and where its values lie."""

    parameters: tuple[tuple[str, Domain], ...]
    support: Support
    repeated: bool = False  # any number of values for its one parameter


def _distribution(support: Support, /, **parameters: Domain) -> Distribution:
    return Distribution(tuple(parameters.items()), support)


DISTRIBUTIONS: Mapping[str, Distribution] = {
    "Normal": _distribution("real", mu="real", sigma="positive"),
    "StudentT": _distribution("real", nu="positive", mu="real", sigma="positive"),
    "Cauchy": _distribution("real", alpha="real", beta="positive"),
    "Laplace": _distribution("real", mu="real", b="positive"),
    "HalfNormal": _distribution("positive", sigma="positive"),
    "HalfCauchy": _distribution("positive", beta="positive"),
    "HalfStudentT": _distribution("positive", nu="positive", sigma="positive"),
    "Exponential": _distribution("positive", lam="positive"),
    "Gamma": _distribution("positive", alpha="positive", beta="positive"),
    "InverseGamma": _distribution("positive", alpha="positive", beta="positive"),
    "LogNormal": _distribution("positive", mu="real", sigma="positive"),
    "Beta": _distribution("unit", alpha="positive", beta="positive"),
    "Uniform": _distribution("interval", lower="real", upper="real"),
    "LKJCholesky": _distribution("cholesky", eta="positive"),
    "Dirichlet": Distribution((("a", "positive"),), "simplex", repeated=True),
    "Flat": _distribution("real"),
    "HalfFlat": _distribution("positive"),
}

_SYNONYMS = {
    "gaussian": "Normal",
    "t": "StudentT",
    "student": "StudentT",
    "halft": "HalfStudentT",
    "lkj": "LKJCholesky",
}
_CALL = re.compile(r"\s*(?P<name>[^\W\d]\w*)\s*(?:\((?P<arguments>[^()]*)\))?\s*")
_ARGUMENT = re.compile(
    r"\s*(?:(?P<key>[^\W\d]\w*)\s*=\s*)?(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
)

_MAX_PRIOR_LENGTH = 1000  # characters
# number of a prior, other than 0; the largest is its inverse: squares of both are still numbers
MIN_SIZE = 1e-100

EXPECTED = "a prior such as `Normal(0, 1)`"


def signature(name: str) -> str:
    """`Normal(mu, sigma)`"""
    distribution = DISTRIBUTIONS[name]
    names = [parameter for parameter, _ in distribution.parameters]
    return f"{name}({', '.join([*names, '...'] if distribution.repeated else names)})"


def admits_negative(prior: Prior) -> bool:
    """Whether the prior gives weight to values below zero."""
    support = DISTRIBUTIONS[prior.distribution].support
    return support == "real" or (support == "interval" and prior.arguments[0] < 0)


def is_scalar(prior: Prior) -> bool:
    """Whether a draw from the prior is one number."""
    return DISTRIBUTIONS[prior.distribution].support not in ("simplex", "cholesky")


@dataclass(frozen=True)
class PriorShape(Shape[Prior]):
    """A prior in the closed grammar."""

    expected: str = EXPECTED

    def read(self, tree: Tree, mistakes: Diagnostics) -> Prior | None:
        if not isinstance(tree, Scalar) or not isinstance(tree.value, str):
            self.refuse(tree, mistakes)
            return None
        return read_prior(tree, mistakes)

    def schema(self) -> JSON:
        names = "|".join(DISTRIBUTIONS)
        return {"type": "string", "pattern": rf"^\s*({names})\s*(\([^()]*\))?\s*$"}


def read_prior(scalar: Scalar, mistakes: Diagnostics) -> Prior | None:
    """The prior that a text says, or None after reporting why it says none."""
    call = _CALL.fullmatch(scalar.text) if len(scalar.text) <= _MAX_PRIOR_LENGTH else None
    if call is None:
        mistakes.error("DR152", f"expected {EXPECTED}, found `{shorten(scalar.text)}`", scalar.span)
        return None
    name = call["name"]
    if name not in DISTRIBUTIONS:
        hint = _SYNONYMS.get(name.casefold())
        label = f"did you mean `{hint}`?" if hint else did_you_mean(name, DISTRIBUTIONS)
        span = scalar.span_of(call.start("name"), call.end("name"))
        known = f"known are {', '.join(DISTRIBUTIONS)}"
        mistakes.error(
            "DR152", f"unknown distribution `{shorten(name)}`", span, label, () if label else (known,)
        )
        return None
    if call["arguments"] is None and DISTRIBUTIONS[name].parameters:
        mistakes.error("DR153", f"`{name}` without its parameters", scalar.span, f"write `{signature(name)}`")
        return None
    return _Arguments(scalar, name, mistakes).read(call)


class _Arguments:
    """The numbers between the parentheses of one prior."""

    def __init__(self, scalar: Scalar, name: str, mistakes: Diagnostics) -> None:
        self.scalar, self.name, self.mistakes = scalar, name, mistakes
        self.distribution = DISTRIBUTIONS[name]

    def read(self, call: re.Match[str]) -> Prior | None:
        written = list(self._written(call))
        if any(argument is None for argument in written):
            return None
        ordered = self._in_order([argument for argument in written if argument is not None])
        if ordered is None or not self._in_domain(ordered):
            return None
        return Prior(self.name, tuple(float(match["number"]) for match in ordered), self.scalar.span)

    def _written(self, call: re.Match[str]) -> list[re.Match[str] | None]:
        arguments = call["arguments"] or ""
        if not arguments.strip():
            return []
        start, matches = call.start("arguments"), list[re.Match[str] | None]()
        for part in arguments.split(","):
            stop = start + len(part)
            match = _ARGUMENT.fullmatch(self.scalar.text, start, stop)
            if match is None or not math.isfinite(float(match["number"])):
                label = "a prior's parameters are finite numbers"
                self._refuse("DR152", f"expected a number, found `{shorten(part)}`", start, stop, label)
                match = None
            elif (size := abs(float(match["number"]))) > 1 / MIN_SIZE or 0 < size < MIN_SIZE:
                label = "for a prior that says next to nothing write `Flat()`, or `HalfFlat()` of a scale"
                what = f"`{shorten(match['number'])}` is beyond what a prior is computed with"
                self._refuse(
                    "DR436", f"{what}: {MIN_SIZE:g} to {1 / MIN_SIZE:g}", *match.span("number"), label
                )
                match = None
            matches.append(match)
            start = stop + 1
        return matches

    def _in_order(self, written: list[re.Match[str]]) -> list[re.Match[str]] | None:
        names = [parameter for parameter, _ in self.distribution.parameters]
        if self.distribution.repeated and written and not any(match["key"] for match in written):
            return written
        placed: dict[str, re.Match[str]] = {}
        for i, match in enumerate(written):
            if match["key"] and match["key"] not in names:
                message = f"`{self.name}` has no parameter `{shorten(match['key'])}`"
                self._refuse("DR153", message, *match.span("key"), f"write `{signature(self.name)}`")
                return None
            by_place = i < len(names) and not any(before["key"] for before in written[:i])
            key = match["key"] or (names[i] if by_place else None)
            if key not in names or key in placed:
                break
            placed[key] = match
        if len(placed) == len(names) == len(written):
            return [placed[name] for name in names]
        count = "one parameter" if len(names) == 1 else f"{len(names) or 'no'} parameters"
        message = f"`{self.name}` takes {count}, found `{shorten(self.scalar.text)}`"
        self.mistakes.error("DR153", message, self.scalar.span, f"write `{signature(self.name)}`")
        return None

    def _in_domain(self, ordered: list[re.Match[str]]) -> bool:
        names = self.distribution.parameters * (len(ordered) if self.distribution.repeated else 1)
        sound = True
        for (parameter, domain), match in zip(names, ordered, strict=True):
            if domain == "positive" and float(match["number"]) <= 0:
                message = f"`{parameter}` of `{self.name}` must be above 0, found {match['number']}"
                self._refuse("DR154", message, *match.span("number"))
                sound = False
        return sound and (self.distribution.support != "interval" or self._in_ascending_order(*ordered))

    def _in_ascending_order(self, lower: re.Match[str], upper: re.Match[str]) -> bool:
        if float(lower["number"]) < float(upper["number"]):
            return True
        start, stop = sorted((lower.span("number"), upper.span("number")))
        self._refuse("DR154", f"`lower` of `{self.name}` must be below `upper`", start[0], stop[1])
        return False

    def _refuse(self, code: str, message: str, start: int, stop: int, label: str = "") -> None:
        while start < stop and self.scalar.text[start].isspace():
            start += 1
        self.mistakes.error(code, message, self.scalar.span_of(start, stop), label)
