"""Names from the spec never become code: identifiers are made here, and are unique."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable

from dagreg.families import FAMILIES

RESERVED = frozenset(  # words of the emitted program, and what families call there
    """
    absent alpha arviz beta build columns coords data draws duckdb eta every_level filled float
    index indicators int levels log_above log_between main math model mu natural_spline np numpy
    nutpie pm polynomial positions product
    products pt pymc pytensor query row rows several sigma sys trace values
    """.split()  # noqa: SIM905  # thirty quoted words read worse
) | {helper.__name__ for family in FAMILIES.values() for helper in family.helpers}


COEFFICIENT = "beta"  # what the symbols of slopes begin with


class Namer:
    """Gives every name an ASCII identifier of its own, none of those `taken`.

    Asked in the same order, it answers the same.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)

    def identifier(self, *parts: str) -> str:
        """The parts joined by `_`, made an identifier; a number is added where that is already taken."""
        words = (re.sub(r"\W+", "_", part, flags=re.ASCII).strip("_") for part in parts)
        base = "_".join(word for word in words if word) or "v"
        if (
            not base[0].isalpha()
            or keyword.iskeyword(base)
            or keyword.issoftkeyword(base)
            or base in RESERVED
        ):
            base = f"v_{base}"
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name
