"""spec: the total effect of g on s

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
    """adjusted: s on g, h, g:h."""
    coords = {
        "levels_g": ["g[b]", "g[c]"],
        "levels_h": ["h[q]", "h[r]"],
        "levels_g_h": ["g[b]:h[q]", "g[b]:h[r]", "g[c]:h[q]", "g[c]:h[r]"],
    }
    with pm.Model(coords=coords) as model:
        g = pm.Data("g", indicators(data["g"], ["b", "c"]))  # reference a
        h = pm.Data("h", indicators(data["h"], ["q", "r"]))  # reference p
        s = pm.Data("s", np.asarray(data["s"], dtype=int))
        s_trials = pm.Data("s_trials", np.asarray(data["n"], dtype=int))  # trials
        # s: binomial, logit link (spec:4)
        # at the predictors' means, default Normal(logit of the mean response, 2.5)
        alpha_s = pm.Normal("alpha_s", -0.6562426, 2.5)
        # g, exposure (spec:2): its effect is asked for
        beta_s_g = pm.Normal("beta_s_g", 0, 2.5, dims="levels_g")  # default Normal(0, 2.5)
        # h, adjustment (spec:2): `h` is a common cause: it closes g <- h -> s.
        beta_s_h = pm.Normal("beta_s_h", 0, 2.5, dims="levels_h")  # default Normal(0, 2.5)
        # g:h, precision (spec:4): declared under `interactions`
        beta_s_g_h = pm.Normal("beta_s_g_h", 0, 2.5, dims="levels_g_h")  # default Normal(0, 2.5)
        eta_s = (
            alpha_s
            + pm.math.dot(g - np.array([0.325, 0.325]), beta_s_g)
            + pm.math.dot(h - np.array([0.4, 0.2]), beta_s_h)
            + pm.math.dot(products(g, h) - np.array([0.125, 0.075, 0.15, 0.05]), beta_s_g_h)
        )
        pm.Binomial("s_hat", n=s_trials, logit_p=eta_s, observed=s)
    return model


def build_unadjusted(data):
    """unadjusted: s on g."""
    coords = {
        "levels_g": ["g[b]", "g[c]"],
    }
    with pm.Model(coords=coords) as model:
        g = pm.Data("g", indicators(data["g"], ["b", "c"]))  # reference a
        s = pm.Data("s", np.asarray(data["s"], dtype=int))
        s_trials = pm.Data("s_trials", np.asarray(data["n"], dtype=int))  # trials
        # s: binomial, logit link (spec:4)
        # at the predictors' means, default Normal(logit of the mean response, 2.5)
        alpha_s = pm.Normal("alpha_s", -0.6562426, 2.5)
        # g, exposure (spec:2): nothing is adjusted for, so its coefficient is an association
        beta_s_g = pm.Normal("beta_s_g", 0, 2.5, dims="levels_g")  # default Normal(0, 2.5)
        eta_s = alpha_s + pm.math.dot(g - np.array([0.325, 0.325]), beta_s_g)
        pm.Binomial("s_hat", n=s_trials, logit_p=eta_s, observed=s)
    return model
