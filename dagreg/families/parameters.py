"""The parameters besides the mean that several families share."""

from __future__ import annotations

from dagreg.families.family import Parameter

SIGMA = Parameter("sigma", None, words="a standard deviation")
NU = Parameter("nu", ("Gamma", (2.0, 0.1)), clipped=True, from_dispersion=lambda sigma: 30.0)
SHAPE = Parameter(  # of a gamma response: the dispersion is 1 / shape
    "shape", ("HalfCauchy", (5.0,)), clipped=True, from_dispersion=lambda sigma: 1 / sigma**2
)
PRECISION = Parameter(  # of a beta response: the dispersion is 1 / (1 + precision)
    "precision",
    ("HalfCauchy", (5.0,)),
    clipped=True,
    from_dispersion=lambda sigma: max(1 / sigma**2 - 1, 1e-6),
)
ZERO = Parameter(  # the mean that a quasi-likelihood fits is that of all counts
    "zero", ("Beta", (1.0, 1.0)), positive=False, from_dispersion=lambda sigma: 0.0
)
