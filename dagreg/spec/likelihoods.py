"""What a spec's checks ask of the families. Their files are read by the first spec that names one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dagreg.lazy import Lazy
from dagreg.spec.shapes import Word

if TYPE_CHECKING:
    from dagreg import families
    from dagreg.families import links
    from dagreg.families.family import Parameter
else:  # a tenth of the time that `explain` takes, and few specs name a family
    families, links = Lazy("dagreg.families"), Lazy("dagreg.families.links")


def family_word() -> Word:
    known = families.FAMILIES
    return Word(tuple(known), "family", {word: f.name for f in known.values() for word in f.synonyms})


def link_word() -> Word:
    return Word(tuple(links.LINKS), "link")


def takes_trials(family: str | None) -> bool:
    """Whether responses of this family are out of trials."""
    return family is not None and families.FAMILIES[family].trials


def parameters() -> dict[str, Parameter]:
    """The parameters besides the mean that any family has, by name: the keys of `priors:` that
    name no node.
    """
    return {p.name: p for p in _all_parameters()}


def _all_parameters() -> Iterator[Parameter]:
    for family in families.FAMILIES.values():
        yield from family.parameters
