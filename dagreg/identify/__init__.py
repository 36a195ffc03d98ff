"""`CausalGraph` and a query to `Identified` or `NotIdentified`: one strategy a file."""
