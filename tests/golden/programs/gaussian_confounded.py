"""spec: the total effect of x on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def build_adjusted(data):
    """adjusted: y on x, z."""
    with pm.Model() as model:
        z = pm.Data("z", np.asarray(data["z"], dtype=float))  # reference 0
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        # y: gaussian, identity link (spec:1)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", 2.636014, 9.660967)
        # x, exposure (spec:1): its effect is asked for
        beta_y_x = pm.Normal("beta_y_x", 0, 5.120002)  # default Normal(0, 2.5 sd(y) / sd(x))
        # z, adjustment (spec:1): `z` is a common cause: it closes x <- z -> y.
        beta_y_z = pm.Normal("beta_y_z", 0, 9.660967)  # default Normal(0, 2.5 sd(y))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = alpha_y + beta_y_x * (x - 9.68837) + beta_y_z * (z - 0.5)
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_unadjusted(data):
    """unadjusted: y on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        # y: gaussian, identity link (spec:1)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", 2.636014, 9.660967)
        # x, exposure (spec:1): nothing is adjusted for, so its coefficient is an association
        beta_y_x = pm.Normal("beta_y_x", 0, 5.120002)  # default Normal(0, 2.5 sd(y) / sd(x))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = alpha_y + beta_y_x * (x - 9.68837)
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model
