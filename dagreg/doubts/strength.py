"""The order in which doubts about an answer are read: what could overturn it first.

A doubt is the stronger the more of the answer is lost if it is right: the graph itself (the number is of
something else), what no data tell (the number is an assumption), what these data do not tell (it is the
priors'), what the regression leaves (it is biased), how sure it is, and how it is written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dagreg.errors import Doubt

STRENGTH: tuple[str, ...] = (
    "DR531",  # the graph against the data: two estimators disagree,
    "DR534",  # an independence that it implies is rejected,
    "DR62",
    "DR66",  # a placebo moves
    "DR533",  # what no data tell: an instrument, weak or not,
    "DR532",
    "DR60",  # a common cause that is not measured
    "DR61",
    "DR518",  # what these data do not tell: columns that are one,
    "DR519",  # no row against an effect without end,
    "DR522",  # strata with one side only,
    "DR63",
    "DR516",  # an answer that is the prior's
    "DR511",
    "DR515",
    "DR535",  # what the regression leaves: groups that confound,
    "DR526",
    "DR590",  # one effect for all where it differs
    "DR523",
    "DR64",
    "DR521",  # how sure it is
    "DR524",
    "DR65",
    "DR536",  # how it is written
    "DR437",
    "DR517",
)
"""Codes, and the first four letters of blocks of them, the strongest first."""

_PLACE = {code: i for i, code in enumerate(STRENGTH)}


def strength(doubt: Doubt) -> int:
    """The place of a doubt in the order: 0 is the strongest, and what is not in it comes last."""
    return _PLACE.get(doubt.code, _PLACE.get(doubt.code[:4], len(STRENGTH)))


def strongest_first(doubts: Iterable[Doubt], about: str) -> tuple[Doubt, ...]:
    """These doubts in order, each once; those that do not say what they touch are about `about`."""
    named = (d if d.about else replace(d, about=about) for d in doubts)
    return tuple(sorted(dict.fromkeys(named), key=strength))
