"""The doubts about a result, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """How the sampling went, over every program of an effect. `problems` is empty exactly where `ok`."""

    engine: str
    divergences: int
    max_r_hat: float
    min_ess: float
    ok: bool
    problems: tuple[str, ...] = ()
    seconds: Mapping[str, float] | None = None  # per program
    plan: tuple[str, ...] = ()  # how each regression was solved, a sentence each


@dataclass(frozen=True, slots=True)
class Doubt:
    """A warning about the answer: a stable code and the sentences."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ImplicationTest:
    """A conditional independence that the graph implies, held against the data."""

    x: str
    y: str
    given: tuple[str, ...]
    statistic: float
    p: float
    p_adjusted: float
    rejected: bool
