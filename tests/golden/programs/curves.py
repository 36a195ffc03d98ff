"""spec: the total effect of x on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def polynomial(x, knots):
    """Rows x knots but the first: a coefficient is the curve's height at its knot, less that at the first."""

    def powers(x):
        return ((x - knots[0]) / (knots[-1] - knots[0]))[:, None] ** np.arange(len(knots))

    knots = np.asarray(knots)
    return (powers(x) @ np.linalg.inv(powers(knots)))[:, 1:]


def natural_spline(x, knots):
    """Rows x knots but the first: a coefficient is the curve's height at its knot, less that at the first.

    A natural cubic spline (Hastie, Tibshirani and Friedman 2009, section 5.2.1).
    """

    def functions(x):
        u, t = ((v - knots[0]) / (knots[-1] - knots[0]) for v in (x, knots))
        beyond = np.maximum(u[:, None] - t, 0) ** 3
        d = (beyond[:, :-1] - beyond[:, -1:]) / (t[-1] - t[:-1])
        return np.column_stack([np.ones_like(u), u, d[:, :-1] - d[:, -1:]])

    knots = np.asarray(knots)
    return (functions(x) @ np.linalg.inv(functions(knots)))[:, 1:]


def build_adjusted(data):
    """adjusted: y on x, v."""
    coords = {
        "heights_x": ["x[8.92261]", "x[10.2266]", "x[14.0008]"],
        "heights_v": ["v[-0.0459955]", "v[1.87953]"],
    }
    with pm.Model(coords=coords) as model:
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        curve_x = pm.Data("curve_x", natural_spline(
            np.asarray(data["x"], dtype=float),
            [4.96648058, 8.9226142, 10.22661797, 14.0008331],
        ))
        curve_v = pm.Data("curve_v", polynomial(  # standardize of the column
            (np.asarray(data["v"], dtype=float) - -3.0591522532499456) / 0.43676800932036225,
            [-2.19455683, -0.04599547, 1.87952628],
        ))
        # y: gaussian, identity link (spec:4)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", 2.636014, 9.660967)
        # x, exposure (spec:4): its effect is asked for; a natural spline, by its heights at the knots
        beta_y_x = pm.Normal("beta_y_x", 0, 9.660967, dims="heights_x")  # default Normal(0, 2.5 sd(y))
        # v, adjustment (spec:4): `v` is a common cause: it closes x <- v -> y; a polynomial, by its heights at the
        # knots
        beta_y_v = pm.Normal("beta_y_v", 0, 9.660967, dims="heights_v")  # default Normal(0, 2.5 sd(y))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = (
            alpha_y
            + pm.math.dot(curve_x - np.array([0.361387, 0.464702, 0.0938416]), beta_y_x)
            + pm.math.dot(curve_v - np.array([0.761337, 0.137154]), beta_y_v)
        )
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_unadjusted(data):
    """unadjusted: y on x."""
    coords = {
        "heights_x": ["x[8.92261]", "x[10.2266]", "x[14.0008]"],
    }
    with pm.Model(coords=coords) as model:
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        curve_x = pm.Data("curve_x", natural_spline(
            np.asarray(data["x"], dtype=float),
            [4.96648058, 8.9226142, 10.22661797, 14.0008331],
        ))
        # y: gaussian, identity link (spec:4)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", 2.636014, 9.660967)
        # x, exposure (spec:4): nothing is adjusted for, so its coefficient is an association; a natural spline, by
        # its heights at the knots
        beta_y_x = pm.Normal("beta_y_x", 0, 9.660967, dims="heights_x")  # default Normal(0, 2.5 sd(y))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = alpha_y + pm.math.dot(curve_x - np.array([0.361387, 0.464702, 0.0938416]), beta_y_x)
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model
