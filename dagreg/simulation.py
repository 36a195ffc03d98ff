"""`simulate`: data drawn from a spec's model, under its priors or under the posterior of a fit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagreg.binding.opening import open_if_there
from dagreg.binding.room import check_rows
from dagreg.effects.simulate import Simulated
from dagreg.effects.simulation import from_priors
from dagreg.lazy import Lazy
from dagreg.spec.load import spec_of
from dagreg.spec.python import check_number
from dagreg.spec.types import MAX_SEED, Spec

if TYPE_CHECKING:
    from dagreg import result as results
    from dagreg.result import Result
else:  # priors need no fit
    results = Lazy("dagreg.result")


def simulate(
    spec: Spec | str | os.PathLike[str],
    rows: int,
    *,
    data: Any = None,
    do: Mapping[str, Any] | None = None,
    seed: int | None = None,
    posterior: Result | str | os.PathLike[str] | None = None,
    allow_outside: bool = False,
) -> Simulated:
    """Rows drawn from the model with one set of parameters: of the priors, or of a fit's `posterior`.

    With data, roots are resampled from the observed rows; without, they are drawn by their types. `do` sets
    nodes and cuts the arrows into them. Raises DagregError where the spec cannot be compiled, a prior is
    improper (DR571) or too wide (DR572), `do` names no node or value (DR562) or is not covered by the fit
    (DR561), or the fit is of another spec (DR573), or a number is out of its range (DR569).
    """
    spec = spec_of(spec)
    check_number("rows", rows, 1, 2**53, whole=True)
    check_rows(rows, len(spec.nodes))
    seed = spec.sampling.seed if seed is None else seed
    check_number("seed", seed, 0, MAX_SEED, whole=True)
    if posterior is None:
        return from_priors(spec, rows, open_if_there(spec, data, allow_outside=allow_outside), do or {}, seed)
    result = posterior if isinstance(posterior, results.Result) else results.open_result(posterior)
    return result.simulate(spec, rows, data, do or {}, seed, allow_outside=allow_outside)
