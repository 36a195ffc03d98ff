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
from dagreg.errors import DagregError, Diagnostic
from dagreg.model.types import Model
from dagreg.spec.types import Sampling

# Chains start at the priors' centres, without jitter (`jitter_rvs=set()`): one unit of a coefficient may
# be a hundred units of a predictor, and under a log link that overflows before the first step.


def sample(program: Program, model: Model, data: Mapping[str, Any], sampling: Sampling) -> Draws:
    """Compiles a builder of the program on these data and samples it.

    Returns draws of every parameter of the model's equations; nothing per row is kept.
    Raises DagregError (DR501) where the sampler cannot start.
    """
    import nutpie

    started = time.perf_counter()
    logging.getLogger("pytensor").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = nutpie.compile_pymc_model(program.build(model.builder, data), jitter_rvs=set())
            tree = nutpie.sample(
                compiled,
                draws=sampling.draws,
                tune=sampling.tune,
                chains=sampling.chains,
                seed=sampling.seed,
                target_accept=sampling.target_accept,
                adaptation=model.adaptation,
                progress_bar=False,
                save_warmup=False,
            )
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
        tree=tree,
    )


def parameters(model: Model) -> tuple[str, ...]:
    """The symbols of a model's parameters, in the order of its equations."""
    return tuple(symbol for equation in model.equations for symbol in equation.parameters)
