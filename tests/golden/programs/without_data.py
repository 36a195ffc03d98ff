"""spec: the total effect of x on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def indicators(values, levels):
    """One 0/1 column for each of these levels: rows x levels."""
    return np.column_stack([np.asarray(values) == level for level in levels]).astype(float)


def products(left, right):
    """Every column of one block times every column of the other: rows x columns."""
    return (left[:, :, None] * right[:, None, :]).reshape((left.shape[0], -1))


def build_adjusted(data):
    """adjusted: y on x, v, g, x:v, x:g."""
    coords = {
        "levels_g": ["g[b]", "g[c]"],
        "levels_x_g": ["x:g[b]", "x:g[c]"],
    }
    with pm.Model(coords=coords) as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        v = pm.Data("v", np.asarray(data["v"], dtype=float))
        g = pm.Data("g", indicators(data["g"], ["b", "c"]))  # reference a
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        # y: gaussian, identity link (spec:4)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", y.get_value().mean(), 2.5 * y.get_value().std(ddof=1))
        # x, exposure (spec:2): its effect is asked for
        # default Normal(0, 2.5 sd(y) / sd(x))
        beta_y_x = pm.Normal("beta_y_x", 0, 2.5 * y.get_value().std(ddof=1) / x.get_value().std(ddof=1))
        # v, adjustment (spec:2): `v` is a common cause: it closes x <- v -> y.
        # default Normal(0, 2.5 sd(y) / sd(v))
        beta_y_v = pm.Normal("beta_y_v", 0, 2.5 * y.get_value().std(ddof=1) / v.get_value().std(ddof=1))
        # g, adjustment (spec:2): `g` is a common cause: it closes x <- g -> y.
        # default Normal(0, 2.5 sd(y))
        beta_y_g = pm.Normal("beta_y_g", 0, 2.5 * y.get_value().std(ddof=1), dims="levels_g")
        # x:v, precision (spec:4): declared under `interactions`
        # default Normal(0, 2.5 sd(y) / (sd(x) sd(v)))
        beta_y_x_v = pm.Normal("beta_y_x_v", 0, 2.5 * y.get_value().std(ddof=1) / x.get_value().std(ddof=1) / v.get_value().std(ddof=1))
        # x:g, precision (spec:4): declared under `interactions`
        # default Normal(0, 2.5 sd(y) / sd(x))
        beta_y_x_g = pm.Normal("beta_y_x_g", 0, 2.5 * y.get_value().std(ddof=1) / x.get_value().std(ddof=1), dims="levels_x_g")
        sigma_y = pm.Exponential("sigma_y", 1 / y.get_value().std(ddof=1))  # default Exponential(1 / sd(y))
        eta_y = (
            alpha_y
            + beta_y_x * (x - x.mean())
            + beta_y_v * (v - v.mean())
            + pm.math.dot(g - g.mean(axis=0), beta_y_g)
            + beta_y_x_v * (products(x[:, None], v[:, None])[:, 0] - products(x[:, None], v[:, None])[:, 0].mean())
            + pm.math.dot(products(x[:, None], g) - products(x[:, None], g).mean(axis=0), beta_y_x_g)
        )
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_unadjusted(data):
    """unadjusted: y on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        # y: gaussian, identity link (spec:4)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", y.get_value().mean(), 2.5 * y.get_value().std(ddof=1))
        # x, exposure (spec:2): nothing is adjusted for, so its coefficient is an association
        # default Normal(0, 2.5 sd(y) / sd(x))
        beta_y_x = pm.Normal("beta_y_x", 0, 2.5 * y.get_value().std(ddof=1) / x.get_value().std(ddof=1))
        sigma_y = pm.Exponential("sigma_y", 1 / y.get_value().std(ddof=1))  # default Exponential(1 / sd(y))
        eta_y = alpha_y + beta_y_x * (x - x.mean())
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model
