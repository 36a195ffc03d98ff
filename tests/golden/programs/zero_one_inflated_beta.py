"""spec: the total effect of x on s

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def zero_one_inflated_beta(y, mean, precision, extreme, one):
    """The log density of shares that are 0 or 1 with the probability `extreme`, and of these 1 with that of
    `one`.
    """
    inside = pt.and_(y > 0, y < 1)
    share = pm.logp(pm.Beta.dist(mu=mean, nu=precision), pt.where(inside, y, 0.5))
    end = pt.where(y > 0, pt.log(one), pt.log1p(-one))
    return pt.where(inside, pt.log1p(-extreme) + share, pt.log(extreme) + end)


def build_adjusted(data):
    """adjusted: s on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        s = pm.Data("s", np.asarray(data["s"], dtype=float))
        # s: zero_one_inflated_beta, logit link (spec:1)
        # at the predictors' means, default Normal(logit of the mean response, 2.5)
        alpha_s = pm.Normal("alpha_s", 0, 2.5)
        # x, exposure (spec:2): its effect is asked for
        beta_s_x = pm.Normal("beta_s_x", 0, 2.5 / x.get_value().std(ddof=1))  # default Normal(0, 2.5 / sd(x))
        precision_s = pm.HalfCauchy("precision_s", 5)  # default HalfCauchy(5)
        extreme_s = pm.Beta("extreme_s", alpha=1, beta=1)  # default Beta(1, 1)
        one_s = pm.Beta("one_s", alpha=1, beta=1)  # default Beta(1, 1)
        eta_s = alpha_s + beta_s_x * (x - x.mean())
        pm.CustomDist("s_hat", pm.math.sigmoid(eta_s), precision_s, extreme_s, one_s, logp=zero_one_inflated_beta, observed=s)
    return model
