"""spec: the total effect of x on c

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def build_adjusted(data):
    """adjusted: c on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))  # reference 0
        c = pm.Data("c", np.asarray(data["c"], dtype=int))
        # c: hurdle_negative_binomial, log link (spec:1)
        # at the predictors' means, default Normal(log of the mean response, 2.5)
        alpha_c = pm.Normal("alpha_c", 1.452784, 2.5)
        # x, exposure (spec:2): its effect is asked for
        beta_c_x = pm.Normal("beta_c_x", 0, 2.5)  # default Normal(0, 2.5)
        zero_c = pm.Beta("zero_c", alpha=1, beta=1)  # default Beta(1, 1)
        shape_c = pm.HalfCauchy("shape_c", 5)  # default HalfCauchy(5)
        eta_c = alpha_c + beta_c_x * (x - 0.5)
        pm.HurdleNegativeBinomial("c_hat", psi=1 - zero_c, mu=pm.math.exp(eta_c), alpha=shape_c, observed=c)
    return model
