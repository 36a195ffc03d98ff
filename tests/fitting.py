"""What the tests of the fitting half share: from the text of a spec and columns to models, without a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from dagreg import pipeline
from dagreg.binding.opening import open_source
from dagreg.binding.table import Table, bind
from dagreg.compiled import Compiled
from dagreg.effects.rows import EncodedRows, merge, observed_rows
from dagreg.effects.types import Estimate, Summary
from dagreg.model.plan import Model
from dagreg.spec.load import loads
from dagreg.spec.types import Spec
from dagreg.study import study_of

Columns = Mapping[str, Any]


def spec_of(text: str) -> Spec:
    return loads(text, file="spec.yaml")


def compiled(text: str, data: Columns | None = None) -> Compiled:
    """The program of a spec on these columns (or without any)."""
    return pipeline.compile(spec_of(text), data)


def table_of(spec: Spec, data: Any = None, *, allow_outside: bool = True) -> Table:
    """The data of a spec's regressions, as a fit binds them."""
    return bind(study_of(spec), open_source(spec, data, allow_outside=allow_outside))


def models_of(text: str, data: Columns, effect: int = 0) -> dict[str, Model]:
    """The models of one effect by estimator."""
    return {model.estimator: model for model in compiled(text, data).plans[effect].models}


def rows_of(model: Model, data: Columns) -> EncodedRows:
    return merge(observed_rows(model, data))


def point(model: Model, **values: Any) -> dict[str, np.ndarray]:
    """Draws (one or more) of a model's parameters from their values: scalars, or draws (x coefficients)."""
    return {name: np.atleast_1d(np.asarray(value, dtype=np.float64)) for name, value in values.items()}


def estimate_of(mean: float, sd: float, contrast: Any = None, estimator: Any = "adjusted") -> Estimate:
    """An estimate on the outcome's scale with this posterior mean and sd, for the checks that only read
    those.
    """
    summary = Summary(mean, sd, mean, (mean - 2 * sd, mean + 2 * sd), 0.94, 0.5, 4000.0, 1.0)
    return Estimate("x -> y", "total effect", estimator, True, "outcome", contrast, {}, (), summary)
