"""From a causal graph and a query to `Identified` or `NotIdentified`."""

from dagreg.identify.explain import identify
from dagreg.identify.types import Answer, Identified, NotIdentified, Query

__all__ = ["Answer", "Identified", "NotIdentified", "Query", "identify"]
