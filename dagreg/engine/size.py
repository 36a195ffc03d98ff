"""Whether the draws that are asked for can be held, before any is made."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

from dagreg.errors import DagregError, Diagnostic
from dagreg.model.types import Model
from dagreg.spec.types import Sampling

MOST = 2_000_000  # draws of all chains: by then chance moves a mean by a thousandth of its sd, and they take minutes
COPIES = 4  # of the draws that a fit holds at its worst, as measured
SHARE = 0.5  # of the machine's memory

_NOTE = "4,000 independent draws give a mean to 2 % of its sd: ask for fewer with `sampling:` or `--draws`"


def check_count(sampling: Sampling) -> None:
    """Raises DagregError (DR574) for more draws than a fit makes."""
    asked = sampling.draws * sampling.chains
    if asked > MOST:
        message = f"{sampling.chains:,} chains of {sampling.draws:,} draws are {asked:,}, and at most {MOST:,} are made"
        raise DagregError((Diagnostic("DR574", message, notes=(_NOTE,)),))


def check_memory(models: Sequence[Model], sampling: Sampling) -> None:
    """Raises DagregError (DR574) where the draws of these models would take more than half of the machine's memory."""
    asked = sampling.draws * sampling.chains
    numbers = sum(map(_width, models))
    needed, there = 8 * COPIES * asked * numbers, _memory()
    if there and needed > SHARE * there:
        message = f"{asked:,} draws of {numbers:,} parameters need about {_amount(needed)} of memory"
        raise DagregError((Diagnostic("DR574", f"{message}, and this machine has {_amount(there)}", notes=(_NOTE,)),))


def check_rows(rows: int, columns: int) -> None:
    """Raises DagregError (DR574) where simulated rows would take more than half of the machine's memory."""
    needed, there = 8 * COPIES * rows * columns, _memory()
    if there and needed > SHARE * there:
        message = f"{rows:,} rows of {columns:,} columns need about {_amount(needed)} of memory"
        note = "simulate fewer rows, or several times with another `--seed`"
        raise DagregError((Diagnostic("DR574", f"{message}, and this machine has {_amount(there)}", notes=(note,)),))


def _amount(size: float) -> str:
    return f"{size / 2**30:,.1f} GB"


def _width(model: Model) -> int:
    """How many numbers a draw of a model is."""
    found = 0
    for equation in model.equations:
        sizes = {s: math.prod(len(labels) for _, labels in dims) for s, dims in equation.dimensions.items()}
        found += sum(sizes.get(symbol, 1) for symbol in equation.parameters)
    return found


def _memory() -> int:
    """The machine's, in bytes; 0 where it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
