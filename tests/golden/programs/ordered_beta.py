"""spec: the total effect of x on s

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def ordered_beta(y, eta, precision, cut, gap):
    """The log density of shares: 0 below a cutpoint, 1 above the next, and a beta between them."""
    inside = pt.and_(y > 0, y < 1)
    low, high = eta - cut, eta - cut - gap
    share = pm.logp(pm.Beta.dist(mu=pm.math.sigmoid(eta), nu=precision), pt.where(inside, y, 0.5))
    between = pt.log(-pt.expm1(-gap)) - pt.softplus(-low) - pt.softplus(high)
    end = -pt.where(y > 0, pt.softplus(-high), pt.softplus(low))
    return pt.where(inside, between + share, end)


def build_adjusted(data):
    """adjusted: s on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))  # reference 0
        s = pm.Data("s", np.asarray(data["s"], dtype=float))
        # s: ordered_beta, logit link (spec:1)
        # at the predictors' means, default Normal(logit of the mean response, 2.5)
        alpha_s = pm.Normal("alpha_s", 0, 2.5)
        # x, exposure (spec:2): its effect is asked for
        beta_s_x = pm.Normal("beta_s_x", 0, 2.5)  # default Normal(0, 2.5)
        precision_s = pm.HalfCauchy("precision_s", 5)  # default HalfCauchy(5)
        cut_s = pm.Normal("cut_s", -2, 2)  # default Normal(-2, 2)
        gap_s = pm.Gamma("gap_s", alpha=2, beta=0.5)  # default Gamma(2, 0.5)
        eta_s = alpha_s + beta_s_x * (x - x.mean())
        pm.CustomDist("s_hat", eta_s, precision_s, cut_s, gap_s, logp=ordered_beta, observed=s)
    return model
