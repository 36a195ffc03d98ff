"""spec: the total effect of x on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


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
        "heights_x": ["x[knot 2]", "x[knot 3]", "x[knot 4]"],
    }
    with pm.Model(coords=coords) as model:
        v = pm.Data("v", np.asarray(data["v"], dtype=float))
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        curve_x = pm.Data("curve_x", natural_spline(
            np.asarray(data["x"], dtype=float),
            np.quantile(np.asarray(data["x"], dtype=float), [0.0, 0.3333333333333333, 0.6666666666666666, 1.0]),
        ))
        # y: gaussian, identity link (spec:3)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", y.get_value().mean(), 2.5 * y.get_value().std(ddof=1))
        # x, exposure (spec:3): its effect is asked for; a natural spline, by its heights at the knots
        # default Normal(0, 2.5 sd(y))
        beta_y_x = pm.Normal("beta_y_x", 0, 2.5 * y.get_value().std(ddof=1), dims="heights_x")
        # v, adjustment (spec:1): `v` is a common cause: it closes x <- v -> y.
        # default Normal(0, 2.5 sd(y) / sd(v))
        beta_y_v = pm.Normal("beta_y_v", 0, 2.5 * y.get_value().std(ddof=1) / v.get_value().std(ddof=1))
        sigma_y = pm.Exponential("sigma_y", 1 / y.get_value().std(ddof=1))  # default Exponential(1 / sd(y))
        eta_y = alpha_y + pm.math.dot(curve_x - curve_x.mean(axis=0), beta_y_x) + beta_y_v * (v - v.mean())
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_unadjusted(data):
    """unadjusted: y on x."""
    coords = {
        "heights_x": ["x[knot 2]", "x[knot 3]", "x[knot 4]"],
    }
    with pm.Model(coords=coords) as model:
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        curve_x = pm.Data("curve_x", natural_spline(
            np.asarray(data["x"], dtype=float),
            np.quantile(np.asarray(data["x"], dtype=float), [0.0, 0.3333333333333333, 0.6666666666666666, 1.0]),
        ))
        # y: gaussian, identity link (spec:3)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", y.get_value().mean(), 2.5 * y.get_value().std(ddof=1))
        # x, exposure (spec:3): nothing is adjusted for, so its coefficient is an association; a natural spline, by
        # its heights at the knots
        # default Normal(0, 2.5 sd(y))
        beta_y_x = pm.Normal("beta_y_x", 0, 2.5 * y.get_value().std(ddof=1), dims="heights_x")
        sigma_y = pm.Exponential("sigma_y", 1 / y.get_value().std(ddof=1))  # default Exponential(1 / sd(y))
        eta_y = alpha_y + pm.math.dot(curve_x - curve_x.mean(axis=0), beta_y_x)
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model
