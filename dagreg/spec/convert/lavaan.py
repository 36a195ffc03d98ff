"""lavaan's model syntax: `y ~ x` is `x -> y`, `x ~~ y` is `x <-> y`, `f =~ x` is `f -> x` with f
unobserved.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dagreg.errors import Span
from dagreg.spec.convert.draft import Draft, Read, Written
from dagreg.spec.convert.losses import Holds, check_names, losses
from dagreg.spec.source import SpecText
from dagreg.spec.types import Spec

_TOKEN = re.compile(
    r"""(?P<space>[^\S\n]+ | [#!][^\n]*)
      | (?P<end>[\n;])
      | (?P<operator>=~|~\*~|~~|<~|~|:=|==|<-|[<>|])
      | (?P<name>(?:[^\W\d]|\.(?!\d))[\w.]*)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
      | (?P<string>"[^"\n]*")
      | (?P<mark>.)""",
    re.VERBOSE,
)
_SKIPPED = {
    ":=": "a defined parameter",
    "==": "a constraint",
    "<": "a constraint",
    ">": "a constraint",
    "|": "thresholds",
    "~*~": "a scaling factor",
}
"""Operators whose statements draw no arrow."""
_REFUSED = {
    "<~": ("DR172", "a composite `<~` is no variable of a DAG", "draw what it stands for"),
    "<-": ("DR171", "not lavaan syntax: R code", "only what stands between the quotes is read"),
}
_NAME = re.compile(r"[^\W\d][\w.]*")
_WORDS_OF_R = re.compile(
    "if|else|repeat|while|function|for|next|break|in|TRUE|FALSE|NULL|Inf|NaN|NA|NA_(integer|real|complex|character)_"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    stop: int


def read(text: str, name: str, file: str) -> Read:
    """The graph of a lavaan model: its arrows and what is unobserved, not its parameters.

    An arrow fixed at 0 (`y ~ 0*x`) is none. Raises SpecError: DR171 where a statement cannot be read, DR172
    for composites.
    """
    draft, source = Draft(text), SpecText(file, text)
    for statement in _statements(text):
        _Statement(draft, source, statement).read()
    return draft.finish(name)


def _statements(text: str) -> Iterator[list[_Token]]:
    """The statements: a line ends one, but not where an operator, `+`, `*` or an open parenthesis waits for
    more.
    """
    tokens = [
        _Token(str(match.lastgroup), match[0], match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "space"
    ]
    statement: list[_Token] = []
    depth = 0
    for i, token in enumerate(tokens):
        if token.kind != "end":
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            statement.append(token)
        elif token.text == ";" or not (depth > 0 or _waits(statement) or _continues(tokens, i)):
            if statement:
                yield statement
            statement, depth = [], 0
    if statement:
        yield statement


_JOINTS = ("+", "*", ",")


def _waits(statement: list[_Token]) -> bool:
    return bool(statement) and (statement[-1].kind == "operator" or statement[-1].text in _JOINTS)


def _continues(tokens: list[_Token], end: int) -> bool:
    after = next((token for token in tokens[end + 1 : end + 20] if token.text != "\n"), None)
    return after is not None and after.text in _JOINTS


class _Statement:
    """Reads one statement, `left operator right`."""

    def __init__(self, draft: Draft, source: SpecText, tokens: list[_Token]) -> None:
        self.draft, self.source, self.tokens = draft, source, tokens

    def read(self) -> None:
        at = next((i for i, token in enumerate(self.tokens) if token.kind == "operator"), None)
        if at is None:
            self._refuse("a line without an operator", self.tokens, "the operators are `~`, `~~` and `=~`")
            return
        operator = self.tokens[at].text
        if operator in _REFUSED:
            code, message, label = _REFUSED[operator]
            self.draft.mistakes.error(code, message, self._span(self.tokens[at : at + 1]), label)
        elif operator in _SKIPPED:
            self.draft.ignore(f"{operator} ({_SKIPPED[operator]})", self._span(self.tokens))
        elif second := next((t for t in self.tokens[at + 1 :] if t.kind == "operator"), None):
            self._refuse(
                f"a second operator `{second.text}` in one statement", [second], "a statement has one"
            )
        else:
            self._join(self._left(at), operator, self.tokens[at + 1 :])

    def _left(self, at: int) -> list[str]:
        names = []
        for part in _split(self.tokens[:at], "+"):
            if len(part) == 1 and part[0].kind == "name":
                names.append(part[0].text)
            else:
                self._refuse(
                    f"expected a variable before `{self.tokens[at].text}`", part or self.tokens[at : at + 1]
                )
        return list(dict.fromkeys(names))

    def _join(self, left: list[str], operator: str, right: list[_Token]) -> None:
        whole = self._span(self.tokens)
        for name in left:
            self.draft.node(name, whole)
            if operator == "=~":
                self.draft.mark("unobserved", name, whole)
        for name, (free, span) in self._right(right, operator).items():
            self.draft.node(name, span)
            for other in left if free else ():
                self._draw(other, operator, name, span)

    def _right(self, tokens: list[_Token], operator: str) -> dict[str, tuple[bool, Span]]:
        """The variables after the operator: whether an arrow is drawn to each, and where it stands."""
        drawn: dict[str, tuple[bool, Span]] = {}
        for term in _split(tokens, "+"):
            for name, free in self._term(term, operator):
                earlier, _ = drawn.get(name, (False, None))
                drawn[name] = (free or earlier, self._span(term))
        return drawn

    def _draw(self, left: str, operator: str, right: str, span: Span) -> None:
        match operator:
            case "~":
                self.draft.edge(right, left, span=span)
            case "=~":
                self.draft.edge(left, right, span=span)
            case "~~" if left != right:
                self.draft.edge(left, right, bidirected=True, span=span)
            case _:
                pass  # a variance

    def _term(self, term: list[_Token], operator: str) -> list[tuple[str, bool]]:
        """The variables of a term, each with whether its arrow is drawn; none of an intercept."""
        *modifiers, variable = _split(term, "*", "?")
        alone = variable[0] if len(variable) == 1 else None
        if operator == "~" and alone is not None and alone.kind == "number" and alone.text in ("0", "1"):
            self.draft.ignore("1 (an intercept)", self._span(variable))
            return []
        names = variable[::2]
        colons = variable[1::2]
        if not variable or any(t.kind != "name" for t in names) or any(t.text != ":" for t in colons):
            self._refuse("expected a variable", variable or term or self.tokens[-1:])
            return []
        if len(variable) % 2 == 0:
            self._refuse("an interaction without its second variable", variable)
        free = self._is_free(modifiers, term)
        if len(names) > 1:
            self._note_product(":".join(t.text for t in names), variable, operator)
        return [(token.text, free) for token in names]

    def _note_product(self, product: str, tokens: list[_Token], operator: str) -> None:
        """A product of variables: a cause of the left side in each of them, and a term that no graph has."""
        if operator != "~":
            self._refuse(
                f"the product `{product}` beside `{operator}`", tokens, "products stand in regressions, `~`"
            )
            return
        message = f"the product `{product}` is left out: an arrow from each of its variables stands for it"
        label = f"declare it in the spec under `regressions:`, `interactions: [{product}]`"
        self.draft.note(message, self._span(tokens), label)

    def _is_free(self, modifiers: list[list[_Token]], term: list[_Token]) -> bool:
        fixed_at_0 = any(_zero(modifier) for modifier in modifiers) and "?" not in [
            token.text for token in term
        ]
        if fixed_at_0:
            self.draft.ignore("0* (an arrow fixed at 0)", self._span(term))
        elif modifiers:
            self.draft.ignore(
                f"{''.join(token.text for token in modifiers[0])}* (a modifier)", self._span(term)
            )
        return not fixed_at_0

    def _span(self, tokens: list[_Token]) -> Span:
        return self.source.span(tokens[0].start, tokens[-1].stop)

    def _refuse(self, message: str, tokens: list[_Token], label: str = "") -> None:
        self.draft.mistakes.error("DR171", f"not lavaan syntax: {message}", self._span(tokens), label)


def _split(tokens: list[_Token], *marks: str) -> list[list[_Token]]:
    """The parts between marks that stand outside parentheses; at least one, which may be empty."""
    parts: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.text in marks:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _zero(modifier: list[_Token]) -> bool:
    """`0`, or `c(0, 0)` for several groups."""
    match modifier:
        case [_Token(kind="number", text=text)] | [_Token(text="-" | "+"), _Token(kind="number", text=text)]:
            return float(text) == 0
        case [_Token(text="("), *inner, _Token(text=")")]:
            return _zero(inner)
        case [_Token(text="c"), _Token(text="("), *values, _Token(text=")")]:
            numbers = [token for token in values if token.text != ","]
            return bool(numbers) and all(
                token.kind == "number" and float(token.text) == 0 for token in numbers
            )
        case _:
            return False


def write(spec: Spec) -> Written:
    """A lavaan model with the arrows of the graph.

    An unobserved node without effects becomes a latent variable with a loading fixed at 0, and a node without
    edges a variance. Raises SpecError (DR173) for names that lavaan cannot hold.
    """
    rule = "names are letters, digits, `.` and `_`, begin with a letter, and are no word of R"
    check_names(spec, "lavaan", _fits, rule)
    directed = [edge for edge in spec.edges if not edge.bidirected]
    lines = [
        *_measurements(spec),
        *_sums("~", [(e.target, e.source) for e in directed if spec.nodes[e.source].observed]),
        *(f"{edge.source} ~~ {edge.target}" for edge in spec.edges if edge.bidirected),
    ]
    joined = {end for edge in spec.edges for end in (edge.source, edge.target)}
    lines += [
        f"{name} ~~ {name}" for name, node in spec.nodes.items() if name not in joined and node.observed
    ]
    header = "# sem() lets exogenous variables covary unless told otherwise (auto.cov.lv.x, fixed.x)"
    return Written("\n".join([header, *lines]) + "\n", losses(spec, Holds("lavaan", roles=False)))


def _fits(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and _WORDS_OF_R.fullmatch(name) is None


def _measurements(spec: Spec) -> list[str]:
    hidden = [name for name, node in spec.nodes.items() if not node.observed]
    loadings = [
        (e.source, e.target) for e in spec.edges if not e.bidirected and not spec.nodes[e.source].observed
    ]
    with_effects = {latent for latent, _ in loadings}
    for name in hidden:
        if name not in with_effects:
            loadings.append((name, f"0*{_stand_in(spec, name)}"))
    return _sums("=~", loadings)


def _stand_in(spec: Spec, latent: str) -> str:
    """A variable for a loading fixed at 0: an observed one where there is one."""
    others = [name for name in spec.nodes if name != latent]
    check_names(
        spec, "lavaan", lambda name: name != latent or bool(others), "a latent variable needs an indicator"
    )
    return next((name for name in others if spec.nodes[name].observed), others[0])


def _sums(operator: str, pairs: list[tuple[str, str]]) -> list[str]:
    """`left operator right + right`, a line for each left."""
    terms: dict[str, list[str]] = {}
    for left, right in pairs:
        terms.setdefault(left, []).append(right)
    return [f"{left} {operator} {' + '.join(right)}" for left, right in terms.items()]
