"""The causal graph and the questions that it answers by itself: kinship, separation, paths, implications."""

from dagreg.graph.causal import CausalGraph, analyse, to_networkx

__all__ = ["CausalGraph", "analyse", "to_networkx"]
