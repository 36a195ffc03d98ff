"""spec: the mediation effect of x on b

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def indicators(values, levels):
    """One 0/1 column for each of these levels: rows x levels."""
    return np.column_stack([np.asarray(values) == level for level in levels]).astype(float)


def positions(values, levels):
    """Where each value stands among these levels: rows, whole numbers."""
    place = {level: i for i, level in enumerate(levels)}
    return np.array([place[value] for value in np.asarray(values).tolist()])


def build_chain(data):
    """chain: g on x; b on x, g."""
    coords = {
        "outcomes_g": ["b", "c"],
        "levels_g": ["g[b]", "g[c]"],
    }
    with pm.Model(coords=coords) as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        g_codes = pm.Data("g_codes", positions(data["g"], ["a", "b", "c"]))  # reference a
        g = pm.Data("g", indicators(data["g"], ["b", "c"]))  # reference a
        b = pm.Data("b", np.asarray(data["b"], dtype=int))  # reference 0
        # g: categorical, logit link (spec:1)
        # at the predictors' means, default Normal(0, 2.5)
        alpha_g = pm.Normal("alpha_g", 0, 2.5, dims="outcomes_g")
        # x, exposure (spec:2)
        beta_g_x = pm.Normal("beta_g_x", 0, 1.32492, dims="outcomes_g")  # default Normal(0, 2.5 / sd(x))
        g_others = alpha_g + (x - 9.68837)[:, None] * beta_g_x
        eta_g = pm.math.concatenate([np.zeros((g_codes.get_value().size, 1)), g_others], axis=1)
        pm.Categorical("g_hat", logit_p=eta_g, observed=g_codes)
        # b: bernoulli, probit link (spec:1)
        # at the predictors' means, default Normal(probit of the mean response, 2.5)
        alpha_b = pm.Normal("alpha_b", -0.06270678, 2.5)
        # x, exposure (spec:2)
        beta_b_x = pm.Normal("beta_b_x", 0, 1.32492)  # default Normal(0, 2.5 / sd(x))
        # g, parent (spec:2): a parent of b
        beta_b_g = pm.Normal("beta_b_g", 0, 2.5, dims="levels_g")  # default Normal(0, 2.5)
        eta_b = alpha_b + beta_b_x * (x - 9.68837) + pm.math.dot(g - np.array([0.325, 0.325]), beta_b_g)
        pm.Bernoulli("b_hat", p=(0.5 * pm.math.erfc(-eta_b / np.sqrt(2))), observed=b)
    return model


def build_adjusted(data):
    """adjusted: b on x."""
    with pm.Model() as model:
        x = pm.Data("x", np.asarray(data["x"], dtype=float))
        b = pm.Data("b", np.asarray(data["b"], dtype=int))  # reference 0
        # b: bernoulli, probit link (spec:1)
        # at the predictors' means, default Normal(probit of the mean response, 2.5)
        alpha_b = pm.Normal("alpha_b", -0.06270678, 2.5)
        # x, exposure (spec:2): its effect is asked for
        beta_b_x = pm.Normal("beta_b_x", 0, 1.32492)  # default Normal(0, 2.5 / sd(x))
        eta_b = alpha_b + beta_b_x * (x - 9.68837)
        pm.Bernoulli("b_hat", p=(0.5 * pm.math.erfc(-eta_b / np.sqrt(2))), observed=b)
    return model
