"""spec: the total effect of x on a

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def build_adjusted(data):
    """adjusted: a on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))  # reference 0
        a = pm.Data("a", np.asarray(data["a"], dtype=float))
        # a: von_mises, tan_half link (spec:1)
        # at the predictors' means, default Normal(tan_half of the mean response, 2.5)
        alpha_a = pm.Normal("alpha_a", 0, 2.5)
        # x, exposure (spec:2): its effect is asked for
        beta_a_x = pm.Normal("beta_a_x", 0, 2.5)  # default Normal(0, 2.5)
        concentration_a = pm.HalfCauchy("concentration_a", 5)  # default HalfCauchy(5)
        eta_a = alpha_a + beta_a_x * (x - x.mean())
        pm.VonMises("a_hat", mu=(2 * pm.math.arctan(eta_a)), kappa=concentration_a, observed=a)
    return model
