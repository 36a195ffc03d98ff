"""spec: the total effect of x on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm
import pytensor.tensor as pt


def skew_normal(y, mean, sigma, skew):
    """The log density of a skew Normal by its mean and sd: skew is the slant (alpha) of Azzalini (1985)."""
    delta = skew / pt.sqrt(1 + skew**2)
    scale = sigma / pt.sqrt(1 - 2 * delta**2 / np.pi)
    z = (y - mean) / scale + np.sqrt(2 / np.pi) * delta
    over, under = pt.maximum(skew * z, 0), pt.minimum(skew * z, 0)
    tail = pt.log(pt.erfcx(-under / np.sqrt(2))) - under**2 / 2
    lean = pt.where(skew * z < 0, tail, pt.log(2) + pt.log1p(-pt.erfc(over / np.sqrt(2)) / 2))
    return lean - z**2 / 2 - pt.log(scale) - np.log(2 * np.pi) / 2


def build_adjusted(data):
    """adjusted: y on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))  # reference 0
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        # y: skew_normal, identity link (spec:1)
        # at the predictors' means, default Normal(mean(y), 2.5 sd(y))
        alpha_y = pm.Normal("alpha_y", y.get_value().mean(), 2.5 * y.get_value().std(ddof=1))
        # x, exposure (spec:2): its effect is asked for
        beta_y_x = pm.Normal("beta_y_x", 0, 2.5 * y.get_value().std(ddof=1))  # default Normal(0, 2.5 sd(y))
        sigma_y = pm.Exponential("sigma_y", 1 / y.get_value().std(ddof=1))  # default Exponential(1 / sd(y))
        skew_y = pm.Normal("skew_y", 0, 4)  # default Normal(0, 4)
        eta_y = alpha_y + beta_y_x * (x - x.mean())
        pm.CustomDist("y_hat", eta_y, sigma_y, skew_y, logp=skew_normal, observed=y)
    return model
