"""How an emitted program reads its rows: what a source says of itself to a program that runs
without dagreg.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass, replace

from dagreg.spec.brief import Brief


@dataclass(frozen=True, slots=True, repr=False)
class Reader(Brief):
    """How a program reads its rows: what it imports, what it says once, and the columns that answer
    `{query}`.
    """

    imports: tuple[str, ...]
    once: tuple[str, ...]
    columns: str
    files: tuple[str, ...] = ()  # the data files that the query names, from the folder of the program
    opens: str = ""  # what stands before their names in the query

    def named(self) -> str:
        """The files as the query has them."""
        escaped = [quoted(_safe(f) if self.opens == ATTACH else glob.escape(_safe(f))) for f in self.files]
        return escaped[0] if len(escaped) == 1 else f"[{', '.join(escaped)}]"

    def moved(self, query: str, home: str, folder: str) -> tuple[str, Reader]:
        """A query whose files are named from the folder `home`, and its reader, as a program in `folder` has
        them.
        """
        if not self.files or os.path.abspath(home) == os.path.abspath(folder):
            return query, self
        there = tuple(os.path.relpath(os.path.join(home, f), folder or os.curdir) for f in self.files)
        reader = replace(self, files=there)
        return query.replace(self.opens + self.named(), reader.opens + reader.named()), reader


ATTACH = "ATTACH "


def quoted(text: str) -> str:
    """A string as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _safe(path: str) -> str:
    """A path whose colon ends no protocol's name."""
    return path if os.path.isabs(path) or ":" not in path else os.path.join(".", path)


DUCKDB = Reader(("duckdb",), (), "duckdb.sql({query}).fetchnumpy()")
