"""The names of an emitted program beside those of its parameters, which are the model's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dagreg.model.equation import Equation
from dagreg.model.plan import Latent, Model
from dagreg.model.symbols import Namer
from dagreg.model.terms import Term, Varying
from dagreg.spec.brief import Brief

Dimension = tuple[str, tuple[str, ...]]  # name and labels
_PARTS = (  # of a regression: data, rows of each kind of censoring, what sufficient statistics need
    *("trials", "weights", "exposure", "error", "logp", "codes", "others", "flags", "upper"),
    *("exact", "below", "above", "between"),
    *("root", "rotated", "left", "spread", "start", "free", "all", "prior"),
)


@dataclass(frozen=True, slots=True, repr=False)
class TermNames(Brief):
    """Of a term: the dimension over its columns, and the index.

    The index holds the rows' places among the columns, or the columns of a curve; other terms have none, "".
    """

    dim: str
    index: str


@dataclass(frozen=True, slots=True, repr=False)
class GroupNames(Brief):
    """Of coefficients that vary between groups.

    `raw` is what is sampled, `factor` the Cholesky factor; the dimensions are over groups and deviations.
    """

    raw: str
    factor: str
    dim: str
    effects_dim: str


@dataclass(frozen=True, slots=True, repr=False)
class LatentNames(Brief):
    """Of values that are not known.

    The completed column, the rows without and with a value, the log density of the measurements, their
    standard errors, and the standard Normal draws that true values are made of ("" where they are made of
    none).
    """

    all: str
    rows: str
    known: str
    measured: str
    errors: str
    raw: str


@dataclass(frozen=True, slots=True, repr=False)
class MixtureNames(Brief):
    """Of the sum over levels that are not known.

    `row` is the row that each of the table's stands for, `cells` the places of each row in the table,
    `together` the log density of the table's rows.
    """

    row: str
    cells: str
    together: str


@dataclass(frozen=True, slots=True, repr=False)
class Names(Brief):
    """Every name of one model's program, keyed by what has it."""

    equations: Mapping[str, Mapping[str, str]]  # by the intercept's symbol: "eta", "dim", ...
    terms: Mapping[str, TermNames]  # by the coefficient's symbol
    groups: Mapping[str, GroupNames]  # by the deviations' symbol
    latents: Mapping[str, LatentNames]  # by variable
    mixture: MixtureNames

    def of(self, equation: Equation) -> Mapping[str, str]:
        """The names of a regression's parts."""
        return self.equations[equation.intercept]

    def dim(self, term: Term) -> str:
        return self.terms[term.symbol].dim

    def index(self, term: Term) -> str:
        return self.terms[term.symbol].index

    def group(self, varying: Varying) -> GroupNames:
        return self.groups[varying.symbol]

    def latent(self, latent: Latent) -> LatentNames:
        return self.latents[latent.variable]


def names_of(model: Model) -> Names:
    """The names of a model's program: the same for the same model."""
    parameters = (symbol for equation in model.equations for symbol in equation.parameters)
    scales = (varying.scale for equation in model.equations for varying in equation.varying)
    intercepts = (equation.intercept for equation in model.equations)
    known = {v.symbol for v in model.variables.values()}.union(parameters, scales, intercepts, model.unknown)
    namer = Namer(known)
    equations: dict[str, Mapping[str, str]] = {}
    terms: dict[str, TermNames] = {}
    groups: dict[str, GroupNames] = {}
    for equation in model.equations:
        by_levels: dict[tuple[str, ...], str] = {}  # a slope by level is looked up where its mean is
        for term in equation.terms:
            dim = namer.identifier("heights" if term.curve is not None else "levels", *term.factors)
            terms[term.symbol] = TermNames(dim, _index(equation, term, by_levels, namer))
        equations[equation.intercept] = _parts(equation.response, namer)
        for varying in equation.varying:
            own = (equation.response, varying.group)
            groups[varying.symbol] = GroupNames(
                raw=namer.identifier("z", *own),
                factor=namer.identifier("chol", *own),
                dim=namer.identifier("levels", varying.group),
                effects_dim=namer.identifier("varying", *own),
            )
    latents = _latents(model, namer)
    mixture = MixtureNames(*(namer.identifier(word) for word in ("row_of", "cells", "together")))
    return Names(equations, terms, groups, latents, mixture)


def _index(equation: Equation, term: Term, by_levels: dict[tuple[str, ...], str], namer: Namer) -> str:
    if term.curve is not None:
        return namer.identifier("curve", *term.factors)
    if not term.full:
        return ""
    if term.numbers:
        return by_levels.get(term.looked_up) or namer.identifier("index", *term.looked_up)
    name = (
        namer.identifier("cell", equation.response)
        if term.cells
        else namer.identifier("index", *term.factors)
    )
    return by_levels.setdefault(term.factors, name)


def _parts(response: str, namer: Namer) -> Mapping[str, str]:
    parts = {part: namer.identifier(response, part) for part in _PARTS}
    parts["dim"] = namer.identifier("outcomes", response)
    return {"eta": namer.identifier("eta", response), "observed": namer.identifier(response, "hat"), **parts}


def _latents(model: Model, namer: Namer) -> dict[str, LatentNames]:
    return {
        latent.variable: LatentNames(
            all=namer.identifier(latent.variable, "full"),
            rows=namer.identifier(latent.variable, "gaps"),
            known=namer.identifier(latent.variable, "known"),
            measured=namer.identifier(latent.variable, "measured"),
            errors=namer.identifier(latent.variable, "errors"),
            raw=namer.identifier(latent.variable, "raw") if latent.around else "",
        )
        for latent in model.latents
    }


def dimensions_of(model: Model) -> dict[str, tuple[Dimension, ...]]:
    """The dimensions of each parameter that is more than one number: their names and labels."""
    names = names_of(model)
    dimensions: dict[str, tuple[Dimension, ...]] = {}
    for equation in model.equations:
        outcomes: tuple[Dimension, ...] = ()
        if equation.levels:
            outcomes = ((names.of(equation)["dim"], tuple(map(str, equation.levels[1:]))),)
        slopes = outcomes if equation.family.predictor == "unordered" else ()
        for term in equation.terms:
            own = ((names.dim(term), term.columns),) if len(term.columns) > 1 else ()
            dimensions[term.symbol] = (*own, *slopes)
        dimensions[equation.intercept] = outcomes
        for varying in equation.varying:
            dimensions |= _of_groups(varying, names.group(varying))
    return {symbol: dims for symbol, dims in dimensions.items() if dims}


def _of_groups(varying: Varying, names: GroupNames) -> dict[str, tuple[Dimension, ...]]:
    groups = (names.dim, tuple(map(str, varying.levels)))
    if not varying.correlated:
        return {varying.symbol: (groups,)}
    effects = tuple(d.name for d in varying.deviations)
    own, twin = (names.effects_dim, effects), (f"{names.effects_dim}_2", effects)
    _, stds, correlations = varying.parameters
    return {varying.symbol: (groups, own), stds: (own,), correlations: (own, twin)}
