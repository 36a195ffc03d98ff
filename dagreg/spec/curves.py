"""The closed grammar of curves: `poly(degree)`, `spline(columns)`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast

from dagreg.errors import Diagnostics
from dagreg.spec.shapes import JSON, Shape
from dagreg.spec.source import Scalar, Tree, shorten
from dagreg.spec.types import Curve, CurveKind

_CALL = re.compile(r"\s*(?P<kind>poly|spline)\s*\(\s*(?P<count>\d{1,3})\s*\)\s*")
RANGES: dict[CurveKind, tuple[int, int, str]] = {
    "poly": (2, 6, "degree"),
    "spline": (2, 12, "number of columns"),
}
EXPECTED = "a curve such as `poly(2)` or `spline(4)`"


@dataclass(frozen=True)
class CurveShape(Shape[Curve]):
    """A curve in the closed grammar."""

    expected: str = EXPECTED

    def read(self, tree: Tree, mistakes: Diagnostics) -> Curve | None:
        if not isinstance(tree, Scalar) or not isinstance(tree.value, str):
            self.refuse(tree, mistakes)
            return None
        call = _CALL.fullmatch(tree.text) if len(tree.text) < 100 else None
        if call is None:
            mistakes.error("DR159", f"expected {EXPECTED}, found `{shorten(tree.text)}`", tree.span)
            return None
        kind, count = cast(CurveKind, call["kind"]), int(call["count"])
        low, high, noun = RANGES[kind]
        if not low <= count <= high:
            message = f"the {noun} of `{kind}` is from {low} to {high}, found {count}"
            mistakes.error("DR159", message, tree.span_of(call.start("count"), call.end("count")))
            return None
        return Curve(kind, count, tree.span)

    def schema(self) -> JSON:
        return {"type": "string", "pattern": r"^\s*(poly|spline)\s*\(\s*\d+\s*\)\s*$"}
