"""The words by which other programs mark nodes, and what they mean here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dagreg.errors import Span, either
from dagreg.spec.convert.draft import Draft, MarkedRole
from dagreg.spec.source import shorten

ROLES: Mapping[str, MarkedRole] = {
    "exposure": "exposure",
    "source": "exposure",
    "e": "exposure",
    "outcome": "outcome",
    "target": "outcome",
    "o": "outcome",
    "adjusted": "adjusted",
    "a": "adjusted",
    "latent": "unobserved",
    "l": "unobserved",
    "unobserved": "unobserved",
    "u": "unobserved",
    "hidden": "unobserved",
    "selected": "selected",
    "s": "selected",
}
"""dagitty's words with their synonyms (its GraphParser), and `hidden`."""

SPELLED_OUT = tuple(word for word in ROLES if len(word) > 1)
"""Words that graphs with attributes of every kind may be searched for; one letter could mean anything there.
"""

_TRUTH: Mapping[str, bool] = {
    **dict.fromkeys(("true", "yes", "1", "1.0", "on", "t"), True),
    **dict.fromkeys(("false", "no", "0", "0.0", "off", "f"), False),
}


def read_marks(draft: Draft, name: str, attributes: Mapping[str, object], span: Span | None = None) -> None:
    """Marks a node by its attributes: `observed=no`, `latent=1`, `exposure=true`, `label=...`.

    Attributes of other names are left to the caller.
    """
    if "observed" in attributes and not _truth(draft, name, "observed", attributes["observed"]):
        draft.mark("unobserved", name, span)
    for word in SPELLED_OUT:
        if word in attributes and _truth(draft, name, word, attributes[word]):
            draft.mark(ROLES[word], name, span)
    if isinstance(label := attributes.get("label"), str):
        draft.label(name, label)


def truth(value: object) -> bool | None:
    """What an attribute says; None where it says neither yes nor no."""
    return _TRUTH.get(str(value).strip().casefold())


def _truth(draft: Draft, name: str, word: str, value: object) -> bool:
    said = truth(value)
    if said is None:
        message = f"`{word}` of `{shorten(name)}` is `{shorten(str(value))}`"
        draft.mistakes.error("DR176", message, None, f"expected {either(('true', 'false'))}")
    return bool(said)


def unknown(attributes: Iterable[str]) -> list[str]:
    """The attributes that `read_marks` does not read."""
    return [key for key in attributes if key not in ("observed", "label", *SPELLED_OUT)]
