"""How much memory may be used, and what rows take of it."""

from __future__ import annotations

import os

SETTING = "DAGREG_MEMORY"  # gigabytes that may be used
# of a regression's rows that are alive at the worst moment (measured: 50,000 rows x 152 and 32 columns)
COPIES = 12


def room() -> float | None:
    """Bytes of memory that may be used: those of the setting, or of the machine; None where neither says."""
    try:
        return float(os.environ[SETTING]) * 1e9
    except (KeyError, ValueError):
        pass
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system tells
        return None


def of_rows(rows: int, columns: int, copies: int = COPIES) -> float:
    """Bytes of a table of numbers and its copies."""
    return 8.0 * rows * columns * copies
