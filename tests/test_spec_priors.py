"""The closed grammar of priors."""

from __future__ import annotations

import pytest

from dagreg.errors import SpecError
from dagreg.spec.load import loads
from dagreg.spec.priors import DISTRIBUTIONS, signature
from dagreg.spec.types import Prior


def prior(text: str, term: str = "a") -> Prior:
    return (
        loads(f"edges: [a -> b]\nregressions:\n  b:\n    priors:\n      {term}: {text}\n")
        .regressions["b"]
        .priors[term]
    )


def refusal(text: str, term: str = "a") -> tuple[str, str]:
    with pytest.raises(SpecError) as caught:
        prior(text, term)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic.code, diagnostic.message


@pytest.mark.parametrize(
    ("text", "distribution", "arguments"),
    [
        ("Normal(0, 1)", "Normal", (0, 1)),
        ("Normal( -1.5 ,2e-3 )", "Normal", (-1.5, 0.002)),
        ("'Normal(.5, 1.)'", "Normal", (0.5, 1)),
        ("Normal(mu=0, sigma=1)", "Normal", (0, 1)),
        ("Normal(sigma=1, mu=0)", "Normal", (0, 1)),
        ("Normal(0, sigma=1)", "Normal", (0, 1)),
        ("StudentT(3, 0, 2.5)", "StudentT", (3, 0, 2.5)),
        ("Cauchy(0, 1)", "Cauchy", (0, 1)),
        ("Laplace(0, 1)", "Laplace", (0, 1)),
        ("HalfNormal(1)", "HalfNormal", (1,)),
        ("HalfCauchy(1)", "HalfCauchy", (1,)),
        ("HalfStudentT(3, 1)", "HalfStudentT", (3, 1)),
        ("Exponential(1)", "Exponential", (1,)),
        ("Gamma(2, 0.5)", "Gamma", (2, 0.5)),
        ("InverseGamma(2, 0.5)", "InverseGamma", (2, 0.5)),
        ("LogNormal(-1, 0.5)", "LogNormal", (-1, 0.5)),
        ("Beta(2, 2)", "Beta", (2, 2)),
        ("Uniform(-1, 1)", "Uniform", (-1, 1)),
        ("LKJCholesky(2)", "LKJCholesky", (2,)),
        ("Dirichlet(1, 1, 1)", "Dirichlet", (1, 1, 1)),
        ("Flat()", "Flat", ()),
        ("Flat", "Flat", ()),
        ("HalfFlat()", "HalfFlat", ()),
    ],
)
def test_priors(text: str, distribution: str, arguments: tuple[float, ...]) -> None:
    read = prior(text)
    assert (read.distribution, read.arguments) == (distribution, arguments)


def test_a_prior_prints_as_pymc_writes_it() -> None:
    assert str(prior("Normal(sigma=1, mu=0.25)")) == "Normal(0.25, 1)"


def test_signatures() -> None:
    assert signature("StudentT") == "StudentT(nu, mu, sigma)"
    assert signature("Dirichlet") == "Dirichlet(a, ...)"


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_parameters_are_those_of_pymc(name: str) -> None:
    pm = pytest.importorskip("pymc")
    if name in ("LKJCholesky", "Flat", "HalfFlat"):
        pytest.skip("no parameters of one number in PyMC")
    numbers = {parameter: i + 1.0 for i, (parameter, _) in enumerate(DISTRIBUTIONS[name].parameters)}
    if name == "Dirichlet":
        numbers = {"a": [1.0, 1.0]}
    assert getattr(pm, name).dist(**numbers) is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Normal(0, 1", "DR152"),
        ("Normal 0, 1", "DR152"),
        ("Normal(0, 1) + 1", "DR152"),
        ("Normal(0, 1)(2)", "DR152"),
        ("Normal(0, (1))", "DR152"),
        ("Normal(0, x)", "DR152"),
        ("Normal(0, 1e999)", "DR152"),
        ("Normal(0, nan)", "DR152"),
        ("Normal(0,, 1)", "DR152"),
        ("pm.Normal(0, 1)", "DR152"),
        ("Norm(0, 1)", "DR152"),
        ("Normal()", "DR153"),
        ("Normal(0, 1, 2)", "DR153"),
        ("Normal(mu=0, mu=1)", "DR153"),
        ("Normal(mu=0, 1)", "DR153"),
        ("Dirichlet()", "DR153"),
        ("Dirichlet(1, 0)", "DR154"),
        ("Exponential(0)", "DR154"),
        ("Uniform(upper=0, lower=1)", "DR154"),
        ("1", "DR111"),
        ("[Normal, 0, 1]", "DR111"),
    ],
)
def test_refusals(text: str, code: str) -> None:
    assert refusal(text)[0] == code


@pytest.mark.parametrize(
    "text", ["Normal(0, 1)", "StudentT(3, 0, 1)", "Cauchy(0, 1)", "Laplace(0, 1)", "Flat()", "Uniform(-1, 1)"]
)
def test_sigma_refuses_priors_that_admit_negative_values(text: str) -> None:
    code, message = refusal(text, "sigma")
    assert code == "DR155"
    assert "admits negative values" in message


@pytest.mark.parametrize(
    "text",
    ["HalfNormal(1)", "Exponential(1)", "Uniform(0, 10)", "LogNormal(0, 1)", "Beta(1, 1)", "HalfFlat()"],
)
def test_sigma_takes_priors_above_zero(text: str) -> None:
    assert prior(text, "sigma").distribution == text.split("(")[0]
