"""Draws the tutorial's data again, with its seeds: one CSV per story, under `specs/data`.

    python examples/tutorial/generate.py [FOLDER]

The stories are those of "Bayesian regression tutorial with PyMC3": simple and multivariate regression, the
pipe, the fork, the collider, pipe and collider combined, categories, heterogeneity, and binary events. Then
the two models of the talk "Foundations of Bayesian Modeling with PyMC": several features (`features`), and
shares of messages whose errors are known, with new rows to predict (`messages`, `messages_new`). Those of
values that are not seen as they are come last: survival, marriages and homework.
"""

import csv
import sys
from pathlib import Path

import numpy as np


def simple():
    np.random.seed(2019)
    x1 = np.random.normal(loc=10, scale=3, size=100)
    noise = np.random.normal(loc=0, scale=0.1, size=100)
    return {"x1": x1, "y1": 5 * x1 + noise}


def multivariate():
    np.random.seed(2019)
    x1 = np.random.normal(loc=10, scale=3, size=100)
    x2 = np.random.normal(loc=10, scale=3, size=100)
    return {"x1": x1, "x2": x2, "y1": 2 * x1 + 5 * x2 + np.random.normal(loc=0, scale=0.1, size=100)}


def pipe():
    np.random.seed(2019)
    x1 = np.random.normal(loc=10, scale=3, size=100)
    x2 = 2 * x1 + np.random.normal(loc=0, scale=0.1, size=100)
    return {"x1": x1, "x2": x2, "y1": 5 * x2 + np.random.normal(loc=0, scale=0.1, size=100)}


def fork():
    np.random.seed(2025)
    z = np.random.normal(loc=10, scale=3, size=1000)
    x = 3 * z + np.random.normal(loc=0, scale=0.1, size=1000)
    return {"x": x, "z": z, "y": 2 * z + np.random.normal(loc=0, scale=0.1, size=1000)}


def collider():
    np.random.seed(2025)
    x = np.random.normal(loc=10, scale=3, size=100)
    y = np.random.normal(loc=2, scale=3, size=100)
    return {"x": x, "z": 3 * x + 2 * y + np.random.normal(loc=0, scale=0.1, size=100), "y": y}


def combined():
    np.random.seed(2025)
    x1 = np.random.normal(loc=10, scale=3, size=1000)
    x2 = 3 * x1 + np.random.normal(loc=0, scale=0.1, size=1000)
    y = -2 * x1 + 2 * x2 + np.random.normal(loc=0, scale=0.5, size=1000)
    z = -x1 + 5 * y + np.random.normal(loc=0, scale=0.1, size=1000)
    return {"x1": x1, "x2": x2, "z": z, "y": y}


def categories():
    np.random.seed(2025)
    beta1 = np.random.normal(loc=0, scale=2, size=5)
    beta2 = np.random.normal(loc=1, scale=1, size=4)
    x1 = np.random.choice(5, size=100)
    x2 = np.random.choice(4, p=[0.1, 0.2, 0.3, 0.4], size=100)
    return {"x1": x1, "x2": x2, "y1": beta1[x1] + beta2[x2] + np.random.normal(loc=0, scale=0.1, size=100)}


def heterogeneity():
    np.random.seed(2025)
    beta3 = np.array([[2, 1], [-2.5, 2], [-3, 3]])
    x1 = np.random.choice(3, size=100)
    x2 = np.random.choice(2, size=100)
    return {"x1": x1, "x2": x2, "y1": beta3[x1, x2] + np.random.normal(loc=0, scale=0.1, size=100)}


def binary():
    np.random.seed(2020)
    beta3 = np.array([[0.1, 0.2], [0.2, 0.1], [0.3, 0.3]])
    x1 = np.random.choice(3, size=10000)
    x2 = np.random.choice(2, size=10000)
    return {"x1": x1, "x2": x2, "y1": np.random.binomial(1, beta3[x1, x2], size=10000)}


def survival():
    """Years until relapse: the drug goes to the old, and at the end of the study some have not relapsed."""
    np.random.seed(2030)
    age = np.random.normal(loc=60, scale=8, size=600)
    drug = np.random.binomial(1, 1 / (1 + np.exp(-(age - 60) / 8)))
    scale = np.exp(1.2 + 0.6 * drug - 0.04 * (age - 60))
    years, end = scale * np.random.weibull(1.5, size=600), np.random.uniform(2, 6, size=600)
    flags = np.where(years > end, "right", "none")
    return {"age": age, "drug": drug, "years": np.minimum(years, end), "followed": flags}


def marriages():
    """Rates of marriage and divorce in fifty states, each measured with an error that is large in small
    states.

    The shape of McElreath's example (2020, section 15.1): age at marriage drives both rates, marriage adds to
    divorce.
    """
    np.random.seed(2031)
    people = np.exp(np.random.normal(loc=1, scale=1, size=50))
    age = np.random.normal(loc=26, scale=1.2, size=50)
    marriage = 20 - 2 * (age - 26) + np.random.normal(loc=0, scale=2, size=50)
    divorce = 9.7 - 0.8 * (age - 26) + 0.3 * (marriage - 20) + np.random.normal(loc=0, scale=0.7, size=50)
    marriage_se, divorce_se = 2.5 / np.sqrt(people), 0.8 / np.sqrt(people)
    return {
        "age": age,
        "marriage": marriage + marriage_se * np.random.normal(size=50),
        "marriage_se": marriage_se,
        "divorce": divorce + divorce_se * np.random.normal(size=50),
        "divorce_se": divorce_se,
    }


def homework():
    """Hours of tutoring and marks; prior marks and a home with books confound them, and are not known of
    everyone.

    Prior marks are missing more often where the final mark is low, so that complete rows are no random
    sample.
    """
    np.random.seed(2032)
    books = np.random.binomial(1, 0.5, size=400)
    prior = np.random.normal(loc=60 + 6 * books, scale=8, size=400)
    hours = np.random.normal(loc=5 - 0.12 * (prior - 63) + 0.8 * books, scale=1.2, size=400)
    mark = 40 + 1.5 * hours + 0.5 * (prior - 63) + 4 * books + np.random.normal(loc=0, scale=4, size=400)
    lost = np.random.uniform(size=400) < 1 / (1 + np.exp((mark - 48) / 2))
    unsaid = np.random.uniform(size=400) < 0.15
    known = {"books": np.where(unsaid, "", books.astype(str)), "prior": np.where(lost, "", prior.astype(str))}
    return {**known, "hours": hours, "mark": mark}


def features():
    np.random.seed(2025)
    x1, x2, x3 = (np.random.normal(size=150) for _ in range(3))
    return {
        "x1": x1,
        "x2": x2,
        "x3": x3,
        "y": 0.8 + 1.5 * x1 - 0.5 * x2 + 1.0 * x3 + np.random.normal(0, 0.4, 150),
    }


def standard_error(share, messages):
    return np.sqrt(share * (1 - share) / messages) + 1e-1


def messages():
    np.random.seed(2025)
    degree, betweenness, burstiness, reciprocity = (np.random.gamma(2, 0.4, size=400) for _ in range(4))
    sent = np.random.randint(40, 200, size=400)
    share = np.clip(0.02 + 0.06 * burstiness + 0.03 * degree - 0.03 * reciprocity, 0.002, 0.9)
    found = np.random.binomial(sent, share) / sent
    return {
        "degree": degree,
        "betweenness": betweenness,
        "burstiness": burstiness,
        "reciprocity": reciprocity,
        "messages": sent,
        "share": found,
        "expected_error": standard_error(found, sent),
    }


def messages_new():
    """The talk's ten new phones, of whom nothing was read yet: their errors are those of 100 messages, 7 % on
    topic.
    """
    rows = np.array(
        [
            [1.322104, 1.007634, 1.051479, 0.102654],
            [1.637522, 0.259430, 0.966953, 0.549651],
            [0.489639, 1.254167, 0.328711, 0.041125],
            [1.016696, 0.022683, 0.461559, 0.906399],
            [1.287290, 0.448680, 1.271071, 0.022042],
            [0.189915, 1.904019, 0.990928, 0.465488],
            [2.045263, 1.312755, 0.817728, 0.312907],
            [0.305075, 0.594418, 0.168234, 1.869163],
            [0.512102, 0.633174, 1.351275, 0.624492],
            [0.570922, 0.123635, 1.034214, 0.967696],
        ]
    )
    names = ("degree", "betweenness", "burstiness", "reciprocity")
    return dict(zip(names, rows.T, strict=True)) | {"expected_error": np.full(10, standard_error(0.07, 100))}


STORIES = (
    simple,
    multivariate,
    pipe,
    fork,
    collider,
    combined,
    categories,
    heterogeneity,
    binary,
    survival,
    marriages,
    homework,
    features,
    messages,
    messages_new,
)


def main(folder):
    for story in STORIES:
        columns = story()
        with open(folder / f"{story.__name__}.csv", "w", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "specs" / "data")
