"""Text on its way into source code: literals, numbers, comments and docstrings that cannot become code."""

from __future__ import annotations

from collections.abc import Sequence


def literal(value: object) -> str:
    """A Python literal of a string, number or boolean, in double quotes where it is a string."""
    if not isinstance(value, str):
        return repr(value)
    text = repr(value)
    if text.startswith("'") and '"' not in text:
        return f'"{text[1:-1]}"'
    return text


def number(value: float) -> str:
    """The shortest literal that reads back as the same number."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def plain(text: str) -> str:
    """One printable line: line breaks and control characters cannot end a comment or a string."""
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))


def comment(text: str) -> str:
    """A trailing comment, two spaces before it; nothing for no text."""
    return f"  # {plain(text)}" if text else ""


def docstring(lines: Sequence[str]) -> str:
    """A docstring of these lines."""
    safe = [plain(line).replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in lines]
    if len(safe) == 1:
        closing = " " if safe[0].endswith('"') else ""
        return f'"""{safe[0]}{closing}"""'
    return '"""' + "\n".join(safe) + '\n"""'
