"""NUTS by nutpie, on the very program that is printed."""

from __future__ import annotations

import gc
import logging
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from dagreg.emit.program import Program
from dagreg.engines.draws import Draws, convergence
from dagreg.engines.engine import Engine, Progress, columns_read
from dagreg.engines.statistics import statistics
from dagreg.errors import Diagnostic, Unsolvable
from dagreg.lazy import Lazy
from dagreg.model.plan import Model
from dagreg.numerics.convergence import MAX_R_HAT, MIN_ESS
from dagreg.spec.types import Sampling

if TYPE_CHECKING:
    import nutpie
else:
    nutpie = Lazy("nutpie")  # takes longer to load than most models to solve

NAME = "nuts"
# Chains start at the priors' centres, without jitter (`jitter_rvs=set()`): one unit of a coefficient may
# be a hundred units of a predictor, and under a log link that overflows before the first step.
NUDGE = 1e-3
LENGTHS = (1, 2, 4)  # of runs, in times of what was asked for: the next where one is too short
MAX_SECONDS = 120.0  # of a run that a longer one follows
PATIENCE = 20.0  # seconds for the sampler's threads to end after a failure
NO_START = (
    "initialization points",
    "initial position",
    "initial gradient",
    "initial point",
    "initial evaluation",
)
_WORKING: list[threading.Event] = []  # samplers that failed and whose threads have not ended


def sample(
    program: Program,
    model: Model,
    data: Mapping[str, Any],
    sampling: Sampling,
    progress: Progress = lambda message: None,
) -> Draws:
    """Compiles a builder of the program on these data and samples it.

    Where chains do not agree yet, or are worth too few draws, they are run again and longer, a few times, and
    thinned to as many draws as were asked for.

    Returns draws of every parameter of the model's equations; nothing per row is kept. Raises Unsolvable,
    whatever it is that PyMC or nutpie raise: where no chain can start (DR501), memory runs out (DR503), the
    program cannot be compiled (DR504), or a chain breaks off (DR505).
    """
    started = time.perf_counter()
    logging.getLogger("pytensor").setLevel(logging.ERROR)
    built = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            built = program.build(model.builder, data)
            tree, divergences = _sampled(built, model, sampling, progress)
    except BaseException as error:
        if not _is_failure(error):
            raise
        raise Unsolvable((_diagnostic(error, model, built),)) from None
    posterior = tree["posterior"]
    symbols = parameters(model)
    return Draws(
        values={s: np.asarray(posterior[s].to_numpy(), dtype=np.float64) for s in symbols},
        engine=NAME,
        divergences=divergences,
        seconds=time.perf_counter() - started,
        trees=(statistics(tree),),
    )


def threads_left() -> bool:
    """Whether threads of a sampler that failed still run: they would crash an interpreter that ends beneath
    them.
    """
    return any(not ended.is_set() for ended in _WORKING)


def _is_failure(error: BaseException) -> bool:
    """Whether it tells of the sampler.

    A panic of nutpie's Rust is no `Exception`; an interrupt is the user's.
    """
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


class _Uncompiled(Exception):
    """The program of a model cannot be compiled."""


def _diagnostic(error: BaseException, model: Model, built: Any) -> Diagnostic:
    text = str(error).strip()
    reason = text.splitlines()[0] if text else type(error).__name__
    what = f"the {model.estimator} model ({model.formula})"
    shorter = "fewer `draws` or `chains`, fewer rows or fewer coefficients"
    if isinstance(error, MemoryError):
        return Diagnostic(
            "DR503", f"memory ran out while {what} was sampled", label=shorter, notes=(shorter,)
        )
    if any(words in text for words in NO_START):
        message = (
            f"{what} cannot be sampled: at the priors' centres its density is not finite{_culprits(built)}"
        )
        mend = "check units and signs of the priors, and that mean and link suit the response's values"
        return Diagnostic("DR501", message, notes=(mend, f"the sampler says: {reason}"))
    if isinstance(error, _Uncompiled) or built is None:
        return Diagnostic("DR504", f"the program of {what} cannot be compiled: {reason}")
    note = "tighter priors, or predictors and a response in other units, may keep its numbers finite"
    return Diagnostic("DR505", f"the sampler broke off in {what}: {reason}", notes=(note,))


def _culprits(built: Any) -> str:
    """The variables whose density is not finite at the start, as PyMC evaluates them; "" where it cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            terms = built.point_logps(round_vals=10)
        names = [name for name, value in terms.items() if not np.isfinite(value)]
    except Exception:  # the model is known to be broken: this is a word more, or none
        return ""
    return f", that of {', '.join(f'`{name}`' for name in names)}" if names else ""


def _sampled(built: Any, model: Model, sampling: Sampling, progress: Progress) -> tuple[Any, int]:
    """The sampler's tree of a pm.Model, and the divergences of the run that it is of.

    nutpie refuses a start where the gradient is exactly 0, as it is at the mode of a balanced table; such a
    model starts a little beside it.
    """
    try:
        return _run(built, model, sampling, {}, progress)
    except RuntimeError as error:
        if "initial gradient" not in str(error):
            raise
    start = built.initial_point()
    beside = {rv.name: start[rv.name] + NUDGE for rv in built.free_RVs if rv.name in start}
    return _run(built, model, sampling, beside, progress)


def _run(
    built: Any, model: Model, sampling: Sampling, start: Mapping[str, Any], progress: Progress
) -> tuple[Any, int]:
    ended = threading.Event()
    try:
        return _drawn(built, model, sampling, start, ended, progress)
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)  # they hold the sampler
        _await(ended)
        raise


def _drawn(
    built: Any,
    model: Model,
    sampling: Sampling,
    start: Mapping[str, Any],
    ended: threading.Event,
    progress: Progress,
) -> tuple[Any, int]:
    """What nutpie draws. `ended` is set when nothing of it is left, its threads included."""
    try:
        compiled = nutpie.compile_pymc_model(built, jitter_rvs=set(), initial_points=dict(start))
    except MemoryError:
        raise
    except Exception as error:
        ended.set()
        raise _Uncompiled(f"{type(error).__name__}: {error}") from None
    weakref.finalize(compiled, ended.set)
    return _long_enough(
        lambda times: _once(compiled, model, sampling, times), model, sampling, progress, time.monotonic
    )


def _long_enough(
    run: Callable[[int], Any],
    model: Model,
    sampling: Sampling,
    progress: Progress,
    clock: Callable[[], float],
) -> tuple[Any, int]:
    """The draws of the first run that is long enough, or of the longest, thinned; and its divergences.

    `run` samples for so many times what was asked for.
    """
    for times in LENGTHS:
        started = clock()
        tree = run(times)
        short = _short(tree, model)
        last = times == LENGTHS[-1] or clock() - started > MAX_SECONDS
        if not short or last or sampling.draws * sampling.chains < MIN_ESS:
            break
        progress(f"{short}; sampling {2 * times} times as long")
    divergences = int(tree["sample_stats"]["diverging"].sum())
    if times > 1:
        kept = {"draw": slice(times - 1, None, times)}
        tree = tree.map_over_datasets(lambda part: part.isel(kept, missing_dims="ignore"))
    return tree, divergences


def _short(tree: Any, model: Model) -> str:
    """Why a run is too short for the parameters, or "": what is not known has too many values to ask of
    each.
    """
    known = (s for s in parameters(model) if s not in model.unknown)
    sizes = [convergence(np.asarray(tree["posterior"][s].to_numpy(), dtype=np.float64)) for s in known]
    ess, r_hat = float(np.min([np.min(e) for e, _ in sizes])), float(np.max([np.max(r) for _, r in sizes]))
    if ess < MIN_ESS:
        return f"chains are worth {ess:.0f} draws, fewer than {MIN_ESS:.0f}"
    return f"chains do not agree yet (R-hat {r_hat:.3f})" if r_hat > MAX_R_HAT else ""


def _once(compiled: Any, model: Model, sampling: Sampling, times: int) -> Any:
    """One run of nutpie, so many times as long as asked for."""
    # Not `blocking`, which takes an interrupt for the end of sampling and returns the draws so far.
    sampler = nutpie.sample(
        compiled,
        draws=sampling.draws * times,
        tune=sampling.tune * times,
        chains=sampling.chains,
        seed=sampling.seed,
        target_accept=max(sampling.target_accept, model.least_acceptance),
        adaptation=model.adaptation,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
    )
    try:
        return sampler.wait()
    except BaseException:
        sampler.cancel()
        raise


def _await(ended: threading.Event) -> None:
    """Waits for the threads of a sampler that failed.

    `wait` raises when the first chain fails, and the threads of the others go on. Were the interpreter to end
    meanwhile, they would drop Python's objects in what is left of it: a segmentation fault. The last of them
    lets go of the compiled model, whose finaliser sets `ended`; references dropped in nutpie's threads are
    counted only when the next call of nutpie holds the interpreter's lock, so some call has to be made.
    """
    _WORKING.append(ended)
    until = time.monotonic() + PATIENCE
    while not ended.wait(0.05) and time.monotonic() < until:
        nutpie._lib.PyStorage.arrow()
        gc.collect()


def parameters(model: Model) -> tuple[str, ...]:
    """The symbols of a model's parameters, in the order of its equations, and of what is not known."""
    return (*(symbol for equation in model.equations for symbol in equation.parameters), *model.unknown)


ENGINE = Engine(
    name=NAME,
    words="NUTS (the No-U-Turn Sampler, a Markov chain)",
    participle="sampled by NUTS",
    obstacle=lambda piece, data: None,
    solve=lambda piece, data, sampling, program, progress: sample(
        program(), piece.model, columns_read(piece, data), sampling, progress
    ),
    packages=("dagreg", "numpy", "pymc", "pytensor", "nutpie", "numba"),
    runs_program=True,
)
