"""Mixed models that are not Gaussian, without a compiler: quadrature over deviations, then proposals.

**Theorem.** Of one group that coefficients vary between, levels are independent given the other parameters,
so that the likelihood is a product of integrals in as few dimensions as coefficients vary. Adaptive
Gauss-Hermite quadrature has them to any accuracy (Pinheiro and Chao 2006; Rabe-Hesketh, Skrondal and Pickles
2005): see `engines/marginal.py`. So p(coefficients, sds, correlations, parameters of the family | y) is known
up to a constant. It is drawn from by t proposals at its mode with importance weights, as in
`engines/mixed.py`; where evaluation takes long, from a polynomial in its place (`numerics/surrogate.py`).
Rue, Martino and Chopin (2009) integrate over the same parameters by a grid, with the deviations by Laplace's
method, which is quadrature with one node. Given such a draw the levels' deviations are independent, and drawn
from their own densities: `engines/deviations.py`.

**The checks.** Nodes are added until twice as many move the log density by no more than `MAX_ERROR`, and this
is measured again at draws. The weights' Pareto shape has to be at most 0.7 (Vehtari, Simpson, Gelman, Yao and
Gabry 2024). Where h may have several maxima, since the likelihood is not concave, its maximum is looked for
from elsewhere. And the proposals of deviations test the integrals. If one fails there are no draws, and the
next engine takes over.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dagreg.engines import density, mixed
from dagreg.engines.between import Between, group_draws
from dagreg.engines.density import Posterior, parameters, posterior_of
from dagreg.engines.deviations import drawn_deviations
from dagreg.engines.draws import Draws
from dagreg.engines.engine import Engine, Obstacle, columns_read
from dagreg.engines.importance import Mode, climb
from dagreg.engines.marginal import Given, Marginal, Near, marginal_of, spread
from dagreg.model.densities import LOG_DENSITIES
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array
from dagreg.numerics.importance import independent_draws, mode
from dagreg.numerics.surrogate import Smooth, draws_by_surrogate
from dagreg.optimise.types import Data, Piece
from dagreg.spec.types import Sampling

NAME = "quadrature"
MAX_WIDTH = 2  # coefficients that vary: draws of more are not calibrated
MAX_PARAMETERS = 20  # t densities of more fit few posteriors
MAX_BY_SURROGATE = 12  # of which a polynomial is fitted
MAX_ROWS = 200_000
NODES = {1: (5, 7, 11, 15, 21, 31), 2: (3, 5, 7, 9, 13, 17), 3: (3, 5, 7, 9)}  # by width
PILOT = 24  # points at which the number of nodes is told
FAR_BELOW = 12.0  # log units under the mode, where the integrals do not matter
CHECKS = 32  # draws at which their error is measured again
MAX_ERROR = 0.004  # sd of the log density's error: moves no mean by more of its posterior sds
MAX_WORK = 2_500  # rows x nodes of the density, from which a polynomial stands for it
MAX_WORK_EACH = 2_000_000  # and up to which there is an engine
STARTS, FAR = 6, 2.5  # of a search for another maximum, and how far in the prior's sds they lie
SAME = 0.1  # of a maximum's coordinates, in the prior's sds


@dataclass(frozen=True, slots=True)
class Integrated:
    """The log posterior of a model's own coordinates, then those of sds and correlations."""

    posterior: Posterior  # without deviations
    between: Between
    marginal: Marginal
    nodes: int
    near: Near

    @property
    def own(self) -> int:
        """How many of the coordinates are the model's own."""
        return len(self.posterior.coordinates)

    @property
    def size(self) -> int:
        return self.own + self.between.size

    @property
    def folded(self) -> tuple[int, ...]:
        return tuple(self.own + place for place in self.between.folded)

    @property
    def work(self) -> int:
        return int(self.marginal.size * self.nodes**self.marginal.width)

    def __call__(self, points: Array) -> Array:
        """The log density at each point, up to a constant; -inf where it is no number."""
        with np.errstate(all="ignore"):  # points may lie where nothing is finite
            values = self.posterior.coordinates.values(points[:, : self.own])
            (factors,), _ = self.between.factors(points[:, self.own :])
            likelihood = self.marginal.log_likelihood(values, factors, self.nodes, self.near)
            total = self.log_prior(points) + likelihood
        return np.where(np.isnan(total), -np.inf, total)

    def log_prior(self, points: Array) -> Array:
        """Of the coordinates."""
        own, others = points[:, : self.own], points[:, self.own :]
        coordinates = self.posterior.coordinates
        return self.between.factors(others)[1] + coordinates.log_prior(own, coordinates.values(own))

    @property
    def smooth(self) -> Smooth:
        """The likelihood is smooth in the logarithms of covariances between levels, told beside what rows
        tell.
        """
        between, own = self.between, self.own

        def coordinates(points: Array) -> Array:
            return np.hstack([between.logarithms(points[:, own:]), points[:, :own]])

        return Smooth(self.log_prior, coordinates, between.size)

    def parameters(self, points: Array) -> tuple[Array, Array]:
        """The values of the model's own parameters, and L."""
        (factors,), _ = self.between.factors(points[:, self.own :])
        return self.posterior.coordinates.values(points[:, : self.own]), factors

    def given(self, points: Array) -> Given:
        return self.marginal.given(*self.parameters(points))


def obstacle(piece: Piece, data: Data) -> Obstacle | None:
    """Why this engine cannot solve a piece; without words where none vary, or all is Normal."""
    if not piece.equation.varying or mixed.obstacle(piece, data) is None:
        return Obstacle("")
    why = _obstacle(piece)
    return Obstacle(why, piece.equation.span) if why else None


def _obstacle(piece: Piece) -> str:
    model, equation = piece.model, piece.equation
    if len(model.equations) > 1:
        return "its regressions share parameters"
    if piece.rows > MAX_ROWS:
        return f"it has {piece.rows:,} rows, more than {MAX_ROWS:,}"
    if piece.statistics is not None:
        return "statistics stand for its rows"
    if len(equation.varying) > 1:
        groups = " and ".join(v.group for v in equation.varying)
        return f"coefficients vary between the levels of {groups}, and only one group is integrated out"
    why = density.obstacle(model, groups=True)
    if why:
        return why
    if equation.family.predictor == "unordered":
        return f"{equation.family.words} has several predictors"
    (varying,) = equation.varying
    width = len(varying.deviations)
    if width > MAX_WIDTH:
        return f"{width} coefficients vary between the levels of {varying.group}, more than {MAX_WIDTH}"
    for deviation in varying.deviations:
        if deviation.prior.distribution not in LOG_DENSITIES:
            return f"the prior {deviation.prior} of an sd has no density here"
    count = parameters(model) + width * (width + 1) // 2
    if count > MAX_PARAMETERS:
        return f"it has {count} parameters besides the deviations, more than {MAX_PARAMETERS}"
    return ""


def draw_by_quadrature(model: Model, data: Mapping[str, Any], sampling: Sampling) -> Draws | None:
    """Independent draws of a model's one regression, in the shape of chains; None where a check fails."""
    started = time.perf_counter()
    (equation,) = model.equations
    rng = np.random.default_rng([sampling.seed, *model.formula.encode()])
    drawn = posterior_draws(model, data, sampling.chains * sampling.draws, rng)
    if drawn is None:
        return None
    target, points, deviations = drawn
    shape = (sampling.chains, sampling.draws)
    values = target.posterior.by_symbol(points[:, : target.own].reshape(*shape, -1))
    _, factors = target.parameters(points)
    values |= group_draws(equation.varying[0], factors, deviations, shape)
    values = {symbol: values[symbol] for symbol in equation.parameters if symbol in values}
    return Draws(values, NAME, 0, time.perf_counter() - started)


def posterior_draws(
    model: Model, data: Mapping[str, Any], count: int, rng: np.random.Generator
) -> tuple[Integrated, Array, Array] | None:
    """Draws of the coordinates (draws x coordinates) and of the deviations (draws x levels x q)."""
    target, start, scale = integrated_of(model, data)
    for _ in range(2):  # the second time from where the levels' maxima are near their guess
        place = mode(target, start, scale)
        if place is None:
            return None
        centre, root = place
        target = replace(target, near=near_maxima(target, centre))
        start, scale = centre, np.sqrt(np.square(root).sum(axis=1))
    enough = with_enough_nodes(target, centre, root, rng)
    if enough is None or enough.work > MAX_WORK_EACH:
        return None
    target = enough
    points = None
    if target.work > MAX_WORK and target.size <= MAX_BY_SURROGATE:
        points = draws_by_surrogate(target, centre, root, count, rng, target.folded, target.smooth)
    if points is None:
        points = independent_draws(target, centre, root, count, rng, target.folded)
    if points is None or not exact(target, points[:CHECKS]) or not one_maximum(target, points[:CHECKS], rng):
        return None
    values, factors = target.parameters(points)
    middle = target.given(centre[None])
    standard = np.linalg.solve(root, (points - centre).T).T
    deviations = drawn_deviations(
        target.marginal, values, factors, standard, target.nodes, target.near, middle, rng
    )
    return None if deviations is None else (target, points, deviations)


def integrated_of(model: Model, data: Mapping[str, Any]) -> tuple[Integrated, Array, Array]:
    """The log posterior; a first guess of its mode, and of the sds there.

    The guess is the mode without deviations, and moments of the levels' scores there.
    """
    (equation,) = model.equations
    (varying,) = equation.varying
    levels, width = len(varying.levels), len(varying.deviations)
    posterior = posterior_of(model, data)
    sign = -1.0 if equation.family.predictor == "ordered" else 1.0
    marginal = marginal_of(posterior.factors, levels, width, sign=sign)
    plain = climb(posterior, posterior.start)
    point, scale = posterior.start, np.minimum(posterior.coordinates.centres()[1], 1.0)
    if isinstance(plain, Mode):
        point, scale = plain.point, np.sqrt(np.square(plain.root).sum(axis=1))
    with np.errstate(all="ignore"):
        values = posterior.coordinates.values(point[None])
        given = marginal.given(values, np.ones((1, width, width)))
        nothing = np.zeros((width, levels, 1))
        _, slope, bend, _ = marginal.derivatives(given, nothing)
        near = marginal.near(given, nothing)
    told = np.nan_to_num(np.einsum("aagp->a", bend) / levels)  # mean information of a level
    inside = np.maximum(told, 1e-12)
    units = np.sqrt(1 / inside) * (2 / levels) ** 0.25
    sds = np.sqrt(np.maximum(np.nan_to_num(np.square(slope).mean(axis=(1, 2))) / inside - 1, 0.0) / inside)
    between = Between((varying,), (units,))
    free = np.zeros(width * (width - 1) // 2)
    start = np.concatenate([point, np.arcsinh(np.clip(sds / units, 0.5, 30.0)), free])
    each = np.full(between.size, min(1 / np.sqrt(2 * levels), 0.5))
    target = Integrated(posterior, between, marginal, NODES[width][1], near)
    return target, start, np.concatenate([scale, each])


def near_maxima(target: Integrated, point: Array) -> Near:
    """Where the levels' maxima are about, from those at a point."""
    given = target.given(point[None])
    peak = target.marginal.peak(given, target.near)
    return target.marginal.near(given, spread(given.root, peak.place))


def with_enough_nodes(
    target: Integrated, centre: Array, root: Array, rng: np.random.Generator
) -> Integrated | None:
    """With the fewest nodes whose error is small at points about the mode; None where the most are not
    enough.
    """
    points = np.vstack([centre, centre + rng.standard_normal((PILOT, len(centre))) @ root.T])
    heights = target(points)
    points = points[heights > heights[0] - FAR_BELOW]  # where sds are absurd nodes are never enough
    for nodes in NODES[target.marginal.width]:
        enough = replace(target, nodes=nodes)
        if exact(enough, points, MAX_ERROR / 2):
            return enough
    return None


def exact(target: Integrated, points: Array, limit: float = MAX_ERROR) -> bool:
    """Whether twice the nodes leave the log density as it is, but for a constant."""
    apart = replace(target, nodes=2 * target.nodes + 1)(points) - target(points)
    return bool(np.std(apart) <= limit)  # not where any is no number


def one_maximum(target: Integrated, points: Array, rng: np.random.Generator) -> bool:
    """Whether h of each level has one maximum, as searches from afar tell; where the likelihood is concave it
    has.
    """
    (equation,) = target.posterior.model.equations
    if equation.link.name in equation.family.concave and equation.censoring is None:
        return True
    given = target.given(points[:STARTS])
    first = target.marginal.peak(given, target.near).place
    random = FAR * rng.standard_normal(target.near.pull.shape)
    # without curvature a search starts at L' times the pull
    pull = random / max(float(np.abs(given.root).max(axis=(0, 1)).mean()), 1e-3)
    flat = tuple((np.zeros_like(weight), before) for weight, before in target.near.by_row)
    afar = Near(np.zeros_like(target.near.bend), pull, flat)
    return bool(np.abs(target.marginal.peak(given, afar).place - first).max() < SAME)


ENGINE = Engine(
    name=NAME,
    words="importance sampling, deviations integrated out by quadrature; then these from their density",
    participle="solved with its deviations integrated out by quadrature",
    obstacle=obstacle,
    solve=lambda piece, data, sampling, *_: draw_by_quadrature(
        piece.model, columns_read(piece, data), sampling
    ),
    packages=("dagreg", "numpy", "scipy"),
    independent=True,
    unfit="quadrature or its proposals did not fit",
    step=NAME,
    grounds=lambda piece: (
        "each level has few deviations: quadrature integrates them out, and few parameters are left"
    ),
)
