"""The likelihoods: a family is a file of this folder that defines `FAMILY`, and all that is known of it
stands there.

`FAMILIES` reads the folder and orders what it finds by `place`. Files without a `FAMILY` hold what several
share.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from dagreg.families.family import Family

__all__ = ["FAMILIES", "Family", "default_family"]


def _found() -> Iterator[Family]:
    for module in iter_modules(__path__):
        family = getattr(import_module(f"{__name__}.{module.name}"), "FAMILY", None)
        if family is not None:
            yield family


FAMILIES: Mapping[str, Family] = {
    family.name: family for family in sorted(_found(), key=lambda f: (f.place, f.name))
}


def default_family(case: str) -> Family | None:
    """The family of a type of response, or of one with "trials", where the user names none."""
    return next((family for family in FAMILIES.values() if case in family.default_for), None)
