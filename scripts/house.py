"""Measures how tidy the house is: where concepts are named, how large files are, how often imports hide.

    python scripts/house.py           a table
    python scripts/house.py --where   and the places behind each figure

Figures are read off the syntax trees of `dagreg/`; nothing is imported or run.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "dagreg"
FAMILIES = {
    "gaussian", "student_t", "lognormal", "gamma", "exponential", "weibull", "beta", "bernoulli", "binomial",
    "beta_binomial", "poisson", "negative_binomial", "zero_inflated_poisson",
    "zero_inflated_negative_binomial",
    "hurdle_poisson", "hurdle_negative_binomial", "zero_one_inflated_beta", "ordered_beta", "von_mises",
    "skew_normal",
}  # fmt: skip
# `categorical` and `ordinal` are types of nodes as well, and cannot be told apart by their word.
ESTIMATORS = {"adjusted", "chain", "frontdoor", "instrument", "functional", "unadjusted", "adjustment"}
# Words of estimators and strategies that mean something else in these files, and cannot be told apart by
# their word.
HOMONYMS = {
    "doubts/between_groups.py": {"adjustment"},  # why a predictor is in a regression
    "model/lower.py": {"adjustment"},
    "model/terms.py": {"adjustment"},
    "engines/posterior.py": {"chain"},  # ArviZ's dimension
    "identify/notes.py": {"instrument"},  # a node's role
    "report/draw.py": {"adjusted"},  # a node's look
    "report/looks.py": {"adjusted", "instrument"},
    "report/json.py": {"adjustment", "frontdoor", "instrument"},  # keys
    "spec/convert/draft.py": {"adjusted"},  # a mark of DAGitty's
    "spec/convert/losses.py": {"adjusted"},
    "spec/convert/marks.py": {"adjusted"},
}
ENGINES = {"exact", "metropolis", "nuts"}
SHORT_FILE = 60  # lines below which a file may be only a corridor
WIDE = 115  # characters from which a line counts as wide


@dataclass(frozen=True)
class Module:
    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def strings(self) -> Iterator[str]:
        """Every string of the code; docstrings are prose and do not count."""
        alone = [n.value for n in ast.walk(self.tree) if isinstance(n, ast.Expr)]
        prose = {id(value) for value in alone if isinstance(value, ast.Constant)}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                yield node.value

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node


@dataclass(frozen=True)
class Figure:
    name: str
    value: str
    bar: str
    where: Sequence[str] = ()


def modules() -> list[Module]:
    return [Module(path, path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))]


def naming(house: Sequence[Module], words: set[str], own: tuple[str, ...]) -> list[str]:
    """The files outside of a concept's own folder that name one of its kinds in a string."""
    return [m.name for m in house if not m.name.startswith(own) and words & set(m.strings())]


def only_homonyms(module: Module, words: set[str]) -> bool:
    """Whether the words that this file has in common with a concept all mean something else in it."""
    return words & set(module.strings()) <= HOMONYMS.get(module.name, set())


def importing_functions(module: Module) -> list[str]:
    """Functions with an import inside, each under its own name only."""
    found = []
    for function in module.functions():
        inner = {
            id(n)
            for f in ast.walk(function)
            if f is not function and isinstance(f, ast.FunctionDef)
            for n in ast.walk(f)
        }
        if any(isinstance(n, ast.Import | ast.ImportFrom) and id(n) not in inner for n in ast.walk(function)):
            found.append(f"{module.name}:{function.lineno} {function.name}")
    return found


def named_once(house: Sequence[Module]) -> tuple[list[str], int]:
    """The private functions that are named once besides their definition, and the number of all functions."""
    lonely, count = [], 0
    for module in house:
        uses: dict[str, int] = {}
        for node in ast.walk(module.tree):
            name = (
                node.id
                if isinstance(node, ast.Name)
                else node.attr
                if isinstance(node, ast.Attribute)
                else None
            )
            if name is not None:
                uses[name] = uses.get(name, 0) + 1
        for function in module.functions():
            count += 1
            private = function.name.startswith("_") and not function.name.startswith("__")
            if private and uses.get(function.name, 0) == 1:
                lonely.append(f"{module.name}:{function.lineno} {function.name}")
    return lonely, count


def shared_type_names(house: Sequence[Module]) -> list[str]:
    """Public types (classes and aliases) whose name stands for something in several modules, with these."""
    homes: dict[str, list[str]] = {}
    for module in house:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.TypeAlias):
                names = [node.name.id]
            elif isinstance(node, ast.Assign):
                names = [n.id for n in node.targets if isinstance(n, ast.Name) and not n.id.isupper()]
            else:
                names = []
            for name in names:
                if name[0].isupper():
                    homes.setdefault(name, []).append(module.name)
    return [f"{name}: {', '.join(where)}" for name, where in sorted(homes.items()) if len(where) > 1]


def named_found(house: Sequence[Module]) -> list[str]:
    """Functions with a local that is named for how it came about and not for what it holds."""
    return [
        f"{module.name}:{function.lineno} {function.name}"
        for module in house
        for function in module.functions()
        if any(
            isinstance(n, ast.Name) and n.id == "found" and isinstance(n.ctx, ast.Store)
            for n in ast.walk(function)
        )
    ]


def figures() -> list[Figure]:
    house = modules()
    sizes = {m.name: len(m.lines) for m in house}
    lonely, functions = named_once(house)
    wide = [f"{m.name}:{i}" for m in house for i, line in enumerate(m.lines, 1) if len(line) >= WIDE]
    total = sum(sizes.values())
    lazy = [place for m in house for place in importing_functions(m)]
    short = [f"{name} ({size})" for name, size in sizes.items() if size < SHORT_FILE]
    pipeline = next(m for m in house if m.name == "pipeline.py")
    hidden = [
        n for f in pipeline.functions() for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)
    ]
    largest = max(sizes, key=lambda name: sizes[name])
    families = naming(house, FAMILIES, ("families/",))
    estimators = naming(house, ESTIMATORS, ())
    others = [m.name for m in house if m.name in estimators and only_homonyms(m, ESTIMATORS)]
    engines = naming(house, ENGINES, ("engines/",))
    share = len(lonely) / functions
    shared, found = shared_type_names(house), named_found(house)
    return [
        Figure("files that name a family in a string", str(len(families)), "<= 2", families),
        Figure(
            "files that name an estimator or a strategy",
            f"{len(estimators) - len(others)} (and {len(others)} homonyms)",
            "<= 3",
            [name for name in estimators if name not in others],
        ),
        Figure("files that name an engine", str(len(engines)), "<= 3", engines),
        Figure("pipeline.py: lines", str(sizes["pipeline.py"]), "<= 200"),
        Figure("pipeline.py: imports inside functions", str(len(hidden)), "few"),
        Figure("functions with imports inside", str(len(lazy)), "<= 15", lazy),
        Figure(
            "private functions named once", f"{len(lonely)} of {functions} ({share:.0%})", "< 15%", lonely
        ),
        Figure("type names in several modules", str(len(shared)), "fewer", shared),
        Figure("functions with a local `found`", str(len(found)), "fewer", found),
        Figure("files; lines", f"{len(house)}; {total:,}", ""),
        Figure(
            "median file; largest",
            f"{statistics.median(sizes.values()):.0f}; {sizes[largest]} ({largest})",
            "",
        ),
        Figure(f"files under {SHORT_FILE} lines", str(len(short)), "fewer", short),
        Figure(
            f"lines of {WIDE} characters and more", f"{len(wide)} ({len(wide) / total:.2%})", "< 0.2%", wide
        ),
    ]


def main() -> None:
    table = figures()
    width = max(len(f.name) for f in table)
    for figure in table:
        print(f"{figure.name:<{width}}  {figure.value:<28}  {figure.bar}")
        if "--where" in sys.argv[1:]:
            print("".join(f"    {place}\n" for place in figure.where), end="")


if __name__ == "__main__":
    main()
