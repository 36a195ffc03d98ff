"""What censoring makes of a density: log probabilities as PyMC source, see `Family.censored`."""

from __future__ import annotations


def normal(z: str) -> dict[str, str]:
    """By the helpers `log_above` and `log_between` of the program, for a response that is Normal as `z`."""
    low, high = z.replace("{at}", "{low}"), z.replace("{at}", "{high}")
    return {
        "above": f"log_above({z})",
        "below": f"log_above(-({z}))",
        "between": f"log_between({low}, {high})",
    }


def by_survival(above: str) -> dict[str, str]:
    """Where the log of the survival function is exact: the other probabilities follow from it."""
    low, high = above.replace("{at}", "{low}"), above.replace("{at}", "{high}")
    return {"above": above, "below": f"pm.math.log1mexp({above})", "between": f"pm.math.logdiffexp({low}, {high})"}


def by_logcdf(distribution: str, above: str) -> dict[str, str]:
    """By PyMC's distribution function, which says nothing of the upper tail: `above` does."""
    cdf = f"pm.logcdf(pm.{distribution}.dist({{arguments}}), {{at}})"
    high, low = cdf.replace("{at}", "{high}"), cdf.replace("{at}", "{low}")
    return {"above": above, "below": cdf, "between": f"pm.math.logdiffexp({high}, {low})"}
