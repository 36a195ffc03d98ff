"""spec: the total effect of x on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def positions(values, levels):
    """Where each value stands among these levels: rows, whole numbers."""
    place = {level: i for i, level in enumerate(levels)}
    return np.array([place[value] for value in np.asarray(values).tolist()])


def build_adjusted(data):
    """adjusted: y on x, g, h."""
    coords = {
        "levels_g": ["a", "b", "c"],
        "varying_y_g": ["intercept", "x"],
        "levels_h": ["p", "q", "r"],
    }
    with pm.Model(coords=coords) as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        g = pm.Data("g", positions(data["g"], coords["levels_g"]))  # reference a
        h = pm.Data("h", positions(data["h"], coords["levels_h"]))  # reference p
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        # y: gaussian, identity link (spec:4)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", 2.636014, 9.660967)
        # x, exposure (spec:2): its effect is asked for
        beta_y_x = pm.Normal("beta_y_x", 0, 5.120002)  # default Normal(0, 2.5 sd(y) / sd(x))
        # intercept, x by g, adjustment (spec:1): `g` is a common cause: it closes x <- g -> y.
        # sds between levels of g: intercept: HalfNormal(sd(y)); x: HalfNormal(sd(y) / sd(x))
        chol_y_g, _, _ = pm.LKJCholeskyCov(
            "cov_y_g", n=2, eta=2, sd_dist=pm.HalfNormal.dist(sigma=np.array([3.864387, 2.048001]))
        )
        z_y_g = pm.MvNormal(
            "z_y_g", mu=pm.math.stack([alpha_y, beta_y_x]), chol=chol_y_g, dims=("levels_g", "varying_y_g"), initval="prior"
        )
        by_y_g = pm.Deterministic(
            "by_y_g", z_y_g - pm.math.stack([alpha_y, beta_y_x]), dims=("levels_g", "varying_y_g")
        )
        # intercept by h, precision (spec:1): `h` is not needed against bias; it explains part of the outcome (h ->
        # y), so the estimate is more precise with it.
        sd_y_h = pm.HalfNormal("sd_y_h", 3.864387)  # sd between levels of h, default HalfNormal(sd(y))
        z_y_h = pm.Normal("z_y_h", mu=alpha_y, sigma=sd_y_h, dims="levels_h", initval="prior")
        by_y_h = pm.Deterministic("by_y_h", z_y_h - alpha_y, dims="levels_h")
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = alpha_y + beta_y_x * (x - 9.68837) + by_y_g[:, 0][g] + by_y_g[:, 1][g] * (x - 9.68837) + by_y_h[h]
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_unadjusted(data):
    """unadjusted: y on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        # y: gaussian, identity link (spec:4)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", 2.636014, 9.660967)
        # x, exposure (spec:2): nothing is adjusted for, so its coefficient is an association
        beta_y_x = pm.Normal("beta_y_x", 0, 5.120002)  # default Normal(0, 2.5 sd(y) / sd(x))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = alpha_y + beta_y_x * (x - 9.68837)
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model
