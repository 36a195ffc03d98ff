"""GML, read and written by networkx; the attributes are those of `convert.networkx`."""

from __future__ import annotations

import re
from itertools import accumulate
from typing import Any

from dagreg.errors import Span
from dagreg.spec.convert.draft import Draft, Read, Written
from dagreg.spec.convert.losses import Holds, check_names, losses
from dagreg.spec.convert.networkx import fill, to_networkx
from dagreg.spec.source import MAX_NESTING, shorten
from dagreg.spec.types import Spec

_PLACE = re.compile(r" at \((\d+), (\d+)\)")
_QUOTED = re.compile(r'"[^"]*"')
_LIST_MARK = "_networkx_list_start"  # networkx's own; a label that is this would be read as a list


def read(text: str, name: str, file: str) -> Read:
    """The graph of GML text; nodes are called by their labels, without labels by their ids.

    Raises SpecError: DR171 where the text is not GML, DR172 where the graph has no directions.
    """
    draft = Draft(text)
    fill(draft, _parsed(draft, text, file))
    return draft.finish(name)


def _parsed(draft: Draft, text: str, file: str) -> Any:
    import networkx as nx

    if _depth(text) > MAX_NESTING:
        draft.refuse("DR107", "not GML: nested too deeply", None)
    try:
        return nx.parse_gml(text)
    except nx.NetworkXError as problem:
        if "no 'label' attribute" in str(problem):
            return _by_id(draft, text, file)
        draft.refuse(
            "DR171", f"not GML: {_PLACE.sub('', shorten(str(problem), 200))}", _place(str(problem), file)
        )
    except Exception as problem:  # what its parser meets unprepared: a number where a list belongs
        draft.refuse(
            "DR171", f"not GML: {shorten(str(problem), 200)}", None, "a list belongs where a value stands"
        )


def _depth(text: str) -> int:
    """How deep its lists are nested: networkx's parser descends into them, as far as the
    interpreter lets it.
    """
    steps = accumulate({"[": 1, "]": -1}.get(c, 0) for c in _QUOTED.sub("", text))
    return max(steps, default=0)


def _by_id(draft: Draft, text: str, file: str) -> Any:
    import networkx as nx

    try:
        return nx.parse_gml(text, label="id")
    except nx.NetworkXError as problem:
        draft.refuse(
            "DR171", f"not GML: {_PLACE.sub('', shorten(str(problem), 200))}", _place(str(problem), file)
        )


def _place(said: str, file: str) -> Span | None:
    place = _PLACE.search(said)
    return Span(file, int(place[1]), int(place[2]), int(place[2]) + 1) if place else None


def write(spec: Spec) -> Written:
    """GML text.

    Raises SpecError (DR173) for the one name that networkx keeps for itself.
    """
    import networkx as nx

    check_names(spec, "GML", lambda name: name != _LIST_MARK, "networkx keeps this name for itself")
    graph = to_networkx(spec)
    del graph.graph["name"]  # the file's
    return Written("\n".join(nx.generate_gml(graph)) + "\n", losses(spec, Holds("GML")))
