"""spec: the total effect of z on y

Written by dagreg from spec; runs without it.
"""

import numpy as np
import pymc as pm


def positions(values, levels):
    """Where each value stands among these levels: rows, whole numbers."""
    place = {level: i for i, level in enumerate(levels)}
    return np.array([place[value] for value in np.asarray(values).tolist()])


def build_adjusted(data):
    """adjusted: y on z, g."""
    coords = {
        "levels_z": ["z[0]", "z[1]"],
        "levels_g": ["g[a]", "g[b]", "g[c]"],
    }
    with pm.Model(coords=coords) as model:
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        index_z = pm.Data("index_z", positions(data["z"], [0, 1]))
        index_g = pm.Data("index_g", positions(data["g"], ["a", "b", "c"]))
        # y: gaussian, identity link (spec:4)
        # z, exposure (spec:4): its effect is asked for; a coefficient for each level
        beta_y_z = pm.Normal("beta_y_z", 2.636014, 9.660967, dims="levels_z")  # default Normal(mean(y), 2.5 sd(y))
        # g, adjustment (spec:4): `g` is a common cause: it closes z <- g -> y; a coefficient for each level
        beta_y_g = pm.Normal("beta_y_g", 0, 9.660967, dims="levels_g")  # default Normal(0, 2.5 sd(y))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = beta_y_z[index_z] + beta_y_g[index_g]
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_chain(data):
    """chain: b on g:z; y on g, b."""
    coords = {
        "levels_g_z": ["g[a]:z[0]", "g[a]:z[1]", "g[b]:z[0]", "g[b]:z[1]", "g[c]:z[0]", "g[c]:z[1]"],
        "levels_g": ["g[a]", "g[b]", "g[c]"],
        "levels_b": ["b[0]", "b[1]"],
    }
    with pm.Model(coords=coords) as model:
        b = pm.Data("b", np.asarray(data["b"], dtype=int))  # reference 0
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        cell_b = pm.Data("cell_b", positions(data["g"], ["a", "b", "c"]) * 2 + positions(data["z"], [0, 1]))  # of g, z
        index_g = pm.Data("index_g", positions(data["g"], ["a", "b", "c"]))
        index_b = pm.Data("index_b", positions(data["b"], [0, 1]))
        # b: bernoulli, identity link (spec:4)
        # g:z, exposure (spec:4): a mean for each combination of levels
        cells_b = pm.Beta("cells_b", alpha=1, beta=1, dims="levels_g_z")  # default Beta(1, 1)
        eta_b = cells_b[cell_b]
        pm.Bernoulli("b_hat", p=eta_b, observed=b)
        # y: gaussian, identity link (spec:4)
        # g, parent (spec:4): a parent of y; a coefficient for each level
        beta_y_g = pm.Normal("beta_y_g", 2.636014, 9.660967, dims="levels_g")  # default Normal(mean(y), 2.5 sd(y))
        # b, parent (spec:4): a parent of y; a coefficient for each level
        beta_y_b = pm.Normal("beta_y_b", 0, 9.660967, dims="levels_b")  # default Normal(0, 2.5 sd(y))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = beta_y_g[index_g] + beta_y_b[index_b]
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model


def build_unadjusted(data):
    """unadjusted: y on z."""
    coords = {
        "levels_z": ["z[0]", "z[1]"],
    }
    with pm.Model(coords=coords) as model:
        y = pm.Data("y", np.asarray(data["y"], dtype=float))
        index_z = pm.Data("index_z", positions(data["z"], [0, 1]))
        # y: gaussian, identity link (spec:4)
        # z, exposure (spec:4): nothing is adjusted for, so its coefficient is an association; a coefficient for each
        # level
        beta_y_z = pm.Normal("beta_y_z", 2.636014, 9.660967, dims="levels_z")  # default Normal(mean(y), 2.5 sd(y))
        sigma_y = pm.Exponential("sigma_y", 0.2587733)  # default Exponential(1 / sd(y))
        eta_y = beta_y_z[index_z]
        pm.Normal("y_hat", mu=eta_y, sigma=sigma_y, observed=y)
    return model
