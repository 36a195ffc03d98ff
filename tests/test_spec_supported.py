"""What parses and validates, and is not supported yet."""

from __future__ import annotations

import pytest

from dagreg.spec import supported
from dagreg.spec.load import loads

NODES = "nodes:\n  a: binary\n  b: {}\n  g: group\nedges:\n  - a, g -> b\n"


def features(text: str) -> list[tuple[str, int]]:
    """The feature that each diagnostic names, and its line."""
    return [
        (diagnostic.message.removeprefix("not supported yet: "), diagnostic.span.line if diagnostic.span else 0)
        for diagnostic in supported.unsupported(loads(text))
    ]


FAMILIES = "families other than gaussian, bernoulli, binomial and poisson"
LINKS = "links other than the family's own"
LATER = [
    ("missing: impute\nedges: [a -> b]\n", "`missing: impute`", 1),
    ("edges: [a -> b]\neffect: {exposure: a, outcome: b, kind: mediation}\n", "`kind: mediation`", 2),
    ("edges: [a -> b]\neffects:\n  - a -> b\n  - {exposure: a, outcome: b, kind: mediation}\n", "`kind: mediation`", 4),
    ("nodes:\n  a: count\n  b: {family: gamma}\nedges: [a -> b]\n", FAMILIES, 3),
    ("edges: [a -> b]\nregressions:\n  b:\n    family: beta\n", FAMILIES, 4),
    ("nodes:\n  a: count\n  b: {type: binary, link: probit}\nedges: [a -> b]\n", LINKS, 3),
    ("nodes: {a: count, b: count}\nedges: [a -> b]\nregressions:\n  b: {link: identity}\n", LINKS, 4),
    ("nodes:\n  a: {error: se}\n  b: count\nedges: [a -> b]\n", "`error`", 2),
    ("nodes:\n  a: {error: {scale: se}}\n  b: count\nedges: [a -> b]\n", "`error`", 2),
    ("nodes:\n  a: {censored: c}\n  b: count\nedges: [a -> b]\n", "`censored`", 2),
    ("nodes:\n  a: {type: categorical, pool: true}\n  b: count\nedges: [a -> b]\n", "`pool`", 2),
    ("edges: [a -> b]\ndata: postgres://host/db\n", "`data` from a database", 2),
    ("edges: [a -> b]\ndata: {source: postgres://host/db, table: t}\n", "`data` from a database", 2),
    ("edges: [a -> b]\nsampling:\n  engine: exact\n", "`engine: exact`", 3),
    ("nodes:\n  a: group\n  b: count\nedges: [a -> b]\n", "nodes of type `group`", 2),
    ("nodes:\n  a: {type: ordinal}\n  b: count\nedges: [a -> b]\n", "nodes of type `ordinal`", 2),
]


@pytest.mark.parametrize(("text", "feature", "line"), LATER)
def test_later_features_are_located(text: str, feature: str, line: int) -> None:
    if feature not in supported.LATER:
        pytest.skip("supported by now")
    assert features(text) == [(feature, line)]


def test_slopes_and_varying_terms() -> None:
    text = NODES.replace("g: group", "g: {type: group, slopes: [a]}")
    found = features(text + "regressions:\n  b:\n    varying: {g: [a]}\n")
    assert [row for row in found if row[0] in ("`slopes`", "`varying`")] == [
        (feature, line) for feature, line in (("`slopes`", 4), ("`varying`", 9)) if feature in supported.LATER
    ]


@pytest.mark.parametrize(
    "text",
    [
        "edges: [a -> b]\neffect: {exposure: a, outcome: b, kind: direct}\nmissing: drop\n",
        "nodes: {a: count, b: {family: gaussian, link: identity}}\nedges: [a -> b]\n",
        "nodes: {a: positive, b: {type: binary, link: logit}}\nedges: [a -> b]\n",
        "nodes: {a: binary, b: {type: count, family: binomial, trials: 3, link: logit}}\nedges: [a -> b]\n",
        "nodes: {a: {type: categorical, pool: false}, b: {type: count, offset: days}}\nedges: [a -> b]\n",
        "nodes: {a: count, b: {link: logit}}\nedges: [a -> b]\n",
        "edges: [a -> b]\nsampling: {engine: nuts}\ndata: a.csv\n",
    ],
)
def test_what_is_supported(text: str) -> None:
    assert features(text) == []


def test_removing_a_row_opens_a_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {name: places for name, places in supported.LATER.items() if name != "`missing: impute`"}
    monkeypatch.setattr(supported, "LATER", rows)
    assert features("missing: impute\nedges: [a -> b]\n") == []
