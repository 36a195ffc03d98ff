"""What values have lost, or would have, on their way from the data: a warning for each column."""

from __future__ import annotations

from collections.abc import Mapping

from dagreg.binding.summary import is_number
from dagreg.errors import Doubt
from dagreg.model.summary import DataSummary, Variable
from dagreg.sources.source import MAX_EXACT_INTEGER, Source
from dagreg.spec.types import Spec

MIN_LETTERS = 3  # letters from which capitals make no other word
MAX_STRAY_SHARE = 0.1  # of values, among which the others make a column what it is meant to be


def reading_doubts(
    source: Source, spec: Spec, variables: Mapping[str, Variable], summary: DataSummary, where: str
) -> tuple[Doubt, ...]:
    """The warnings about these variables' columns, by their codes."""
    notes = {
        "DR335": source.notes,
        "DR336": blurred(source, variables, summary, where),
        "DR340": nearly_numbers(variables, summary),
        "DR591": lookalikes(spec, variables, summary),
        "DR592": blanks(spec, variables, summary),
    }
    return tuple(Doubt(code, note) for code, sentences in notes.items() for note in sentences)


def blurred(source: Source, variables: Mapping[str, Variable], summary: DataSummary, where: str) -> list[str]:
    """A sentence for each column of whole numbers that doubles do not tell apart, where it is used as a
    number.
    """
    columns = []
    for variable in variables.values():
        column = summary.columns[variable.column]
        size = max(abs(column.minimum), abs(column.maximum))
        if variable.levels or column.kind != "number" or not column.integral or not size > MAX_EXACT_INTEGER:
            continue
        own, real = (
            f"count(DISTINCT {v})" for v in (source.name(variable.column), source.real(variable.column))
        )
        ((exact, double),) = source.fetch(f"SELECT {own}, {real} FROM {source.select} WHERE {where}")
        if double < exact:
            columns.append(
                f"Column `{variable.column}` holds {exact} different numbers of which {double} are left in "
                "double precision (16 digits). Subtract a constant from them, or declare the type of an "
                "id."
            )
    return columns


def lookalikes(spec: Spec, variables: Mapping[str, Variable], summary: DataSummary) -> list[str]:
    """A sentence for each column whose texts are levels of their own by their spaces or their capitals alone.

    Nothing is said of levels that the spec lists, nor of capitals in short words, which may be alleles.
    """
    columns = []
    for variable in _of_words(spec, variables, summary):
        column = summary.columns[variable.column]
        counts = dict(zip(map(str, column.levels), column.counts, strict=True))
        alike: dict[str, list[str]] = {}
        for level in counts:
            plain = " ".join(level.split())
            alike.setdefault(plain.casefold() if len(plain) >= MIN_LETTERS else plain, []).append(level)
        twins = [levels for plain, levels in alike.items() if plain and len(levels) > 1]
        if twins:
            shown = " and ".join(
                f"'{level}' ({counts[level]:,} row{'s' * (counts[level] > 1)})" for level in twins[0]
            )
            more = f", and {len(twins) - 1} more such" if len(twins) > 1 else ""
            columns.append(
                f"Column `{variable.column}` holds {shown}{more}: levels of their own, which differ in "
                "spaces or capitals alone. If they are one, mend the data, or read "
                f"`lower(trim({variable.column}))` in a `query:`; if not, list them in `levels:`."
            )
    return columns


def blanks(spec: Spec, variables: Mapping[str, Variable], summary: DataSummary) -> list[str]:
    """A sentence for each column in which an empty text, or one of spaces alone, is a level."""
    columns = []
    for variable in _of_words(spec, variables, summary):
        column = summary.columns[variable.column]
        rows = sum(n for level, n in zip(column.levels, column.counts, strict=True) if not str(level).strip())
        if rows:
            columns.append(
                f"Column `{variable.column}` holds an empty text in {rows} row{'s' * (rows > 1)}, which is "
                "a level like any other. If it stands for a missing value, read "
                f"`nullif(trim({variable.column}), '')` in a `query:`, or put None there, and say "
                "`missing: drop`; if not, give it a name."
            )
    return columns


def _of_words(spec: Spec, variables: Mapping[str, Variable], summary: DataSummary) -> list[Variable]:
    """The variables whose levels are the texts of their column, as it holds them."""
    texts = [v for v in variables.values() if v.levels and summary.columns[v.column].kind == "text"]
    return [v for v in texts if spec.nodes[v.name].levels is None]


def nearly_numbers(variables: Mapping[str, Variable], summary: DataSummary) -> list[str]:
    """A sentence for each column that a few words among many numbers make categorical, where no type is
    declared.
    """
    columns = []
    for variable in variables.values():
        column = summary.columns[variable.column]
        counts = dict(zip(column.levels, column.counts, strict=True))
        words = [level for level in counts if not is_number(str(level))]
        some = sum(counts[word] for word in words)
        if (
            variable.inferred
            and 0 < some <= MAX_STRAY_SHARE * sum(counts.values())
            and len(words) <= MAX_STRAY_SHARE * len(counts)
        ):
            shown = ", ".join(f"`{word}`" for word in words[:3]) + (", ..." if len(words) > 3 else "")
            columns.append(
                f"Column `{variable.column}` is taken as {variable.type} because of {shown} in {some} of its "
                f"{sum(counts.values())} rows; the others hold numbers. Remove what is no row, or declare "
                "the type."
            )
    return columns
