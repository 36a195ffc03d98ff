"""Every form of a spec that is right, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagreg.errors import SpecError, render
from dagreg.spec.load import load, loads
from dagreg.spec.types import Adjust, DataRef, Effect, Node, Sampling, Spec

SHORT = """\
data: waffles.csv
edges:
  - A -> M -> D
  - A -> D
effect: M -> D
"""

LONG = """\
dagreg: 1                        # language version, optional
name: coaching
data: hr.parquet
missing: error
nodes:
  coached: binary
  retained: binary
  engagement: {type: ordinal, levels: [low, mid, high]}
  band: {type: categorical, levels: [a, b, c], reference: a}
  site: {type: group, slopes: [coached]}
  tenure: {column: tenure_months, transform: log, label: Tenure, unit: months}
  aptitude: unobserved
edges:
  - tenure, band, site -> coached, retained
  - coached -> engagement -> retained
  - coached -> retained
  - aptitude -> engagement, retained
  - coached <-> site             # an unnamed common cause of both
effect:
  exposure: coached
  outcome: retained
  kind: total
  contrast: [0, 1]
  by: [band]
  adjust: [tenure, band, site]
regressions:
  retained:
    family: bernoulli
    link: logit
    interactions: ["coached:band"]
    varying: {site: [intercept, coached]}
    priors:
      intercept: Normal(0, 1.5)
      coached: Normal(0, 1)
      slopes: Normal(0, 1)
      sigma: Exponential(1)
sampling: {draws: 500, tune: 600, chains: 2, seed: 7, target_accept: 0.95, engine: nuts}
"""

GRAPH = "edges:\n  - a -> b\n"


def codes(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        loads(text)
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


def arrows(spec: Spec) -> list[str]:
    return [f"{edge.source} {'<->' if edge.bidirected else '->'} {edge.target}" for edge in spec.edges]


def test_the_short_form() -> None:
    spec = loads(SHORT, file="waffles.yaml")
    assert spec.name == "waffles"
    assert list(spec.nodes) == ["A", "M", "D"]
    assert not spec.declared
    assert arrows(spec) == ["A -> M", "M -> D", "A -> D"]
    assert [(effect.exposure, effect.outcome, effect.kind) for effect in spec.effects] == [
        (("M",), "D", "total")
    ]
    assert spec.data is not None
    assert spec.data.source == "waffles.csv"
    assert spec.text == SHORT
    assert spec.path is None


def test_the_long_form() -> None:
    spec = loads(LONG)
    assert (spec.name, spec.missing, spec.declared) == ("coaching", "error", True)
    assert spec.nodes["engagement"].levels == ("low", "mid", "high")
    assert spec.nodes["band"].reference == "a"
    assert spec.nodes["site"].slopes == ("coached",)
    tenure = spec.nodes["tenure"]
    assert (tenure.type, tenure.column, tenure.transform, tenure.label, tenure.unit) == (
        None, "tenure_months", "log", "Tenure", "months",
    )  # fmt: skip
    assert not spec.nodes["aptitude"].observed
    assert len(spec.edges) == 12
    assert arrows(spec)[-1] == "coached <-> site"
    effect = spec.effects[0]
    assert effect.contrast == (0, 1)
    assert effect.by == ("band",)
    assert effect.adjust is not None
    assert effect.adjust.exactly == ("tenure", "band", "site")
    regression = spec.regressions["retained"]
    assert (regression.family, regression.link) == ("bernoulli", "logit")
    assert regression.interactions == (("coached", "band"),)
    assert regression.varying == {"site": ("intercept", "coached")}
    assert {term: str(prior) for term, prior in regression.priors.items()} == {
        "intercept": "Normal(0, 1.5)",
        "coached": "Normal(0, 1)",
        "slopes": "Normal(0, 1)",
        "sigma": "Exponential(1)",
    }
    assert spec.sampling == Sampling(500, 600, 2, 7, 0.95, "nuts")


def test_sampling_has_defaults() -> None:
    assert loads(SHORT).sampling == Sampling()
    assert loads(SHORT + "sampling: {draws: 10}\n").sampling == Sampling(draws=10)


# ---------------------------------------------------------------- nodes


@pytest.mark.parametrize(
    ("written", "fields"),
    [
        ("", {}),
        ("{}", {}),
        ("null", {}),
        ("count", {"type": "count"}),
        ("{type: count}", {"type": "count"}),
        ("unobserved", {"observed": False}),
        ("{type: unobserved}", {"observed": False}),
        ("{observed: false, label: Talent, cost: 3, selected: true}",
         {"observed": False, "label": "Talent", "cost": 3.0, "selected": True}),
        ("{observed: true}", {}),
        ("{levels: [1, 2.5, x, true]}", {"levels": (1, 2.5, "x", True)}),
        ("{levels: [no, yes], reference: no}", {"levels": ("no", "yes"), "reference": "no"}),
        ("{reference: 0}", {"reference": 0}),
        ("{type: positive, transform: log1p}", {"type": "positive", "transform": "log1p"}),
        ("{type: proportion, transform: logit}", {"type": "proportion", "transform": "logit"}),
        ("{family: negative_binomial, link: log, offset: days}",
         {"family": "negative_binomial", "link": "log", "offset": "days"}),
        ("{family: binomial, trials: n}", {"family": "binomial", "trials": "n"}),
        ("{family: binomial, trials: 12}", {"family": "binomial", "trials": 12}),
        ("{error: se}", {"error": "se"}),
        ("{error: {scale: se}}", {"error": "se", "error_is_scale": True}),
        ("{censored: flag}", {"censored": "flag"}),
        ("{type: categorical, pool: true}", {"type": "categorical", "pool": True}),
        ("{type: count, pool: false}", {"type": "count"}),
        ("{description: 'how many', column: 'no. of x'}", {"description": "how many", "column": "no. of x"}),
    ],
)  # fmt: skip
def test_node_forms(written: str, fields: dict[str, Any]) -> None:
    node = loads(f"nodes:\n  x: {written}\nedges: []\n").nodes["x"]
    assert node == Node("x", span=node.span, **fields)


def test_trials_may_belong_to_a_binomial_regression() -> None:
    text = (
        "nodes: {x: binary, y: {type: count, trials: n}}\nedges: [x -> y]\nregressions: {y: {family: "
        "binomial}}\n"
    )
    assert loads(text).regressions["y"].family == "binomial"


@pytest.mark.parametrize(
    "name", ["no", "y", "1e", "a.b", "two words", "收入", "x'", "a:b", "naïve", "-", "null "]
)
def test_names_are_text_of_any_kind(name: str) -> None:
    spec = loads(f"edges:\n  - {name.strip()}x -> b\n")
    assert f"{name.strip()}x" in spec.nodes


def test_words_that_older_yaml_reads_as_booleans_are_names() -> None:
    assert list(loads("edges: [no -> yes, 'on -> off', y -> n]\n").nodes) == [
        "no",
        "yes",
        "on",
        "off",
        "y",
        "n",
    ]


def test_names_that_look_like_arrows_work_in_pairs() -> None:
    spec = loads("nodes: {'a -> b': count, 'c, d': count, 'e--f': count}\nedges: [['a -> b', 'c, d'], e--f "
                 "<- e--f2]\n"
                 .replace("e--f <- e--f2", "[e--f, 'c, d']"))  # fmt: skip
    assert arrows(spec) == ["a -> b -> c, d", "e--f -> c, d"]


def test_a_declared_name_is_taken_as_it_stands() -> None:
    assert arrows(loads("nodes: {pre--post: count, b: count}\nedges: [pre--post -> b]\n")) == [
        "pre--post -> b"
    ]


# ---------------------------------------------------------------- effects


@pytest.mark.parametrize(
    ("written", "effect"),
    [
        ("a -> b", Effect(("a",), "b")),
        ("a, c -> b", Effect(("a", "c"), "b")),
        ("{exposure: a, outcome: b}", Effect(("a",), "b")),
        ("{exposure: [a, c], outcome: b, kind: direct}", Effect(("a", "c"), "b", "direct")),
        ("{exposure: a, outcome: b, kind: mediation}", Effect(("a",), "b", "mediation")),
        ("{exposure: a, outcome: b, contrast: [no, 1]}", Effect(("a",), "b", contrast=("no", 1))),
        ("{exposure: a, outcome: b, by: c}", Effect(("a",), "b", by=("c",))),
        ("{exposure: a, outcome: b, adjust: []}", Effect(("a",), "b", adjust=Adjust(()))),
        ("{exposure: a, outcome: b, adjust: {include: [c], exclude: [u]}}",
         Effect(("a",), "b", adjust=Adjust(None, ("c",), ("u",)))),
    ],
)  # fmt: skip
def test_effect_forms(written: str, effect: Effect) -> None:
    text = f"nodes: {{a: , b: , c: , u: unobserved}}\nedges: ['a, c, u -> b']\neffect: {written}\n"
    read = loads(text).effects[0]
    adjust = read.adjust and Adjust(read.adjust.exactly, read.adjust.include, read.adjust.exclude)
    assert Effect(read.exposure, read.outcome, read.kind, read.contrast, read.by, adjust) == effect


def test_several_effects() -> None:
    spec = loads("edges: [a -> b -> c]\neffects:\n  - a -> b\n  - {exposure: a, outcome: c}\n")
    assert [effect.outcome for effect in spec.effects] == ["b", "c"]


def test_a_spec_may_ask_nothing() -> None:
    assert loads(GRAPH).effects == ()


def test_an_effect_may_run_against_the_arrows() -> None:
    assert loads(GRAPH + "effect: b -> a\n").effects[0].exposure == ("b",)


# ---------------------------------------------------------------- data, regressions


@pytest.mark.parametrize(
    ("written", "data"),
    [
        ("a.csv", DataRef("a.csv")),
        ("'*.parquet'", DataRef("*.parquet")),
        ("postgres://host/db", DataRef("postgres://host/db")),
        ("{source: a.duckdb, table: t}", DataRef("a.duckdb", "t")),
        ("{source: a.duckdb, query: 'select 1'}", DataRef("a.duckdb", None, "select 1")),
    ],
)
def test_data_forms(written: str, data: DataRef) -> None:
    read = loads(f"{GRAPH}data: {written}\n").data
    assert read is not None
    assert DataRef(read.source, read.table, read.query) == data


def test_interactions_as_text_or_list() -> None:
    spec = loads("edges: ['a, b, c:d -> y']\nregressions: {y: {interactions: ['a:b', [a, c:d], 'b:c:d']}}\n")
    assert spec.regressions["y"].interactions == (("a", "b"), ("a", "c:d"), ("b", "c:d"))


def test_priors_of_interactions() -> None:
    spec = loads("edges: ['a, b -> y']\nregressions:\n  y:\n    priors:\n      a:b: Normal(0, 1)\n")
    assert list(spec.regressions["y"].priors) == ["a:b"]


# ---------------------------------------------------------------- all mistakes together


def test_mistakes_are_sorted_by_place() -> None:
    with pytest.raises(SpecError) as caught:
        loads("sampling: {draws: 0}\nnodes: {a: , b: }\nedges: [a -> c]\neffect: a -> d\nmissing: never\n")
    lines = [diagnostic.span.line for diagnostic in caught.value.diagnostics if diagnostic.span]
    assert lines == [1, 3, 4, 5]


def test_a_broken_edge_does_not_make_its_names_unknown() -> None:
    assert codes("edges: [a => b]\neffect: a -> b\n") == ["DR121"]


def test_broken_nodes_do_not_make_every_name_unknown() -> None:
    assert codes("nodes: 3\nedges: [a -> b]\neffect: a -> b\n") == ["DR111"]


def test_a_misspelt_type_leaves_its_node_known() -> None:
    assert codes("nodes: {a: binry, b: }\nedges: [a -> b]\neffect: a -> b\n") == ["DR112"]


def test_a_misspelt_key_is_not_also_missing() -> None:
    assert codes("edge: [a -> b]\n") == ["DR103"]


def test_merely_many_mistakes_do_not_take_long() -> None:
    names = "\n".join(f"  - node_{i} -> other_{i}" for i in range(3000))
    with pytest.raises(SpecError, match="and 5,980 more mistakes") as caught:
        loads(f"nodes: {{x: }}\nedges:\n{names}\n")
    assert [d.code for d in caught.value.diagnostics] == [*["DR102"] * 20, "DR196"]


# ---------------------------------------------------------------- files


def test_load_names_the_spec_after_its_file(tmp_path: Path) -> None:
    path = tmp_path / "waffles.yaml"
    path.write_text(SHORT, encoding="utf-8")
    spec = load(path)
    assert (spec.name, spec.path) == ("waffles", str(path))
    assert load(str(path)) == spec


def test_a_byte_order_mark_is_no_character(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffedges: [a -> a]\n".encode())
    with pytest.raises(SpecError) as caught:
        load(path)
    span = caught.value.diagnostics[0].span
    assert span is not None
    assert (span.line, span.column) == (1, 9)


def test_windows_line_breaks() -> None:
    assert arrows(loads("edges: |\r\n  a -> b\r\n  b -> c\r\n")) == ["a -> b", "b -> c"]


def test_a_byte_that_is_not_utf8_is_located(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("edges:\n  - é, ".encode() + b"\xe9 -> b\n")
    with pytest.raises(SpecError) as caught:
        load(path)
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == "DR108"
    assert diagnostic.span is not None
    assert (diagnostic.span.line, diagnostic.span.column) == (2, 8)


@pytest.mark.parametrize("name", ["absent.yaml", ".", "a\0b.yaml"])
def test_files_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(tmp_path / name)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["DR100"]


@pytest.mark.parametrize("byte", [b"#", b"\xff"])
def test_a_file_over_a_megabyte(tmp_path: Path, byte: bytes) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(byte * 1_000_001)
    with pytest.raises(SpecError) as caught:
        load(path)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["DR107"]


def test_depth_costs_no_recursion() -> None:
    assert codes("a: " + "[" * 100_000) == ["DR107"]
    assert codes("\n".join(" " * i + "a:" for i in range(500))) == ["DR107"]


def test_edges_beyond_counting() -> None:
    many = ", ".join(f"a{i}" for i in range(1000))
    assert codes(f"edges:\n  - {many} -> {many.replace('a', 'b')}\n") == ["DR107"]


def test_a_long_chain_costs_no_recursion() -> None:
    chain = " -> ".join(f"a{i}" for i in range(20_000))
    assert len(loads(f"edges: {chain}\n").edges) == 19_999
    assert codes(f"edges: {chain} -> a0\n") == ["DR124"]


# ---------------------------------------------------------------- anything at all


def attempt(text: str) -> None:
    """Loads and, where that is refused, draws every diagnostic."""
    try:
        loads(text)
    except SpecError as error:
        shown = [render(diagnostic, error.text) for diagnostic in error.diagnostics]
    else:
        shown = ["loaded"]
    assert shown


@given(st.text(max_size=200))
def test_arbitrary_text_raises_nothing_but_spec_errors(text: str) -> None:
    attempt(text)


PIECES = st.sampled_from([
    "edges", "nodes", "effect", "effects", "regressions", "sampling", "data", "priors", "varying", "adjust",
    ":", ": ", "\n", "\n  ", "\n    ", "- ", "\n  - ", "[", "]", "{", "}", ", ", "->", " <-> ", " => ", '"',
    "'",
    "|\n  ", ">\n  ", "#", " # ", "a", "b", "y", "1", "1e3", "null", "true", "Normal(0, 1)", "(", ")", "&a ",
    "*a",
    "!t ", "? ", "<<", "---\n", "\t", "é", "收", "🙂", "\\u00e9", "\r\n", "\x85", "\u2028", ";", "type: ",
    "binary",
    "exposure: ", "outcome: ", "intercept", "sigma", "observed: ", "levels: ", "trials: ", "error: ",
    "scale: ",
])  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("".join))
def test_pieces_of_specs_raise_nothing_but_spec_errors(text: str) -> None:
    attempt(text)


@given(st.data())
def test_a_long_spec_with_a_hole_raises_nothing_but_spec_errors(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(LONG)))
    stop = data.draw(st.integers(start, min(start + 40, len(LONG))))
    attempt(LONG[:start] + data.draw(PIECES) + LONG[stop:])
