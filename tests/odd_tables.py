"""Random tables as people have them: every type, and every oddity that a file can have; and their way through
dagreg.

A table goes through `init`, `check` of what `init` wrote, and for a random graph over its nodes `check`,
`fit` and the reports. Whatever is not a DagregError passes through as it is, Python's warnings too.
"""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import dagreg
from dagreg import pipeline
from dagreg.binding.opening import starter_for
from dagreg.errors import DagregError, Diagnostic
from dagreg.result import Result
from dagreg.spec.types import Spec

Values = list[str]
Make = Callable[[np.random.Generator, int], Values]


@dataclass(frozen=True)
class Odd:
    """A table as the text of a CSV file, and what kind of thing each column holds."""

    text: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    rows: int


def _numbers(values: np.ndarray) -> Values:
    return [repr(float(v)) for v in values]


def _chosen(*words: str) -> Make:
    return lambda rng, n: [words[i] for i in rng.integers(0, len(words), n)]


def _gappy(make: Make, *holes: str, share: float = 0.2) -> Make:
    def gaps(rng: np.random.Generator, n: int) -> Values:
        values, holed = make(rng, n), rng.random(n) < share
        return [
            holes[int(rng.integers(len(holes)))] if hole else v for v, hole in zip(values, holed, strict=True)
        ]

    return gaps


def _normal(rng: np.random.Generator, n: int) -> Values:
    return _numbers(rng.normal(3, 2, n).round(3))


def _counts(rng: np.random.Generator, n: int) -> Values:
    return [str(v) for v in rng.poisson(2.5, n)]


def _dates(rng: np.random.Generator, n: int) -> Values:
    return [str(datetime.date(2020, 1, 1) + datetime.timedelta(days=int(d))) for d in rng.integers(0, 900, n)]


KINDS: dict[str, Make] = {
    "number": _normal,
    "number again": _normal,
    "shifted far": lambda rng, n: _numbers(1712345678 + rng.normal(0, 30, n).round(2)),
    "tiny": lambda rng, n: _numbers(rng.normal(0, 1e-12, n)),
    "huge": lambda rng, n: _numbers(rng.normal(3e15, 1e15, n)),
    "beyond": lambda rng, n: _numbers(rng.normal(0, 1e200, n)),
    "skewed": lambda rng, n: _numbers(np.exp(rng.normal(0, 2, n)).round(4)),
    "proportion": lambda rng, n: _numbers(rng.random(n).round(3)),
    "share with ends": lambda rng, n: _numbers(rng.choice([0.0, 1.0, 0.25, 0.5], n)),
    "whole": lambda rng, n: [str(v) for v in rng.integers(-40, 40, n)],
    "count": _counts,
    "count from 11": lambda rng, n: [str(11 + v) for v in rng.poisson(4, n)],
    "binary": _chosen("0", "1"),
    "binary 1 2": _chosen("1", "2"),
    "yes no": _chosen("yes", "no"),
    "true false": _chosen("true", "false"),
    "one level rare": lambda rng, n: ["1" if i == 0 else "0" for i in range(n)],
    "category": _chosen("red", "green", "blue"),
    "category in two cases": _chosen("white", "White", "black"),
    "category with blanks": _chosen("a", " a", "b "),
    "category in Greek": _chosen("ναι", "όχι", "ίσως"),
    "codes": _chosen("1", "2", "3", "4"),
    "many levels": lambda rng, n: [f"site {v}" for v in rng.integers(0, 60, n)],
    "names": lambda rng, n: [f"person {i}" for i in range(n)],
    "row numbers": lambda rng, n: [str(i + 1) for i in range(n)],
    "long ids": lambda rng, n: [f"9007199254740993{rng.integers(1000, 9999)}" for _ in range(n)],
    "ids with zeros": lambda rng, n: [f"{v:05d}" for v in rng.integers(0, 99999, n)],
    "dates": _dates,
    "times": lambda rng, n: [f"{day} 12:30:00" for day in _dates(rng, n)],
    "constant": _chosen("7"),
    "constant word": _chosen("same"),
    "empty": _chosen(""),
    "gaps": _gappy(_normal, ""),
    "gaps in words": _gappy(_normal, "NA", "n.a.", "-"),
    "gaps in counts": _gappy(_counts, "", "NULL"),
    "sentinel": _gappy(_normal, "-999"),
    "decimal commas": lambda rng, n: [v.replace(".", ",") for v in _normal(rng, n)],
    "thousands": lambda rng, n: [f"{v:,}" for v in rng.integers(1000, 90000, n)],
    "percent": lambda rng, n: [f"{v}%" for v in rng.integers(0, 100, n)],
    "with a unit": lambda rng, n: [f"{v:.1f} kg" for v in rng.normal(70, 9, n)],
    "money": lambda rng, n: [f"${v:.2f}" for v in np.exp(rng.normal(3, 1, n))],
    "infinite": _gappy(_normal, "inf", "nan", "-inf", share=0.05),
    "mixed": _gappy(_normal, "blue", "unknown", share=0.3),
    "one bad value": lambda rng, n: ["x" if i == n // 2 else v for i, v in enumerate(_normal(rng, n))],
    "quotes": _chosen('say "yes"', "it's", "a;b"),
    "formulas": _chosen("=1+1", "@sum", "+x"),
    "escapes": _chosen("\x1b[31mred", "a\u200bb", "plain"),
}

NAMES = (
    "x", "y", "z", "age", "Total", "my column", "x-y", "naïve", "1st", "a:b", "a -> b", "class", "lambda",
    "X",
    "größe", "收入", "weight (kg)", "it's", 'the "q"', "a,b", "#id", "null", "true", "yes", "[x]", "{x}", "*",
    "é" * 40, " lead",
)  # fmt: skip


def odd_table(seed: int) -> Odd:
    """A table for a seed: 0 to 300 rows of 2 to 7 columns; sometimes one column repeats another."""
    rng = np.random.default_rng([seed, 20261126])
    rows = int(
        rng.choice([0, 1, 2, 3, 6, 20, 60, 120, 300], p=[0.02, 0.03, 0.03, 0.05, 0.07, 0.2, 0.2, 0.2, 0.2])
    )
    width = int(rng.integers(2, 8))
    plain = ("x", "y", "z", "age", "dose", "sex", "site")
    odd = rng.random() < 0.4
    names = [str(v) for v in (rng.choice(NAMES, width, replace=False) if odd else plain[:width])]
    kinds = [str(rng.choice(list(KINDS))) for _ in range(width)]
    columns = [KINDS[kind](rng, rows) for kind in kinds]
    if width > 2 and rng.random() < 0.15:
        columns[-1], kinds[-1] = columns[0], f"{kinds[0]}, twice"
    text = io.StringIO()
    separator = ";" if rng.random() < 0.15 else ","
    writer = csv.writer(text, delimiter=separator, lineterminator=str(rng.choice(["\n", "\r\n"])))
    writer.writerow(names)
    writer.writerows(zip(*columns, strict=True))
    return Odd(text.getvalue(), tuple(names), tuple(kinds), rows)


# ---------------------------------------------------------------- the way through dagreg

T = TypeVar("T")


@dataclass
class Way:
    """What became of a table: by step, "done" or the messages that refuse it; and what the steps made."""

    odd: Odd
    steps: dict[str, str | tuple[Diagnostic, ...]] = field(default_factory=dict)
    written: str = ""  # by init
    asked: str = ""  # the spec with a graph and a question
    result: Result | None = None
    reports: dict[str, str] = field(default_factory=dict)

    def step(self, name: str, made: Callable[[], T]) -> T | None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = made()
        except DagregError as error:
            self.steps[name] = error.diagnostics
            return None
        self.steps[name] = "done"
        return found

    def refused(self, name: str) -> tuple[Diagnostic, ...]:
        found = self.steps.get(name, ())
        return () if isinstance(found, str) else found


def put_through(odd: Odd, folder: Path, seed: int) -> Way:
    """Sends a table through all steps; those after a refusal are left out."""
    way = Way(odd)
    table, first, second = folder / "table.csv", folder / "first.yaml", folder / "second.yaml"
    table.write_bytes(odd.text.encode())
    written = way.step("init", lambda: starter_for(str(table), str(first)))
    if written is None:
        return way
    way.written = written
    first.write_text(written, encoding="utf-8")
    spec = way.step("load", lambda: dagreg.load(first))
    if spec is None:
        return way
    way.step("check of init", lambda: pipeline.check(spec))
    if len(spec.nodes) < 2:
        return way
    way.asked = question(written, spec, np.random.default_rng([seed, 7]))
    second.write_text(way.asked, encoding="utf-8")
    asked = way.step("load again", lambda: dagreg.load(second))
    if asked is None:
        return way
    way.step("check", lambda: pipeline.check(asked))
    way.result = way.step("fit", lambda: dagreg.fit(asked))
    result = way.result
    if result is not None:
        formats: tuple[Any, ...] = ("text", "json", "html", "md")
        way.reports = way.step("report", lambda: {f: result.report(f) for f in formats}) or {}
    return way


def question(written: str, spec: Spec, rng: np.random.Generator) -> str:
    """The spec that init wrote with an effect of one node on another, and up to three others that cause both
    or lie between them.
    """
    exposure, outcome, *others = [str(v) for v in rng.permutation(list(spec.nodes))[:5]]
    edges = [(exposure, outcome)]
    for other in others:
        between = rng.random() < 0.2
        edges += [(exposure, other) if between else (other, exposure), (other, outcome)]
    kind = str(rng.choice(["total", "total", "total", "direct", "mediation"] if len(others) else ["total"]))
    head = re.split(r"(?m)^edges:", re.sub(r"(?m)^missing:.*\n", "", written))[0]
    missing = str(rng.choice(["drop", "drop", "drop", "drop", "error", "impute"]))
    lines = [f"  - [{quoted(a)}, {quoted(b)}]" for a, b in edges]
    effect = f"{{exposure: {quoted(exposure)}, outcome: {quoted(outcome)}, kind: {kind}}}"
    few = "sampling: {draws: 250, tune: 250}"
    return "\n".join([head, f"missing: {missing}", "edges:", *lines, f"effect: {effect}", few, ""])


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# ---------------------------------------------------------------- what may not be


def faults(way: Way) -> list[str]:
    """What is wrong with the way of a table: steps that contradict each other, numbers that are none, wrong
    numbers.
    """
    found = [
        f"{name} of what init wrote is refused" for name in ("load", "check of init") if way.refused(name)
    ]
    found += ["check passes, and fit is refused"] * (
        way.steps.get("check") == "done" and bool(way.refused("fit"))
    )
    found += ["check refuses, and fit passes"] * (
        way.steps.get("fit") == "done" and bool(way.refused("check"))
    )
    found += ["the report is refused"] * bool(way.refused("report"))
    said = [d for step in way.steps for d in way.refused(step)]
    found += [f"{d.code} has no place, no hint and no note: {d.message}" for d in said if _mute(d)]
    if way.result is None:
        return found
    for effect in way.result.effects:
        found += [
            f"{f.code} in {f.estimator}: {f.message}" for f in effect.failures if f.code in ("DR504", "DR901")
        ]
        if effect.result is None:
            continue
        for e in (*effect.result.estimates, *effect.result.coefficients):
            numbers = (e.summary.mean, e.summary.sd, e.summary.median, *e.summary.interval)
            found += [f"{e!r} is not finite"] * (not np.isfinite(numbers).all())
    return found + wrong_numbers(way)


def _mute(d: Diagnostic) -> bool:
    """Whether a message says neither where the fault is nor what would mend it."""
    return d.span is None and not d.label and not d.notes and ":" not in d.message


def wrong_numbers(way: Way) -> list[str]:
    """Where the posterior has a closed form: how far the adjusted estimate is from it, if too far.

    A plain number on numbers and levels: least squares with the default slopes' precision added, at its own
    residual sd. One binary column on another alone: the difference of probabilities, by quadrature over the
    two coefficients.
    """
    assert way.result is not None
    effect = way.result.effects[0]
    model = next((m for m in effect.solved if m.estimator == "adjusted"), None)
    if model is None or effect.result is None or effect.effect.kind == "mediation" or way.odd.rows < 20:
        return []
    rows = [
        e for e in effect.result.estimates if e.estimator == "adjusted" and e.scale == "outcome" and not e.by
    ]
    columns = _read(way, model.variables)
    response, exposure = model.outcome.response, effect.effect.exposure[0]
    names = [exposure, *(n for n in model.outcome.regressors if n != exposure)]
    if len(rows) != 1 or any(n not in columns for n in (response, *names)):
        return []
    y, x = columns[response], columns[exposure]
    summary = rows[0].summary
    if y.shape[1] > 1 or x.shape[1] > 1:
        return []
    if model.outcome.family.name == "bernoulli" and names == [exposure] and set(np.unique(x)) == {0.0, 1.0}:
        expected, allowed = _by_quadrature(y[:, 0], x[:, 0]), 0.5
    elif model.outcome.family.name == "gaussian" and model.outcome.link.name == "identity":
        expected, allowed = _ridge(y[:, 0], [columns[n] for n in names]), 0.5
    else:
        return []
    if expected is not None and not abs(summary.mean - expected) < allowed * summary.sd:
        return [
            f"{rows[0].name}: {summary.mean:.6g} (sd {summary.sd:.3g}), and its closed form is {expected:.6g}"
        ]
    return []


def _read(way: Way, variables: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The design columns of every node whose column has a plain value in every row, read without dagreg."""
    separator = ";" if ";" in way.odd.text.splitlines()[0] else ","
    head, *rows = csv.reader(io.StringIO(way.odd.text), delimiter=separator)
    found = {}
    for name, variable in variables.items():
        texts = [row[head.index(variable.column)] for row in rows] if variable.column in head else []
        if not texts or any(text.strip().lower() in _BLANK for text in texts):
            continue
        if variable.levels:
            levels = [level if isinstance(level, str) else f"{level:g}" for level in variable.levels]
            if set(texts) == set(levels):
                found[name] = np.array([[float(t == level) for level in levels[1:]] for t in texts])
            continue
        try:
            numbers = np.array([[float(text)] for text in texts])
        except ValueError:
            continue
        if np.isfinite(numbers).all() and (np.abs(numbers) < 1e100).all():
            found[name] = numbers
    return found


_BLANK = ("", "na", "n.a.", "-", "null", "nan", "none")


def _ridge(y: np.ndarray, blocks: list[np.ndarray]) -> float | None:
    """The first slope by least squares with the default priors' precision added; None where rows are few or
    tied.
    """
    ones = [len(np.unique(block)) == 2 and set(np.unique(block)) == {0.0, 1.0} for block in blocks]
    sds = np.concatenate(
        [np.ones(b.shape[1]) if one else b.std(axis=0, ddof=1) for b, one in zip(blocks, ones, strict=True)]
    )
    design = np.column_stack(blocks)
    design = (design - design.mean(axis=0)) / sds
    scale = y.std(ddof=1)
    target = (y - y.mean()) / scale
    n, p = design.shape
    if n < 3 * p + 5 or np.linalg.matrix_rank(design) < p or np.linalg.cond(design) > 1e5:
        return None
    least, *_ = np.linalg.lstsq(design, target, rcond=None)
    variance = float(((target - design @ least) ** 2).sum()) / (n - p - 1)
    slopes = np.linalg.solve(design.T @ design + np.eye(p) * variance / 2.5**2, design.T @ target)
    return float(slopes[0] / sds[0] * scale)


def _by_quadrature(y: np.ndarray, x: np.ndarray) -> float:
    """The posterior mean of P(y | x = 1) - P(y | x = 0): logit, intercept Normal(logit of the mean, 2.5) at
    the mean of x, slope Normal(0, 2.5).
    """
    middle = np.log(y.mean() / (1 - y.mean()))
    intercept, slope = np.linspace(middle - 10, middle + 10, 801)[:, None], np.linspace(-12, 12, 801)[None, :]
    log = -(((intercept - middle) / 2.5) ** 2 + (slope / 2.5) ** 2) / 2
    chances = []
    for side in (0.0, 1.0):
        eta = intercept + slope * (side - x.mean())
        ones, rows = y[x == side].sum(), (x == side).sum()
        log = log + ones * eta - rows * np.logaddexp(0, eta)
        chances.append(1 / (1 + np.exp(-eta)))
    weights = np.exp(log - log.max())
    return float((weights * (chances[1] - chances[0])).sum() / weights.sum())
