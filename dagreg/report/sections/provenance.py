"""Where the numbers came from: data, seed, versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dagreg.report.blocks import Block, Facts, Paragraph
from dagreg.report.prose import counted, joined, named
from dagreg.report.view import Subject
from dagreg.results.fit import Report

if TYPE_CHECKING:
    from dagreg.binding.table import DataInfo


def provenance(subject: Subject) -> tuple[Block, ...]:
    if not isinstance(subject, Report):
        return ()
    spec = subject.study.spec
    return (
        Facts(
            (
                ("Spec", named(spec.path or spec.name)),
                *_data(subject.data),
                ("Seed", str(subject.seed)),
                ("Versions", ", ".join(f"{name} {version}" for name, version in subject.versions.items())),
            )
        ),
        *_inferred(subject.data),
    )


def _data(data: DataInfo) -> tuple[tuple[str, str], ...]:
    return (
        ("Data", named(data.source)),
        ("Rows", f"{data.rows:,}, of which {data.rows_used:,} were used"),
        ("Missing values", _missing(data)),
        ("SHA-256 of the data", named(data.sha256) if data.sha256 else "not computed"),
    )


def _missing(data: DataInfo) -> str:
    if not data.missing:
        return "none in the columns used"
    return joined(f"{n:,} in {named(column)}" for column, n in data.missing.items())


def _inferred(data: DataInfo) -> tuple[Block, ...]:
    if not data.inferred:
        return ()
    words = joined(f"{named(node)} is {kind}" for node, kind in data.inferred.items())
    what = counted(len(data.inferred), "type was", "types were")
    return (Paragraph(f"{what.capitalize()} taken from the data, not from the spec: {words}."),)
