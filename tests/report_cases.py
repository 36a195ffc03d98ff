"""Reports made by hand, one for each kind of answer: what the renderers are tested on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from dagreg.binding.table import DataInfo
from dagreg.doubts.types import DrawDiagnostics, ImplicationTest, Mixing, PooledLevel, Pooling
from dagreg.effects.types import (
    Coefficient,
    Density,
    Disagreement,
    EffectResult,
    Estimate,
    Scale,
    Share,
    Summary,
)
from dagreg.emit.plate import plate_source
from dagreg.errors import Doubt
from dagreg.families import FAMILIES
from dagreg.families.links import LINKS
from dagreg.graph.causal import analyse
from dagreg.graph.junctions import Junction
from dagreg.identify.chain import NoChain
from dagreg.identify.expression import P
from dagreg.identify.types import (
    NO_FOOTING,
    Adjustment,
    AdjustmentSets,
    Answer,
    ConditionalInstrument,
    Footing,
    Hedge,
    Instrument,
    Justification,
    NodeNote,
    NotIdentified,
    PathNote,
    Query,
    Support,
    ZeroByGraph,
)
from dagreg.model.equation import Equation
from dagreg.model.estimand import Contrast, Estimand
from dagreg.model.estimators import Estimator
from dagreg.model.plan import LeftOut, Model, Plan
from dagreg.model.summary import Variable
from dagreg.model.terms import Auxiliary, PriorChoice, Term
from dagreg.results.fit import FittedEffect, Report
from dagreg.spec.types import Edge, Effect, Kind, Level, Node, NodeType, Spec
from dagreg.study import Claim, StudiedEffect, Study


def studied(
    spec: Spec,
    junctions: tuple[Junction, ...],
    answers: tuple[Answer, ...],
    implications: tuple[Claim, ...] = (),
    doubts: tuple[Doubt, ...] = (),
    footing: Footing = NO_FOOTING,
) -> Study:
    """A study with these answers; their effects are the spec's own, or those that they were asked for."""
    asked = spec.effects or tuple(
        Effect(a.justification.query.exposure, a.justification.query.outcome, a.justification.query.kind)
        for a in answers
    )
    no_chain = NoChain("a made-up answer has no chain")
    effects = tuple(StudiedEffect(e, a, no_chain, footing) for e, a in zip(asked, answers, strict=True))
    return Study(spec, analyse(spec), effects, junctions, implications, doubts)


GOOD = DrawDiagnostics("exact", 0, 1.0, 4000.0, True)
BAD = DrawDiagnostics(
    "nuts",
    37,
    1.12,
    58.0,
    False,
    ("37 of 4,000 draws diverged.", "The largest R-hat is 1.12: the chains disagree."),
)
SOURCE = '''"""The regression of retained on coached."""

import pymc as pm


def adjusted(data):
    with pm.Model() as model:
        b_coached = pm.Normal("b_coached", 0, 1)
        pm.Bernoulli("retained", logit_p=b_coached * data["coached"], observed=data["retained"])
    return model
'''
VERSIONS = {"dagreg": "0.1.0", "pymc": "6.0.1", "numpy": "2.5.5"}


def summary(mean: float, sd: float, prob_positive: float | None = None) -> Summary:
    low, high = mean - 1.881 * sd, mean + 1.881 * sd
    chance = prob_positive if prob_positive is not None else (1.0 if low > 0 else 0.0 if high < 0 else 0.5)
    return Summary(mean, sd, mean, (low, high), 0.94, chance, 3980.0, 1.001, bell(mean, sd))


def bell(mean: float, sd: float) -> Density:
    """A Normal density within three sds, or what is left of it where they are not numbers."""
    heights = tuple(math.exp(-0.5 * (z / 10) ** 2) / sd for z in range(-30, 31))
    return Density(mean - 3 * sd, mean + 3 * sd, heights)


def chains(name: str, estimator: Estimator = Estimator.ADJUSTED) -> Mixing:
    """Four chains of which one is stuck."""
    traces = tuple(tuple(math.sin(7 * i + c) + (c == 3) for i in range(100)) for c in range(4))
    ranks = tuple(tuple(50 + (i - 10) * (3 if c == 3 else -1) for i in range(20)) for c in range(4))
    return Mixing(name, estimator, 1.12, 58.0, 1000, 10, traces, ranks)


def pooled(group: str, response: str, names: Sequence[str]) -> Pooling:
    """Levels with ever more rows, drawn towards zero ever less; the last has no estimate of its own."""
    levels = []
    for i, name in enumerate(names):
        rows, alone = 2 ** (i + 1), float("nan") if i == len(names) - 1 else (-1) ** i * (1 + i / 5)
        mean = 0.0 if alone != alone else alone * rows / (rows + 8)
        width = 1.88 / math.sqrt(1 + rows / 8)
        levels.append(PooledLevel(name, rows, alone, mean, (mean - width, mean + width)))
    return Pooling(
        group,
        response,
        Estimator.ADJUSTED,
        "intercept",
        f"log odds of {response}",
        0.94,
        0.0,
        tuple(levels),
        3,
    )


def plate_of(*models: Model) -> dict[str, str]:
    """As the pipeline gives it: without the unadjusted model's."""
    return {m.estimator: plate_source(m, 988) for m in models if m.estimator.offers.plate}


def estimate(
    mean: float,
    sd: float,
    estimator: Estimator = Estimator.ADJUSTED,
    *,
    name: str = "coached -> retained",
    primary: bool = False,
    scale: Scale = "outcome",
    contrast: tuple[Level, Level] | None = (0, 1),
    estimand: str = "total effect",
    adjusted_for: tuple[str, ...] = (),
    by: Mapping[str, Level] | None = None,
    label: str = "",
) -> Estimate:
    return Estimate(
        name, estimand, estimator, primary, scale, contrast, by or {}, adjusted_for, summary(mean, sd), label
    )


def prior(text: str, *arguments: float, given: bool = False, rule: str = "") -> PriorChoice:
    return PriorChoice(text, arguments, given, rule)


def equation(response: str, predictors: tuple[str, ...], family: str, exposure: tuple[str, ...]) -> Equation:
    link = FAMILIES[family].links[0]
    terms = tuple(
        Term(
            factors=(p,),
            symbol=f"b_{i}",
            columns=(p,),
            prior=prior("Normal", 0.0, 1.0, given=True)
            if p in exposure
            else prior("Normal", 0.0, 2.5, rule="Normal(0, 2.5 / sd(x))"),
            purpose="exposure" if p in exposure else "adjustment",
            causal=p in exposure,
            why="",
        )
        for i, p in enumerate(predictors)
    )
    sigma = (
        (Auxiliary("sigma", "sigma", prior("Exponential", 1.0, rule="Exponential(1 / sd(y))")),)
        if family == "gaussian"
        else ()
    )
    return Equation(
        response=response,
        family=FAMILIES[family],
        link=LINKS[link],
        intercept="a",
        intercept_prior=prior("Normal", 0.0, 1.5),
        terms=terms,
        auxiliaries=sigma,
    )


def model(
    estimator: Estimator,
    query: Query,
    predictors: tuple[str, ...],
    family: str,
    primary: bool = False,
    kind: NodeType = "continuous",
) -> Model:
    names = (*predictors, query.outcome)
    return Model(
        estimator,
        estimator,
        {
            n: Variable(
                n,
                f"v{i}",
                n,
                kind if n == query.outcome else "continuous",
                (0, 1) if kind == "binary" else (),
            )
            for i, n in enumerate(names)
        },
        (equation(query.outcome, predictors, family, query.exposure),),
        Estimand(query.kind, query.exposure, query.outcome, (Contrast(query.exposure, (0,), (1,)),)),
        primary,
        ("The prior that you gave for `coached` was used in the regression of `retained`.",)
        if primary
        else (),
    )


def coefficient(
    term: str,
    mean: float,
    sd: float,
    *,
    response: str = "retained",
    estimator: Estimator = Estimator.ADJUSTED,
    why: str = "",
) -> Coefficient:
    return Coefficient(response, term, estimator, summary(mean, sd), not why, "Normal(0, 1)", False, why)


# The coached employees: identified by adjustment, with a chain beside it.

COACHING = Spec(
    name="coaching",
    path="coaching.yaml",
    nodes={
        "tenure": Node("tenure", label="Tenure", unit="months", type="positive"),
        "coached": Node("coached", type="binary"),
        "engagement": Node("engagement", type="continuous"),
        "retained": Node("retained", type="binary"),
        "bonus": Node("bonus", type="continuous"),
        "aptitude": Node("aptitude", observed=False),
    },
    edges=(
        Edge("tenure", "coached"),
        Edge("tenure", "retained"),
        Edge("coached", "engagement"),
        Edge("engagement", "retained"),
        Edge("coached", "retained"),
        Edge("retained", "bonus"),
        Edge("aptitude", "retained"),
    ),
    effects=(Effect(("coached",), "retained", contrast=(0, 1)),),
    missing="drop",
)
COACHING_QUERY = Query(("coached",), "retained")
COACHING_ANSWER = Adjustment(
    Justification(
        COACHING_QUERY,
        True,
        AdjustmentSets(
            (("tenure",),),
            False,
            ("tenure",),
            ("tenure",),
            "It is the smallest set that closes every path with an arrow into `coached`.",
        ),
        {
            "tenure": NodeNote(
                "tenure", ("confounder",), True, "it closes the path coached <- tenure -> retained"
            ),
            "coached": NodeNote("coached", ("exposure",), False, "it is the exposure"),
            "engagement": NodeNote(
                "engagement",
                ("mediator",),
                False,
                "it lies on the causal path coached -> engagement -> retained: adjusting for it would take "
                "away part "
                "of the effect",
                True,
            ),
            "retained": NodeNote("retained", ("outcome",), False, "it is the outcome"),
            "bonus": NodeNote(
                "bonus",
                ("descendant of outcome",),
                False,
                "it is a consequence of the outcome `retained`",
                True,
            ),
            "aptitude": NodeNote(
                "aptitude", ("unobserved", "ancestor of outcome"), False, "it is not observed"
            ),
        },
        (
            PathNote("coached -> retained", True, True, (), True),
            PathNote("coached -> engagement -> retained", True, True, (), True),
            PathNote("coached <- tenure -> retained", False, True, ("tenure",), False),
        ),
        False,
        notes=("An optimal set is not guaranteed where a variable is unobserved.",),
    ),
    "sum_tenure P(retained | coached, tenure) P(tenure)",
    P(("retained",)),
    ("tenure",),
)
JUNCTIONS = (
    Junction("fork", ("coached", "tenure", "retained"), True),
    Junction("pipe", ("coached", "engagement", "retained"), True),
    Junction("collider", ("engagement", "retained", "tenure"), False),
)
DATA = DataInfo(
    "hr.parquet", 1000, 988, {"tenure": 12}, "9f2c" * 16, {"engagement": "continuous"}, ("team", "grade")
)
FOOTING = Footing(
    tuple(
        Support(
            f"{name} <-> retained",
            "",
            "verdict",
            None,
            f"no unobserved cause of both `{name}` and `retained`",
            "the effect is not identified",
            False if name == "coached" else None,
        )
        for name in ("coached", "engagement")
    )
    + tuple(
        Support(
            f"{head} -> {tail}",
            f"{tail} -> {head}",
            "set",
            "adjustment",
            f"`{tail}` acts on `{head}`, not `{head}` on `{tail}`",
            "another set has to be adjusted for",
            True,
        )
        for tail, head in (
            ("coached", "engagement"),
            ("engagement", "retained"),
            ("tenure", "coached"),
            ("tenure", "retained"),
        )
    ),
    True,
)


def coaching(diagnostics: DrawDiagnostics = GOOD, disagrees: bool = False) -> Report:
    """One effect of a binary exposure on a binary outcome; chain, adjusted and unadjusted."""
    chosen = ("tenure",)
    query = COACHING_QUERY
    message = (
        "The chain gives 0.118 and the adjusted regression 0.112: the difference is within its uncertainty."
    )
    if disagrees:
        message = "The chain gives 0.190 and the adjusted regression 0.112, 4.1 standard deviations apart."
    fitted = FittedEffect(
        COACHING.effects[0],
        COACHING_ANSWER,
        Plan(
            (
                model(Estimator.ADJUSTED, query, ("coached", "tenure"), "bernoulli", True, "binary"),
                model(
                    Estimator.CHAIN, query, ("coached", "engagement", "tenure"), "bernoulli", False, "binary"
                ),
                model(Estimator.UNADJUSTED, query, ("coached",), "bernoulli", False, "binary"),
            ),
            (LeftOut(Estimator.FRONTDOOR, "`coached` also acts directly on `retained`, past `engagement`."),),
        ),
        EffectResult(
            (
                estimate(0.1124, 0.0291, primary=True, adjusted_for=chosen),
                estimate(0.5237, 0.1353, primary=True, adjusted_for=chosen, scale="link"),
                estimate(0.1177, 0.0284, Estimator.CHAIN, adjusted_for=("engagement", "tenure")),
                estimate(0.2041, 0.0262, Estimator.UNADJUSTED),
                estimate(0.9403, 0.1241, Estimator.UNADJUSTED, scale="link"),
            ),
            (
                coefficient("coached", 0.5237, 0.1353),
                coefficient(
                    "tenure",
                    0.0312,
                    0.0021,
                    why="`tenure` is there to close a path; its own effect is confounded",
                ),
                coefficient(
                    "coached",
                    0.3308,
                    0.139,
                    estimator=Estimator.CHAIN,
                    why="it is only the direct part of the effect",
                ),
            ),
            (Disagreement("1 against 0", 0.078 if disagrees else 0.0053, 0.019, disagrees, message),),
            ("Standardised over the 988 rows used.",),
        ),
        diagnostics,
        (
            ImplicationTest("bonus", "tenure", ("retained",), 0.71, 0.4781, 0.9562, False),
            ImplicationTest("bonus", "coached", ("retained",), -3.9, 0.0001, 0.0002, disagrees),
        ),
        (
            Doubt(
                "DR301",
                "In 14 rows with `tenure` above 220 nobody was coached: the answer there is extrapolated.",
                "total effect coached -> retained, adjusted",
                "Leave these rows out where the data are made.",
            ),
        ),
        ()
        if diagnostics.engine == "exact"
        else (chains("beta_retained_coached"), chains("alpha_retained", Estimator.CHAIN)),
        plate_of(
            model(Estimator.ADJUSTED, query, ("coached", "tenure"), "bernoulli", True, "binary"),
            model(Estimator.CHAIN, query, ("coached", "engagement", "tenure"), "bernoulli", False, "binary"),
        ),
    )
    study = studied(
        COACHING,
        JUNCTIONS,
        (COACHING_ANSWER,),
        (("bonus", "tenure", ("retained",)), ("bonus", "coached", ("retained",))),
        footing=FOOTING,
    )
    return Report(study, DATA, (fitted,), SOURCE, VERSIONS, 2026)


# A confounder that nobody measured.


def _unmeasured() -> tuple[Spec, NotIdentified]:
    spec = Spec(
        "unmeasured",
        {"x": Node("x"), "y": Node("y"), "u": Node("u", observed=False), "i": Node("i")},
        (Edge("x", "y"), Edge("u", "x"), Edge("u", "y"), Edge("i", "x"), Edge("x", "y", True)),
        (Effect(("x",), "y"),),
        path="unmeasured.yaml",
    )
    answer = NotIdentified(
        Justification(
            Query(("x",), "y"),
            True,
            AdjustmentSets((), False, None, None, "No set of observed variables closes x <- u -> y."),
            {
                "x": NodeNote("x", ("exposure",), False, "it is the exposure"),
                "y": NodeNote("y", ("outcome",), False, "it is the outcome"),
                "u": NodeNote("u", ("confounder", "unobserved"), False, "it is not observed"),
                "i": NodeNote("i", ("instrument",), False, "it moves `y` through `x` alone"),
            },
            (
                PathNote("x -> y", True, True, (), True),
                PathNote("x <- u -> y", False, True, (), True),
            ),
            False,
            instruments=(ConditionalInstrument("i", ()),),
        ),
        "`x` and `y` share an unobserved common cause",
        ("x <- u -> y",),
        Hedge(("x", "y"), ("y",)),
        (("u",),),
    )
    return spec, answer


def unidentified() -> Report:
    """Refused, with the associations that were asked for."""
    spec, answer = _unmeasured()
    fitted = FittedEffect(
        spec.effects[0],
        answer,
        Plan((), (LeftOut(Estimator.ADJUSTED, "no set of observed variables is valid"),)),
        EffectResult((estimate(0.81, 0.04, Estimator.UNADJUSTED, name="x -> y", contrast=None),), ()),
        GOOD,
    )
    return _alone(spec, answer, fitted, JUNCTIONS[:0])


def unidentified_explained() -> Study:
    spec, answer = _unmeasured()
    return studied(spec, (), (answer,), (), (Doubt("DR210", "The data file could not be read."),))


# Effects that the graph says are zero.


def _zero(chosen: tuple[str, ...] | None) -> tuple[Spec, Answer]:
    arrow = Edge("z", "x") if chosen is not None else Edge("y", "x")
    spec = Spec(
        "zero",
        {n: Node(n) for n in ("z", "x", "y")},
        (arrow, Edge("z", "y")),
        (Effect(("x",), "y"),),
        path="zero.yaml",
    )
    sets = () if chosen is None else (chosen,)
    reason = "Every set leaves y -> x open." if chosen is None else "It closes x <- z -> y."
    justification = Justification(
        Query(("x",), "y"),
        False,
        AdjustmentSets(sets, False, chosen, chosen, reason),
        {"z": NodeNote("z", ("confounder",), chosen is not None, "it closes x <- z -> y")},
        (PathNote("x <- z -> y", False, True, ("z",), chosen is None),),
        False,
    )
    if chosen is None:
        return spec, ZeroByGraph(justification, "P(y)", P(("y",)))
    return spec, Adjustment(justification, "P(y)", P(("y",)), chosen)


def zero_by_graph(mean: float = 0.02) -> Report:
    """No directed path: the estimate tests the graph."""
    spec, answer = _zero(("z",))
    fitted = FittedEffect(
        spec.effects[0],
        answer,
        Plan((model(Estimator.ADJUSTED, Query(("x",), "y"), ("x", "z"), "gaussian", True),)),
        EffectResult(
            (
                estimate(mean, 0.031, primary=True, contrast=None, adjusted_for=("z",), name="x -> y"),
                estimate(0.44, 0.029, Estimator.UNADJUSTED, contrast=None, name="x -> y"),
            ),
            (),
        ),
        GOOD,
    )
    return _alone(spec, answer, fitted)


def zero_without_a_set() -> Report:
    """The outcome causes the exposure: zero, and nothing to estimate."""
    spec, answer = _zero(None)
    return _alone(spec, answer, FittedEffect(spec.effects[0], answer))


# Several questions of one graph, of several kinds.


def several() -> Report:
    """A slope with units, levels of a categorical exposure with subgroups, mediation, an instrument, a
    refusal.
    """
    names = ("site", "dose", "marker", "pain", "age", "lottery")
    spec = Spec(
        "several",
        {
            **{n: Node(n) for n in names},
            "dose": Node("dose", unit="mg", label="Daily dose"),
            "pain": Node("pain", unit="points", description="on a scale from 0 to 100"),
        },
        tuple(
            Edge(a, b)
            for a, b in (
                ("age", "dose"),
                ("age", "pain"),
                ("dose", "marker"),
                ("marker", "pain"),
                ("dose", "pain"),
                ("lottery", "dose"),
                ("site", "pain"),
            )
        ),
        (
            Effect(("dose",), "pain"),
            Effect(("site",), "pain", by=("age",)),
            Effect(("dose",), "pain", kind="mediation"),
            Effect(("dose", "site"), "pain"),
            Effect(("marker",), "pain"),
        ),
        path="several.yaml",
    )
    answers: tuple[Answer, ...] = (
        _by_age(spec.effects[0]),
        _by_age(spec.effects[1], chosen=()),
        _by_age(spec.effects[2]),
        _instrumented(spec.effects[3]),
        _refused(spec.effects[4]),
    )
    results = (_slope(), _levels(), _mediated(), _joint(), None)
    fitted = tuple(
        FittedEffect(
            effect,
            answer,
            Plan(
                (
                    model(
                        Estimator.ADJUSTED,
                        answer.justification.query,
                        (*effect.exposure, "age"),
                        "gaussian",
                        True,
                    ),
                )
            )
            if result
            else None,
            result,
            GOOD if result else None,
        )
        for effect, answer, result in zip(spec.effects, answers, results, strict=True)
    )
    study = studied(spec, (), answers, (("lottery", "site", ()),))
    general = (Doubt("DR310", "The data hold 3 duplicated rows"),)
    return Report(study, DATA, fitted, SOURCE, VERSIONS, 7, general)


def _by_age(effect: Effect, chosen: tuple[str, ...] = ("age",)) -> Answer:
    kind: Kind = effect.kind
    justification = Justification(
        Query(effect.exposure, effect.outcome, kind),
        True,
        AdjustmentSets((chosen,), False, chosen, chosen, ""),
        {},
        (PathNote(f"{effect.exposure[0]} -> {effect.outcome}", True, True, (), True),),
        True,
    )
    return Adjustment(justification, f"E({effect.outcome})", P((effect.outcome,)), chosen)


def _instrumented(effect: Effect) -> Answer:
    justification = Justification(
        Query(effect.exposure, effect.outcome),
        True,
        AdjustmentSets((), False, None, None, "No set is valid."),
        {},
        (),
        False,
        instruments=(ConditionalInstrument("lottery", ("age",)),),
    )
    reason = "an unobserved common cause remains"
    return Instrument(justification, reason, (), instruments=("lottery",), given=("age",))


def _refused(effect: Effect) -> NotIdentified:
    justification = Justification(
        Query(effect.exposure, effect.outcome), True, AdjustmentSets((), False, None, None, ""), {}, (), False
    )
    return NotIdentified(justification, "an unobserved common cause remains", ())


def _slope() -> EffectResult:
    return EffectResult(
        (estimate(-1.284, 0.207, primary=True, contrast=None, adjusted_for=("age",), name="dose -> pain"),),
        (),
    )


def _levels() -> EffectResult:
    rows = [
        estimate(mean, 1.1, primary=True, contrast=("north", level), name="site -> pain", by=by)
        for level, mean in (("south", 2.4), ("east", -0.3))
        for by in ({}, {"age": "young"}, {"age": "old"})
    ]
    return EffectResult((*rows, estimate(3.1, 1.0, Estimator.UNADJUSTED, contrast=("north", "south"))), ())


def _mediated() -> EffectResult:
    parts = (
        ("natural indirect effect", -0.47),
        ("natural direct effect", -0.81),
        ("total effect", -1.28),
    )
    indirect, *others = (
        estimate(m, 0.2, contrast=(0, 1), estimand=e, adjusted_for=("age",)) for e, m in parts
    )
    share = Share(0.37, (0.08, 0.68))
    return EffectResult((replace(indirect, primary=True, share=share), *others), ())


def _joint() -> EffectResult:
    row = estimate(-2.5, 0.9, Estimator.INSTRUMENT, primary=True, contrast=None, adjusted_for=("age",))
    return EffectResult((row,), ())


# Names that would break out of any format that does not escape them.

NASTY = (
    '<script>alert("x")</script>',
    "a|b",
    "quo\"te'",
    "back\\slash",
    "new\nline",
    "\x1b[31mred",
    "[bold]rich[/bold]",
    "**strong** _em_ [link](http://example.org)",
    "tick`tock",
    "&amp;",
    "<b>x</b>",
    "naïve→µ",
    "{{ 7 * 7 }}",
    "</svg></style>",
    "rtl\u202eover",
    "\ud800",
)


def nasty() -> Report:
    """Every name is an attack; the first two are exposure and outcome."""
    x, y, z, *others = NASTY
    nodes = {n: Node(n, label=f"label {n}", unit=f"unit {n}", description=n) for n in NASTY}
    edges = (
        Edge(z, x),
        Edge(z, y),
        Edge(x, y),
        *(Edge(y, n) for n in others),
        Edge(others[0], others[1], True),
    )
    spec = Spec("nasty " + x, nodes, edges, (Effect((x,), y),), path="na|sty.yaml")
    justification = Justification(
        Query((x,), y),
        True,
        AdjustmentSets(((z,),), False, (z,), (z,), f"Because of {z}."),
        {n: NodeNote(n, ("unrelated",), n == z, f"why {n}", n in others[:3]) for n in NASTY},
        tuple(PathNote(f"{x} <- {n} -> {y}", False, True, (n,), False) for n in (z, *others)),
        False,
    )
    answer = Adjustment(justification, f"P({y} | do({x}))", P((y,)), (z,))
    fitted = FittedEffect(
        spec.effects[0],
        answer,
        Plan(
            (model(Estimator.ADJUSTED, Query((x,), y), (x, z), "gaussian", True),),
            (LeftOut(Estimator.CHAIN, f"left out {others[0]}"),),
        ),
        EffectResult(
            (
                estimate(
                    0.2,
                    0.1,
                    primary=True,
                    contrast=(x, y),
                    adjusted_for=(z,),
                    name=f"{x} -> {y}",
                    label=f"{x} {y}",
                ),
                estimate(float("nan"), float("inf"), Estimator.CHAIN, adjusted_for=(z,), by={x: y}),
            ),
            tuple(coefficient(n, 0.1, 0.2, response=y, why=f"why {n}") for n in others),
            (Disagreement(x, float("nan"), 0.1, True, f"message {x}"),),
            (f"note {x}",),
        ),
        DrawDiagnostics(x, 1, float("nan"), float("nan"), False, (f"problem {x}",)),
        tuple(ImplicationTest(x, n, (y,), float("inf"), 0.1, 0.2, False) for n in others),
        (Doubt("DR999", f"doubt {x}"),),
        tuple(chains(n) for n in NASTY),
        plate_of(model(Estimator.ADJUSTED, Query((x,), y), (x, z), "gaussian", True)),
        (pooled(x, y, NASTY),),
    )
    study = studied(spec, tuple(Junction("fork", (x, n, y), False) for n in others), (answer,))
    data = DataInfo(x, 10, 9, {y: 1}, "", {z: "continuous"})
    return Report(study, data, (fitted,), f"# ```\n# {x}\n", {x: y}, 1)


def _alone(spec: Spec, answer: Answer, fitted: FittedEffect, junctions: tuple[Junction, ...] = ()) -> Report:
    return Report(studied(spec, junctions, (answer,)), DATA, (fitted,), SOURCE, VERSIONS, 2026)


REPORTS = {
    "coaching": coaching,
    "bad_diagnostics": lambda: coaching(BAD, disagrees=True),
    "unidentified": unidentified,
    "zero_by_graph": zero_by_graph,
    "zero_without_a_set": zero_without_a_set,
    "several": several,
    "nasty": nasty,
}
EXPLAINED = {
    "explain_coaching": lambda: coaching().study,
    "explain_unidentified": unidentified_explained,
    "explain_several": lambda: several().study,
}
CASES = {**REPORTS, **EXPLAINED}
