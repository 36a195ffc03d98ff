"""Averages over very many rows as polynomials of the parameters, fitted at some of the draws.

The mean over the rows is a smooth function of the parameters, and a posterior of many rows is narrow:
there a polynomial of low degree is all but the function itself. It is fitted by least squares to the means
at evenly spaced draws, which stay as they are, and gives those at the others. Its error is measured: the
residuals of leaving one draw out at a time (the PRESS of Allen 1974), as a share of the posterior sd. Where
a polynomial of the third degree is not good enough, the means are worked out at all draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

import numpy as np

from dagreg.effects.gformula import Known, branches, countable, evaluations, is_exact
from dagreg.effects.mediation import EffectPart
from dagreg.effects.rows import EncodedRows, fixed_groups, linear
from dagreg.model.plan import Model
from dagreg.numerics.arrays import Array, Index

MAX_CELLS = 10_000_000  # draws x rows x branches x nodes up to which every draw is worked out
MAX_ERROR = 0.01  # of the posterior sd, of each quantity that is reported
MAX_DEGREE = 3
MIN_FREE = 30  # draws beyond the polynomial's coefficients, from which its error is measured
MAX_SHARE = 0.25  # of the draws, for fitting: with more, little would be saved
MIN_SINGULAR = 1e-7  # of the largest singular value: smaller ones are rounding

PartsOf = Callable[[Mapping[str, Array], Known], tuple[EffectPart, ...]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of the draws, and the means that contrasts share at them."""

    index: Index
    draws: Mapping[str, Array]
    known: Known = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Polynomials' bases, draws x functions, by degree, and the draws that each needs besides.

    The last batch holds the draws that are left.
    """

    bases: tuple[Array, ...]
    batches: tuple[Batch, ...]

    def parts(self, parts_of: PartsOf) -> tuple[tuple[EffectPart, ...], float]:
        """The parts of a contrast at all draws, and the largest error of a part in posterior sds."""
        worked_out: list[tuple[EffectPart, ...]] = []
        for i, batch in enumerate(self.batches):
            worked_out.append(parts_of(batch.draws, batch.known))
            index = np.concatenate([b.index for b in self.batches[: i + 1]])
            values = np.vstack([_stacked(parts) for parts in zip(*worked_out, strict=True)])
            if i < len(self.bases):
                fitted, error = polynomial(self.bases[i], index, values)
            else:
                fitted, error = values[:, np.argsort(index)], 0.0
            if error <= MAX_ERROR:
                break
        sides = fitted.reshape(len(worked_out[0]), 2, -1)
        return tuple(
            replace(p, start=s[0], values=s[1]) for p, s in zip(worked_out[0], sides, strict=True)
        ), error


def surrogate_of(
    model: Model, draws: Mapping[str, Array], rows: EncodedRows, held: Collection[str] = ()
) -> Surrogate | None:
    """None where every draw can be worked out, or averages are no smooth function of a few parameters.

    Drawn mediators and bootstrapped rows have noise of their own. Counts, which would be drawn at many draws,
    are summed over at some.
    """
    count = len(draws[model.outcome.intercept])
    cells = count * len(rows) * branches(model) * evaluations(model, held)
    if linear(model, held) or (cells <= MAX_CELLS and not countable(model)):
        return None
    if model.functional is not None or not rows.complete or rows.units is not None:
        return None
    if not (is_exact(model) or countable(model)):
        return None
    scores = _scores(
        np.hstack([draws[s].reshape(count, -1) for s in dict.fromkeys(_symbols(model, held)) if s in draws])
    )
    bases = list(_bases(np.hstack([np.ones((count, 1)), scores])))
    if not bases:
        return None
    return Surrogate(tuple(bases), tuple(_batches(draws, [b.shape[1] + MIN_FREE for b in bases], count)))


def polynomial(basis: Array, index: Index, values: Array) -> tuple[Array, float]:
    """Quantities x draws at all draws from those at some, which are kept; and the largest error, in sds.

    `basis` is draws x functions, `values` quantities x len(index).
    """
    left, size, right = np.linalg.svd(basis[index], full_matrices=False)
    kept = size > MIN_SINGULAR * size[0]
    left, size, right = left[:, kept], size[kept], right[kept]
    residuals = values - (values @ left) @ left.T
    alone = residuals / np.maximum(1.0 - (left**2).sum(axis=1), 1e-12)
    fitted = ((values @ left) / size) @ right @ basis.T
    fitted[:, index] = values
    error, sd = np.sqrt((alone**2).mean(axis=1)), fitted.std(axis=1)
    rounding = 1e-12 * np.abs(values).max(axis=1)
    return fitted, float(np.where(error <= rounding, 0.0, error / np.maximum(sd, 1e-300)).max())


def _symbols(model: Model, held: Collection[str]) -> Iterator[str]:
    """The parameters that averages depend on."""
    for equation in (*model.mediators, model.outcome):
        yield equation.intercept
        yield from (t.symbol for t in equation.terms)
        yield from (a.symbol for a in equation.auxiliaries)
        own = fixed_groups(model, equation, held)
        for varying in equation.varying:
            if varying in own:
                yield varying.symbol
            elif varying.correlated:
                yield from varying.parameters[1:]
            else:
                yield varying.scale


def _scores(parameters: Array) -> Array:
    """Principal components of the parameters with an sd of 1, draws x components."""
    centred = parameters - parameters.mean(axis=0)
    sds = centred.std(axis=0)
    moving = sds > 1e-12 * np.abs(parameters).max(axis=0)
    left, size, _ = np.linalg.svd(centred[:, moving] / sds[moving], full_matrices=False)
    return np.asarray(left[:, size > MIN_SINGULAR * size.max(initial=0.0)] * math.sqrt(len(left)))


def _bases(first: Array) -> Iterator[Array]:
    """The monomials of degree 1, 2 and 3 as far as there are draws enough; `first` has those of degree 1."""
    count, size = first.shape
    for degree in range(1, MAX_DEGREE + 1):
        if math.comb(size + degree - 1, degree) + MIN_FREE > MAX_SHARE * count:
            return
        factors = np.array(list(combinations_with_replacement(range(size), degree)))
        yield np.prod(first[:, factors], axis=2)


def _batches(draws: Mapping[str, Array], sizes: Sequence[int], count: int) -> Iterator[Batch]:
    """Evenly spaced draws, as many as each size says with those before, then the rest."""
    rest = np.arange(count)
    taken = 0
    for size in (*sizes, count):
        places = np.unique(np.linspace(0, len(rest) - 1, size - taken).round().astype(np.int64))
        index, rest, taken = rest[places], np.delete(rest, places), size
        yield Batch(index, {name: values[index] for name, values in draws.items()})


def _stacked(parts: Sequence[EffectPart]) -> Array:
    """One part in several batches: its start and its change, 2 x draws."""
    return np.stack([np.concatenate([p.start for p in parts]), np.concatenate([p.values for p in parts])])
