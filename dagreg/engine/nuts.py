"""NUTS by nutpie, on the very program that is printed."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from dagreg.emit.program import Program
from dagreg.engine.draws import Draws
from dagreg.engine.posterior import statistics
from dagreg.errors import DagregError, Diagnostic
from dagreg.model.types import Model
from dagreg.spec.types import Sampling

NUDGE = 1e-3
# Chains start at the priors' centres, without jitter (`jitter_rvs=set()`): one unit of a coefficient may
# be a hundred units of a predictor, and under a log link that overflows before the first step.


def sample(program: Program, model: Model, data: Mapping[str, Any], sampling: Sampling) -> Draws:
    """Compiles a builder of the program on these data and samples it.

    Returns draws of every parameter of the model's equations; nothing per row is kept.
    Raises DagregError (DR501) where the sampler cannot start.
    """
    started = time.perf_counter()
    logging.getLogger("pytensor").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = _sampled(program.build(model.builder, data), model, sampling)
    except (RuntimeError, ValueError, ArithmeticError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        message = f"the sampler could not run the {model.estimator} model: {reason}"
        raise DagregError((Diagnostic("DR501", message),)) from error
    posterior = tree["posterior"]
    symbols = parameters(model)
    return Draws(
        values={s: np.asarray(posterior[s].to_numpy(), dtype=np.float64) for s in symbols},
        engine="nuts",
        divergences=int(tree["sample_stats"]["diverging"].sum()),
        seconds=time.perf_counter() - started,
        trees=(statistics(tree),),
    )


def _sampled(built: Any, model: Model, sampling: Sampling) -> Any:
    """The sampler's tree of a pm.Model.

    nutpie refuses a start where the gradient is exactly 0, as it is at the mode of a balanced table; such a
    model starts a little beside it.
    """
    try:
        return _run(built, model, sampling, {})
    except RuntimeError as error:
        if "initial gradient" not in str(error):
            raise
    start = built.initial_point()
    beside = {rv.name: start[rv.name] + NUDGE for rv in built.free_RVs if rv.name in start}
    return _run(built, model, sampling, beside)


def _run(built: Any, model: Model, sampling: Sampling, start: Mapping[str, Any]) -> Any:
    import nutpie

    compiled = nutpie.compile_pymc_model(built, jitter_rvs=set(), initial_points=dict(start))
    return nutpie.sample(
        compiled,
        draws=sampling.draws,
        tune=sampling.tune,
        chains=sampling.chains,
        seed=sampling.seed,
        target_accept=max(sampling.target_accept, model.least_acceptance),
        adaptation=model.adaptation,
        progress_bar=False,
        save_warmup=False,
    )


def parameters(model: Model) -> tuple[str, ...]:
    """The symbols of a model's parameters, in the order of its equations, and of what is not known."""
    return (*(symbol for equation in model.equations for symbol in equation.parameters), *model.unknown)
