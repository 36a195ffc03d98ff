"""The keys of a spec file, one table for each level. The loader and the JSON Schema both read these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from dagreg.spec.curves import CurveShape
from dagreg.spec.edges import EDGES_SCHEMA
from dagreg.spec.likelihoods import family_word, link_word
from dagreg.spec.priors import PriorShape
from dagreg.spec.shapes import (
    JSON,
    ByKind,
    Field,
    Flag,
    Later,
    LevelShape,
    ListOf,
    Located,
    MapOf,
    Name,
    NameOrCount,
    Number,
    OneOrMore,
    Reading,
    Record,
    Text,
    Unread,
    Word,
)
from dagreg.spec.types import (
    MAX_SEED,
    Among,
    Coding,
    EngineSetting,
    Kind,
    Missing,
    NodeType,
    Standardise,
    Transform,
)

LANGUAGE_VERSION = 1
MAX_DOSES = 1000

_TYPE_SYNONYMS = {
    "numeric": "continuous",
    "number": "continuous",
    "float": "continuous",
    "real": "continuous",
    "int": "count",
    "integer": "count",
    "bool": "binary",
    "boolean": "binary",
    "logical": "binary",
    "factor": "categorical",
    "nominal": "categorical",
    "string": "categorical",
    "ordered": "ordinal",
    "latent": "unobserved",
    "hidden": "unobserved",
    "cluster": "group",
}
_KIND_SYNONYMS = {
    "ate": "total",
    "cde": "direct",
    "indirect": "mediation",
    "nde": "mediation",
    "nie": "mediation",
}

TYPE_WORD = Word((*get_args(NodeType), "unobserved"), "type", _TYPE_SYNONYMS)
FAMILY_WORD = Later(family_word)
LINK_WORD = Later(link_word)
COLUMN = Text("the name of a column")


def _names(expected: str) -> ListOf[Located[str]]:
    return ListOf(Name(), expected)


# data
A_SOURCE = Text("a path or a connection string")
SOURCE = Field("source", A_SOURCE, "a path, or the connection string of a database", required=True)
TABLE = Field("table", Text("the name of a table"), "the table to read")
QUERY = Field("query", Text("a query"), "the query whose rows are read")
DATA_RECORD = Record("`data`", (SOURCE, TABLE, QUERY))

# nodes
OBSERVED = Field("observed", Flag(), "whether there is a column for it")
TYPE = Field("type", TYPE_WORD, "what kind of values it has")
LEVELS = Field(
    "levels", ListOf[Any](LevelShape(), "a list of at least two levels", least=2), "its levels, in order"
)
REFERENCE = Field("reference", LevelShape(), "the level that the others are compared with")
COLUMN_FIELD = Field("column", COLUMN, "its column, where that has another name")
TRANSFORM = Field(
    "transform", Word(get_args(Transform), "transform"), "applied to the column before anything else"
)
LABEL = Field("label", Text(), "how reports call it")
UNIT = Field("unit", Text(), "its unit of measurement")
DESCRIPTION = Field("description", Text(), "what it is")
FAMILY = Field("family", FAMILY_WORD, "the likelihood of its regression")
LINK = Field("link", LINK_WORD, "the link of its regression")
TRIALS = Field("trials", NameOrCount(), "trials of a binomial outcome: a column or a number")
OFFSET = Field("offset", COLUMN, "column of exposures, whose log is added to a log-link predictor")
SCALE = Field("scale", COLUMN, "column that the residual sd is a free multiple of", required=True)
ERROR = Field(
    "error",
    ByKind("a column, or `{scale: column}`", scalar=COLUMN, mapping=Record("`error`", (SCALE,))),
    "column of the known standard errors of this measurement, or `{scale: column}`",
)
FLAGS = Field("flags", COLUMN, "column of flags: none, left, right or interval", required=True)
UPPER = Field(
    "upper", COLUMN, "column of the upper bounds of interval rows; the node's own column holds the lower ones"
)
CENSORED = Field(
    "censored",
    ByKind(
        "a column, or `{flags: column, upper: column}`",
        scalar=COLUMN,
        mapping=Record("`censored`", (FLAGS, UPPER)),
    ),
    "column of flags none, left, right or interval, or `{flags: column, upper: column}`",
)
SLOPES = Field("slopes", _names("a list of nodes"), "slopes that vary over the levels of this group")
POOL = Field("pool", Flag(), "whether its levels are partially pooled")
COST = Field("cost", Number(float, minimum=0), "the cost of measuring it (default 1)")
SELECTED = Field("selected", Flag(), "whether the rows were chosen on this node")
PAIR = ListOf[Any](Number(float), "a position `[x, y]`: two numbers", least=2, most=2, distinct=False)
POSITION = Field("position", PAIR, "where dagitty draws it; kept for `convert`")
NODE_RECORD = Record(
    "a node",
    (
        OBSERVED,
        TYPE,
        LEVELS,
        REFERENCE,
        COLUMN_FIELD,
        TRANSFORM,
        LABEL,
        UNIT,
        DESCRIPTION,
        FAMILY,
        LINK,
        TRIALS,
        OFFSET,
        ERROR,
        CENSORED,
        SLOPES,
        POOL,
        COST,
        SELECTED,
        POSITION,
    ),
)
NODE = ByKind("a node: a type, or a mapping of attributes", scalar=TYPE_WORD, mapping=NODE_RECORD, null=True)

# effects
A_LIST = "a list of nodes"
ONE_OR_MORE = OneOrMore(Name(), "a node or a list of nodes")
EXPOSURE = Field("exposure", ONE_OR_MORE, "the cause, or a list for a joint effect", required=True)
OUTCOME = Field("outcome", Name(), "what it acts on", required=True)
KIND = Field("kind", Word(get_args(Kind), "kind of effect", _KIND_SYNONYMS), "which effect (default total)")
SIDE = ByKind(
    "a level, or a list of one for each exposure",
    scalar=LevelShape(),
    sequence=ListOf[Any](LevelShape(), "one value for each exposure", least=1, distinct=False),
)
TWO_VALUES = ListOf[Any](SIDE, "a contrast `[from, to]`: two values", least=2, most=2)
CONTRAST = Field("contrast", TWO_VALUES, "`[a, b]` means b minus a")
BY = Field("by", ONE_OR_MORE, "conditional effects, one for each level")
INCLUDE = Field("include", _names(A_LIST), "nodes that the set must hold")
EXCLUDE = Field("exclude", _names(A_LIST), "nodes that it must not hold")
ADJUST_BOUNDS = Record("`adjust`", (INCLUDE, EXCLUDE))
ADJUST = Field(
    "adjust",
    ByKind(
        "a list of nodes, or `{include: [...], exclude: [...]}`",
        sequence=_names(A_LIST),
        mapping=ADJUST_BOUNDS,
    ),
    "the adjustment set, or bounds on it",
)
_AMONG_SYNONYMS = {
    "att": "treated",
    "exposed": "treated",
    "atc": "untreated",
    "unexposed": "untreated",
    "all": "everyone",
}
AMONG = Field(
    "among",
    Word(get_args(Among), "group of rows", _AMONG_SYNONYMS),
    "whom the effect is averaged over: the rows of one level of a two-valued exposure (default everyone)",
)
DOSES = ListOf[Any](Number(float), "a list of doses", least=1)
DOSE_RESPONSE = Field(
    "dose_response",
    ByKind("a list of doses, or how many", scalar=Number(int, minimum=2, maximum=MAX_DOSES), sequence=DOSES),
    "the outcome's mean at these doses of the exposure, or at so many evenly spaced ones",
    former="curve",
)
_STANDARDISE_SYNONYMS = {
    "bootstrap": "bayesian bootstrap",
    "bayesian_bootstrap": "bayesian bootstrap",
    "sample": "rows",
}
STANDARDISE = Field(
    "standardise",
    Word(get_args(Standardise), "way to standardise", _STANDARDISE_SYNONYMS),
    "the covariates' distribution: that of the rows (default), or uncertain, by the Bayesian bootstrap",
)
COMPARE = Field(
    "compare", Text("a regression, `y ~ x + a + b`"), "a regression of your own, shown beside the graph's"
)
TO_EXPOSURE = Field("exposure", PriorShape(), "what an sd more of it adds to the exposure", required=True)
TO_OUTCOME = Field("outcome", PriorShape(), "what an sd more of it adds to the outcome", required=True)
ASSUME = Field(
    "assume",
    MapOf(Record("a cause", (TO_EXPOSURE, TO_OUTCOME)), "a mapping from one name to its strengths"),
    "an unobserved common cause that the graph lacks, with priors of its strength",
)
EFFECT_RECORD = Record(
    "an effect",
    (EXPOSURE, OUTCOME, KIND, CONTRAST, BY, ADJUST, AMONG, DOSE_RESPONSE, STANDARDISE, COMPARE, ASSUME),
)
EFFECT_TEXT = Unread(
    "`x -> y`", {"type": "string", "description": "`x -> y`, a total effect; `a, b -> y` a joint one"}
)
EFFECT_FORM = ByKind("an effect: `x -> y` or a mapping", scalar=EFFECT_TEXT, mapping=EFFECT_RECORD)

# regressions
CURVES = Field(
    "curves",
    MapOf(CurveShape(), "a mapping from nodes to curves"),
    "numbers that enter as a curve: `poly(2)`, a polynomial of that degree, or `spline(4)`, a natural "
    "cubic spline with so many columns, its knots at quantiles of the data",
)
_CODING_SYNONYMS = {"cells": "index", "levels": "index", "full": "index", "treatment": "reference"}
CODING = Field(
    "coding",
    Word(get_args(Coding), "coding", _CODING_SYNONYMS),
    "how levels enter: `reference`, differences from a reference level (the default), or `index`, a "
    "coefficient for each level and no intercept",
)
CELLS = Field(
    "cells",
    ListOf[Any](Name(), "a list of nodes with levels", least=1),
    "nodes of whose levels each combination has a mean of its own, under the prior `cells`",
)
PRODUCT = "an interaction such as `a:b`"
INTERACTION = ByKind(PRODUCT, scalar=Text(PRODUCT), sequence=_names(A_LIST))
PRODUCTS = ListOf[Any](INTERACTION, "a list such as `[a:b]`", distinct=False)
INTERACTIONS = Field("interactions", PRODUCTS, "products of nodes among the terms")
TERMS = ListOf[Located[str]](Text("`intercept` or a node"), "a list of terms", least=1)
VARYING = Field(
    "varying", MapOf(TERMS, "a mapping from groups to terms"), "for each group, the terms that vary over it"
)
PRIORS = Field("priors", MapOf(PriorShape(), "a mapping from terms to priors"), "priors by term")
REGRESSION = Record("a regression", (FAMILY, LINK, CODING, CELLS, CURVES, INTERACTIONS, VARYING, PRIORS))

# sampling
DRAWS = Field("draws", Number(int, minimum=1, maximum=10_000_000), "draws kept from each chain")
TUNE = Field("tune", Number(int, minimum=0, maximum=10_000_000), "warm-up draws of each chain")
CHAINS = Field("chains", Number(int, minimum=1, maximum=1000), "chains")
SEED = Field("seed", Number(int, minimum=0, maximum=MAX_SEED), "seed of every random draw")
A_RATE = Number(float, minimum=0, maximum=1, open=True)
TARGET_ACCEPT = Field("target_accept", A_RATE, "acceptance rate that NUTS aims at")
ENGINE = Field("engine", Word(get_args(EngineSetting), "engine"), "what computes the posterior")
SAMPLING_RECORD = Record("`sampling`", (DRAWS, TUNE, CHAINS, SEED, TARGET_ACCEPT, ENGINE))

# the file
VERSION = Field(
    "dagreg", Number(int, minimum=LANGUAGE_VERSION, maximum=LANGUAGE_VERSION), "version of the language"
)
NAME = Field("name", Text(), "name of the analysis (default: the file's stem)")
DATA = Field(
    "data",
    ByKind("a path, or a mapping with `source`", scalar=A_SOURCE, mapping=DATA_RECORD),
    "where the data are",
)
MISSING_WORD = Word(get_args(Missing), "rule for missing values")
MISSING = Field("missing", MISSING_WORD, "what is done about missing values (default error)")
NODE_MAP = MapOf[Any](NODE, "a mapping from nodes to types or attributes")
NODES = Field("nodes", NODE_MAP, "the variables; complete when present")
EDGES = Field("edges", Unread("edges", EDGES_SCHEMA), "the arrows of the graph", required=True)
EFFECT = Field("effect", EFFECT_FORM, "the question")
EFFECT_LIST = ListOf[Any](EFFECT_FORM, "a list of effects", least=1, distinct=False)
EFFECTS = Field("effects", EFFECT_LIST, "several questions")
REGRESSION_MAP = MapOf[Reading](REGRESSION, "a mapping from responses to regressions")
REGRESSIONS = Field("regressions", REGRESSION_MAP, "choices for single regressions")
SAMPLING = Field("sampling", SAMPLING_RECORD, "how the posterior is sampled")
SPEC = Record("a spec", (VERSION, NAME, DATA, MISSING, NODES, EDGES, EFFECT, EFFECTS, REGRESSIONS, SAMPLING))


def schema() -> JSON:
    """The spec file as JSON Schema, draft 2020-12, from the tables that the loader validates with.

    It says what shape a spec has; what its names refer to and how its parts fit is checked by `load`.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A dagreg spec",
        **SPEC.schema(),
        "not": {"required": [EFFECT.key, EFFECTS.key]},
    }


ATTRIBUTES = {"dose_response": "doses"}
"""Keys of an effect whose attribute has another name."""

# what fits what
WITH_LEVELS = ("binary", "categorical", "ordinal", "group")
TRANSFORMS_OF: Mapping[str, tuple[Transform, ...]] = {
    "continuous": get_args(Transform),
    "positive": ("log", "log1p", "sqrt", "center", "standardize"),
    "proportion": ("log", "log1p", "logit", "sqrt", "center", "standardize"),
    "count": ("log", "log1p", "sqrt", "center", "standardize"),
}
