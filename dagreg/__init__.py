"""dagreg: from a causal graph to a justified Bayesian regression.

    spec    = dagreg.load("berkeley.yaml")      # text -> Spec; dagreg.Spec(edges=[...], effect=...) makes one
    answer  = dagreg.explain(spec)              # Spec -> identification, with its reasons; needs no data
    program = dagreg.compile(spec, data=df)     # -> PyMC source: .source, .build(data) -> pm.Model
    tested  = dagreg.test(spec, data=df)        # -> every independence that the graph implies, with its test
    result  = dagreg.fit(spec, data=df)         # -> .effects, .draws, .report()
    result.save("berkeley.dagreg")              # report.html, report.md, results.json, model.py, ...
    result  = dagreg.open("berkeley.dagreg")    # the same result, nothing fitted again

Every stage takes one immutable type and returns another; `dagreg.pipeline` shows them all on one screen.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dagreg.errors import DagregError, DataError, SpecError
    from dagreg.pipeline import compile, draw, explain, fit, test
    from dagreg.result import open_result as open
    from dagreg.simulation import simulate
    from dagreg.spec.load import load, loads
    from dagreg.spec.types import Spec

__all__ = [
    "DagregError",
    "DataError",
    "Spec",
    "SpecError",
    "compile",
    "draw",
    "explain",
    "fit",
    "load",
    "loads",
    "open",
    "simulate",
    "test",
]
__version__ = "0.1.0"

_HOMES = {
    "load": "dagreg.spec.load",
    "loads": "dagreg.spec.load",
    "Spec": "dagreg.spec.types",
    "explain": "dagreg.pipeline",
    "compile": "dagreg.pipeline",
    "draw": "dagreg.pipeline",
    "fit": "dagreg.pipeline",
    "test": "dagreg.pipeline",
    "open": "dagreg.result:open_result",
    "simulate": "dagreg.simulation",
    "DagregError": "dagreg.errors",
    "SpecError": "dagreg.errors",
    "DataError": "dagreg.errors",
}


def __getattr__(name: str) -> Any:
    """Public names are imported when they are first asked for: `import dagreg` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'dagreg' has no attribute '{name}'")
    home, _, own = _HOMES[name].partition(":")
    return getattr(_import_module(home), own or name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
