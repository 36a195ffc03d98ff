"""spec: the total effect of x on c

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def build_adjusted(data):
    """adjusted: c on x."""
    with pm.Model() as model:
        x = pm.Data("x", (np.asarray(data["x"], dtype=float) - 9.688371946510753) / 1.8869070873054101)  # standardize of the column
        c = pm.Data("c", np.asarray(data["c"], dtype=int))
        c_exposure = pm.Data("c_exposure", np.asarray(data["e"], dtype=float))  # exposure
        # c: poisson, log link (spec:1)
        # at the predictors' means, default Normal(log of the mean response, 2.5)
        alpha_c = pm.Normal("alpha_c", -1.161172, 2.5)
        # x, exposure (spec:2): its effect is asked for
        beta_c_x = pm.Normal("beta_c_x", 0, 2.5)  # default Normal(0, 2.5 / sd(x))
        eta_c = alpha_c + beta_c_x * x + pm.math.log(c_exposure)
        pm.Poisson("c_hat", mu=pm.math.exp(eta_c), observed=c)
    return model
