"""Every code: what it means, a spec that raises it, and that spec mended. Loaded only when it is asked for.

DR1xx are of the spec, DR2xx of graph and identification, DR3xx of data, DR4xx of models, DR5xx of fits and
results, DR6xx are doubts about an answer, DR9xx of dagreg itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A documented code: what it means, a spec that raises it, and that spec mended.

    `data` is the text of `data.csv`, which both specs read. `command` names the command that says so, where
    it is not that of the code's range (`dagreg.messages`), and `file` the examples, where they are not specs.
    """

    title: str
    explanation: str
    bad: str = ""
    good: str = ""
    data: str = ""
    command: str = ""
    file: str = "spec.yaml"


GRAPH = "edges: [a -> b]\n"
CONFOUNDED = "edges: ['z -> a, b', a -> m -> b]\n"
TYPED = "nodes: {a: binary, b: continuous}\nedges: [a -> b]\n"

CODES: Mapping[str, Code] = {
    "DR100": Code(
        "the file cannot be read",
        "It is missing, a folder, or closed to you. The message gives the reason of the operating system.",
    ),
    "DR101": Code(
        "not valid YAML",
        "The file breaks YAML's own rules: a bracket or quote left open, a tab as indentation, lines out of "
        "line.",
        bad="edges: [a -> b\n",
        good=GRAPH,
    ),
    "DR102": Code(
        "unknown node",
        "A name is used that is no node. With `nodes:` every node is declared there; without it the nodes "
        "are the names in `edges:`.",
        bad=GRAPH + "effect: a -> c\n",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR103": Code(
        "unknown key",
        "A mapping has a key that the language does not know at this place.",
        bad=GRAPH + "efect: a -> b\n",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR104": Code(
        "key given twice",
        "YAML would keep one of the two in silence.",
        bad=GRAPH + "missing: drop\nmissing: error\n",
        good=GRAPH + "missing: drop\n",
    ),
    "DR105": Code(
        "YAML feature without a place in a spec",
        "Aliases, anchors, tags, directives, merge keys and further documents would make a spec mean "
        "something other than it shows. A text that begins with `*`, `&` or `!` goes in quotes.",
        bad=GRAPH + "name: &n study\n",
        good=GRAPH + "name: '&n study'\n",
    ),
    "DR106": Code(
        "not a name",
        "Names of nodes are text: not numbers, `true`, `false` or null, not empty, on one line, without "
        "spaces at either end. Put quotes around a name that YAML reads as something else.",
        bad="nodes: {1: binary, b: binary}\nedges: []\n",
        good='nodes: {"1": binary, b: binary}\nedges: []\n',
    ),
    "DR107": Code(
        "too large",
        "A spec has at most 1 MB, 50 levels of nesting and 100,000 edges.",
        bad=GRAPH + f"name: {'[' * 60}{']' * 60}\n",
        good=GRAPH,
    ),
    "DR108": Code("not UTF-8", "Spec files are UTF-8. The message points at the first byte that is not."),
    "DR109": Code(
        "empty file",
        "There is nothing in the file but comments. A spec needs at least its edges.",
        bad="# to be written\n",
        good=GRAPH,
    ),
    "DR110": Code(
        "a value cut at its comma",
        "Between braces or brackets every comma ends a value, also one inside parentheses: "
        "`{b: Normal(0, 1)}` reaches dagreg as `b: Normal(0` and `1)`. Quote the value, or give it a line of "
        "its own.",
        bad=GRAPH + "regressions: {b: {priors: {a: Normal(0, 1)}}}\n",
        good=GRAPH + "regressions: {b: {priors: {a: 'Normal(0, 1)'}}}\n",
    ),
    "DR111": Code(
        "a value of another kind",
        "The message says what is expected here and what was found.",
        bad=TYPED + "effect: {exposure: a, outcome: [b]}\n",
        good=TYPED + "effect: {exposure: a, outcome: b}\n",
    ),
    "DR112": Code(
        "unknown word",
        "Types, families, links, transforms, kinds of effect and engines come from fixed lists.",
        bad="nodes: {a: binry, b: count}\nedges: [a -> b]\n",
        good="nodes: {a: binary, b: count}\nedges: [a -> b]\n",
    ),
    "DR113": Code(
        "number out of range",
        "The message gives the range.",
        bad=GRAPH + "sampling: {chains: 0}\n",
        good=GRAPH + "sampling: {chains: 4}\n",
    ),
    "DR114": Code(
        "something is missing",
        "A key that is needed is not there, or the graph has no nodes. A graph without arrows says `edges: "
        "[]`.",
        bad="data: waffles.csv\n",
        good="data: waffles.csv\n" + GRAPH,
    ),
    "DR115": Code(
        "given twice",
        "A list names the same thing twice.",
        bad="nodes: {a: {type: categorical, levels: [x, y, x]}, b: count}\nedges: [a -> b]\n",
        good="nodes: {a: {type: categorical, levels: [x, y]}, b: count}\nedges: [a -> b]\n",
    ),
    "DR116": Code(
        "a key by its former name",
        "It is still read. `curve:` is `dose_response:` now, so that it is not taken for `curves:`, which "
        "bends a regression.",
        bad="edges: [a -> b]\neffect: {exposure: a, outcome: b, curve: 5}\n",
        good="edges: [a -> b]\neffect: {exposure: a, outcome: b, dose_response: 5}\n",
    ),
    "DR120": Code(
        "not an edge",
        "An edge is `a -> b`, `a <- b` or `a <-> b`; chains `a -> b -> c` and lists `a, b -> c` are allowed. "
        "Names that hold an arrow, a comma or a semicolon go in a pair: `['a, b', c]`.",
        bad="edges:\n  - a ->\n",
        good="edges:\n  - a -> b\n",
    ),
    "DR121": Code(
        "unknown arrow",
        "The arrows are `->`, `<-` and `<->`, in plain characters.",
        bad="edges:\n  - a → b\n",
        good="edges:\n  - a -> b\n",
    ),
    "DR122": Code(
        "a node that causes itself", "An edge joins two nodes.", bad="edges: [a -> a]\n", good=GRAPH
    ),
    "DR123": Code(
        "edge given twice",
        "The same edge stands in the file before. `a -> b` beside `a <-> b` is not the same edge.",
        bad="edges: ['a, c -> b', a -> b]\n",
        good="edges: ['a, c -> b']\n",
    ),
    "DR124": Code(
        "cycle",
        "Following the arrows leads back to the start, so the graph is not a DAG. Effects that run both "
        "ways over time are drawn with one node for each time.",
        bad="edges: [a -> b, b -> a]\n",
        good="edges: [a0 -> b0, b0 -> a1]\n",
    ),
    "DR130": Code(
        "an attribute of an unobserved node",
        "An unobserved node has no column, and so nothing that describes one. It may have `label`, `unit`, "
        "`description`, `cost` and `selected`.",
        bad="nodes: {a: count, u: {observed: false, type: count}}\nedges: [u -> a]\n",
        good="nodes: {a: count, u: {observed: false}}\nedges: [u -> a]\n",
    ),
    "DR131": Code(
        "an attribute that does not fit the type",
        "`levels` and `reference` are for binary, categorical, ordinal and group nodes, `slopes` for groups, "
        "`pool` for categorical and ordinal nodes.",
        bad="nodes: {a: {type: continuous, levels: [1, 2]}, b: count}\nedges: [a -> b]\n",
        good="nodes: {a: {type: ordinal, levels: [1, 2]}, b: count}\nedges: [a -> b]\n",
    ),
    "DR132": Code(
        "not a level",
        "A reference or a contrast is one of the node's levels, written alike: `1` is not `'1'`. A binary "
        "node has two levels.",
        bad="nodes: {a: {type: categorical, levels: [x, y], reference: z}, b: count}\nedges: [a -> b]\n",
        good="nodes: {a: {type: categorical, levels: [x, y], reference: y}, b: count}\nedges: [a -> b]\n",
    ),
    "DR133": Code(
        "a transform that does not fit the type",
        "Only numbers can be transformed; `logit` is for proportions.",
        bad="nodes: {a: {type: binary, transform: log}, b: count}\nedges: [a -> b]\n",
        good="nodes: {a: {type: positive, transform: log}, b: count}\nedges: [a -> b]\n",
    ),
    "DR134": Code(
        "trials and binomial do not go together",
        "A binomial outcome counts successes among `trials`, a column or a number; other families have none.",
        bad="nodes: {a: binary, b: {type: count, family: binomial}}\nedges: [a -> b]\n",
        good="nodes: {a: binary, b: {type: count, family: binomial, trials: n}}\nedges: [a -> b]\n",
    ),
    "DR140": Code(
        "not an effect",
        "In short form an effect is `exposure -> outcome`, with one arrow and one outcome.",
        bad=GRAPH + "effect: a <- b\n",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR141": Code(
        "an unobserved node where a measured one is needed",
        "Exposures, outcomes, adjustment sets, groups and the terms of regressions need a column.",
        bad="nodes: {a: count, b: count, u: unobserved}\nedges: ['u -> a, b']\neffect: u -> b\n",
        good="nodes: {a: count, b: count, u: unobserved}\nedges: ['u -> a, b']\neffect: a -> b\n",
    ),
    "DR142": Code(
        "exposure and outcome are the same",
        "An effect is of one node on another.",
        bad=GRAPH + "effect: a -> a\n",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR143": Code(
        "exposure or outcome in `by` or `adjust`",
        "An effect is neither adjusted for its own ends nor reported by them.",
        bad=GRAPH + "effect: {exposure: a, outcome: b, adjust: [a]}\n",
        good=GRAPH + "effect: {exposure: a, outcome: b, adjust: []}\n",
    ),
    "DR144": Code(
        "a contrast that is not between numbers",
        "The exposure is a number, so its contrast is too.",
        bad="nodes: {a: count, b: count}\nedges: [a -> b]\neffect: {exposure: a, outcome: b, contrast: [0, "
        "high]}\n",
        good="nodes: {a: count, b: count}\nedges: [a -> b]\neffect: {exposure: a, outcome: b, contrast: [0, "
        "2]}\n",
    ),
    "DR145": Code(
        "`by` a node without levels",
        "Conditional effects are reported one for each level. Cut a continuous node into levels first.",
        bad="nodes: {a: count, b: count, c: continuous}\nedges: ['a, c -> b']\n"
        "effect: {exposure: a, outcome: b, by: [c]}\n",
        good="nodes: {a: count, b: count, c: binary}\nedges: ['a, c -> b']\n"
        "effect: {exposure: a, outcome: b, by: [c]}\n",
    ),
    "DR146": Code(
        "both `effect` and `effects`",
        "One effect stands under `effect`, several in a list under `effects`.",
        bad=GRAPH + "effect: a -> b\neffects: [b -> a]\n",
        good=GRAPH + "effects: [a -> b, b -> a]\n",
    ),
    "DR147": Code(
        "no treated and untreated",
        "The effect on the treated is the total effect of one exposure of two levels, over the rows of one "
        "of them.",
        bad="nodes: {a: count, b: count}\nedges: [a -> b]\neffect: {exposure: a, outcome: b, among: "
        "treated}\n",
        good="nodes: {a: binary, b: count}\nedges: [a -> b]\neffect: {exposure: a, outcome: b, among: "
        "treated}\n",
    ),
    "DR148": Code(
        "no doses to draw a curve over",
        "A dose-response curve is of the total effect of one exposure that is a number.",
        bad="nodes: {a: binary, b: count}\nedges: [a -> b]\neffect: {exposure: a, outcome: b, dose_response: "
        "[0, 1]}\n",
        good="nodes: {a: count, b: count}\nedges: [a -> b]\neffect: {exposure: a, outcome: b, dose_response: "
        "[0, 1]}\n",
    ),
    "DR149": Code(
        "not a regression to compare with",
        "`compare: y ~ x + a + b` is a regression of your own: its response is the effect's outcome, its "
        "terms are nodes joined by `+`, the exposures among them.",
        bad=CONFOUNDED + "effect: {exposure: a, outcome: b, compare: 'b ~ z'}\n",
        good=CONFOUNDED + "effect: {exposure: a, outcome: b, compare: 'b ~ a + m'}\n",
    ),
    "DR150": Code(
        "not a cause that can be assumed",
        "`assume: {u: {exposure: Normal(0, 0.5), outcome: Normal(0, 0.5)}}` assumes one unobserved common "
        "cause that the graph lacks, with a prior of what an sd more of it adds to exposure and outcome.",
        bad=CONFOUNDED + "effect:\n  exposure: a\n  outcome: b\n  assume:\n    z:\n"
        "      exposure: Normal(0, 1)\n      outcome: Normal(0, 1)\n",
        good=CONFOUNDED + "effect:\n  exposure: a\n  outcome: b\n  assume:\n    u:\n"
        "      exposure: Normal(0, 1)\n      outcome: Normal(0, 1)\n",
    ),
    "DR151": Code(
        "a prior for no term",
        "Priors are for `intercept`, `slopes` (all slopes not named), `sigma`, a node, or an interaction "
        "`a:b`.",
        bad=GRAPH + "regressions:\n  b:\n    priors:\n      slope: Normal(0, 1)\n",
        good=GRAPH + "regressions:\n  b:\n    priors:\n      slopes: Normal(0, 1)\n",
    ),
    "DR152": Code(
        "not a prior",
        "A prior is the name of a distribution and its numbers: `Normal(0, 1)`. Names are PyMC's.",
        bad=GRAPH + "regressions:\n  b:\n    priors:\n      a: Normel(0, 1)\n",
        good=GRAPH + "regressions:\n  b:\n    priors:\n      a: Normal(0, 1)\n",
    ),
    "DR153": Code(
        "wrong number of parameters",
        "Parameters stand in PyMC's order, or are named: `Normal(mu=0, sigma=1)`.",
        bad=GRAPH + "regressions:\n  b:\n    priors:\n      a: Normal(0)\n",
        good=GRAPH + "regressions:\n  b:\n    priors:\n      a: Normal(0, 1)\n",
    ),
    "DR154": Code(
        "a parameter out of its domain",
        "Scales, shapes and rates are above 0, and `lower` is below `upper`.",
        bad=GRAPH + "regressions:\n  b:\n    priors:\n      a: Normal(0, -1)\n",
        good=GRAPH + "regressions:\n  b:\n    priors:\n      a: Normal(0, 1)\n",
    ),
    "DR155": Code(
        "a prior with the wrong support",
        "`sigma` is a standard deviation and needs a prior above 0. A single number needs a prior for one "
        "number.",
        bad=GRAPH + "regressions:\n  b:\n    priors:\n      sigma: Normal(0, 1)\n",
        good=GRAPH + "regressions:\n  b:\n    priors:\n      sigma: HalfNormal(1)\n",
    ),
    "DR156": Code(
        "not an interaction",
        "An interaction joins two different nodes or more, the response not among them.",
        bad="edges: ['a, c -> b']\nregressions: {b: {interactions: ['a:a']}}\n",
        good="edges: ['a, c -> b']\nregressions: {b: {interactions: ['a:c']}}\n",
    ),
    "DR157": Code(
        "not a varying term",
        "Terms vary over a node of type `group`; they are `intercept` and nodes, the response not among "
        "them.",
        bad="nodes: {a: binary, g: count, b: count}\nedges: ['a, g -> b']\n"
        "regressions: {b: {varying: {g: [intercept]}}}\n",
        good="nodes: {a: binary, g: group, b: count}\nedges: ['a, g -> b']\n"
        "regressions: {b: {varying: {g: [intercept]}}}\n",
    ),
    "DR158": Code(
        "not cells",
        "Cells are combinations of the levels of binary, categorical or ordinal nodes. They stand in "
        "place of the intercept, and of all interactions of their nodes.",
        bad="nodes: {a: continuous, b: binary}\nedges: [a -> b]\nregressions: {b: {cells: [a]}}\n",
        good="nodes: {a: binary, b: binary}\nedges: [a -> b]\nregressions: {b: {cells: [a]}}\n",
    ),
    "DR159": Code(
        "not a curve",
        "A curve is `poly(degree)` or `spline(columns)` of a number among the predictors, so far without "
        "interactions and varying slopes.",
        bad="edges: [a -> b]\nregressions: {b: {curves: {a: cubic(3)}}}\n",
        good="edges: [a -> b]\nregressions: {b: {curves: {a: poly(3)}}}\n",
    ),
    "DR160": Code(
        "both `table` and `query`",
        "Rows come from a table or from a query.",
        bad=GRAPH + "data: {source: a.duckdb, table: t, query: select * from t}\n",
        good=GRAPH + "data: {source: a.duckdb, table: t}\n",
    ),
    "DR166": Code(
        "a value that no spec can hold",
        "`dagreg.Spec(...)` takes what a spec file can say: text, numbers, true and false, lists and "
        "mappings. Bad: `Spec(edges=..., data=table)`; good: `fit(Spec(edges=...), data=table)`.",
    ),
    "DR167": Code(
        "neither a spec nor its path",
        "`fit`, `explain` and their like take a `Spec` or the path of a file. Bad: `fit(text_of_a_spec)`; "
        "good: `fit(dagreg.loads(text_of_a_spec))`.",
    ),
    "DR170": Code(
        "unknown format",
        "`dagreg convert` knows yaml, dagitty, dot, gml and lavaan, by the ending of a file or by its text. "
        "`--from` and `--to` name them.",
        bad="a graph: x to y\n",
        good="dag { x -> y }\n",
        command="convert",
        file="graph.txt",
    ),
    "DR171": Code(
        "text that breaks the rules of its format",
        "The message says where reading ended and what was expected: `dag { x -> }` lacks a variable, which "
        "`dag { x -> y }` has.",
        bad="dag { x -> }\n",
        good="dag { x -> y }\n",
        command="convert",
        file="graph.dagitty",
    ),
    "DR172": Code(
        "not a DAG",
        "Only directed graphs are read: `pdag`, `mag` and `pag` stand for many DAGs each, and `x -- y` says "
        "nothing about cause and effect. Write `dag { x -> y }`, or `x <-> y` for an unobserved common "
        "cause.",
        bad="pdag { x -- y }\n",
        good="dag { x -> y }\n",
        command="convert",
        file="graph.dagitty",
    ),
    "DR173": Code(
        "a name that the format cannot hold",
        "lavaan's names are letters, digits, `.` and `_`; dagitty knows no variable `node`. Rename the "
        "node, or choose another format.",
    ),
    "DR174": Code(
        "left out of the spec",
        "The text says more than a causal graph: parameters, products, colours. The graph is read without "
        "them.",
        bad="dag { x -> y [beta=0.5] }\n",
        good="dag { x -> y }\n",
        command="convert",
        file="graph.dagitty",
    ),
    "DR175": Code(
        "left out of the written text",
        "The format holds the graph, not the whole spec: types, data and priors stay behind. Only YAML keeps "
        "all.",
    ),
    "DR176": Code(
        "neither true nor false",
        "An attribute such as `observed` or `exposure` of a node is `true` or `false`, `yes` or `no`, 1 or "
        "0.",
        bad=("digraph {\n  x [observed=perhaps]\n  x -> y\n}\n"),
        good=("digraph {\n  x [observed=false]\n  x -> y\n}\n"),
        command="convert",
        file="graph.dot",
    ),
    "DR191": Code("the file exists already", "`dagreg init` writes a new spec and never over an old one."),
    "DR192": Code(
        "no column to start from",
        "`dagreg init` writes a node for each column that varies. The message says why no column of this "
        "table does.",
    ),
    "DR196": Code(
        "more mistakes than are shown",
        "The first twenty are shown. Often one line is at fault for many: mend those, and ask again.",
    ),
    "DR198": Code(
        "a command line that cannot be read",
        "A command, an option or a value is unknown, missing, or out of its bounds. Bad: `dagreg fit "
        "a.yaml --draws 0`; good: `dagreg fit a.yaml --draws 1000`. A file whose name begins with a dash "
        "stands behind `--`.",
    ),
    "DR199": Code(
        "no help on this",
        "`dagreg help` knows commands and the codes of messages. Bad: `dagreg help DR12`; good: `dagreg help "
        "DR102`.",
    ),
    "DR201": Code(
        "the graph has a cycle",
        "The directed edges of a graph built in Python lead back to their start (of a spec file, DR124 says "
        "so).",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR202": Code(
        "an adjustment set that does not identify the effect",
        "Where `adjust:` names the set, that set has to close every path that is not causal and leave the "
        "causal ones open. The message names the path that stays open, that the set opens, or that it "
        "cuts.",
        bad=CONFOUNDED + "effect: {exposure: a, outcome: b, adjust: [m, z]}\n",
        good=CONFOUNDED + "effect: {exposure: a, outcome: b, adjust: [z]}\n",
    ),
    "DR203": Code(
        "no valid adjustment set within the bounds",
        "No valid set holds all of `include` and nothing of `exclude`. The message names a path that then "
        "stays open.",
        bad=CONFOUNDED + "effect: {exposure: a, outcome: b, adjust: {exclude: [z]}}\n",
        good=CONFOUNDED + "effect: {exposure: a, outcome: b, adjust: {include: [z]}}\n",
    ),
    "DR204": Code(
        "a node that cannot be adjusted for",
        "Exposure, outcome, unobserved nodes and names that are no node have no place in an adjustment set: "
        "`Adjust(exactly=('x',))` for an effect of `x` in Python. Of a spec file, DR102, DR141 and DR143 say "
        "so.",
        good=CONFOUNDED + "effect: {exposure: a, outcome: b, adjust: [z]}\n",
    ),
    "DR205": Code(
        "the effect names no node",
        "Exposure, outcome and `by` are nodes of the graph: not `Query(('q',), 'b')` where there is no "
        "`q`. Of a spec file, DR102 says so.",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR206": Code(
        "the effect names an unobserved node",
        "Exposure, outcome and `by` are measured. Of a spec file, DR141 says so.",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR207": Code(
        "the effect has no two ends",
        "An effect has at least one exposure, and another node as its outcome; neither is asked `by`: not "
        "`Query((), 'b')` and not `Query(('b',), 'b')`. Of a spec file, DR142 and DR143 say so.",
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR208": Code(
        "no effect is asked for",
        "The command answers a question: add `effect: x -> y` to the spec.",
        bad=GRAPH,
        good=GRAPH + "effect: a -> b\n",
    ),
    "DR209": Code("no such node", "`--node` names a node of the spec.", good=GRAPH + "effect: a -> b\n"),
    "DR300": Code(
        "no data",
        "The command needs data: add `data:` to the spec, or pass `--data`.",
        bad=("edges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
        command="fit",
    ),
    "DR301": Code(
        "the data file does not exist",
        "Paths are relative to the spec. Commands that need no data go on with a warning: undeclared "
        "types are taken as continuous and default priors are printed by their rule.",
        bad=("data: dta.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
    ),
    "DR302": Code(
        "data outside the spec's folder",
        "A spec may come from elsewhere, so it reads files beside or below it, and a `query:` or a view "
        "within a database file reads that file alone. `--allow-outside` lifts this.",
        bad=("data: ../data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
    ),
    "DR303": Code(
        "unknown kind of data file",
        "The message lists the endings that are known.",
        bad=("data: spec.yaml\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
    ),
    "DR304": Code("data that cannot be read", "The message gives the reason of the reader."),
    "DR305": Code(
        "which table", "A database file holds several tables, or not this one: `data: {source, table}`."
    ),
    "DR306": Code(
        "data that cannot be used",
        "The message says what is wrong with the column or the table.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: {source: data.csv, query: 'SELECT * FROM data WHERE isfinite(a)'}\nedges: [a -> "
            "b]\neffect: a -> b\n"
        ),
        data=("a,b\n1,2\ninf,1\n3,5\n4,4\n"),
    ),
    "DR307": Code(
        "a query that is not one SELECT",
        "`query:` reads rows; it is a single SELECT statement.",
        bad=("data: {source: data.csv, query: DROP TABLE data}\nedges: [a -> b]\n"),
        good=("data: {source: data.csv, query: 'SELECT a, b FROM data'}\nedges: [a -> b]\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
    ),
    "DR308": Code(
        "several columns of one name",
        "Rename them, so that a node has one column.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [b -> c]\neffect: b -> c\n"),
        data=("a,a,b,c\n1,2,2,3\n2,1,5,3\n3,5,1,2\n4,4,4,1\n"),
    ),
    "DR309": Code(
        "a table of unknown kind",
        "Predictions and simulated data are written as CSV, TSV or Parquet, by the file's ending. Bad: "
        "`-o new.xlsx`; good: `-o new.csv`.",
    ),
    "DR311": Code(
        "no such column",
        "A node's column has its name, or the name in `column:`.",
        bad=("data: data.csv\nedges: [a -> c]\neffect: a -> c\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
    ),
    "DR312": Code(
        "a column of another kind",
        "Text where the type asks for numbers, or the reverse.",
        bad=("data: data.csv\nnodes: {a: continuous, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nnodes: {a: categorical, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\nlow,2\nlow,1\nhigh,5\nhigh,4\n"),
    ),
    "DR313": Code(
        "a column with a single value",
        "Nothing varies with it, so it can explain nothing.",
        bad=("data: data.csv\nedges: ['a, c -> b']\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b,c\n1,2,7\n2,1,7\n3,5,7\n4,4,7\n"),
    ),
    "DR314": Code("values that do not fit the type", "The column has too many or too few distinct values."),
    "DR315": Code("text with very many values", "Too many to be levels by default. Declare the node's type."),
    "DR316": Code(
        "values outside the levels",
        "The column holds values that `levels:` does not list.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: {type: categorical, levels: [low, high]}, b: continuous}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        good=(
            "data: data.csv\n"
            "nodes: {a: {type: categorical, levels: [low, mid, high]}, b: continuous}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=("a,b\nlow,2\nmid,1\nhigh,5\nhigh,4\n"),
    ),
    "DR317": Code(
        "a binary column with other than two values",
        "Declare it `categorical`, or clean the column.",
        bad=("data: data.csv\nnodes: {a: binary, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nnodes: {a: categorical, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\nlow,2\nmid,1\nhigh,5\nhigh,4\n"),
    ),
    "DR318": Code(
        "the reference is not in the data",
        "The reference is one of the levels of the column.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: {type: categorical, reference: Low}, b: continuous}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        good=(
            "data: data.csv\n"
            "nodes: {a: {type: categorical, reference: low}, b: continuous}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=("a,b\nlow,2\nmid,1\nhigh,5\nhigh,4\n"),
    ),
    "DR319": Code(
        "values that the transform cannot take",
        "The logarithm needs numbers above 0, and so on.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: {type: continuous, transform: log}, b: continuous}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        good=("data: data.csv\nnodes: {a: continuous, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n0,2\n1,1\n3,5\n4,4\n"),
    ),
    "DR321": Code(
        "a column that holds neither numbers nor text",
        "Dates, lists and records are not variables yet.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: {source: data.csv, query: \"SELECT date_diff('day', DATE '2020-01-01', a) AS a, b FROM "
            'data"}\n'
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=("a,b\n2020-01-02,2\n2020-01-03,1\n2020-02-01,5\n2020-03-01,4\n"),
    ),
    "DR322": Code(
        "no rows",
        "The data are empty, or every row has a missing value.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: continuous, c: continuous}\n"
            "edges: ['a, c -> b']\n"
            "effect: a -> b\n"
            "missing: drop\n"
        ),
        good=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: continuous, c: continuous}\n"
            "edges: ['a, c -> b']\n"
            "effect: a -> b\n"
            "missing: impute\n"
        ),
        data=("a,b,c\n1,2,\n2,1,\n3,,5\n4,,4\n"),
    ),
    "DR323": Code(
        "missing values",
        "`missing: error` is the default; `missing: drop` leaves those rows out, `missing: impute` fills "
        "them.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\nmissing: drop\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n,3\n"),
    ),
    "DR324": Code(
        "more successes than trials",
        "Each row has at least as many trials as successes, and at least one.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: count, family: binomial, trials: n}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        good=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: count, family: binomial, trials: asked}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=("a,b,n,asked\n1,2,3,9\n2,1,1,9\n3,5,4,9\n4,4,7,9\n"),
    ),
    "DR325": Code(
        "values outside the type",
        "`positive`, `proportion` and `count` name the values they take.",
        bad=("data: data.csv\nnodes: {a: continuous, b: positive}\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nnodes: {a: continuous, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,-1\n3,5\n4,4\n"),
    ),
    "DR326": Code(
        "two nodes of one column",
        "Nodes that read the same column the same way are one variable.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: continuous, c: {type: continuous, column: a}}\n"
            "edges: ['a, c -> b']\n"
            "effect: a -> b\n"
        ),
        good=("data: data.csv\nnodes: {a: continuous, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
    ),
    "DR327": Code(
        "censoring that cannot be read",
        "Flags are `none`, `left`, `right` and `interval`; an interval goes from the node's own column to "
        "the larger "
        "number in `upper`: `censored: {flags: how, upper: to}`.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: continuous, censored: how}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        good=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: continuous, censored: flag}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=("a,b,how,flag\n1,2,no,none\n2,1,no,none\n3,5,yes,right\n4,4,no,none\n"),
    ),
    "DR328": Code(
        "missing values that are not imputed",
        "`missing: impute` fills the gaps of nodes. Trials, units of exposure, standard errors and flags are "
        "given.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: count, family: binomial, trials: n}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
            "missing: impute\n"
        ),
        good=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: count, family: binomial, trials: n}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
            "missing: drop\n"
        ),
        data=("a,b,n\n1,2,3\n2,1,\n3,5,6\n4,4,7\n"),
    ),
    "DR331": Code(
        "a database engine that is not known",
        "Connection strings begin with `postgres://` or `pyspark://`; data files are named by their path.",
        bad=("data: {source: 'mysql://host/shop', table: sales}\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
    ),
    "DR332": Code(
        "a database's packages are not installed",
        "Databases are optional: `pip install 'dagreg[postgres]'` or `pip install 'dagreg[spark]'`.",
    ),
    "DR333": Code(
        "no connection", "The database cannot be reached, or refuses the user. The message has its words."
    ),
    "DR334": Code("a question that the database refuses", "The message gives the database's own reason."),
    "DR335": Code(
        "values read as text",
        "Whole numbers beyond 2^53, such as ids of 20 digits, would become equal in double precision, so "
        "they are levels. Where they measure something: `type: continuous`.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nnodes: {a: continuous, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=(
            "a,b\n90071992547409930001,2\n90071992547409990002,1\n90071992547409930001,5\n90071992547409990002,4\n"
        ),
    ),
    "DR336": Code(
        "numbers that double precision does not tell apart",
        "Differences beyond the 16th digit are lost, as of times in nanoseconds. Subtract a constant in a "
        "`query:`.",
        bad=("data: data.csv\nnodes: {a: continuous, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: {source: data.csv, query: 'SELECT a - 1700000000000000000 AS a, b FROM data'}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=(
            "a,b\n1700000000000000001,2\n1700000000000000002,1\n1800000000000000003,5\n1900000000000000004,4\n"
        ),
    ),
    "DR337": Code(
        "a query that fails as it runs",
        "A `query:` or a view is valid, and meets a value that it cannot take. Bad: `SELECT CAST(x AS "
        "INT) AS x FROM data` where `x` holds a word; good: `TRY_CAST`.",
    ),
    "DR338": Code(
        "a query that takes too long",
        "Each question to a `query:` or to a table of a database file has ten minutes. "
        "DAGREG_QUERY_SECONDS=3600 gives it an hour.",
    ),
    "DR339": Code(
        "columns that differ in case alone",
        "`X` and `x` are one name in SQL. A spec may use either; to use both, rename one in the file.",
        bad=("data: data.csv\nedges: ['a, A -> b']\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,A,b\n1,2,2\n2,1,5\n3,5,1\n4,4,4\n"),
    ),
    "DR340": Code(
        "a few words among numbers",
        "A total, a unit or a sign for a missing value makes a column of numbers text, and so levels.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: {source: data.csv, query: \"SELECT * FROM data WHERE a <> 'total'\"}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data="a,b\n1,7\n2,3\n3,10\n4,6\n5,2\n6,9\n7,5\n8,1\n9,8\n10,4\n11,0\n12,7\ntotal,60\n",
    ),
    "DR346": Code(
        "numbers that are text",
        "A decimal comma, a separator of thousands, a unit or a word such as `n.a.` makes a column of "
        "numbers text, and its values would be names of levels. The message shows the first one and how a "
        "`query:` reads it. Where they are names, say `type: categorical`.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: {source: data.csv, query: \"SELECT replace(a, ',', '.')::DOUBLE AS a, b FROM data\"}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=("a;b\n1,5;2\n2,5;1\n3,1;5\n4,7;4\n5,2;6\n"),
    ),
    "DR347": Code(
        "a column beside a node that holds no numbers",
        "`trials`, `offset`, `error` and the `upper` bounds of `censored` name columns of numbers. Bad: "
        "`trials: hospital`; good: `trials: patients`.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: count, family: binomial, trials: hospital}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        good=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: {type: count, family: binomial, trials: patients}}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        data=("a,b,hospital,patients\n1,2,north,9\n2,1,south,9\n3,5,north,9\n4,4,south,9\n"),
    ),
    "DR348": Code(
        "standard errors that are not above 0",
        "A measurement with an error of 0 is exact. The error of an outcome may be 0 in some rows, that "
        "of a predictor and a `scale` may not, and none is negative, or above 0 and below 1e-100.",
        bad=(
            "data: data.csv\n"
            "nodes: {a: {type: continuous, error: se}, b: continuous}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
        ),
        good=("data: data.csv\nnodes: {a: continuous, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b,se\n1,2,0\n2,1,0.1\n3,5,0.1\n4,4,0.1\n"),
    ),
    "DR349": Code(
        "a number that looks like a missing value",
        "A code such as -999 or 99 stands far beyond all other values. Bad: a column with -999 where "
        "nothing was measured; good: `nullif(x, -999) AS x` in a `query:`, and `missing: drop`.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: {source: data.csv, query: 'SELECT nullif(a, -999) AS a, b FROM data'}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
            "missing: drop\n"
        ),
        data="a,b\n1,7\n2,3\n3,10\n4,6\n5,2\n6,9\n7,5\n8,1\n9,8\n-999,4\n",
    ),
    "DR350": Code(
        "codes that are taken as a number",
        "1, 2, 3, 4 may be names: the outcome then neither rises nor falls with them. Bad: `region: 3` as "
        "a number; good: `region: categorical`. Any declared type ends the warning.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nnodes: {a: categorical, b: continuous}\nedges: [a -> b]\neffect: a -> b\n"),
        data=(
            "a,b\n1,3.0\n2,9.0\n3,2.0\n1,3.1\n2,9.1\n3,2.1\n1,3.2\n2,9.2\n3,2.2\n1,3.3\n2,9.3\n3,2.3\n1,3.4\n"
            "2,9.4\n3,2.4\n1,3.5\n2,9.5\n3,2.5\n"
        ),
    ),
    "DR351": Code(
        "an id that is taken as a number",
        "A column whose name and values number the rows says nothing of them. Leave it out of the graph.",
        bad=("data: data.csv\nedges: ['a, row_id -> b']\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data="row_id,a,b\n1,3,7\n2,2,3\n3,1,10\n4,0,6\n5,3,2\n6,2,9\n7,1,5\n8,0,1\n9,3,8\n10,2,4\n",
    ),
    "DR401": Code(
        "levels unknown without data",
        "A categorical term needs its levels: declare them, or give data.",
        bad="nodes: {x: continuous, y: {type: ordinal}}\nedges: [x -> y]\neffect: x -> y\n",
        good="nodes: {x: continuous, y: {type: ordinal, levels: [low, mid, high]}}\nedges: [x -> y]\neffect: "
        "x -> y\n",
    ),
    "DR411": Code(
        "a model not supported yet",
        "The language has it; this version cannot fit it.",
        bad=(
            "nodes: {a: continuous, g: {type: group, levels: [u, v]}, b: {type: categorical, levels: [x, y, "
            "z]}}\n"
            "edges: ['a, g -> b']\n"
            "effect: a -> b\n"
        ),
        good=(
            "nodes: {a: continuous, g: {type: categorical, levels: [u, v]}, b: {type: categorical, levels: "
            "[x, y, z]}}\n"
            "edges: ['a, g -> b']\n"
            "effect: a -> b\n"
        ),
    ),
    "DR412": Code(
        "the family does not fit the response",
        "The message says what the family needs.",
        bad="nodes: {x: continuous, y: {type: continuous, family: bernoulli}}\nedges: [x -> y]\neffect: x -> "
        "y\n",
        good="nodes: {x: continuous, y: {type: binary, family: bernoulli}}\nedges: [x -> y]\neffect: x -> "
        "y\n",
    ),
    "DR413": Code("binomial without trials", "Give the response `trials:`, a column or a number."),
    "DR414": Code(
        "values outside the family's support",
        "Counts are whole and not negative, and so on.",
        bad=(
            "data: data.csv\nnodes: {a: continuous, b: {family: poisson}}\nedges: [a -> b]\neffect: a -> b\n"
        ),
        good=(
            "data: data.csv\nnodes: {a: continuous, b: {family: gaussian}}\nedges: [a -> b]\neffect: a -> b\n"
        ),
        data=("a,b\n1,2\n2,-1\n3,5\n4,4\n"),
    ),
    "DR415": Code(
        "a joint effect without a contrast",
        "With several exposures there is no default: give `contrast:`.",
        bad="nodes: {a: {type: categorical, levels: [u, v, w]}, b: continuous, y: continuous}\n"
        "edges: ['a, b -> y']\n"
        "effect: a, b -> y\n",
        good="nodes: {a: {type: categorical, levels: [u, v, w]}, b: continuous, y: continuous}\n"
        "edges: ['a, b -> y']\n"
        "effect: {exposure: [a, b], outcome: y, contrast: [[u, 0], [v, 1]]}\n",
    ),
    "DR416": Code("a contrast of another length", "The contrast has one value for each exposure."),
    "DR417": Code(
        "a contrast off the exposure's scale",
        "A number for numbers, a level for levels.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: {exposure: a, outcome: b, contrast: [u, w]}\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: {exposure: a, outcome: b, contrast: [u, v]}\n"),
        data=("a,b\nu,2\nu,1\nv,5\nv,4\n"),
    ),
    "DR418": Code(
        "a prior that no regression uses",
        "The message lists the terms of the response's regressions.",
        bad="edges: [z -> x -> y]\neffect: x -> y\nregressions: {y: {priors: {z: 'Normal(0, 1)'}}}\n",
        good="edges: [z -> x -> y]\neffect: x -> y\nregressions: {y: {priors: {x: 'Normal(0, 1)'}}}\n",
    ),
    "DR419": Code(
        "a regression that no model holds",
        "What the spec says about it has no bearing on this answer.",
        bad=("edges: [a -> b]\neffect: a -> b\nregressions: {a: {family: student_t}}\n"),
        good=("edges: [a -> b]\neffect: a -> b\nregressions: {b: {family: student_t}}\n"),
    ),
    "DR420": Code(
        "an offset without a log link",
        "An offset multiplies a rate: its family needs a log link.",
        bad="nodes: {x: continuous, y: {type: count, link: identity, offset: days}}\nedges: [x -> "
        "y]\neffect: x -> y\n",
        good="nodes: {x: continuous, y: {type: count, link: log, offset: days}}\nedges: [x -> y]\neffect: x "
        "-> y\n",
    ),
    "DR421": Code(
        "an offset that is not above 0",
        "The log of the exposure is added to the predictor.",
        bad=(
            "data: data.csv\nnodes: {a: continuous, b: {type: count, offset: days}}\nedges: [a -> "
            "b]\neffect: a -> b\n"
        ),
        good=(
            "data: data.csv\nnodes: {a: continuous, b: {type: count, offset: weeks}}\nedges: [a -> "
            "b]\neffect: a -> b\n"
        ),
        data=("a,b,days,weeks\n1,2,0,1\n2,1,7,1\n3,5,14,2\n4,4,21,3\n"),
    ),
    "DR422": Code(
        "a link that the family does not have",
        "The message lists those that make sense with it.",
        bad="nodes: {x: continuous, y: {type: count, link: logit}}\nedges: [x -> y]\neffect: x -> y\n",
        good="nodes: {x: continuous, y: {type: count, link: softplus}}\nedges: [x -> y]\neffect: x -> y\n",
    ),
    "DR423": Code(
        "an interaction with a group",
        "A slope that differs between groups is a varying one.",
        bad="nodes: {x: continuous, g: {type: group, levels: [u, v]}, y: continuous}\n"
        "edges: ['x, g -> y']\n"
        "effect: x -> y\n"
        "regressions: {y: {interactions: ['x:g']}}\n",
        good="nodes: {x: continuous, g: {type: group, levels: [u, v]}, y: continuous}\n"
        "edges: ['x, g -> y']\n"
        "effect: x -> y\n"
        "regressions: {y: {varying: {g: [intercept, x]}}}\n",
    ),
    "DR424": Code(
        "priors of different distributions",
        "The sds of one group share one distribution, with scales of their own.",
        bad="nodes: {x: continuous, g: {type: group, levels: [u, v]}, y: continuous}\n"
        "edges: ['x, g -> y']\n"
        "effect: x -> y\n"
        "regressions: {y: {varying: {g: [intercept, x]}, priors: {'x:g': 'Exponential(1)'}}}\n",
        good="nodes: {x: continuous, g: {type: group, levels: [u, v]}, y: continuous}\n"
        "edges: ['x, g -> y']\n"
        "effect: x -> y\n"
        "regressions: {y: {varying: {g: [intercept, x]}, priors: {g: 'Exponential(1)'}}}\n",
    ),
    "DR425": Code(
        "`error` without a residual sd",
        "Known errors belong to a gaussian response, scales to one with a sigma.",
        bad="nodes: {x: continuous, y: {type: count, error: se}}\nedges: [x -> y]\neffect: x -> y\n",
        good="nodes: {x: continuous, y: {type: continuous, error: se}}\nedges: [x -> y]\neffect: x -> y\n",
    ),
    "DR426": Code(
        "no levels to report by",
        "An effect is given by the levels of binary, categorical or count nodes.",
        bad=(
            "nodes: {a: binary, b: continuous, c: count}\n"
            "edges: ['a, c -> b']\n"
            "effect: {exposure: a, outcome: b, by: [c]}\n"
        ),
        good=(
            "nodes: {a: binary, b: continuous, c: {type: categorical, levels: [u, v]}}\n"
            "edges: ['a, c -> b']\n"
            "effect: {exposure: a, outcome: b, by: [c]}\n"
        ),
    ),
    "DR427": Code(
        "the effect cannot be given by these levels",
        "Together with an adjustment set, the variables of `by` have to be valid to adjust for.",
        bad="nodes: {x: continuous, k: binary, y: continuous}\n"
        "edges: [x -> y, x -> k]\n"
        "effect: {exposure: x, outcome: y, by: [k]}\n",
        good="nodes: {x: continuous, k: binary, y: continuous}\n"
        "edges: ['k, x -> y']\n"
        "effect: {exposure: x, outcome: y, by: [k]}\n",
    ),
    "DR428": Code(
        "the effect on the treated cannot be given",
        "The exposure has two levels, and no member of the adjustment set is a consequence of it.",
        bad="nodes: {x: binary, k: binary, y: count}\nedges: [x -> k, x -> y]\n"
        "effect: {exposure: x, outcome: y, adjust: [k], among: treated}\n",
        good="nodes: {x: binary, k: binary, y: count}\nedges: [x -> k, x -> y]\n"
        "effect: {exposure: x, outcome: y, among: treated}\n",
    ),
    "DR429": Code(
        "no curve over these doses",
        "Doses are numbers on the exposure's own scale, which its transform takes; the outcome is one number "
        "a row.",
        bad="nodes: {x: continuous, y: {type: categorical, levels: [a, b, c]}}\nedges: [x -> y]\n"
        "effect: {exposure: x, outcome: y, dose_response: 5}\n",
        good="nodes: {x: continuous, y: count}\nedges: [x -> y]\neffect: {exposure: x, outcome: y, "
        "dose_response: 5}\n",
    ),
    "DR430": Code(
        "no bootstrap of these covariates",
        "The formula of a front door or of the ID algorithm takes its marginals from the rows as they are.",
        bad="edges: [x -> m -> y, x <-> y]\neffect: {exposure: x, outcome: y, standardise: bayesian "
        "bootstrap}\n",
        good="edges: [x -> m -> y, x <-> y]\neffect: {exposure: x, outcome: y, standardise: rows}\n",
    ),
    "DR431": Code(
        "no model to compile",
        "No effect of the spec is identified, so there is no program.",
        bad=("edges: [a -> b, a <-> b]\neffect: a -> b\n"),
        good=("edges: [a -> b, z -> a, z -> b]\neffect: a -> b\n"),
    ),
    "DR432": Code(
        "no data to optimise for",
        "What the optimiser does follows from the data: give some with --data.",
        bad=("edges: [a -> b]\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
        command="compile --optimised",
    ),
    "DR433": Code(
        "a response that cannot be censored",
        "Censoring is for gaussian, student_t, lognormal, gamma, exponential, weibull and beta responses.",
        bad=(
            "nodes: {a: continuous, b: {family: poisson, censored: how}}\nedges: [a -> b]\neffect: a -> b\n"
        ),
        good=(
            "nodes: {a: continuous, b: {type: continuous, censored: how}}\nedges: [a -> b]\neffect: a -> b\n"
        ),
    ),
    "DR434": Code(
        "a kind of value that is not imputed",
        "Numbers are imputed by their regression and levels are summed over; groups and counts without end "
        "are not.",
        bad=(
            "data: data.csv\nnodes: {a: group, b: continuous}\nedges: [a -> b]\neffect: a -> b\nmissing: "
            "impute\n"
        ),
        good=(
            "data: data.csv\nnodes: {a: categorical, b: continuous}\nedges: [a -> b]\neffect: a -> "
            "b\nmissing: impute\n"
        ),
        data=("a,b\nu,2\nu,1\nv,5\nv,4\n,3\n"),
    ),
    "DR435": Code(
        "numbers too large or too small to be computed with",
        "Squares and ratios of columns have to be numbers, too: values up to 1e75, and an sd of 1e-75 or "
        "more. Another unit does it. Bad: a mass of 1e160 electronvolts; good: the same in units of 1e150.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: {source: data.csv, query: 'SELECT a, b / 1e150 AS b FROM data'}\nedges: [a -> b]\neffect: "
            "a -> b\n"
        ),
        data=("a,b\n1,2e160\n2,1e160\n3,5e160\n4,4e160\n"),
    ),
    "DR436": Code(
        "a prior's number beyond all use",
        "Numbers of a prior are 0 or between 1e-100 and 1e100 in size. A prior that says nothing is "
        "`Flat()`.",
        bad="edges: [x -> y]\neffect: x -> y\nregressions: {y: {priors: {x: 'Normal(0, 1e300)'}}}\n",
        good="edges: [x -> y]\neffect: x -> y\nregressions: {y: {priors: {x: Flat()}}}\n",
    ),
    "DR437": Code(
        "a unit far beyond the data",
        "One unit more of an exposure that varies by less than a thousandth of it says nothing of these "
        "data: given is the slope at the observed values. Give a `contrast:`, or the column in a smaller "
        "unit.",
        bad=("data: data.csv\nnodes: {a: continuous, b: binary}\nedges: [a -> b]\neffect: a -> b\n"),
        good=(
            "data: data.csv\n"
            "nodes: {a: continuous, b: binary}\n"
            "edges: [a -> b]\n"
            "effect: {exposure: a, outcome: b, contrast: [0, 0.0001]}\n"
        ),
        data=(
            "a,b\n0.00001,1\n0.00002,0\n0.00003,1\n0.00004,1\n0.00005,0\n0.00006,1\n0.00007,1\n0.00008,0\n"
            "0.00009,1\n0.00010,0\n0.00011,0\n0.00012,1\n"
        ),
        command="fit",
    ),
    "DR441": Code(
        "no cells in this regression",
        "Cells need levels, and where the mean of a cell is a parameter itself nothing else fits beside "
        "them.",
        good="nodes: {a: binary, z: binary, b: binary}\nedges: ['z -> a', 'a, z -> b']\neffect: a -> b\n"
        "regressions: {b: {cells: [a, z]}}\n",
        bad=(
            "nodes: {a: binary, z: continuous, b: binary}\n"
            "edges: ['z -> a', 'a, z -> b']\n"
            "effect: a -> b\n"
            "regressions: {b: {cells: [a], varying: {}}}\n"
        ),
    ),
    "DR442": Code(
        "no curve in this regression",
        "A curve needs a number with enough distinct values for its knots, and a regression that need not be "
        "linear.",
        bad=("data: data.csv\nedges: [a -> b]\neffect: a -> b\nregressions: {b: {curves: {a: spline(3)}}}\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data="a,b\n1,2\n1,1\n1,5\n1,4\n1,3\n1,3\n2,2\n3,4\n",
    ),
    "DR443": Code(
        "slopes for combinations of levels that have no means",
        "Under `coding: index` an interaction of a number with several nodes in levels is a slope for "
        "each combination of their levels. A mean for each of these combinations belongs beside it: "
        "declare that interaction, too.",
        good="nodes: {x: continuous, a: binary, z: binary, b: continuous}\nedges: ['z -> a', 'a, x, z -> "
        "b']\n"
        "effect: a -> b\nregressions: {b: {coding: index, interactions: ['a:z', 'x:a:z']}}\n",
        bad=(
            "nodes: {x: continuous, a: {type: categorical, levels: [u, v]}, z: {type: categorical, levels: "
            "[s, t]}, b: continuous}\n"
            "edges: ['z -> a', 'a, x, z -> b']\n"
            "effect: a -> b\n"
            "regressions: {b: {coding: index, interactions: ['x:a:z']}}\n"
        ),
    ),
    "DR501": Code(
        "the sampler cannot start",
        "The model has no finite density where chains start, the priors' centres. Bad: `intercept: "
        "Uniform(-5, -4)` for a positive mean under the identity link; good: a prior on the values that "
        "the mean can take.",
    ),
    "DR502": Code(
        "the exact engine cannot solve it",
        "`engine: auto` samples what has no exact solution.",
        bad=(
            "nodes: {a: continuous, b: count}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
            "data: data.csv\n"
            "sampling: {engine: exact}\n"
        ),
        good=(
            "nodes: {a: continuous, b: continuous}\n"
            "edges: [a -> b]\n"
            "effect: a -> b\n"
            "data: data.csv\n"
            "sampling: {engine: exact}\n"
        ),
        data=("a,b\n1,2\n2,1\n3,5\n4,4\n"),
        command="check",
    ),
    "DR503": Code(
        "the sampler's memory ran out",
        "Draws of every parameter are kept. Bad: `draws: 1000000` of a regression with 500 coefficients; "
        "good: `draws: 1000`.",
    ),
    "DR504": Code(
        "the model cannot be compiled", "PyMC, PyTensor or Numba refuse the program; the message is theirs."
    ),
    "DR505": Code(
        "the sampler broke off",
        "Chains started and one of them failed; no draw of the others is reported either.",
    ),
    "DR506": Code(
        "a response without an error",
        "Bad: `y` computed from `x` and regressed on it, with a sigma that may be 0; good: what was "
        "measured.",
    ),
    "DR507": Code(
        "no posterior under flat priors",
        "Bad: `slopes: Flat()` for two columns of which one is twice the other; good: `slopes: Normal(0, "
        "1)`.",
    ),
    "DR508": Code(
        "more memory than there is",
        "Estimated before anything is solved. Bad: `draws: 10000000` of 50 coefficients; good: `draws: "
        "1000`. `DAGREG_MEMORY` sets the gigabytes that may be used.",
    ),
    "DR511": Code(
        "a prior moves the answer", "Without the prior given, the estimate would differ noticeably."
    ),
    "DR515": Code(
        "priors that rule out the data",
        "Data sets simulated from the priors all but never have a mean, or an sd, like the observed one.",
    ),
    "DR516": Code(
        "an answer that is the prior's", "The effect's interval is about as wide as before the data."
    ),
    "DR517": Code(
        "digits that doubles do not hold",
        "A number has 15 to 16 significant digits, and a column of a mean far above its sd spends them on "
        "the mean. Subtract a round number in the data, before they are stored.",
    ),
    "DR518": Code(
        "columns that the data cannot tell apart",
        "Bad: a temperature in degrees Celsius adjusted for the same in Fahrenheit; good: one of the two.",
        bad=("data: data.csv\nedges: ['c -> a', 'a, c -> b']\neffect: a -> b\n"),
        good=("data: data.csv\nedges: [a -> b]\neffect: a -> b\n"),
        data=(
            "a,b,c\n1,7,3\n2,3,5\n3,10,7\n4,6,9\n5,2,11\n6,9,13\n7,5,15\n8,1,17\n9,8,19\n10,4,21\n11,0,23\n12,7,25\n"
        ),
        command="fit",
    ),
    "DR519": Code(
        "a predictor that separates the outcome",
        "No row speaks against an effect without end, so how large it is comes from the prior. Bad: an "
        "odds ratio read off such a table as if the data told it; good: a prior that you would defend, "
        "and the direction.",
    ),
    "DR521": Code(
        "more variation than the family allows", "The intervals are too narrow; the message says how much."
    ),
    "DR522": Code(
        "positivity", "Some strata hold one side of the contrast only: there the answer extrapolates."
    ),
    "DR523": Code("additivity", "A saturated model gives another answer than the additive regression."),
    "DR524": Code(
        "mediators weighted by trials",
        "Right where a row is a group of units, too sure where it is one unit.",
    ),
    "DR526": Code(
        "a group that confounds is pooled",
        "Partial pooling adjusts for a group in part where it causes the exposure: declare it categorical.",
    ),
    "DR531": Code(
        "two estimators disagree", "Chain and adjusted estimates would agree if the graph were right."
    ),
    "DR532": Code(
        "an answer that rests on an instrument",
        "It needs linear regressions and an exclusion that no data show.",
    ),
    "DR533": Code(
        "a weak instrument", "The instrument hardly moves the exposure, so the estimate is unreliable."
    ),
    "DR534": Code(
        "the data reject an independence that the graph implies",
        "An arrow or a common cause is missing, or the rows are no random sample. The message names the pair "
        "and the edges that would explain it.",
    ),
    "DR535": Code(
        "an exposure that does not vary within a group that causes it",
        "Whole groups are compared: right where the exposure was drawn by lot for them, and then without "
        "that arrow. Bad: `site -> x, y` in a trial that randomised sites; good: `site -> y`.",
    ),
    "DR536": Code(
        "an estimate whose mean a few draws decide",
        "Its posterior may have no mean, as with an unbounded sd between groups under the log link: read the "
        "median and the interval, or say a prior that rules out values so far out.",
    ),
    "DR541": Code(
        "not a finished result",
        "`dagreg report specs/` names a folder that `dagreg fit` did not write or did not finish; "
        "`dagreg report spec.dagreg` one that holds `results.json` and `fit.json`.",
    ),
    "DR542": Code(
        "a result that has changed",
        "A file of the folder is missing or is not as `dagreg fit` wrote it, so that draws, spec and "
        "program may not belong together. Bad: a `spec.yaml` edited within the folder; good: the spec "
        "edited beside it, and a new fit.",
    ),
    "DR543": Code(
        "a result of another version",
        "This version of dagreg makes another program of the stored spec, so its names for the draws "
        "would be wrong. Bad: a folder of a version that wrote another `model.py`; good: the same spec "
        "fitted again.",
    ),
    "DR551": Code("the graph cannot be drawn", "The report goes on without the picture."),
    "DR552": Code(
        "no Word document without python-docx",
        "`--format docx` writes its file by the package python-docx, which `pip install 'dagreg[word]'` "
        "brings. Markdown, HTML and LaTeX need nothing more.",
    ),
    "DR561": Code(
        "an intervention that the model does not cover",
        "P(outcome | do(z)) has to be identified for z itself. Bad: `--do z=1` where the effect of x was "
        "asked for, adjusted for z; good: `--do x=1`, or `--estimator chain` where it has a regression "
        "for all that z moves.",
    ),
    "DR562": Code(
        "not an intervention",
        "`--do` sets observed nodes other than the outcome, each once, to values that they take: "
        "not `--do x` and not `--do dose=high` for a number, but `--do dose=2`.",
    ),
    "DR563": Code(
        "no distribution for a row",
        "Front-door and other formulas, and instruments, answer for averages over rows. Bad: `dagreg "
        "predict` from such a fit; good: the same with `--estimator unadjusted`, which predicts and knows "
        "no `--do`.",
    ),
    "DR564": Code(
        "no such model",
        "Predictions come from a model that was fitted. Bad: `--estimator chain` where the fit left the "
        "chain out, or `--effect 3` of two; good: the names that the message lists.",
    ),
    "DR565": Code(
        "no likelihood of a row",
        "`to_datatree(log_likelihood=True)` and `posterior_predictive=True` need the rows that were "
        "fitted, whole. Bad: `missing: impute`, or a predictor measured with error: the rows lack its "
        "values; good: complete rows.",
    ),
    "DR566": Code(
        "not the data of this fit",
        "Likelihoods are of the rows that were fitted. Bad: `fit(spec, "
        "data=a).to_datatree(log_likelihood=True, "
        "data=b)`; good: `data=a`.",
    ),
    "DR567": Code(
        "no such table of a result",
        '`to_frame` knows estimates, coefficients and tests. Bad: `to_frame("draws")`; good: '
        '`to_frame("coefficients")`.',
    ),
    "DR568": Code(
        "too many likelihoods",
        "Likelihoods and responses of every row under every draw have to fit in memory. Bad: 4,000 draws "
        "of a million rows; good: fewer draws, or a sample of the rows fitted for the purpose.",
    ),
    "DR569": Code(
        "an argument out of its range",
        "Of a call from Python: the message gives the range. Bad: `result.predict(rows, level=95)`; good: "
        "`result.predict(rows, level=0.95)`.",
    ),
    "DR571": Code(
        "a prior that nothing can be drawn from",
        "`Flat()` and `HalfFlat()` serve a fit and are no distributions. Bad: `slopes: Flat()` for "
        "`dagreg simulate`; good: `slopes: Normal(0, 1)`, or `--from` a fit.",
        bad=("edges: [a -> b]\neffect: a -> b\nregressions: {b: {priors: {slopes: Flat()}}}\n"),
        good=("edges: [a -> b]\neffect: a -> b\nregressions: {b: {priors: {slopes: 'Normal(0, 1)'}}}\n"),
        command="simulate --rows 10",
    ),
    "DR572": Code(
        "simulated values beyond all numbers",
        "Wide priors under a log link reach infinity. Bad: `slopes: Normal(0, 1000)` of a count; good: "
        "`slopes: Normal(0, 1)`.",
    ),
    "DR573": Code(
        "a fit of another spec",
        "Bad: `dagreg simulate a.yaml --from b.dagreg`; good: `dagreg simulate a.yaml --from a.dagreg`, "
        "the text of `a.yaml` being as it was when it was fitted.",
    ),
    "DR574": Code(
        "more draws than can be held",
        "A fit makes at most 2,000,000 draws, and fewer where they would take more than half of the "
        "machine's memory. "
        "Bad: `sampling: {draws: 10000000}`; good: `sampling: {draws: 1000}`, which with four chains leaves "
        "2 % of an "
        "estimate's sd to chance.",
    ),
    "DR580": Code(
        "a file that is not dagreg's",
        "dagreg replaces and removes only files that are as it wrote them: it keeps their hashes, those "
        "of a result's folder in its `fit.json`. Bad: `-o notes.py` over notes of yours, or over a "
        "program that you have edited since; good: another name, or the file moved away.",
    ),
    "DR581": Code(
        "a place that is no file, or no folder",
        "Folders, links, pipes, sockets and devices are never replaced. Bad: `dagreg compile spec.yaml -o "
        "folder`; good: `dagreg compile spec.yaml -o folder/model.py`.",
    ),
    "DR582": Code(
        "an output over an input",
        "Bad: `dagreg convert spec.yaml -o spec.yaml`; good: `dagreg convert spec.yaml -o graph.dot`.",
    ),
    "DR583": Code(
        "a place that is closed",
        "The folder or the disk is read-only, or not yours. Bad: `-o` into another user's folder; good: into "
        "your own.",
    ),
    "DR584": Code(
        "no room for the output",
        "The disk or the quota is full, or the file would be too large. What was written of it is gone "
        "again.",
    ),
    "DR585": Code(
        "a place that cannot be",
        "A name is too long, or a file stands where the path has a folder. Bad: `-o spec.yaml/model.py`; "
        "good: `-o model.py`.",
    ),
    "DR586": Code("an output that failed", "The system gave another reason: the message has its words."),
    "DR590": Code(
        "an effect that differs between rows",
        "A regression without products of the exposure gives everyone, the treated and the untreated one "
        "effect, by construction. Bad: `among: treated` with it, where the data speak for products; good: "
        '`interactions: ["x:z"]` under the outcome.',
    ),
    "DR591": Code(
        "levels that differ in spaces or capitals alone",
        "`yes` and `Yes `, each a level of its own, are mostly one. Bad: both in a column; good: one of "
        "them, or both in `levels:` where they are meant.",
    ),
    "DR592": Code(
        "an empty text as a level",
        "An empty cell of a text file is a missing value; an empty text of a data frame, or one of spaces, "
        "is a level. "
        'Bad: `""` for what is not known; good: None, with `missing: drop`.',
    ),
    "DR611": Code(
        "the data refute the graph",
        "Bounds are made of all models with the arrows of the graph and any unobserved causes. Here no such "
        "model makes what the data show: less than 1% of the posterior of the observed distribution is "
        "possible, and it lies four sds outside. An instrument, for one, cannot move the outcome much while "
        "the exposure stays where it is.",
        command="fit",
    ),
    "DR612": Code(
        "an instrument's estimate lies where the effect cannot be",
        "The estimate by instruments rests on linear regressions and one effect for everyone. The bounds do "
        "not, and the estimate lies outside of them, by more than their own uncertainty: it does not hold.",
        command="fit",
    ),
    "DR631": Code(
        "units without counterparts",
        "Units that were exposed and units that were not are compared as far as they are alike in what is "
        "adjusted for. Some have no counterpart: no unit of the other kind has such a probability of "
        "exposure. There no data speak, and the answer is the regression's. Said where that is 8% of the "
        "units and more, and more than shuffled units would have. In the worst case a rule decides: `x` is 1 "
        "wherever `z` is above 0.",
        command="fit",
        bad="data: data.csv\nnodes: {z: continuous, x: binary, y: continuous}\n"
        "edges: ['z -> x, y', x -> y]\neffect: x -> y\n",
        good="data: data.csv\nnodes: {z: continuous, x: binary, y: continuous}\n"
        "edges: ['z -> x, y', x -> y]\neffect: {exposure: z, outcome: y, contrast: [-1, 1]}\n",
        data="z,x,y\n" + "".join(f"{z},{int(z > 0)},{0.1 * (z * z % 7)}\n" for z in range(-12, 13)),
    ),
    "DR661": Code(
        "no placebo",
        "A placebo question has the answer zero by the graph: an outcome that the exposure cannot move, or "
        "an exposure that cannot move the outcome. `dagreg fit SPEC --placebo NODE` asks it of NODE. Here "
        "the graph lets the exposure move the node, and the node move the outcome.",
        command="fit",
    ),
    "DR901": Code(
        "internal error", "A mistake of dagreg itself. DAGREG_DEBUG=1 shows where; please report it."
    ),
}
