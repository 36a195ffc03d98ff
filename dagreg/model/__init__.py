"""`Identified`, `Spec` and a `DataSummary` to `Model`: the equations and the estimand."""
