"""The works that a report cites, as BibTeX has them, each with what brings it in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dagreg.identify.types import Adjustment, FrontDoor, Functional, Instrument
from dagreg.report.view import EffectView, Subject, views
from dagreg.results.fit import Report


@dataclass(frozen=True, slots=True)
class Work:
    """`short` is how a sentence cites it; `used(view)` whether an effect's answer rests on it."""

    key: str
    short: str
    kind: str  # of BibTeX: "article", "book"
    fields: tuple[tuple[str, str], ...]
    used: Callable[[EffectView], bool]


def _standardised(view: EffectView) -> bool:
    """Whether means were averaged over the rows."""
    return any(e.estimator.offers.effect for e in view.estimates)


def _optimal(view: EffectView) -> bool:
    sets = view.justification.adjustment
    return sets.optimal is not None and sets.optimal == sets.chosen


WORKS: tuple[Work, ...] = (
    Work(
        "pearl2009", "Pearl 2009", "book",
        (("author", "Pearl, Judea"), ("title", "Causality: Models, Reasoning, and Inference"),
         ("edition", "2nd"), ("publisher", "Cambridge University Press"), ("year", "2009")),
        lambda view: True,
    ),
    Work(
        "shpitser2010", "Shpitser, VanderWeele and Robins 2010", "inproceedings",
        (("author", "Shpitser, Ilya and VanderWeele, Tyler J. and Robins, James M."),
         ("title", "On the validity of covariate adjustment for estimating causal effects"),
         ("booktitle", "Proceedings of the 26th Conference on Uncertainty in Artificial Intelligence"),
         ("pages", "527--536"), ("year", "2010")),
        lambda view: isinstance(view.answer, Adjustment),
    ),
    Work(
        "henckel2022", "Henckel, Perkovic and Maathuis 2022", "article",
        (("author", "Henckel, Leonard and Perkovi\\'c, Emilija and Maathuis, Marloes H."),
         ("title", "Graphical criteria for efficient total effect estimation via adjustment in causal "
                   "linear models"),
         ("journal", "Journal of the Royal Statistical Society: Series B"), ("volume", "84"), ("number", "2"),
         ("pages", "579--599"), ("year", "2022")),
        lambda view: isinstance(view.answer, Adjustment) and _optimal(view),
    ),
    Work(
        "pearl1995", "Pearl 1995", "article",
        (("author", "Pearl, Judea"), ("title", "Causal diagrams for empirical research"),
         ("journal", "Biometrika"), ("volume", "82"), ("number", "4"), ("pages", "669--688"),
         ("year", "1995")),
        lambda view: isinstance(view.answer, FrontDoor),
    ),
    Work(
        "tian2002", "Tian and Pearl 2002", "inproceedings",
        (("author", "Tian, Jin and Pearl, Judea"),
         ("title", "A general identification condition for causal effects"),
         ("booktitle", "Proceedings of the 18th National Conference on Artificial Intelligence"),
         ("pages", "567--573"), ("year", "2002")),
        lambda view: isinstance(view.answer, Functional),
    ),
    Work(
        "angrist1996", "Angrist, Imbens and Rubin 1996", "article",
        (("author", "Angrist, Joshua D. and Imbens, Guido W. and Rubin, Donald B."),
         ("title", "Identification of causal effects using instrumental variables"),
         ("journal", "Journal of the American Statistical Association"), ("volume", "91"), ("number", "434"),
         ("pages", "444--455"), ("year", "1996")),
        lambda view: isinstance(view.answer, Instrument),
    ),
    Work(
        "robins1986", "Robins 1986", "article",
        (("author", "Robins, James"),
         ("title", "A new approach to causal inference in mortality studies with a sustained "
                   "exposure period"),
         ("journal", "Mathematical Modelling"), ("volume", "7"), ("number", "9--12"),
         ("pages", "1393--1512"), ("year", "1986")),
        _standardised,
    ),
    Work(
        "pearl2001", "Pearl 2001", "inproceedings",
        (("author", "Pearl, Judea"), ("title", "Direct and indirect effects"),
         ("booktitle", "Proceedings of the 17th Conference on Uncertainty in Artificial Intelligence"),
         ("pages", "411--420"), ("year", "2001")),
        lambda view: view.justification.query.kind == "mediation",
    ),
    Work(
        "abril2023", "Abril-Pla et al. 2023", "article",
        (("author", "Abril-Pla, Oriol and others"),
         ("title", "PyMC: a modern, and comprehensive probabilistic programming framework in Python"),
         ("journal", "PeerJ Computer Science"), ("volume", "9"), ("pages", "e1516"), ("year", "2023")),
        lambda view: len(view.models) > 0,
    ),
    Work(
        "tennant2021", "Tennant et al. 2021", "article",
        (("author", "Tennant, Peter W. G. and others"),
         ("title", "Use of directed acyclic graphs ({DAGs}) to identify confounders in applied health "
                   "research: review and recommendations"),
         ("journal", "International Journal of Epidemiology"), ("volume", "50"), ("number", "2"),
         ("pages", "620--632"), ("year", "2021")),
        lambda view: True,
    ),
)  # fmt: skip


def cited(subject: Subject) -> tuple[Work, ...]:
    """The works that a report's answers rest on."""
    effects = views(subject)
    return tuple(w for w in WORKS if any(w.used(view) for view in effects))


def bibtex(subject: Subject) -> str:
    """The works cited, and dagreg itself, as a BibTeX file."""
    version = subject.versions.get("dagreg", "") if isinstance(subject, Report) else ""
    title = "dagreg: a compiler from causal graphs to Bayesian regressions"
    own = (
        ("author", "{the dagreg authors}"),
        ("title", title),
        *((("version", version),) if version else ()),
    )
    entries = [_entry(w.kind, w.key, w.fields) for w in cited(subject)]
    return "\n\n".join([*entries, _entry("misc", "dagreg", own)]) + "\n"


def short(subject: EffectView, *keys: str) -> str:
    """How a sentence cites those of these works that an answer rests on: " (Pearl 2009)", or nothing."""
    named = [w.short for w in WORKS if w.key in keys and w.used(subject)]
    return f" ({'; '.join(named)})" if named else ""


def _entry(kind: str, key: str, fields: tuple[tuple[str, str], ...]) -> str:
    return "\n".join([f"@{kind}{{{key},", *_lines(fields), "}"])


def _lines(fields: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for name, value in fields:
        yield f"  {name} = {{{value}}},"
