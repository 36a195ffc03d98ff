"""Writes docs/messages anew: a page for each code, and their index.

python scripts/messages.py
"""

from __future__ import annotations

from pathlib import Path

from dagreg.messages import pages

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "messages"

if __name__ == "__main__":
    written = dict(pages())
    FOLDER.mkdir(exist_ok=True)
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for path in FOLDER.iterdir():
        if path.name not in written:
            path.unlink()
    print(f"{len(written)} pages in {FOLDER}")
