"""Doubts about a result: diagnostics, implications against data, sensitivity, predictive checks."""
