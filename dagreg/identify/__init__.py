"""From a causal graph and a query to its `Answer`: identified by one of the strategies, or not."""

from dagreg.identify.explain import identify
from dagreg.identify.types import Answer, Identified, NotIdentified, Query

__all__ = ["Answer", "Identified", "NotIdentified", "Query", "identify"]
