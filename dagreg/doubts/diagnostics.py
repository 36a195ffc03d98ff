"""Whether the sampling can be trusted (Vehtari et al. 2021; Betancourt 2017 for divergences)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from dagreg.doubts.types import DrawDiagnostics
from dagreg.effects.types import Estimate
from dagreg.engines.draws import Draws, convergence
from dagreg.numerics.convergence import MAX_R_HAT, MIN_ESS


def diagnose(
    draws: Mapping[str, Draws], estimates: Sequence[Estimate], unknown: Collection[str] = ()
) -> DrawDiagnostics:
    """Over every parameter of every program and every estimate: the largest R-hat, the smallest ESS,
    divergences.

    `unknown`: symbols of values that are not known. Of hundreds of those some R-hat lies above any bound by
    chance; what they do to an answer shows in its own.
    """
    kept = ((d, v) for d in draws.values() for name, v in d.values.items() if name not in unknown)
    sizes = [convergence(v, independent=d.independent) for d, v in kept]
    ess = float(np.min([*(np.min(e) for e, _ in sizes), *(e.summary.ess_bulk for e in estimates)]))
    r_hat = float(np.max([*(np.max(r) for _, r in sizes), *(e.summary.r_hat for e in estimates)]))
    divergences = sum(d.divergences for d in draws.values())
    problems = []
    if np.isnan(r_hat):
        problems.append(
            "There is no R-hat: the draws are too few, or not all finite, to tell whether chains agree."
        )
    elif r_hat > MAX_R_HAT:
        problems.append(f"R-hat is {r_hat:.3f}, above {MAX_R_HAT}: the chains do not agree yet.")
    if ess < MIN_ESS:
        problems.append(
            f"The smallest effective sample size is {ess:.0f}, below {MIN_ESS:.0f}: sample longer."
        )
    if not all(np.isfinite([e.summary.mean, e.summary.sd]).all() for e in estimates):
        problems.append("An estimate is not a finite number: the model cannot answer this contrast.")
    if divergences:
        problems.append(
            f"{divergences} divergent transition{'s' * (divergences > 1)}: part of the posterior was missed."
        )
    return DrawDiagnostics(
        engine=", ".join(sorted({engine for d in draws.values() for engine in d.engine.split(", ")})),
        divergences=divergences,
        max_r_hat=r_hat,
        min_ess=ess,
        ok=not problems,
        problems=tuple(problems),
    )
