"""What a spec's checks ask of the families. Their files are read by the first spec that names one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from dagreg.spec.shapes import Word

if TYPE_CHECKING:
    from dagreg.families import Family
    from dagreg.families.family import Parameter


@cache
def _families() -> Mapping[str, Family]:
    from dagreg.families import (
        FAMILIES,
    )  # a tenth of the time that `explain` takes, and few specs name a family

    return FAMILIES


def family_word() -> Word:
    families = _families()
    return Word(tuple(families), "family", {word: f.name for f in families.values() for word in f.synonyms})


def link_word() -> Word:
    from dagreg.families.links import LINKS  # as above

    return Word(tuple(LINKS), "link")


def takes_trials(family: str | None) -> bool:
    """Whether responses of this family are out of trials."""
    return family is not None and _families()[family].trials


def parameters() -> dict[str, Parameter]:
    """The parameters besides the mean that any family has, by name: the keys of `priors:` that
    name no node.
    """
    return {p.name: p for p in _all_parameters()}


def _all_parameters() -> Iterator[Parameter]:
    for family in _families().values():
        yield from family.parameters
