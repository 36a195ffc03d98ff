"""spec: the total effect of x on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def build_adjusted(data):
    """adjusted: y on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))  # reference 0
        y = pm.Data("y", np.asarray(data["y"], dtype=float))  # Yield, kg
        # y: gaussian, identity link (spec:5)
        alpha_y = pm.Normal("alpha_y", 0, 10)  # at predictors = 0, your prior
        # x, exposure (spec:1): its effect is asked for
        beta_y_x = pm.Normal("beta_y_x", 0, 1)  # your prior
        sigma_y = pm.HalfNormal("sigma_y", 5)  # your prior
        eta_y = alpha_y + beta_y_x * x
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_chain(data):
    """chain: m on x; y on m."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))  # reference 0
        m = pm.Data("m", np.asarray(data["m"], dtype=float))
        y = pm.Data("y", np.asarray(data["y"], dtype=float))  # Yield, kg
        # m: gaussian, identity link (spec:1)
        # at the predictors' means, default Normal(mean(m), 2.5 sd(m))
        alpha_m = pm.Normal("alpha_m", 0.9641461, 2.12578)
        # x, exposure (spec:2)
        beta_m_x = pm.Normal("beta_m_x", 0, 2.12578)  # default Normal(0, 2.5 sd(m))
        sigma_m = pm.Exponential("sigma_m", 1.176039)  # default Exponential(1 / sd(m))
        eta_m = alpha_m + beta_m_x * (x - 0.5)
        pm.Normal("m_hat", mu=eta_m, sigma=sigma_m, observed=m)
        # y: gaussian, identity link (spec:5)
        alpha_y = pm.Normal("alpha_y", 0, 10)  # at predictors = 0, your prior
        # m, parent (spec:2): a parent of y
        beta_y_m = pm.Normal("beta_y_m", 0, 1)  # your prior
        sigma_y = pm.HalfNormal("sigma_y", 5)  # your prior
        eta_y = alpha_y + beta_y_m * m
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model
